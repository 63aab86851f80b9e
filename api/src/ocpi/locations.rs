//! Locations that peers fetch (OCPI 2.2.1 chapter 8, sender).

use serde::Serialize;
use stromtor_domain::network::location::LocationId;
use stromtor_ocpi::{
    envelope::StatusCode,
    v221::{translate::locations, wire::locations::Location},
    values::CiString,
};
use stromtor_persistence::roaming::place;

use super::door::{Asked, Refusal, Reply};
use crate::state::App;

pub async fn call(app: &App, asked: &Asked, path: &[&str]) -> Result<Reply, Refusal> {
    asked.registered()?;
    asked.get()?;
    match path {
        [] => list(app, asked).await,
        [id] => Reply::of(find(app, asked, id).await?, app.now()),
        [id, uid] => {
            let location = find(app, asked, id).await?;
            part(app, location.evses, |evse| &evse.uid, uid)
        }
        [id, uid, connector] => {
            let location = find(app, asked, id).await?;
            let evse = location.evses.into_iter().find(|evse| evse.uid.is(uid)).ok_or_else(unknown)?;
            part(app, evse.connectors, |plug| &plug.id, connector)
        }
        _ => Err(unknown()),
    }
}

fn unknown() -> Refusal {
    Refusal { code: StatusCode::UNKNOWN_LOCATION, ..Refusal::not_found("there is no such location, EVSE or connector") }
}

fn part<T: Serialize>(app: &App, parts: Vec<T>, id: fn(&T) -> &CiString<36>, wanted: &str) -> Result<Reply, Refusal> {
    Reply::of(parts.into_iter().find(|part| id(part).is(wanted)).ok_or_else(unknown)?, app.now())
}

async fn list(app: &App, asked: &Asked) -> Result<Reply, Refusal> {
    let mut tx = app.db.begin_worker().await?;
    let (places, total) = place::page(&mut tx, asked.peer.partner_id, asked.window()?).await?;
    tx.commit().await?;
    Reply::page(places.iter().map(locations::location).collect(), total, asked, app)
}

async fn find(app: &App, asked: &Asked, id: &str) -> Result<Location, Refusal> {
    let id: LocationId = id.parse().map_err(|_| unknown())?;
    let mut tx = app.db.begin_worker().await?;
    let places = place::of(&mut tx, asked.peer.partner_id, &[id]).await?;
    tx.commit().await?;
    places.first().map(locations::location).ok_or_else(unknown)
}
