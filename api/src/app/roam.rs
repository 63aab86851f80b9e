//! Exchanging credentials with OCPI peers (OCPI 2.2.1 chapters 6 and 7), whoever of the two begins.

use poem::http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stromtor_domain::{
    Error, Result,
    actor::{Actor, Permission},
    roaming::ocpi_peer::{
        OcpiEndpoint, OcpiInterfaceRole, OcpiInvitation, OcpiPeer, OcpiPeerId, OcpiPeerState, OcpiRegistrationInput,
        OcpiRole,
    },
};
use stromtor_ocpi::{
    client::{Call, CallError},
    v221::wire::{
        common::{BusinessDetails, Role},
        credentials::{Credentials, CredentialsRole},
        versions::{InterfaceRole, Version, VersionDetails},
    },
    values::{CiString, Text, Url},
};
use stromtor_persistence::roaming::{
    ocpi_party,
    ocpi_peer::{self, KeptToken, Registration},
};

use crate::{
    ocpi::{VERSIONS, log, versions_url},
    state::App,
};

/// Why a peer's endpoints could not be found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A call failed.
    #[error("{0}")]
    Call(#[from] CallError),
    /// There is no version that both speak.
    #[error("there is no version that both speak")]
    NoVersion,
    /// Endpoints are missing or may not be called.
    #[error("{0}")]
    Endpoints(String),
}

/// A token as it is kept.
pub fn kept(app: &App, token: &str) -> Result<KeptToken> {
    Ok(KeptToken { hmac: app.secrets.fingerprint(token.as_bytes()), sealed: app.secrets.seal(token.as_bytes())? })
}

/// What we tell a peer: how it calls us and whom we speak for there.
pub async fn own_credentials(app: &App, peer: &OcpiPeer, token: String) -> Result<Credentials> {
    let mut tx = app.db.begin_worker().await?;
    let parties = ocpi_party::below(&mut tx, peer.partner_id).await?;
    tx.commit().await?;
    let roles = parties.into_iter().map(|party| CredentialsRole {
        role: Role::Cpo,
        business_details: BusinessDetails {
            name: Text::cut(&party.name),
            website: party.website.as_deref().map(Text::cut),
            logo: None,
        },
        party_id: CiString::cut(&party.party_id),
        country_code: CiString::cut(&party.country_code),
    });
    Ok(Credentials { token, url: Url::cut(&versions_url(app)), roles: roles.collect() })
}

/// Whom a peer says that it speaks for.
#[must_use]
pub fn roles(credentials: &Credentials) -> Vec<OcpiRole> {
    let of = |role: &CredentialsRole| OcpiRole {
        role: role.role.as_str().into(),
        country_code: role.country_code.as_str().to_ascii_uppercase(),
        party_id: role.party_id.as_str().to_ascii_uppercase(),
        name: role.business_details.name.as_str().into(),
        website: role.business_details.website.as_ref().map(|website| website.as_str().into()),
    };
    credentials.roles.iter().map(of).collect()
}

/// A call on versions or credentials, which know no parties.
async fn call<T: DeserializeOwned>(
    app: &App,
    peer: &OcpiPeer,
    module: &str,
    (method, url, token): (Method, &str, &str),
    body: Option<&Value>,
) -> Result<Option<T>, CallError> {
    let id = app.clock.id();
    let call = Call {
        method,
        url,
        token,
        base64: peer.input.token_in_base64,
        from: None,
        to: None,
        body,
        request_id: id,
        correlation_id: id,
    };
    let (at, exchange) = (app.now(), app.ocpi.send(&call).await);
    log::outgoing(app, peer, at, module, &call, &exchange).await;
    exchange.read()
}

/// A peer's endpoints in a version that both speak: the one that is named, else the best.
pub async fn discover(
    app: &App,
    peer: &OcpiPeer,
    versions_url: &str,
    token: &str,
    named: Option<&str>,
) -> Result<(String, Vec<OcpiEndpoint>), DiscoverError> {
    let versions: Vec<Version> =
        call(app, peer, "versions", (Method::GET, versions_url, token), None).await?.unwrap_or_default();
    let wanted = VERSIONS.iter().filter(|version| named.is_none_or(|named| named == **version));
    let version = wanted.filter_map(|wanted| versions.iter().find(|version| version.version == *wanted)).next();
    let version = version.ok_or(DiscoverError::NoVersion)?;
    let details: VersionDetails = call(app, peer, "versions", (Method::GET, version.url.as_str(), token), None)
        .await?
        .ok_or_else(|| CallError::Malformed("the version has no details".into()))?;
    let endpoints = details.endpoints.into_iter().map(|endpoint| OcpiEndpoint {
        module: endpoint.identifier,
        role: match endpoint.role {
            InterfaceRole::Sender => OcpiInterfaceRole::Sender,
            InterfaceRole::Receiver => OcpiInterfaceRole::Receiver,
        },
        url: endpoint.url.as_str().trim_end_matches('/').to_owned(),
    });
    let endpoints: Vec<OcpiEndpoint> = endpoints.collect();
    for endpoint in &endpoints {
        if let Err(error) = app.ocpi.addresses().check_url(&endpoint.url) {
            return Err(DiscoverError::Endpoints(format!("the endpoint of {} {error}", endpoint.module)));
        }
    }
    if !endpoints.iter().any(|endpoint| endpoint.module == "credentials") {
        return Err(DiscoverError::Endpoints("there is no endpoint of credentials".into()));
    }
    Ok((version.version.clone(), endpoints))
}

