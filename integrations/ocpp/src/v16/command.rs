//! From commands to the calls of OCPP 1.6, and from a station's answer to what became of the command.

use serde_json::{Value, json};
use stromtor_domain::{
    access::local_list::Step,
    command::{
        CommandInput, CommandState,
        charging::ClearChargingProfiles,
        station::{ResetKind, TriggerKind, TriggerMessage},
    },
    network::{
        charging_profile::ChargingProfile,
        parameter::{VariableName, name_for},
    },
};

use super::pnc;
use crate::outbound::{Context, Outbound, kind, recurrency, schedule, set, unit};

const STATION_MAX: &str = "ChargePointMaxProfile";

/// The action and payload; `None` when OCPP 1.6 has no words for it.
#[must_use]
pub fn call(outbound: &Outbound<'_>, context: &Context) -> Option<(&'static str, Value)> {
    Some(match outbound {
        Outbound::Command(command) => return typed(command, context),
        Outbound::Reserve(reservation) => {
            if reservation.token_uid.chars().count() > 20 {
                return None;
            }
            let mut payload = json!({
                "connectorId": reservation.connector, "expiryDate": reservation.expires_at.to_ocpp(),
                "idTag": reservation.token_uid, "reservationId": reservation.ocpp_reservation_id,
            });
            set(&mut payload, "parentIdTag", reservation.group_id.clone().filter(|group| group.chars().count() <= 20));
            ("ReserveNow", payload)
        }
        Outbound::CancelReservation(reservation) => {
            ("CancelReservation", json!({ "reservationId": reservation.ocpp_reservation_id }))
        }
        Outbound::SetProfile(profile) => (
            "SetChargingProfile",
            json!({ "connectorId": profile.connector, "csChargingProfiles": self::profile(profile, context) }),
        ),
        Outbound::ClearProfile(profile) => ("ClearChargingProfile", json!({ "id": profile.ocpp_profile_id })),
        Outbound::LocalList(update) => ("SendLocalList", local_list(update)),
    })
}

fn typed(command: &CommandInput, context: &Context) -> Option<(&'static str, Value)> {
    Some(match command {
        CommandInput::RemoteStart(start) => {
            let uid = context.start_uid(start);
            if uid.chars().count() > 20 {
                return None;
            }
            let mut payload = json!({ "idTag": uid });
            set(&mut payload, "connectorId", start.connector);
            ("RemoteStartTransaction", payload)
        }
        CommandInput::RemoteStop(_) => ("RemoteStopTransaction", json!({ "transactionId": context.transaction_id? })),
        CommandInput::UnlockConnector(unlock) => ("UnlockConnector", json!({ "connectorId": unlock.connector })),
        CommandInput::Reset(reset) if reset.evse.is_none() => {
            ("Reset", json!({ "type": if reset.kind == ResetKind::Hard { "Hard" } else { "Soft" } }))
        }
        CommandInput::ChangeAvailability(change) => {
            let kind = if change.operative { "Operative" } else { "Inoperative" };
            ("ChangeAvailability", json!({ "connectorId": change.connector, "type": kind }))
        }
        CommandInput::GetParameters(get) if get.names.is_empty() => ("GetConfiguration", json!({})),
        CommandInput::GetParameters(get) => {
            let keys: Option<Vec<String>> = get.names.iter().map(|name| name_for(name, false)).collect();
            ("GetConfiguration", json!({ "key": keys? }))
        }
        CommandInput::SetParameter(setting) => {
            if VariableName::parse(&setting.name).is_none() && setting.name.chars().count() > 50 {
                return None;
            }
            ("ChangeConfiguration", json!({ "key": name_for(&setting.name, false)?, "value": setting.value }))
        }
        CommandInput::ClearCache(_) => ("ClearCache", json!({})),
        CommandInput::GetLocalListVersion(_) => ("GetLocalListVersion", json!({})),
        CommandInput::TriggerMessage(wanted) => return trigger(wanted),
        CommandInput::DataTransfer(transfer) => {
            let mut payload = json!({ "vendorId": transfer.vendor_id });
            set(&mut payload, "messageId", transfer.message_id.clone());
            set(&mut payload, "data", transfer.data.clone());
            ("DataTransfer", payload)
        }
        CommandInput::GetCompositeSchedule(get) => {
            let mut payload = json!({ "connectorId": get.connector, "duration": get.duration_s });
            set(&mut payload, "chargingRateUnit", get.unit.map(unit));
            ("GetCompositeSchedule", payload)
        }
        CommandInput::ClearChargingProfiles(clear) => ("ClearChargingProfile", self::clear(clear, context)),
        _ => return None,
    })
}

