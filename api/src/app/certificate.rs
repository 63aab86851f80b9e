//! Certificates of stations: signed on request, installed, listed, deleted; and passwords that change over OCPP.

use chrono::TimeDelta;
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::{Actor, Permission},
    admin::job::JobKind,
    command::{Command, CommandState},
    network::{
        certificate::{
            CertificateInstallation, CertificateRequestId, CertificateRequestState, CsrReport, MAX_PEM,
            StationCertificateId,
        },
        station::StationId,
    },
};
use stromtor_ocpp::{security as wire, v16::pnc};
use stromtor_persistence::{
    admin::job,
    ingest::From,
    network::{certificate_request, connection, parameter, security, station, station_certificate},
    tenancy::partner,
    tx::Tx,
};

use crate::{
    app::{
        ca::{Refusal, facts},
        order,
    },
    state::App,
};

/// Commands by which certificates and passwords reach stations, as `kind` names them.
pub mod kind {
    /// Brings a signed certificate.
    pub const SIGNED: &str = "certificate_signed";
    /// Installs a root certificate.
    pub const INSTALL: &str = "install_certificate";
    /// Asks which certificates are installed.
    pub const INSTALLED: &str = "get_installed_certificates";
    /// Deletes a certificate.
    pub const DELETE: &str = "delete_certificate";
    /// Brings a new password.
    pub const PASSWORD: &str = "rotate_password";
}

/// How long such a command waits for its station: it may be away for the night.
const WAITS: TimeDelta = TimeDelta::days(1);
/// Requests of one station that are kept per hour; a station that asks more often has gone wrong.
const PER_HOUR: i64 = 20;

/// SignCertificate: keeps the request and has it signed; whether a certificate may come.
pub async fn requested(app: &App, from: From, identity: &str, report: &CsrReport) -> Result<bool> {
    let mut tx = app.db.begin_ingest().await?;
    let hour_ago = tx.now() - TimeDelta::hours(1);
    if report.csr.len() > MAX_PEM * 2
        || certificate_request::count_since(&mut tx, from.station_id, hour_ago).await? >= PER_HOUR
    {
        return Ok(false);
    }
    let wrong = app.ca.check(&report.csr, report.certificate_type, identity).err();
    let fine = wrong.is_none();
    let id = certificate_request::create(&mut tx, from, report, wrong).await?;
    if fine {
        let payload = serde_json::json!({ "certificate_request_id": id });
        let now = tx.now();
        job::add(&mut tx, JobKind::SignCertificate, &id.to_string(), from.partner_id, payload, now).await?;
    }
    tx.commit().await?;
    Ok(fine)
}

/// Signs a request and gives the certificate to its station; repeated until it is done. Returns the transaction of the last
/// step, for the job to end with.
pub async fn sign(app: &App, mut tx: Tx, id: CertificateRequestId) -> Result<Tx> {
    let mut request = certificate_request::get(&mut tx, id).await?;
    if request.state == CertificateRequestState::Pending {
        let target = station::get(&mut tx, request.station_id).await?;
        let organisation = partner::get(&mut tx, target.partner_id).await?.input.name;
        // Nothing is held while an external CA thinks.
        tx.commit().await?;
        let identity = target.input.ocpp_identity.as_str();
        let outcome =
            app.ca.sign(&request.csr, request.certificate_type, identity, organisation.as_str(), &app.clock.0).await;
        tx = app.db.begin_worker().await?;
        match outcome {
            Ok(signed) => {
                let (chain, serial) = (&signed.chain, &signed.serial_number);
                certificate_request::signed(&mut tx, id, chain, serial, signed.valid_until).await?;
            }
            Err(Refusal::Final(reason)) => certificate_request::note_error(&mut tx, id, &reason, true).await?,
            Err(Refusal::Later(error)) => {
                certificate_request::note_error(&mut tx, id, &describe(&error), false).await?;
                tx.commit().await?;
                return Err(error);
            }
        }
        // A dead external CA must not have its answer thrown away: it is kept before the rest is tried.
        tx.commit().await?;
        tx = app.db.begin_worker().await?;
        request = certificate_request::get(&mut tx, id).await?;
    }
    let (CertificateRequestState::Signed, Some(chain)) = (request.state, &request.certificate_chain) else {
        return Ok(tx);
    };
    let target = station::get(&mut tx, request.station_id).await?;
    if target.dismantled_at.is_some() {
        certificate_request::note_error(&mut tx, id, "the station was dismantled", true).await?;
        return Ok(tx);
    }
    let version = order::version(&mut tx, &target).await?;
    let (action, payload) = wire::certificate_signed(&version, chain, request.certificate_type);
    let given = order::queue(app, &mut tx, &target, kind::SIGNED, action, payload, WAITS).await?;
    certificate_request::sent(&mut tx, id, given.id).await?;
    Ok(tx)
}

