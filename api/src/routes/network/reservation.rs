//! Reservations over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Error,
    actor::Permission,
    network::{
        location::LocationId,
        reservation::{NewReservation, Reservation, ReservationId, ReservationState},
        station::StationId,
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_ocpp::outbound::Outbound;
use stromtor_persistence::{
    command as commands,
    network::{
        reservation::{self, ReservationFilter},
        station,
    },
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

/// Operations on reservations.
pub struct ReservationApi(pub App);

#[OpenApi(prefix_path = "/v1/reservations", tag = "Tag::Reservations")]
impl ReservationApi {
    /// List reservations
    ///
    /// Newest first.
    ///
    /// Permission: `command:read`
    #[oai(path = "/", method = "get", operation_id = "reservation_list")]
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
        state: Query<Option<ReservationState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Reservation>> {
        let filter = ReservationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            state: state.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::CommandRead, filter, page).await
    }

    /// Make a reservation
    ///
    /// The station is asked to hold a connector for a driver (ReserveNow); its answer makes the reservation active or
    /// rejected.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/", method = "post", operation_id = "reservation_create")]
    async fn create(&self, Auth(actor): Auth, Body(input): Body<NewReservation>) -> Answer<Created<Reservation>> {
        let app = &self.0;
        let mut tx = app.begin(&actor, Permission::CommandExecute).await?;
        input.check(tx.now())?;
        let to = target(&mut tx, input.station_id).await?;
        let holder = station::get(&mut tx, input.station_id).await?;
        let version = version(&mut tx, to.station_id).await?;
        let mut context = context(&mut tx, to.station_id, version, None, Some(input.connector)).await?;
        let number = context.number;
        let made = reservation::create(&mut tx, &holder, input, number).await?;
        context.number = commands::number(&mut tx).await?;
        let outbound = Outbound::Reserve(&made);
        let given = order(app, &mut tx, to, "reserve", &outbound, version, &context, None, expiry(None)?).await?;
        let made = reservation::follows(&mut tx, made.id, given.id).await?;
        tx.commit().await?;
        app.commands_due.notify_one();
        Ok(Created::at(format!("/v1/reservations/{}", made.id), made, 1))
    }

    /// Read a reservation
    ///
    /// Permission: `command:read`
    #[oai(path = "/:reservation_id", method = "get", operation_id = "reservation_get")]
    async fn get(&self, Auth(actor): Auth, reservation_id: Path<ReservationId>) -> Answer<Found<Reservation>> {
        let mut tx = self.0.begin(&actor, Permission::CommandRead).await?;
        let found = reservation::get(&mut tx, reservation_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Cancel a reservation
    ///
    /// The station is asked to release the connector (CancelReservation). Refused unless the reservation is active.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/:reservation_id/cancel", method = "post", operation_id = "reservation_cancel")]
    async fn cancel(&self, Auth(actor): Auth, reservation_id: Path<ReservationId>) -> Answer<Found<Reservation>> {
        let app = &self.0;
        let mut tx = app.begin(&actor, Permission::CommandExecute).await?;
        let found = reservation::get(&mut tx, reservation_id.0).await?;
        if found.state != ReservationState::Active {
            return Err(Error::conflict("reservation_not_active", "only an active reservation can be cancelled").into());
        }
        let to = undo_target(&mut tx, found.station_id).await?;
        let version = version(&mut tx, to.station_id).await?;
        let context = context(&mut tx, to.station_id, version, None, None).await?;
        let outbound = Outbound::CancelReservation(&found);
        let given =
            order(app, &mut tx, to, "cancel_reservation", &outbound, version, &context, None, expiry(None)?).await?;
        let found = reservation::follows(&mut tx, found.id, given.id).await?;
        tx.commit().await?;
        app.commands_due.notify_one();
        Ok(Found::plain(found))
    }
}
