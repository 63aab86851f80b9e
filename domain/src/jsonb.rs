/// Lets a type that is a serde value be a JSONB column: the column of a struct that is never searched by its parts.
/// The type derives `AsExpression` and `FromSqlRow` with `#[diesel(sql_type = diesel::sql_types::Jsonb)]`.
#[macro_export]
macro_rules! jsonb {
    ($($name:ty),+ $(,)?) => {$(
        impl diesel::serialize::ToSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                use std::io::Write as _;
                out.write_all(&[1])?; // the version byte of PostgreSQL's binary jsonb
                serde_json::to_writer(out, self)?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let bytes = bytes.as_bytes();
                match bytes.first() {
                    Some(1) => Ok(serde_json::from_slice(&bytes[1..])?),
                    _ => Err("unsupported jsonb version".into()),
                }
            }
        }
    )+};
}
