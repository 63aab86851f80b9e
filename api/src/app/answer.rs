//! What follows from a command's end, by its kind: written in the transaction that notes the end, so that neither is
//! known without the other.

use stromtor_domain::{Result, command::Command};
use stromtor_persistence::tx::Tx;

use crate::app::certificate::{self, kind};

/// Draws the consequences of a command that has ended, whether the station answered, refused, or was never reached.
pub async fn handle(tx: &mut Tx, ended: &Command) -> Result<()> {
    match ended.kind.as_str() {
        kind::PASSWORD | kind::SIGNED | kind::INSTALLED | kind::DELETE => certificate::answered(tx, ended).await,
        // Most commands have no consequence beyond their own state.
        _ => Ok(()),
    }
}
