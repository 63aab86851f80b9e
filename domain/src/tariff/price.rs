//! What one kind of current costs.
//!
//! There is one form that everything is computed from, [`PowerPrice::elements`]: what a session costs
//! (`billing::rating`), what is published over OCPI (`tariff::ocpi`) and what people are shown. It follows OCPI 2.2.1
//! section 11.3.1: for energy, time and the session fee each, the first element counts that holds and prices it.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    money::{Amount, Percent},
    tariff::restriction::Restrictions,
};

/// Most further elements of one price.
const MOST_ELEMENTS: usize = 50;

/// What one kind of current costs, net of VAT, in the tariff's currency.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct PowerPrice {
    /// Price per kWh, 0 to 9999.
    pub per_kwh: Amount,
    /// Price per minute, 0 to 9999; billed by the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<Amount>,
    /// The minute of the session from which `per_minute` holds (a blocking fee), idle time included; 0 to 10080. From the
    /// start when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_minute: Option<i32>,
    /// Price per session, 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_fee: Option<Amount>,
    /// Other prices at some times, for some energy or power: before the prices above, the first that holds counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub elements: Vec<PriceElement>,
    /// Energy is billed in steps of this many Wh, the last one whole; 1 to 100000. Exactly when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_step_wh: Option<i32>,
    /// Time is billed in steps of this many seconds, the last one whole; 1 to 86400. By the second when absent. Charging and
    /// idle time count apart: the idle time is rounded where there was some, else the charging time (OCPI 2.2.1 section
    /// 11.4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_step_s: Option<i32>,
    /// A session costs at least this, net; 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Amount>,
    /// A session costs at most this, net; 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Amount>,
    /// VAT in percent, 0 to 100; that of the charge point's country when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat: Option<Percent>,
}

jsonb!(PowerPrice);

/// Prices that hold at some times, for some energy or power; what is absent is left to the elements behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct PriceElement {
    /// When it holds.
    pub restrictions: Restrictions,
    /// Price per kWh, 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_kwh: Option<Amount>,
    /// Price per minute, charging or idle, 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<Amount>,
    /// Price per minute while energy flows, instead of `per_minute`; 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_charging_minute: Option<Amount>,
    /// Price per minute while none flows, instead of `per_minute`; 0 to 9999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_idle_minute: Option<Amount>,
    /// Price per session, 0 to 9999; due once, where it holds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_fee: Option<Amount>,
}

/// One element of the form that everything is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// When it holds.
    pub restrictions: Restrictions,
    /// Price per kWh.
    pub energy: Option<Amount>,
    /// Price per minute while energy flows.
    pub charging: Option<Amount>,
    /// Price per minute while none flows.
    pub idle: Option<Amount>,
    /// Price per session.
    pub flat: Option<Amount>,
}

impl PowerPrice {
    /// The same with every amount raised by so many percent, each half up to four decimals.
    #[must_use]
    pub fn marked_up(&self, percent: Percent) -> Self {
        let factor = rust_decimal::Decimal::ONE + percent.decimal() / rust_decimal::Decimal::ONE_HUNDRED;
        let raised = |amount: Amount| Amount::round(amount.decimal() * factor);
        let maybe = |amount: Option<Amount>| amount.map(raised);
        Self {
            per_kwh: raised(self.per_kwh),
            per_minute: maybe(self.per_minute),
            session_fee: maybe(self.session_fee),
            min_price: maybe(self.min_price),
            max_price: maybe(self.max_price),
            elements: self
                .elements
                .iter()
                .map(|element| PriceElement {
                    restrictions: element.restrictions.clone(),
                    per_kwh: maybe(element.per_kwh),
                    per_minute: maybe(element.per_minute),
                    per_charging_minute: maybe(element.per_charging_minute),
                    per_idle_minute: maybe(element.per_idle_minute),
                    session_fee: maybe(element.session_fee),
                })
                .collect(),
            ..self.clone()
        }
    }

    /// A price for energy alone.
    #[must_use]
    pub const fn energy(per_kwh: Amount) -> Self {
        Self {
            per_kwh,
            per_minute: None,
            from_minute: None,
            session_fee: None,
            elements: Vec::new(),
            energy_step_wh: None,
            time_step_s: None,
            min_price: None,
            max_price: None,
            vat: None,
        }
    }

