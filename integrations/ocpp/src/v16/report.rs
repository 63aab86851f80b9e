//! From the payloads of a station's calls to domain reports.

use serde_json::Value;
use stromtor_domain::{
    network::quirk::Quirk,
    session::{
        report::{
            BootReport, DataTransferReport, MeterReport, Presented, Sample, SampleSet, StartReport, StatusReport,
            StopReport,
        },
        signed,
    },
};

use crate::{
    read::{Quirks, Reader, Wrong},
    words::{self, Words},
};

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
        iccid: iccid(&mut reader)?,
        imsi: reader.text("imsi", 20)?,
        meter_type: reader.text("meterType", 25)?,
        meter_serial_number: reader.text("meterSerialNumber", 25)?,
        reason: None,
    })
}

/// The SIM card's number. Some put the signal strength here.
pub(crate) fn iccid(reader: &mut Reader<'_>) -> Result<Option<String>, Wrong> {
    let text = reader.text("iccid", 20)?;
    if text.as_ref().is_some_and(|text| text.len() <= 10) {
        reader.note(Quirk::SignalAsIccid);
    }
    Ok(text.filter(|text| text.len() > 10))
}

/// StatusNotification.req, section 6.47.
pub fn status(payload: &Value, quirks: &mut Quirks) -> Result<StatusReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["connectorId", "status", "errorCode", "info", "timestamp", "vendorId", "vendorErrorCode"]);
    let error_code = reader.word("errorCode", 50, &words::ERROR_CODE)?.filter(|code| code != "NoError");
    let vendor_code = reader.text("vendorErrorCode", 50)?;
    let zero = |code: &str| code.trim_start_matches("0x").bytes().all(|digit| digit == b'0');
    if vendor_code.as_deref().is_some_and(zero) {
        reader.note(Quirk::ZeroErrorCode);
    }
    Ok(StatusReport {
        connector: reader.connector("connectorId")?,
        evse: None,
        status: reader.word("status", 50, &words::STATUS)?.ok_or_else(|| Reader::missing("status"))?,
        error_code,
        info: reader.text("info", 50)?,
        vendor_id: reader.text("vendorId", 255)?,
        vendor_error_code: vendor_code.filter(|code| !zero(code)),
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
        // A refused start would be repeated for ever: without a register the first reading is the start.
        meter_start: match reader.register("meterStart") {
            Ok(register) => Some(register),
            Err(_) => {
                reader.note(Quirk::UnreadableSample);
                None
            }
        },
        at,
        at_raw,
        reservation_id: reader
            .number_of("reservationId", Quirk::NoReservationId)
            .unwrap_or_default()
            .and_then(|id| i32::try_from(id).ok()),
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
        transaction_id: reader.number_of("transactionId", Quirk::NoTransactionId)?,
        samples: samples(&mut reader, "meterValue")?,
    })
}

/// StopTransaction.req, section 6.49. Only the transaction's number and a register must be readable; what of the rest is
/// not is left out, for the station would repeat a refused message for ever.
pub fn stop(payload: &Value, quirks: &mut Quirks) -> Result<StopReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["transactionId", "idTag", "meterStop", "timestamp", "reason", "transactionData"]);
    let (at, at_raw) = reader.time("timestamp").unwrap_or_default();
    let transaction_id =
        reader.number_of("transactionId", Quirk::NoTransactionId).unwrap_or_default().unwrap_or_default();
    let samples = match samples(&mut reader, "transactionData") {
        Ok(samples) => samples,
        Err(_) => {
            reader.note(Quirk::UnreadableTransactionData);
            Vec::new()
        }
    };
    Ok(StopReport {
        transaction_id,
        id_tag: reader.text("idTag", 20).unwrap_or_default(),
        meter_stop: Some(reader.register("meterStop")?),
        at,
        at_raw,
        reason: reader.word("reason", 50, &words::REASON).unwrap_or_default().unwrap_or_else(|| "Local".into()),
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
                Err(_) => value.note(Quirk::UnreadableSample),
            }
        }
        sets.push(SampleSet { at, values });
    }
    Ok(sets)
}

/// SampledValue, section 7.43, with its defaults.
fn sample(reader: &mut Reader<'_>) -> Result<Option<Sample>, Wrong> {
    let Some(value) = reader.text("value", usize::MAX)? else {
        reader.note(Quirk::EmptySample);
        return Ok(None);
    };
    let format = reader.word("format", 20, &words::FORMAT)?;
    // Some send signed data without saying so.
    let said = format.as_deref() == Some("SignedData");
    let signed = said || signed::is_signed(&value);
    if signed && !said {
        reader.note(Quirk::SignedDataUnmarked);
    }
    let word = |reader: &mut Reader<'_>, name: &str, words: &Words| reader.word(name, 40, words);
    Ok(Some(Sample {
        value,
        context: word(reader, "context", &words::CONTEXT)?.unwrap_or_else(|| "Sample.Periodic".into()),
        signed,
        measurand: word(reader, "measurand", &words::MEASURAND)?
            .unwrap_or_else(|| "Energy.Active.Import.Register".into()),
        phase: word(reader, "phase", &words::PHASE)?,
        location: word(reader, "location", &words::LOCATION)?.unwrap_or_else(|| "Outlet".into()),
        unit: word(reader, "unit", &words::UNIT)?.unwrap_or_else(|| "Wh".into()),
    }))
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
        for quirk in [
            Quirk::ObjectAsArray,
            Quirk::NumberAsString,
            Quirk::UnitSynonym,
            Quirk::SignedDataUnmarked,
            Quirk::EmptySample,
            Quirk::NoTransactionId,
        ] {
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
