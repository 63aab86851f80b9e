//! Notes over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    network::{
        charge_point::ChargePointId,
        note::{Note, NoteId, NoteInput},
        station::StationId,
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::note::{self, NoteFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on notes.
pub struct NoteApi(pub App);

#[OpenApi(prefix_path = "/v1/notes", tag = "Tag::Stations")]
impl NoteApi {
    /// List notes
    ///
    /// Dated notes on stations and charge points, newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "note_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// On this station.
        station_id: Query<Option<StationId>>,
        /// On this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Note>> {
        let filter =
            NoteFilter { partner_id: partner_id.0, station_id: station_id.0, charge_point_id: charge_point_id.0 };
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

    /// Create a note
    ///
    /// On a station, or on one of its charge points.
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "note_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The station it is on.
        station_id: Query<StationId>,
        Body(input): Body<NoteInput>,
    ) -> Answer<Created<Note>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = note::create(&mut tx, station_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/notes/{}", created.id), created.clone(), created.revision))
    }

    /// Read a note
    ///
    /// Permission: `station:read`
    #[oai(path = "/:note_id", method = "get", operation_id = "note_get")]
    async fn get(&self, Auth(actor): Auth, note_id: Path<NoteId>) -> Answer<Found<Note>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = note::get(&mut tx, note_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a note
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:note_id", method = "put", operation_id = "note_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        note_id: Path<NoteId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<NoteInput>,
    ) -> Answer<Found<Note>> {
        self.change(&actor, note_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a note
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:note_id", method = "patch", operation_id = "note_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        note_id: Path<NoteId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<NoteInput>>,
    ) -> Answer<Found<Note>> {
        self.change(&actor, note_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a note
    ///
    /// It is gone; the audit log keeps what it said.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:note_id", method = "delete", operation_id = "note_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        note_id: Path<NoteId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        note::delete(&mut tx, note_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl NoteApi {
    async fn change(
        &self,
        actor: &Actor,
        id: NoteId,
        if_match_header: Option<String>,
        change: impl FnOnce(&NoteInput) -> stromtor_domain::Result<NoteInput> + Send,
    ) -> Answer<Found<Note>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = note::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
