//! Accepts stations: upgrade, authentication, sub-protocol, then a task per connection.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use stromtor_domain::network::quirk::Quirk;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    backend::{Admission, Backend, Knock, Link, Transport},
    connection::Connection,
    handshake::{self, Upgrade},
    route::Registry,
    tls::{LOOK_EVERY, Tls, transport},
    version::Version,
};

/// Handshakes at once: a reconnect storm waits in the listen queue instead of in memory.
const HANDSHAKES: usize = 512;

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between pings when nothing was heard; zero for none.
    pub ping_interval: Duration,
    /// Silence after which a connection is dead. One that answers no ping, or is sent none, has two and a half of its
    /// heartbeats.
    pub idle_timeout: Duration,
    /// Time between heartbeats of stations of which nothing else is known.
    pub heartbeat_interval: Duration,
    /// Largest frame, bytes.
    pub max_frame: usize,
    /// Calls that may wait for one station.
    pub call_queue: usize,
    /// Messages per second and station in the long run.
    pub messages_per_second: u32,
    /// Time for the upgrade and authentication.
    pub handshake_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(660),
            heartbeat_interval: Duration::from_secs(300),
            max_frame: 256 * 1024,
            call_queue: 32,
            messages_per_second: 50,
            handshake_timeout: Duration::from_secs(15),
        }
    }
}

/// A listening socket; several processes may share its port.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let domain = if address.is_ipv6() { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 };
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// A place where stations come in.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl Door {
    /// With TLS.
    #[must_use]
    pub const fn tls(listener: TcpListener, tls: Arc<Tls>) -> Self {
        Self { listener, tls: Some(tls) }
    }

    /// Where it is.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Without TLS.
impl From<TcpListener> for Door {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// Accepts at every door until told to stop, then ends every connection in order.
pub async fn serve<B: Backend>(
    doors: Vec<Door>,
    backend: Arc<B>,
    registry: Registry,
    settings: Settings,
    stop: CancellationToken,
) {
    let settings = Arc::new(settings);
    let tasks = TaskTracker::new();
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let open = doors.into_iter().map(|door| {
        if let Some(tls) = &door.tls {
            tasks.spawn(tls.clone().watch(LOOK_EVERY, stop.clone()));
        }
        let station = Station {
            backend: backend.clone(),
            registry: registry.clone(),
            settings: settings.clone(),
            stop: stop.clone(),
            // Known once one is accepted.
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        accept(door, station, handshakes.clone(), tasks.clone())
    });
    futures_util::future::join_all(open).await;
    tasks.close();
    tasks.wait().await;
}

async fn accept<B: Backend>(door: Door, like: Station<B>, handshakes: Arc<Semaphore>, tasks: TaskTracker) {
    loop {
        let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = like.stop.cancelled() => return,
            accepted = door.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let _ = stream.set_nodelay(true);
                let station = Station { address, ..like.clone() };
                match door.tls.clone() {
                    None => tasks.spawn(async move {
                        let limit = station.settings.handshake_timeout;
                        let ready = tokio::time::timeout(limit, station.admit(stream, Transport::Plain)).await;
                        drop(permit);
                        if let Ok(Some(admitted)) = ready {
                            station.stay(admitted).await;
                        }
                    }),
                    Some(tls) => tasks.spawn(async move {
                        let limit = station.settings.handshake_timeout;
                        let ready = tokio::time::timeout(limit, station.admit_tls(stream, &tls)).await;
                        drop(permit);
                        if let Ok(Some(admitted)) = ready {
                            station.stay(admitted).await;
                        }
                    }),
                };
            }
            Err(error) => {
                // Out of file descriptors, usually: give running connections time to end.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

struct Station<B> {
    backend: Arc<B>,
    registry: Registry,
    settings: Arc<Settings>,
    stop: CancellationToken,
    address: SocketAddr,
}

impl<B> Clone for Station<B> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            registry: self.registry.clone(),
            settings: self.settings.clone(),
            stop: self.stop.clone(),
            address: self.address,
        }
    }
}

impl<B: Backend> Station<B> {
    /// The TLS handshake, then the rest.
    async fn admit_tls(&self, stream: TcpStream, tls: &Tls) -> Option<Admitted<TlsStream<TcpStream>>> {
        let address = self.address.ip();
        if !self.backend.may_shake(address) {
            metrics::counter!("stromtor_ocpp_tls_refused_total", "reason" => "throttled").increment(1);
            return None;
        }
        match tls.acceptor().accept(stream).await {
            Ok(stream) => {
                self.backend.shook(address, true);
                let transport = transport(stream.get_ref().1);
                self.admit(stream, transport).await
            }
            Err(error) => {
                self.backend.shook(address, false);
                metrics::counter!("stromtor_ocpp_tls_refused_total", "reason" => "handshake").increment(1);
                tracing::debug!(%address, %error, "a TLS handshake failed");
                None
            }
        }
    }

