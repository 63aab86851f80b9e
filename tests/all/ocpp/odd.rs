//! A station that is scripted frame by frame: it answers what the test says, right or wrong.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

/// The connection; it answers nothing by itself but pings.
pub struct Odd(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Odd {
    /// Connects; `user` and `password` are those of Basic authentication.
    pub async fn connect(url: &str, path: &str, user: &str, password: &str, protocol: &str) -> Result<Self, Error> {
        let mut request = format!("{url}/{path}").into_client_request()?;
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        request.headers_mut().insert("authorization", basic.parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        Ok(Self(connect_async(request).await?.0))
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.unwrap().unwrap().unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    }

    /// Makes a call: the frame that answers it.
    pub async fn call(&mut self, action: &str, payload: Value) -> Value {
        self.send(json!([2, action, action, payload])).await;
        let answer = self.frame().await;
        assert_eq!(answer[1], action, "{answer}");
        answer
    }

    /// The next call of ours, which must be this: its payload. It is answered with `result`.
    pub async fn got(&mut self, action: &str, result: Value) -> Value {
        let mut call = self.frame().await;
        assert_eq!(call[2], action, "{call}");
        self.send(json!([3, call[1], result])).await;
        call[3].take()
    }
}
