//! Certificates that stations ask for, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    network::{
        certificate::{CertificateRequest, CertificateRequestId, CertificateRequestState},
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::certificate_request::{self, CertificateRequestFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on requests for certificates.
pub struct CertificateRequestApi(pub App);

#[OpenApi(prefix_path = "/v1/certificate-requests", tag = "Tag::Security")]
impl CertificateRequestApi {
    /// List requests for certificates
    ///
    /// What stations asked to be signed, newest first, a page at a time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "certificate_request_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// Of stations at this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// This far.
        state: Query<Option<CertificateRequestState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<CertificateRequest>> {
        let filter = CertificateRequestFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            state: state.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::StationRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Read a request for a certificate
    ///
    /// Permission: `station:read`
    #[oai(path = "/:certificate_request_id", method = "get", operation_id = "certificate_request_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        certificate_request_id: Path<CertificateRequestId>,
    ) -> Answer<Found<CertificateRequest>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = certificate_request::get(&mut tx, certificate_request_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
