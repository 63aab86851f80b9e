//! From the payloads of a station's calls beside charging to domain notices.

use serde_json::Value;
use stromtor_domain::network::{
    notice::{ChargingNotice, ChargingNoticeKind, MonitoringReport, Notice, ParameterReport, ReportKind, ReportPart},
    parameter::VariableName,
    quirk::Quirk,
    station_parameter::Mutability,
};

use crate::{
    mask,
    read::{Quirks, Reader, Wrong},
};

/// The part of a report around its items.
fn part(reader: &mut Reader<'_>, kind: ReportKind, items: Vec<Value>) -> Result<ReportPart, Wrong> {
    Ok(ReportPart {
        kind,
        request_id: reader.required_small("requestId")?,
        seq_no: reader.small("seqNo")?.unwrap_or_default().max(0),
        more: reader.boolean("tbc")?.unwrap_or_default(),
        items,
        parameters: Vec::new(),
    })
}

fn items(reader: &mut Reader<'_>, name: &str) -> Result<Vec<Value>, Wrong> {
    Ok(reader.objects(name)?.into_iter().cloned().collect())
}

/// NotifyReportRequest: items of the device model, the parameters among them, secrets masked.
pub fn device_model(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["requestId", "generatedAt", "reportData", "tbc", "seqNo", "customData"]);
    let mut found = items(&mut reader, "reportData")?;
    let mut parameters = Vec::new();
    for item in &mut found {
        let Ok(name) = variable(&mut reader.nested(item)?) else {
            reader.note(Quirk::UnreadableVariable);
            continue;
        };
        if mask::is_secret_key(&name.variable) {
            for attribute in item.get_mut("variableAttribute").and_then(Value::as_array_mut).into_iter().flatten() {
                if attribute.get("value").is_some_and(|value| !value.is_null()) {
                    attribute["value"] = mask::MASK.into();
                }
            }
        }
        parameters.extend(attributes(&mut reader.nested(item)?, &name)?);
    }
    let mut part = part(&mut reader, ReportKind::DeviceModel, found)?;
    part.parameters = parameters;
    Ok(Notice::Part(part))
}

/// Component and variable of an item.
pub(crate) fn variable(reader: &mut Reader<'_>) -> Result<VariableName, Wrong> {
    let mut name = VariableName::default();
    let (component, variable) = (reader.required_object("component")?, reader.required_object("variable")?);
    {
        let mut nested = reader.nested(component)?;
        name.component = nested.required_text("name", 50)?;
        name.component_instance = nested.text("instance", 50)?;
        if let Some(evse) = nested.object("evse")? {
            let mut nested = nested.nested(evse)?;
            name.evse = nested.small("id")?;
            name.connector = nested.small("connectorId")?;
        }
    }
    let mut nested = reader.nested(variable)?;
    name.variable = nested.required_text("name", 50)?;
    name.variable_instance = nested.text("instance", 50)?;
    Ok(name)
}

fn attributes(reader: &mut Reader<'_>, name: &VariableName) -> Result<Vec<ParameterReport>, Wrong> {
    let mut common = ParameterReport { name: name.to_string(), ..ParameterReport::default() };
    if let Some(of_it) = reader.object("variableCharacteristics")? {
        let mut nested = reader.nested(of_it)?;
        common.data_type = nested.text("dataType", 20)?;
        common.unit = nested.text("unit", 16)?;
        common.min_limit = nested.decimal("minLimit").unwrap_or_default();
        common.max_limit = nested.decimal("maxLimit").unwrap_or_default();
        common.values_list = nested.text("valuesList", 1000)?;
        common.supports_monitoring = nested.boolean("supportsMonitoring").unwrap_or_default();
    }
    let mut found = Vec::new();
    // At most one of each kind: Actual, Target, MinSet, MaxSet. Each repeats what is common.
    for attribute in reader.objects("variableAttribute")?.into_iter().take(4) {
        let mut nested = reader.nested(attribute)?;
        found.push(ParameterReport {
            attribute: nested.text("type", 10)?.unwrap_or_else(|| "Actual".into()),
            value: nested.text("value", 2500)?,
            // Without a word it is ReadWrite (VariableAttributeType).
            mutability: Some(match nested.text("mutability", 10)?.as_deref() {
                Some("ReadOnly") => Mutability::ReadOnly,
                Some("WriteOnly") => Mutability::WriteOnly,
                _ => Mutability::ReadWrite,
            }),
            ..common.clone()
        });
    }
    Ok(found)
}

