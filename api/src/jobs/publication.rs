//! Keeps what is published to roaming platforms in step with stations' data.

use stromtor_domain::Result;
use stromtor_persistence::marketing::publication;

use crate::state::App;

/// Changes looked at in one round.
const ROUND: i64 = 1000;

/// One round; whether there may be more to do at once.
pub async fn run_due(app: &App) -> Result<bool> {
    let mut tx = app.db.begin_worker().await?;
    let more = publication::round(&mut tx, ROUND).await?;
    tx.commit().await?;
    Ok(more)
}
