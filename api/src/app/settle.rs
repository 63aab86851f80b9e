//! Prices an ended session: measures it, rates it, and keeps a CDR per leg.

use stromtor_domain::{
    Error, Result,
    billing::{
        cdr::{Cdr, CdrState, HeldReason, Rating},
        rating::{self, Cost},
        usage::Usage,
    },
    money::{CurrencyCode, Percent},
    network::charge_point::{ChargePoint, CurrentType},
    session::{
        clock,
        measure::{Facts, Measured, measure},
        session::{Session, SessionId},
    },
    tariff::{price::PowerPrice, quote, tariff::TariffVersion},
    tenancy::partner::PartnerId,
    values::CountryCode,
};
use stromtor_persistence::{billing::settle, command, session::repair, tenancy::bootstrap, tx::Tx};

use crate::config::Billing;

/// A price, what comes of it, and what was added to it.
type Rated = (Option<PowerPrice>, Cost, Option<Percent>);

/// What a session is priced from.
struct Basis {
    session: Session,
    charge_point: Option<ChargePoint>,
    tariff: Option<TariffVersion>,
    country: CountryCode,
    zone: chrono_tz::Tz,
    currency: CurrencyCode,
    platform: PartnerId,
    /// What the platform adds for the driver's provider.
    markup: Option<Percent>,
}

impl Basis {
    fn current_type(&self) -> CurrentType {
        self.charge_point.as_ref().map_or(CurrentType::Ac, |point| point.input.current_type)
    }
}

/// Prices a session; without effect when it is priced already or still runs.
pub async fn settle(tx: &mut Tx, id: SessionId, billing: &Billing) -> Result<()> {
    let Some(session) = settle::lock(tx, id).await? else { return Ok(()) };
    let sets = settle::readings(tx, id).await?;
    let basis = basis(tx, session).await?;
    let price = basis.tariff.as_ref().and_then(|tariff| tariff.price(basis.current_type()));
    let session = &basis.session;
    let measured = measure(
        &Facts {
            started_at: session.started_at,
            ended_at: session.ended_at.unwrap_or(session.started_at),
            meter_start: session.meter_start_wh.decimal(),
            meter_stop: session.meter_stop_wh.map(|meter| meter.decimal()),
            id_tag: session.id_tag.as_deref(),
            max_power: basis.charge_point.as_ref().and_then(|point| point.input.max_power_kw),
            public_key: basis
                .charge_point
                .as_ref()
                .and_then(|point| point.input.meter_public_key.as_ref().map(|key| key.as_str())),
            time_priced: price.is_some_and(|price| price.prices_time()),
            register: command::tolerances(tx, session.station_id).await?.register,
            findings: session.findings.clone(),
        },
        &sets,
    );
    let mut legs = legs(tx, &basis, &measured, billing);
    // A session priced before was repaired since: its new legs correct the old ones.
    let old = repair::legs(tx, id).await?;
    let last = old.last().map_or(0, |(leg, _)| *leg);
    for (at, leg) in legs.iter_mut().enumerate() {
        leg.corrects_cdr_id = old.get(at).map(|(_, id)| *id);
        leg.leg += last;
    }
    settle::keep(tx, session, &legs).await
}

async fn basis(tx: &mut Tx, session: Session) -> Result<Basis> {
    let charge_point = match session.charge_point_id {
        Some(id) => settle::charge_point(tx, id).await?,
        None => None,
    };
    let tariff = match session.tariff_version_id {
        Some(id) => settle::tariff_version(tx, id).await?,
        None => None,
    };
    let place = settle::place(tx, session.location_id).await?;
    let zone = place.as_ref().map_or(chrono_tz::UTC, |(_, zone)| quote::zone_of(zone));
    let country = place.map(|(address, _)| address.country);
    let invalid = |message: String| Error::internal(message);
    let currency = match &tariff {
        Some(tariff) => Some(tariff.currency.clone()),
        None => settle::currency(tx, session.operator_id).await?,
    };
    let markup = if session.emp_id.is_some() { settle::markup(tx, session.id).await? } else { None };
    let platform = bootstrap::platform(tx).await?.ok_or_else(|| Error::internal("no platform partner"))?;
    Ok(Basis {
        session,
        charge_point,
        tariff,
        // A location that is gone leaves no country: XX has no VAT rate, so the CDR is held.
        country: country.map_or_else(|| CountryCode::parse("XX"), Ok).map_err(invalid)?,
        zone,
        currency: currency.map_or_else(|| CurrencyCode::parse("EUR"), Ok).map_err(invalid)?,
        platform,
        markup,
    })
}

