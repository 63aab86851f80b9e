//! The vocabulary of quirks over REST, and what is known to help.

use poem_openapi::{OpenApi, payload::Json};
use stromtor_domain::{
    actor::Permission,
    network::{quirk::QuirkEntry, suggestion::SuggestedTolerances},
};

use crate::{auth::Auth, list::List, problem::Answer, routes::Tag, state::App};

/// The vocabulary of quirks.
pub struct QuirkApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::Hardware")]
impl QuirkApi {
    /// List quirks
    ///
    /// What stations do otherwise than the specification says and is forgiven: every word that is counted at a station's live state
    /// (`quirks`) and stands at messages of the OCPP log, with its meaning and the tolerance that treats it.
    ///
    /// Permission: `station:read`
    #[oai(path = "/quirks", method = "get", operation_id = "quirk_list")]
    async fn list(&self, Auth(actor): Auth) -> Answer<Json<List<QuirkEntry>>> {
        self.0.begin(&actor, Permission::StationRead).await?.commit().await?;
        Ok(Json(List { items: QuirkEntry::all(), next_cursor: None }))
    }

    /// List suggested tolerances
    ///
    /// What stations of some manufacturers were seen to do, and the tolerances that help. Nothing of it is applied by itself.
    ///
    /// Permission: `station:read`
    #[oai(path = "/suggested-tolerances", method = "get", operation_id = "suggested_tolerance_list")]
    async fn suggested(&self, Auth(actor): Auth) -> Answer<Json<List<SuggestedTolerances>>> {
        self.0.begin(&actor, Permission::StationRead).await?.commit().await?;
        Ok(Json(List { items: SuggestedTolerances::all()?, next_cursor: None }))
    }
}
