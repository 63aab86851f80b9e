//! Whether a station may be published to a roaming platform (portal function E4): what a platform asks for, item by item, what
//! is wrong, and where to mend it. A pure rule over facts that the store gathers.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::access_information::RoamingPlatform;
use crate::{
    access::policy::AuthenticationType,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    product::product::Feature,
    tenancy::partner::PartnerId,
};

choice! {
    /// What a roaming platform asks for.
    pub enum ReadinessItemKind {
        /// The station is in service, not dismantled.
        Installation = "installation",
        /// An EVSE-ID of each charge point.
        EvseId = "evse_id",
        /// Street and house number.
        Street = "street",
        /// Town.
        Town = "town",
        /// Postal code.
        Postcode = "postcode",
        /// Country.
        Country = "country",
        /// Position on the map.
        Coordinates = "coordinates",
        /// Telephone drivers call: the location's, else the partner's. Hubject alone asks for it.
        Hotline = "hotline",
        /// Authentication types of each charge point, remote among them.
        AuthenticationType = "authentication_type",
        /// A connector of each charge point.
        Connector = "connector",
        /// What marketing and Roaming+ need was bought, where it is sold.
        Product = "product",
    }
}

impl ReadinessItemKind {
    /// Whether a platform asks for it.
    #[must_use]
    pub const fn asked_by(self, platform: RoamingPlatform) -> bool {
        !matches!((self, platform), (Self::Hotline, RoamingPlatform::Ocpi))
    }
}

/// Something that is wrong, and where to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ReadinessProblem {
    /// What is wrong, for people.
    pub message: String,
    /// Path of the resource to change, or of the list to add to.
    pub resource: String,
    /// JSON pointer to the field there; absent where something is to be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// One thing that a platform asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ReadinessItem {
    /// What is asked for.
    pub item: ReadinessItemKind,
    /// Whether it holds.
    pub holds: bool,
    /// What is wrong; empty when it holds.
    pub problems: Vec<ReadinessProblem>,
}

/// What one platform asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct PlatformReadiness {
    /// Whether everything holds.
    pub ready: bool,
    /// Everything that is asked for.
    pub items: Vec<ReadinessItem>,
}

/// Whether a station may be published, platform by platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Readiness {
    /// The station.
    pub station_id: StationId,
    /// For Hubject.
    pub hubject: PlatformReadiness,
    /// For partners connected over OCPI.
    pub ocpi: PlatformReadiness,
}

/// What is known of a charge point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointFacts {
    /// The charge point.
    pub id: ChargePointId,
    /// The operator's name of it.
    pub code: String,
    /// Whether it has an EVSE-ID.
    pub evse_id: bool,
    /// How drivers are let in.
    pub authentication_types: Vec<AuthenticationType>,
    /// Whether it has a connector.
    pub connector: bool,
}

/// A feature that a station lacks, for nobody has bought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The feature.
    pub feature: Feature,
    /// Codes of the products that would enable it.
    pub products: Vec<String>,
}

/// What is known of a station. Parts of the address may be missing in rows that were not written over REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationFacts {
    /// The station.
    pub station_id: StationId,
    /// Its location.
    pub location_id: LocationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Whether it is dismantled.
    pub dismantled: bool,
    /// The location's street.
    pub street: Option<String>,
    /// The location's town.
    pub town: Option<String>,
    /// The location's postal code.
    pub postcode: Option<String>,
    /// The location's country.
    pub country: Option<String>,
    /// Whether the location has coordinates.
    pub coordinates: bool,
    /// Whether there is a telephone that drivers call: the location's, else the partner's.
    pub hotline: bool,
    /// Its charge points.
    pub points: Vec<PointFacts>,
    /// What was not bought, of what marketing may need.
    pub lacks: Vec<Lack>,
}

impl StationFacts {
    /// Whether a platform may have it, and what is wrong.
    #[must_use]
    pub fn readiness(&self, platform: RoamingPlatform) -> PlatformReadiness {
        let asked = ReadinessItemKind::ALL.iter().filter(|item| item.asked_by(platform));
        let items: Vec<ReadinessItem> = asked.map(|item| self.item(*item)).collect();
        PlatformReadiness { ready: items.iter().all(|item| item.holds), items }
    }

