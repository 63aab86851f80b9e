//! What follows from a command's end, by its kind: written in the transaction that notes the end, so that neither is
//! known without the other.

use stromtor_domain::{Result, command::Command};
use stromtor_persistence::tx::Tx;

/// Draws the consequences of a command that has ended, whether the station answered, refused, or was never reached.
pub async fn handle(tx: &mut Tx, ended: &Command) -> Result<()> {
    let _ = tx;
    match ended.kind.as_str() {
        // Most commands have no consequence beyond their own state.
        _ => Ok(()),
    }
}
