//! Work behind the scenes: deliveries, jobs, housekeeping. Any number of processes may run them beside one another.

mod housekeeping;
mod mail;
mod publication;
mod run;

use std::time::Duration;

use stromtor_domain::Result;
use stromtor_persistence::{admin::delivery::WORK_CHANNEL, listen::Listener};
use tokio_util::task::TaskTracker;

use crate::state::App;

/// Starts what every process does for itself, and the workers where this is one; they end when `app.cancel` is told.
pub fn start(app: &App, tasks: &TaskTracker, worker: bool) {
    let listener = Listener::spawn(app.db.urls().worker.clone(), &[WORK_CHANNEL], app.cancel.child_token());
    tasks.spawn(housekeeping::run(app.clone()));
    if worker {
        tasks.spawn(forever(app.clone(), listener.clone(), |app| async move { mail::run_due(&app).await }));
        tasks.spawn(forever(app.clone(), listener.clone(), |app| async move { run::run_due(&app).await }));
        tasks.spawn(forever(app.clone(), listener, |app| async move { publication::run_due(&app).await }));
    }
}

/// Runs `once` whenever there may be something to do: at a notice, and every second as a fallback. A full batch runs
/// again at once.
async fn forever<F, W>(app: App, listener: Listener, once: F)
where
    F: Fn(App) -> W + Send,
    W: Future<Output = Result<bool>> + Send,
{
    let mut wait = Duration::from_secs(1);
    while !app.cancel.is_cancelled() {
        match once(app.clone()).await {
            Ok(true) => continue,
            Ok(false) => wait = Duration::from_secs(1),
            Err(error) => {
                tracing::warn!(%error, "worker failed, trying again");
                wait = (wait * 2).min(Duration::from_secs(30));
            }
        }
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = listener.wait(WORK_CHANNEL, wait) => {}
        }
    }
}

/// One round of housekeeping: at start, before anything is served, so that there are partitions.
pub async fn housekeep(app: &App) -> Result<()> {
    housekeeping::once(app).await
}

/// Does everything that is due now, once: for tests, which do not wait.
pub async fn drain(app: &App) -> Result<()> {
    while run::run_due(app).await? | mail::run_due(app).await? | publication::run_due(app).await? {}
    Ok(())
}