    /// Ranges; `at` is the JSON pointer of this price.
    pub fn check(&self, at: &str) -> Result<()> {
        let own = [("per_kwh", Some(self.per_kwh)), ("min_price", self.min_price), ("max_price", self.max_price)];
        check_prices(at, own.into_iter().chain([("per_minute", self.per_minute), ("session_fee", self.session_fee)]))?;
        let wrong = |field: &str, why: &str| Err(Error::invalid(format!("{at}/{field}"), why.to_owned()));
        match self.from_minute {
            Some(minute) if !(0..=10_080).contains(&minute) => {
                return wrong("from_minute", "must be between 0 and 10080");
            }
            Some(_) if self.per_minute.is_none() => return wrong("from_minute", "says nothing without per_minute"),
            _ => {}
        }
        if self.energy_step_wh.is_some_and(|step| !(1..=100_000).contains(&step)) {
            return wrong("energy_step_wh", "must be between 1 and 100000");
        }
        if self.time_step_s.is_some_and(|step| !(1..=86_400).contains(&step)) {
            return wrong("time_step_s", "must be between 1 and 86400");
        }
        if self.vat.is_some_and(|vat| vat < Percent::ZERO || vat.decimal() > rust_decimal::Decimal::ONE_HUNDRED) {
            return wrong("vat", "must be between 0 and 100");
        }
        if self.max_price.is_some_and(|most| most < self.min_price.unwrap_or(Amount::ZERO)) {
            return wrong("max_price", "must not be below min_price");
        }
        if self.elements.len() > MOST_ELEMENTS {
            return wrong("elements", "are at most 50");
        }
        for (place, element) in self.elements.iter().enumerate() {
            let at = format!("{at}/elements/{place}");
            element.restrictions.check(&format!("{at}/restrictions"))?;
            let prices = [
                ("per_kwh", element.per_kwh),
                ("per_minute", element.per_minute),
                ("per_charging_minute", element.per_charging_minute),
                ("per_idle_minute", element.per_idle_minute),
                ("session_fee", element.session_fee),
            ];
            if element.per_minute.is_some()
                && element.per_charging_minute.is_some()
                && element.per_idle_minute.is_some()
            {
                return Err(Error::invalid(format!("{at}/per_minute"), "is replaced by both of the others"));
            }
            if prices.iter().all(|(_, price)| price.is_none()) {
                return Err(Error::invalid(at, "has no price"));
            }
            check_prices(&at, prices.into_iter())?;
        }
        Ok(())
    }

    /// Whether time costs anything.
    #[must_use]
    pub fn prices_time(&self) -> bool {
        let costs = |price: Option<Amount>| price.is_some_and(|price| price > Amount::ZERO);
        self.elements().iter().any(|element| costs(element.charging) || costs(element.idle))
    }

    /// Whether how the energy was spread over the session changes what it costs.
    #[must_use]
    pub fn asks_for_course(&self) -> bool {
        self.elements.iter().any(|element| {
            let apart = element.per_charging_minute.is_some() || element.per_idle_minute.is_some();
            apart || element.restrictions.ask_for_course()
        }) || (self.time_step_s.is_some_and(|step| step > 1) && self.prices_time())
    }

    /// The one form: further elements first, then the prices that hold always, the blocking fee before them.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        let own = self.elements.iter().map(|element| Element {
            restrictions: element.restrictions.clone(),
            energy: element.per_kwh,
            charging: element.per_charging_minute.or(element.per_minute),
            idle: element.per_idle_minute.or(element.per_minute),
            flat: element.session_fee,
        });
        let blocking = self.from_minute.filter(|minute| *minute > 0).map(|minute| Element {
            restrictions: Restrictions { from_minute: Some(minute), ..Restrictions::default() },
            energy: None,
            charging: self.per_minute,
            idle: self.per_minute,
            flat: None,
        });
        let time = if blocking.is_some() { None } else { self.per_minute };
        let always = Element {
            restrictions: Restrictions::default(),
            energy: Some(self.per_kwh),
            charging: time,
            idle: time,
            flat: self.session_fee,
        };
        own.chain(blocking).chain([always]).collect()
    }
}

fn check_prices<'a>(at: &str, prices: impl Iterator<Item = (&'a str, Option<Amount>)>) -> Result<()> {
    let most = Amount::round(9999.into());
    for (field, price) in prices {
        if price.is_some_and(|price| price < Amount::ZERO || price > most) {
            return Err(Error::invalid(format!("{at}/{field}"), "must be between 0 and 9999"));
        }
    }
    Ok(())
}
