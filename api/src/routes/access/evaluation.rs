//! Dry runs of the authorisation decision over REST.

use poem_openapi::OpenApi;
use stromtor_domain::{
    Error, Result,
    access::evaluation::{Evaluation, EvaluationInput},
    actor::Permission,
    network::charge_point::ChargePoint,
    tariff::{quote, tariff::TariffVersion},
};
use stromtor_persistence::{
    access::{evaluation, token},
    billing::settle,
    marketplace::emp_contract,
    network::charge_point,
    tariff::{assignment, tariff},
    tx::Tx,
};

use crate::{
    app::ingest::rules,
    auth::Auth,
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations that try the decision.
pub struct EvaluationApi(pub App);

#[OpenApi(prefix_path = "/v1/authorizations", tag = "Tag::Access")]
impl EvaluationApi {
    /// Try an authorisation
    ///
    /// Who would be let in at a charge point, why, and at what price: by the code that decides about real ones. Nothing is kept,
    /// and no station is asked.
    ///
    /// Permission: `access:read`
    #[oai(path = "/evaluate", method = "post", operation_id = "authorization_evaluate")]
    async fn evaluate(&self, Auth(actor): Auth, Body(input): Body<EvaluationInput>) -> Answer<Found<Evaluation>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let point = match charge_point::get(&mut tx, input.charge_point_id).await {
            Err(Error::NotFound(_)) => {
                return Err(Error::invalid("/charge_point_id", "names nothing that you may refer to").into());
            }
            other => other?,
        };
        let mut system = self.0.db.begin_ingest().await?;
        let tried = evaluation::evaluate(&mut system, &point, &input, &rules(&self.0.config)).await?;
        system.commit().await?;
        let token_id = match tried.token_id {
            Some(id) => visible(token::get(&mut tx, id).await)?.map(|token| token.id),
            None => None,
        };
        let contract = match tried.decision.emp_contract_id {
            Some(id) => visible(emp_contract::get(&mut tx, id).await)?,
            None => None,
        };
        let version = match contract.as_ref().and_then(|contract| contract.input.tariff_id) {
            Some(id) => visible(tariff::version(&mut tx, id, None).await)?,
            None => version(&mut tx, &point).await?,
        };
        let place = settle::place(&mut tx, point.location_id).await?;
        tx.commit().await?;
        let price = version.as_ref().and_then(|version| version.price(point.input.current_type)).cloned();
        let price = match contract.as_ref().and_then(|contract| contract.input.markup_percent) {
            Some(markup) => price.map(|price| price.marked_up(markup)),
            None => price,
        };
        let vat = place.and_then(|(address, _)| self.0.config.billing.vat.get(&address.country).copied());
        let vat = price.as_ref().and_then(|price| price.vat).or(vat);
        Ok(Found::plain(Evaluation {
            decision: tried.decision.outcome,
            reason: tried.decision.reason,
            authentication_type: tried.way,
            token_id,
            permission_id: tried.decision.permission_id,
            emp_contract_id: contract.map(|contract| contract.id),
            tariff_id: version.as_ref().map(|version| version.tariff_id),
            tariff_version: version.as_ref().map(|version| version.version),
            currency: version.as_ref().map(|version| version.currency.clone()),
            prices: price.zip(vat).map(|(price, vat)| quote::lines(&price, vat)).unwrap_or_default(),
        }))
    }
}

fn visible<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(Error::NotFound(_)) => Ok(None),
        other => other.map(Some),
    }
}

/// The version of the tariff that holds at a charge point now.
async fn version(tx: &mut Tx, point: &ChargePoint) -> Result<Option<TariffVersion>> {
    match assignment::at(tx, point.id).await?.active {
        Some(active) => visible(tariff::version(tx, active.tariff_id, None).await),
        None => Ok(None),
    }
}
