//! From commands to the calls of OCPP 2.0.1. What became of a command is read as in OCPP 1.6.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use stromtor_domain::{
    access::local_list::Step,
    command::{
        CommandInput,
        charging::{ClearChargingProfiles, GetChargingProfiles, IdTokenKind},
        device::{
            ComponentCriterion, GetMonitoringReport, GetReport, MessageFormat, MessagePriority, MessageState, Monitor,
            MonitorKind, MonitoringBase, MonitoringCriterion, NetworkInterface, ReportBase, SetDisplayMessage,
            SetNetworkProfile,
        },
        station::{ResetKind, TriggerKind},
    },
    network::{
        charging_profile::ChargingProfile,
        parameter::{VariableName, name_for},
    },
};

use crate::outbound::{Context, Outbound, kind, number, recurrency, schedule, set, unit};

const STATION_MAX: &str = "ChargingStationMaxProfile";

/// The action and payload; `None` when OCPP 2.0.1 has no words for it.
#[must_use]
pub fn call(outbound: &Outbound<'_>, context: &Context) -> Option<(&'static str, Value)> {
    let evse = context.place.map_or(0, |(evse, _)| evse);
    Some(match outbound {
        Outbound::Command(command) => return typed(command, context),
        Outbound::Reserve(reservation) => {
            let mut payload = json!({
                "id": reservation.ocpp_reservation_id, "expiryDateTime": reservation.expires_at.to_ocpp(),
                "idToken": id_token(&reservation.token_uid, "Central"),
            });
            set(&mut payload, "evseId", (evse > 0).then_some(evse));
            set(&mut payload, "groupIdToken", reservation.group_id.as_deref().map(|group| id_token(group, "Central")));
            ("ReserveNow", payload)
        }
        Outbound::CancelReservation(reservation) => {
            ("CancelReservation", json!({ "reservationId": reservation.ocpp_reservation_id }))
        }
        Outbound::SetProfile(profile) => {
            ("SetChargingProfile", json!({ "evseId": evse, "chargingProfile": self::profile(profile, context) }))
        }
        Outbound::ClearProfile(profile) => {
            ("ClearChargingProfile", json!({ "chargingProfileId": profile.ocpp_profile_id }))
        }
        Outbound::LocalList(update) => ("SendLocalList", local_list(update)),
    })
}

fn id_token(uid: &str, kind: &str) -> Value {
    json!({ "idToken": uid, "type": kind })
}

const fn token_kind(kind: Option<IdTokenKind>) -> &'static str {
    match kind {
        None | Some(IdTokenKind::Central) => "Central",
        Some(IdTokenKind::Iso14443) => "ISO14443",
        Some(IdTokenKind::Iso15693) => "ISO15693",
        Some(IdTokenKind::Emaid) => "eMAID",
        Some(IdTokenKind::KeyCode) => "KeyCode",
        Some(IdTokenKind::Local) => "Local",
    }
}

