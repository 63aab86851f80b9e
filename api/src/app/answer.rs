//! What follows from a command's end, by its kind: written in the transaction that notes the end, so that neither is
//! known without the other.

use stromtor_domain::{Result, command::Command};
use stromtor_persistence::{
    file::{firmware_publication, firmware_update, log_request},
    tx::Tx,
};

/// Draws the consequences of a command that has ended, whether the station answered, refused, or was never reached.
pub async fn handle(tx: &mut Tx, ended: &Command) -> Result<()> {
    match ended.kind.as_str() {
        "log_request" => log_request::answered(tx, ended).await,
        "firmware_update" => firmware_update::answered(tx, ended).await,
        "firmware_publication" | "firmware_unpublication" => firmware_publication::answered(tx, ended).await,
        // Most commands have no consequence beyond their own state.
        _ => Ok(()),
    }
}
