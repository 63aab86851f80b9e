//! Stations at the door: who one is by password and certificate, the security profile that this makes (OCPP security whitepaper
//! ed. 2 section 2; OCPP 2.0.1 A00), and how thousands come and go at once.

use stromtor_domain::{
    Result,
    network::{quirk::Quirk, station::StationId, tolerance::Tolerances},
};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// 0 nothing, 1 password, 2 password over TLS, 3 client certificate.
    pub security_profile: i16,
    /// Whether the password was the one that is on its way to it: it arrived.
    pub new_password: bool,
    /// What had to be forgiven.
    pub quirks: Vec<Quirk>,
}

/// Judges a known station; none when it may not come in. Another spelling of its identity changes nothing of what it must show.
#[must_use]
pub fn judge(secrets: &Secrets, knock: &Knock, known: &Known, tolerances: &Tolerances) -> Option<Shown> {
    let mut quirks = Vec::new();
    if knock.identity != known.identity {
        quirks.push(Quirk::IdentityAlias);
    }
    let given = Given::read(knock, known, tolerances, &mut quirks);
    let (old, new) = (known.password_hmac.as_deref(), known.next_password_hmac.as_deref());
    let (fits_old, fits_new) = (given.fits(secrets, old), given.fits(secrets, new));
    let security_profile = match &knock.transport {
        // Another station's certificate lets nobody in, whatever password comes with it.
        Transport::Tls { certificate: Some(certificate) } => {
            let named = certificate.names(&knock.identity) || certificate.names(&known.identity);
            named.then_some(3)
        }
        transport => {
            // A wrong password is wrong even where none is asked for.
            let wrong = given != Given::Nothing && old.is_some();
            match (fits_old || fits_new, transport) {
                (true, Transport::Plain) => Some(1),
                (true, Transport::Tls { .. }) => Some(2),
                (false, _) => (!wrong && !known.settings.password_required).then_some(0),
            }
        }
    };
    let security_profile = security_profile.filter(|shown| *shown >= known.security_profile)?;
    if given.as_hex(secrets, old) || given.as_hex(secrets, new) {
        quirks.push(Quirk::PasswordAsHex);
    }
    Some(Shown { security_profile, new_password: fits_new && !fits_old, quirks })
}

/// The password of Basic authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given<'a> {
    /// None.
    Nothing,
    /// One, but by another user.
    OfAnother,
    /// One.
    Password(&'a [u8]),
}

impl<'a> Given<'a> {
    fn read(knock: &'a Knock, known: &Known, tolerances: &Tolerances, quirks: &mut Vec<Quirk>) -> Self {
        let Some((user, password)) = &knock.basic else { return Self::Nothing };
        if password.is_empty() && tolerances.empty_password == Some(true) {
            quirks.push(Quirk::EmptyPassword);
            return Self::Nothing;
        }
        if ![&knock.identity, &known.identity].iter().any(|name| user.eq_ignore_ascii_case(name)) {
            return Self::OfAnother;
        }
        if *user != knock.identity {
            quirks.push(Quirk::UserDiffers);
        }
        Self::Password(password)
    }

    fn fits(self, secrets: &Secrets, hmac: Option<&[u8]>) -> bool {
        match (self, hmac) {
            (Self::Password(password), Some(hmac)) => {
                secrets.matches(password, hmac) || self.as_hex(secrets, Some(hmac))
            }
            _ => false,
        }
    }

    /// Whitepaper ed. 2: raw bytes; some stations send the key's hexadecimal text.
    fn as_hex(self, secrets: &Secrets, hmac: Option<&[u8]>) -> bool {
        let (Self::Password(password), Some(hmac)) = (self, hmac) else { return false };
        let raw = std::str::from_utf8(password).ok().and_then(|text| hex::decode(text).ok());
        raw.is_some_and(|raw| secrets.matches(&raw, hmac))
    }
}
