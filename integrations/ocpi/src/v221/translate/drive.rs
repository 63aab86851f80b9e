//! Sessions and CDRs as a driver's provider is told of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rust_decimal::Decimal;
use stromtor_domain::{
    Timestamp,
    billing::{
        cdr::Cdr as OurCdr,
        rating::{ComponentKind, Cost, CostPeriod},
    },
    network::charge_point::CurrentType,
    roaming::drive::Drive,
    session::session::{Session as OurSession, SessionState},
    tariff::{ocpi, tariff::TariffId},
};

use super::{locations, tariffs};
use crate::{
    v221::wire::{
        cdrs::{
            AuthMethod, Cdr, CdrDimension, CdrDimensionType, CdrLocation, CdrToken, ChargingPeriod, SignedData,
            SignedValue,
        },
        common::Price,
        locations::GeoLocation,
        sessions::{Session, SessionStatus},
        tariffs::Tariff,
        tokens::{Token, TokenType},
    },
    values::{CiString, DateTime, Number, Text},
};

/// What a required text says that is not known (OCPI 2.2.1 section 16.5).
const UNKNOWN: &str = "#NA";

fn cdr_token(drive: &Drive) -> CdrToken {
    let told = drive.token.as_ref().and_then(|token| serde_json::from_value::<Token>(token.clone()).ok());
    match told {
        Some(token) => CdrToken {
            country_code: token.country_code,
            party_id: token.party_id,
            uid: token.uid,
            kind: token.kind,
            contract_id: token.contract_id,
        },
        None => CdrToken {
            country_code: CiString::cut(&drive.provider.0),
            party_id: CiString::cut(&drive.provider.1),
            uid: CiString::cut(UNKNOWN),
            kind: TokenType::Other,
            contract_id: CiString::cut(UNKNOWN),
        },
    }
}

fn or_unknown<const MOST: usize>(id: Option<String>) -> CiString<MOST> {
    CiString::cut(id.as_deref().unwrap_or(UNKNOWN))
}

fn number(value: Decimal) -> Number {
    Number(value.round_dp(4))
}

fn hours(seconds: i64) -> Number {
    number(Decimal::from(seconds) / Decimal::from(3600))
}

fn dimension(kind: CdrDimensionType, volume: Number) -> CdrDimension {
    CdrDimension { kind, volume }
}

/// A session. `seen` is now, for one that still runs.
#[must_use]
pub fn session(session: &OurSession, drive: &Drive, seen: Timestamp) -> Session {
    let kwh = number(session.energy_wh.decimal() / Decimal::ONE_THOUSAND);
    let seconds = (session.ended_at.unwrap_or(seen).millis() - session.started_at.millis()) / 1000;
    Session {
        country_code: CiString::cut(&drive.party.0),
        party_id: CiString::cut(&drive.party.1),
        id: CiString::cut(&session.id.to_string()),
        start_date_time: DateTime(session.started_at),
        end_date_time: session.ended_at.map(DateTime),
        kwh,
        cdr_token: cdr_token(drive),
        auth_method: AuthMethod::Whitelist,
        authorization_reference: None,
        location_id: CiString::cut(&drive.location_id.to_string()),
        evse_uid: or_unknown(drive.charge_point_id.map(|id| id.to_string())),
        connector_id: or_unknown(drive.connector.as_ref().map(|plug| plug.id.to_string())),
        meter_id: None,
        currency: Text::cut(drive.currency.as_deref().unwrap_or("EUR")),
        charging_periods: vec![ChargingPeriod {
            start_date_time: DateTime(session.started_at),
            dimensions: vec![
                dimension(CdrDimensionType::Energy, kwh),
                dimension(CdrDimensionType::Time, hours(seconds.max(0))),
            ],
            tariff_id: None,
        }],
        total_cost: None,
        status: match session.state {
            SessionState::Active => SessionStatus::Active,
            SessionState::Ended | SessionState::Settled => SessionStatus::Completed,
        },
        last_updated: DateTime(session.last_reading_at.map_or(session.updated_at, |at| at.max(session.updated_at))),
    }
}

/// The price of components of one kind; with VAT where all of the CDR has one rate.
fn price_of(cost: &Cost, kind: ComponentKind) -> Option<Price> {
    let mut components = cost.components.iter().filter(|component| component.kind == kind).peekable();
    components.peek()?;
    let net: Decimal = components.map(|component| component.net.decimal()).sum();
    let incl_vat = match cost.vat.as_slice() {
        [one] => Some(number(net * (Decimal::ONE_HUNDRED + one.rate.decimal()) / Decimal::ONE_HUNDRED)),
        _ => None,
    };
    Some(Price { excl_vat: number(net), incl_vat })
}

fn period(period: &CostPeriod, tariff_id: Option<&CiString<36>>) -> ChargingPeriod {
    let time = if period.idle { CdrDimensionType::ParkingTime } else { CdrDimensionType::Time };
    let mut dimensions = vec![dimension(time, hours(period.duration_s))];
    if !period.idle {
        dimensions.insert(0, dimension(CdrDimensionType::Energy, number(period.energy_kwh.decimal())));
    }
    ChargingPeriod { start_date_time: DateTime(period.started_at), dimensions, tariff_id: tariff_id.cloned() }
}

