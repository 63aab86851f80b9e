//! Choosing passwords, with the secret of a mailed link.

use poem::{Request, web::RemoteAddr};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::{Deserialize, Serialize};
use stromtor_domain::{Error, values::Email};

use crate::{
    app::identity::{self, Refused},
    problem::Answer,
    respond::{Body, Done},
    routes::Tag,
    state::App,
};

/// Operations on passwords.
pub struct PasswordApi(pub App);

/// Who forgot a password.
#[derive(Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
struct PasswordResetRequest {
    /// Log-in name.
    email: Email,
}

/// A password and the right to set it.
#[derive(Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
struct PasswordChoice {
    /// The secret of the mailed link: of an invitation or a reset.
    token: String,
    /// The password, 12 to 1,000 characters.
    password: String,
}

#[derive(ApiResponse)]
enum Accepted {
    /// If there is such a user, a mail is on its way.
    #[oai(status = 202)]
    Accepted,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Login")]
impl PasswordApi {
    /// Forgot a password
    ///
    /// Mails a link to choose a new one. The answer is the same whether or not there is such a user.
    ///
    /// Public.
    #[oai(path = "/password-resets", method = "post", operation_id = "password_reset_create")]
    async fn reset(&self, request: &Request, Body(input): Body<PasswordResetRequest>) -> Answer<Accepted> {
        let RemoteAddr(address) = request.remote_addr();
        let ip = address.as_socket_addr().map(std::net::SocketAddr::ip);
        match identity::forgot_password(&self.0, input.email.as_str(), ip).await {
            Ok(()) | Err(Refused::Invalid) => Ok(Accepted::Accepted),
            Err(Refused::Throttled(retry_after)) => Err(Error::TooMany { retry_after }.into()),
            Err(Refused::Error(error)) => Err(error.into()),
        }
    }

    /// Choose a password
    ///
    /// With the secret of a mailed link, which works once. Every open log-in of the user ends.
    ///
    /// Public.
    #[oai(path = "/passwords", method = "post", operation_id = "password_create")]
    async fn choose(&self, Body(input): Body<PasswordChoice>) -> Answer<Done> {
        identity::choose_password(&self.0, &input.token, input.password).await?;
        Ok(Done::NoContent)
    }
}
