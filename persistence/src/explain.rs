//! How PostgreSQL would find a query's rows: plans of the important queries are compared with golden files.

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::Text,
};

use crate::resource::prelude::*;

#[derive(QueryId)]
struct Explain<Q>(Q);

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> diesel::QueryResult<()> {
        out.push_sql("explain (costs off) ");
        self.0.walk_ast(out)
    }
}

/// The plan, as the role of the transaction: line by line.
pub(crate) async fn explain<Q>(tx: &mut Tx, query: Q) -> Result<Vec<String>>
where
    Q: QueryFragment<Pg> + QueryId + Send + 'static,
{
    Explain(query).load(&mut **tx).await.map_err(from_diesel)
}
