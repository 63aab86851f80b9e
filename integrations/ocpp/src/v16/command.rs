//! From domain commands to the calls we send, and from a station's answer to what became of the command.

use serde_json::{Map, Value, json};
use stromtor_domain::command::{CommandInput, CommandState, ResetKind, TriggerKind};

/// The action and payload of a command. `transaction_id` is that of the session a remote stop names.
#[must_use]
pub fn call(command: &CommandInput, transaction_id: Option<i32>) -> (&'static str, Value) {
    match command {
        CommandInput::RemoteStart(start) => {
            let mut payload = json!({ "idTag": start.token_uid });
            set(&mut payload, "connectorId", start.connector);
            ("RemoteStartTransaction", payload)
        }
        CommandInput::RemoteStop(_) => {
            ("RemoteStopTransaction", json!({ "transactionId": transaction_id.unwrap_or_default() }))
        }
        CommandInput::UnlockConnector(unlock) => ("UnlockConnector", json!({ "connectorId": unlock.connector })),
        CommandInput::Reset(reset) => {
            ("Reset", json!({ "type": if reset.kind == ResetKind::Hard { "Hard" } else { "Soft" } }))
        }
        CommandInput::ChangeAvailability(change) => {
            let kind = if change.operative { "Operative" } else { "Inoperative" };
            ("ChangeAvailability", json!({ "connectorId": change.connector, "type": kind }))
        }
        CommandInput::GetConfiguration(get) => {
            let payload = if get.keys.is_empty() { json!({}) } else { json!({ "key": get.keys }) };
            ("GetConfiguration", payload)
        }
        CommandInput::ChangeConfiguration(change) => {
            ("ChangeConfiguration", json!({ "key": change.key, "value": change.value }))
        }
        CommandInput::ClearCache(_) => ("ClearCache", json!({})),
        CommandInput::TriggerMessage(trigger) => {
            let message = match trigger.message {
                TriggerKind::BootNotification => "BootNotification",
                TriggerKind::DiagnosticsStatus => "DiagnosticsStatusNotification",
                TriggerKind::FirmwareStatus => "FirmwareStatusNotification",
                TriggerKind::Heartbeat => "Heartbeat",
                TriggerKind::MeterValues => "MeterValues",
                TriggerKind::Status => "StatusNotification",
            };
            let mut payload = json!({ "requestedMessage": message });
            set(&mut payload, "connectorId", trigger.connector);
            ("TriggerMessage", payload)
        }
        CommandInput::DataTransfer(transfer) => {
            let mut payload = json!({ "vendorId": transfer.vendor_id });
            set(&mut payload, "messageId", transfer.message_id.clone());
            set(&mut payload, "data", transfer.data.clone());
            ("DataTransfer", payload)
        }
    }
}

fn set(payload: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(map), Some(value)) = (payload.as_object_mut(), value) {
        let map: &mut Map<String, Value> = map;
        map.insert(name.to_owned(), value.into());
    }
}

/// What a CALLRESULT means. Answers without a status (GetConfiguration) are yes; `Scheduled` and `RebootRequired` are too.
#[must_use]
pub fn outcome(answer: &Value) -> CommandState {
    match answer.get("status").and_then(Value::as_str) {
        None | Some("Accepted" | "Unlocked" | "Scheduled" | "RebootRequired") => CommandState::Accepted,
        Some(_) => CommandState::Rejected,
    }
}
