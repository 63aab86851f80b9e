//! First start: the platform partner and its owner.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _};
use diesel_async::RunQueryDsl;
use stromtor_domain::{
    Result,
    tenancy::partner::{PartnerId, PartnerKind},
    values::{Email, Metadata, Name},
};
use stromtor_schema::schema::{app_user, partner};
use uuid::Uuid;

use crate::{error::from_diesel, tx::Tx};

/// The platform partner, if it exists.
pub async fn platform(tx: &mut Tx) -> Result<Option<PartnerId>> {
    partner::table
        .filter(partner::kind.eq(PartnerKind::Platform))
        .select(partner::id)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// Makes the platform partner; the caller has seen that there is none. Two at once collide on a unique index.
pub async fn create_platform(tx: &mut Tx, name: Name) -> Result<PartnerId> {
    let id: PartnerId = tx.id();
    diesel::insert_into(partner::table)
        .values((
            partner::id.eq(id),
            partner::name.eq(name),
            partner::kind.eq(PartnerKind::Platform),
            partner::metadata.eq(Metadata::default()),
            partner::created_at.eq(tx.now()),
            partner::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(id)
}

/// Makes the platform's first user, with the built-in role `owner`.
pub async fn create_owner(tx: &mut Tx, partner_id: PartnerId, email: Email, password_hash: String) -> Result<Uuid> {
    let id: Uuid = tx.id();
    diesel::insert_into(app_user::table)
        .values((
            app_user::id.eq(id),
            app_user::partner_id.eq(partner_id),
            app_user::email.eq(email),
            app_user::name.eq("Owner"),
            app_user::roles.eq(vec!["owner"]),
            app_user::status.eq("active"),
            app_user::password_hash.eq(password_hash),
            app_user::metadata.eq(Metadata::default()),
            app_user::created_at.eq(tx.now()),
            app_user::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(id)
}
