//! What there is to compare with: a tokio-tungstenite server that answers every message with the same words, without
//! authentication, OCPP, log or database.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{
    Message,
    handshake::server::{ErrorResponse, Request, Response},
    http::HeaderValue,
};

/// Serves until it is killed; prints its address.
pub async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("bound"));
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    #[allow(clippy::result_large_err, reason = "the library's type")]
    let agree = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
        Ok(response)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, agree).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        // `[2,"17","Heartbeat",{}]`: the id stands between the first quotes.
        let id = text.split('"').nth(1).unwrap_or_default();
        let answer = format!(r#"[3,"{id}",{{"currentTime":"2026-01-01T00:00:00Z"}}]"#);
        if socket.send(Message::Text(answer.into())).await.is_err() {
            return;
        }
    }
}
