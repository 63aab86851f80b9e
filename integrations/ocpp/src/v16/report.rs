//! From the payloads of a station's calls to domain reports.

use serde_json::Value;
use stromtor_domain::session::report::{
    BootReport, DataTransferReport, MeterReport, Presented, Sample, SampleSet, StartReport, StatusReport, StopReport,
};

use crate::read::{Quirks, Reader, Wrong};

/// BootNotification.req, section 6.3.
pub fn boot(payload: &Value, quirks: &mut Quirks) -> Result<BootReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&[
        "chargePointVendor",
        "chargePointModel",
        "chargePointSerialNumber",
        "chargeBoxSerialNumber",
        "firmwareVersion",
        "iccid",
        "imsi",
        "meterType",
        "meterSerialNumber",
    ]);
    Ok(BootReport {
        vendor: reader.text("chargePointVendor", 20)?,
        model: reader.text("chargePointModel", 20)?,
        serial_number: match reader.text("chargePointSerialNumber", 25)? {
            Some(serial) => Some(serial),
            None => reader.text("chargeBoxSerialNumber", 25)?,
        },
        firmware_version: reader.text("firmwareVersion", 50)?,
        // Some put the signal strength here: an ICCID is digits.
        iccid: reader.text("iccid", 20)?.filter(|text| text.len() > 10),
        imsi: reader.text("imsi", 20)?,
        meter_type: reader.text("meterType", 25)?,
        meter_serial_number: reader.text("meterSerialNumber", 25)?,
        reason: None,
    })
}

/// StatusNotification.req, section 6.47.
pub fn status(payload: &Value, quirks: &mut Quirks) -> Result<StatusReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["connectorId", "status", "errorCode", "info", "timestamp", "vendorId", "vendorErrorCode"]);
    let error_code = reader.text("errorCode", 50)?.filter(|code| code != "NoError");
    Ok(StatusReport {
        connector: reader.connector("connectorId")?,
        evse: None,
        status: reader.required_text("status", 50)?,
        error_code,
        info: reader.text("info", 50)?,
        vendor_id: reader.text("vendorId", 255)?,
        vendor_error_code: reader
            .text("vendorErrorCode", 50)?
            .filter(|code| !code.trim_start_matches("0x").bytes().all(|b| b == b'0')),
        at: reader.time("timestamp")?.0,
    })
}

/// Authorize.req, section 6.1.
pub fn authorize(payload: &Value, quirks: &mut Quirks) -> Result<String, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["idTag"]);
    reader.required_text("idTag", 20)
}

/// StartTransaction.req, section 6.45.
pub fn start(payload: &Value, quirks: &mut Quirks) -> Result<StartReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["connectorId", "idTag", "meterStart", "timestamp", "reservationId"]);
    let (at, at_raw) = reader.time("timestamp")?;
    Ok(StartReport {
        connector: reader.connector("connectorId")?,
        id_tag: Some(reader.required_text("idTag", 20)?),
        presented: Presented::Local,
        meter_start: Some(reader.register("meterStart")?),
        at,
        at_raw,
        reservation_id: reader.integer("reservationId")?.filter(|id| *id > 0).and_then(|id| i32::try_from(id).ok()),
        transaction: None,
        start_missing: false,
    })
}

/// MeterValues.req, section 6.31.
pub fn meter(payload: &Value, quirks: &mut Quirks) -> Result<MeterReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["connectorId", "transactionId", "meterValue"]);
    Ok(MeterReport {
        connector: reader.connector("connectorId")?,
        is_evse: false,
        transaction_id: reader.integer("transactionId")?.filter(|id| *id > 0),
        samples: samples(&mut reader, "meterValue")?,
    })
}

/// StopTransaction.req, section 6.49. Only the transaction's number and a register must be readable; what of the rest is
/// not is left out, for the station would repeat a refused message for ever.
pub fn stop(payload: &Value, quirks: &mut Quirks) -> Result<StopReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["transactionId", "idTag", "meterStop", "timestamp", "reason", "transactionData"]);
    let (at, at_raw) = reader.time("timestamp").unwrap_or_default();
    let transaction_id = reader.integer("transactionId").unwrap_or_default().unwrap_or_default();
    let samples = match samples(&mut reader, "transactionData") {
        Ok(samples) => samples,
        Err(_) => {
            reader.note("unreadable_transaction_data");
            Vec::new()
        }
    };
    Ok(StopReport {
        transaction_id,
        id_tag: reader.text("idTag", 20).unwrap_or_default(),
        meter_stop: Some(reader.register("meterStop")?),
        at,
        at_raw,
        reason: reader.text("reason", 50).unwrap_or_default().unwrap_or_else(|| "Local".into()),
        samples,
    })
}

