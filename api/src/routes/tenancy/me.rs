//! Who you are to the platform.

use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use stromtor_domain::{
    Result,
    actor::{ActorKind, Permission},
    network::location::LocationId,
    page::{MAX_LIMIT, PageRequest},
    tenancy::partner::{PartnerId, PartnerKind},
};
use stromtor_persistence::tenancy::partner::{self, PartnerFilter};

use crate::{auth::Auth, problem::Answer, respond::Found, routes::Tag, state::App};

/// Operations on yourself.
pub struct MeApi(pub App);

/// A partner that you may act for.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
struct MyPartner {
    /// Id.
    id: PartnerId,
    /// The partner above it.
    parent_id: Option<PartnerId>,
    /// Name.
    name: String,
    /// What it is.
    kind: PartnerKind,
}

/// You.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
struct Me {
    /// A person or a program.
    kind: ActorKind,
    /// Your user's or API client's id.
    id: uuid::Uuid,
    /// Your name in the audit log.
    name: String,
    /// The partner you belong to.
    partner_id: PartnerId,
    /// What you may do.
    permissions: Vec<Permission>,
    /// The partners in your scope, your own first; at most 500 (`partner_list` has them all).
    partners: Vec<MyPartner>,
    /// The only locations you may see; absent for all of your partners'.
    location_ids: Option<Vec<LocationId>>,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Login")]
impl MeApi {
    /// Read who you are
    ///
    /// What your token says: permissions, partners, locations.
    ///
    /// Any valid token.
    #[oai(path = "/me", method = "get", operation_id = "me_get")]
    async fn get(&self, Auth(actor): Auth) -> Answer<Found<Me>> {
        let partners: Result<_> = async {
            // Everybody may know their own scope, so this asks for no permission beyond the token.
            let mut asking = actor.clone();
            asking.permissions.insert(Permission::PartnerRead);
            let mut tx = self.0.begin(&asking, Permission::PartnerRead).await?;
            let page = PageRequest { limit: Some(MAX_LIMIT), cursor: None };
            let page = partner::list(&mut tx, &PartnerFilter::default(), &page).await?;
            tx.commit().await?;
            Ok(page.items)
        }
        .await;
        let mut partners: Vec<MyPartner> = partners?
            .into_iter()
            .map(|p| MyPartner { id: p.id, parent_id: p.parent_id, name: p.input.name.to_string(), kind: p.input.kind })
            .collect();
        partners.sort_by_key(|partner| partner.id != actor.partner_id);
        Ok(Found::plain(Me {
            kind: actor.kind,
            id: actor.id,
            name: actor.name,
            partner_id: actor.partner_id,
            permissions: actor.permissions.into_iter().collect(),
            partners,
            location_ids: actor.locations,
        }))
    }
}
