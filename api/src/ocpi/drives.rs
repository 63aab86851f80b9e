//! Sessions and CDRs that a driver's provider fetches (OCPI 2.2.1 chapters 9 and 10, sender).

use stromtor_ocpi::v221::translate::drive as translate;
use stromtor_persistence::roaming::drive;

use super::door::{Asked, Refusal, Reply};
use crate::state::App;

pub async fn sessions(app: &App, asked: &Asked) -> Result<Reply, Refusal> {
    asked.registered()?;
    asked.get()?;
    let window = asked.window()?;
    if window.from.is_none() {
        return Err(Refusal::invalid("date_from is missing"));
    }
    let mut tx = app.db.begin_worker().await?;
    let (found, total) = drive::sessions(&mut tx, asked.peer.id, window).await?;
    tx.commit().await?;
    let now = app.now();
    let items = found.iter().map(|(session, drive)| translate::session(session, drive, now)).collect();
    Reply::page(items, total, asked, app)
}

pub async fn cdrs(app: &App, asked: &Asked) -> Result<Reply, Refusal> {
    asked.registered()?;
    asked.get()?;
    let mut tx = app.db.begin_worker().await?;
    let (found, total) = drive::cdrs(&mut tx, asked.peer.id, asked.window()?).await?;
    tx.commit().await?;
    Reply::page(found.iter().filter_map(|(cdr, drive)| translate::cdr(cdr, drive)).collect(), total, asked, app)
}
