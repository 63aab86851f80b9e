//! What may be switched on at a station (portal functions E2 to E4).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::{
    access_information::AccessInformationInput,
    readiness::{ReadinessItem, ReadinessItemKind, ReadinessProblem, StationFacts},
};
use crate::{Error, error::FieldError};

/// The most fields that one problem document names.
const MOST_FIELDS: usize = 100;

choice! {
    /// Why something cannot be switched on.
    pub enum RefusalCode {
        /// Marketing is off.
        MarketingOff = "marketing_off",
        /// The station is dismantled.
        StationDismantled = "station_dismantled",
        /// A charge point has no remote authentication.
        RemoteAuthenticationNeeded = "remote_authentication_needed",
        /// Something that the roaming platform asks for is missing.
        NotReady = "not_ready",
    }
}

/// Something that cannot be switched on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// JSON pointer to the switch.
    pub pointer: String,
    /// Why, for people.
    pub message: String,
    /// What is wrong, and where to mend it.
    pub problems: Vec<ReadinessProblem>,
}

/// What speaks against switching a station from one state to another; nothing when empty.
///
/// Judged is what is switched on, not what is on already: where data broke later, the publication is withdrawn, and the other
/// switches can still be used. That nothing is on without marketing holds always.
#[must_use]
pub fn refusals(before: &AccessInformationInput, after: &AccessInformationInput, facts: &StationFacts) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    // Every switch that is on: where it stands, and whether it was on before.
    let mut on = Vec::new();
    if after.roaming {
        on.push(("/roaming".to_owned(), before.roaming, None));
    }
    if after.direct_payment {
        on.push(("/direct_payment".to_owned(), before.direct_payment, None));
    }
    for (at, platform) in after.roaming_plus.iter().enumerate() {
        on.push((format!("/roaming_plus/{at}"), before.roaming_plus.contains(platform), Some(*platform)));
    }
    if !after.marketing {
        refusals.extend(on.iter().map(|(pointer, ..)| Refusal {
            code: RefusalCode::MarketingOff,
            pointer: pointer.clone(),
            message: "needs marketing, which is off".into(),
            problems: vec![ReadinessProblem {
                message: "marketing is off".into(),
                resource: format!("/v1/stations/{}/access-information", facts.station_id),
                pointer: Some("/marketing".into()),
            }],
        }));
    }
    for (pointer, _, platform) in on.into_iter().filter(|(_, was, _)| !was) {
        let refused = |code, message: &str, items: Vec<ReadinessItem>| Refusal {
            code,
            pointer: pointer.clone(),
            message: message.into(),
            problems: items.into_iter().flat_map(|item| item.problems).collect(),
        };
        let installation = facts.item(ReadinessItemKind::Installation);
        if !installation.holds {
            refusals.push(refused(RefusalCode::StationDismantled, "the station is dismantled", vec![installation]));
            continue;
        }
        let remote = facts.item(ReadinessItemKind::AuthenticationType);
        if !remote.holds {
            let message = "needs remote authentication at every charge point";
            refusals.push(refused(RefusalCode::RemoteAuthenticationNeeded, message, vec![remote]));
        }
        let Some(platform) = platform else { continue };
        let mut missing = facts.readiness(platform).items;
        missing.retain(|item| !item.holds && item.item != ReadinessItemKind::AuthenticationType);
        if !missing.is_empty() {
            let message = format!("the station is not ready for {platform}");
            refusals.push(refused(RefusalCode::NotReady, &message, missing));
        }
    }
    refusals
}

/// The refusals as one error: the code of the first, and the switch with each thing that is wrong.
#[must_use]
pub fn refused(refusals: &[Refusal]) -> Option<Error> {
    let message = "what was switched on cannot be on there";
    let error = match refusals.first()?.code {
        RefusalCode::MarketingOff => Error::conflict("marketing_off", message),
        RefusalCode::StationDismantled => Error::conflict("station_dismantled", message),
        RefusalCode::RemoteAuthenticationNeeded => Error::conflict("remote_authentication_needed", message),
        RefusalCode::NotReady => Error::conflict("not_ready", message),
    };
    let fields = refusals.iter().flat_map(|refusal| {
        refusal.problems.iter().map(|problem| FieldError {
            pointer: refusal.pointer.clone(),
            message: match &problem.pointer {
                Some(pointer) => format!("{}: mend {} at {pointer}", problem.message, problem.resource),
                None => format!("{}: add it to {}", problem.message, problem.resource),
            },
        })
    });
    Some(error.about(fields.take(MOST_FIELDS).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketing::{access_information::RoamingPlatform, readiness::tests::ready};

    fn all_on() -> AccessInformationInput {
        AccessInformationInput {
            marketing: true,
            roaming: true,
            direct_payment: true,
            roaming_plus: vec![RoamingPlatform::Hubject, RoamingPlatform::Ocpi],
            ..AccessInformationInput::default()
        }
    }

    fn found(
        before: &AccessInformationInput,
        after: &AccessInformationInput,
        facts: &StationFacts,
    ) -> Vec<(String, RefusalCode)> {
        refusals(before, after, facts).into_iter().map(|refusal| (refusal.pointer, refusal.code)).collect()
    }

    #[test]
    fn what_is_ready_is_switched_on() {
        assert_eq!(found(&AccessInformationInput::default(), &all_on(), &ready()), []);
    }

    #[test]
    fn nothing_is_on_without_marketing_nor_without_remote_authentication() {
        let off = AccessInformationInput { marketing: false, ..all_on() };
        let pointers = ["/roaming", "/direct_payment", "/roaming_plus/0", "/roaming_plus/1"];
        let with = |code: RefusalCode| pointers.map(|pointer| (pointer.to_owned(), code));
        assert_eq!(found(&all_on(), &off, &ready()), with(RefusalCode::MarketingOff));
        let mut facts = ready();
        facts.points[0].authentication_types.truncate(1);
        let before = AccessInformationInput::default();
        assert_eq!(found(&before, &all_on(), &facts), with(RefusalCode::RemoteAuthenticationNeeded));
    }

    #[test]
    fn what_is_on_already_is_not_judged_again() {
        let facts = StationFacts { hotline: false, coordinates: false, ..ready() };
        let ocpi = AccessInformationInput { roaming_plus: vec![RoamingPlatform::Ocpi], ..all_on() };
        assert_eq!(found(&ocpi, &ocpi, &facts), []);
        assert_eq!(found(&ocpi, &all_on(), &facts), [("/roaming_plus/0".to_owned(), RefusalCode::NotReady)]);
        let refusal = &refusals(&ocpi, &all_on(), &facts);
        assert_eq!(refusal[0].problems.len(), 2);
        let Some(Error::Conflict { code, fields, .. }) = refused(refusal) else { panic!("a conflict") };
        assert_eq!((code, fields.len(), fields[0].pointer.as_str()), ("not_ready", 2, "/roaming_plus/0"));
    }
}
