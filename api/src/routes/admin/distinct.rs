//! Distinct values over REST.

use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::admin::distinct::{Column, DistinctValues};
use stromtor_persistence::admin::distinct;

use crate::{auth::Auth, problem::Answer, respond::Found, routes::Tag, state::App};

/// Operations on distinct values.
pub struct DistinctApi(pub App);

#[OpenApi(prefix_path = "/v1/distinct-values", tag = "Tag::Work")]
impl DistinctApi {
    /// Read distinct values
    ///
    /// The values that a column takes in your scope, for filter lists: alphabetical, at most 1,000. Needs the permission to
    /// read the column's resource.
    ///
    /// Any valid token.
    #[oai(path = "/", method = "get", operation_id = "distinct_value_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        /// Which column.
        column: Query<Column>,
        /// Values that begin so, whatever the case.
        prefix: Query<Option<String>>,
    ) -> Answer<Found<DistinctValues>> {
        let mut tx = self.0.begin(&actor, column.0.permission()).await?;
        let values = distinct::values(&mut tx, column.0, prefix.0.as_deref()).await?;
        tx.commit().await?;
        Ok(Found::plain(values))
    }
}
