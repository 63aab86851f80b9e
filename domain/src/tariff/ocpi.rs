//! A price as an OCPI 2.2.1 tariff states it (section 11.3.1): exactly equivalent, from the one form of `tariff::price`.
//!
//! OCPI cannot restrict by AC or DC, so each kind of current is a tariff of its own there. Time that counts from a minute of
//! the session, idle or not, becomes TIME and PARKING_TIME with `min_duration`. Prices are net, time is priced by the hour.

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    price::{Element, PowerPrice},
    restriction::{LocalTime, Restrictions},
    tariff::TariffVersion,
};
use crate::money::{Amount, CurrencyCode, Percent, Total};

/// The fields of an OCPI 2.2.1 tariff object that hold prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OcpiForm {
    /// ISO 4217.
    pub currency: CurrencyCode,
    /// `TariffElement` objects, in order: the first that holds counts, for each dimension.
    pub elements: Vec<Value>,
    /// `Price` object: a session costs at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Value>,
    /// `Price` object: a session costs at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Value>,
}

/// A number of JSON. Prices and thresholds have at most 13 digits, which survive the way through a double.
fn number(value: Decimal) -> Value {
    value.normalize().to_string().parse().map_or(Value::Null, Value::Number)
}

/// A tariff version as OCPI states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OcpiForms {
    /// What holds at AC charge points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ac: Option<OcpiForm>,
    /// What holds at DC charge points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<OcpiForm>,
}

/// Both forms of a version.
#[must_use]
pub fn forms(version: &TariffVersion, country_vat: Option<Percent>) -> OcpiForms {
    let of = |price: &Option<PowerPrice>| price.as_ref().map(|price| form(price, &version.currency, country_vat));
    OcpiForms { ac: of(&version.ac), dc: of(&version.dc) }
}

/// The form of one price. Without a known VAT none is stated.
#[must_use]
pub fn form(price: &PowerPrice, currency: &CurrencyCode, country_vat: Option<Percent>) -> OcpiForm {
    let vat = price.vat.or(country_vat);
    OcpiForm {
        currency: currency.clone(),
        elements: price.elements().iter().filter_map(|element| self::element(price, element, vat)).collect(),
        min_price: price.min_price.map(|limit| limit_price(limit, vat)),
        max_price: price.max_price.map(|limit| limit_price(limit, vat)),
    }
}

/// With VAT it is what is to be paid, to the cent.
fn limit_price(net: Amount, vat: Option<Percent>) -> Value {
    let mut price = json!({ "excl_vat": number(net.decimal()) });
    if let Some(vat) = vat {
        let tax = Total::round(net.decimal() * vat.decimal() / Decimal::ONE_HUNDRED);
        price["incl_vat"] = number(Total::round(net.decimal()).decimal() + tax.decimal());
    }
    price
}

fn element(price: &PowerPrice, element: &Element, vat: Option<Percent>) -> Option<Value> {
    let (energy_step, time_step) = (price.energy_step_wh.unwrap_or(1), price.time_step_s.unwrap_or(1));
    let per_hour = |price: Amount| price.decimal() * Decimal::from(60);
    let components = [
        ("ENERGY", element.energy.map(Amount::decimal), energy_step),
        ("TIME", element.charging.map(per_hour), time_step),
        ("PARKING_TIME", element.idle.map(per_hour), time_step),
        ("FLAT", element.flat.map(Amount::decimal), 1),
    ];
    let components: Vec<Value> = components
        .into_iter()
        .filter_map(|(kind, price, step_size)| {
            let mut component = json!({ "type": kind, "price": number(price?), "step_size": step_size });
            if let Some(vat) = vat {
                component["vat"] = number(vat.decimal());
            }
            Some(component)
        })
        .collect();
    if components.is_empty() {
        return None;
    }
    let mut object = json!({ "price_components": components });
    let restrictions = restrictions(&element.restrictions);
    if !restrictions.is_empty() {
        object["restrictions"] = restrictions.into();
    }
    Some(object)
}

fn restrictions(of: &Restrictions) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.into(), value);
        }
    };
    let text = |time: &Option<LocalTime>| time.as_ref().map(|time| Value::from(time.as_str()));
    // The end of the day ends nothing that has no begin.
    let whole_day = of.start_time.is_none() && of.end_time.as_ref().is_some_and(|end| end.as_str() == "00:00");
    if !whole_day {
        put("start_time", text(&of.start_time));
        put("end_time", text(&of.end_time));
    }
    put("start_date", of.start_date.as_ref().map(|date| date.as_str().into()));
    put("end_date", of.end_date.as_ref().map(|date| date.as_str().into()));
    put("min_kwh", of.min_kwh.map(|kwh| number(kwh.decimal())));
    put("max_kwh", of.max_kwh.map(|kwh| number(kwh.decimal())));
    put("min_power", of.min_power_kw.map(|power| number(power.decimal())));
    put("max_power", of.max_power_kw.map(|power| number(power.decimal())));
    put("min_duration", of.from_minute.map(|minute| (minute * 60).into()));
    put("max_duration", of.until_minute.map(|minute| (minute * 60).into()));
    let days: Vec<String> = of.days_of_week.iter().map(|day| day.as_str().to_ascii_uppercase()).collect();
    put("day_of_week", (!days.is_empty()).then(|| days.into()));
    object
}
