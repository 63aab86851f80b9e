//! Prices OCPI 2.2.1 CDRs by the crate `ocpi-tariffs`: one JSON object a line in, one a line out.
//!
//! In: `{"cdr": …, "tariff": …, "time_zone": "Europe/Berlin"}`; out: `{"excl_vat": "…", "incl_vat": "…"}` or `{"error": "…"}`.

use std::io::{self, BufRead as _, Write as _};

use ocpi_tariffs::{Version, cdr, price::TariffSource, tariff};
use rust_decimal::Decimal;
use serde_json::{Value, json, value::RawValue};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = price(&line?).unwrap_or_else(|error| json!({ "error": error }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn price(line: &str) -> Result<Value, String> {
    let text = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let parts: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(line).map_err(|error| text(&error))?;
    let part = |name: &str| parts.get(name).map(|part| part.get()).ok_or_else(|| format!("no {name}"));
    let cdr = cdr::parse_with_version(part("cdr")?, Version::V221).map_err(|error| text(&error))?.cdr;
    let tariff = tariff::parse_with_version(part("tariff")?, Version::V221).map_err(|error| text(&error))?.tariff;
    let zone = part("time_zone")?.trim_matches('"').parse().map_err(|error| text(&error))?;
    let priced = cdr::price(&cdr, TariffSource::single(tariff), zone).map_err(|error| text(&error))?;
    let (report, _warnings) = priced.into_parts();
    let total = report.total_cost.calculated;
    let decimal = |money| Decimal::from(money).to_string();
    Ok(json!({
        "excl_vat": total.map(|total| decimal(total.excl_vat)),
        "incl_vat": total.and_then(|total| total.incl_vat).map(decimal),
    }))
}
