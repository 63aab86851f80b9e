//! Local authorisation lists of stations.

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::{
        local_list::{Entries, ListedToken, LocalList, LocalListState, Step},
        policy::AccessPolicy,
    },
    admin::job::JobKind,
    command::CommandId,
    network::{
        location::LocationId,
        station::{Station, StationId},
    },
    tenancy::partner::PartnerKind,
};
use stromtor_schema::schema::{charge_point, local_list, partner};

use crate::{admin::job, resource::prelude::*};

/// A station's list; one that nobody ever asked about is not kept.
pub async fn get(tx: &mut Tx, station: &Station) -> Result<LocalList> {
    let found = local_list::table
        .filter(local_list::station_id.eq(station.id))
        .select(LocalList::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.unwrap_or_else(|| LocalList {
        station_id: station.id,
        partner_id: station.partner_id,
        location_id: station.input.location_id,
        enabled: false,
        state: LocalListState::Unknown,
        version: None,
        entries: serde_json::json!({}),
        truncated: false,
        detail: None,
        command_id: None,
        synced_at: None,
        updated_at: station.updated_at,
    }))
}

/// Switches it on or off; switched on it is looked at at once.
pub async fn set(tx: &mut Tx, station: &Station, enabled: bool) -> Result<LocalList> {
    let before = get(tx, station).await?;
    let now = tx.now();
    diesel::insert_into(local_list::table)
        .values((
            local_list::station_id.eq(station.id),
            local_list::partner_id.eq(station.partner_id),
            local_list::location_id.eq(station.input.location_id),
            local_list::enabled.eq(enabled),
            local_list::due_at.eq(now),
            local_list::updated_at.eq(now),
        ))
        .on_conflict(local_list::station_id)
        .do_update()
        .set((local_list::enabled.eq(enabled), local_list::due_at.eq(now), local_list::updated_at.eq(now)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let after = get(tx, station).await?;
    tx.audit("update", "local_list", station.partner_id, station.id, Some(&before), Some(&after));
    Ok(after)
}

/// Has it looked at now; with `full` it is replaced as a whole.
pub async fn sync(tx: &mut Tx, station: &Station, full: bool) -> Result<LocalList> {
    let now = tx.now();
    sql("update local_list set due_at = $2, state = 'out_of_step', updated_at = $2, \
           version = case when $3 then null else version end, command_id = null where station_id = $1 and enabled")
    .bind::<SqlUuid, _>(station.id)
    .bind::<Timestamptz, _>(now)
    .bind::<diesel::sql_types::Bool, _>(full)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    get(tx, station).await
}

/// Tokens of a partner changed: the lists of its stations and of those below it are looked at soon; when it is a provider
/// all are, by a job, for they are not in its scope. One that is being sent is looked at when it is answered.
pub async fn tokens_changed(tx: &mut Tx, partner_id: PartnerId) -> Result<()> {
    let now = tx.now();
    let soon = now + TimeDelta::seconds(5);
    sql("with recursive below as (select $1::uuid as id union all \
           select p.id from partner p join below b on p.parent_id = b.id), \
         behind as (select l.station_id from local_list l join below b on b.id = l.partner_id where l.enabled \
           and l.state not in ('not_supported', 'sending') and (l.due_at is null or l.due_at > $2) \
           order by l.station_id for update of l) \
         update local_list l set due_at = $2 from behind where l.station_id = behind.station_id")
    .bind::<SqlUuid, _>(partner_id)
    .bind::<Timestamptz, _>(soon)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let provider = partner::table.filter(partner::id.eq(partner_id).and(partner::kind.eq(PartnerKind::Emp)));
    if diesel::select(diesel::dsl::exists(provider)).get_result(&mut **tx).await.map_err(from_diesel)? {
        let (key, in_a_minute) = (partner_id.to_string(), now + TimeDelta::seconds(60));
        job::add(tx, JobKind::MarkLocalLists, &key, partner_id, serde_json::json!({}), in_a_minute).await?;
    }
    Ok(())
}

/// Whom stations let in changed: their lists are looked at soon. One that is being sent is looked at when it is answered.
pub async fn access_changed(tx: &mut Tx, stations: &[StationId]) -> Result<()> {
    let soon = tx.now() + TimeDelta::seconds(5);
    let later = local_list::due_at.is_null().or(local_list::due_at.gt(soon));
    let kept = local_list::state.ne_all([LocalListState::NotSupported, LocalListState::Sending]);
    let behind = local_list::station_id.eq_any(stations).and(local_list::enabled).and(kept).and(later);
    diesel::update(local_list::table.filter(behind))
        .set(local_list::due_at.eq(soon))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Has every list looked at: a provider's tokens changed.
pub async fn mark_all(tx: &mut Tx) -> Result<()> {
    sql(
        "with behind as (select station_id from local_list where enabled and state not in ('not_supported', 'sending') \
           and (due_at is null or due_at > $1) order by station_id for update) \
         update local_list l set due_at = $1 from behind where l.station_id = behind.station_id",
    )
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// A list that is to be looked at.
#[derive(Debug, diesel::QueryableByName)]
pub struct Due {
    /// The station.
    #[diesel(sql_type = SqlUuid)]
    pub station_id: StationId,
    /// Its operator.
    #[diesel(sql_type = SqlUuid)]
    pub partner_id: PartnerId,
    /// Its location.
    #[diesel(sql_type = SqlUuid)]
    pub location_id: LocationId,
    /// The version it acknowledged.
    #[diesel(sql_type = Nullable<Integer>)]
    pub version: Option<i32>,
    /// The last version sent.
    #[diesel(sql_type = Nullable<Integer>)]
    pub sent_version: Option<i32>,
    /// What it holds.
    #[diesel(sql_type = Jsonb)]
    pub entries: serde_json::Value,
    /// How far it is.
    #[diesel(sql_type = Text)]
    pub state: LocalListState,
    /// Most tokens of the list, as the station said.
    #[diesel(sql_type = Nullable<Text>)]
    pub list_length: Option<String>,
    /// Most tokens of one message, as the station said.
    #[diesel(sql_type = Nullable<Text>)]
    pub message_length: Option<String>,
}

/// Lists of connected stations that are due, locked for this worker.
pub async fn due(tx: &mut Tx, most: i64) -> Result<Vec<Due>> {
    sql("select l.station_id, l.partner_id, l.location_id, l.version, l.sent_version, l.entries, l.state, \
           (select case p.name when 'LocalAuthListMaxLength' then p.value else p.max_limit end \
              from station_parameter p where p.station_id = l.station_id and p.attribute = 'Actual' \
              and p.name = case s.ocpp_version when 'ocpp1.6' then 'LocalAuthListMaxLength' \
                else 'LocalAuthListCtrlr/Entries' end) as list_length, \
           (select value from station_parameter p where p.station_id = l.station_id and p.attribute = 'Actual' \
              and p.name = case s.ocpp_version when 'ocpp1.6' then 'SendLocalListMaxLength' \
                else 'LocalAuthListCtrlr/ItemsPerMessage' end) as message_length \
         from local_list l join station_live s on s.station_id = l.station_id \
         where l.enabled and l.due_at <= $1 and s.connected order by l.due_at limit $2 for update of l skip locked")
    .bind::<Timestamptz, _>(tx.now())
    .bind::<BigInt, _>(most)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}

#[derive(diesel::QueryableByName)]
struct Wanted {
    #[diesel(sql_type = Text)]
    uid: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    group_id: Option<String>,
}

/// Tokens that a list may hold: cards whose UID a station can read, and that may charge now. `$1` is the time.
const LISTABLE: &str = "t.kind = 'rfid' and t.status = 'active' and t.erased_at is null \
    and (t.valid_from is null or t.valid_from <= $1) and (t.valid_until is null or t.valid_until > $1) \
    and length(t.uid_normalised) between 1 and 20";

/// Among the charge points of the station `$4` is none that takes no cards, and none that is permitted to others alone: a card
/// is listed where it charges at each of them. Permissions that ask for the time or for what was charged are not for lists.
const ADMITTED: &str = "not exists (select from charge_point c where c.station_id = $4 and not ( \
      'local_rfid' = any(c.authentication_types) and (c.access_policy = 'open' or exists ( \
        select from charge_point_group_member g join access_permission p on p.charge_point_group_id = g.charge_point_group_id \
        join emaid_group_member m on m.emaid_group_id = p.emaid_group_id and m.token_id = t.id \
        where g.charge_point_id = c.id and p.enabled and (p.valid_from is null or p.valid_from <= $1) \
          and p.valid_until is null and p.windows = '[]' and p.limits = '[]'))))";

/// Cards that a permission may admit somewhere at the station: where not every one may charge, no others are looked at.
const PERMITTED: &str = "t.id in (select m.token_id from charge_point c \
      join charge_point_group_member g on g.charge_point_id = c.id \
      join access_permission p on p.charge_point_group_id = g.charge_point_group_id \
      join emaid_group_member m on m.emaid_group_id = p.emaid_group_id \
      where c.station_id = $4 and c.access_policy = 'permitted')";

/// The station `$4` takes drivers of other providers, every charge point of it takes cards, and a contract with the card's provider
/// holds there; one that ends is not for lists.
const CONTRACTED: &str = "exists (select from access_information r where r.station_id = $4 and r.roaming) and not exists (select from charge_point c where c.station_id = $4 and not ( \
      'local_rfid' = any(c.authentication_types) and exists (select from emp_contract k where k.partner_id = c.partner_id \
        and k.emp_id = t.partner_id and k.enabled and k.accepted_at is not null and k.valid_until is null \
        and (k.valid_from is null or k.valid_from <= $1) \
        and ((k.charge_point_group_id is null and c.access_policy = 'open') or exists ( \
          select from charge_point_group_member g where g.charge_point_group_id = k.charge_point_group_id \
            and g.charge_point_id = c.id)))))";

/// Who may charge at a station of an operator without our being asked, as `ingest::access` decides it: of the tokens with one
/// UID the nearest counts, whatever it says: the operator's own, then those of the partners above it, then providers'. At
/// most `most` in that order, of each the latest changed; and whether there are more.
pub async fn wanted(tx: &mut Tx, station: StationId, operator: PartnerId, most: i64) -> Result<(Entries, bool)> {
    let permitted = charge_point::table
        .filter(charge_point::station_id.eq(station).and(charge_point::access_policy.eq(AccessPolicy::Permitted)));
    let permitted = diesel::select(diesel::dsl::exists(permitted)).get_result(&mut **tx).await.map_err(from_diesel)?;
    let admitted = if permitted { format!("{ADMITTED} and {PERMITTED}") } else { ADMITTED.to_owned() };
    let near = format!(
        "with recursive up as (select id, parent_id, 0 as depth from partner where id = $2 union all \
           select p.id, p.parent_id, up.depth + 1 from partner p join up on up.parent_id = p.id) \
         select t.uid_normalised as uid, t.valid_until, t.group_id from token t join up on up.id = t.partner_id \
         where {LISTABLE} and {admitted} and not exists (select from token n join up u on u.id = n.partner_id \
           where n.uid_normalised = t.uid_normalised and n.erased_at is null and (u.depth, n.id) < (up.depth, t.id)) \
         order by up.depth, t.updated_at desc, t.id limit $3"
    );
    let mut rows = cards(tx, near, station, operator, most + 1).await?;
    let room = most + 1 - rows.len() as i64;
    if room > 0 {
        let far = format!(
            "with recursive up as (select id, parent_id from partner where id = $2 union all \
               select p.id, p.parent_id from partner p join up on up.parent_id = p.id) \
             select t.uid_normalised as uid, t.valid_until, t.group_id from token t \
             join partner e on e.id = t.partner_id and e.kind = 'emp' \
             where {LISTABLE} and {CONTRACTED} and t.partner_id not in (select id from up) \
               and not exists (select from token n join partner p on p.id = n.partner_id \
                 where n.uid_normalised = t.uid_normalised and n.erased_at is null \
                   and (p.id in (select id from up) or (p.kind = 'emp' and n.id < t.id))) \
             order by t.updated_at desc, t.id limit $3"
        );
        rows.extend(cards(tx, far, station, operator, room).await?);
    }
    let truncated = rows.len() as i64 > most;
    let kept = rows.into_iter().take(usize::try_from(most).unwrap_or_default());
    let listed = kept.map(|row| (row.uid, ListedToken { expires_at: row.valid_until, group: row.group_id }));
    Ok((listed.collect(), truncated))
}

async fn cards(tx: &mut Tx, query: String, station: StationId, operator: PartnerId, most: i64) -> Result<Vec<Wanted>> {
    let now = tx.now();
    sql(query)
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(operator)
        .bind::<BigInt, _>(most)
        .bind::<SqlUuid, _>(station)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// Notes whether cards are left out.
pub async fn truncated(tx: &mut Tx, station_id: StationId, truncated: bool) -> Result<()> {
    let other = local_list::station_id.eq(station_id).and(local_list::truncated.ne(truncated));
    diesel::update(local_list::table.filter(other))
        .set(local_list::truncated.eq(truncated))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// An update is on its way with this command.
pub async fn sending(tx: &mut Tx, station_id: StationId, step: &Step, command_id: CommandId) -> Result<()> {
    let now = tx.now();
    diesel::update(local_list::table.filter(local_list::station_id.eq(station_id)))
        .set((
            local_list::state.eq(LocalListState::Sending),
            local_list::sent_version.eq(step.version),
            local_list::sent_entries.eq(serde_json::to_value(&step.entries).map_err(Error::internal)?),
            local_list::command_id.eq(command_id),
            local_list::due_at.eq(None::<Timestamp>),
            local_list::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Its version is being asked for with this command.
pub async fn asking(tx: &mut Tx, station_id: StationId, command_id: CommandId) -> Result<()> {
    diesel::update(local_list::table.filter(local_list::station_id.eq(station_id)))
        .set((local_list::command_id.eq(command_id), local_list::due_at.eq(None::<Timestamp>)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// It holds what it should; looked at again in an hour, for tokens expire.
pub async fn in_step(tx: &mut Tx, station_id: StationId) -> Result<()> {
    let now = tx.now();
    diesel::update(local_list::table.filter(local_list::station_id.eq(station_id)))
        .set((
            local_list::state.eq(LocalListState::InStep),
            local_list::due_at.eq(now + TimeDelta::hours(1)),
            local_list::synced_at.eq(now),
            local_list::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// What a station answered to SendLocalList. A version it does not expect, or a refusal, means that the list is replaced.
pub async fn sent(tx: &mut Tx, command_id: CommandId, word: Option<&str>, error: Option<&str>) -> Result<()> {
    let (state, taken, wait_s) = match word {
        Some("Accepted") => ("out_of_step", true, 0),
        Some("VersionMismatch") => ("out_of_step", false, 0),
        Some("NotSupported") => ("not_supported", false, 86_400),
        _ => ("failed", false, 600),
    };
    let now = tx.now();
    sql("update local_list set state = $2, detail = $3, due_at = $4, updated_at = $5, \
           version = case when $6 then sent_version end, entries = case when $6 then sent_entries else entries end, \
           sent_entries = null where command_id = $1 and state = 'sending'")
    .bind::<SqlUuid, _>(command_id)
    .bind::<Text, _>(state)
    .bind::<Nullable<Text>, _>(word.or(error))
    .bind::<Timestamptz, _>(now + TimeDelta::seconds(wait_s))
    .bind::<Timestamptz, _>(now)
    .bind::<diesel::sql_types::Bool, _>(taken)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// What a station answered to GetLocalListVersion: another version than ours means that the list is replaced; -1 that it
/// has none.
pub async fn version(tx: &mut Tx, command_id: CommandId, version: Option<i32>) -> Result<()> {
    let now = tx.now();
    let wait = if version.is_some() { TimeDelta::zero() } else { TimeDelta::minutes(10) };
    sql(
        "update local_list set state = case when $2 = -1 then 'not_supported' when $2 is null then 'failed' else 'out_of_step' end, \
           version = case when $2 = version then version end, \
           sent_version = greatest(sent_version, $2), due_at = case when $2 = -1 then null else $3 end, updated_at = $4 \
         where command_id = $1",
    )
    .bind::<SqlUuid, _>(command_id)
    .bind::<Nullable<Integer>, _>(version)
    .bind::<Timestamptz, _>(now + wait)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
