//! What is known of some manufacturers' stations, to begin with: offered, never applied by itself.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, network::tolerance::Tolerances};

/// How stations of a manufacturer may have to be treated. Firmwares differ: what suits is set at the manufacturer, the model or the
/// station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SuggestedTolerances {
    /// The manufacturer, as it is commonly called.
    pub manufacturer: String,
    /// What some of its stations were seen to do.
    pub why: String,
    /// What helps.
    pub tolerances: Tolerances,
}

impl SuggestedTolerances {
    /// All that is known.
    pub fn all() -> Result<Vec<Self>> {
        serde_json::from_str(include_str!("suggested_tolerances.json")).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suggested_can_be_set() {
        let all = SuggestedTolerances::all().unwrap();
        assert!(all.len() > 5 && all.is_sorted_by_key(|one| one.manufacturer.clone()));
        for one in all {
            one.tolerances.check("/tolerances").unwrap();
            assert_ne!(one.tolerances, Tolerances::default(), "{}", one.manufacturer);
        }
    }
}
