//! Parameter templates over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use stromtor_domain::{
    Error,
    actor::{Actor, Permission},
    network::{
        parameter::{
            ParameterDrift, ParameterTemplate, ParameterTemplateId, ParameterTemplateInput, TemplateApplication,
        },
        station::StationId,
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::{
    parameter::{self as template, DriftFilter, ParameterTemplateFilter},
    station,
};

use crate::{
    app::{
        command::{expiry, target},
        parameter,
    },
    auth::Auth,
    list::{List, Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::{Tag, network::parameter::GivenMany},
    state::App,
};

/// Operations on notes.
pub struct ParameterTemplateApi(pub App);

#[OpenApi(prefix_path = "/v1/parameter-templates", tag = "Tag::Parameters")]
impl ParameterTemplateApi {
    /// List parameter templates
    ///
    /// Named sets of parameters (quick configuration), newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "parameter_template_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ParameterTemplate>> {
        let filter = ParameterTemplateFilter { partner_id: partner_id.0 };
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

    /// Create a parameter template
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "parameter_template_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it belongs to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<ParameterTemplateInput>,
    ) -> Answer<Created<ParameterTemplate>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let owner = tx.partner(partner_id.0).await?;
        let created = template::create(&mut tx, owner, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/parameter-templates/{}", created.id), created.clone(), created.revision))
    }

    /// Read a parameter template
    ///
    /// Permission: `station:read`
    #[oai(path = "/:parameter_template_id", method = "get", operation_id = "parameter_template_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
    ) -> Answer<Found<ParameterTemplate>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = template::get(&mut tx, parameter_template_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a parameter template
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:parameter_template_id", method = "put", operation_id = "parameter_template_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ParameterTemplateInput>,
    ) -> Answer<Found<ParameterTemplate>> {
        self.change(&actor, parameter_template_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a parameter template
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:parameter_template_id", method = "patch", operation_id = "parameter_template_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ParameterTemplateInput>>,
    ) -> Answer<Found<ParameterTemplate>> {
        self.change(&actor, parameter_template_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a parameter template
    ///
    /// It is gone; the audit log keeps what it said.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:parameter_template_id", method = "delete", operation_id = "parameter_template_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        template::delete(&mut tx, parameter_template_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Apply a parameter template
    ///
    /// To many stations at once: for each station a command for each parameter (OCPP 1.6), or one for all (OCPP 2.x). All or
    /// none are given; a station that is not in scope, a name that its OCPP version does not know, or a value that it cannot
    /// take, refuses the whole.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/:parameter_template_id/apply", method = "post", operation_id = "parameter_template_apply")]
    async fn apply(
        &self,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
        /// Seconds that the commands may wait for their stations to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<TemplateApplication>,
    ) -> Answer<GivenMany> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        if !(1..=1000).contains(&input.station_ids.len()) {
            return Err(Error::invalid("/station_ids", "must have 1 to 1000 entries").into());
        }
        let expires_in = expiry(expires_in_s.0)?;
        let wanted = template::get(&mut tx, parameter_template_id.0).await?;
        let mut items = Vec::new();
        for (at, station_id) in input.station_ids.iter().enumerate() {
            let pointer = format!("/station_ids/{at}");
            let to = match target(&mut tx, *station_id).await {
                Err(Error::NotFound(_)) => return Err(Error::invalid(pointer, "names no station").into()),
                other => other?,
            };
            let given = parameter::set(&self.0, &mut tx, to, &wanted.input.parameters, expires_in).await;
            items.extend(match given {
                Err(Error::Invalid { fields }) => {
                    let why = fields.first().map(|field| format!("{}: {}", field.pointer, field.message));
                    return Err(Error::invalid(pointer, why.unwrap_or_default()).into());
                }
                other => other?,
            });
        }
        tx.commit().await?;
        self.0.commands_due.notify_one();
        Ok(GivenMany::Accepted(Json(List { items, next_cursor: None })))
    }

    /// List drift from a parameter template
    ///
    /// Parameters of the partner's stations (of the template's model, where it names one) that are not as the template
    /// wants them, as last reported.
    ///
    /// Permission: `station:read`
    #[oai(path = "/:parameter_template_id/drift", method = "get", operation_id = "parameter_drift_list")]
    async fn drift(
        &self,
        request: &Request,
        Auth(actor): Auth,
        parameter_template_id: Path<ParameterTemplateId>,
        /// At this station alone.
        station_id: Query<Option<StationId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ParameterDrift>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let wanted = template::get(&mut tx, parameter_template_id.0).await?;
        if let Some(id) = station_id.0 {
            station::get(&mut tx, id).await?;
        }
        tx.commit().await?;
        let filter = DriftFilter { template: wanted, station_id: station_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }
}

impl ParameterTemplateApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ParameterTemplateId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ParameterTemplateInput) -> stromtor_domain::Result<ParameterTemplateInput> + Send,
    ) -> Answer<Found<ParameterTemplate>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = template::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
