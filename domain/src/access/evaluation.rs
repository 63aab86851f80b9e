//! Dry runs of the authorisation decision: who would be let in where, why, and at what price (portal function E1).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::{
    decide::{Outcome, Reason},
    permission::AccessPermissionId,
    policy::AuthenticationType,
    token::{TokenId, TokenUid},
};
use crate::{
    Timestamp,
    marketplace::emp_contract::EmpContractId,
    money::CurrencyCode,
    network::charge_point::ChargePointId,
    tariff::{quote::PriceLine, tariff::TariffId},
};

/// Who, where, how, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct EvaluationInput {
    /// Where.
    pub charge_point_id: ChargePointId,
    /// Who: a UID as a station would send it, in any spelling.
    pub uid: TokenUid,
    /// How they make themselves known. A contract at a reader counts as Plug & Charge.
    #[serde(default = "local")]
    #[oai(default = "local")]
    pub authentication_type: AuthenticationType,
    /// When; now when absent. Tokens, permissions and tariffs are as they are now; validity, windows and limits go by this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

const fn local() -> AuthenticationType {
    AuthenticationType::LocalRfid
}

/// What would be decided. Nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Evaluation {
    /// The decision.
    pub decision: Outcome,
    /// The rule that decides.
    pub reason: Reason,
    /// The way that was judged.
    pub authentication_type: AuthenticationType,
    /// The token that is meant, when it is yours to see.
    pub token_id: Option<TokenId>,
    /// The permission that admits, or that comes closest to it.
    pub permission_id: Option<AccessPermissionId>,
    /// The contract with the token's provider that admits; the prices are the provider's by it.
    pub emp_contract_id: Option<EmpContractId>,
    /// The tariff that holds there.
    pub tariff_id: Option<TariffId>,
    /// Its version that holds now.
    pub tariff_version: Option<i32>,
    /// Currency of the prices.
    pub currency: Option<CurrencyCode>,
    /// The prices, for people; of each kind the first that holds counts. Empty: there is no tariff, or no VAT rate.
    pub prices: Vec<PriceLine>,
}