/// DataTransfer.req, section 6.15.
pub fn data_transfer(payload: &Value, quirks: &mut Quirks) -> Result<DataTransferReport, Wrong> {
    let data = payload.get("data").filter(|data| data.is_object() || data.is_array()).map(ToString::to_string);
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["vendorId", "messageId", "data"]);
    Ok(DataTransferReport {
        vendor_id: reader.required_text("vendorId", 255)?,
        message_id: reader.text("messageId", 50)?,
        data: match data {
            Some(data) => Some(data),
            None => reader.text("data", usize::MAX)?,
        },
    })
}

fn samples(reader: &mut Reader<'_>, name: &str) -> Result<Vec<SampleSet>, Wrong> {
    let mut sets = Vec::new();
    for item in reader.objects(name)? {
        let mut set = reader.nested(item)?;
        let (at, _) = set.time("timestamp")?;
        let mut values = Vec::new();
        for item in set.objects("sampledValue")? {
            let mut value = set.nested(item)?;
            match sample(&mut value) {
                Ok(Some(sample)) => values.push(sample),
                // An empty value or one of a strange shape spoils itself, not the message.
                Ok(None) => {}
                Err(_) => value.note("unreadable_sample"),
            }
        }
        sets.push(SampleSet { at, values });
    }
    Ok(sets)
}

/// SampledValue, section 7.43, with its defaults.
fn sample(reader: &mut Reader<'_>) -> Result<Option<Sample>, Wrong> {
    let Some(value) = reader.text("value", usize::MAX)? else {
        reader.note("empty_sample");
        return Ok(None);
    };
    let format = reader.text("format", 20)?;
    // Some send signed data without saying so.
    let looks_signed = value.starts_with("OCMF|") || value.starts_with('{') || value.starts_with('<');
    let signed = format.as_deref() == Some("SignedData") || looks_signed;
    if looks_signed && format.as_deref() != Some("SignedData") {
        reader.note("signed_data_unmarked");
    }
    let text = |reader: &mut Reader<'_>, name: &str| reader.text(name, 40);
    let unit = text(reader, "unit")?.unwrap_or_else(|| "Wh".into());
    let known = synonym(&unit);
    if known != unit {
        reader.note("unit_synonym");
    }
    Ok(Some(Sample {
        value,
        context: text(reader, "context")?.unwrap_or_else(|| "Sample.Periodic".into()),
        signed,
        measurand: text(reader, "measurand")?.unwrap_or_else(|| "Energy.Active.Import.Register".into()),
        phase: text(reader, "phase")?,
        location: text(reader, "location")?.unwrap_or_else(|| "Outlet".into()),
        unit: known.to_owned(),
    }))
}

/// The specification's spelling of a unit.
pub(crate) fn synonym(unit: &str) -> &str {
    match unit {
        "Celcius" | "C" | "°C" | "celsius" => "Celsius",
        "Hz" | "hz" => "Hertz",
        "percent" | "%" | "PERCENT" => "Percent",
        "wh" | "WH" => "Wh",
        "kwh" | "KWH" | "KWh" => "kWh",
        "w" => "W",
        "kw" | "KW" | "Kw" => "kW",
        "v" => "V",
        "a" => "A",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_get_the_defaults_of_the_specification() {
        let payload = json!({ "connectorId": 1, "transactionId": -1, "meterValue": { "timestamp": "2026-01-01T10:00:00Z",
            "sampledValue": [{ "value": 1234 }, { "value": "" }, { "value": "21", "unit": "Celcius", "measurand": "Temperature" },
                { "value": "OCMF|{}|{}" }] } });
        let mut quirks = Vec::new();
        let report = meter(&payload, &mut quirks).unwrap();
        assert_eq!(report.transaction_id, None);
        let values = &report.samples[0].values;
        assert_eq!(values.len(), 3);
        assert_eq!((values[0].value.as_str(), values[0].unit.as_str()), ("1234", "Wh"));
        assert_eq!(
            (values[0].measurand.as_str(), values[0].context.as_str()),
            ("Energy.Active.Import.Register", "Sample.Periodic")
        );
        assert_eq!(values[1].unit, "Celsius");
        assert!(values[2].signed && !values[0].signed);
        for quirk in ["object_as_array", "number_as_string", "unit_synonym", "signed_data_unmarked", "empty_sample"] {
            assert!(quirks.contains(&quirk), "{quirk}");
        }
    }

    #[test]
    fn a_stop_needs_little() {
        let mut quirks = Vec::new();
        let report = stop(&json!({ "meterStop": "5000", "transactionData": 7 }), &mut quirks).unwrap();
        assert_eq!((report.transaction_id, report.reason.as_str()), (0, "Local"));
        assert!(stop(&json!({ "transactionId": 1 }), &mut quirks).is_err());
    }
}