/// NotifyMonitoringReportRequest.
pub fn monitors(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    let found = items(&mut reader, "monitor")?;
    part(&mut reader, ReportKind::Monitoring, found).map(Notice::Part)
}

/// NotifyCustomerInformationRequest: its data is text cut into parts.
pub fn customer_information(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    let data = reader.text("data", 512)?.unwrap_or_default();
    part(&mut reader, ReportKind::CustomerInformation, vec![Value::String(data)]).map(Notice::Part)
}

/// NotifyDisplayMessagesRequest: its parts have no number, so that each must differ from the last by its content.
pub fn display_messages(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    let found = items(&mut reader, "messageInfo")?;
    let mut part = part(&mut reader, ReportKind::DisplayMessages, found)?;
    part.seq_no = -1;
    Ok(Notice::Part(part))
}

/// ReportChargingProfilesRequest: an item for each profile, with its EVSE and source.
pub fn charging_profiles(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    let evse = reader.small("evseId")?.unwrap_or_default();
    // Every profile repeats it.
    let source: Option<String> = reader.text("chargingLimitSource", 20)?.map(|text| text.chars().take(20).collect());
    let mut found = items(&mut reader, "chargingProfile")?;
    for item in found.iter_mut().filter_map(Value::as_object_mut) {
        item.insert("evseId".into(), evse.into());
        item.insert("chargingLimitSource".into(), source.clone().into());
    }
    let mut part = part(&mut reader, ReportKind::ChargingProfiles, found)?;
    part.seq_no = -1;
    Ok(Notice::Part(part))
}

/// NotifyEventRequest.
pub fn events(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["generatedAt", "tbc", "seqNo", "eventData", "customData"]);
    let mut events = Vec::new();
    for item in reader.objects("eventData")? {
        let mut nested = reader.nested(item)?;
        let name = variable(&mut nested)?;
        events.push(MonitoringReport {
            event_id: nested.integer("eventId")?.unwrap_or_default(),
            at: nested.time("timestamp")?.0,
            trigger: nested.text("trigger", 10)?.unwrap_or_else(|| "Alerting".into()),
            component: name.component_text(),
            actual_value: if mask::is_secret_key(&name.variable) {
                mask::MASK.into()
            } else {
                nested.text("actualValue", 2500)?.unwrap_or_default()
            },
            variable: name.variable_text(),
            cleared: nested.boolean("cleared")?,
            monitoring_id: nested.integer("variableMonitoringId")?,
            transaction: nested.text("transactionId", 36)?,
            notification_type: nested.text("eventNotificationType", 30)?,
            tech_code: nested.text("techCode", 50)?,
            tech_info: nested.text("techInfo", 500)?,
        });
    }
    Ok(Notice::Monitoring { events })
}

fn charging(kind: ChargingNoticeKind, evse: i32, source: String, content: Option<&Value>) -> Notice {
    Notice::Charging(ChargingNotice { kind, evse, source, content: content.cloned() })
}

/// NotifyChargingLimitRequest and ClearedChargingLimitRequest.
pub fn limit(payload: &Value, quirks: &mut Quirks, cleared: bool) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    let evse = reader.small("evseId")?.unwrap_or_default();
    let source = if cleared {
        reader.text("chargingLimitSource", 20)?
    } else {
        let limit = reader.required_object("chargingLimit")?;
        reader.nested(limit)?.text("chargingLimitSource", 20)?
    };
    let content = (!cleared).then_some(payload);
    Ok(charging(ChargingNoticeKind::Limit, evse, source.unwrap_or_else(|| "Other".into()), content))
}

/// NotifyEVChargingNeedsRequest.
pub fn needs(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.required_object("chargingNeeds")?;
    Ok(charging(ChargingNoticeKind::Needs, reader.connector("evseId")?, String::new(), Some(payload)))
}

/// NotifyEVChargingScheduleRequest.
pub fn schedule(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.required_object("chargingSchedule")?;
    Ok(charging(ChargingNoticeKind::Schedule, reader.connector("evseId")?, String::new(), Some(payload)))
}

/// ReservationStatusUpdateRequest.
pub fn reservation(payload: &Value, quirks: &mut Quirks) -> Result<Notice, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    Ok(Notice::Reservation {
        reservation_id: reader.required_small("reservationId")?,
        status: reader.required_text("reservationUpdateStatus", 20)?,
    })
}