fn typed(command: &CommandInput, context: &Context) -> Option<(&'static str, Value)> {
    let (request_id, place) = (context.number, context.place);
    let evse = place.map(|(evse, connector)| json!({ "id": evse, "connectorId": connector }));
    let transaction = || context.transaction_ref.clone();
    Some(match command {
        CommandInput::RemoteStart(start) => {
            let token = id_token(context.start_uid(start), token_kind(start.token_kind));
            let mut payload = json!({ "remoteStartId": request_id, "idToken": token });
            set(&mut payload, "evseId", place.map(|(evse, _)| evse));
            ("RequestStartTransaction", payload)
        }
        CommandInput::RemoteStop(_) => ("RequestStopTransaction", json!({ "transactionId": transaction()? })),
        CommandInput::UnlockConnector(_) => {
            let (evse, connector) = place?;
            ("UnlockConnector", json!({ "evseId": evse, "connectorId": connector }))
        }
        CommandInput::Reset(reset) => {
            let kind = if reset.kind == ResetKind::Hard { "Immediate" } else { "OnIdle" };
            let mut payload = json!({ "type": kind });
            set(&mut payload, "evseId", reset.evse);
            ("Reset", payload)
        }
        CommandInput::ChangeAvailability(change) => {
            let status = if change.operative { "Operative" } else { "Inoperative" };
            let mut payload = json!({ "operationalStatus": status });
            set(&mut payload, "evse", evse);
            ("ChangeAvailability", payload)
        }
        CommandInput::GetParameters(get) if get.names.is_empty() => {
            ("GetBaseReport", json!({ "requestId": request_id, "reportBase": "FullInventory" }))
        }
        CommandInput::GetParameters(get) => {
            let wanted: Option<Vec<Value>> = get.names.iter().map(|name| variable(name)).collect();
            ("GetVariables", json!({ "getVariableData": wanted? }))
        }
        CommandInput::SetParameter(setting) => {
            let mut wanted = variable(&setting.name)?;
            wanted["attributeValue"] = setting.value.clone().into();
            ("SetVariables", json!({ "setVariableData": [wanted] }))
        }
        CommandInput::SetParameters(change) => {
            let wanted: Option<Vec<Value>> = change
                .parameters
                .0
                .iter()
                .map(|setting| {
                    let mut wanted = variable(&setting.name)?;
                    wanted["attributeValue"] = setting.value.clone().into();
                    Some(wanted)
                })
                .collect();
            ("SetVariables", json!({ "setVariableData": wanted? }))
        }
        CommandInput::ClearCache(_) => ("ClearCache", json!({})),
        CommandInput::GetLocalListVersion(_) => ("GetLocalListVersion", json!({})),
        CommandInput::TriggerMessage(wanted) => {
            let mut payload = json!({ "requestedMessage": trigger(wanted.message) });
            set(&mut payload, "evse", evse);
            ("TriggerMessage", payload)
        }
        CommandInput::DataTransfer(_) => return crate::v16::command::call(&Outbound::Command(command), context),
        CommandInput::GetCompositeSchedule(get) => {
            let mut payload = json!({ "evseId": place.map_or(0, |(evse, _)| evse), "duration": get.duration_s });
            set(&mut payload, "chargingRateUnit", get.unit.map(unit));
            ("GetCompositeSchedule", payload)
        }
        CommandInput::ClearChargingProfiles(clear) => ("ClearChargingProfile", self::clear(clear, context)),
        CommandInput::GetChargingProfiles(get) => ("GetChargingProfiles", profiles(get, context)),
        CommandInput::UpdateCost(update) => cost_updated(update.total_cost.decimal(), &transaction()?),
        CommandInput::GetTransactionStatus(get) => {
            let mut payload = json!({});
            if get.session_id.is_some() {
                payload["transactionId"] = transaction()?.into();
            }
            ("GetTransactionStatus", payload)
        }
        CommandInput::GetReport(get) => return report(get, request_id),
        CommandInput::SetMonitoringBase(set) => {
            let base = match set.base {
                MonitoringBase::All => "All",
                MonitoringBase::FactoryDefault => "FactoryDefault",
                MonitoringBase::HardWiredOnly => "HardWiredOnly",
            };
            ("SetMonitoringBase", json!({ "monitoringBase": base }))
        }
        CommandInput::SetMonitoringLevel(set) => ("SetMonitoringLevel", json!({ "severity": set.severity })),
        CommandInput::SetMonitors(set) => {
            let monitors: Option<Vec<Value>> = set.monitors.iter().map(monitor).collect();
            ("SetVariableMonitoring", json!({ "setMonitoringData": monitors? }))
        }
        CommandInput::ClearMonitors(clear) => ("ClearVariableMonitoring", json!({ "id": clear.ids })),
        CommandInput::GetMonitoringReport(get) => return monitoring_report(get, request_id),
        CommandInput::SetDisplayMessage(set) => return display_message(set, context),
        CommandInput::GetDisplayMessages(get) => {
            let mut payload = json!({ "requestId": request_id });
            set(&mut payload, "id", (!get.ids.is_empty()).then(|| get.ids.clone()));
            set(&mut payload, "priority", get.priority.map(priority));
            set(&mut payload, "state", get.state.map(state));
            ("GetDisplayMessages", payload)
        }
        CommandInput::ClearDisplayMessage(clear) => ("ClearDisplayMessage", json!({ "id": clear.id })),
        CommandInput::CustomerInformation(ask) => {
            let mut payload = json!({ "requestId": request_id, "report": ask.report, "clear": ask.clear });
            set(&mut payload, "idToken", ask.token_uid.as_deref().map(|uid| id_token(uid, "Central")));
            set(&mut payload, "customerIdentifier", ask.customer_identifier.clone());
            ("CustomerInformation", payload)
        }
        CommandInput::SetNetworkProfile(set) => ("SetNetworkProfile", network_profile(set)),
    })
}

/// CostUpdated: what a running session costs so far.
#[must_use]
pub fn cost_updated(total: Decimal, transaction: &str) -> (&'static str, Value) {
    ("CostUpdated", json!({ "totalCost": number(total), "transactionId": transaction }))
}