    /// Whether a platform may have it, for all of them.
    #[must_use]
    pub fn all(&self) -> Readiness {
        Readiness {
            station_id: self.station_id,
            hubject: self.readiness(RoamingPlatform::Hubject),
            ocpi: self.readiness(RoamingPlatform::Ocpi),
        }
    }

    /// One thing that platforms ask for.
    #[must_use]
    pub fn item(&self, item: ReadinessItemKind) -> ReadinessItem {
        let problems = match item {
            ReadinessItemKind::Installation => self.installation(),
            ReadinessItemKind::Street => self.address(self.street.as_deref(), "no street", "street"),
            ReadinessItemKind::Town => self.address(self.town.as_deref(), "no town", "city"),
            ReadinessItemKind::Postcode => self.address(self.postcode.as_deref(), "no postal code", "postal_code"),
            ReadinessItemKind::Country => self.address(self.country.as_deref(), "no country", "country"),
            ReadinessItemKind::Coordinates => {
                self.at_location(self.coordinates, "the location has no coordinates", "/coordinates")
            }
            ReadinessItemKind::Hotline => {
                self.at_location(self.hotline, "neither the location nor its partner has a hotline", "/hotline")
            }
            ReadinessItemKind::EvseId => self.each(|point| {
                let message = format!("charge point {} has no EVSE-ID", point.code);
                (!point.evse_id).then(|| field(message, point, "/evse_id"))
            }),
            ReadinessItemKind::AuthenticationType => self.each(|point| {
                let lacks = match point.authentication_types.as_slice() {
                    [] => "no authentication type",
                    types if types.contains(&AuthenticationType::Remote) => return None,
                    _ => "no remote authentication",
                };
                Some(field(format!("charge point {} has {lacks}", point.code), point, "/authentication_types"))
            }),
            ReadinessItemKind::Connector => self.each(|point| {
                (!point.connector).then(|| ReadinessProblem {
                    message: format!("charge point {} has no connector", point.code),
                    resource: format!("/v1/connectors?charge_point_id={}", point.id),
                    pointer: None,
                })
            }),
            ReadinessItemKind::Product => [Feature::Marketing, Feature::RoamingPlus]
                .into_iter()
                .filter_map(|feature| self.lack(feature))
                .map(Self::unbought)
                .collect(),
        };
        ReadinessItem { item, holds: problems.is_empty(), problems }
    }

    /// What would have to be bought for a feature.
    #[must_use]
    pub fn lack(&self, feature: Feature) -> Option<&Lack> {
        self.lacks.iter().find(|lack| lack.feature == feature)
    }

    /// The same, and where to do it.
    #[must_use]
    pub fn unbought(lack: &Lack) -> ReadinessProblem {
        ReadinessProblem {
            message: format!("{} needs a product: {}", lack.feature, lack.products.join(", ")),
            resource: "/v1/product-orders".into(),
            pointer: None,
        }
    }

    fn installation(&self) -> Vec<ReadinessProblem> {
        let problem = ReadinessProblem {
            message: "the station is dismantled".into(),
            resource: format!("/v1/stations/{}", self.station_id),
            pointer: Some("/installation_status".into()),
        };
        if self.dismantled { vec![problem] } else { Vec::new() }
    }

    fn address(&self, part: Option<&str>, lacks: &str, field: &str) -> Vec<ReadinessProblem> {
        let filled = part.is_some_and(|part| !part.trim().is_empty());
        self.at_location(filled, &format!("the location's address has {lacks}"), &format!("/address/{field}"))
    }

    fn at_location(&self, holds: bool, message: &str, pointer: &str) -> Vec<ReadinessProblem> {
        let problem = || ReadinessProblem {
            message: message.into(),
            resource: format!("/v1/locations/{}", self.location_id),
            pointer: Some(pointer.into()),
        };
        if holds { Vec::new() } else { vec![problem()] }
    }

    /// Something about each charge point; a station without any has nothing to offer.
    fn each(&self, wrong: impl Fn(&PointFacts) -> Option<ReadinessProblem>) -> Vec<ReadinessProblem> {
        if self.points.is_empty() {
            return vec![ReadinessProblem {
                message: "the station has no charge point".into(),
                resource: format!("/v1/charge-points?station_id={}", self.station_id),
                pointer: None,
            }];
        }
        self.points.iter().filter_map(wrong).collect()
    }
}

