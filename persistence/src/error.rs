//! Turns what diesel says into the domain's errors.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use stromtor_domain::{Error, error::Cause};

/// For `map_err`: a failed query as the caller may see it.
pub fn from_diesel(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(kind, info) => match kind {
            DatabaseErrorKind::UniqueViolation => {
                let table = info.table_name().unwrap_or("resource").replace('_', " ");
                let field = info.constraint_name().map_or("key", unique_field);
                Error::conflict("already_exists", format!("there is already a {table} with this {field}"))
            }
            DatabaseErrorKind::ForeignKeyViolation if info.message().starts_with("update or delete") => {
                Error::conflict("in_use", "other resources still refer to it")
            }
            DatabaseErrorKind::ForeignKeyViolation => {
                let constraint = info.constraint_name().unwrap_or_default();
                let field = constraint.trim_end_matches("_fkey").rsplit("partner_id_").next().unwrap_or_default();
                let field = field.strip_prefix(info.table_name().unwrap_or_default()).unwrap_or(field);
                Error::invalid(format!("/{}", field.trim_start_matches('_')), "names nothing that you may refer to")
            }
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => unavailable(error),
            DatabaseErrorKind::SerializationFailure => unavailable(error),
            // The policy refused the row: the partner it names is out of the actor's scope.
            _ if info.message().contains("row-level security") => Error::NotFound("partner"),
            _ if is_outage(info.message()) => unavailable(error),
            _ => Error::internal(error),
        },
        DieselError::BrokenTransactionManager => unavailable(error),
        _ => Error::internal(error),
    }
}

/// For `map_err`: no connection to be had.
pub fn from_pool(error: PoolError) -> Error {
    Error::Unavailable(Cause::new(error))
}

fn unavailable(error: DieselError) -> Error {
    Error::Unavailable(Cause::new(error))
}

/// PostgreSQL going down or coming up (SQLSTATE class 57P), or the socket gone: diesel has no kind for these.
fn is_outage(message: &str) -> bool {
    [
        "terminating connection",
        "shutting down",
        "starting up",
        "recovery mode",
        "connection closed",
        "error communicating",
        "crash of another server process",
        "canceling statement due to statement timeout",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// `location_partner_id_external_id_key` is about `external_id`.
fn unique_field(constraint: &str) -> &str {
    for field in [
        "external_id",
        "ocpp_identity",
        "evse_id",
        "evse_number",
        "ocpp_connector_id",
        "debtor_number",
        "email",
        "code",
        "uid",
        "name",
        "client_id",
        "prefix_prefix",
    ] {
        if constraint.contains(field) {
            return field.trim_start_matches("prefix_");
        }
    }
    if constraint == "tariff_assignment_from" { "valid_from" } else { "key" }
}