/// The operator's price on its leg; what a provider pays has its contract's markup.
fn legs(tx: &Tx, basis: &Basis, measured: &Measured, billing: &Billing) -> Vec<Cdr> {
    let (session, current_type) = (&basis.session, basis.current_type());
    let price = basis.tariff.as_ref().and_then(|tariff| tariff.price(current_type));
    let own_vat = price.and_then(|price| price.vat);
    let vat = own_vat.or_else(|| billing.vat.get(&basis.country).copied());
    let duration_s = clock::seconds(measured.started_at, measured.ended_at);
    let usage = Usage {
        started_at: measured.started_at,
        zone: basis.zone,
        duration_s,
        energy: measured.energy,
        course: measured.course.clone(),
    };
    let rate = |markup: Option<Percent>| {
        let price = price.map(|price| markup.map_or_else(|| price.clone(), |markup| price.marked_up(markup)));
        let cost = match (&price, vat) {
            (Some(price), Some(vat)) => rating::rate(price, &usage, vat),
            _ => Cost::default(),
        };
        (price, cost, markup)
    };
    let unauthorized = session.token_id.is_none() && !session.orphan;
    let held = measured.held.or_else(|| {
        [
            (unauthorized, HeldReason::NotAuthorized),
            (basis.charge_point.is_none(), HeldReason::ChargePointUnknown),
            (basis.tariff.is_none(), HeldReason::TariffMissing),
            (price.is_none(), HeldReason::PriceMissing),
            (vat.is_none(), HeldReason::VatMissing),
        ]
        .into_iter()
        .find_map(|(applies, reason)| applies.then_some(reason))
    });
    let leg = |leg: i32, seller_id: PartnerId, buyer_id: PartnerId, (price, cost, markup): Rated| Cdr {
        id: tx.id(),
        session_id: session.id,
        session_number: session.number,
        leg,
        seller_id,
        buyer_id,
        operator_id: session.operator_id,
        emp_id: session.emp_id,
        location_id: session.location_id,
        station_id: session.station_id,
        charge_point_id: session.charge_point_id,
        id_tag: session.id_tag.clone(),
        started_at: measured.started_at,
        ended_at: measured.ended_at,
        duration_s,
        energy_kwh: measured.energy,
        current_type,
        country: basis.country.clone(),
        tariff_version_id: session.tariff_version_id,
        currency: basis.currency.clone(),
        total_net: cost.total_net,
        total_vat: cost.total_vat,
        total_gross: cost.total_gross,
        rating: Rating {
            tariff_id: basis.tariff.as_ref().map(|tariff| tariff.tariff_id),
            version: basis.tariff.as_ref().map(|tariff| tariff.version),
            name: basis.tariff.as_ref().map(|tariff| tariff.name.to_string()),
            code: basis.tariff.as_ref().map(|tariff| tariff.code.to_string()),
            price,
            markup_percent: markup,
            cost,
        },
        state: if held.is_some() { CdrState::Held } else { CdrState::Final },
        held_reason: held,
        measurement: measured.measurement.clone(),
        corrects_cdr_id: None,
        created_at: tx.now(),
    };
    let (operator, platform) = (session.operator_id, basis.platform);
    match session.emp_id.filter(|emp| *emp != platform) {
        Some(emp) if operator == platform => vec![leg(1, platform, emp, rate(basis.markup))],
        Some(emp) => vec![leg(1, operator, platform, rate(None)), leg(2, platform, emp, rate(basis.markup))],
        None => vec![leg(1, operator, platform, rate(None))],
    }
}
