//! From the payloads of a station's calls about charging to domain reports.

use rust_decimal::Decimal;
use serde_json::Value;
use stromtor_domain::{
    network::quirk::Quirk,
    session::{
        report::{BootReport, MeterReport, Phase, Presented, Sample, SampleSet, StatusReport, TransactionReport},
        signed,
    },
};

use crate::{
    read::{Quirks, Reader, Wrong},
    v16::report::iccid,
    words,
};

/// BootNotificationRequest.
pub fn boot(payload: &Value, quirks: &mut Quirks) -> Result<BootReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["chargingStation", "reason", "customData"]);
    let reason = reader.text("reason", 20)?;
    let station = reader.required_object("chargingStation")?;
    let mut reader = reader.nested(station)?;
    reader.known(&["serialNumber", "model", "modem", "vendorName", "firmwareVersion", "customData"]);
    let modem = reader.object("modem")?;
    let mut report = BootReport {
        vendor: reader.text("vendorName", 50)?,
        model: reader.text("model", 20)?,
        serial_number: reader.text("serialNumber", 25)?,
        firmware_version: reader.text("firmwareVersion", 50)?,
        reason,
        ..BootReport::default()
    };
    if let Some(modem) = modem {
        let mut reader = reader.nested(modem)?;
        report.iccid = iccid(&mut reader)?;
        report.imsi = reader.text("imsi", 20)?;
    }
    Ok(report)
}

/// StatusNotificationRequest.
pub fn status(payload: &Value, quirks: &mut Quirks) -> Result<StatusReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["timestamp", "connectorStatus", "evseId", "connectorId", "customData"]);
    Ok(StatusReport {
        evse: Some(reader.connector("evseId")?),
        connector: reader.connector("connectorId")?,
        status: reader
            .word("connectorStatus", 20, &words::STATUS)?
            .ok_or_else(|| Reader::missing("connectorStatus"))?,
        error_code: None,
        info: None,
        vendor_id: None,
        vendor_error_code: None,
        at: reader.time("timestamp")?.0,
    })
}

/// AuthorizeRequest: who, and what is to be asked about the car's certificate.
pub fn authorize(payload: &Value, quirks: &mut Quirks) -> Result<(String, Option<Value>), Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["idToken", "certificate", "iso15118CertificateHashData", "customData"]);
    let certificate = payload.get("certificate").or_else(|| payload.get("iso15118CertificateHashData"));
    let certificate = certificate.filter(|value| !value.is_null()).map(|_| payload.clone());
    let token = reader.required_object("idToken")?;
    let mut reader = reader.nested(token)?;
    // NoAuthorization comes with an empty text: that nobody is let in by it is a decision, no error.
    let nobody = reader.text("type", 20)?.as_deref() == Some("NoAuthorization");
    let id_tag =
        if nobody { reader.text("idToken", 36)?.unwrap_or_default() } else { reader.required_text("idToken", 36)? };
    Ok((id_tag, certificate))
}

/// An IdTokenType: who, and how.
fn token(reader: &mut Reader<'_>, name: &str, remote: bool) -> Result<(Option<String>, Presented), Wrong> {
    let Some(token) = reader.object(name)? else { return Ok((None, Presented::Local)) };
    let mut reader = reader.nested(token)?;
    let kind = reader.text("type", 20)?.unwrap_or_default();
    let presented = match kind.as_str() {
        "eMAID" | "MacAddress" => Presented::Car,
        "NoAuthorization" => Presented::Free,
        _ if remote => Presented::Remote,
        _ => Presented::Local,
    };
    // NoAuthorization comes with an empty text: nobody asked.
    Ok((reader.text("idToken", 36)?, presented))
}