/// Gives a peer a token to register with.
pub async fn invite(app: &App, actor: &Actor, id: OcpiPeerId) -> Result<OcpiInvitation> {
    let token = app.secrets.random_token()?;
    let mut tx = app.begin(actor, Permission::RoamingWrite).await?;
    ocpi_peer::invite(&mut tx, id, kept(app, &token)?).await?;
    tx.commit().await?;
    Ok(OcpiInvitation { versions_url: versions_url(app), token })
}

fn failed(what: &str, error: &DiscoverError) -> Error {
    match error {
        DiscoverError::Call(CallError::Address(error)) => Error::invalid("/versions_url", error.to_string()),
        error => Error::conflict("peer_failed", format!("{what}: {error}")),
    }
}

/// Registers with a peer.
pub async fn register(app: &App, actor: &Actor, id: OcpiPeerId, input: &OcpiRegistrationInput) -> Result<OcpiPeer> {
    if input.token.is_empty() || input.token.len() > 64 || !input.token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
    {
        return Err(Error::invalid("/token", "must be 1 to 64 visible ASCII characters"));
    }
    let token = app.secrets.random_token()?;
    let kept = kept(app, &token)?;
    let mut tx = app.begin(actor, Permission::RoamingWrite).await?;
    // The peer calls back with the new token before it answers.
    let peer = ocpi_peer::invite(&mut tx, id, kept.clone()).await?;
    tx.commit().await?;
    let url = input.versions_url.as_str();
    let found = discover(app, &peer, url, &input.token, None).await;
    let (version, endpoints) = found.map_err(|error| failed("the peer's versions", &error))?;
    let ours = own_credentials(app, &peer, token).await?;
    if ours.roles.is_empty() {
        return Err(Error::conflict("no_ocpi_party", "neither the peer's partner nor one below it has an OCPI party"));
    }
    let credentials = endpoints.iter().find(|endpoint| endpoint.module == "credentials");
    let credentials = credentials.ok_or_else(|| Error::internal("no credentials endpoint"))?.url.clone();
    let body = serde_json::to_value(&ours).map_err(Error::internal)?;
    let theirs =
        call::<Credentials>(app, &peer, "credentials", (Method::POST, &credentials, &input.token), Some(&body));
    let theirs = theirs.await.and_then(|theirs| theirs.ok_or_else(|| CallError::Malformed("no credentials".into())));
    let theirs = theirs.map_err(|error| failed("the peer's credentials", &error.into()))?;
    let registration = Registration {
        versions_url: theirs.url.as_str().to_owned(),
        version,
        endpoints,
        roles: roles(&theirs),
        token_in: kept,
        token_out: app.secrets.seal(theirs.token.as_bytes())?,
    };
    let mut tx = app.db.begin_worker().await?;
    let peer = ocpi_peer::register(&mut tx, id, registration).await?;
    tx.commit().await?;
    Ok(peer)
}

/// Ends an exchange of credentials: the peer is told, and whatever it says, it is over here.
pub async fn unregister(app: &App, actor: &Actor, id: OcpiPeerId) -> Result<OcpiPeer> {
    let mut tx = app.begin(actor, Permission::RoamingWrite).await?;
    let (peer, token) = (ocpi_peer::get(&mut tx, id).await?, ocpi_peer::token_out(&mut tx, id).await?);
    let ended = ocpi_peer::end(&mut tx, id).await?;
    tx.commit().await?;
    let url = peer.endpoint("credentials", OcpiInterfaceRole::Sender);
    let url = url.or_else(|| peer.endpoint("credentials", OcpiInterfaceRole::Receiver));
    if let (OcpiPeerState::Registered, Some(url), Some(token)) = (peer.state, url, token) {
        let token = String::from_utf8(app.secrets.open(&token)?).map_err(Error::internal)?;
        // Logged whatever came of it.
        let _ = call::<Value>(app, &peer, "credentials", (Method::DELETE, url, &token), None).await;
    }
    Ok(ended)
}