fn field(message: String, point: &PointFacts, pointer: &str) -> ReadinessProblem {
    let resource = format!("/v1/charge-points/{}", point.id);
    ReadinessProblem { message, resource, pointer: Some(pointer.into()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use uuid::Uuid;

    /// A station that every platform may have.
    pub fn ready() -> StationFacts {
        let point = |number: u128| PointFacts {
            id: ChargePointId(Uuid::from_u128(number)),
            code: format!("CP{number}"),
            evse_id: true,
            authentication_types: vec![AuthenticationType::LocalRfid, AuthenticationType::Remote],
            connector: true,
        };
        let text = |text: &str| Some(text.to_owned());
        StationFacts {
            station_id: StationId(Uuid::from_u128(100)),
            location_id: LocationId(Uuid::from_u128(101)),
            partner_id: PartnerId(Uuid::from_u128(102)),
            dismantled: false,
            street: text("Hauptstraße 1"),
            town: text("Berlin"),
            postcode: text("10115"),
            country: text("DE"),
            coordinates: true,
            hotline: true,
            points: vec![point(1), point(2)],
            lacks: Vec::new(),
        }
    }

    /// A feature that nobody has bought.
    pub fn lack(feature: Feature) -> Lack {
        Lack { feature, products: vec!["EOP".into()] }
    }

    #[test]
    fn each_item_breaks_alone() {
        use ReadinessItemKind::*;
        assert!(ready().all().hubject.ready && ready().all().ocpi.ready);
        type Break = fn(&mut StationFacts);
        let cases: [(ReadinessItemKind, Break, &str, Option<&str>); 13] = [
            (Installation, |facts| facts.dismantled = true, "stations", Some("/installation_status")),
            (EvseId, |facts| facts.points[1].evse_id = false, "charge-points", Some("/evse_id")),
            (Street, |facts| facts.street = None, "locations", Some("/address/street")),
            (Street, |facts| facts.street = Some(" ".into()), "locations", Some("/address/street")),
            (Town, |facts| facts.town = None, "locations", Some("/address/city")),
            (Postcode, |facts| facts.postcode = None, "locations", Some("/address/postal_code")),
            (Country, |facts| facts.country = None, "locations", Some("/address/country")),
            (Coordinates, |facts| facts.coordinates = false, "locations", Some("/coordinates")),
            (Hotline, |facts| facts.hotline = false, "locations", Some("/hotline")),
            (
                AuthenticationType,
                |facts| facts.points[0].authentication_types.truncate(1),
                "charge-points",
                Some("/authentication_types"),
            ),
            (
                AuthenticationType,
                |facts| facts.points[0].authentication_types.clear(),
                "charge-points",
                Some("/authentication_types"),
            ),
            (Connector, |facts| facts.points[1].connector = false, "connectors?charge_point_id=", None),
            (Product, |facts| facts.lacks.push(lack(Feature::Marketing)), "product-orders", None),
        ];
        for (item, broken, resource, pointer) in cases {
            let mut facts = ready();
            broken(&mut facts);
            for platform in RoamingPlatform::ALL {
                let readiness = facts.readiness(*platform);
                let wrong: Vec<&ReadinessItem> = readiness.items.iter().filter(|item| !item.holds).collect();
                if !item.asked_by(*platform) {
                    assert!(readiness.ready && readiness.items.iter().all(|asked| asked.item != item));
                    continue;
                }
                assert!(!readiness.ready);
                assert_eq!((wrong.len(), wrong[0].item, wrong[0].problems.len()), (1, item, 1), "{platform}: {item}");
                let problem = &wrong[0].problems[0];
                assert!(problem.resource.starts_with(&format!("/v1/{resource}")), "{}", problem.resource);
                assert_eq!(problem.pointer.as_deref(), pointer);
            }
        }
    }

    #[test]
    fn a_station_without_charge_points_has_nothing_to_offer() {
        let facts = StationFacts { points: Vec::new(), ..ready() };
        let wrong: Vec<_> =
            facts.all().ocpi.items.into_iter().filter(|item| !item.holds).map(|item| item.item).collect();
        assert_eq!(
            wrong,
            [ReadinessItemKind::EvseId, ReadinessItemKind::AuthenticationType, ReadinessItemKind::Connector]
        );
    }
}