const fn trigger(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::BootNotification => "BootNotification",
        TriggerKind::DiagnosticsStatus | TriggerKind::LogStatus => "LogStatusNotification",
        TriggerKind::FirmwareStatus => "FirmwareStatusNotification",
        TriggerKind::PublishFirmwareStatus => "PublishFirmwareStatusNotification",
        TriggerKind::Heartbeat => "Heartbeat",
        TriggerKind::MeterValues => "MeterValues",
        TriggerKind::Status => "StatusNotification",
        TriggerKind::TransactionEvent => "TransactionEvent",
        TriggerKind::SignStationCertificate => "SignChargingStationCertificate",
        TriggerKind::SignV2gCertificate => "SignV2GCertificate",
        TriggerKind::SignCombinedCertificate => "SignCombinedCertificate",
    }
}

/// Component and variable of a parameter's name.
fn variable(name: &str) -> Option<Value> {
    let name = VariableName::parse(&name_for(name, true)?)?;
    let mut component = json!({ "name": name.component });
    set(&mut component, "instance", name.component_instance);
    if let Some(evse) = name.evse {
        let mut place = json!({ "id": evse });
        set(&mut place, "connectorId", name.connector);
        component["evse"] = place;
    }
    let mut variable = json!({ "name": name.variable });
    set(&mut variable, "instance", name.variable_instance);
    Some(json!({ "component": component, "variable": variable }))
}

fn report(get: &GetReport, request_id: i32) -> Option<(&'static str, Value)> {
    if let Some(base) = get.base {
        let base = match base {
            ReportBase::Configuration => "ConfigurationInventory",
            ReportBase::Full => "FullInventory",
            ReportBase::Summary => "SummaryInventory",
        };
        return Some(("GetBaseReport", json!({ "requestId": request_id, "reportBase": base })));
    }
    let criteria: Vec<&str> = get
        .criteria
        .iter()
        .map(|criterion| match criterion {
            ComponentCriterion::Active => "Active",
            ComponentCriterion::Available => "Available",
            ComponentCriterion::Enabled => "Enabled",
            ComponentCriterion::Problem => "Problem",
        })
        .collect();
    let names: Option<Vec<Value>> = get.names.iter().map(|name| variable(name)).collect();
    let names = names?;
    let mut payload = json!({ "requestId": request_id });
    set(&mut payload, "componentCriteria", (!criteria.is_empty()).then_some(criteria));
    set(&mut payload, "componentVariable", (!names.is_empty()).then_some(names));
    Some(("GetReport", payload))
}

fn monitoring_report(get: &GetMonitoringReport, request_id: i32) -> Option<(&'static str, Value)> {
    let criteria: Vec<&str> = get
        .criteria
        .iter()
        .map(|criterion| match criterion {
            MonitoringCriterion::Threshold => "ThresholdMonitoring",
            MonitoringCriterion::Delta => "DeltaMonitoring",
            MonitoringCriterion::Periodic => "PeriodicMonitoring",
        })
        .collect();
    let names: Option<Vec<Value>> = get.names.iter().map(|name| variable(name)).collect();
    let names = names?;
    let mut payload = json!({ "requestId": request_id });
    set(&mut payload, "monitoringCriteria", (!criteria.is_empty()).then_some(criteria));
    set(&mut payload, "componentVariable", (!names.is_empty()).then_some(names));
    Some(("GetMonitoringReport", payload))
}

fn monitor(monitor: &Monitor) -> Option<Value> {
    let kind = match monitor.kind {
        MonitorKind::UpperThreshold => "UpperThreshold",
        MonitorKind::LowerThreshold => "LowerThreshold",
        MonitorKind::Delta => "Delta",
        MonitorKind::Periodic => "Periodic",
        MonitorKind::PeriodicClockAligned => "PeriodicClockAligned",
    };
    let mut worded = variable(&monitor.name)?;
    worded["type"] = kind.into();
    worded["value"] = number(monitor.value.parse().ok()?);
    worded["severity"] = monitor.severity.into();
    worded["transaction"] = monitor.transaction.into();
    set(&mut worded, "id", monitor.id);
    Some(worded)
}

const fn priority(priority: MessagePriority) -> &'static str {
    match priority {
        MessagePriority::AlwaysFront => "AlwaysFront",
        MessagePriority::InFront => "InFront",
        MessagePriority::NormalCycle => "NormalCycle",
    }
}

const fn state(state: MessageState) -> &'static str {
    match state {
        MessageState::Charging => "Charging",
        MessageState::Faulted => "Faulted",
        MessageState::Idle => "Idle",
        MessageState::Unavailable => "Unavailable",
    }
}

