//! Locations, EVSEs, connectors (OCPI 2.2.1 chapter 8).

use serde::{Deserialize, Serialize};

use super::{
    common::{BusinessDetails, DisplayText, Image},
    tokens::TokenType,
};
use crate::values::{CiString, DateTime, Number, Text, Url, known_only, words};

/// A site with its EVSEs (section 8.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    pub id: CiString<36>,
    /// Whether apps may show it to everybody.
    pub publish: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish_allowed_to: Vec<PublishTokenType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<255>>,
    pub address: Text<255>,
    pub city: Text<45>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text<10>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Text<45>>,
    /// ISO 3166-1 alpha-3.
    pub country: Text<3>,
    pub coordinates: GeoLocation,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related_locations: Vec<AdditionalGeoLocation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parking_type: Option<ParkingType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evses: Vec<Evse>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directions: Vec<DisplayText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<BusinessDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suboperator: Option<BusinessDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<BusinessDetails>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known_only")]
    pub facilities: Vec<Facility>,
    /// IANA name.
    pub time_zone: Text<255>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_times: Option<Hours>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charging_when_closed: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_mix: Option<EnergyMix>,
    /// Moves with every change of the location, its EVSEs and connectors.
    pub last_updated: DateTime,
}

/// What charges one car at a time (section 8.3.2): our charge point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evse {
    /// Ours, for good; not the EVSE-ID.
    pub uid: CiString<36>,
    /// EVSE-ID (eMI3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_id: Option<CiString<48>>,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_schedule: Vec<StatusSchedule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known_only")]
    pub capabilities: Vec<Capability>,
    pub connectors: Vec<Connector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_level: Option<Text<4>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<GeoLocation>,
    /// What is written on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_reference: Option<Text<16>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directions: Vec<DisplayText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known_only")]
    pub parking_restrictions: Vec<ParkingRestriction>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    pub last_updated: DateTime,
}

/// A socket or cable (section 8.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    pub id: CiString<36>,
    pub standard: ConnectorType,
    pub format: ConnectorFormat,
    pub power_type: PowerType,
    /// V; line to neutral with three phases.
    pub max_voltage: u32,
    /// A.
    pub max_amperage: u32,
    /// W; where it is less than voltage and current amount to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_electric_power: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariff_ids: Vec<CiString<36>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_and_conditions: Option<Url>,
    pub last_updated: DateTime,
}

/// Where something is, in degrees, as text with five to seven decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoLocation {
    pub latitude: Text<10>,
    pub longitude: Text<11>,
}

/// Another point of a site: an entrance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalGeoLocation {
    pub latitude: Text<10>,
    pub longitude: Text<11>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayText>,
}

/// Whose apps may show a location that is not published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishTokenType {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<CiString<36>>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TokenType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visual_number: Option<Text<64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<CiString<36>>,
}

/// When a site is open, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    pub twentyfourseven: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regular_hours: Vec<RegularHours>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptional_openings: Vec<ExceptionalPeriod>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptional_closings: Vec<ExceptionalPeriod>,
}

/// Hours of a day of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegularHours {
    /// 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// `HH:MM`.
    pub period_begin: Text<5>,
    /// `HH:MM`.
    pub period_end: Text<5>,
}

/// A period that departs from the usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionalPeriod {
    pub period_begin: DateTime,
    pub period_end: DateTime,
}

/// A status that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSchedule {
    pub period_begin: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<DateTime>,
    pub status: Status,
}

/// Where the energy comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergyMix {
    pub is_green_energy: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy_sources: Vec<EnergySource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environ_impact: Vec<EnvironmentalImpact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_name: Option<Text<64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_product_name: Option<Text<64>>,
}

/// A source's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergySource {
    pub source: EnergySourceCategory,
    /// Percent.
    pub percentage: Number,
}

/// What a kWh costs the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentalImpact {
    pub category: EnvironmentalImpactCategory,
    /// g/kWh.
    pub amount: Number,
}

words! {
    /// What an EVSE is doing.
    Status { Available = "AVAILABLE", Blocked = "BLOCKED", Charging = "CHARGING", Inoperative = "INOPERATIVE",
        OutOfOrder = "OUTOFORDER", Planned = "PLANNED", Removed = "REMOVED", Reserved = "RESERVED", Unknown = "UNKNOWN" } else Unknown
}

words! {
    /// What an EVSE can do.
    Capability { ChargingProfileCapable = "CHARGING_PROFILE_CAPABLE", ChargingPreferencesCapable = "CHARGING_PREFERENCES_CAPABLE",
        ChipCardSupport = "CHIP_CARD_SUPPORT", ContactlessCardSupport = "CONTACTLESS_CARD_SUPPORT",
        CreditCardPayable = "CREDIT_CARD_PAYABLE", DebitCardPayable = "DEBIT_CARD_PAYABLE", PedTerminal = "PED_TERMINAL",
        RemoteStartStopCapable = "REMOTE_START_STOP_CAPABLE", Reservable = "RESERVABLE", RfidReader = "RFID_READER",
        StartSessionConnectorRequired = "START_SESSION_CONNECTOR_REQUIRED", TokenGroupCapable = "TOKEN_GROUP_CAPABLE",
        UnlockCapable = "UNLOCK_CAPABLE" }
}

