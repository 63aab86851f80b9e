//! A simulated charging station: really speaks OCPP 1.6-J over a WebSocket. For the demo and the load bench.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc, oneshot},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error as WsError, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::{
    frame::{ErrorCode, Frame},
    version::Version,
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Result<Value, String>>>>>;

/// A connected simulated station.
#[derive(Debug)]
pub struct Simulator {
    sink: Arc<Mutex<SplitSink<Socket, Message>>>,
    waiting: Waiting,
    counter: std::sync::atomic::AtomicU64,
    /// Calls that the central system made, answered already: action and payload.
    pub calls: Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    reader: tokio::task::JoinHandle<()>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// No connection.
    #[error(transparent)]
    Socket(#[from] Box<WsError>),
    /// The central system answered with an error.
    #[error("CALLERROR {0}")]
    CallError(String),
    /// No answer in 60 seconds, or the connection is gone.
    #[error("no answer")]
    NoAnswer,
}

impl Simulator {
    /// Connects to `url`/`identity` with Basic authentication.
    pub async fn connect(url: &str, identity: &str, password: &str) -> Result<Self, SimulatorError> {
        Self::connect_as(url, identity, password, Version::V16).await
    }

    /// The same in another version: the frames are alike, what is in them is the caller's.
    pub async fn connect_as(
        url: &str,
        identity: &str,
        password: &str,
        version: Version,
    ) -> Result<Self, SimulatorError> {
        let mut request = format!("{url}/{identity}").into_client_request().map_err(Box::new)?;
        let basic = format!("Basic {}", STANDARD.encode(format!("{identity}:{password}")));
        if let Ok(value) = HeaderValue::from_str(&basic) {
            request.headers_mut().insert("authorization", value);
        }
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(version.as_str()));
        let (socket, _) = connect_async(request).await.map_err(Box::new)?;
        let (sink, mut stream) = socket.split();
        let (sink, waiting) = (Arc::new(Mutex::new(sink)), Waiting::default());
        let (calls, received) = mpsc::unbounded_channel();
        let (answers, known) = (sink.clone(), waiting.clone());
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                let reply = match Frame::parse(text.as_str()) {
                    Ok(Frame::Call { id, action, payload }) => {
                        let answer = respond(&action, &payload);
                        let _ = calls.send((action, payload));
                        match answer {
                            Some(payload) => Frame::Result { id, payload },
                            None => Frame::error(Version::V16, id, ErrorCode::NotImplemented, "simulated"),
                        }
                    }
                    Ok(Frame::Result { id, payload }) => {
                        if let Some(waiting) = known.lock().await.remove(&id) {
                            let _ = waiting.send(Ok(payload));
                        }
                        continue;
                    }
                    Ok(Frame::Error { id, code, .. }) => {
                        if let Some(waiting) = known.lock().await.remove(&id) {
                            let _ = waiting.send(Err(code));
                        }
                        continue;
                    }
                    Err(_) => continue,
                };
                if answers.lock().await.send(Message::Text(reply.text().into())).await.is_err() {
                    break;
                }
            }
            known.lock().await.clear();
        });
        Ok(Self { sink, waiting, counter: 0.into(), calls: Mutex::new(received), reader })
    }

    /// Makes a call and waits for its answer.
    pub async fn call(&self, action: &str, payload: Value) -> Result<Value, SimulatorError> {
        let id = self.counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().await.insert(id.clone(), answer);
        let text = Frame::Call { id, action: action.to_owned(), payload }.text();
        self.sink.lock().await.send(Message::Text(text.into())).await.map_err(Box::new)?;
        match tokio::time::timeout(Duration::from_secs(60), answered).await {
            Ok(Ok(answer)) => answer.map_err(SimulatorError::CallError),
            _ => Err(SimulatorError::NoAnswer),
        }
    }

    /// Introduces itself and reports its connectors available.
    pub async fn boot(&self, vendor: &str, model: &str, connectors: i32) -> Result<(), SimulatorError> {
        let boot = json!({ "chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": "1.0.0" });
        self.call("BootNotification", boot).await?;
        for connector in 1..=connectors {
            self.status(connector, "Available").await?;
        }
        Ok(())
    }

    /// Reports a connector's status.
    pub async fn status(&self, connector: i32, status: &str) -> Result<(), SimulatorError> {
        let payload = json!({ "connectorId": connector, "status": status, "errorCode": "NoError" });
        self.call("StatusNotification", payload).await.map(drop)
    }

    /// Whether the connection still stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.reader.is_finished()
    }

    /// Closes the connection.
    pub async fn close(&self) {
        let _ = self.sink.lock().await.close().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What a well-behaved station answers.
fn respond(action: &str, payload: &Value) -> Option<Value> {
    Some(match action {
        "RemoteStartTransaction"
        | "RemoteStopTransaction"
        | "Reset"
        | "ChangeAvailability"
        | "ChangeConfiguration"
        | "ClearCache"
        | "TriggerMessage"
        | "UpdateFirmware"
        | "SignedUpdateFirmware"
        | "PublishFirmware"
        | "DataTransfer" => json!({ "status": "Accepted" }),
        "GetDiagnostics" => json!({ "fileName": "diagnostics.zip" }),
        "GetLog" => json!({ "status": "Accepted", "filename": "log.zip" }),
        "UnpublishFirmware" => json!({ "status": "Unpublished" }),
        "UnlockConnector" => json!({ "status": "Unlocked" }),
        "GetConfiguration" => {
            let known = [("HeartbeatInterval", "300"), ("NumberOfConnectors", "2"), ("MeterValueSampleInterval", "60")];
            let asked: Vec<&str> = payload["key"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let shown = known.iter().filter(|(key, _)| asked.is_empty() || asked.contains(key));
            let keys: Vec<Value> =
                shown.map(|(key, value)| json!({ "key": key, "readonly": false, "value": value })).collect();
            let unknown: Vec<&&str> = asked.iter().filter(|key| !known.iter().any(|(name, _)| name == *key)).collect();
            json!({ "configurationKey": keys, "unknownKey": unknown })
        }
        _ => return None,
    })
}
