//! What may be switched on at a station (portal functions E2 to E4).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::{
    access_information::AccessInformationInput,
    readiness::{Lack, ReadinessItem, ReadinessItemKind, ReadinessProblem, StationFacts},
};
use crate::{Error, error::FieldError, product::product::Feature};

/// The most fields that one problem document names.
const MOST_FIELDS: usize = 100;

choice! {
    /// Why something cannot be switched on.
    pub enum RefusalCode {
        /// Marketing is off.
        MarketingOff = "marketing_off",
        /// The station is dismantled.
        StationDismantled = "station_dismantled",
        /// Nobody has bought it, and somebody sells it.
        ProductNeeded = "product_needed",
        /// A charge point has no remote authentication.
        RemoteAuthenticationNeeded = "remote_authentication_needed",
        /// Something that the roaming platform asks for is missing.
        NotReady = "not_ready",
    }
}

/// Something that cannot be switched on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// JSON pointer to the switch.
    pub pointer: String,
    /// Why, for people.
    pub message: String,
    /// What is wrong, and where to mend it.
    pub problems: Vec<ReadinessProblem>,
    /// The feature that was not bought, with `product_needed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
    /// Codes of the products that would enable it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub products: Vec<String>,
}

impl Refusal {
    fn unbought(pointer: &str, lack: &Lack) -> Self {
        Self {
            code: RefusalCode::ProductNeeded,
            pointer: pointer.to_owned(),
            message: format!("needs a product that enables {}", lack.feature),
            problems: vec![StationFacts::unbought(lack)],
            feature: Some(lack.feature),
            products: lack.products.clone(),
        }
    }
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
        on.push(("/roaming".to_owned(), before.roaming, Feature::Roaming, None));
    }
    if after.direct_payment {
        on.push(("/direct_payment".to_owned(), before.direct_payment, Feature::DirectPayment, None));
    }
    for (at, platform) in after.roaming_plus.iter().enumerate() {
        let was = before.roaming_plus.contains(platform);
        on.push((format!("/roaming_plus/{at}"), was, Feature::RoamingPlus, Some(*platform)));
    }
    if let Some(lack) = facts.lack(Feature::Marketing).filter(|_| after.marketing && !before.marketing) {
        refusals.push(Refusal::unbought("/marketing", lack));
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
            feature: None,
            products: Vec::new(),
        }));
    }
    for (pointer, _, feature, platform) in on.into_iter().filter(|(_, was, ..)| !was) {
        let refused = |code, message: &str, items: Vec<ReadinessItem>| Refusal {
            code,
            pointer: pointer.clone(),
            message: message.into(),
            problems: items.into_iter().flat_map(|item| item.problems).collect(),
            feature: None,
            products: Vec::new(),
        };
        let installation = facts.item(ReadinessItemKind::Installation);
        if !installation.holds {
            refusals.push(refused(RefusalCode::StationDismantled, "the station is dismantled", vec![installation]));
            continue;
        }
        // Nothing new on top of a marketing whose product has ended; where marketing is new too, it was told already.
        let needed = [Some(feature), before.marketing.then_some(Feature::Marketing)];
        let lacks = needed.into_iter().flatten().filter_map(|feature| facts.lack(feature));
        refusals.extend(lacks.map(|lack| Refusal::unbought(&pointer, lack)));
        let remote = facts.item(ReadinessItemKind::AuthenticationType);
        if !remote.holds {
            let message = "needs remote authentication at every charge point";
            refusals.push(refused(RefusalCode::RemoteAuthenticationNeeded, message, vec![remote]));
        }
        let Some(platform) = platform else { continue };
        let mut missing = facts.readiness(platform).items;
        // What has a code of its own is not told twice.
        let told = [ReadinessItemKind::AuthenticationType, ReadinessItemKind::Product];
        missing.retain(|item| !item.holds && !told.contains(&item.item));
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
    let first = refusals.first()?;
    let error = match first.code {
        RefusalCode::ProductNeeded => {
            Error::ProductNeeded { feature: first.feature?, products: first.products.clone(), fields: Vec::new() }
        }
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
    use crate::marketing::{
        access_information::RoamingPlatform,
        readiness::tests::{lack, ready},
    };

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
    fn what_was_not_bought_is_not_switched_on() {
        let (before, lacks) = (AccessInformationInput::default(), [Feature::Marketing, Feature::RoamingPlus].map(lack));
        let facts = StationFacts { lacks: lacks.to_vec(), ..ready() };
        let needed = ["/marketing", "/roaming_plus/0", "/roaming_plus/1"];
        let needed = needed.map(|pointer| (pointer.to_owned(), RefusalCode::ProductNeeded));
        assert_eq!(found(&before, &all_on(), &facts), needed);
        // What was on before it ended can be switched off one by one.
        assert_eq!(found(&all_on(), &AccessInformationInput { roaming: false, ..all_on() }, &facts), []);
        let Some(Error::ProductNeeded { feature, products, fields }) = refused(&refusals(&before, &all_on(), &facts))
        else {
            panic!("a product is needed")
        };
        assert_eq!((feature, products.as_slice(), fields.len()), (Feature::Marketing, &["EOP".to_owned()][..], 3));
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