fn signed_data(cdr: &OurCdr) -> Option<SignedData> {
    let value = |record: &stromtor_domain::session::signed::SignedRecord| SignedValue {
        nature: CiString::cut(match record.context.as_str() {
            "Transaction.Begin" => "Start",
            "Transaction.End" => "End",
            _ => "Intermediate",
        }),
        plain_data: Text::cut(&record.data),
        signed_data: Text::cut(&STANDARD.encode(&record.data)),
    };
    let values: Vec<SignedValue> = cdr.measurement.records.iter().map(value).collect();
    (!values.is_empty()).then(|| SignedData {
        encoding_method: CiString::cut("OCMF"),
        encoding_method_version: None,
        public_key: cdr.measurement.public_key.as_deref().map(Text::cut),
        signed_values: values,
        url: None,
    })
}

fn cdr_location(drive: &Drive) -> Option<CdrLocation> {
    let plug = drive.connector.as_ref().and_then(locations::connector_words)?;
    let degrees = |of: fn(&stromtor_domain::network::location::Coordinates) -> f64| {
        format!("{:.6}", drive.coordinates.as_ref().map_or(0.0, of))
    };
    Some(CdrLocation {
        id: CiString::cut(&drive.location_id.to_string()),
        name: Some(Text::cut(&drive.name)),
        address: Text::cut(drive.address.street.as_str()),
        city: Text::cut(drive.address.city.as_str()),
        postal_code: drive.address.postal_code.as_ref().map(|code| Text::cut(code.as_str())),
        state: drive.address.state.as_ref().map(|state| Text::cut(state.as_str())),
        country: locations::alpha3(drive.address.country.as_str()),
        coordinates: GeoLocation {
            latitude: Text::cut(&degrees(|at| at.latitude)),
            longitude: Text::cut(&degrees(|at| at.longitude)),
        },
        evse_uid: or_unknown(drive.charge_point_id.map(|id| id.to_string())),
        evse_id: or_unknown(drive.evse_id.as_ref().map(ToString::to_string)),
        connector_id: CiString::cut(&drive.connector.as_ref()?.id.to_string()),
        connector_standard: plug.0,
        connector_format: plug.1,
        connector_power_type: plug.2,
    })
}

fn tariff(cdr: &OurCdr, drive: &Drive) -> Option<Tariff> {
    let (id, price): (TariffId, _) = (cdr.rating.tariff_id?, cdr.rating.price.as_ref()?);
    let vat = cdr.rating.cost.vat.as_slice().first().map(|line| line.rate);
    let form = ocpi::form(price, &cdr.currency, vat);
    tariffs::tariff(&drive.party, tariffs::id(id, cdr.current_type == CurrentType::Dc), form, cdr.created_at).ok()
}

/// A CDR; nothing where OCPI has no word for the connector.
#[must_use]
pub fn cdr(cdr: &OurCdr, drive: &Drive) -> Option<Cdr> {
    let cost = &cdr.rating.cost;
    let tariff = tariff(cdr, drive);
    let tariff_id = tariff.as_ref().map(|tariff| tariff.id.clone());
    let idle: i64 = cost.periods.iter().filter(|period| period.idle).map(|period| period.duration_s).sum();
    let mut periods: Vec<ChargingPeriod> = cost.periods.iter().map(|one| period(one, tariff_id.as_ref())).collect();
    if periods.is_empty() {
        periods.push(ChargingPeriod {
            start_date_time: DateTime(cdr.started_at),
            dimensions: vec![
                dimension(CdrDimensionType::Energy, number(cdr.energy_kwh.decimal())),
                dimension(CdrDimensionType::Time, hours(cdr.duration_s)),
            ],
            tariff_id,
        });
    }
    Some(Cdr {
        country_code: CiString::cut(&drive.party.0),
        party_id: CiString::cut(&drive.party.1),
        id: CiString::cut(&cdr.id.to_string()),
        start_date_time: DateTime(cdr.started_at),
        end_date_time: DateTime(cdr.ended_at),
        session_id: Some(CiString::cut(&cdr.session_id.to_string())),
        cdr_token: cdr_token(drive),
        auth_method: AuthMethod::Whitelist,
        authorization_reference: None,
        cdr_location: cdr_location(drive)?,
        meter_id: None,
        currency: Text::cut(cdr.currency.as_str()),
        tariffs: tariff.into_iter().collect(),
        charging_periods: periods,
        signed_data: signed_data(cdr),
        total_cost: Price {
            excl_vat: number(cost.total_net.decimal()),
            incl_vat: Some(number(cost.total_gross.decimal())),
        },
        total_fixed_cost: price_of(cost, ComponentKind::Session),
        total_energy: number(cdr.energy_kwh.decimal()),
        total_energy_cost: price_of(cost, ComponentKind::Energy),
        total_time: hours(cdr.duration_s),
        total_time_cost: price_of(cost, ComponentKind::Time),
        total_parking_time: (idle > 0).then(|| hours(idle)),
        total_parking_cost: price_of(cost, ComponentKind::Idle),
        total_reservation_cost: None,
        remark: None,
        invoice_reference_id: None,
        credit: None,
        credit_reference_id: None,
        home_charging_compensation: None,
        last_updated: DateTime(cdr.created_at),
    })
}