fn display_message(shown: &SetDisplayMessage, context: &Context) -> Option<(&'static str, Value)> {
    let format = match shown.format {
        MessageFormat::Ascii => "ASCII",
        MessageFormat::Html => "HTML",
        MessageFormat::Uri => "URI",
        MessageFormat::Utf8 => "UTF8",
    };
    let mut content = json!({ "format": format, "content": shown.content });
    set(&mut content, "language", shown.language.clone());
    let mut message = json!({ "id": shown.id, "priority": priority(shown.priority), "message": content });
    set(&mut message, "state", shown.state.map(state));
    set(&mut message, "startDateTime", shown.from.map(|at| at.to_ocpp()));
    set(&mut message, "endDateTime", shown.to.map(|at| at.to_ocpp()));
    if shown.session_id.is_some() {
        message["transactionId"] = context.transaction_ref.clone()?.into();
    }
    Some(("SetDisplayMessage", json!({ "message": message })))
}

fn network_profile(profile: &SetNetworkProfile) -> Value {
    let interface = match profile.interface {
        NetworkInterface::Wired0 => "Wired0",
        NetworkInterface::Wired1 => "Wired1",
        NetworkInterface::Wireless0 => "Wireless0",
        NetworkInterface::Wireless1 => "Wireless1",
    };
    let version = if profile.ocpp_version == "ocpp1.6" { "OCPP16" } else { "OCPP20" };
    json!({ "configurationSlot": profile.slot, "connectionData": {
        "ocppVersion": version, "ocppTransport": "JSON", "ocppCsmsUrl": profile.url, "ocppInterface": interface,
        "messageTimeout": profile.message_timeout_s, "securityProfile": profile.security_profile,
    } })
}

fn clear(clear: &ClearChargingProfiles, context: &Context) -> Value {
    let mut payload = json!({});
    set(&mut payload, "chargingProfileId", clear.profile);
    let mut criteria = json!({});
    set(&mut criteria, "evseId", clear.connector.map(|_| context.place.map_or(0, |(evse, _)| evse)));
    set(&mut criteria, "chargingProfilePurpose", clear.purpose.map(|one| context.purpose(one, STATION_MAX)));
    set(&mut criteria, "stackLevel", clear.stack_level);
    let given = criteria.as_object().is_some_and(|map: &Map<String, Value>| !map.is_empty());
    set(&mut payload, "chargingProfileCriteria", given.then_some(criteria));
    payload
}

fn profiles(get: &GetChargingProfiles, context: &Context) -> Value {
    let mut criterion = json!({});
    set(&mut criterion, "chargingProfilePurpose", get.purpose.map(|one| context.purpose(one, STATION_MAX)));
    set(&mut criterion, "stackLevel", get.stack_level);
    let mut payload = json!({ "requestId": context.number, "chargingProfile": criterion });
    set(&mut payload, "evseId", get.evse);
    payload
}

/// ChargingProfileType.
fn profile(profile: &ChargingProfile, context: &Context) -> Value {
    let mut schedule = schedule(&profile.schedule);
    schedule["id"] = profile.ocpp_profile_id.into();
    let mut payload = json!({
        "id": profile.ocpp_profile_id, "stackLevel": profile.stack_level,
        "chargingProfilePurpose": context.purpose(profile.purpose, STATION_MAX), "chargingProfileKind": kind(profile.kind),
        "chargingSchedule": [schedule],
    });
    set(&mut payload, "transactionId", context.transaction_ref.clone().filter(|_| profile.session_id.is_some()));
    set(&mut payload, "recurrencyKind", profile.recurrency.map(recurrency));
    set(&mut payload, "validFrom", profile.valid_from.map(|at| at.to_ocpp()));
    set(&mut payload, "validTo", profile.valid_to.map(|at| at.to_ocpp()));
    payload
}

fn local_list(update: &Step) -> Value {
    let entries: Vec<Value> = update
        .changes
        .iter()
        .map(|(uid, token)| {
            let mut entry = json!({ "idToken": id_token(uid, "ISO14443") });
            if let Some(token) = token {
                let mut info = json!({ "status": "Accepted" });
                set(&mut info, "cacheExpiryDateTime", token.expires_at.map(|at| at.to_ocpp()));
                set(&mut info, "groupIdToken", token.group.as_deref().map(|group| id_token(group, "Central")));
                entry["idTokenInfo"] = info;
            }
            entry
        })
        .collect();
    let mut payload = json!({
        "versionNumber": update.version, "updateType": if update.full { "Full" } else { "Differential" },
    });
    set(&mut payload, "localAuthorizationList", (!entries.is_empty()).then_some(entries));
    payload
}