/// The cause of an error, for those who run the platform.
fn describe(error: &Error) -> String {
    match error {
        Error::Internal(cause) | Error::Unavailable(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// Whether a station of OCPP 1.6 has said that it knows ISO 15118.
async fn knows_plug_and_charge(tx: &mut Tx, id: StationId) -> Result<bool> {
    let said = parameter::named(tx, id, &[pnc::ENABLED.to_owned()]).await?;
    Ok(said.first().and_then(|said| said.value.as_deref()).is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// Installs a root certificate on a station.
pub async fn install(app: &App, actor: &Actor, id: StationId, root: CertificateInstallation) -> Result<Command> {
    let mut tx = app.begin(actor, Permission::StationWrite).await?;
    let target = station::get(&mut tx, id).await?;
    if root.certificate.len() > MAX_PEM {
        return Err(Error::invalid("/certificate", "has more than 5500 characters"));
    }
    let (_, end): (String, Timestamp) =
        facts(&root.certificate).map_err(|reason| Error::invalid("/certificate", reason))?;
    if end < tx.now() {
        return Err(Error::invalid("/certificate", "has ended"));
    }
    let version = order::version(&mut tx, &target).await?;
    let pnc = knows_plug_and_charge(&mut tx, id).await?;
    let worded = wire::install_certificate(&version, pnc, root.certificate_type, &root.certificate);
    let (action, payload) = worded.ok_or_else(|| {
        let message = format!("{version} cannot install a certificate of the type {}", root.certificate_type);
        Error::conflict("certificate_type_not_supported", message)
    })?;
    let given = order::queue(app, &mut tx, &target, kind::INSTALL, action, payload, WAITS).await?;
    tx.commit().await?;
    app.commands_due.notify_one();
    Ok(given)
}

/// Asks a station which certificates it holds.
pub async fn refresh(app: &App, actor: &Actor, id: StationId) -> Result<Vec<Command>> {
    let mut tx = app.begin(actor, Permission::StationWrite).await?;
    let target = station::get(&mut tx, id).await?;
    let version = order::version(&mut tx, &target).await?;
    let mut given = Vec::new();
    let pnc = knows_plug_and_charge(&mut tx, id).await?;
    for (action, payload) in wire::installed_certificate_ids(&version, pnc) {
        given.push(order::queue(app, &mut tx, &target, kind::INSTALLED, action, payload, WAITS).await?);
    }
    tx.commit().await?;
    app.commands_due.notify_one();
    Ok(given)
}

/// Has a station delete a certificate.
pub async fn delete(app: &App, actor: &Actor, id: StationId, certificate: StationCertificateId) -> Result<Command> {
    let mut tx = app.begin(actor, Permission::StationWrite).await?;
    let target = station::get(&mut tx, id).await?;
    let held = station_certificate::get(&mut tx, id, certificate).await?;
    let version = order::version(&mut tx, &target).await?;
    let (action, payload) = wire::delete_certificate(&version, held.certificate_type, &held.hash());
    let given = order::queue(app, &mut tx, &target, kind::DELETE, action, payload, WAITS).await?;
    tx.commit().await?;
    app.commands_due.notify_one();
    Ok(given)
}

/// Gives a station a new password that nobody sees.
pub async fn rotate_password(app: &App, actor: &Actor, id: StationId) -> Result<Command> {
    let mut tx = app.begin(actor, Permission::StationWrite).await?;
    let password = app.secrets.random_station_key()?;
    let target = security::begin_rotation(&mut tx, id, app.secrets.fingerprint(password.as_bytes())).await?;
    let version = order::version(&mut tx, &target).await?;
    let (action, payload) = wire::set_password(&version, &password);
    let given = order::queue(app, &mut tx, &target, kind::PASSWORD, action, payload, WAITS).await?;
    security::rotation_command(&mut tx, id, given.id).await?;
    tx.commit().await?;
    app.commands_due.notify_one();
    Ok(given)
}

/// What follows from the end of such a command.
pub async fn answered(tx: &mut Tx, ended: &Command) -> Result<()> {
    let response = ended.response.as_ref();
    let place = (ended.partner_id, ended.location_id, ended.station_id);
    match ended.kind.as_str() {
        kind::PASSWORD => {
            let refused = match ended.state {
                CommandState::Accepted => !response.is_some_and(wire::password_taken),
                CommandState::Rejected => true,
                // It never left. One that left and was not answered may have been taken: both passwords count.
                _ => ended.sent_at.is_none(),
            };
            if refused {
                security::end_rotation(tx, ended.station_id, ended.id).await?;
            } else if ended.state == CommandState::Accepted {
                // Whitepaper A01: it comes back with the new one. Some stations wait to be asked.
                connection::end(tx, ended.station_id).await?;
            }
        }
        kind::SIGNED => {
            let (state, error) = match ended.state {
                CommandState::Accepted => (CertificateRequestState::Accepted, None),
                CommandState::Rejected => (CertificateRequestState::Rejected, Some("the station refused it")),
                _ => (CertificateRequestState::Failed, Some(ended.error.as_deref().unwrap_or("no answer"))),
            };
            certificate_request::answered(tx, ended.id, state, error).await?;
        }
        kind::INSTALLED => {
            if let Some(read) = response.and_then(|answer| wire::installed(&ended.payload, answer)) {
                station_certificate::replace(tx, place, read.asked.as_deref(), &read.held).await?;
            }
        }
        kind::DELETE => {
            if let Some(hash) = response.and_then(|answer| wire::deleted(&ended.payload, answer)) {
                station_certificate::remove(tx, ended.station_id, &hash).await?;
            }
        }
        _ => {}
    }
    Ok(())
}
