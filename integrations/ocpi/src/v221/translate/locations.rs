//! Locations as roaming partners see them.

use stromtor_domain::{
    access::policy::AuthenticationType,
    network::{
        charge_point::{ChargePointStatus, CurrentType},
        connector::{ConnectorFormat as OurFormat, PowerType as OurPower},
        location::{Address, EnergyMix as OurMix, OpeningHours},
    },
    roaming::place::{Place, PlaceConnector, PlacePoint},
};

use super::tariffs;
use crate::{
    v221::wire::{
        common::{BusinessDetails, DisplayText},
        locations::{
            Capability, Connector, ConnectorFormat, ConnectorType, EnergyMix, EnergySource, EnergySourceCategory, Evse,
            GeoLocation, Hours, Location, PowerType, RegularHours, Status,
        },
    },
    values::{CiString, DateTime, Number, Text},
};

/// A country's three letters; its two where there are none.
#[must_use]
pub fn alpha3(country: &str) -> Text<3> {
    Text::cut(rust_iso3166::from_alpha2(country).map_or(country, |country| country.alpha3))
}

/// A location.
#[must_use]
pub fn location(place: &Place) -> Location {
    let Address { street, postal_code, city, state, country, .. } = &place.address;
    let language = || Text::cut(&country.as_str().to_ascii_lowercase());
    Location {
        country_code: CiString::cut(&place.party.0),
        party_id: CiString::cut(&place.party.1),
        id: CiString::cut(&place.id.to_string()),
        publish: place.points.iter().any(|point| point.published && point.show_as_poi),
        publish_allowed_to: Vec::new(),
        name: Some(Text::cut(&place.name)),
        // Peers on older drafts take no more (OCPI 2.2: 45 and 20 characters).
        address: Text::cut(&street.as_str().chars().take(45).collect::<String>()),
        city: Text::cut(city.as_str()),
        postal_code: postal_code.as_ref().map(|code| Text::cut(code.as_str())),
        state: state.as_ref().map(|state| Text::cut(&state.as_str().chars().take(20).collect::<String>())),
        country: alpha3(country.as_str()),
        coordinates: GeoLocation {
            latitude: Text::cut(&format!("{:.6}", place.coordinates.latitude)),
            longitude: Text::cut(&format!("{:.6}", place.coordinates.longitude)),
        },
        related_locations: Vec::new(),
        parking_type: None,
        evses: place.points.iter().filter_map(evse).collect(),
        directions: place
            .directions
            .as_ref()
            .map(|text| DisplayText { language: language(), text: Text::cut(text) })
            .into_iter()
            .collect(),
        operator: Some(BusinessDetails {
            name: Text::cut(&place.operator),
            website: place.website.as_deref().map(Text::cut),
            logo: None,
        }),
        suboperator: None,
        owner: None,
        facilities: Vec::new(),
        time_zone: Text::cut(place.time_zone.as_str()),
        opening_times: place.opening_hours.as_ref().map(hours),
        charging_when_closed: None,
        images: Vec::new(),
        energy_mix: place.energy_mix.as_ref().map(energy_mix),
        last_updated: DateTime(place.last_updated),
    }
}

fn hours(hours: &OpeningHours) -> Hours {
    let regular = hours.regular.iter().map(|period| RegularHours {
        weekday: period.weekday,
        period_begin: Text::cut(period.from.as_str()),
        // The day has no 24:00 here.
        period_end: Text::cut(if period.to.as_str() == "24:00" { "23:59" } else { period.to.as_str() }),
    });
    Hours {
        twentyfourseven: hours.twenty_four_seven,
        regular_hours: regular.collect(),
        exceptional_openings: Vec::new(),
        exceptional_closings: Vec::new(),
    }
}

fn energy_mix(mix: &OurMix) -> EnergyMix {
    let source = |source: &stromtor_domain::network::location::EnergySource| {
        let category = EnergySourceCategory::parse(source.source.as_str())?;
        Some(EnergySource { source: category, percentage: Number(source.percentage.into()) })
    };
    EnergyMix {
        is_green_energy: mix.is_green_energy,
        energy_sources: mix.sources.iter().filter_map(source).collect(),
        environ_impact: Vec::new(),
        supplier_name: mix.supplier.as_ref().map(|name| Text::cut(name.as_str())),
        energy_product_name: mix.product.as_ref().map(|name| Text::cut(name.as_str())),
    }
}

