//! Tokens that peers told of: as they told it, and cards as tokens of the providers that stations are asked for.

use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use stromtor_domain::roaming::ocpi_peer::{OcpiPeer, OcpiPeerId};
use stromtor_schema::schema::ocpi_token;
use uuid::Uuid;

use crate::resource::prelude::*;

/// What names a token: OCPI's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The provider's country, upper case.
    pub country_code: String,
    /// The provider's party, upper case.
    pub party_id: String,
    /// In any case.
    pub uid: String,
    /// `RFID` and so on.
    pub kind: String,
}

/// A token as a peer told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenTold {
    /// What names it.
    pub key: TokenKey,
    /// Whether its provider is to be asked: `ALWAYS` and so on.
    pub whitelist: String,
    /// Whether it may charge.
    pub valid: bool,
    /// OCPP's parent id.
    pub group_id: Option<String>,
    /// What is printed on it.
    pub visual_number: Option<String>,
    /// The whole object.
    pub object: Value,
    /// When it last changed.
    pub last_updated: Timestamp,
}

/// A token as it was told; with when it last changed.
pub async fn get(tx: &mut Tx, peer: OcpiPeerId, key: &TokenKey) -> Result<Option<(Value, Timestamp)>> {
    ocpi_token::table
        .filter(ocpi_token::peer_id.eq(peer))
        .filter(ocpi_token::country_code.eq(&key.country_code))
        .filter(ocpi_token::party_id.eq(&key.party_id))
        .filter(ocpi_token::uid.eq(key.uid.to_lowercase()))
        .filter(ocpi_token::kind.eq(&key.kind))
        .select((ocpi_token::object, ocpi_token::last_updated))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

#[derive(diesel::QueryableByName)]
struct Put {
    #[diesel(sql_type = Bool)]
    created: bool,
}

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    Created,
    /// It took the place of an older one, or was older itself and changed nothing.
    Replaced,
    /// The peer speaks for no such provider.
    NotTheirs,
}

/// Keeps a token. An older one changes nothing.
pub async fn put(tx: &mut Tx, peer: &OcpiPeer, told: TokenTold) -> Result<Taken> {
    let now = tx.now();
    #[derive(diesel::QueryableByName)]
    struct Provider {
        #[diesel(sql_type = SqlUuid)]
        emp_id: PartnerId,
    }
    let provider: Option<Provider> =
        sql("select emp_id from ocpi_provider where peer_id = $1 and country_code = $2 and party_id = $3")
            .bind::<SqlUuid, _>(peer.id)
            .bind::<Text, _>(told.key.country_code.clone())
            .bind::<Text, _>(told.key.party_id.clone())
            .get_result(&mut **tx)
            .await
            .optional()
            .map_err(from_diesel)?;
    let Some(Provider { emp_id }) = provider else { return Ok(Taken::NotTheirs) };
    let id: Uuid = tx.id();
    // A card of the provider's with this uid is the same card, whatever its separators.
    let put: Vec<Put> = sql("with old as (select last_updated from ocpi_token where peer_id = $1 and country_code = $3 and party_id = $4 \
           and uid = lower($5) and kind = $6 for update), \
         newer as (select 1 where not exists (select from old where last_updated > $9)), \
         card as (insert into token (id, partner_id, kind, uid, label, status, group_id, metadata, created_at, updated_at) \
           select $10, $11, 'rfid', $5, $12, case when $13 then 'active' else 'blocked' end, $14, '{}', $15, $15 \
           from newer where $6 = 'RFID' \
           on conflict (partner_id, uid_normalised) do update set label = excluded.label, status = excluded.status, \
             group_id = excluded.group_id, revision = token.revision + 1, updated_at = excluded.updated_at, erased_at = null \
           returning id) \
         insert into ocpi_token (peer_id, partner_id, country_code, party_id, uid, kind, whitelist, object, last_updated, token_id, \
           updated_at) \
           select $1, $2, $3, $4, lower($5), $6, $7, $8, $9, (select id from card), $15 from newer \
           on conflict (peer_id, country_code, party_id, uid, kind) do update set whitelist = excluded.whitelist, \
             object = excluded.object, last_updated = excluded.last_updated, token_id = excluded.token_id, \
             updated_at = excluded.updated_at \
           returning not exists (select from old) as created")
    .bind::<SqlUuid, _>(peer.id)
    .bind::<SqlUuid, _>(peer.partner_id)
    .bind::<Text, _>(told.key.country_code)
    .bind::<Text, _>(told.key.party_id)
    .bind::<Text, _>(told.key.uid)
    .bind::<Text, _>(told.key.kind)
    .bind::<Text, _>(told.whitelist)
    .bind::<Jsonb, _>(told.object)
    .bind::<Timestamptz, _>(told.last_updated)
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(emp_id)
    .bind::<Nullable<Text>, _>(told.visual_number)
    .bind::<Bool, _>(told.valid)
    .bind::<Nullable<Text>, _>(told.group_id)
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(if put.as_slice().first().is_some_and(|put| put.created) { Taken::Created } else { Taken::Replaced })
}
