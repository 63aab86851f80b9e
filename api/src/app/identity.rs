//! Who may be given what; log-in; invitations and password resets.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;
use stromtor_domain::{
    Error, Result,
    actor::{Actor, ActorKind, Permission},
    network::location::LocationId,
    tenancy::{
        partner::{PartnerId, PartnerKind},
        role::BuiltInRole,
        user::{User, UserId, UserInput, UserStatus},
    },
};
use stromtor_persistence::{
    admin::delivery,
    network::location,
    tenancy::{
        credential::{self, Login, Refreshed},
        role,
    },
    tx::Tx,
};

use crate::{
    auth::{password, token},
    state::AppState,
};

/// Nobody gives what they do not hold.
pub fn may_grant(actor: &Actor, permissions: &[Permission]) -> Result<()> {
    match permissions.iter().find(|permission| !actor.may(**permission)) {
        Some(missing) => Err(Error::Forbidden(*missing)),
        None => Ok(()),
    }
}

/// An actor limited to some locations can let others see no more than those.
pub fn may_see(actor: &Actor, locations: Option<&[LocationId]>) -> Result<()> {
    let Some(own) = &actor.locations else { return Ok(()) };
    match locations {
        Some(asked) if asked.iter().all(|id| own.contains(id)) => Ok(()),
        _ => Err(Error::invalid("/location_ids", "names locations that you may not see")),
    }
}

/// Whether the actor may give a user these roles and locations.
pub async fn may_have(tx: &mut Tx, partner_id: PartnerId, input: &UserInput) -> Result<()> {
    let actor = tx.actor().clone();
    let names: Vec<String> = input.roles.iter().map(ToString::to_string).collect();
    let own = role::by_names(tx, partner_id, &names).await?;
    for (at, name) in names.iter().enumerate() {
        let permissions: BTreeSet<Permission> = match BuiltInRole::parse(name) {
            // At partners other than the platform `owner` does not reach what concerns the platform.
            Some(built_in) => within(built_in.permissions(), actor.platform),
            None => match own.iter().find(|role| role.input.name.as_str() == name) {
                Some(role) => role.input.permissions.iter().copied().collect(),
                None => {
                    return Err(Error::invalid(
                        format!("/roles/{at}"),
                        "is neither built in nor a role of the partner",
                    ));
                }
            },
        };
        may_grant(&actor, &permissions.into_iter().collect::<Vec<_>>())?;
    }
    may_see(&actor, input.location_ids.as_deref())?;
    for (at, id) in input.location_ids.iter().flatten().enumerate() {
        location::get(tx, *id).await.map_err(|_| Error::invalid(format!("/location_ids/{at}"), "no such location"))?;
    }
    Ok(())
}

fn within(permissions: BTreeSet<Permission>, platform: bool) -> BTreeSet<Permission> {
    permissions
        .into_iter()
        .filter(|permission| {
            platform
                || !matches!(
                    permission,
                    Permission::PlatformAdmin | Permission::HardwareWrite | Permission::OutboxWrite
                )
        })
        .collect()
}

/// The actor a user is: the permissions of all their roles.
pub async fn actor_of(tx: &mut Tx, login: &Login) -> Result<Actor> {
    let platform = login.partner_kind == PartnerKind::Platform;
    let own = role::by_names(tx, login.partner_id, &login.roles).await?;
    let mut permissions: BTreeSet<Permission> =
        login.roles.iter().filter_map(|name| BuiltInRole::parse(name)).flat_map(BuiltInRole::permissions).collect();
    permissions.extend(own.into_iter().flat_map(|role| role.input.permissions));
    Ok(Actor {
        kind: ActorKind::User,
        id: login.id.0,
        name: login.email.clone(),
        partner_id: login.partner_id,
        platform,
        permissions: within(permissions, platform),
        locations: login.location_ids.clone(),
        ip: None,
        request_id: None,
    })
}

