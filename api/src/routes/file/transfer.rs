//! The URLs that stations are given: upload a log, download firmware.

use poem::Request;
use poem_openapi::{ApiResponse, OpenApi, param::Path};
use stromtor_domain::{Error, Result, file::station_file::safe_name};
use stromtor_persistence::file::{
    firmware_image, log_request, station_file,
    transfer::{self, Purpose, Transfer},
};

use crate::{
    download::{Download, FileView},
    problem::Failure,
    routes::Tag,
    state::App,
    transfer::Appended,
    upload::{Incoming, Upload},
};

/// Operations of stations on files.
pub struct TransferApi(pub App);

/// A file was taken in.
#[derive(ApiResponse)]
enum Received {
    /// The file is kept.
    #[oai(status = 200)]
    Ok,
}

#[OpenApi(prefix_path = "/transfer", tag = "Tag::StationFiles")]
impl TransferApi {
    /// Upload a file as a station
    ///
    /// The URL is the one that the station was given with GetDiagnostics or GetLog; it may append a file name. An upload that
    /// broke off may be repeated; once one has succeeded there is no second. No token is needed beside the one in the URL.
    ///
    /// Public.
    #[oai(path = "/:transfer_token", method = "put", operation_id = "transfer_put")]
    async fn put(
        &self,
        request: &Request,
        /// The secret of the URL.
        transfer_token: Path<String>,
        upload: Upload,
    ) -> poem::Result<Received> {
        self.receive(request, &transfer_token.0, upload).await
    }

    /// Upload a file as a station, by POST
    ///
    /// The same as PUT, for stations that send forms.
    ///
    /// Public.
    #[oai(path = "/:transfer_token", method = "post", operation_id = "transfer_post")]
    async fn post(
        &self,
        request: &Request,
        /// The secret of the URL.
        transfer_token: Path<String>,
        upload: Upload,
    ) -> poem::Result<Received> {
        self.receive(request, &transfer_token.0, upload).await
    }

    /// Download a file as a station
    ///
    /// The URL is the one that the station was given with UpdateFirmware; it works until it expires, also with HEAD and for
    /// one range of bytes. No token is needed beside the one in the URL.
    ///
    /// Public.
    #[oai(path = "/:transfer_token", method = "get", operation_id = "transfer_get")]
    async fn get(
        &self,
        request: &Request,
        /// The secret of the URL.
        transfer_token: Path<String>,
    ) -> poem::Result<Download> {
        let (right, _) = self.right(&transfer_token.0).await.map_err(Failure)?;
        let Purpose::Download(image_id, _) = right.purpose else { return Err(nothing().into()) };
        let view = async {
            let mut tx = self.0.db.begin_worker().await?;
            let image = firmware_image::get(&mut tx, image_id).await?;
            let key = firmware_image::object_key(&mut tx, image_id).await?;
            tx.commit().await?;
            super::firmware_image::view(&image, key)
        };
        let view: FileView = view.await.map_err(Failure)?;
        Ok(Download::of(&self.0.files, request, view).await.map_err(Failure)?)
    }
}

/// No such URL, or not for this, or not any more: a stranger learns no difference.
fn nothing() -> Failure {
    Failure(Error::NotFound("transfer"))
}

impl TransferApi {
    /// The right behind a secret, and the secret's fingerprint.
    async fn right(&self, token: &str) -> Result<(Transfer, Vec<u8>)> {
        let hmac = self.0.secrets.fingerprint(token.as_bytes());
        let mut tx = self.0.db.begin_worker().await?;
        let right = transfer::find(&mut tx, &hmac).await?;
        tx.commit().await?;
        Ok((right.ok_or(Error::NotFound("transfer"))?, hmac))
    }

    async fn receive(&self, request: &Request, token: &str, upload: Upload) -> poem::Result<Received> {
        let app = &self.0;
        let (right, hmac) = self.right(token).await.map_err(Failure)?;
        let Purpose::Upload(request_id) = right.purpose else { return Err(nothing().into()) };
        let taken = || Failure(Error::conflict("transfer_used", "the file was uploaded already"));
        if right.used {
            return Err(taken().into());
        }
        let Incoming { name, content_type, body } = upload.begin().await?;
        let key = format!("station-files/{}", app.clock.id());
        let stored = app.files.put(key, body, app.config.files.max_upload_bytes).await?;
        let appended = request.extensions().get::<Appended>().map(|Appended(name)| name.clone());
        let kept = async {
            let mut tx = app.db.begin_worker().await?;
            let asked = log_request::get(&mut tx, request_id).await?;
            let named = [name, appended, asked.file_name.clone()].into_iter().flatten();
            let name = named.filter_map(|name| safe_name(&name)).next();
            let name = name.unwrap_or_else(|| format!("{}-{}.log", asked.kind, asked.ocpp_request_id));
            let kept = station_file::keep(&mut tx, &hmac, &right, &name, &content_type, &stored).await?;
            tx.commit().await?;
            Ok::<_, Error>(kept)
        };
        let outcome = kept.await;
        if !matches!(outcome, Ok(Some(_)))
            && let Err(error) = app.files.delete(&stored.key).await
        {
            tracing::warn!(%error, key = stored.key, "a file that nothing refers to is left");
        }
        match outcome.map_err(Failure)? {
            Some(_) => Ok(Received::Ok),
            None => Err(taken().into()),
        }
    }
}
