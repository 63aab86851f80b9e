//! A station that does what a test says, over TCP or TLS.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use stromtor_ocpp::frame::{ErrorCode, Frame};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider, pki_types::CertificateDer},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use super::pki::Identity;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Station {
    socket: WebSocketStream<Box<dyn Stream>>,
    counter: u32,
}

/// How a station meets a TLS listener.
pub struct Tls {
    pub provider: CryptoProvider,
    pub root: CertificateDer<'static>,
    pub identity: Option<Identity>,
}

impl Tls {
    pub fn trusting(root: CertificateDer<'static>) -> Self {
        Self { provider: tokio_rustls::rustls::crypto::aws_lc_rs::default_provider(), root, identity: None }
    }

    pub fn with(root: CertificateDer<'static>, identity: Identity) -> Self {
        Self { identity: Some(identity), ..Self::trusting(root) }
    }

    /// The handshake. With TLS 1.3 a refused certificate is seen only afterwards.
    pub async fn shake(self, address: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root).unwrap();
        let config = ClientConfig::builder_with_provider(self.provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match self.identity {
            Some(identity) => config.with_client_auth_cert(identity.chain, identity.key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect("localhost".try_into().unwrap(), stream).await.map_err(|error| format!("TLS: {error}"))
    }
}

impl Station {
    /// Without TLS; `url` as the gateway's.
    pub async fn plain(url: &str, identity: &str, password: Option<&[u8]>) -> Result<Self, String> {
        let stream = TcpStream::connect(url.trim_start_matches("ws://")).await.unwrap();
        Self::on(Box::new(stream), identity, password).await
    }

    pub async fn tls(address: SocketAddr, tls: Tls, identity: &str, password: Option<&[u8]>) -> Result<Self, String> {
        Self::on(Box::new(tls.shake(address).await?), identity, password).await
    }

    /// The HTTP status in the error, or what else went wrong.
    async fn on(stream: Box<dyn Stream>, identity: &str, password: Option<&[u8]>) -> Result<Self, String> {
        let mut request = format!("ws://localhost/{identity}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
        if let Some(password) = password {
            let basic = [identity.as_bytes(), b":", password].concat();
            let basic = format!("Basic {}", STANDARD.encode(basic));
            request.headers_mut().insert("authorization", basic.parse().unwrap());
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket, counter: 0 }),
            Err(Error::Http(response)) => Err(response.status().as_u16().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn next(&mut self) -> Frame {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await.expect("a message");
            if let Message::Text(text) = message.expect("the connection stands").unwrap() {
                return Frame::parse(text.as_str()).unwrap();
            }
        }
    }

    async fn send(&mut self, frame: Frame) {
        self.socket.send(Message::Text(frame.text().into())).await.unwrap();
    }

    /// Calls; what it is called meanwhile it does not know.
    pub async fn call(&mut self, action: &str, payload: Value) -> Value {
        self.counter += 1;
        let own = self.counter.to_string();
        self.send(Frame::Call { id: own.clone(), action: action.to_owned(), payload }).await;
        loop {
            match self.next().await {
                Frame::Result { id, payload } if id == own => return payload,
                Frame::Call { id, .. } => {
                    self.send(Frame::error(
                        stromtor_ocpp::version::Version::V16,
                        id,
                        ErrorCode::NotImplemented,
                        "scripted",
                    ))
                    .await
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Is called, and answers; returns the payload.
    pub async fn expect(&mut self, wanted: &str, answer: Value) -> Value {
        match self.next().await {
            Frame::Call { id, action, payload } => {
                assert_eq!(action, wanted, "{payload}");
                self.send(Frame::Result { id, payload: answer }).await;
                payload
            }
            other => panic!("{other:?}"),
        }
    }
}
