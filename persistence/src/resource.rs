/// The functions that most resources have in common: `get`, `update`, `delete` and, with `create`, `create`.
///
/// They hold one rule each: reading locks only for a change; a change names the revision it was made on; the input's own
/// `check()` judges it; audit log and event say what was before and after. Lists differ and are written out.
macro_rules! resource {
    ($table:ident: $Row:ident, $Input:ident, $Id:ident, $kind:literal $(, event $event:expr)?) => {
        async fn fetch(tx: &mut Tx, id: $Id, lock: bool) -> Result<$Row> {
            let query = $table::table.filter($table::id.eq(id)).select($Row::as_select());
            let found = if lock {
                query.for_update().first(&mut **tx).await
            } else {
                query.first(&mut **tx).await
            };
            found.optional().map_err(from_diesel)?.ok_or(Error::NotFound($kind))
        }

        /// One of them.
        pub async fn get(tx: &mut Tx, id: $Id) -> Result<$Row> {
            fetch(tx, id, false).await
        }

        /// Locked for a change until the transaction ends; `revision`, when given, must be the current one.
        pub async fn lock(tx: &mut Tx, id: $Id, revision: Option<i64>) -> Result<$Row> {
            let row = fetch(tx, id, true).await?;
            if revision.is_some_and(|revision| revision != row.revision) {
                return Err(Error::PreconditionFailed);
            }
            Ok(row)
        }

        /// Replaces what a caller may set: `change` receives the current input and returns the new one.
        pub async fn update(
            tx: &mut Tx,
            id: $Id,
            revision: Option<i64>,
            change: impl FnOnce(&$Input) -> Result<$Input> + Send,
        ) -> Result<$Row> {
            let before = lock(tx, id, revision).await?;
            let input = change(&before.input)?;
            input.check()?;
            let after: $Row = diesel::update($table::table.filter($table::id.eq(id)))
                .set((input, $table::revision.eq($table::revision + 1), $table::updated_at.eq(tx.now())))
                .returning($Row::as_returning())
                .get_result(&mut **tx)
                .await
                .map_err(from_diesel)?;
            note(tx, "update", Some(&before), Some(&after));
            Ok(after)
        }

        /// Deletes it; refused with `in_use` while others refer to it.
        pub async fn delete(tx: &mut Tx, id: $Id, revision: Option<i64>) -> Result<()> {
            let before = lock(tx, id, revision).await?;
            diesel::delete($table::table.filter($table::id.eq(id))).execute(&mut **tx).await.map_err(from_diesel)?;
            note(tx, "delete", Some(&before), None);
            Ok(())
        }

        /// Audit entry and event of a change.
        fn note(tx: &mut Tx, action: &'static str, before: Option<&$Row>, after: Option<&$Row>) {
            let Some(row) = after.or(before) else { return };
            let partner_id = row.owner(tx.actor());
            tx.audit(action, $kind, partner_id, row.id, before, after);
            $(tx.changed($event, partner_id, row.id, serde_json::json!({ "change": action }));)?
        }
    };
    ($table:ident: $Row:ident, $Input:ident, $Id:ident, $kind:literal $(, event $event:expr)?; create) => {
        resource!($table: $Row, $Input, $Id, $kind $(, event $event)?);

        /// Creates one that belongs to `partner_id`, which must be in scope.
        pub async fn create(tx: &mut Tx, partner_id: PartnerId, input: $Input) -> Result<$Row> {
            input.check()?;
            let (id, now): ($Id, _) = (tx.id(), tx.now());
            let created: $Row = diesel::insert_into($table::table)
                .values((
                    $table::id.eq(id),
                    $table::partner_id.eq(partner_id),
                    input,
                    $table::created_at.eq(now),
                    $table::updated_at.eq(now),
                ))
                .returning($Row::as_returning())
                .get_result(&mut **tx)
                .await
                .map_err(from_diesel)?;
            note(tx, "create", None, Some(&created));
            Ok(created)
        }
    };
}

/// What every resource module works with.
pub(crate) mod prelude {
    pub use diesel::{
        BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
        QueryDsl as _, SelectableHelper as _,
    };
    pub use diesel_async::RunQueryDsl;
    pub use stromtor_domain::{
        Error, Result, Timestamp,
        event::EventType,
        page::{Page, PageRequest},
        tenancy::partner::PartnerId,
    };

    pub use crate::{error::from_diesel, tx::Tx};
    pub(crate) use crate::{listing::listing, sql::sql};
}

/// The partner a row belongs to, for audit and events.
pub(crate) trait Owned {
    /// Shared resources (the hardware catalogue) are noted under the actor's partner.
    fn owner(&self, actor: &stromtor_domain::actor::Actor) -> stromtor_domain::tenancy::partner::PartnerId;
}

/// Rows that carry their partner.
macro_rules! owned {
    ($($Row:ty),+ $(,)?) => {$(
        impl Owned for $Row {
            fn owner(&self, _: &stromtor_domain::actor::Actor) -> stromtor_domain::tenancy::partner::PartnerId {
                self.partner_id
            }
        }
    )+};
}

owned!(
    stromtor_domain::access::emaid_group::EmaidGroup,
    stromtor_domain::access::permission::AccessPermission,
    stromtor_domain::access::token::Token,
    stromtor_domain::access::token_alias::TokenAlias,
    stromtor_domain::file::firmware_image::FirmwareImage,
    stromtor_domain::marketplace::emp_contract::EmpContract,
    stromtor_domain::network::charge_point::ChargePoint,
    stromtor_domain::network::charge_point_group::ChargePointGroup,
    stromtor_domain::network::connector::Connector,
    stromtor_domain::network::evse_prefix::EvsePrefix,
    stromtor_domain::roaming::ocpi_party::OcpiParty,
    stromtor_domain::roaming::ocpi_peer::OcpiPeer,
    stromtor_domain::product::product::Product,
    stromtor_domain::tariff::tariff::Tariff,
    stromtor_domain::network::location::Location,
    stromtor_domain::network::note::Note,
    stromtor_domain::network::parameter::ParameterTemplate,
    stromtor_domain::network::station::Station,
    stromtor_domain::network::station_alias::StationAlias,
    stromtor_domain::tenancy::user::User,
    stromtor_domain::tenancy::role::Role,
    stromtor_domain::tenancy::api_client::ApiClient,
);

/// Rows of the catalogue that all share: noted under who changed them.
macro_rules! shared {
    ($($Row:ty),+ $(,)?) => {$(
        impl Owned for $Row {
            fn owner(
                &self,
                actor: &stromtor_domain::actor::Actor,
            ) -> stromtor_domain::tenancy::partner::PartnerId {
                actor.partner_id
            }
        }
    )+};
}

shared!(stromtor_domain::network::hardware::Manufacturer, stromtor_domain::network::hardware::StationModel);

impl Owned for stromtor_domain::tenancy::partner::Partner {
    fn owner(&self, _: &stromtor_domain::actor::Actor) -> stromtor_domain::tenancy::partner::PartnerId {
        self.id
    }
}
