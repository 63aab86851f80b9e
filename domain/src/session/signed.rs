//! Signed meter values: verified as they came, byte for byte. Energy and time of a session under calibration law come from
//! them alone (OCMF 1.4; OCA "Signed Meter Values in OCPP" 1.0 for the envelope).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ocmf::{Finding as RecordFinding, Record, obis::ObisCode, session};
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    access::decide::normalise_uid,
    billing::cdr::HeldReason,
    session::{
        clock,
        finding::{Finding, Findings},
    },
};

/// A signed record as it came, for the driver's own check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct SignedRecord {
    /// OCPP context it came under, for example `Transaction.End`.
    pub context: String,
    /// The record, byte for byte.
    pub data: String,
}

/// A record, taken out of its envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unwrapped {
    /// The record's own bytes.
    pub data: String,
    /// The public key that came along.
    pub public_key: Option<String>,
    /// OCPP context, where the envelope names one.
    pub context: Option<String>,
}

/// Whether a sample's value is signed data, whatever its format says: by its content, in base64 too.
#[must_use]
pub fn is_signed(value: &str) -> bool {
    let trimmed = value.trim();
    let looks = |text: &str| {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        text.starts_with("OCMF|") || text.starts_with('{') || text.starts_with('<')
    };
    // A number is base64, too, but never of this.
    looks(trimmed) || (trimmed.len() >= 16 && decoded(trimmed).is_some_and(|inner| looks(&inner)))
}

/// Takes the records out of what a station sent: the envelope of the OCA paper, the record itself, a transparency file, or any
/// of them in base64. What is none of them is taken as it is.
#[must_use]
pub fn unwrap(value: &str) -> Vec<Unwrapped> {
    let trimmed = value.trim();
    let plain = |data: &str| vec![Unwrapped { data: data.to_owned(), ..Unwrapped::default() }];
    if trimmed.starts_with('{')
        && let Ok(envelope) = serde_json::from_str::<serde_json::Value>(trimmed)
    {
        let text = |name: &str| envelope[name].as_str().filter(|text| !text.is_empty());
        // be.ENERGISED documents the second spelling.
        if let Some(data) = text("signedMeterData").or_else(|| text("signedMeterValue")) {
            let mut inner = unwrap(data);
            for record in &mut inner {
                record.public_key = record.public_key.take().or_else(|| text("publicKey").map(str::to_owned));
            }
            return inner;
        }
    }
    if trimmed.starts_with("OCMF|") {
        return plain(value);
    }
    if trimmed.starts_with('<') {
        let records = transparency(trimmed);
        return if records.is_empty() { plain(value) } else { records };
    }
    // Only what is something inside: other texts happen to be base64, too, and the empty one is its own.
    decoded(trimmed).filter(|inner| is_signed(inner)).map_or_else(|| plain(value), |inner| unwrap(&inner))
}

/// The records of a transparency file (S.A.F.E.): `<value context="…"><signedData …>…</signedData><publicKey …>…`.
fn transparency(xml: &str) -> Vec<Unwrapped> {
    let values = xml.split("<value").skip(1).filter(|value| value.starts_with(['>', ' ', '\n', '\r', '\t']));
    let records = values.filter_map(|value| {
        let tag = value.split('>').next()?;
        let data = element(value, "signedData")?;
        let data = if data.starts_with("OCMF|") { data } else { decoded(&data).unwrap_or(data) };
        Some(Unwrapped { data, public_key: element(value, "publicKey"), context: attribute(tag, "context") })
    });
    records.collect()
}

fn element(xml: &str, name: &str) -> Option<String> {
    let start = xml.find(&format!("<{name}"))?;
    let inner = &xml[start + xml[start..].find('>')? + 1..];
    let text = inner[..inner.find(&format!("</{name}"))?].trim();
    let text = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text);
    let entities = [("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    (!text.is_empty()).then_some(text)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = &tag[tag.find(&format!("{name}=\""))? + name.len() + 2..];
    Some(rest[..rest.find('"')?].to_owned())
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

/// What signed records prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Register at start in Wh.
    pub start_wh: Decimal,
    /// Register at end in Wh.
    pub stop_wh: Decimal,
    /// Begin and end by the meter's clock, if it can be billed by.
    pub times: Option<(Timestamp, Timestamp)>,
    /// The key that verified them.
    pub public_key: String,
}

