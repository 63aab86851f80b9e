//! What a tariff comes to: quotes, and the form in which it is published over OCPI.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    tariff::{
        ocpi::{self, OcpiForms},
        quote::{self, Quote, QuoteInput},
        tariff::{TariffId, TariffVersionId},
    },
    values::CountryCode,
};
use stromtor_persistence::tariff::tariff;

use crate::{
    auth::Auth,
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations that compute with tariffs.
pub struct TariffQuoteApi(pub App);

#[OpenApi(prefix_path = "/v1/tariffs", tag = "Tag::Tariffs")]
impl TariffQuoteApi {
    /// Price a session by a tariff
    ///
    /// By the code that rates real sessions; nothing is kept. Every component, VAT, the parts of the session in which the same
    /// prices hold, and the prices as they are shown to people.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/:tariff_id/quote", method = "post", operation_id = "tariff_quote")]
    async fn quote(
        &self,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        Body(input): Body<QuoteInput>,
    ) -> Answer<Found<Quote>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let version = tariff::version(&mut tx, tariff_id.0, input.version).await?;
        let now = tx.now();
        tx.commit().await?;
        let country = input.country.clone().unwrap_or_else(quote::default_country);
        let vat = self.0.config.billing.vat.get(&country).copied();
        Ok(Found::plain(input.quote(&version, vat, now)?))
    }

    /// Read a tariff version as OCPI states it
    ///
    /// The fields of OCPI 2.2.1 tariff objects (section 11.3.1) that hold prices, exactly equivalent to this version: one for
    /// AC, one for DC, since OCPI cannot restrict by that. Numbers are JSON numbers, as OCPI wants.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/:tariff_id/versions/:tariff_version_id/ocpi", method = "get", operation_id = "tariff_version_ocpi")]
    async fn ocpi(
        &self,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        tariff_version_id: Path<TariffVersionId>,
        /// The country whose VAT is stated, where the price has none of its own; none is stated when absent.
        country: Query<Option<CountryCode>>,
    ) -> Answer<Found<OcpiForms>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let version = tariff::version_by_id(&mut tx, tariff_id.0, tariff_version_id.0).await?;
        tx.commit().await?;
        let vat = country.0.and_then(|country| self.0.config.billing.vat.get(&country).copied());
        Ok(Found::plain(ocpi::forms(&version, vat)))
    }
}
