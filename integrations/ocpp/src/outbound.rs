//! What we tell stations: worded by the version of the connection, with the facts that the wording needs.

use stromtor_domain::{
    access::local_list::Step,
    command::{CommandInput, charging::RemoteStart},
    network::{
        charging_profile::{ChargingProfile, ProfileKind, ProfilePurpose, RateUnit, Recurrency},
        reservation::Reservation,
        tolerance::Tolerances,
    },
};

use crate::{v16, v201, version::Version};

/// Something that becomes a call to a station.
#[derive(Debug, Clone)]
pub enum Outbound<'a> {
    /// A typed command.
    Command(&'a CommandInput),
    /// ReserveNow.
    Reserve(&'a Reservation),
    /// CancelReservation.
    CancelReservation(&'a Reservation),
    /// SetChargingProfile.
    SetProfile(&'a ChargingProfile),
    /// ClearChargingProfile of this one.
    ClearProfile(&'a ChargingProfile),
    /// SendLocalList.
    LocalList(&'a Step),
}

/// Facts that the wording needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Our number of the session's transaction (OCPP 1.6).
    pub transaction_id: Option<i32>,
    /// The station's id of the session's transaction (OCPP 2.x).
    pub transaction_ref: Option<String>,
    /// EVSE and connector of the command's connector (OCPP 2.x); `None` for the whole station.
    pub place: Option<(i32, i32)>,
    /// A number that the station answers by.
    pub number: i32,
    /// The UID that a remote start names its token by, where the station takes no other.
    pub hex_uid: Option<String>,
    /// How the station is treated where it departs from the specification.
    pub tolerances: Tolerances,
}

impl Context {
    /// The word for a profile's purpose. A station that ignores limits of the whole is limited session by session.
    pub(crate) fn purpose(&self, purpose: ProfilePurpose, of_station: &'static str) -> &'static str {
        match purpose {
            ProfilePurpose::StationMax if self.tolerances.station_max_profile == Some(false) => "TxDefaultProfile",
            ProfilePurpose::StationMax => of_station,
            ProfilePurpose::TxDefault => "TxDefaultProfile",
            ProfilePurpose::Tx => "TxProfile",
        }
    }

    /// The UID that a remote start names its token by.
    pub(crate) fn start_uid<'a>(&'a self, start: &'a RemoteStart) -> &'a str {
        self.hex_uid.as_deref().unwrap_or(&start.token_uid)
    }
}

impl Outbound<'_> {
    /// The action and payload in a version; `None` when it has no words for it.
    #[must_use]
    pub fn word(&self, version: Version, context: &Context) -> Option<(&'static str, serde_json::Value)> {
        match version {
            Version::V16 => v16::command::call(self, context),
            Version::V201 => v201::command::call(self, context),
        }
    }
}

// The words that both versions share.

pub(crate) const fn kind(kind: ProfileKind) -> &'static str {
    match kind {
        ProfileKind::Absolute => "Absolute",
        ProfileKind::Recurring => "Recurring",
        ProfileKind::Relative => "Relative",
    }
}

pub(crate) const fn recurrency(recurrency: Recurrency) -> &'static str {
    match recurrency {
        Recurrency::Daily => "Daily",
        Recurrency::Weekly => "Weekly",
    }
}

pub(crate) const fn unit(unit: RateUnit) -> &'static str {
    match unit {
        RateUnit::A => "A",
        RateUnit::W => "W",
    }
}

/// A schedule's fields; the same in both versions.
pub(crate) fn schedule(schedule: &stromtor_domain::network::charging_profile::ChargingSchedule) -> serde_json::Value {
    let periods: Vec<serde_json::Value> = schedule
        .periods
        .iter()
        .map(|period| {
            let mut worded =
                serde_json::json!({ "startPeriod": period.start_s, "limit": number(period.limit.decimal()) });
            set(&mut worded, "numberPhases", period.phases);
            worded
        })
        .collect();
    let mut worded = serde_json::json!({ "chargingRateUnit": unit(schedule.unit), "chargingSchedulePeriod": periods });
    set(&mut worded, "startSchedule", schedule.start.map(|at| at.to_ocpp()));
    set(&mut worded, "duration", schedule.duration_s);
    set(&mut worded, "minChargingRate", schedule.min_rate.map(|rate| number(rate.decimal())));
    worded
}

/// A decimal as a JSON number. Its text is that of the shortest number with the same value.
pub(crate) fn number(decimal: rust_decimal::Decimal) -> serde_json::Value {
    let decimal = decimal.normalize();
    serde_json::from_str(&decimal.to_string()).unwrap_or_default()
}

/// Puts a field that may be absent into an object.
pub(crate) fn set(payload: &mut serde_json::Value, name: &str, value: Option<impl Into<serde_json::Value>>) {
    if let (Some(map), Some(value)) = (payload.as_object_mut(), value) {
        map.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use stromtor_domain::{
        Timestamp,
        file::log_request::LogKind,
        network::certificate::{CertificateHash, CertificateUse, StationCertificateType},
    };

    use super::*;
    use crate::{
        file::{self, FirmwareCall, LogCall},
        security,
    };

    /// What the central system begins: OCPP 1.6 edition 2 chapter 5 and the security whitepaper; OCPP 2.0.1 part 2.
    const BY_US_16: &str = "CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache \
        ClearChargingProfile DataTransfer DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule GetConfiguration \
        GetDiagnostics GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate RemoteStartTransaction \
        RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile SignedUpdateFirmware TriggerMessage \
        UnlockConnector UpdateFirmware";
    const BY_US_201: &str = "CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile \
        ClearDisplayMessage ClearVariableMonitoring CostUpdated CustomerInformation DataTransfer DeleteCertificate \
        GetBaseReport GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds \
        GetLocalListVersion GetLog GetMonitoringReport GetReport GetTransactionStatus GetVariables InstallCertificate \
        PublishFirmware RequestStartTransaction RequestStopTransaction ReserveNow Reset SendLocalList SetChargingProfile \
        SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables \
        TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware";

    /// One of each typed command, and further ones where a command has several words.
    fn commands() -> Vec<CommandInput> {
        let session = "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071";
        let setting = json!([{ "name": "HeartbeatInterval", "value": "60" }]);
        [
            json!({ "type": "remote_start", "token_uid": "A" }),
            json!({ "type": "remote_stop", "session_id": session }),
            json!({ "type": "unlock_connector", "connector": 1 }),
            json!({ "type": "reset", "kind": "soft" }),
            json!({ "type": "change_availability", "connector": 0, "operative": true }),
            json!({ "type": "get_parameters" }),
            json!({ "type": "get_parameters", "names": ["HeartbeatInterval"] }),
            json!({ "type": "set_parameter", "name": "HeartbeatInterval", "value": "60" }),
            json!({ "type": "set_parameters", "parameters": setting }),
            json!({ "type": "clear_cache" }),
            json!({ "type": "get_local_list_version" }),
            json!({ "type": "trigger_message", "message": "heartbeat" }),
            json!({ "type": "trigger_message", "message": "log_status" }),
            json!({ "type": "data_transfer", "vendor_id": "x" }),
            json!({ "type": "get_composite_schedule", "connector": 1, "duration_s": 60 }),
            json!({ "type": "clear_charging_profiles" }),
            json!({ "type": "get_charging_profiles" }),
            json!({ "type": "update_cost", "session_id": session, "total_cost": "1.0000" }),
            json!({ "type": "get_transaction_status" }),
            json!({ "type": "get_report", "base": "summary" }),
            json!({ "type": "get_report", "criteria": ["problem"] }),
            json!({ "type": "set_monitoring_base", "base": "all" }),
            json!({ "type": "set_monitoring_level", "severity": 5 }),
            json!({ "type": "set_monitors", "monitors":
                [{ "name": "EVSE@1/Power", "kind": "delta", "value": "1", "severity": 5 }] }),
            json!({ "type": "clear_monitors", "ids": [1] }),
            json!({ "type": "get_monitoring_report" }),
            json!({ "type": "set_display_message", "id": 1, "priority": "in_front", "format": "utf8", "content": "x" }),
            json!({ "type": "get_display_messages" }),
            json!({ "type": "clear_display_message", "id": 1 }),
            json!({ "type": "customer_information", "report": true, "clear": false, "token_uid": "A" }),
            json!({ "type": "set_network_profile", "slot": 1, "url": "wss://a", "ocpp_version": "ocpp2.0.1",
                "security_profile": 2, "message_timeout_s": 30, "interface": "wired0" }),
        ]
        .into_iter()
        .map(|command| serde_json::from_value(command.clone()).unwrap_or_else(|error| panic!("{command}: {error}")))
        .collect()
    }

    /// What has a resource of its own.
    fn resources(version: Version, context: &Context) -> Vec<&'static str> {
        let (nil, at) = (uuid::Uuid::nil(), "2026-11-01T10:00:00Z");
        let place = json!({ "id": nil, "partner_id": nil, "location_id": nil, "station_id": nil, "connector": 1,
            "metadata": {}, "created_by": "x", "created_at": at, "updated_at": at });
        let with = |more: Value| {
            let mut whole = place.clone();
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            whole
        };
        let reservation: Reservation = serde_json::from_value(with(json!({
            "ocpp_reservation_id": 1, "token_uid": "A", "expires_at": at, "state": "requested" })))
        .unwrap();
        let profile: ChargingProfile =
            serde_json::from_value(with(json!({ "ocpp_profile_id": 1, "purpose": "tx_default",
            "stack_level": 0, "kind": "relative", "state": "requested",
            "schedule": { "unit": "a", "periods": [{ "start_s": 0, "limit": "16.0" }] } })))
            .unwrap();
        let step = Step { full: true, version: 1, changes: Vec::new(), entries: Default::default() };
        let outbound = [
            Outbound::Reserve(&reservation),
            Outbound::CancelReservation(&reservation),
            Outbound::SetProfile(&profile),
            Outbound::ClearProfile(&profile),
            Outbound::LocalList(&step),
        ];
        let mut actions: Vec<&str> =
            outbound.iter().map(|outbound| outbound.word(version, context).unwrap().0).collect();
        let at = Timestamp::parse(at).unwrap();
        for kind in [LogKind::Diagnostics, LogKind::Security] {
            let call = LogCall {
                request_id: 1,
                kind,
                location: "http://a".into(),
                from: None,
                to: None,
                retries: None,
                retry_interval_s: None,
            };
            actions.push(file::log(version, &call).0);
        }
        for signature in [None, Some(("c".to_owned(), "s".to_owned()))] {
            let call = FirmwareCall {
                request_id: 1,
                location: "http://a".into(),
                retrieve_at: at,
                install_at: None,
                signature,
                retries: None,
                retry_interval_s: None,
            };
            actions.push(file::firmware(version, &call).0);
        }
        if version == Version::V201 {
            actions.push(v201::file::publish(1, "http://a", "00", None, None).0);
            actions.push(v201::file::unpublish("00").0);
        }
        let (name, root) = (version.as_str(), StationCertificateType::ManufacturerRoot);
        let hash = CertificateHash {
            hash_algorithm: "SHA256".into(),
            issuer_name_hash: "a".into(),
            issuer_key_hash: "b".into(),
            serial_number: "1".into(),
        };
        actions.push(security::certificate_signed(name, "x", CertificateUse::ChargingStation).0);
        actions.push(security::install_certificate(name, false, root, "x").unwrap().0);
        actions.extend(security::installed_certificate_ids(name, false).iter().map(|(action, _)| *action));
        actions.push(security::delete_certificate(name, root, &hash).0);
        actions.push(security::set_password(name, "x").0);
        actions
    }

    #[test]
    fn everything_that_we_may_begin_has_a_command_or_a_resource() {
        let kinds: BTreeSet<&str> = commands().iter().map(CommandInput::kind).collect();
        assert_eq!(
            kinds,
            CommandInput::KINDS.iter().copied().collect::<BTreeSet<_>>(),
            "a command of each type is tried"
        );
        let context = Context {
            transaction_id: Some(1),
            transaction_ref: Some("t".into()),
            place: Some((1, 1)),
            number: 1,
            ..Context::default()
        };
        for (version, by_us) in [(Version::V16, BY_US_16), (Version::V201, BY_US_201)] {
            let commands = commands();
            let worded = commands.iter().filter_map(|command| Outbound::Command(command).word(version, &context));
            let mut worded: BTreeSet<&str> = worded.map(|(action, _)| action).collect();
            worded.extend(resources(version, &context));
            assert_eq!(worded, by_us.split_whitespace().collect::<BTreeSet<_>>(), "{version}");
        }
    }
}