/// Verifies the records of one session with the key they came with, else with the charge point's.
pub fn prove(
    records: &[SignedRecord],
    sent_key: Option<&str>,
    known_key: Option<&str>,
    id_tag: Option<&str>,
    findings: &mut Findings,
) -> Result<Proven, (HeldReason, String)> {
    let mut texts: Vec<&str> = Vec::new();
    for record in records {
        // The same record comes in MeterValues and again in StopTransaction.
        if !texts.contains(&record.data.as_str()) {
            texts.push(&record.data);
        }
    }
    if texts.iter().any(|text| !text.starts_with("OCMF|")) {
        return Err((HeldReason::SignedFormUnknown, "the signed data is not OCMF".into()));
    }
    let failed = |text: String| (HeldReason::SignatureFailed, text);
    let mut parsed: Vec<Record<'_>> = texts
        .iter()
        .map(|text| Record::parse(text))
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    parsed.sort_by_key(|record| record.payload().pagination().map(|page| page.number()));
    // A key that is known here was entered by the operator; one that the station sends along proves less and yields to it.
    let key = known_key.or(sent_key).ok_or((HeldReason::PublicKeyMissing, "no public key is known".to_owned()))?;
    let mut verified = Vec::new();
    for record in &parsed {
        let proof = ocmf::verify::verify_key_text(record, key).map_err(|error| failed(error.to_string()))?;
        if !proof.deviations().is_empty() {
            findings.note(Finding::RecordDeviates);
        }
        verified.push(proof);
    }
    let report = session::validate_verified(&verified);
    let wrong = report.findings().iter().find(|finding| !matches!(finding, RecordFinding::ClockNotSynchronised { .. }));
    if let Some(wrong) = wrong {
        return Err(failed(wrong.to_string()));
    }
    let identity = parsed.iter().find_map(|record| record.payload().identification_data());
    if let (Some(signed), Some(reported)) = (identity.filter(|id| !id.is_empty()), id_tag)
        && normalise_uid(signed) != normalise_uid(reported)
    {
        findings.note(Finding::IdentityDiffers);
    }
    // At the car, where cable losses are compensated, before at the mains.
    let total = report
        .totals()
        .iter()
        .filter_map(|total| {
            let register = ObisCode::parse(&total.obis)?.register();
            (register.is_import()? && scale(&total.unit).is_some())
                .then_some((register.is_device_side() == Some(true), total))
        })
        .max_by_key(|(at_device, _)| *at_device)
        .map(|(_, total)| total)
        .ok_or_else(|| failed("no import register has a begin and an end".into()))?;
    let scale = scale(&total.unit).unwrap_or(Decimal::ONE);
    let billable = report.clock().is_some_and(|clock| clock.duration_is_billable());
    if !billable {
        findings.note(Finding::MeterClockUnsynchronised);
    }
    let stamps: Vec<Timestamp> = parsed
        .iter()
        .flat_map(|record| record.payload().readings())
        .filter_map(|reading| clock::of_millis(reading.time()?.unix_millis()))
        .collect();
    let ends = stamps.iter().min().zip(stamps.iter().max()).map(|(first, last)| (*first, *last));
    Ok(Proven {
        start_wh: total.begin * scale,
        stop_wh: total.end * scale,
        times: ends.filter(|_| billable),
        public_key: key.to_owned(),
    })
}

fn scale(unit: &str) -> Option<Decimal> {
    match unit {
        "kWh" => Some(Decimal::ONE_THOUSAND),
        "Wh" => Some(Decimal::ONE),
        _ => None,
    }
}

/// Records and a key made by us, for tests: no vector of others is in the project.
#[cfg(test)]
pub(crate) mod samples {
    use ocmf::{
        CurrentType, IdentificationFlag, IdentificationLevel, IdentificationType, Location, OcmfTime, Pagination, Unit,
        sign::{ReadingSpec, RecordBuilder, Secp256r1Signer, Signer as _},
    };
    use rust_decimal::Decimal;

    pub fn signer() -> Secp256r1Signer {
        Secp256r1Signer::from_bytes(&[0x2a; 32]).unwrap()
    }

    pub fn key() -> String {
        hex::encode(signer().public_key().unwrap().to_spki())
    }

    /// One record with one reading. `edge` is `B` or `E`.
    pub fn record(page: u64, edge: &str, time: &str, kwh: &str) -> String {
        let time = OcmfTime::parse(time, &Location::at(0), &mut Vec::new()).unwrap();
        let reading = ReadingSpec::new(time, kwh.parse::<Decimal>().unwrap(), "01-00:B1.08.00*FF", Unit::KWh)
            .current_type(CurrentType::Ac);
        RecordBuilder::new()
            .gateway("Test", "SN-1", "1.0")
            .pagination(Pagination::transaction(page))
            .meter("Test", "M-1", "1TST0000000001", "1.0")
            .identification(
                true,
                IdentificationLevel::Verified,
                vec![IdentificationFlag::parse("RFID_PLAIN")],
                IdentificationType::Iso14443,
                "04A2B3C4",
            )
            .reading(if edge == "B" { reading.begin() } else { reading.end() })
            .sign(&signer())
            .unwrap()
            .as_str()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::*, *};

    fn records(texts: &[String]) -> Vec<SignedRecord> {
        texts.iter().map(|data| SignedRecord { context: "Transaction.End".into(), data: data.clone() }).collect()
    }

    fn session() -> Vec<String> {
        vec![
            record(7, "B", "2026-11-01T10:00:05,000+0000 S", "100.250"),
            record(8, "E", "2026-11-01T11:30:05,000+0000 S", "111.500"),
        ]
    }

