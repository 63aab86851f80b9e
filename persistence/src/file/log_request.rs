//! Logs that stations are asked to upload.

use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    event::Event,
    file::log_request::{LogKind, LogRequest, LogRequestId, LogRequestInput, LogRequestState},
    network::{
        location::LocationId,
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::log_request;

use crate::{command, file::transfer, resource::prelude::*};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct LogRequestFilter {
    /// To this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// To stations at this location.
    pub location_id: Option<LocationId>,
    /// To this station.
    pub station_id: Option<StationId>,
    /// This far.
    pub state: Option<LogRequestState>,
    /// For this log.
    pub kind: Option<LogKind>,
}

listing!(LogRequestFilter => LogRequest);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &LogRequestFilter, page: &PageRequest) -> Result<Page<LogRequest>> {
    let limit = page.limit()?;
    let mut query = log_request::table.select(LogRequest::as_select()).order(log_request::id.desc()).into_boxed();
    if let Some(after) = page.after::<LogRequestId>()? {
        query = query.filter(log_request::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(log_request::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(log_request::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(log_request::station_id.eq(station_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(log_request::state.eq(state));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(log_request::kind.eq(kind));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &LogRequest| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: LogRequestId) -> Result<LogRequest> {
    log_request::table
        .filter(log_request::id.eq(id))
        .select(LogRequest::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("log request"))
}

/// Notes that a station was asked.
pub async fn create(
    tx: &mut Tx,
    station: &Station,
    ocpp_request_id: i32,
    command_id: CommandId,
    input: &LogRequestInput,
) -> Result<LogRequest> {
    let (id, now): (LogRequestId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let created: LogRequest = diesel::insert_into(log_request::table)
        .values((
            log_request::id.eq(id),
            log_request::partner_id.eq(station.partner_id),
            log_request::location_id.eq(station.input.location_id),
            log_request::station_id.eq(station.id),
            log_request::ocpp_request_id.eq(ocpp_request_id),
            log_request::kind.eq(input.kind),
            log_request::from_at.eq(input.from),
            log_request::to_at.eq(input.to),
            log_request::retries.eq(input.retries),
            log_request::retry_interval_s.eq(input.retry_interval_s),
            log_request::upload_url.eq(input.upload_url.as_ref().map(|url| url.without_password())),
            log_request::state.eq(LogRequestState::Requested),
            log_request::command_id.eq(command_id),
            log_request::created_by.eq(created_by),
            log_request::created_at.eq(now),
            log_request::updated_at.eq(now),
        ))
        .returning(LogRequest::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "log request", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    Ok(created)
}

fn note(tx: &mut Tx, request: &LogRequest) {
    tx.emit(Event {
        kind: EventType::LogRequestChanged,
        partner_id: request.partner_id.0,
        station_id: Some(request.station_id.0),
        location_id: Some(request.location_id.0),
        resource_id: request.id.0,
        data: serde_json::json!({ "state": request.state, "detail": request.detail, "file_id": request.file_id }),
    });
}

/// Writes what changed of a locked request.
pub(crate) async fn save(tx: &mut Tx, request: LogRequest) -> Result<LogRequest> {
    let now = tx.now();
    let saved: LogRequest = diesel::update(log_request::table.filter(log_request::id.eq(request.id)))
        .set((
            log_request::state.eq(request.state),
            log_request::detail.eq(request.detail),
            log_request::file_name.eq(request.file_name),
            log_request::file_id.eq(request.file_id),
            log_request::updated_at.eq(now),
        ))
        .returning(LogRequest::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, &saved);
    Ok(saved)
}

/// One of them, locked for a change.
pub(crate) async fn lock(tx: &mut Tx, id: LogRequestId) -> Result<LogRequest> {
    log_request::table
        .filter(log_request::id.eq(id))
        .select(LogRequest::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("log request"))
}

/// Withdraws a request. OCPP has no message for it: a command that still waits is not sent, and what was sent is refused
/// when it is uploaded.
pub async fn cancel(tx: &mut Tx, id: LogRequestId) -> Result<LogRequest> {
    // Locked in the order in which answers and uploads lock them: command, right, request.
    if let Some(command_id) = get(tx, id).await?.command_id {
        command::withdraw(tx, command_id).await?;
    }
    transfer::revoke_upload(tx, id).await?;
    let mut request = lock(tx, id).await?;
    if !request.state.is_open() {
        return Err(Error::conflict("log_request_ended", "the request has ended already"));
    }
    let before = request.clone();
    request.state = LogRequestState::Cancelled;
    let after = save(tx, request).await?;
    tx.audit("cancel", "log request", after.partner_id, id, Some(&before), Some(&after));
    Ok(after)
}

/// What the station answered to the call, or that it was not reached.
pub async fn answered(tx: &mut Tx, ended: &Command) -> Result<()> {
    let asked = log_request::table
        .filter(log_request::command_id.assume_not_null().eq(ended.id))
        .select(LogRequest::as_select())
        .for_update();
    let Some(mut request): Option<LogRequest> = asked.first(&mut **tx).await.optional().map_err(from_diesel)? else {
        return Ok(());
    };
    let answer = |name: &str| ended.response.as_ref().and_then(|response| response[name].as_str());
    // GetDiagnostics.conf and GetLog.conf spell it differently.
    request.file_name = answer("fileName").or(answer("filename")).map(|name| name.chars().take(255).collect());
    let (state, detail) = match (ended.state, answer("status")) {
        (CommandState::Accepted | CommandState::Rejected, Some(word @ ("Accepted" | "AcceptedCanceled"))) => {
            (LogRequestState::Accepted, Some(word.to_owned()))
        }
        // OCPP 1.6 section 6.26: without a name there is nothing to upload.
        (CommandState::Accepted, None) if ended.action == "GetDiagnostics" && request.file_name.is_none() => {
            (LogRequestState::NothingToUpload, None)
        }
        (CommandState::Accepted, word) => (LogRequestState::Accepted, word.map(str::to_owned)),
        (CommandState::Rejected, word) => (LogRequestState::Rejected, word.map(str::to_owned)),
        _ => (LogRequestState::Failed, ended.error.clone()),
    };
    // The station's first status message may have overtaken its answer.
    if request.state == LogRequestState::Requested {
        (request.state, request.detail) = (state, detail);
    }
    let (station_id, id, kind) = (request.station_id, request.id, request.kind);
    save(tx, request).await?;
    if answer("status") == Some("AcceptedCanceled") {
        replace_older(tx, station_id, id, kind).await?;
    }
    Ok(())
}

/// The station gave up older requests for this one (OCPP 2.0.1 N01.FR.12).
async fn replace_older(tx: &mut Tx, station_id: StationId, newest: LogRequestId, kind: LogKind) -> Result<()> {
    let older: Vec<LogRequest> = log_request::table
        .filter(
            log_request::station_id
                .eq(station_id)
                .and(log_request::kind.eq(kind))
                .and(log_request::id.lt(newest))
                .and(log_request::state.eq_any(LogRequestState::OPEN)),
        )
        .select(LogRequest::as_select())
        .for_update()
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for mut request in older {
        request.state = LogRequestState::Cancelled;
        save(tx, request).await?;
    }
    Ok(())
}

/// The request a status message is about, locked: by its number, or the newest that is open, or else the newest of the
/// last day.
async fn meant(
    tx: &mut Tx,
    station_id: StationId,
    request_id: Option<i32>,
    kind: Option<LogKind>,
) -> Result<Option<LogRequest>> {
    let recent = tx.now() - chrono::TimeDelta::days(1);
    let mut query = log_request::table
        .filter(log_request::station_id.eq(station_id))
        .select(LogRequest::as_select())
        .order((log_request::state.eq_any(LogRequestState::OPEN).desc(), log_request::id.desc()))
        .limit(1)
        .into_boxed();
    match request_id {
        Some(number) => query = query.filter(log_request::ocpp_request_id.eq(number)),
        None => query = query.filter(log_request::updated_at.gt(recent)),
    }
    if let Some(kind) = kind {
        query = query.filter(log_request::kind.eq(kind));
    }
    let found: Option<LogRequest> = query.first(&mut **tx).await.optional().map_err(from_diesel)?;
    match found {
        Some(found) => lock(tx, found.id).await.map(Some),
        None => Ok(None),
    }
}

/// A station's word about an upload.
pub async fn progress(
    tx: &mut Tx,
    station_id: StationId,
    request_id: Option<i32>,
    kind: Option<LogKind>,
    word: &str,
) -> Result<()> {
    // Only says that nothing is going on; the answer to a trigger.
    if word == "Idle" {
        return Ok(());
    }
    let Some(mut request) = meant(tx, station_id, request_id, kind).await? else { return Ok(()) };
    request.state = request.state.after(word);
    request.detail = Some(word.to_owned());
    save(tx, request).await.map(drop)
}

/// Deletes requests whose state last changed before `before`, with what was uploaded for them, up to `limit`; how many.
pub async fn sweep(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<LogRequestId> = log_request::table
        .filter(log_request::updated_at.lt(before))
        .order(log_request::updated_at)
        .limit(limit)
        .select(log_request::id)
        .for_update()
        .skip_locked()
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    super::station_file::delete_of(tx, &old).await?;
    diesel::delete(log_request::table.filter(log_request::id.eq_any(&old)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(old.len())
}
