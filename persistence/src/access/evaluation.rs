//! Dry runs of the authorisation decision.

use stromtor_domain::{
    access::{decide::Decision, evaluation::EvaluationInput, policy::AuthenticationType, token::TokenId},
    network::charge_point::ChargePoint,
    session::report::Presented,
};

use crate::{
    ingest::{
        From, Rules,
        access::{Asked, try_one},
    },
    resource::prelude::*,
};

/// What would be decided.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The decision.
    pub decision: Decision,
    /// The way that was judged.
    pub way: AuthenticationType,
    /// The token that is meant.
    pub token_id: Option<TokenId>,
}

/// Decides as for a station's report, and keeps nothing. The transaction is one for what stations report: tokens of providers
/// are in nobody's scope.
pub async fn evaluate(tx: &mut Tx, point: &ChargePoint, input: &EvaluationInput, rules: &Rules) -> Result<Tried> {
    let asked = Asked {
        charge_point_id: Some(point.id),
        presented: match input.authentication_type {
            AuthenticationType::LocalRfid => Presented::Local,
            AuthenticationType::Remote => Presented::Remote,
            AuthenticationType::PlugAndCharge => Presented::Car,
        },
        at: input.at,
        ..Asked::new(From::new(point.station_id, point.partner_id, point.location_id), input.uid.as_str())
    };
    let verdict = try_one(tx, asked, rules).await?;
    Ok(Tried { decision: verdict.decision, way: verdict.way, token_id: verdict.token.map(|token| token.id) })
}
