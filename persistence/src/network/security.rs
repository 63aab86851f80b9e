//! A station's security profile, and its password on the way to another.

use stromtor_domain::{
    command::CommandId,
    network::{
        certificate::SecurityProfileReset,
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::{station, station_live};

use crate::{network, resource::prelude::*};

/// Lowers the least profile that a station must come with: its controller was exchanged.
pub async fn reset_profile(tx: &mut Tx, id: StationId, to: &SecurityProfileReset) -> Result<Station> {
    let before = network::station::lock(tx, id, None).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station cannot connect"));
    }
    if !(0..before.input.security_profile).contains(&to.security_profile) {
        let message = format!("must be lower than the profile so far, which is {}", before.input.security_profile);
        return Err(Error::invalid("/security_profile", message));
    }
    let after: Station = diesel::update(station::table.filter(station::id.eq(id)))
        .set((
            station::security_profile.eq(to.security_profile),
            station::revision.eq(station::revision + 1),
            station::updated_at.eq(tx.now()),
        ))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("security_profile_reset", "station", after.partner_id, id, Some(&before), Some(&after));
    tx.changed(EventType::StationChanged, after.partner_id, id, serde_json::json!({ "change": "update" }));
    Ok(after)
}

/// The OCPP version that a station's newest connection speaks; none before its first.
pub async fn ocpp_version(tx: &mut Tx, id: StationId) -> Result<Option<String>> {
    station_live::table
        .filter(station_live::station_id.eq(id))
        .select(station_live::ocpp_version)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
        .map(Option::flatten)
}

/// Begins the change of a password: from now on the new one counts beside the old. Refused while another change is under way.
pub async fn begin_rotation(tx: &mut Tx, id: StationId, hmac: Vec<u8>) -> Result<Station> {
    let before = network::station::lock(tx, id, None).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station cannot connect"));
    }
    let idle = station::id.eq(id).and(station::next_password_hmac.is_null());
    let begun: Option<Station> = diesel::update(station::table.filter(idle))
        .set((station::next_password_hmac.eq(hmac), station::next_password_command_id.eq(None::<CommandId>)))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    begun.ok_or_else(|| {
        let message = "a new password is on its way and the station has not used it yet; setting one by hand ends that";
        Error::conflict("password_rotation_pending", message)
    })
}

/// Which command brings the new password.
pub async fn rotation_command(tx: &mut Tx, id: StationId, command_id: CommandId) -> Result<()> {
    diesel::update(station::table.filter(station::id.eq(id)))
        .set(station::next_password_command_id.eq(command_id))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// The station did not take the password that this command brought: the old one stays.
pub async fn end_rotation(tx: &mut Tx, id: StationId, command_id: CommandId) -> Result<()> {
    let this = station::id.eq(id).and(station::next_password_command_id.assume_not_null().eq(command_id));
    diesel::update(station::table.filter(this))
        .set((station::next_password_hmac.eq(None::<Vec<u8>>), station::next_password_command_id.eq(None::<CommandId>)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}