    #[test]
    fn a_whole_session_is_proven() {
        let mut findings = Findings::default();
        let mut twice = session();
        twice.push(twice[1].clone());
        let proven = prove(&records(&twice), None, Some(&key()), Some("04:a2:b3:c4"), &mut findings).unwrap();
        assert_eq!((proven.start_wh, proven.stop_wh), (100_250.into(), 111_500.into()));
        assert_eq!(proven.times.unwrap().1 - proven.times.unwrap().0, chrono::TimeDelta::minutes(90));
        assert_eq!(findings, Findings::default());
    }

    #[test]
    fn one_changed_byte_fails() {
        let mut changed = session();
        changed[1] = changed[1].replace("111.500", "111.400");
        let refused = prove(&records(&changed), None, Some(&key()), None, &mut Findings::default()).unwrap_err();
        assert_eq!(refused.0, HeldReason::SignatureFailed);
    }

    #[test]
    fn a_missing_record_another_form_and_no_key_fail() {
        let reason = |texts: &[String], key: Option<&str>| {
            prove(&records(texts), None, key, None, &mut Findings::default()).unwrap_err().0
        };
        let mut gap = session();
        gap[1] = record(9, "E", "2026-11-01T11:30:05,000+0000 S", "111.500");
        assert_eq!(reason(&gap, Some(&key())), HeldReason::SignatureFailed);
        assert_eq!(reason(&session()[..1], Some(&key())), HeldReason::SignatureFailed);
        assert_eq!(reason(&session(), None), HeldReason::PublicKeyMissing);
        assert_eq!(reason(&["AP;0;3;AJ2J;BIHA;CDKT;".into()], Some(&key())), HeldReason::SignedFormUnknown);
    }

    #[test]
    fn an_unsynchronised_clock_gives_energy_but_no_time() {
        let texts = [
            record(1, "B", "2026-11-01T10:00:05,000+0000 U", "1.000"),
            record(2, "E", "2026-11-01T11:30:05,000+0000 S", "2.000"),
        ];
        let mut findings = Findings::default();
        let proven = prove(&records(&texts), Some(&key()), None, Some("other"), &mut findings).unwrap();
        assert_eq!((proven.stop_wh - proven.start_wh, proven.times), (1000.into(), None));
        assert_eq!(findings.0, [Finding::IdentityDiffers, Finding::MeterClockUnsynchronised]);
    }

    #[test]
    fn envelopes() {
        let record = &session()[0];
        let base64 = STANDARD.encode(record);
        let hex_key = key();
        let composed = STANDARD.encode(format!("oca:base16:asn1:{hex_key}"));
        let envelope = |name: &str, data: &str, key: &str| {
            serde_json::json!({ name: data, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": key })
                .to_string()
        };
        // The envelope with either name, the data in base64 or not, the key with or without its prefix, or none.
        for name in ["signedMeterData", "signedMeterValue"] {
            for data in [&base64, record] {
                for key in ["", hex_key.as_str(), composed.as_str()] {
                    let text = envelope(name, data, key);
                    let key = (!key.is_empty()).then(|| key.to_owned());
                    for text in [STANDARD.encode(&text), text] {
                        assert!(is_signed(&text), "{text}");
                        let expected = Unwrapped { data: record.clone(), public_key: key.clone(), context: None };
                        assert_eq!(unwrap(&text), [expected]);
                    }
                    if let Some(key) = key {
                        let texts = records(&session());
                        prove(&texts, Some(&key), None, None, &mut Findings::default()).unwrap();
                    }
                }
            }
        }
        let bare = Unwrapped { data: record.clone(), ..Unwrapped::default() };
        for text in [record.clone(), base64.clone()] {
            assert!(is_signed(&text));
            assert_eq!(unwrap(&text), std::slice::from_ref(&bare));
        }
        for plain in ["no such thing", "1234", "1234567890123456", "-1.5e3", ""] {
            assert!(!is_signed(plain), "{plain}");
            assert_eq!(unwrap(plain)[0].data, plain);
        }
    }

    #[test]
    fn transparency_files() {
        let [begin, end] = &session()[..] else { panic!() };
        let quoted = begin.replace('"', "&quot;");
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<values>\n<value transactionId=\"1\" context=\"Transaction.Begin\">\
             <signedData format=\"OCMF\" encoding=\"plain\">{quoted}</signedData><publicKey encoding=\"plain\">{}</publicKey></value>\
             <value context=\"Transaction.End\"><signedData encoding=\"base64\">{}</signedData></value></values>",
            key(),
            STANDARD.encode(end)
        );
        for text in [STANDARD.encode(&xml), xml] {
            assert!(is_signed(&text));
            let found = unwrap(&text);
            assert_eq!((&found[0].data, &found[1].data), (begin, end));
            assert_eq!(found[0].public_key, Some(key()));
            assert_eq!(found[1].context.as_deref(), Some("Transaction.End"));
        }
        assert_eq!(unwrap("<other/>")[0].data, "<other/>");
    }
}