words! {
    /// Socket or cable.
    ConnectorFormat { Socket = "SOCKET", Cable = "CABLE" }
}

words! {
    /// The shape of a connector.
    ConnectorType { Chademo = "CHADEMO", Chaoji = "CHAOJI", DomesticA = "DOMESTIC_A", DomesticB = "DOMESTIC_B",
        DomesticC = "DOMESTIC_C", DomesticD = "DOMESTIC_D", DomesticE = "DOMESTIC_E", DomesticF = "DOMESTIC_F",
        DomesticG = "DOMESTIC_G", DomesticH = "DOMESTIC_H", DomesticI = "DOMESTIC_I", DomesticJ = "DOMESTIC_J",
        DomesticK = "DOMESTIC_K", DomesticL = "DOMESTIC_L", DomesticM = "DOMESTIC_M", DomesticN = "DOMESTIC_N",
        DomesticO = "DOMESTIC_O", GbtAc = "GBT_AC", GbtDc = "GBT_DC", Iec603092Single16 = "IEC_60309_2_single_16",
        Iec603092Three16 = "IEC_60309_2_three_16", Iec603092Three32 = "IEC_60309_2_three_32",
        Iec603092Three64 = "IEC_60309_2_three_64", Iec62196T1 = "IEC_62196_T1", Iec62196T1Combo = "IEC_62196_T1_COMBO",
        Iec62196T2 = "IEC_62196_T2", Iec62196T2Combo = "IEC_62196_T2_COMBO", Iec62196T3A = "IEC_62196_T3A",
        Iec62196T3C = "IEC_62196_T3C", Nema520 = "NEMA_5_20", Nema630 = "NEMA_6_30", Nema650 = "NEMA_6_50",
        Nema1030 = "NEMA_10_30", Nema1050 = "NEMA_10_50", Nema1430 = "NEMA_14_30", Nema1450 = "NEMA_14_50",
        PantographBottomUp = "PANTOGRAPH_BOTTOM_UP", PantographTopDown = "PANTOGRAPH_TOP_DOWN", TeslaR = "TESLA_R",
        TeslaS = "TESLA_S" }
}

words! {
    /// Current and phases.
    PowerType { Ac1Phase = "AC_1_PHASE", Ac2Phase = "AC_2_PHASE", Ac2PhaseSplit = "AC_2_PHASE_SPLIT", Ac3Phase = "AC_3_PHASE",
        Dc = "DC" }
}

words! {
    /// What is near.
    Facility { Hotel = "HOTEL", Restaurant = "RESTAURANT", Cafe = "CAFE", Mall = "MALL", Supermarket = "SUPERMARKET",
        Sport = "SPORT", RecreationArea = "RECREATION_AREA", Nature = "NATURE", Museum = "MUSEUM", BikeSharing = "BIKE_SHARING",
        BusStop = "BUS_STOP", TaxiStand = "TAXI_STAND", TramStop = "TRAM_STOP", MetroStation = "METRO_STATION",
        TrainStation = "TRAIN_STATION", Airport = "AIRPORT", ParkingLot = "PARKING_LOT", CarpoolParking = "CARPOOL_PARKING",
        FuelStation = "FUEL_STATION", Wifi = "WIFI" }
}

words! {
    /// Who may park there.
    ParkingRestriction { EvOnly = "EV_ONLY", Plugged = "PLUGGED", Disabled = "DISABLED", Customers = "CUSTOMERS",
        Motorcycles = "MOTORCYCLES" }
}

words! {
    /// What kind of place it is.
    ParkingType { AlongMotorway = "ALONG_MOTORWAY", ParkingGarage = "PARKING_GARAGE", ParkingLot = "PARKING_LOT",
        OnDriveway = "ON_DRIVEWAY", OnStreet = "ON_STREET", UndergroundGarage = "UNDERGROUND_GARAGE" }
}

words! {
    /// What energy is made from.
    EnergySourceCategory { Nuclear = "NUCLEAR", GeneralFossil = "GENERAL_FOSSIL", Coal = "COAL", Gas = "GAS",
        GeneralGreen = "GENERAL_GREEN", Solar = "SOLAR", Wind = "WIND", Water = "WATER" }
}

words! {
    /// What is given off.
    EnvironmentalImpactCategory { NuclearWaste = "NUCLEAR_WASTE", CarbonDioxide = "CARBON_DIOXIDE" }
}
