//! Manufacturers over REST: the platform writes them, everybody reads them.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    network::hardware::{Manufacturer, ManufacturerId, ManufacturerInput},
    page::PageRequest,
    patch::Patch,
};
use stromtor_persistence::network::hardware::manufacturer::{self, ManufacturerFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    routes::network::only_platform,
    state::App,
};

/// Operations on manufacturers.
pub struct ManufacturerApi(pub App);

#[OpenApi(prefix_path = "/v1/manufacturers", tag = "Tag::Hardware")]
impl ManufacturerApi {
    /// List manufacturers
    ///
    /// Every manufacturer of the hardware catalogue, oldest first.
    ///
    /// Permission: `hardware:read`
    #[oai(path = "/", method = "get", operation_id = "manufacturer_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// With this name, whatever its case.
        name: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Manufacturer>> {
        let filter = ManufacturerFilter { name: name.0 };
        list(
            &self.0,
            request,
            &actor,
            Permission::HardwareRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create a manufacturer
    ///
    /// The catalogue is the platform's; everybody reads it.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/", method = "post", operation_id = "manufacturer_create")]
    async fn create(&self, Auth(actor): Auth, Body(input): Body<ManufacturerInput>) -> Answer<Created<Manufacturer>> {
        let mut tx = self.0.begin(&actor, Permission::HardwareWrite).await?;
        only_platform(&actor)?;
        let created = manufacturer::create(&mut tx, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/manufacturers/{}", created.id), created.clone(), created.revision))
    }

    /// Read a manufacturer
    ///
    /// Permission: `hardware:read`
    #[oai(path = "/:manufacturer_id", method = "get", operation_id = "manufacturer_get")]
    async fn get(&self, Auth(actor): Auth, manufacturer_id: Path<ManufacturerId>) -> Answer<Found<Manufacturer>> {
        let mut tx = self.0.begin(&actor, Permission::HardwareRead).await?;
        let found = manufacturer::get(&mut tx, manufacturer_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a manufacturer
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:manufacturer_id", method = "put", operation_id = "manufacturer_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        manufacturer_id: Path<ManufacturerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ManufacturerInput>,
    ) -> Answer<Found<Manufacturer>> {
        self.change(&actor, manufacturer_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a manufacturer
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:manufacturer_id", method = "patch", operation_id = "manufacturer_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        manufacturer_id: Path<ManufacturerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ManufacturerInput>>,
    ) -> Answer<Found<Manufacturer>> {
        self.change(&actor, manufacturer_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a manufacturer
    ///
    /// Refused with `in_use` while something refers to it.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:manufacturer_id", method = "delete", operation_id = "manufacturer_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        manufacturer_id: Path<ManufacturerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::HardwareWrite).await?;
        only_platform(&actor)?;
        manufacturer::delete(&mut tx, manufacturer_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl ManufacturerApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ManufacturerId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ManufacturerInput) -> stromtor_domain::Result<ManufacturerInput> + Send,
    ) -> Answer<Found<Manufacturer>> {
        let mut tx = self.0.begin(actor, Permission::HardwareWrite).await?;
        only_platform(actor)?;
        let changed = manufacturer::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
