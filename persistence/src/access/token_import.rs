//! Tokens from a file: a few statements, whatever their number.

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::access::{
    decide::normalise_uid,
    token::{TokenId, TokenInput},
    token_import::TokenImport,
};

use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    place: i64,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

/// Values that another token has: the first row whose external id belongs to another UID.
const TAKEN: &str = "\
    select i.place - 1 as place from unnest($1::text[], $2::text[]) with ordinality i(uid, external_id, place) \
    join token t on t.partner_id = $3 and t.external_id = i.external_id and t.uid_normalised <> i.uid \
    order by i.place limit 1";

/// Creates those whose UID is new, changes those that differ.
const UPSERT: &str = "\
    with put as ( \
      insert into token as t (id, partner_id, kind, uid, label, status, valid_from, valid_until, group_id, external_id, \
        metadata, created_at, updated_at) \
      select i.id, $1, i.kind, i.uid, i.label, i.status, i.valid_from, i.valid_until, i.group_id, i.external_id, i.metadata, \
        $2, $2 \
      from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[], \
        $10::text[], $11::text[], $12::jsonb[]) \
        i(id, kind, uid, label, status, valid_from, valid_until, group_id, external_id, metadata) \
      on conflict (partner_id, uid_normalised) do update \
        set kind = excluded.kind, uid = excluded.uid, label = excluded.label, status = excluded.status, \
          valid_from = excluded.valid_from, valid_until = excluded.valid_until, group_id = excluded.group_id, \
          external_id = excluded.external_id, metadata = excluded.metadata, revision = t.revision + 1, updated_at = $2 \
        where (t.kind, t.uid, t.label, t.status, t.valid_from, t.valid_until, t.group_id, t.external_id, t.metadata) \
          is distinct from (excluded.kind, excluded.uid, excluded.label, excluded.status, excluded.valid_from, \
            excluded.valid_until, excluded.group_id, excluded.external_id, excluded.metadata) \
      returning t.revision) \
    select count(*) filter (where revision = 1) as created, count(*) filter (where revision > 1) as updated from put";

/// Takes them all.
pub async fn import(tx: &mut Tx, partner_id: PartnerId, tokens: &[TokenInput], dry_run: bool) -> Result<TokenImport> {
    fn column<T>(tokens: &[TokenInput], pick: impl Fn(&TokenInput) -> T) -> Vec<T> {
        tokens.iter().map(pick).collect()
    }
    let taken: Option<Taken> = sql(TAKEN)
        .bind::<Array<Text>, _>(column(tokens, |token| normalise_uid(token.uid.as_str())))
        .bind::<Array<Nullable<Text>>, _>(column(tokens, |token| token.external_id.clone()))
        .bind::<SqlUuid, _>(partner_id)
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some(Taken { place }) = taken {
        return Err(Error::invalid(format!("/{place}/external_id"), "is that of another token"));
    }
    let now = tx.now();
    let ids: Vec<TokenId> = tokens.iter().map(|_| tx.id()).collect();
    let Counted { created, updated } = sql(UPSERT)
        .bind::<SqlUuid, _>(partner_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Text>, _>(column(tokens, |token| token.kind))
        .bind::<Array<Text>, _>(column(tokens, |token| token.uid.clone()))
        .bind::<Array<Nullable<Text>>, _>(column(tokens, |token| token.label.clone()))
        .bind::<Array<Text>, _>(column(tokens, |token| token.status))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(tokens, |token| token.valid_from))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(tokens, |token| token.valid_until))
        .bind::<Array<Nullable<Text>>, _>(column(tokens, |token| token.group_id.clone()))
        .bind::<Array<Nullable<Text>>, _>(column(tokens, |token| token.external_id.clone()))
        .bind::<Array<Jsonb>, _>(column(tokens, |token| token.metadata.clone()))
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let rows = tokens.len() as i64;
    let done = TokenImport { rows, created, updated, unchanged: rows - created - updated, dry_run };
    tx.audit("import", "token", partner_id, partner_id, None, Some(&done));
    Ok(done)
}
