//! Where it is decided whether something may be switched on at stations.

use stromtor_domain::{
    marketing::{
        access_information::AccessInformationInput,
        switch::{Refusal, refusals},
    },
    network::station::StationId,
};

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
/// Every change of access information, of one station or of thousands, asks here and nowhere else: what else is needed before
/// something may be on (that it was bought, for one) is asked here too, for all stations at once.
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
