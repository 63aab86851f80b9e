//! Tokens that a peer tells us of (OCPI 2.2.1 chapter 12, receiver).

use poem::http::Method;
use serde_json::Value;
use stromtor_ocpi::{
    envelope::StatusCode,
    header::Party,
    v221::{
        merge::merge,
        wire::tokens::{Token, TokenType},
    },
    values::{CiString, DateTime},
};
use stromtor_persistence::roaming::ocpi_token::{self, Taken, TokenKey, TokenTold};

use super::door::{Asked, Refusal, Reply};
use crate::state::App;

pub async fn call(app: &App, asked: &Asked, country: &str, party: &str, uid: &str) -> Result<Reply, Refusal> {
    asked.registered()?;
    let party = Party::new(country, party).ok_or_else(|| Refusal::not_found("there is no such party"))?;
    let uid = CiString::<36>::parse(uid).map_err(|why| Refusal::invalid(format!("token_uid {why}")))?;
    let key = TokenKey {
        country_code: party.country_code,
        party_id: party.party_id,
        uid: uid.as_str().to_owned(),
        kind: kind(&asked.query)?.as_str().to_owned(),
    };
    match asked.method {
        Method::GET => {
            let (token, _) = find(app, asked, &key).await?;
            Reply::of(token, app.now())
        }
        Method::PUT => put(app, asked, key, asked.read()?).await,
        Method::PATCH => {
            let patch: serde_json::Map<String, Value> = asked.read()?;
            let (current, last_updated) = find(app, asked, &key).await?;
            let merged = merge(&current, last_updated, &patch).map_err(|error| Refusal::invalid(error.to_string()))?;
            match merged {
                Some(token) => put(app, asked, key, token).await,
                // Older than what is there: taken note of, and left.
                None => Reply::done(app.now(), false),
            }
        }
        _ => Err(Refusal::method_not_allowed("GET, PUT and PATCH are possible here")),
    }
}

/// The type in the query; RFID when there is none.
fn kind(query: &str) -> Result<TokenType, Refusal> {
    let Some(kind) = query.split('&').find_map(|part| part.strip_prefix("type=")) else { return Ok(TokenType::Rfid) };
    let known = TokenType::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(kind));
    known.ok_or_else(|| Refusal::invalid("type is not a type of tokens"))
}

async fn find(app: &App, asked: &Asked, key: &TokenKey) -> Result<(Token, DateTime), Refusal> {
    let mut tx = app.db.begin_worker().await?;
    let found = ocpi_token::get(&mut tx, asked.peer.id, key).await?;
    tx.commit().await?;
    let unknown = || Refusal { code: StatusCode::UNKNOWN_TOKEN, ..Refusal::not_found("there is no such token") };
    let (object, last_updated) = found.ok_or_else(unknown)?;
    let token = serde_json::from_value(object).map_err(stromtor_domain::Error::internal)?;
    Ok((token, DateTime(last_updated)))
}

async fn put(app: &App, asked: &Asked, key: TokenKey, token: Token) -> Result<Reply, Refusal> {
    let same = token.uid.is(&key.uid)
        && token.kind.as_str() == key.kind
        && token.country_code.is(&key.country_code)
        && token.party_id.is(&key.party_id);
    if !same {
        return Err(Refusal::invalid("country_code, party_id, uid and type must be those of the address"));
    }
    let told = TokenTold {
        key,
        whitelist: token.whitelist.as_str().to_owned(),
        valid: token.valid,
        group_id: token.group_id.as_ref().map(|group| group.as_str().to_owned()),
        visual_number: token.visual_number.as_ref().map(|number| number.as_str().to_owned()),
        last_updated: token.last_updated.0,
        object: serde_json::to_value(&token).map_err(stromtor_domain::Error::internal)?,
    };
    let mut tx = app.db.begin_worker().await?;
    let taken = ocpi_token::put(&mut tx, &asked.peer, told).await?;
    tx.commit().await?;
    match taken {
        Taken::NotTheirs => Err(Refusal::invalid("you do not speak for this party")),
        taken => Reply::done(app.now(), taken == Taken::Created),
    }
}
