//! Stations' parameters over REST: configuration keys of OCPP 1.6 and variables of OCPP 2.x alike.

use poem::Request;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use stromtor_domain::{
    actor::Permission,
    command::{
        Command, CommandInput,
        probe::{MeasurandProbe, ProbeStep},
        station::GetParameters,
    },
    network::{parameter::ParameterChange, station::StationId, station_parameter::StationParameter},
    page::PageRequest,
};
use stromtor_persistence::network::{parameter::ParameterFilter, station};

use crate::{
    app::{
        again,
        command::{expiry, target, typed},
        parameter,
    },
    auth::Auth,
    list::{List, Listed, list},
    problem::Answer,
    respond::Body,
    routes::Tag,
    state::App,
};

/// Operations on stations' parameters.
pub struct ParameterApi(pub App);

/// Commands that were given.
#[derive(ApiResponse)]
pub enum GivenMany {
    /// The commands are on their way; each ends by itself.
    #[oai(status = 202)]
    Accepted(Json<List<Command>>),
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Parameters")]
impl ParameterApi {
    /// List a station's parameters
    ///
    /// As the station last reported them, by name. Secrets are masked.
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/parameters", method = "get", operation_id = "parameter_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Whose name holds this text, whatever its case.
        search: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationParameter>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        station::get(&mut tx, station_id.0).await?;
        tx.commit().await?;
        let filter = ParameterFilter { station_id: station_id.0, search: search.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// Read all parameters anew
    ///
    /// Asks the station for everything: GetConfiguration, or a full base report (OCPP 2.x).
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/parameters/refresh", method = "post", operation_id = "parameter_refresh")]
    async fn refresh(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
    ) -> Answer<GivenMany> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        let to = target(&mut tx, station_id.0).await?;
        let ask = CommandInput::GetParameters(GetParameters { names: Vec::new() });
        let given = typed(&self.0, &mut tx, to, &ask, expiry(expires_in_s.0)?).await?;
        tx.commit().await?;
        self.0.commands_due.notify_one();
        Ok(GivenMany::Accepted(Json(List { items: vec![given], next_cursor: None })))
    }

    /// Set parameters
    ///
    /// A command for each (OCPP 1.6), or one for all, sent in as many parts as the station asks for (OCPP 2.x). What it took is
    /// seen at its parameters, with whether it must restart first. What the station said is read-only, and values outside of
    /// what it said of a parameter, are refused.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/parameters", method = "post", operation_id = "parameter_set")]
    async fn set(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the commands may wait for their station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<ParameterChange>,
    ) -> Answer<GivenMany> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        input.parameters.check("/parameters")?;
        let to = target(&mut tx, station_id.0).await?;
        let items = parameter::set(&self.0, &mut tx, to, &input.parameters, expiry(expires_in_s.0)?).await?;
        tx.commit().await?;
        self.0.commands_due.notify_one();
        Ok(GivenMany::Accepted(Json(List { items, next_cursor: None })))
    }

    /// Build a list of measurands up
    ///
    /// Measurand by measurand, for stations that refuse a whole list for one that they do not know: each that is taken stays, each
    /// that is refused is left out. Every try is a command of kind `probe_measurands`, the next given when the last was answered; the
    /// first is returned. What the station took in the end is seen at its parameters. With the tolerance `probe_measurands` the same
    /// follows by itself when a list is refused.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/parameters/probe", method = "post", operation_id = "parameter_probe")]
    async fn probe(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the first command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<MeasurandProbe>,
    ) -> Answer<GivenMany> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        input.check()?;
        let to = target(&mut tx, station_id.0).await?;
        let step = ProbeStep { name: input.name, taken: Vec::new(), rest: input.measurands };
        let given = again::probe(&self.0, &mut tx, to, &step, expiry(expires_in_s.0)?).await?;
        tx.commit().await?;
        self.0.commands_due.notify_one();
        Ok(GivenMany::Accepted(Json(List { items: vec![given], next_cursor: None })))
    }
}
