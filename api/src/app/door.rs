//! Stations at the door: who one is by password and certificate, the security profile that this makes (OCPP security whitepaper
//! ed. 2 section 2; OCPP 2.0.1 A00), and how thousands come and go at once.

use stromtor_domain::{Result, network::station::StationId};
use stromtor_ocpp::backend::{Knock, Transport};
use stromtor_persistence::ingest::{self, Arrival, Departure, Known};
use tokio_util::task::TaskTracker;

use crate::{
    app::batch::{Batcher, Work},
    secrets::Secrets,
    state::App,
};

/// Those who come and go at the same time, together.
#[derive(Debug)]
pub struct Door {
    /// Who has this identity.
    pub who: Batcher<Who>,
    /// Connections that begin: their epochs; none when the station has changed since it was let in.
    pub arrivals: Batcher<Arrivals>,
    /// Connections that ended.
    pub departures: Batcher<Departures>,
}

impl Door {
    /// Starts the workers.
    #[must_use]
    pub fn start(app: &App, tasks: &TaskTracker) -> Self {
        Self {
            who: Batcher::start(Who(app.clone()), tasks),
            arrivals: Batcher::start(Arrivals(app.clone()), tasks),
            departures: Batcher::start(Departures(app.clone()), tasks),
        }
    }
}

/// Looks identities up.
pub struct Who(App);

impl Work for Who {
    type Item = String;
    type Done = Option<Known>;
    type Key = String;

    fn key(identity: &String) -> String {
        identity.clone()
    }

    async fn all(&self, identities: &[String]) -> Result<Vec<Option<Known>>> {
        let mut tx = self.0.db.begin_ingest().await?;
        let known = ingest::find(&mut tx, identities).await?;
        tx.commit().await?;
        Ok(known)
    }
}

/// Notes connections that begin.
pub struct Arrivals(App);

impl Work for Arrivals {
    type Item = Arrival;
    type Done = Option<i64>;
    type Key = StationId;

    fn key(arrival: &Arrival) -> StationId {
        arrival.from.station_id
    }

    async fn all(&self, arrivals: &[Arrival]) -> Result<Vec<Option<i64>>> {
        let mut tx = self.0.db.begin_ingest().await?;
        let epochs = ingest::connected(&mut tx, arrivals).await?;
        tx.commit().await?;
        Ok(epochs)
    }
}

/// Notes connections that ended.
pub struct Departures(App);

impl Work for Departures {
    type Item = Departure;
    type Done = ();
    type Key = (StationId, i64);

    fn key(departure: &Departure) -> (StationId, i64) {
        (departure.from.station_id, departure.epoch)
    }

    async fn all(&self, departures: &[Departure]) -> Result<Vec<()>> {
        let mut tx = self.0.db.begin_ingest().await?;
        ingest::disconnected(&mut tx, departures).await?;
        tx.commit().await?;
        Ok(vec![(); departures.len()])
    }
}

/// What a station has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// 0 nothing, 1 password, 2 password over TLS, 3 client certificate.
    pub security_profile: i16,
    /// Whether the password was the one that is on its way to it: it arrived.
    pub new_password: bool,
}

/// Judges a known station; none when it may not come in.
#[must_use]
pub fn judge(secrets: &Secrets, knock: &Knock, known: &Known) -> Option<Shown> {
    let shown = match &knock.transport {
        // Another station's certificate lets nobody in, whatever password comes with it.
        Transport::Tls { certificate: Some(certificate) } => certificate.names(&knock.identity).then_some(Shown {
            security_profile: 3,
            new_password: fits(secrets, knock, known.next_password_hmac.as_deref()),
        }),
        Transport::Tls { certificate: None } => by_password(secrets, knock, known, 2),
        Transport::Plain => by_password(secrets, knock, known, 1),
    };
    shown.filter(|shown| shown.security_profile >= known.security_profile)
}

fn by_password(secrets: &Secrets, knock: &Knock, known: &Known, security_profile: i16) -> Option<Shown> {
    if fits(secrets, knock, known.password_hmac.as_deref()) {
        return Some(Shown { security_profile, new_password: false });
    }
    if fits(secrets, knock, known.next_password_hmac.as_deref()) {
        return Some(Shown { security_profile, new_password: true });
    }
    // A wrong password is wrong even where none is asked for.
    let wrong = knock.basic.is_some() && known.password_hmac.is_some();
    (!wrong && !known.settings.password_required).then_some(Shown { security_profile: 0, new_password: false })
}

fn fits(secrets: &Secrets, knock: &Knock, hmac: Option<&[u8]>) -> bool {
    let (Some((user, password)), Some(hmac)) = (&knock.basic, hmac) else { return false };
    // Whitepaper ed. 2: raw bytes; some stations send the key's hexadecimal text.
    let unhex = std::str::from_utf8(password).ok().and_then(|text| hex::decode(text).ok());
    *user == knock.identity && (secrets.matches(password, hmac) || unhex.is_some_and(|raw| secrets.matches(&raw, hmac)))
}
