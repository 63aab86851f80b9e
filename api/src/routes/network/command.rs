//! Commands to stations over REST.

use std::time::Duration;

use poem::Request;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use stromtor_domain::{
    Error,
    actor::{Actor, Permission},
    command::{Command, CommandId, CommandInput, CommandState, OcppCall},
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::command::{self, CommandFilter};

use crate::{
    app::command::{Order, await_end, give},
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations on commands.
pub struct CommandApi(pub App);

/// A command that was given.
#[derive(ApiResponse)]
pub(crate) enum Given {
    /// The command is on its way, or with `Prefer: wait` has ended.
    #[oai(status = 202)]
    Accepted(
        Json<Command>,
        /// Where to see what becomes of it.
        #[oai(header = "Location")]
        String,
    ),
}

impl Given {
    /// It is on its way.
    pub(crate) fn now(given: Command) -> Self {
        let path = format!("/v1/commands/{}", given.id);
        Self::Accepted(Json(given), path)
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Commands")]
impl CommandApi {
    /// Give a command
    ///
    /// Start, stop, unlock, reset and so on. It waits for the station to connect and for earlier commands to end; what
    /// became of it stands at `/v1/commands/{id}`. Where commands are sold, refused with `product_needed` without a product that
    /// enables `remote_control`.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/commands", method = "post", operation_id = "command_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// `wait=N` (RFC 7240): answer when the command has ended, at the latest after N seconds, 1 to 60.
        #[oai(name = "Prefer")]
        prefer: Header<Option<String>>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<CommandInput>,
    ) -> Answer<Given> {
        self.give(&actor, station_id.0, Order::Typed(input), prefer.0, expires_in_s.0).await
    }

    /// Send any OCPP call
    ///
    /// For technicians: the payload goes over the wire as it is. Secrets in it are masked in log, audit and command.
    ///
    /// Permission: `ocpp_call:execute`
    #[oai(path = "/stations/:station_id/ocpp-calls", method = "post", operation_id = "ocpp_call_create")]
    async fn call(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// `wait=N` (RFC 7240): answer when the command has ended, at the latest after N seconds, 1 to 60.
        #[oai(name = "Prefer")]
        prefer: Header<Option<String>>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(call): Body<OcppCall>,
    ) -> Answer<Given> {
        self.give(&actor, station_id.0, Order::Call(call), prefer.0, expires_in_s.0).await
    }

    /// List commands
    ///
    /// Every command in your scope, newest first.
    ///
    /// Permission: `command:read`
    #[oai(path = "/commands", method = "get", operation_id = "command_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// This far.
        state: Query<Option<CommandState>>,
        /// Of this type, for example `reset`; `ocpp_call` for any call.
        kind: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Command>> {
        let filter = CommandFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            state: state.0,
            kind: kind.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::CommandRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Read a command
    ///
    /// Permission: `command:read`
    #[oai(path = "/commands/:command_id", method = "get", operation_id = "command_get")]
    async fn get(&self, Auth(actor): Auth, command_id: Path<CommandId>) -> Answer<Found<Command>> {
        let mut tx = self.0.begin(&actor, Permission::CommandRead).await?;
        let found = command::get(&mut tx, command_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}

impl CommandApi {
    async fn give(
        &self,
        actor: &Actor,
        station_id: StationId,
        order: Order,
        prefer: Option<String>,
        expires_in_s: Option<u32>,
    ) -> Answer<Given> {
        let wait = wait(prefer.as_deref())?;
        let given = give(&self.0, actor, station_id, order, expires_in_s).await?;
        let current = await_end(&self.0, actor, given, wait).await?;
        Ok(Given::now(current))
    }
}

/// Seconds of `Prefer: wait=N`; other preferences are none of ours.
fn wait(prefer: Option<&str>) -> Result<Duration, Error> {
    let preferences = prefer.unwrap_or_default().split([',', ';']);
    let Some(seconds) = preferences.filter_map(|one| one.trim().strip_prefix("wait=")).next() else {
        return Ok(Duration::ZERO);
    };
    match seconds.trim_matches('"').parse() {
        Ok(seconds @ 1..=60) => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::invalid("Prefer", "wait must be 1 to 60 seconds")),
    }
}
