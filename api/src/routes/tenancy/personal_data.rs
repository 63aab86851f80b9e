//! Personal data over REST.

use poem_openapi::{OpenApi, param::Path};
use stromtor_domain::{
    access::token::TokenId,
    actor::Permission,
    tenancy::{
        personal_data::{TokenHolderData, UserData},
        user::UserId,
    },
};
use stromtor_persistence::tenancy::personal_data;

use crate::{
    auth::Auth,
    problem::Answer,
    respond::{Done, Found},
    routes::Tag,
    state::App,
};

/// Operations on personal data.
pub struct PersonalDataApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::PersonalData")]
impl PersonalDataApi {
    /// Export a token holder's data
    ///
    /// Everything kept about who holds a token: the token, where it was shown, what was charged and what that cost.
    ///
    /// Permission: `personal_data:write`
    #[oai(path = "/tokens/:token_id/personal-data", method = "get", operation_id = "token_personal_data_get")]
    async fn token(&self, Auth(actor): Auth, token_id: Path<TokenId>) -> Answer<Found<TokenHolderData>> {
        let mut tx = self.0.begin(&actor, Permission::PersonalDataWrite).await?;
        let data = personal_data::of_token(&mut tx, token_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(data))
    }

    /// Erase a token holder's data
    ///
    /// The token's uid goes from wherever it stands, and it charges no more; sessions and CDRs stay without it. In the OCPP
    /// message log it stays until the log's retention ends. Refused while it charges (`token_in_session`). It cannot be undone.
    ///
    /// Permission: `personal_data:write`
    #[oai(path = "/tokens/:token_id/personal-data", method = "delete", operation_id = "token_personal_data_delete")]
    async fn erase_token(&self, Auth(actor): Auth, token_id: Path<TokenId>) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::PersonalDataWrite).await?;
        personal_data::erase_token(&mut tx, token_id.0).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Export a user's data
    ///
    /// Everything kept about a user, and what the user did.
    ///
    /// Permission: `personal_data:write`
    #[oai(path = "/users/:user_id/personal-data", method = "get", operation_id = "user_personal_data_get")]
    async fn user(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Found<UserData>> {
        let mut tx = self.0.begin(&actor, Permission::PersonalDataWrite).await?;
        let data = personal_data::of_user(&mut tx, user_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(data))
    }

    /// Erase a user's data
    ///
    /// Name and address go and the log-in ends; what the user did stays in the audit log under no name. It cannot be undone.
    ///
    /// Permission: `personal_data:write`
    #[oai(path = "/users/:user_id/personal-data", method = "delete", operation_id = "user_personal_data_delete")]
    async fn erase_user(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::PersonalDataWrite).await?;
        personal_data::erase_user(&mut tx, user_id.0).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}
