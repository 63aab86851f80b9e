//! Peers, their credentials, and the providers that they speak for.

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use stromtor_domain::roaming::ocpi_peer::{
    OcpiEndpoint, OcpiEndpoints, OcpiPeer, OcpiPeerId, OcpiPeerInput, OcpiPeerState, OcpiRole, OcpiRoles,
};
use stromtor_schema::schema::ocpi_peer;
use uuid::Uuid;

use crate::resource::{Owned as _, prelude::*};

resource!(ocpi_peer: OcpiPeer, OcpiPeerInput, OcpiPeerId, "ocpi_peer"; create);

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct OcpiPeerFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// This far.
    pub state: Option<OcpiPeerState>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(OcpiPeerFilter => OcpiPeer);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &OcpiPeerFilter, page: &PageRequest) -> Result<Page<OcpiPeer>> {
    let limit = page.limit()?;
    let mut query = ocpi_peer::table.select(OcpiPeer::as_select()).order(ocpi_peer::id).into_boxed();
    if let Some(after) = page.after::<OcpiPeerId>()? {
        query = query.filter(ocpi_peer::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(ocpi_peer::partner_id.eq(partner_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(ocpi_peer::state.eq(state));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(ocpi_peer::external_id.assume_not_null().eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &OcpiPeer| row.id))
}

/// Deletes it, unless it is registered.
pub async fn remove(tx: &mut Tx, id: OcpiPeerId, revision: Option<i64>) -> Result<()> {
    if lock(tx, id, revision).await?.state == OcpiPeerState::Registered {
        return Err(Error::conflict("peer_registered", "credentials were exchanged; end that first"));
    }
    delete(tx, id, None).await
}

/// A token as it is kept: a fingerprint to find it by, and sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// HMAC-SHA-256.
    pub hmac: Vec<u8>,
    /// Encrypted.
    pub sealed: Vec<u8>,
}

/// Gives a peer a registration token, in the place of the one before.
pub async fn invite(tx: &mut Tx, id: OcpiPeerId, token: KeptToken) -> Result<OcpiPeer> {
    let before = lock(tx, id, None).await?;
    if before.state == OcpiPeerState::Registered {
        return Err(Error::conflict("peer_registered", "credentials were exchanged; end that first"));
    }
    let after: OcpiPeer = diesel::update(ocpi_peer::table.filter(ocpi_peer::id.eq(id)))
        .set((
            ocpi_peer::state.eq(OcpiPeerState::New),
            ocpi_peer::token_in_hmac.eq(token.hmac),
            ocpi_peer::token_in.eq(token.sealed),
            ocpi_peer::revision.eq(ocpi_peer::revision + 1),
            ocpi_peer::updated_at.eq(tx.now()),
        ))
        .returning(OcpiPeer::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "invite", Some(&before), Some(&after));
    Ok(after)
}

/// The peer whose token has one of these fingerprints, and which of them.
pub async fn by_token(tx: &mut Tx, hmacs: &[Vec<u8>]) -> Result<Option<(OcpiPeer, usize)>> {
    for (at, hmac) in hmacs.iter().enumerate() {
        let found: Option<OcpiPeer> = ocpi_peer::table
            .filter(ocpi_peer::token_in_hmac.assume_not_null().eq(hmac))
            .select(OcpiPeer::as_select())
            .first(&mut **tx)
            .await
            .optional()
            .map_err(from_diesel)?;
        if let Some(peer) = found {
            return Ok(Some((peer, at)));
        }
    }
    Ok(None)
}

/// The token that a peer is called with, sealed.
pub async fn token_out(tx: &mut Tx, id: OcpiPeerId) -> Result<Option<Vec<u8>>> {
    let found: Option<Option<Vec<u8>>> = ocpi_peer::table
        .filter(ocpi_peer::id.eq(id))
        .select(ocpi_peer::token_out)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    found.ok_or(Error::NotFound("ocpi_peer"))
}

/// What an exchange of credentials has agreed.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Where the peer's versions are.
    pub versions_url: String,
    /// The version that is spoken.
    pub version: String,
    /// Its endpoints.
    pub endpoints: Vec<OcpiEndpoint>,
    /// Whom it speaks for.
    pub roles: Vec<OcpiRole>,
    /// What it calls us with.
    pub token_in: KeptToken,
    /// What we call it with, sealed.
    pub token_out: Vec<u8>,
}

/// Keeps an exchange of credentials, the first one or a later one. The registration token dies with it.
pub async fn register(tx: &mut Tx, id: OcpiPeerId, registration: Registration) -> Result<OcpiPeer> {
    let (before, now) = (lock(tx, id, None).await?, tx.now());
    let roles = registration.roles.clone();
    let after: OcpiPeer = diesel::update(ocpi_peer::table.filter(ocpi_peer::id.eq(id)))
        .set((
            ocpi_peer::state.eq(OcpiPeerState::Registered),
            ocpi_peer::versions_url.eq(registration.versions_url),
            ocpi_peer::version.eq(registration.version),
            ocpi_peer::endpoints.eq(OcpiEndpoints(registration.endpoints)),
            ocpi_peer::roles.eq(OcpiRoles(registration.roles)),
            ocpi_peer::token_in_hmac.eq(registration.token_in.hmac),
            ocpi_peer::token_in.eq(registration.token_in.sealed),
            ocpi_peer::token_out.eq(registration.token_out),
            ocpi_peer::registered_at.eq(now),
            ocpi_peer::revision.eq(ocpi_peer::revision + 1),
            ocpi_peer::updated_at.eq(now),
        ))
        .returning(OcpiPeer::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    providers(tx, &after, &roles).await?;
    note(tx, "register", Some(&before), Some(&after));
    Ok(after)
}

/// A peer's providers become business partners below the one that it is connected to; those that went stay, for their sessions.
async fn providers(tx: &mut Tx, peer: &OcpiPeer, roles: &[OcpiRole]) -> Result<()> {
    let providers: Vec<&OcpiRole> = roles.iter().filter(|role| role.role == "EMSP").collect();
    let column = |pick: fn(&OcpiRole) -> &str| providers.iter().map(|role| pick(role).to_owned()).collect::<Vec<_>>();
    let ids: Vec<Uuid> = providers.iter().map(|_| tx.id()).collect();
    sql("with new as (select i.* from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) i(id, country_code, party_id, name) \
           where not exists (select from ocpi_provider p where p.peer_id = $5 and p.country_code = i.country_code \
             and p.party_id = i.party_id)), \
         made as (insert into partner (id, parent_id, name, kind, metadata, created_at, updated_at) \
           select id, $6, name, 'emp', '{}', $7, $7 from new returning id) \
         insert into ocpi_provider (peer_id, partner_id, country_code, party_id, emp_id) \
           select $5, $6, new.country_code, new.party_id, new.id from new join made on made.id = new.id")
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(column(|role| &role.country_code))
    .bind::<Array<Text>, _>(column(|role| &role.party_id))
    .bind::<Array<Text>, _>(column(|role| &role.name))
    .bind::<SqlUuid, _>(peer.id)
    .bind::<SqlUuid, _>(peer.partner_id)
    .bind::<diesel::sql_types::Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// Ends what was exchanged: the peer can neither call nor be called.
pub async fn end(tx: &mut Tx, id: OcpiPeerId) -> Result<OcpiPeer> {
    let before = lock(tx, id, None).await?;
    let none: Option<Vec<u8>> = None;
    let after: OcpiPeer = diesel::update(ocpi_peer::table.filter(ocpi_peer::id.eq(id)))
        .set((
            ocpi_peer::state.eq(OcpiPeerState::Ended),
            ocpi_peer::token_in_hmac.eq(none.clone()),
            ocpi_peer::token_in.eq(none.clone()),
            ocpi_peer::token_out.eq(none),
            ocpi_peer::endpoints.eq(OcpiEndpoints::default()),
            ocpi_peer::revision.eq(ocpi_peer::revision + 1),
            ocpi_peer::updated_at.eq(tx.now()),
        ))
        .returning(OcpiPeer::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "end", Some(&before), Some(&after));
    Ok(after)
}
