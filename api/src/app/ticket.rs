//! Stream tickets: an actor for one stream, redeemed once within seconds.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::{Actor, ActorKind, Permission},
    network::location::LocationId,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::tenancy::stream_ticket;
use uuid::Uuid;

use crate::state::App;

/// How long a ticket can be redeemed.
const LIFE: TimeDelta = TimeDelta::seconds(30);

#[derive(Serialize, Deserialize)]
struct Kept {
    kind: ActorKind,
    id: Uuid,
    name: String,
    partner_id: PartnerId,
    platform: bool,
    permissions: Vec<Permission>,
    locations: Option<Vec<LocationId>>,
}

/// Issues a ticket that stands for the actor.
pub async fn issue(app: &App, actor: &Actor) -> Result<(String, Timestamp)> {
    let kept = Kept {
        kind: actor.kind,
        id: actor.id,
        name: actor.name.clone(),
        partner_id: actor.partner_id,
        platform: actor.platform,
        permissions: actor.permissions.iter().copied().collect(),
        locations: actor.locations.clone(),
    };
    let ticket = app.secrets.random_token()?;
    let mut tx = app.db.begin_unscoped().await?;
    let expires_at = tx.now() + LIFE;
    let value = serde_json::to_value(kept).map_err(Error::internal)?;
    stream_ticket::create(&mut tx, app.secrets.fingerprint(ticket.as_bytes()), value, expires_at).await?;
    tx.commit().await?;
    Ok((ticket, expires_at))
}

/// The actor of a ticket, once.
pub async fn redeem(app: &App, ticket: &str) -> Result<Option<Actor>> {
    let mut tx = app.db.begin_unscoped().await?;
    let kept = stream_ticket::redeem(&mut tx, app.secrets.fingerprint(ticket.as_bytes())).await?;
    tx.commit().await?;
    let Some(kept) = kept else { return Ok(None) };
    let kept: Kept = serde_json::from_value(kept).map_err(Error::internal)?;
    Ok(Some(Actor {
        kind: kept.kind,
        id: kept.id,
        name: kept.name,
        partner_id: kept.partner_id,
        platform: kept.platform,
        permissions: kept.permissions.into_iter().collect(),
        locations: kept.locations,
        ip: None,
        request_id: None,
    }))
}