/// A charge point; nothing where it has no connector that OCPI has a word for.
#[must_use]
pub fn evse(point: &PlacePoint) -> Option<Evse> {
    let connectors: Vec<Connector> = point.connectors.iter().filter_map(|plug| connector(point, plug)).collect();
    if connectors.is_empty() {
        return None;
    }
    let capabilities = point.ways.iter().filter_map(|way| match way {
        AuthenticationType::LocalRfid => Some(Capability::RfidReader),
        AuthenticationType::Remote => Some(Capability::RemoteStartStopCapable),
        AuthenticationType::PlugAndCharge => None,
    });
    Some(Evse {
        uid: CiString::cut(&point.id.to_string()),
        evse_id: point.evse_id.as_ref().map(|id| CiString::cut(id.as_str())),
        status: status(point),
        status_schedule: Vec::new(),
        capabilities: capabilities.collect(),
        connectors,
        floor_level: None,
        coordinates: None,
        physical_reference: Some(Text::cut(&point.code)),
        directions: Vec::new(),
        parking_restrictions: Vec::new(),
        images: Vec::new(),
        last_updated: DateTime(point.last_updated),
    })
}

/// What is published no more is gone for good, as OCPI says it (section 8.3.2): it is not deleted.
const fn status(point: &PlacePoint) -> Status {
    if !point.published {
        return Status::Removed;
    }
    match point.status {
        ChargePointStatus::Available => Status::Available,
        ChargePointStatus::Occupied | ChargePointStatus::Charging => Status::Charging,
        ChargePointStatus::Reserved => Status::Reserved,
        ChargePointStatus::Unavailable => Status::Inoperative,
        ChargePointStatus::Faulted => Status::OutOfOrder,
        ChargePointStatus::Unknown | ChargePointStatus::Offline => Status::Unknown,
    }
}

/// Plug, socket or cable, and power of a connector; nothing where OCPI has no word for the plug.
pub(super) fn connector_words(plug: &PlaceConnector) -> Option<(ConnectorType, ConnectorFormat, PowerType)> {
    let power_type = match plug.power_type {
        OurPower::Ac1Phase => PowerType::Ac1Phase,
        OurPower::Ac2Phase => PowerType::Ac2Phase,
        OurPower::Ac2PhaseSplit => PowerType::Ac2PhaseSplit,
        OurPower::Ac3Phase => PowerType::Ac3Phase,
        OurPower::Dc => PowerType::Dc,
    };
    let format = match plug.format {
        OurFormat::Socket => ConnectorFormat::Socket,
        OurFormat::Cable => ConnectorFormat::Cable,
    };
    Some((ConnectorType::parse(plug.standard.as_str())?, format, power_type))
}

fn connector(point: &PlacePoint, plug: &PlaceConnector) -> Option<Connector> {
    let (standard, format, power_type) = connector_words(plug)?;
    let between = u32::try_from(plug.max_voltage_v).ok()?;
    // Line to neutral with three phases: 400 V between the conductors are 230.
    let max_voltage = if power_type == PowerType::Ac3Phase { between * 1000 / 1732 } else { between };
    let watts = plug.max_power_kw.map(|power| (power.decimal() * rust_decimal::Decimal::ONE_THOUSAND).trunc());
    Some(Connector {
        id: CiString::cut(&plug.id.to_string()),
        standard,
        format,
        power_type,
        max_voltage,
        max_amperage: u32::try_from(plug.max_current_a).ok()?,
        max_electric_power: watts.and_then(|watts| watts.to_string().parse().ok()),
        tariff_ids: point
            .tariff_id
            .map(|tariff| tariffs::id(tariff, point.current_type == CurrentType::Dc))
            .into_iter()
            .collect(),
        terms_and_conditions: None,
        last_updated: DateTime(plug.last_updated),
    })
}

#[cfg(test)]
mod tests {
    use stromtor_domain::network::connector::ConnectorStandard;

    use super::*;

    #[test]
    fn countries_have_three_letters() {
        assert_eq!((alpha3("DE").as_str(), alpha3("AT").as_str(), alpha3("XX").as_str()), ("DEU", "AUT", "XX"));
    }

    #[test]
    fn every_standard_but_one_has_a_word() {
        let without: Vec<&str> = ConnectorStandard::ALL
            .iter()
            .map(|standard| standard.as_str())
            .filter(|standard| ConnectorType::parse(standard).is_none())
            .collect();
        assert_eq!(without, ["mcs"], "OCPI 2.3.0 has it");
    }
}
