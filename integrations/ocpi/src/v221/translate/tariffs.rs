//! Tariffs as roaming partners see them. OCPI cannot restrict by AC or DC: each is a tariff of its own.

use stromtor_domain::{
    Error, Result, Timestamp,
    tariff::{ocpi::OcpiForm, tariff::TariffId},
};

use crate::{
    v221::wire::{common::Price, tariffs::Tariff},
    values::{CiString, DateTime, Text},
};

/// The id of a tariff for one kind of current: 35 characters.
#[must_use]
pub fn id(tariff: TariffId, dc: bool) -> CiString<36> {
    CiString::cut(&format!("{}-{}", tariff.0.simple(), if dc { "DC" } else { "AC" }))
}

/// A tariff.
pub fn tariff(party: &(String, String), id: CiString<36>, form: OcpiForm, last_updated: Timestamp) -> Result<Tariff> {
    let price = |price: Option<serde_json::Value>| -> Result<Option<Price>> {
        price.map(serde_json::from_value).transpose().map_err(Error::internal)
    };
    Ok(Tariff {
        country_code: CiString::cut(&party.0),
        party_id: CiString::cut(&party.1),
        id,
        currency: Text::cut(form.currency.as_str()),
        kind: None,
        tariff_alt_text: Vec::new(),
        tariff_alt_url: None,
        min_price: price(form.min_price)?,
        max_price: price(form.max_price)?,
        elements: serde_json::from_value(form.elements.into()).map_err(Error::internal)?,
        start_date_time: None,
        end_date_time: None,
        energy_mix: None,
        last_updated: DateTime(last_updated),
    })
}
