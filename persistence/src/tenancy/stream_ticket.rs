//! Stream tickets, found by their fingerprint alone.

use stromtor_schema::schema::stream_ticket;

use crate::resource::prelude::*;

/// Keeps a ticket.
pub async fn create(tx: &mut Tx, hmac: Vec<u8>, actor: serde_json::Value, expires_at: Timestamp) -> Result<()> {
    diesel::insert_into(stream_ticket::table)
        .values((
            stream_ticket::ticket_hmac.eq(hmac),
            stream_ticket::actor.eq(actor),
            stream_ticket::expires_at.eq(expires_at),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Takes a ticket: the actor it stands for, unless it has expired or was taken before.
pub async fn redeem(tx: &mut Tx, hmac: Vec<u8>) -> Result<Option<serde_json::Value>> {
    let now = tx.now();
    let taken: Option<(serde_json::Value, Timestamp)> =
        diesel::delete(stream_ticket::table.filter(stream_ticket::ticket_hmac.eq(hmac)))
            .returning((stream_ticket::actor, stream_ticket::expires_at))
            .get_result(&mut **tx)
            .await
            .optional()
            .map_err(from_diesel)?;
    Ok(taken.filter(|(_, expires_at)| *expires_at > now).map(|(actor, _)| actor))
}
