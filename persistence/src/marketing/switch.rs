//! Where it is decided whether something may be switched on at stations.

use stromtor_domain::{
    access::policy::AuthenticationType,
    error::FieldError,
    marketing::{
        access_information::AccessInformationInput,
        switch::{Refusal, refusals},
    },
    network::station::StationId,
};
use stromtor_schema::schema::access_information;

use super::facts;
use crate::resource::prelude::*;

/// A station whose switches are to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switching {
    /// The station.
    pub station_id: StationId,
    /// What is on.
    pub before: AccessInformationInput,
    /// What is to be on.
    pub after: AccessInformationInput,
}

/// What speaks against switching stations on, in their order; nothing where the list is empty.
///
/// Every change of access information, of one station or of thousands, asks here and nowhere else. What was not bought
/// (`product::needs`) is one of the facts.
pub async fn judge(tx: &mut Tx, stations: &[Switching]) -> Result<Vec<Vec<Refusal>>> {
    let ids: Vec<StationId> = stations.iter().map(|station| station.station_id).collect();
    let facts = facts::of(tx, &ids).await?;
    stations
        .iter()
        .map(|station| {
            let facts = facts.get(&station.station_id).ok_or(Error::NotFound("station"))?;
            Ok(refusals(&station.before, &station.after, facts))
        })
        .collect()
}

/// Refuses a charge point without remote authentication at a station that has roaming or direct payment on. Roaming+ is
/// withdrawn instead: its publications follow the data.
pub(crate) async fn admit_ways(tx: &mut Tx, station_id: StationId, ways: &[AuthenticationType]) -> Result<()> {
    if ways.contains(&AuthenticationType::Remote) {
        return Ok(());
    }
    let needed = access_information::table
        .filter(access_information::station_id.eq(station_id))
        .filter(access_information::roaming.or(access_information::direct_payment));
    let needed: i64 = needed.count().get_result(&mut **tx).await.map_err(from_diesel)?;
    if needed == 0 {
        return Ok(());
    }
    let message = "the station's access information has roaming or direct payment on, which need remote authentication";
    Err(Error::conflict("remote_authentication_needed", message)
        .about(vec![FieldError { pointer: "/authentication_types".into(), message: message.into() }]))
}
