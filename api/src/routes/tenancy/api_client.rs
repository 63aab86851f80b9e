//! API clients over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::api_client::{ApiClient, ApiClientId, ApiClientInput, ApiClientSecret},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::tenancy::api_client::{self, ApiClientFilter};

use crate::{
    app::identity,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on API clients.
pub struct ApiClientApi(pub App);

#[OpenApi(prefix_path = "/v1/api-clients", tag = "Tag::ApiClients")]
impl ApiClientApi {
    /// List API clients
    ///
    /// Every API client in your scope, oldest first, a page at a time.
    ///
    /// Permission: `api_client:read`
    #[oai(path = "/", method = "get", operation_id = "api_client_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ApiClient>> {
        let filter = ApiClientFilter { partner_id: partner_id.0, external_id: external_id.0 };
        list(
            &self.0,
            request,
            &actor,
            Permission::ApiClientRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create an API client
    ///
    /// The answer shows its secret, this once. It may not do more than you may yourself.
    ///
    /// Permission: `api_client:write`
    #[oai(path = "/", method = "post", operation_id = "api_client_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<ApiClientInput>,
    ) -> Answer<Created<ApiClientSecret>> {
        let mut tx = self.0.begin(&actor, Permission::ApiClientWrite).await?;
        identity::may_grant(&actor, &input.permissions)?;
        identity::may_see(&actor, input.location_ids.as_deref())?;
        let partner_id = tx.partner(partner_id.0).await?;
        let client_id = format!("client-{}", self.0.clock.id().simple());
        let client_secret = self.0.secrets.random_token()?;
        let hmac = self.0.secrets.fingerprint(client_secret.as_bytes());
        let created = api_client::create(&mut tx, partner_id, input, client_id, hmac).await?;
        tx.commit().await?;
        let shown = ApiClientSecret { id: created.id, client_id: created.client_id, client_secret };
        Ok(Created::at(format!("/v1/api-clients/{}", created.id), shown, created.revision))
    }

    /// Read an API client
    ///
    /// Permission: `api_client:read`
    #[oai(path = "/:api_client_id", method = "get", operation_id = "api_client_get")]
    async fn get(&self, Auth(actor): Auth, api_client_id: Path<ApiClientId>) -> Answer<Found<ApiClient>> {
        let mut tx = self.0.begin(&actor, Permission::ApiClientRead).await?;
        let found = api_client::get(&mut tx, api_client_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an API client
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `api_client:write`
    #[oai(path = "/:api_client_id", method = "put", operation_id = "api_client_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        api_client_id: Path<ApiClientId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ApiClientInput>,
    ) -> Answer<Found<ApiClient>> {
        self.change(&actor, api_client_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an API client
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `api_client:write`
    #[oai(path = "/:api_client_id", method = "patch", operation_id = "api_client_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        api_client_id: Path<ApiClientId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ApiClientInput>>,
    ) -> Answer<Found<ApiClient>> {
        self.change(&actor, api_client_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an API client
    ///
    /// It can log in no more.
    ///
    /// Permission: `api_client:write`
    #[oai(path = "/:api_client_id", method = "delete", operation_id = "api_client_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        api_client_id: Path<ApiClientId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::ApiClientWrite).await?;
        api_client::delete(&mut tx, api_client_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Rotate an API client's secret
    ///
    /// The old secret ends at once; the answer shows the new one, this once.
    ///
    /// Permission: `api_client:write`
    #[oai(path = "/:api_client_id/secret", method = "post", operation_id = "api_client_rotate_secret")]
    async fn rotate_secret(
        &self,
        Auth(actor): Auth,
        api_client_id: Path<ApiClientId>,
    ) -> Answer<Found<ApiClientSecret>> {
        let mut tx = self.0.begin(&actor, Permission::ApiClientWrite).await?;
        let current = api_client::get(&mut tx, api_client_id.0).await?;
        // Whoever holds the secret may do what the client may.
        identity::may_grant(&actor, &current.input.permissions)?;
        let client_secret = self.0.secrets.random_token()?;
        let hmac = self.0.secrets.fingerprint(client_secret.as_bytes());
        let changed = api_client::set_secret(&mut tx, api_client_id.0, hmac).await?;
        tx.commit().await?;
        let shown = ApiClientSecret { id: changed.id, client_id: changed.client_id, client_secret };
        Ok(Found::versioned(shown, changed.revision))
    }
}

impl ApiClientApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ApiClientId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ApiClientInput) -> stromtor_domain::Result<ApiClientInput> + Send,
    ) -> Answer<Found<ApiClient>> {
        let mut tx = self.0.begin(actor, Permission::ApiClientWrite).await?;
        let changed = api_client::update(&mut tx, id, if_match(if_match_header)?, |current| {
            let input = change(current)?;
            identity::may_grant(actor, &input.permissions)?;
            identity::may_see(actor, input.location_ids.as_deref())?;
            Ok(input)
        })
        .await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
