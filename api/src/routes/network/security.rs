//! Security profiles and passwords of stations over REST.

use poem_openapi::{OpenApi, param::Path};
use stromtor_domain::{
    actor::Permission,
    network::{
        certificate::SecurityProfileReset,
        station::{Station, StationId},
    },
};
use stromtor_persistence::network::security;

use super::command::Given;
use crate::{
    app::certificate,
    auth::Auth,
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations on how stations authenticate themselves.
pub struct SecurityApi(pub App);

#[OpenApi(prefix_path = "/v1/stations", tag = "Tag::Security")]
impl SecurityApi {
    /// Reset a station's security profile
    ///
    /// Back to a lower one, for a station whose controller was exchanged: otherwise a profile only rises.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/:station_id/security-profile-reset",
        method = "post",
        operation_id = "station_reset_security_profile"
    )]
    async fn reset_profile(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        Body(to): Body<SecurityProfileReset>,
    ) -> Answer<Found<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let changed = security::reset_profile(&mut tx, station_id.0, &to).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }

    /// Change a station's password over OCPP
    ///
    /// Makes a new random password and gives it to the station (OCPP 1.6 `AuthorizationKey`, 2.0.1 `BasicAuthPassword`); it is
    /// shown to nobody. Until the station first connects with it both count. Refused while such a change is under way
    /// (`password_rotation_pending`) and before the station's first connection (`ocpp_version_unknown`).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id/password-rotations", method = "post", operation_id = "station_rotate_password")]
    async fn rotate_password(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Given> {
        Ok(Given::now(certificate::rotate_password(&self.0, &actor, station_id.0).await?))
    }
}