/// TransactionEventRequest. Only the transaction's id and the kind of the event must be readable; what of the rest is not
/// is left out, for the station would repeat a refused message for ever.
pub fn transaction(payload: &Value, quirks: &mut Quirks) -> Result<TransactionReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&[
        "eventType",
        "meterValue",
        "timestamp",
        "triggerReason",
        "seqNo",
        "offline",
        "numberOfPhasesUsed",
        "cableMaxCurrent",
        "reservationId",
        "transactionInfo",
        "evse",
        "idToken",
        "customData",
    ]);
    let phase = match reader.required_text("eventType", 20)?.to_ascii_lowercase().as_str() {
        "started" => Phase::Started,
        "ended" => Phase::Ended,
        _ => Phase::Updated,
    };
    let (at, at_raw) = reader.time("timestamp").unwrap_or_default();
    let seq_no = reader.integer("seqNo").unwrap_or_default().unwrap_or_default();
    let trigger = reader.text("triggerReason", 30).unwrap_or_default().unwrap_or_default();
    let offline = reader.boolean("offline").unwrap_or_default().unwrap_or_default();
    let reservation_id = reader
        .number_of("reservationId", Quirk::NoReservationId)
        .unwrap_or_default()
        .and_then(|id| i32::try_from(id).ok());
    let samples = samples(&mut reader, "meterValue").unwrap_or_default();
    let info = reader.required_object("transactionInfo")?;
    let mut nested = reader.nested(info)?;
    let transaction = nested.required_text("transactionId", 36)?;
    let charging_state = nested.word("chargingState", 20, &words::CHARGING_STATE).unwrap_or_default();
    let stopped_reason = nested.word("stoppedReason", 30, &words::REASON).unwrap_or_default();
    let remote_start_id = nested.small("remoteStartId").unwrap_or_default();
    let (id_tag, presented) =
        token(&mut reader, "idToken", remote_start_id.is_some()).unwrap_or((None, Presented::Local));
    let (mut evse, mut connector) = (None, None);
    if let Ok(Some(place)) = reader.object("evse") {
        let mut nested = reader.nested(place)?;
        evse = nested.small("id").unwrap_or_default().filter(|id| (1..=999).contains(id));
        connector = nested.small("connectorId").unwrap_or_default().filter(|id| (1..=999).contains(id));
    }
    Ok(TransactionReport {
        phase,
        transaction,
        seq_no,
        trigger,
        offline,
        evse,
        connector,
        id_tag,
        presented,
        reservation_id,
        remote_start_id,
        charging_state,
        stopped_reason,
        at,
        at_raw,
        samples,
    })
}

/// MeterValuesRequest: readings beside a transaction.
pub fn meter(payload: &Value, quirks: &mut Quirks) -> Result<MeterReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["evseId", "meterValue", "customData"]);
    Ok(MeterReport {
        connector: reader.connector("evseId")?,
        is_evse: true,
        transaction_id: None,
        samples: samples(&mut reader, "meterValue")?,
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
                Ok(found) => values.extend(found),
                Err(_) => value.note(Quirk::UnreadableSample),
            }
        }
        sets.push(SampleSet { at, values });
    }
    Ok(sets)
}

/// SampledValueType, with its defaults; signed data is a sample of its own beside the plain number.
fn sample(reader: &mut Reader<'_>) -> Result<Vec<Sample>, Wrong> {
    let measurand =
        reader.word("measurand", 40, &words::MEASURAND)?.unwrap_or_else(|| "Energy.Active.Import.Register".into());
    let context = reader.word("context", 40, &words::CONTEXT)?.unwrap_or_else(|| "Sample.Periodic".into());
    let phase = reader.word("phase", 10, &words::PHASE)?;
    let location = reader.word("location", 10, &words::LOCATION)?.unwrap_or_else(|| "Outlet".into());
    let (mut unit, mut multiplier) = (None, 0);
    if let Some(of_measure) = reader.object("unitOfMeasure")? {
        let mut nested = reader.nested(of_measure)?;
        unit = nested.word("unit", 20, &words::UNIT)?;
        multiplier = nested.integer("multiplier")?.unwrap_or_default();
    }
    // Wh is the default of energy alone (part 2, UnitOfMeasureType).
    let plain = Sample {
        value: String::new(),
        context,
        signed: false,
        measurand,
        phase,
        location,
        unit: unit.unwrap_or_else(|| "Wh".into()),
    };
    let mut found = Vec::new();
    // An object by the specification; as the text of one, or of the record alone, it says the same.
    let signed = match reader.object("signedMeterValue") {
        Ok(signed) => signed.map(ToString::to_string),
        Err(_) => reader.text("signedMeterValue", usize::MAX)?.inspect(|_| reader.note(Quirk::SignedDataUnmarked)),
    };
    if let Some(value) = signed {
        found.push(Sample { value, signed: true, ..plain.clone() });
    }
    match reader.decimal("value") {
        Ok(Some(value)) => found.push(Sample { value: scaled(value, multiplier).to_string(), ..plain }),
        Ok(None) if found.is_empty() => reader.note(Quirk::EmptySample),
        Ok(None) => {}
        // What is signed counts though the plain number beside it is none.
        Err(_) => match reader.text("value", usize::MAX)? {
            Some(value) if signed::is_signed(&value) => {
                reader.note(Quirk::SignedDataUnmarked);
                found.push(Sample { value, signed: true, ..plain });
            }
            Some(_) => reader.note(Quirk::UnreadableSample),
            None => reader.note(Quirk::EmptySample),
        },
    }
    Ok(found)
}