/// Why a log-in was refused; the HTTP answer is RFC 6749's.
#[derive(Debug)]
pub enum Refused {
    /// Wrong name, password, secret or token.
    Invalid,
    /// Too many failures before.
    Throttled(u32),
    /// Something broke.
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A successful log-in.
#[derive(Debug)]
pub struct Session {
    /// Access token.
    pub access_token: String,
    /// Refresh token, for users.
    pub refresh_token: Option<String>,
}

/// Log-in with name and password.
pub async fn with_password(
    app: &AppState,
    email: &str,
    password: String,
    ip: Option<std::net::IpAddr>,
) -> Result<Session, Refused> {
    let subjects = subjects("user", email, ip);
    brake(app, &subjects).await?;
    let mut tx = app.db.begin_unscoped().await?;
    let login = credential::user_by_email(&mut tx, email).await?;
    // The slow hash runs without holding a connection.
    tx.commit().await?;
    let usable = login.filter(|login| login.status == UserStatus::Active);
    let right = password::verify(password, usable.as_ref().and_then(|login| login.password_hash.clone())).await?;
    let (true, Some(login)) = (right, usable) else { return Err(fail(app, &subjects).await) };
    let mut tx = app.db.begin_unscoped().await?;
    credential::succeeded(&mut tx, &subjects[0]).await?;
    credential::logged_in(&mut tx, login.id).await?;
    let actor = Actor { ip, ..actor_of(&mut tx, &login).await? };
    tx.act_as(actor.clone());
    tx.audit::<()>("login", "user", login.partner_id, login.id, None, None);
    let family = app.clock.id();
    let refresh_token = keep_refresh_token(app, &mut tx, family, login.id).await?;
    tx.commit().await?;
    Ok(Session { access_token: access_token(app, &actor)?, refresh_token: Some(refresh_token) })
}

/// Log-in with a refresh token, which is replaced by a new one.
pub async fn with_refresh_token(app: &AppState, presented: &str) -> Result<Session, Refused> {
    let hmac = app.secrets.fingerprint(presented.as_bytes());
    let mut tx = app.db.begin_unscoped().await?;
    let (family, user) = match credential::use_refresh_token(&mut tx, &hmac).await? {
        Refreshed::Good { family, user } => (family, user),
        refused => {
            if refused == Refreshed::Reused {
                tracing::warn!("a used refresh token came back: its family was ended");
            }
            tx.commit().await?;
            return Err(Refused::Invalid);
        }
    };
    let login = credential::user_by_id(&mut tx, user).await?.filter(|login| login.status == UserStatus::Active);
    let Some(login) = login else {
        tx.commit().await?;
        return Err(Refused::Invalid);
    };
    let actor = actor_of(&mut tx, &login).await?;
    let refresh_token = keep_refresh_token(app, &mut tx, family, login.id).await?;
    tx.commit().await?;
    Ok(Session { access_token: access_token(app, &actor)?, refresh_token: Some(refresh_token) })
}

/// Log-in of a program.
pub async fn with_client_credentials(
    app: &AppState,
    client_id: &str,
    secret: &str,
    ip: Option<std::net::IpAddr>,
) -> Result<Session, Refused> {
    let subjects = subjects("client", client_id, ip);
    brake(app, &subjects).await?;
    let mut tx = app.db.begin_unscoped().await?;
    let found = credential::client(&mut tx, client_id).await?;
    let right = found.filter(|client| client.enabled && app.secrets.matches(secret.as_bytes(), &client.secret_hmac));
    let Some(client) = right else {
        tx.commit().await?;
        return Err(fail(app, &subjects).await);
    };
    credential::succeeded(&mut tx, &subjects[0]).await?;
    credential::client_used(&mut tx, client.id).await?;
    tx.commit().await?;
    let platform = client.partner_kind == PartnerKind::Platform;
    let actor = Actor {
        kind: ActorKind::ApiClient,
        id: client.id.0,
        name: client.name,
        partner_id: client.partner_id,
        platform,
        permissions: within(client.permissions.into_iter().collect(), platform),
        locations: client.location_ids,
        ip,
        request_id: None,
    };
    Ok(Session { access_token: access_token(app, &actor)?, refresh_token: None })
}

/// The actor of a token that an external issuer gave to the owner of this address.
pub async fn with_email(app: &AppState, email: &str) -> Result<Actor> {
    let mut tx = app.db.begin_unscoped().await?;
    let login = credential::user_by_email(&mut tx, email).await?.filter(|login| login.status != UserStatus::Disabled);
    let login = login.ok_or(Error::Unauthenticated("the token's e-mail address is no user's here".into()))?;
    let actor = actor_of(&mut tx, &login).await?;
    tx.commit().await?;
    Ok(actor)
}

/// Log-out: ends the refresh token and its family. An unknown one is fine (RFC 7009, section 2.2).
pub async fn revoke(app: &AppState, presented: &str) -> Result<()> {
    let hmac = app.secrets.fingerprint(presented.as_bytes());
    let mut tx = app.db.begin_unscoped().await?;
    credential::revoke_refresh_token(&mut tx, &hmac).await?;
    tx.commit().await
}

/// Mails a user the link to choose their first password.
pub async fn invite(app: &AppState, tx: &mut Tx, user: &User) -> Result<()> {
    let ttl = TimeDelta::hours(app.config.auth.invitation_ttl_h.into());
    let email = user.input.email.as_str();
    send_link(app, tx, user.id, user.partner_id, email, "invitation", ttl).await
}

/// Mails the link to choose a new password, if there is such a user; nobody learns whether there is.
pub async fn forgot_password(app: &AppState, email: &str, ip: Option<std::net::IpAddr>) -> Result<(), Refused> {
    // The same brake as for log-ins, on names of their own: nobody floods a mailbox.
    let subjects = subjects("reset", email, ip);
    brake(app, &subjects).await?;
    let mut tx = app.db.begin_unscoped().await?;
    credential::failed(&mut tx, &subjects).await?;
    if let Some(login) = credential::user_by_email(&mut tx, email).await?.filter(|l| l.status == UserStatus::Active) {
        let ttl = TimeDelta::minutes(app.config.auth.password_reset_ttl_min.into());
        send_link(app, &mut tx, login.id, login.partner_id, &login.email, "password_reset", ttl).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Shortest password accepted, in characters (NIST SP 800-63B asks for at least eight).
pub const MIN_PASSWORD: usize = 12;

/// Chooses a password with the token of a mailed link.
pub async fn choose_password(app: &AppState, presented: &str, new: String) -> Result<()> {
    if new.chars().count() < MIN_PASSWORD || new.len() > 1000 {
        return Err(Error::invalid("/password", format!("must have {MIN_PASSWORD} to 1,000 characters")));
    }
    let hash = password::hash(new).await?;
    let hmac = app.secrets.fingerprint(presented.as_bytes());
    let mut tx = app.db.begin_unscoped().await?;
    let user = credential::use_one_time_token(&mut tx, &hmac).await?;
    let user = user.ok_or_else(|| Error::invalid("/token", "is unknown, used or expired"))?;
    credential::set_password(&mut tx, user, hash).await?;
    if let Some(login) = credential::user_by_id(&mut tx, user).await? {
        let actor = actor_of(&mut tx, &login).await?;
        tx.act_as(actor);
        tx.audit::<()>("choose_password", "user", login.partner_id, login.id, None, None);
    }
    tx.commit().await
}

async fn send_link(
    app: &AppState,
    tx: &mut Tx,
    user: UserId,
    partner_id: PartnerId,
    email: &str,
    purpose: &'static str,
    ttl: TimeDelta,
) -> Result<()> {
    let secret = app.secrets.random_token()?;
    let hmac = app.secrets.fingerprint(secret.as_bytes());
    credential::add_one_time_token(tx, user, purpose, hmac, tx.now() + ttl).await?;
    // The link's secret must not be readable in the database: the payload is sealed.
    let mail = json!({ "to": email, "template": purpose, "token": secret });
    let sealed = app.secrets.seal(mail.to_string().as_bytes())?;
    delivery::send(tx, "mail", &user.to_string(), partner_id, json!({ "sealed": hex::encode(sealed) })).await
}

fn access_token(app: &AppState, actor: &Actor) -> Result<String> {
    let ttl = app.config.auth.access_token_ttl_s;
    token::issue(&app.keys.load(), &app.public_url, actor, app.clock.id(), app.now(), ttl)
}

async fn keep_refresh_token(app: &AppState, tx: &mut Tx, family: uuid::Uuid, user: UserId) -> Result<String> {
    let token = app.secrets.random_token()?;
    let expires = app.now() + TimeDelta::seconds(app.config.auth.refresh_token_ttl_s.into());
    credential::add_refresh_token(tx, family, user, app.secrets.fingerprint(token.as_bytes()), expires).await?;
    Ok(token)
}

fn subjects(kind: &str, name: &str, ip: Option<std::net::IpAddr>) -> Vec<String> {
    let name: String = name.to_lowercase().chars().take(254).collect();
    let mut subjects = vec![format!("{kind}:{name}")];
    subjects.extend(ip.map(|ip| format!("{kind}@{ip}")));
    subjects
}

async fn brake(app: &AppState, subjects: &[String]) -> Result<(), Refused> {
    let mut tx = app.db.begin_unscoped().await?;
    let wait = credential::throttled(&mut tx, subjects).await?;
    tx.commit().await?;
    wait.map_or(Ok(()), |seconds| Err(Refused::Throttled(seconds)))
}

async fn fail(app: &AppState, subjects: &[String]) -> Refused {
    let counted = async {
        let mut tx = app.db.begin_unscoped().await?;
        credential::failed(&mut tx, subjects).await?;
        tx.commit().await
    };
    match counted.await {
        Ok(()) => Refused::Invalid,
        Err(error) => Refused::Error(error),
    }
}
