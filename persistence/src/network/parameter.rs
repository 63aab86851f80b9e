//! Parameters of stations, and templates of them.

use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::network::{
    parameter::{ParameterDrift, ParameterTemplate, ParameterTemplateId, ParameterTemplateInput, name_for},
    station::StationId,
    station_parameter::StationParameter,
};
use stromtor_schema::schema::{parameter_template, station_live, station_parameter};

use crate::resource::{Owned as _, prelude::*};

/// A station's parameters.
#[derive(Debug, Clone)]
pub struct ParameterFilter {
    /// The station.
    pub station_id: StationId,
    /// Whose name holds this text.
    pub search: Option<String>,
}

impl crate::listing::Listing for ParameterFilter {
    type Row = StationParameter;

    fn page<'a>(
        &'a self,
        tx: &'a mut Tx,
        page: &'a PageRequest,
    ) -> futures_util::future::BoxFuture<'a, Result<Page<StationParameter>>> {
        Box::pin(async move {
            let limit = page.limit()?;
            let mut query = station_parameter::table
                .filter(station_parameter::station_id.eq(self.station_id))
                .select(StationParameter::as_select())
                .order((station_parameter::name, station_parameter::attribute))
                .into_boxed();
            if let Some((name, attribute)) = page.after::<(String, String)>()? {
                let further = station_parameter::name.eq(name.clone()).and(station_parameter::attribute.gt(attribute));
                query = query.filter(station_parameter::name.gt(name).or(further));
            }
            if let Some(search) = &self.search {
                let pattern = format!("%{}%", search.replace(['%', '_', '\\'], ""));
                query = query.filter(diesel::PgTextExpressionMethods::ilike(station_parameter::name, pattern));
            }
            let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
            Ok(Page::cut(rows, limit, |row: &StationParameter| (row.name.clone(), row.attribute.clone())))
        })
    }
}

