//! Certificates on stations, and the CA that signs their own, over REST.

use poem::Request;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use serde::Serialize;
use stromtor_domain::{
    Error,
    actor::Permission,
    command::Command,
    network::{
        certificate::{CertificateAuthority, CertificateInstallation, StationCertificate, StationCertificateId},
        station::StationId,
    },
    page::PageRequest,
};
use stromtor_persistence::network::{station, station_certificate::StationCertificateFilter};

use super::command::Given;
use crate::{
    app::certificate,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations on certificates.
pub struct CertificateApi(pub App);

/// The commands that ask a station.
#[derive(Debug, Clone, Serialize, Object)]
struct CommandsGiven {
    /// One for OCPP 2.0.1, one for each type for 1.6.
    commands: Vec<Command>,
}

/// Several commands that were given.
#[derive(ApiResponse)]
enum SeveralGiven {
    /// They are on their way.
    #[oai(status = 202)]
    Accepted(Json<CommandsGiven>),
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Security")]
impl CertificateApi {
    /// Read the stations' CA
    ///
    /// Its certificate, to be trusted by whoever verifies stations. Not found when an external CA signs.
    ///
    /// Permission: `station:read`
    #[oai(path = "/certificate-authority", method = "get", operation_id = "certificate_authority_get")]
    async fn authority(&self, Auth(actor): Auth) -> Answer<Found<CertificateAuthority>> {
        let tx = self.0.begin(&actor, Permission::StationRead).await?;
        tx.commit().await?;
        let ours = self.0.ca.describe()?.ok_or(Error::NotFound("certificate authority"))?;
        Ok(Found::plain(ours))
    }

    /// List a station's certificates
    ///
    /// Those that it said it holds when it was last asked, oldest first, a page at a time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/certificates", method = "get", operation_id = "station_certificate_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationCertificate>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        station::get(&mut tx, station_id.0).await?;
        tx.commit().await?;
        list(
            &self.0,
            request,
            &actor,
            Permission::StationRead,
            StationCertificateFilter { station_id: station_id.0 },
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Install a root certificate on a station
    ///
    /// Refused with `certificate_type_not_supported` when the station's OCPP version does not have the type: 1.6 knows
    /// `central_system_root` and `manufacturer_root`. Ask afterwards which certificates it holds.
    ///
    /// Permission: `station:write`
    #[oai(path = "/stations/:station_id/certificates", method = "post", operation_id = "station_certificate_install")]
    async fn install(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        Body(root): Body<CertificateInstallation>,
    ) -> Answer<Given> {
        Ok(Given::now(certificate::install(&self.0, &actor, station_id.0, root).await?))
    }

    /// Ask a station which certificates it holds
    ///
    /// Its answer becomes the list of its certificates.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/stations/:station_id/certificates/refresh",
        method = "post",
        operation_id = "station_certificate_refresh"
    )]
    async fn refresh(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<SeveralGiven> {
        let commands = certificate::refresh(&self.0, &actor, station_id.0).await?;
        Ok(SeveralGiven::Accepted(Json(CommandsGiven { commands })))
    }

    /// Delete a certificate from a station
    ///
    /// It leaves the list when the station has deleted it.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/stations/:station_id/certificates/:station_certificate_id",
        method = "delete",
        operation_id = "station_certificate_delete"
    )]
    async fn delete(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        station_certificate_id: Path<StationCertificateId>,
    ) -> Answer<Given> {
        let given = certificate::delete(&self.0, &actor, station_id.0, station_certificate_id.0).await?;
        Ok(Given::now(given))
    }
}
