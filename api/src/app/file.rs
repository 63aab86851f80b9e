//! Logs from stations and firmware to them: a row that says what is wanted, the right to transfer one file, and the command
//! that asks the station, all in one transaction.

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::{Actor, Permission},
    command::Command,
    file::{
        firmware_image::FirmwareImage,
        firmware_publication::{FirmwarePublication, FirmwarePublicationId, FirmwarePublicationInput},
        firmware_update::{FirmwareUpdate, FirmwareUpdateInput},
        log_request::{LogRequest, LogRequestInput},
        station_file::safe_name,
    },
    network::station::{Station, StationId},
    product::product::Feature,
};
use stromtor_ocpp::{
    file::{self as ocpp, FirmwareCall, LogCall},
    v201,
    version::Version,
};
use stromtor_persistence::{
    command::number,
    file::{
        firmware_image, firmware_publication, firmware_update, log_request,
        transfer::{self, Purpose, Transfer},
    },
    ingest::From,
    network::station,
    product::needs,
    tx::Tx,
};

use crate::{app::command, state::App, transfer::PREFIX};

/// A station that is to be asked for something, and the version of OCPP it spoke last.
struct Asked {
    tx: Tx,
    station: Station,
    version: Version,
    expires_in: TimeDelta,
}

async fn ask(
    app: &App,
    actor: &Actor,
    permission: Permission,
    feature: Option<Feature>,
    station_id: StationId,
    expires_in_s: Option<u32>,
) -> Result<Asked> {
    let expires_in = command::expiry(expires_in_s)?;
    let mut tx = app.begin(actor, permission).await?;
    let found = station::get(&mut tx, station_id).await?;
    if found.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station takes no commands"));
    }
    if let Some(feature) = feature {
        needs::require(&mut tx, &[station_id], feature).await?;
    }
    let spoken = station::live(&mut tx, station_id).await?.ocpp_version;
    let Some(version) = spoken.as_deref().and_then(Version::parse) else {
        let message = "the station has never connected, so its version of OCPP is not known";
        return Err(Error::conflict("station_never_connected", message));
    };
    Ok(Asked { tx, station: found, version, expires_in })
}

impl Asked {
    /// Gives the command that asks. URLs hold secrets: they are masked in what is kept, and sealed until it is sent.
    async fn call(&mut self, app: &App, kind: &'static str, call: (&str, Value)) -> Result<Command> {
        let (action, payload) = call;
        let target = From::new(self.station.id, self.station.partner_id, self.station.input.location_id);
        let (version, expires_in) = (self.version, self.expires_in);
        command::note_call(app, &mut self.tx, target, kind, version, None, action, payload, expires_in).await
    }

    /// The right to transfer one file, from `from` on for as long as configured.
    async fn allow(&mut self, app: &App, token: &str, purpose: Purpose, from: Timestamp) -> Result<()> {
        let right = Transfer {
            partner_id: self.station.partner_id,
            location_id: self.station.input.location_id,
            station_id: self.station.id,
            purpose,
            used: false,
        };
        let until = from + self.expires_in + TimeDelta::hours(app.config.files.token_ttl_h.into());
        transfer::create(&mut self.tx, app.secrets.fingerprint(token.as_bytes()), &right, until).await
    }
}

/// The URL by which a station transfers a file; some need a name at its end.
fn url(app: &App, token: &str, name: Option<&str>) -> String {
    let base = match app.config.files.station_url.trim_end_matches('/') {
        "" => app.public_url.as_str(),
        configured => configured,
    };
    let name = name.map(|name| format!("/{name}")).unwrap_or_default();
    format!("{base}{PREFIX}{token}{name}")
}

/// What an image's file is called.
#[must_use]
pub fn image_name(image: &FirmwareImage) -> String {
    safe_name(image.input.name.as_str()).unwrap_or_else(|| "firmware.bin".into())
}

/// Asks a station to upload a log.
pub async fn request_log(
    app: &App,
    actor: &Actor,
    station_id: StationId,
    input: LogRequestInput,
    expires_in_s: Option<u32>,
) -> Result<LogRequest> {
    let mut asked =
        ask(app, actor, Permission::CommandExecute, Some(Feature::Monitoring), station_id, expires_in_s).await?;
    input.check()?;
    let request_id = number(&mut asked.tx).await?;
    let token = app.secrets.random_token()?;
    let call = LogCall {
        request_id,
        kind: input.kind,
        location: input.upload_url.as_ref().map_or_else(|| url(app, &token, None), |own| own.as_str().to_owned()),
        from: input.from,
        to: input.to,
        retries: input.retries,
        retry_interval_s: input.retry_interval_s,
    };
    let given = asked.call(app, "log_request", ocpp::log(asked.version, &call)).await?;
    let request = log_request::create(&mut asked.tx, &asked.station, request_id, given.id, &input).await?;
    if input.upload_url.is_none() {
        let now = asked.tx.now();
        asked.allow(app, &token, Purpose::Upload(request.id), now).await?;
    }
    asked.tx.commit().await?;
    app.commands_due.notify_one();
    Ok(request)
}