/// Keys that the station says it does not know: they are no longer shown.
pub async fn forget(tx: &mut Tx, station_id: StationId, names: &[String]) -> Result<()> {
    diesel::delete(
        station_parameter::table
            .filter(station_parameter::station_id.eq(station_id).and(station_parameter::name.eq_any(names))),
    )
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// What a station said of these parameters' actual values.
pub async fn named(tx: &mut Tx, station_id: StationId, names: &[String]) -> Result<Vec<StationParameter>> {
    station_parameter::table
        .filter(
            station_parameter::station_id
                .eq(station_id)
                .and(station_parameter::attribute.eq("Actual"))
                .and(station_parameter::name.eq_any(names)),
        )
        .select(StationParameter::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// A parameter was set, as the station answered.
pub async fn was_set(
    tx: &mut Tx,
    from: crate::ingest::From,
    name: &str,
    value: &str,
    reboot_required: bool,
) -> Result<()> {
    sql("insert into station_parameter (station_id, name, attribute, partner_id, location_id, value, \
           reboot_required, reported_at) values ($1, $2, 'Actual', $3, $4, $5, $6, $7) \
         on conflict (station_id, name, attribute) do update set value = excluded.value, \
           reboot_required = excluded.reboot_required, reported_at = excluded.reported_at")
    .bind::<SqlUuid, _>(from.station_id)
    .bind::<Text, _>(name)
    .bind::<SqlUuid, _>(from.partner_id)
    .bind::<SqlUuid, _>(from.location_id)
    .bind::<Text, _>(value)
    .bind::<diesel::sql_types::Bool, _>(reboot_required)
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

resource!(parameter_template: ParameterTemplate, ParameterTemplateInput, ParameterTemplateId, "parameter_template"; create);

/// What a list of templates may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ParameterTemplateFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
}

listing!(ParameterTemplateFilter => ParameterTemplate);

/// One page of templates, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &ParameterTemplateFilter,
    page: &PageRequest,
) -> Result<Page<ParameterTemplate>> {
    let limit = page.limit()?;
    let mut query = parameter_template::table
        .select(ParameterTemplate::as_select())
        .order(parameter_template::id.desc())
        .into_boxed();
    if let Some(after) = page.after::<ParameterTemplateId>()? {
        query = query.filter(parameter_template::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(parameter_template::partner_id.eq(partner_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ParameterTemplate| row.id))
}

/// Stations in scope that have been connected, with the version they speak.
pub async fn versions(tx: &mut Tx, ids: &[StationId]) -> Result<Vec<(StationId, Option<String>)>> {
    station_live::table
        .filter(station_live::station_id.eq_any(ids))
        .select((station_live::station_id, station_live::ocpp_version))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// A template's parameters that stations have not, or have otherwise, by station and name.
#[derive(Debug, Clone)]
pub struct DriftFilter {
    /// The template.
    pub template: ParameterTemplate,
    /// At this station alone; else at all stations of the template's partner, and of its model where it names one.
    pub station_id: Option<StationId>,
}

#[derive(diesel::QueryableByName)]
struct DriftRow {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    wanted: String,
    #[diesel(sql_type = diesel::sql_types::Nullable<Text>)]
    actual: Option<String>,
    #[diesel(sql_type = diesel::sql_types::Nullable<Timestamptz>)]
    reported_at: Option<Timestamp>,
}

impl crate::listing::Listing for DriftFilter {
    type Row = ParameterDrift;

    fn page<'a>(
        &'a self,
        tx: &'a mut Tx,
        page: &'a PageRequest,
    ) -> futures_util::future::BoxFuture<'a, Result<Page<ParameterDrift>>> {
        Box::pin(async move {
            let limit = page.limit()?;
            let (after_station, after_name) = page.after::<(uuid::Uuid, String)>()?.unwrap_or_default();
            let settings = &self.template.input.parameters.0;
            let name = |of_variables| -> Vec<Option<String>> {
                settings.iter().map(|one| name_for(&one.name, of_variables)).collect()
            };
            let rows: Vec<DriftRow> =
                sql("select s.id as station_id, i.name, i.wanted, p.value as actual, p.reported_at \
                 from station s join station_live l on l.station_id = s.id \
                 cross join unnest($1::text[], $2::text[], $3::text[], $4::text[]) i(name, wanted, key, variable) \
                 left join station_parameter p on p.station_id = s.id and p.attribute = 'Actual' \
                   and p.name = case when l.ocpp_version = 'ocpp1.6' then i.key else i.variable end \
                 where s.dismantled_at is null and l.ocpp_version is not null and s.partner_id = $5 \
                   and ($6 is null or s.id = $6) and ($7 is null or s.model_id = $7) \
                   and case when l.ocpp_version = 'ocpp1.6' then i.key else i.variable end is not null \
                   and p.value is distinct from i.wanted and (s.id, i.name) > ($8, $9) \
                 order by s.id, i.name limit $10")
                .bind::<Array<Text>, _>(settings.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
                .bind::<Array<Text>, _>(settings.iter().map(|one| one.value.clone()).collect::<Vec<_>>())
                .bind::<Array<diesel::sql_types::Nullable<Text>>, _>(name(false))
                .bind::<Array<diesel::sql_types::Nullable<Text>>, _>(name(true))
                .bind::<SqlUuid, _>(self.template.partner_id)
                .bind::<diesel::sql_types::Nullable<SqlUuid>, _>(self.station_id)
                .bind::<diesel::sql_types::Nullable<SqlUuid>, _>(self.template.input.model_id)
                .bind::<SqlUuid, _>(after_station)
                .bind::<Text, _>(after_name)
                .bind::<diesel::sql_types::BigInt, _>(limit as i64 + 1)
                .load(&mut **tx)
                .await
                .map_err(from_diesel)?;
            let rows = rows
                .into_iter()
                .map(|row| ParameterDrift {
                    station_id: row.station_id,
                    name: row.name,
                    wanted: row.wanted,
                    actual: row.actual,
                    reported_at: row.reported_at,
                })
                .collect();
            Ok(Page::cut(rows, limit, |row: &ParameterDrift| (row.station_id.0, row.name.clone())))
        })
    }
}
