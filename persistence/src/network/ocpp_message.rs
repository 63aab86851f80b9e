//! Reads the OCPP message log; `ingest` writes it.

use stromtor_domain::{
    network::{
        location::LocationId,
        ocpp_message::{Direction, MessageKind, OcppMessage, OcppMessageId},
        station::StationId,
    },
    product::product::Feature,
};
use stromtor_schema::schema::ocpp_message;

use crate::{product::needs, resource::prelude::*};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct OcppMessageFilter {
    /// Of this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// Of the stations at this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// With this action.
    pub action: Option<String>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// Of this kind.
    pub kind: Option<MessageKind>,
    /// With this message id.
    pub message_id: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(OcppMessageFilter => OcppMessage);

/// The log is a feature: refused of a station that lacks it, and of many stations these are left out.
pub async fn hidden(tx: &mut Tx, filter: &OcppMessageFilter) -> Result<Vec<StationId>> {
    match filter.station_id {
        Some(station_id) => needs::require(tx, &[station_id], Feature::Monitoring).await.map(|()| Vec::new()),
        None => needs::lacking(tx, filter.partner_id, filter.location_id, Feature::Monitoring).await,
    }
}

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &OcppMessageFilter, page: &PageRequest) -> Result<Page<OcppMessage>> {
    let limit = page.limit()?;
    let hidden = hidden(tx, filter).await?;
    let mut query = ocpp_message::table
        .select(OcppMessage::as_select())
        .order((ocpp_message::at.desc(), ocpp_message::id.desc()))
        .into_boxed();
    if let Some((at, id)) = page.after::<(Timestamp, OcppMessageId)>()? {
        query = query.filter(ocpp_message::at.lt(at).or(ocpp_message::at.eq(at).and(ocpp_message::id.lt(id))));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(ocpp_message::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(ocpp_message::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(ocpp_message::station_id.eq(station_id));
    }
    if let Some(action) = &filter.action {
        query = query.filter(ocpp_message::action.assume_not_null().eq(action));
    }
    if let Some(direction) = filter.direction {
        query = query.filter(ocpp_message::direction.eq(direction));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(ocpp_message::kind.eq(kind));
    }
    if let Some(message_id) = &filter.message_id {
        query = query.filter(ocpp_message::message_id.assume_not_null().eq(message_id));
    }
    if let Some(from) = filter.from {
        query = query.filter(ocpp_message::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(ocpp_message::at.lt(to));
    }
    if !hidden.is_empty() {
        query = query.filter(ocpp_message::station_id.ne_all(hidden));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &OcppMessage| (row.at, row.id)))
}

/// What came since `since`, oldest first, at most `limit`: for a live reader, which asks for some seconds more than it has
/// seen, since messages are written in batches.
pub async fn since(tx: &mut Tx, filter: &OcppMessageFilter, since: Timestamp, limit: i64) -> Result<Vec<OcppMessage>> {
    let hidden = hidden(tx, filter).await?;
    let mut query = ocpp_message::table
        .filter(ocpp_message::at.ge(since))
        .select(OcppMessage::as_select())
        .order((ocpp_message::at, ocpp_message::id))
        .limit(limit)
        .into_boxed();
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(ocpp_message::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(ocpp_message::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(ocpp_message::station_id.eq(station_id));
    }
    if !hidden.is_empty() {
        query = query.filter(ocpp_message::station_id.ne_all(hidden));
    }
    query.load(&mut **tx).await.map_err(from_diesel)
}
