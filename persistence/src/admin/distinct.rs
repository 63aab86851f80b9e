//! Distinct values of columns, for filter lists.

use diesel::sql_types::{Nullable, Text};
use stromtor_domain::admin::distinct::{Column, DistinctValues};

use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Values that begin with `prefix`, whatever its case. Row-level security shows those of the actor's scope.
pub async fn values(tx: &mut Tx, column: Column, prefix: Option<&str>) -> Result<DistinctValues> {
    let (table, expression) = match column {
        Column::LocationCity => ("location", "address->>'city'"),
        Column::LocationCountry => ("location", "address->>'country'"),
        Column::LocationStreet => ("location", "address->>'street'"),
        Column::StationInstallationStatus => ("station", "installation_status"),
        Column::StationVendor => ("station_live", "boot->>'vendor'"),
        Column::StationModel => ("station_live", "boot->>'model'"),
        Column::StationFirmware => ("station_live", "firmware_version"),
        Column::ChargePointStatus => ("charge_point_live", "status"),
        Column::SessionStopReason => ("session", "stop_reason"),
        Column::SessionAuthSource => ("session", "auth_source"),
        Column::CdrCurrency => ("cdr", "currency"),
        Column::CdrHeldReason => ("cdr", "held_reason"),
        Column::OcppMessageAction => ("ocpp_message", "action"),
    };
    let rows: Vec<Row> = sql(format!(
        "select distinct {expression} as value from {table} where {expression} is not null \
         and ($1 is null or starts_with(lower({expression}), lower($1))) order by 1 limit 1000"
    ))
    .bind::<Nullable<Text>, _>(prefix)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(DistinctValues { values: rows.into_iter().map(|row| row.value).collect() })
}
