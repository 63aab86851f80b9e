//! `stromtor demo`: an operator with a location, stations, a card and a tariff, and simulated stations that really speak OCPP
//! over WebSocket; one charges.
#![allow(clippy::print_stdout, reason = "the demo says what to look at")]

use std::time::Duration;

use poem_openapi::types::ParseFromJSON;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stromtor_domain::{
    Result,
    actor::{Actor, ActorKind, Permission},
    network::station::{Station, StationBatch},
    patch,
    tenancy::partner::{PartnerId, PartnerInput},
};
use stromtor_ocpp::sim::{Simulator, SimulatorError};
use stromtor_persistence::{
    access::token,
    network::{charge_point, location, station, transfer},
    tariff::{assignment, tariff},
    tenancy::partner::{self, PartnerFilter},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{app::bootstrap, auth, state::App};

/// The card that charges.
const CARD: &str = "04A2B3C4";
/// It charges for twenty seconds, so that there is a CDR to look at soon.
const SHORT: &str = "DEMO-AC-2";
/// The caller's id that the demo's operator is known by.
const MARK: &str = "demo";

/// A value of the API, as a caller would send it.
fn of<T: DeserializeOwned + ParseFromJSON>(value: Value) -> Result<T> {
    patch::parse(value)
}

/// Makes the data unless it is there, starts the simulated stations, and says what to look at.
pub async fn start(app: &App, tasks: &TaskTracker) -> Result<()> {
    let platform = bootstrap::platform(app).await?;
    let operator = match operator(app, platform).await? {
        Some(known) => known,
        None => create(app, platform).await?,
    };
    let stations = stations(app, operator).await?;
    for (place, (station, password)) in stations.into_iter().enumerate() {
        let url = format!("ws://{}", app.config.ocpp.listen);
        let simulated =
            Simulated { app: app.clone(), url, identity: station.input.ocpp_identity.to_string(), password };
        tasks.spawn(simulated.run(place == 0));
    }
    let token = access_token(app, operator)?;
    let url = &app.public_url;
    println!(
        "\nStromtor runs with demo data.\n\n  API page   {url}/docs\n  Stations   ws://{ocpp}/<identity>\n\n\
         What the operator's stations do, and what was charged (the first CDR comes after a minute):\n\n  \
         export TOKEN={token}\n  \
         curl -s -H \"authorization: Bearer $TOKEN\" {url}/v1/sessions\n  \
         curl -s -H \"authorization: Bearer $TOKEN\" {url}/v1/cdrs\n  \
         curl -s -H \"authorization: Bearer $TOKEN\" '{url}/v1/ocpp-messages?limit=5'\n  \
         curl -sN -H \"authorization: Bearer $TOKEN\" {url}/v1/events/stream\n",
        ocpp = app.config.ocpp.listen,
    );
    Ok(())
}

async fn operator(app: &App, platform: PartnerId) -> Result<Option<PartnerId>> {
    let mut tx = app.begin(&Actor::system(platform), Permission::PartnerRead).await?;
    let filter = PartnerFilter { external_id: Some(MARK.into()), ..PartnerFilter::default() };
    let found = partner::list(&mut tx, &filter, &Default::default()).await?;
    tx.commit().await?;
    Ok(found.items.first().map(|partner| partner.id))
}

async fn create(app: &App, platform: PartnerId) -> Result<PartnerId> {
    let mut tx = app.begin(&Actor::system(platform), Permission::StationWrite).await?;
    let operator: PartnerInput = of(json!({ "name": "Nordstrom Laden", "kind": "cpo", "external_id": MARK }))?;
    let operator = partner::create(&mut tx, platform, operator).await?.id;
    let site = json!({
        "name": "Parkhaus Mitte", "time_zone": "Europe/Berlin", "hotline": "+49301234567",
        "address": { "street": "Hauptstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE" },
        "coordinates": { "latitude": 52.52, "longitude": 13.405 },
    });
    let site = location::create(&mut tx, operator, of(site)?).await?;
    let connector = |number: i32, dc: bool| {
        let (standard, format, power, volts, amps) = if dc {
            ("iec_62196_t2_combo", "cable", "dc", 920, 200)
        } else {
            ("iec_62196_t2", "socket", "ac_3_phase", 400, 32)
        };
        json!({ "ocpp_connector_id": number, "standard": standard, "format": format, "power_type": power,
            "max_voltage_v": volts, "max_current_a": amps })
    };
    let mut stations = Vec::new();
    for (identity, dc) in [("DEMO-AC-1", false), ("DEMO-AC-2", false), ("DEMO-DC-1", true)] {
        let current = if dc { "dc" } else { "ac" };
        let points: Vec<Value> = (1..=2)
            .map(|number| {
                let point = json!({ "code": format!("{identity}-{number}"), "evse_number": number, "current_type": current,
                    "max_power_kw": if dc { "150" } else { "22" } });
                json!({ "charge_point": point, "connectors": [connector(number, dc)] })
            })
            .collect();
        let station =
            json!({ "location_id": site.id, "ocpp_identity": identity, "installation_status": "commissioned" });
        stations.push(json!({ "station": station, "charge_points": points }));
    }
    let batch: StationBatch = of(json!({ "stations": stations }))?;
    let stations = transfer::create_batch(&mut tx, batch).await?;
    let card = json!({ "kind": "rfid", "uid": CARD, "label": "Demo card", "status": "active" });
    token::create(&mut tx, operator, of(card)?).await?;
    let prices = json!({ "name": "Standard", "code": "STD", "currency": "EUR",
        "ac": { "per_kwh": "0.4900", "per_minute": "0.0200", "from_minute": 240 },
        "dc": { "per_kwh": "0.6900", "per_minute": "0.1000", "from_minute": 60 } });
    let prices = tariff::create(&mut tx, operator, of(prices)?).await?;
    for station in &stations {
        let filter = charge_point::ChargePointFilter { station_id: Some(station.id), ..Default::default() };
        for point in charge_point::list(&mut tx, &filter, &Default::default()).await?.items {
            let input = of(json!({ "charge_point_id": point.id, "tariff_id": prices.id }))?;
            assignment::create(&mut tx, input).await?;
        }
    }
    tx.commit().await?;
    Ok(operator)
}

/// The operator's stations, each with a new password.
async fn stations(app: &App, operator: PartnerId) -> Result<Vec<(Station, String)>> {
    let mut tx = app.begin(&Actor::system(operator), Permission::StationWrite).await?;
    let filter = station::StationFilter { partner_id: Some(operator), ..Default::default() };
    let mut stations = Vec::new();
    for found in station::list(&mut tx, &filter, &Default::default()).await?.items {
        if found.dismantled_at.is_none() && found.input.ocpp_identity.as_str().starts_with("DEMO-") {
            let password = app.secrets.random_station_key()?;
            let hmac = app.secrets.fingerprint(password.as_bytes());
            stations.push((station::set_password(&mut tx, found.id, hmac).await?, password));
        }
    }
    tx.commit().await?;
    Ok(stations)
}

/// A day's token of the operator that may do everything.
fn access_token(app: &App, operator: PartnerId) -> Result<String> {
    let actor = Actor {
        kind: ActorKind::ApiClient,
        id: Uuid::from_u128(0xDE_D0),
        name: "demo".into(),
        platform: false,
        ..Actor::system(operator)
    };
    auth::token::issue(&app.keys.load(), &app.public_url, &actor, app.clock.id(), app.now(), 86_400)
}

/// A simulated station.
struct Simulated {
    app: App,
    url: String,
    identity: String,
    password: String,
}

impl Simulated {
    /// Connects, and connects again, until the process stops.
    async fn run(self, charges: bool) {
        while !self.app.cancel.is_cancelled() {
            let life = self.live(charges);
            tokio::select! {
                () = self.app.cancel.cancelled() => return,
                lived = life => if let Err(error) = lived {
                    tracing::debug!(identity = self.identity, %error, "a simulated station lost its connection");
                },
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn live(&self, charges: bool) -> Result<(), SimulatorError> {
        let station = Simulator::connect(&self.url, &self.identity, &self.password).await?;
        station.boot("Stromtor", "Simulator", 2).await?;
        let mut register = 1_000_000_i64;
        if self.identity == SHORT {
            register = self.charge(&station, 1, CARD, register, 2).await?;
        }
        loop {
            // The one that charges begins by itself; the others wait for a remote start.
            let (connector, tag) = if charges { (1, CARD.to_owned()) } else { self.wait_for_start(&station).await? };
            register = self.charge(&station, connector, &tag, register, 30).await?;
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
    }

    async fn wait_for_start(&self, station: &Simulator) -> Result<(i64, String), SimulatorError> {
        let mut calls = station.calls.lock().await;
        loop {
            let (action, payload) = calls.recv().await.ok_or(SimulatorError::NoAnswer)?;
            if action == "RemoteStartTransaction" {
                let tag = payload["idTag"].as_str().unwrap_or(CARD).to_owned();
                return Ok((payload["connectorId"].as_i64().unwrap_or(1), tag));
            }
        }
    }

    /// Charges at 11 kW for so many readings ten seconds apart, or until it is told to stop; returns the register.
    async fn charge(
        &self,
        station: &Simulator,
        connector: i64,
        tag: &str,
        mut register: i64,
        readings: u32,
    ) -> Result<i64, SimulatorError> {
        let number = connector as i32;
        station.status(number, "Preparing").await?;
        let begin = json!({ "connectorId": connector, "idTag": tag, "meterStart": register, "timestamp": self.app.now().to_ocpp() });
        let started = station.call("StartTransaction", begin).await?;
        let transaction = &started["transactionId"];
        let mut reason = "EVDisconnected";
        if started["idTagInfo"]["status"] == "Accepted" {
            station.status(number, "Charging").await?;
            for _ in 0..readings {
                if self.told_to_stop(station).await {
                    reason = "Remote";
                    break;
                }
                register += 11_000 * 10 / 3600;
                let sampled = json!([
                    { "value": register.to_string() },
                    { "value": "11000", "measurand": "Power.Active.Import", "unit": "W" },
                ]);
                let values = json!({ "connectorId": connector, "transactionId": transaction,
                    "meterValue": [{ "timestamp": self.app.now().to_ocpp(), "sampledValue": sampled }] });
                station.call("MeterValues", values).await?;
            }
        } else {
            reason = "DeAuthorized";
        }
        let stop = json!({ "transactionId": transaction, "idTag": tag, "meterStop": register,
            "timestamp": self.app.now().to_ocpp(), "reason": reason });
        station.call("StopTransaction", stop).await?;
        station.status(number, "Available").await?;
        Ok(register)
    }

    /// Whether a remote stop comes within ten seconds.
    async fn told_to_stop(&self, station: &Simulator) -> bool {
        let mut calls = station.calls.lock().await;
        let stop = async {
            while let Some((action, _)) = calls.recv().await {
                if action == "RemoteStopTransaction" {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(Duration::from_secs(10), stop).await.unwrap_or(false)
    }
}