fn trigger(wanted: &TriggerMessage) -> Option<(&'static str, Value)> {
    let (action, message) = match wanted.message {
        TriggerKind::BootNotification => ("TriggerMessage", "BootNotification"),
        TriggerKind::DiagnosticsStatus => ("TriggerMessage", "DiagnosticsStatusNotification"),
        TriggerKind::FirmwareStatus => ("TriggerMessage", "FirmwareStatusNotification"),
        TriggerKind::Heartbeat => ("TriggerMessage", "Heartbeat"),
        TriggerKind::MeterValues => ("TriggerMessage", "MeterValues"),
        TriggerKind::Status => ("TriggerMessage", "StatusNotification"),
        // Security whitepaper, section 5.5.
        TriggerKind::LogStatus => ("ExtendedTriggerMessage", "LogStatusNotification"),
        TriggerKind::SignStationCertificate => ("ExtendedTriggerMessage", "SignChargePointCertificate"),
        TriggerKind::SignV2gCertificate => {
            return Some(pnc::wrap("TriggerMessage", &json!({ "requestedMessage": "SignV2GCertificate" })));
        }
        _ => return None,
    };
    let mut payload = json!({ "requestedMessage": message });
    set(&mut payload, "connectorId", wanted.connector);
    Some((action, payload))
}

fn clear(clear: &ClearChargingProfiles, context: &Context) -> Value {
    let mut payload = json!({});
    set(&mut payload, "id", clear.profile);
    set(&mut payload, "connectorId", clear.connector);
    set(&mut payload, "chargingProfilePurpose", clear.purpose.map(|one| context.purpose(one, STATION_MAX)));
    set(&mut payload, "stackLevel", clear.stack_level);
    payload
}

/// ChargingProfile, section 7.8.
fn profile(profile: &ChargingProfile, context: &Context) -> Value {
    let mut payload = json!({
        "chargingProfileId": profile.ocpp_profile_id, "stackLevel": profile.stack_level,
        "chargingProfilePurpose": context.purpose(profile.purpose, STATION_MAX), "chargingProfileKind": kind(profile.kind),
        "chargingSchedule": schedule(&profile.schedule),
    });
    set(&mut payload, "transactionId", context.transaction_id.filter(|_| profile.session_id.is_some()));
    set(&mut payload, "recurrencyKind", profile.recurrency.map(recurrency));
    set(&mut payload, "validFrom", profile.valid_from.map(|at| at.to_ocpp()));
    set(&mut payload, "validTo", profile.valid_to.map(|at| at.to_ocpp()));
    payload
}

/// SendLocalList.req, section 6.41. Tokens longer than an IdToken cannot stand in the list.
fn local_list(update: &Step) -> Value {
    let entries: Vec<Value> = update
        .changes
        .iter()
        .filter(|(uid, _)| uid.chars().count() <= 20)
        .map(|(uid, token)| {
            let mut entry = json!({ "idTag": uid });
            if let Some(token) = token {
                let mut info = json!({ "status": "Accepted" });
                set(&mut info, "expiryDate", token.expires_at.map(|at| at.to_ocpp()));
                set(&mut info, "parentIdTag", token.group.clone().filter(|group| group.chars().count() <= 20));
                entry["idTagInfo"] = info;
            }
            entry
        })
        .collect();
    let mut payload = json!({
        "listVersion": update.version, "updateType": if update.full { "Full" } else { "Differential" },
    });
    set(&mut payload, "localAuthorizationList", (!entries.is_empty()).then_some(entries));
    payload
}

/// What a CALLRESULT means. Answers without a status (GetConfiguration) are yes; `Scheduled` and `RebootRequired` are too.
#[must_use]
pub fn outcome(call: &Value, answer: &Value) -> CommandState {
    let (_, answer) = &pnc::unwrap(call, answer);
    let fine =
        |status: &str| matches!(status, "Accepted" | "AcceptedCanceled" | "Unlocked" | "Scheduled" | "RebootRequired");
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).is_none_or(fine);
    // OCPP 2.x answers about several things at once; one refused is a refusal.
    let each = [
        ("setVariableResult", "attributeStatus"),
        ("setMonitoringResult", "status"),
        ("clearMonitoringResult", "status"),
    ]
    .iter()
    .all(|(list, name)| answer[*list].as_array().into_iter().flatten().all(|one| word(one, name)));
    if word(answer, "status") && each { CommandState::Accepted } else { CommandState::Rejected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_is_not_refused() {
        for (answer, state) in [
            (json!({ "status": "Scheduled" }), CommandState::Accepted),
            (json!({ "status": "RebootRequired" }), CommandState::Accepted),
            (json!({ "configurationKey": [] }), CommandState::Accepted),
            (json!({ "status": "Rejected" }), CommandState::Rejected),
            (json!({ "status": "NotSupported" }), CommandState::Rejected),
        ] {
            assert_eq!(outcome(&Value::Null, &answer), state, "{answer}");
        }
    }
}
