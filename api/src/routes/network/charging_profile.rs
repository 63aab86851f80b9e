//! Charging profiles over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Error,
    actor::Permission,
    network::{
        charging_profile::{
            ChargingProfile, ChargingProfileId, ChargingProfileState, NewChargingProfile, ProfilePurpose,
        },
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_ocpp::outbound::Outbound;
use stromtor_persistence::network::{
    charging_profile::{self, ChargingProfileFilter},
    station,
};

use crate::{
    app::command::{context, expiry, order, target, undo_target, version},
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on charging profiles.
pub struct ChargingProfileApi(pub App);

#[OpenApi(prefix_path = "/v1/charging-profiles", tag = "Tag::ChargingProfiles")]
impl ChargingProfileApi {
    /// List charging profiles
    ///
    /// Those that were set here, newest first. What a station holds besides is asked for with the command
    /// `get_charging_profiles` (OCPP 2.x) or `get_composite_schedule`.
    ///
    /// Permission: `command:read`
    #[oai(path = "/", method = "get", operation_id = "charging_profile_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// This far.
        state: Query<Option<ChargingProfileState>>,
        /// For this purpose.
        purpose: Query<Option<ProfilePurpose>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ChargingProfile>> {
        let filter = ChargingProfileFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            state: state.0,
            purpose: purpose.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::CommandRead, filter, page).await
    }

    /// Set a charging profile
    ///
    /// The station is given the profile (SetChargingProfile); its answer makes it active or rejected. An active one of the
    /// same purpose and stack level at the same connector is replaced.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/", method = "post", operation_id = "charging_profile_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        Body(input): Body<NewChargingProfile>,
    ) -> Answer<Created<ChargingProfile>> {
        let app = &self.0;
        let mut tx = app.begin(&actor, Permission::CommandExecute).await?;
        input.check()?;
        let to = target(&mut tx, input.station_id).await?;
        let holder = station::get(&mut tx, input.station_id).await?;
        let version = version(&mut tx, to.station_id).await?;
        let context = context(&mut tx, to.station_id, version, input.session_id, Some(input.connector)).await?;
        let made = charging_profile::create(&mut tx, &holder, input, context.number).await?;
        let outbound = Outbound::SetProfile(&made);
        let given =
            order(app, &mut tx, to, "set_charging_profile", &outbound, version, &context, None, expiry(None)?).await?;
        let made = charging_profile::follows(&mut tx, made.id, given.id, ChargingProfileState::Requested).await?;
        tx.commit().await?;
        app.commands_due.notify_one();
        Ok(Created::at(format!("/v1/charging-profiles/{}", made.id), made, 1))
    }

    /// Read a charging profile
    ///
    /// Permission: `command:read`
    #[oai(path = "/:charging_profile_id", method = "get", operation_id = "charging_profile_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        charging_profile_id: Path<ChargingProfileId>,
    ) -> Answer<Found<ChargingProfile>> {
        let mut tx = self.0.begin(&actor, Permission::CommandRead).await?;
        let found = charging_profile::get(&mut tx, charging_profile_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Clear a charging profile
    ///
    /// The station is asked to drop it (ClearChargingProfile). Refused unless it is active.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/:charging_profile_id/clear", method = "post", operation_id = "charging_profile_clear")]
    async fn clear(
        &self,
        Auth(actor): Auth,
        charging_profile_id: Path<ChargingProfileId>,
    ) -> Answer<Found<ChargingProfile>> {
        let app = &self.0;
        let mut tx = app.begin(&actor, Permission::CommandExecute).await?;
        let found = charging_profile::get(&mut tx, charging_profile_id.0).await?;
        if found.state != ChargingProfileState::Active {
            let message = "only an active charging profile can be cleared";
            return Err(Error::conflict("charging_profile_not_active", message).into());
        }
        let to = undo_target(&mut tx, found.station_id).await?;
        let version = version(&mut tx, to.station_id).await?;
        let context = context(&mut tx, to.station_id, version, None, None).await?;
        let outbound = Outbound::ClearProfile(&found);
        let given =
            order(app, &mut tx, to, "clear_charging_profile", &outbound, version, &context, None, expiry(None)?)
                .await?;
        let found = charging_profile::follows(&mut tx, found.id, given.id, ChargingProfileState::Clearing).await?;
        tx.commit().await?;
        app.commands_due.notify_one();
        Ok(Found::plain(found))
    }
}