/// The value times ten to the multiplier. Multipliers beyond a meter's sense leave it as it is.
fn scaled(value: Decimal, multiplier: i64) -> Decimal {
    match u32::try_from(multiplier.unsigned_abs()) {
        Ok(digits @ 1..=9) => {
            let factor = Decimal::from(10_u64.pow(digits));
            if multiplier > 0 { value * factor } else { value / factor }.normalize()
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transaction_event_is_read() {
        let payload = json!({ "eventType": "Started", "timestamp": "2026-01-01T10:00:00Z", "triggerReason": "Authorized",
            "seqNo": 0, "transactionInfo": { "transactionId": "abc", "chargingState": "Charging", "remoteStartId": 7 },
            "idToken": { "idToken": "04AABB", "type": "ISO14443" }, "evse": { "id": 1, "connectorId": 2 },
            "meterValue": [{ "timestamp": "2026-01-01T10:00:00Z", "sampledValue": [
                { "value": 1.5, "context": "Transaction.Begin", "unitOfMeasure": { "unit": "Wh", "multiplier": 3 },
                  "signedMeterValue": { "signedMeterData": "AAA", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "" } }] }] });
        let mut quirks = Vec::new();
        let report = transaction(&payload, &mut quirks).unwrap();
        assert_eq!((report.phase, report.transaction.as_str(), report.evse), (Phase::Started, "abc", Some(1)));
        assert_eq!((report.id_tag.as_deref(), report.presented), (Some("04AABB"), Presented::Remote));
        let values = &report.samples[0].values;
        assert!(values[0].signed && values[0].value.contains("\"signedMeterData\":\"AAA\""));
        assert_eq!((values[1].value.as_str(), values[1].unit.as_str()), ("1500", "Wh"));
        assert!(quirks.is_empty(), "{quirks:?}");
    }

    #[test]
    fn unit_and_multiplier_always_count_and_signed_data_survives_its_neighbour() {
        let payload = json!({ "evseId": 1, "meterValue": [{ "timestamp": "2026-01-01T10:00:00Z", "sampledValue": [
            { "value": 12.5, "unitOfMeasure": { "unit": "kWh", "multiplier": 0 } },
            { "value": 1250, "unitOfMeasure": { "unit": "kWh", "multiplier": -2 } },
            { "value": "no number", "signedMeterValue": { "signedMeterValue": "OCMF|{}|{}" } },
            { "value": 1, "signedMeterValue": "OCMF|{}|{}" },
            { "value": "OCMF|{}|{}" },
            { "value": "" },
            { "value": "text" }] }] });
        let mut quirks = Vec::new();
        let values = meter(&payload, &mut quirks).unwrap().samples.remove(0).values;
        let shown: Vec<_> =
            values.iter().map(|value| (value.value.as_str(), value.unit.as_str(), value.signed)).collect();
        assert_eq!(shown[..2], [("12.5", "kWh", false), ("12.5", "kWh", false)]);
        assert_eq!(stromtor_domain::session::register::register_wh(&values[..1]), Some(12_500.into()));
        assert_eq!(values.iter().filter(|value| value.signed).count(), 3);
        assert_eq!(values.len(), 6);
        for quirk in [Quirk::SignedDataUnmarked, Quirk::EmptySample, Quirk::UnreadableSample] {
            assert!(quirks.contains(&quirk), "{quirk}");
        }
    }

    #[test]
    fn little_is_needed_of_a_transaction_event() {
        let mut quirks = Vec::new();
        let payload =
            json!({ "eventType": "Ended", "seqNo": "x", "transactionInfo": { "transactionId": 5 }, "meterValue": 7 });
        let report = transaction(&payload, &mut quirks).unwrap();
        assert_eq!((report.transaction.as_str(), report.seq_no), ("5", 0));
        assert!(transaction(&json!({ "eventType": "Ended" }), &mut quirks).is_err());
    }
}
