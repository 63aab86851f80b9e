//! What pricing a session needs, and what it leaves behind.

use diesel::sql_types::{Nullable, Numeric, Uuid as SqlUuid};
use stromtor_domain::{
    billing::cdr::{Cdr, CdrState},
    event::Event,
    money::{CurrencyCode, Fixed, Percent},
    network::{
        charge_point::{ChargePoint, ChargePointId},
        location::{Address, LocationId, TimeZone},
    },
    session::{
        measure::ReadingSet,
        session::{Session, SessionId, SessionState},
    },
    tariff::tariff::{TariffVersion, TariffVersionId},
};
use stromtor_schema::schema::{cdr, charge_point, location, partner, session, session_reading, tariff_version};

use crate::resource::prelude::*;

/// The session, locked until the transaction ends; `None` when there is nothing to price.
pub async fn lock(tx: &mut Tx, id: SessionId) -> Result<Option<Session>> {
    let found: Option<Session> = session::table
        .filter(session::id.eq(id))
        .select(Session::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.filter(|session| session.state == SessionState::Ended))
}

/// Its readings, in order of time.
pub async fn readings(tx: &mut Tx, id: SessionId) -> Result<Vec<ReadingSet>> {
    let rows: Vec<(Timestamp, serde_json::Value)> = session_reading::table
        .filter(session_reading::session_id.eq(id.0))
        .order((session_reading::at, session_reading::fingerprint))
        .select((session_reading::at, session_reading::samples))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let sets = rows.into_iter().map(|(at, samples)| {
        serde_json::from_value(samples).map(|samples| ReadingSet { at, samples }).map_err(Error::internal)
    });
    sets.collect()
}

/// The charge point it took place at.
pub async fn charge_point(tx: &mut Tx, id: ChargePointId) -> Result<Option<ChargePoint>> {
    charge_point::table
        .filter(charge_point::id.eq(id))
        .select(ChargePoint::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// The tariff as it was when the session began.
pub async fn tariff_version(tx: &mut Tx, id: TariffVersionId) -> Result<Option<TariffVersion>> {
    tariff_version::table
        .filter(tariff_version::id.eq(id))
        .select(TariffVersion::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

#[derive(diesel::QueryableByName)]
struct Markup {
    #[diesel(sql_type = Nullable<Numeric>)]
    markup_percent: Option<Percent>,
}

/// What the platform adds for the provider by whose contract the driver was let in.
pub async fn markup(tx: &mut Tx, id: SessionId) -> Result<Option<Percent>> {
    let found: Option<Markup> =
        sql("select k.markup_percent from session s join authorization_attempt a on a.id = s.authorization_id \
         join emp_contract k on k.id = a.emp_contract_id where s.id = $1")
        .bind::<SqlUuid, _>(id)
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.and_then(|found| found.markup_percent))
}

/// Where it took place: for the country's VAT, and for prices by the clock.
pub async fn place(tx: &mut Tx, id: LocationId) -> Result<Option<(Address, TimeZone)>> {
    location::table
        .filter(location::id.eq(id))
        .select((location::address, location::time_zone))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// A partner's default currency.
pub async fn currency(tx: &mut Tx, id: PartnerId) -> Result<Option<CurrencyCode>> {
    let found: Option<Option<CurrencyCode>> = partner::table
        .filter(partner::id.eq(id))
        .select(partner::currency)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.flatten())
}

/// Keeps the legs and closes the session.
pub async fn keep(tx: &mut Tx, session: &Session, legs: &[Cdr]) -> Result<()> {
    diesel::insert_into(cdr::table).values(legs).execute(&mut **tx).await.map_err(from_diesel)?;
    if let Some(first) = legs.first() {
        let energy = Fixed::<6>::round(first.energy_kwh.decimal() * rust_decimal::Decimal::ONE_THOUSAND);
        diesel::update(session::table.filter(session::id.eq(session.id)))
            .set((
                session::state.eq(SessionState::Settled),
                session::energy_wh.eq(energy),
                session::findings.eq(&first.measurement.findings),
                session::updated_at.eq(tx.now()),
            ))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    for leg in legs {
        let kind = if leg.state == CdrState::Final { EventType::CdrCreated } else { EventType::CdrHeld };
        tx.emit(Event {
            kind,
            partner_id: leg.seller_id.0,
            station_id: Some(leg.station_id.0),
            location_id: Some(leg.location_id.0),
            resource_id: leg.id.0,
            data: serde_json::json!({
                "session_id": leg.session_id, "leg": leg.leg, "total_gross": leg.total_gross, "currency": leg.currency,
                "held_reason": leg.held_reason,
            }),
        });
    }
    Ok(())
}
