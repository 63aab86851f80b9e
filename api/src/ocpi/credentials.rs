//! Credentials that a peer exchanges with us (OCPI 2.2.1 chapter 7).

use poem::http::Method;
use stromtor_domain::roaming::ocpi_peer::{OcpiPeerState, OcpiRole};
use stromtor_ocpi::{client::CallError, envelope::StatusCode, v221::wire::credentials::Credentials};
use stromtor_persistence::roaming::ocpi_peer::{self, Registration};

use super::door::{Asked, Refusal, Reply};
use crate::{app::roam, state::App};

pub async fn call(app: &App, asked: &Asked, version: &str) -> Result<Reply, Refusal> {
    let registered = asked.peer.state == OcpiPeerState::Registered;
    match asked.method {
        Method::GET => Reply::of(roam::own_credentials(app, &asked.peer, asked.token.clone()).await?, app.now()),
        Method::POST if registered => {
            Err(Refusal::method_not_allowed("credentials were exchanged already; PUT changes them"))
        }
        Method::PUT | Method::DELETE if !registered => {
            Err(Refusal::method_not_allowed("no credentials were exchanged"))
        }
        Method::POST | Method::PUT => exchange(app, asked, version).await,
        Method::DELETE => {
            let mut tx = app.db.begin_worker().await?;
            ocpi_peer::end(&mut tx, asked.peer.id).await?;
            tx.commit().await?;
            Reply::done(app.now(), false)
        }
        _ => Err(Refusal::method_not_allowed("GET, POST, PUT and DELETE are possible here")),
    }
}

/// Whom the peer says that it speaks for; twice the same is refused.
fn roles(credentials: &Credentials) -> Result<Vec<OcpiRole>, Refusal> {
    let roles = roam::roles(credentials);
    let twice = |at: usize, role: &OcpiRole| {
        roles[..at].iter().any(|other| {
            (&other.role, &other.country_code, &other.party_id) == (&role.role, &role.country_code, &role.party_id)
        })
    };
    if roles.is_empty() || roles.iter().enumerate().any(|(at, role)| twice(at, role)) {
        return Err(Refusal::invalid("roles must be one or more, each once"));
    }
    Ok(roles)
}

async fn exchange(app: &App, asked: &Asked, version: &str) -> Result<Reply, Refusal> {
    let theirs: Credentials = asked.read()?;
    if theirs.token.is_empty()
        || theirs.token.len() > 64
        || !theirs.token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
    {
        return Err(Refusal::invalid("token must be 1 to 64 visible ASCII characters"));
    }
    let roles = roles(&theirs)?;
    // Before it is answered, its versions and endpoints are fetched with its token (section 7.1.1).
    let found = roam::discover(app, &asked.peer, theirs.url.as_str(), &theirs.token, Some(version)).await;
    let (version, endpoints) = found.map_err(|error| match error {
        roam::DiscoverError::NoVersion => {
            Refusal::of_peer(StatusCode::UNSUPPORTED_VERSION, "there is no version that both speak")
        }
        roam::DiscoverError::Call(CallError::Address(error)) => Refusal::invalid(format!("url {error}")),
        roam::DiscoverError::Call(error) => {
            Refusal::of_peer(StatusCode::UNABLE_TO_USE_CLIENT_API, format!("your versions: {error}"))
        }
        roam::DiscoverError::Endpoints(message) => Refusal::of_peer(StatusCode::NO_MATCHING_ENDPOINTS, message),
    })?;
    let token = app.secrets.random_token()?;
    let registration = Registration {
        versions_url: theirs.url.as_str().to_owned(),
        version,
        endpoints,
        roles,
        token_in: roam::kept(app, &token)?,
        token_out: app.secrets.seal(theirs.token.as_bytes())?,
    };
    let mut tx = app.db.begin_worker().await?;
    let peer = ocpi_peer::register(&mut tx, asked.peer.id, registration).await?;
    tx.commit().await?;
    Reply::of(roam::own_credentials(app, &peer, token).await?, app.now())
}
