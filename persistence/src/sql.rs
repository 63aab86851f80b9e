//! Statements written out in SQL, prepared once per connection.
//!
//! `diesel::sql_query` prepares, plans and forgets its statement on every call, since it cannot know where its text came from.
//! Here texts are part of the program, so there are only so many of them and each connection keeps them.

use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};

/// A statement; its parameters are bound in the order of their numbers.
#[must_use = "a statement does nothing by itself"]
pub struct Sql<Bound = ()> {
    text: Cow<'static, str>,
    bound: Bound,
}

/// Parameters, the last one on top.
pub struct Bound<Before, Value, SqlType> {
    before: Before,
    value: Value,
    sql_type: PhantomData<SqlType>,
}

/// A statement whose text is part of the program, or put together from such parts; never from what a caller sent.
pub fn sql(text: impl Into<Cow<'static, str>>) -> Sql {
    Sql { text: text.into(), bound: () }
}

impl<Before> Sql<Before> {
    /// Gives the next parameter, `$1` first.
    pub fn bind<SqlType, Value>(self, value: Value) -> Sql<Bound<Before, Value, SqlType>> {
        Sql { text: self.text, bound: Bound { before: self.bound, value, sql_type: PhantomData } }
    }
}

impl<B: QueryFragment<Pg>> QueryFragment<Pg> for Sql<B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.text);
        self.bound.walk_ast(out)
    }
}

impl<Before, Value, SqlType> QueryFragment<Pg> for Bound<Before, Value, SqlType>
where
    Before: QueryFragment<Pg>,
    Value: ToSql<SqlType, Pg>,
    Pg: HasSqlType<SqlType>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        out.push_bind_param_value_only(&self.value)
    }
}

// What is kept is found by its text.
impl<B> QueryId for Sql<B> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<B> Query for Sql<B> {
    type SqlType = Untyped;
}