    /// Upgrade and authentication; `None` when it was refused.
    async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        transport: Transport,
    ) -> Option<Admitted<S>> {
        let mut upgrade = handshake::read(&mut stream).await.ok()??;
        let knock = Knock {
            identity: upgrade.identity.clone(),
            basic: upgrade.basic.take(),
            address: self.address.ip(),
            protocols: upgrade.protocols.clone(),
            transport,
        };
        let (status, reason) = match self.backend.admit(knock).await {
            Admission::Welcome(link) => return Some(Admitted { stream, upgrade, link: Arc::new(link) }),
            Admission::Unknown => (404, "Not Found"),
            Admission::WrongCredentials => (401, "Unauthorized"),
            Admission::Throttled => (429, "Too Many Requests"),
            Admission::Unavailable => (503, "Service Unavailable"),
        };
        metrics::counter!("stromtor_ocpp_refused_total", "status" => status.to_string()).increment(1);
        let _ = handshake::refuse(&mut stream, status, reason).await;
        None
    }

    /// The life of a connection. Its epoch is drawn before the station hears that it is in: one that connects again after
    /// that is newer, whatever happens at the same time.
    async fn stay<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, admitted: Admitted<S>) {
        let Admitted { mut stream, mut upgrade, link } = admitted;
        let common = Version::best(&upgrade.protocols);
        let silent = upgrade.protocols.is_empty() && link.accept_without_protocol;
        let Some(version) = common.or(silent.then_some(Version::V16)) else {
            // OCPP-J 1.6 section 3.2: complete the handshake without the header, then close at once.
            if let Some(mut socket) = self.upgrade(stream, &mut upgrade, None).await {
                let close = CloseFrame { code: CloseCode::Protocol, reason: "no common sub-protocol".into() };
                let _ = socket.close(Some(close)).await;
            }
            return;
        };
        let Ok(epoch) = self.backend.connected(&link, version, self.address.ip()).await else {
            let _ = handshake::refuse(&mut stream, 503, "Service Unavailable").await;
            return;
        };
        let Some(socket) = self.upgrade(stream, &mut upgrade, common).await else {
            self.backend.disconnected(&link, epoch, "lost").await;
            return;
        };
        let silent = common.is_none().then_some(Quirk::NoSubprotocol);
        for quirk in upgrade.quirks.iter().chain(&link.quirks).chain(&silent) {
            self.backend.quirk(&link, *quirk);
        }
        let (sender, requests) = mpsc::channel(self.settings.call_queue.max(1));
        let ended = self.registry.insert(link.station_id, epoch, link.door_revision, version, sender);
        let connection = Connection {
            socket,
            backend: self.backend.clone(),
            link: link.clone(),
            version,
            settings: self.settings.clone(),
            requests,
            ended,
            stop: self.stop.clone(),
            interval: link.heartbeat_s.map_or(self.settings.heartbeat_interval, |s| Duration::from_secs(s.into())),
            ponged: false,
            heartbeat: None,
        };
        let reason = connection.run().await;
        self.registry.remove(link.station_id, epoch);
        self.backend.disconnected(&link, epoch, reason).await;
    }

    /// Completes the upgrade.
    async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        upgrade: &mut Upgrade,
        common: Option<Version>,
    ) -> Option<WebSocketStream<S>> {
        let accepted = handshake::accept(&mut stream, upgrade, common.map(Version::as_str));
        tokio::time::timeout(self.settings.handshake_timeout, accepted).await.ok()?.ok()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(self.settings.max_frame * 4)
            .max_message_size(Some(self.settings.max_frame))
            .max_frame_size(Some(self.settings.max_frame));
        let rest = std::mem::take(&mut upgrade.rest);
        Some(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await)
    }
}

/// A station that may come in, and has not been told so yet.
struct Admitted<S> {
    stream: S,
    upgrade: Upgrade,
    link: Arc<Link>,
}