/// Gives a station new firmware.
pub async fn update_firmware(
    app: &App,
    actor: &Actor,
    station_id: StationId,
    input: FirmwareUpdateInput,
    expires_in_s: Option<u32>,
) -> Result<FirmwareUpdate> {
    let mut asked =
        ask(app, actor, Permission::FirmwareExecute, Some(Feature::Firmware), station_id, expires_in_s).await?;
    input.check()?;
    let image = firmware_image::for_station(&mut asked.tx, input.firmware_image_id, &asked.station).await?;
    if firmware_update::running(&mut asked.tx, station_id).await? {
        return Err(firmware_update::busy());
    }
    let signature = image.input.signing_certificate.as_ref().zip(image.input.signature.as_ref());
    let signed = input.signed.unwrap_or(signature.is_some());
    if signed && signature.is_none() {
        return Err(Error::invalid("/signed", "the image has no signature"));
    }
    if !signed && input.install_at.is_some() && asked.version == Version::V16 {
        return Err(Error::invalid("/install_at", "OCPP 1.6 knows it in signed updates alone"));
    }
    let now = asked.tx.now();
    let retrieve_at = input.retrieve_at.unwrap_or(now);
    let request_id = number(&mut asked.tx).await?;
    let token = app.secrets.random_token()?;
    let call = FirmwareCall {
        request_id,
        location: url(app, &token, Some(&image_name(&image))),
        retrieve_at,
        install_at: input.install_at,
        signature: signature
            .filter(|_| signed)
            .map(|(certificate, signature)| (certificate.as_str().to_owned(), signature.as_str().to_owned())),
        retries: input.retries,
        retry_interval_s: input.retry_interval_s,
    };
    let given = asked.call(app, "firmware_update", ocpp::firmware(asked.version, &call)).await?;
    let new =
        firmware_update::NewFirmwareUpdate { ocpp_request_id: request_id, command_id: given.id, signed, retrieve_at };
    let update = firmware_update::create(&mut asked.tx, &asked.station, &image, &input, new).await?;
    asked.allow(app, &token, Purpose::Download(image.id, Some(update.id)), retrieve_at.max(now)).await?;
    asked.tx.commit().await?;
    app.commands_due.notify_one();
    Ok(update)
}

/// Local controllers are there since OCPP 2.0.1.
fn only_v2(version: Version) -> Result<()> {
    if version == Version::V16 {
        return Err(Error::conflict("not_in_ocpp_version", "OCPP 1.6 knows no publishing of firmware"));
    }
    Ok(())
}

/// Has a local controller serve an image.
pub async fn publish_firmware(
    app: &App,
    actor: &Actor,
    station_id: StationId,
    input: FirmwarePublicationInput,
    expires_in_s: Option<u32>,
) -> Result<FirmwarePublication> {
    let mut asked =
        ask(app, actor, Permission::FirmwareExecute, Some(Feature::Firmware), station_id, expires_in_s).await?;
    input.check()?;
    only_v2(asked.version)?;
    // What it serves is for the stations behind it: the controller's own model does not matter.
    let image = firmware_image::usable(&mut asked.tx, input.firmware_image_id, &asked.station).await?;
    let request_id = number(&mut asked.tx).await?;
    let token = app.secrets.random_token()?;
    let location = url(app, &token, Some(&image_name(&image)));
    let checksum = image.md5.as_deref().unwrap_or_default();
    let call = v201::file::publish(request_id, &location, checksum, input.retries, input.retry_interval_s);
    let given = asked.call(app, "firmware_publication", call).await?;
    let publication = firmware_publication::create(&mut asked.tx, &asked.station, &image, request_id, given.id).await?;
    let now = asked.tx.now();
    asked.allow(app, &token, Purpose::Download(image.id, None), now).await?;
    asked.tx.commit().await?;
    app.commands_due.notify_one();
    Ok(publication)
}

/// Has a local controller serve an image no longer.
pub async fn unpublish_firmware(
    app: &App,
    actor: &Actor,
    id: FirmwarePublicationId,
    expires_in_s: Option<u32>,
) -> Result<FirmwarePublication> {
    let mut tx = app.begin(actor, Permission::FirmwareExecute).await?;
    let station_id = firmware_publication::get(&mut tx, id).await?.station_id;
    tx.commit().await?;
    // What was published may be taken back without a product.
    let mut asked = ask(app, actor, Permission::FirmwareExecute, None, station_id, expires_in_s).await?;
    let published = firmware_publication::lock_published(&mut asked.tx, id).await?;
    let given = asked.call(app, "firmware_unpublication", v201::file::unpublish(&published.checksum)).await?;
    let changed = firmware_publication::unpublish(&mut asked.tx, published, given.id).await?;
    asked.tx.commit().await?;
    app.commands_due.notify_one();
    Ok(changed)
}
