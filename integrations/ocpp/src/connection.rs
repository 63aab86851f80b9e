//! One station's connection: its calls are answered in order, ours are sent one at a time.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use stromtor_domain::{command::CommandState, network::quirk::Quirk};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WsError, Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, Direction, Kind, Link, Logged},
    call,
    dispatch::{PATIENCE, Waiting, answer},
    frame::{ErrorCode, Frame, FrameError},
    mask,
    read::Quirks,
    result::of_old_shape,
    route::{Answer, CallFailure, Request},
    server::Settings,
    tolerate::{check_clock, tolerate},
    v16::command::outcome,
    version::Version,
};

/// Calls of a station that wait for the one being worked on; behind that the socket is not read.
const INBOX: usize = 16;

/// How long a station may take to introduce itself before it is asked to, where its kind forgets.
const BOOT_PATIENCE: Duration = Duration::from_secs(10);

type Work = Pin<Box<dyn Future<Output = (Frame, String)> + Send>>;

struct InFlight {
    id: String,
    request: Request,
    deadline: Instant,
    /// The time between heartbeats that it sets.
    heartbeat: Option<Duration>,
}

/// The connection's task.
pub(crate) struct Connection<S, B> {
    pub socket: WebSocketStream<S>,
    pub backend: Arc<B>,
    pub link: Arc<Link>,
    pub version: Version,
    pub settings: Arc<Settings>,
    pub requests: mpsc::Receiver<Request>,
    pub replaced: CancellationToken,
    pub stop: CancellationToken,
    /// Time between heartbeats, as far as it is known.
    pub heartbeat: Duration,
    /// Whether it has answered a ping: then its silence says more.
    pub ponged: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send, B: Backend> Connection<S, B> {
    /// Runs until the connection ends: why it did.
    pub async fn run(mut self) -> &'static str {
        let mut inbox: VecDeque<Waiting> = VecDeque::new();
        let mut work: Option<Work> = None;
        let mut in_flight: Option<InFlight> = None;
        let mut heard = Instant::now();
        let mut next_ping = self.ping_after(heard);
        let mut boot_due = (self.link.tolerances.trigger_boot == Some(true)).then(|| heard + BOOT_PATIENCE);
        let mut bucket = Bucket::new(self.settings.messages_per_second);
        let (code, reason) = loop {
            if work.is_none()
                && let Some(waiting) = inbox.pop_front()
            {
                work = Some(Box::pin(answer(self.backend.clone(), self.link.clone(), self.version, waiting)));
            }
            let (waiting, ready_at) = (inbox.len() < INBOX, bucket.ready_at());
            let silent_at = heard + self.patience();
            let answer_due = in_flight.as_ref().map(|call| call.deadline);
            let step = tokio::select! {
                biased;
                () = self.stop.cancelled() => Step::End(Some(CloseCode::Away), "server_stopped"),
                () = self.replaced.cancelled() => Step::End(Some(CloseCode::Policy), "replaced"),
                frame = async { match &mut work { Some(work) => work.await, None => std::future::pending().await } } => {
                    work = None;
                    Step::Send(frame.0, frame.1)
                }
                () = due(answer_due) => Step::CallTimedOut,
                () = due(boot_due), if in_flight.is_none() => {
                    boot_due = None;
                    self.backend.quirk(&self.link, Quirk::NoBoot);
                    Step::Call(Request::boot())
                }
                request = self.requests.recv(), if in_flight.is_none() => match request {
                    Some(request) => Step::Call(request),
                    None => Step::End(None, "replaced"),
                },
                message = async { sleep_until(ready_at).await; self.socket.next().await }, if waiting => {
                    match message {
                        Some(Ok(message)) => Step::Received(message),
                        Some(Err(WsError::Capacity(_))) => Step::End(Some(CloseCode::Size), "frame_too_large"),
                        Some(Err(WsError::Protocol(_) | WsError::Utf8(_))) => {
                            Step::End(Some(CloseCode::Protocol), "protocol_error")
                        }
                        Some(Err(_)) | None => Step::End(None, "lost"),
                    }
                }
                () = due(next_ping) => Step::Ping,
                () = sleep_until(silent_at) => {
                    metrics::counter!("stromtor_ocpp_silent_connections_total").increment(1);
                    Step::End(None, "silent")
                }
            };
            let sent = match step {
                Step::End(code, reason) => break (code, reason),
                Step::Send(frame, action) => {
                    if let ("BootNotification", Frame::Result { payload, .. }) = (action.as_str(), &frame) {
                        self.heartbeat = payload["interval"].as_u64().map_or(self.heartbeat, Duration::from_secs);
                    }
                    self.send(&frame, Some(action)).await
                }
                Step::Ping => {
                    next_ping = self.ping_after(Instant::now());
                    self.socket.send(Message::Ping(Vec::new().into())).await
                }
                Step::CallTimedOut => {
                    if let Some(call) = in_flight.take() {
                        metrics::counter!("stromtor_ocpp_call_timeouts_total").increment(1);
                        let _ = call.request.answer.send(Err(CallFailure::TimedOut));
                    }
                    Ok(())
                }
                Step::Call(mut request) => {
                    let id = self.backend.id().to_string();
                    let heartbeat = heartbeat_set(&request.action, &request.payload);
                    let frame =
                        Frame::Call { id: id.clone(), action: request.action.clone(), payload: request.payload.take() };
                    let sent = self.send(&frame, None).await;
                    // Nobody may be waiting for it any more.
                    let (told, _) = tokio::sync::oneshot::channel();
                    let _ = std::mem::replace(&mut request.sent, told).send(());
                    let known = self.link.tolerances.call_timeout_s.map(|seconds| Duration::from_secs(seconds.into()));
                    let deadline = Instant::now() + known.unwrap_or(request.timeout);
                    in_flight = Some(InFlight { id, deadline, request, heartbeat });
                    sent
                }
                Step::Received(message) => {
                    heard = Instant::now();
                    next_ping = self.ping_after(heard);
                    bucket.take();
                    match message {
                        Message::Text(text) => {
                            let received =
                                self.received(text.as_str(), work.is_some(), &mut inbox, &mut in_flight).await;
                            if inbox.back().is_some_and(|waiting| waiting.action == "BootNotification") {
                                boot_due = None;
                            }
                            received
                        }
                        Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                            Ok(text) => self.received(text, work.is_some(), &mut inbox, &mut in_flight).await,
                            Err(_) => Ok(()),
                        },
                        Message::Close(_) => break (None, "closed_by_station"),
                        other => {
                            self.ponged |= matches!(other, Message::Pong(_));
                            self.backend.seen(&self.link);
                            Ok(())
                        }
                    }
                }
            };
            if sent.is_err() {
                break (None, "lost");
            }
        };
        if let Some(call) = in_flight {
            let _ = call.request.answer.send(Err(CallFailure::ConnectionLost));
        }
        // What the station has sent is worked off, though its answer goes nowhere: it may have sent its last word.
        if let Some(work) = work {
            let _ = tokio::time::timeout(PATIENCE, work).await;
        }
        for waiting in inbox {
            let work = answer(self.backend.clone(), self.link.clone(), self.version, waiting);
            let _ = tokio::time::timeout(PATIENCE, work).await;
        }
        let frame = code.map(|code| CloseFrame { code, reason: "".into() });
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close(frame)).await;
        reason
    }

    /// How long it may be silent.
    fn patience(&self) -> Duration {
        let idle = self.settings.idle_timeout;
        if self.ponged { idle } else { idle.max(self.heartbeat * 5 / 2) }
    }

    fn ping_after(&self, at: Instant) -> Option<Instant> {
        (self.link.ping && !self.settings.ping_interval.is_zero()).then(|| at + self.settings.ping_interval)
    }

    async fn send(&mut self, frame: &Frame, action: Option<String>) -> Result<(), WsError> {
        let text = frame.text();
        let (kind, id, named) = describe(frame);
        self.log(Direction::Out, kind, action.or(named), Some(id), &text, Vec::new());
        // A station that does not read must not hold us up for ever.
        match tokio::time::timeout(Duration::from_secs(30), self.socket.send(Message::Text(text.into()))).await {
            Ok(sent) => sent,
            Err(_) => Err(WsError::ConnectionClosed),
        }
    }

    fn log(
        &self,
        direction: Direction,
        kind: Kind,
        action: Option<String>,
        message_id: Option<String>,
        text: &str,
        quirks: Quirks,
    ) {
        let payload = mask::mask_text(text).replace('\0', "");
        let (at, link) = (self.backend.now(), self.link.clone());
        self.backend.log(Logged { at, link, direction, kind, action, message_id, payload, quirks });
    }

    async fn received(
        &mut self,
        text: &str,
        busy: bool,
        inbox: &mut VecDeque<Waiting>,
        in_flight: &mut Option<InFlight>,
    ) -> Result<(), WsError> {
        metrics::counter!("stromtor_ocpp_messages_total", "direction" => "in").increment(1);
        match Frame::parse(text) {
            Ok(Frame::Call { id, action, payload }) => {
                let mut quirks = Vec::new();
                let mut call = call::read(self.version, &action, &payload, &mut quirks);
                if let Ok(call) = &mut call {
                    tolerate(call, &self.link.tolerances, &quirks);
                    check_clock(call, self.backend.now(), &mut quirks);
                }
                if busy || !inbox.is_empty() {
                    quirks.push(Quirk::ParallelCalls);
                }
                self.log(Direction::In, Kind::Call, Some(action.clone()), Some(id.clone()), text, quirks);
                inbox.push_back(Waiting { id, action, call });
                Ok(())
            }
            Ok(frame) => {
                let (kind, id, _) = describe(&frame);
                let ours = in_flight.as_ref().is_some_and(|call| call.id == id);
                let action = in_flight.as_ref().filter(|_| ours).map(|call| call.request.action.clone());
                let quirk = match (&frame, &action) {
                    (_, None) => Some(Quirk::UnknownAnswer),
                    (Frame::Result { payload, .. }, Some(action)) if self.version == Version::V201 => {
                        of_old_shape(action, payload).then_some(Quirk::ShapeOfV16)
                    }
                    _ => None,
                };
                self.log(Direction::In, kind, action, Some(id), text, quirk.into_iter().collect());
                let Some(call) = in_flight.take_if(|_| ours) else {
                    metrics::counter!("stromtor_ocpp_unknown_answers_total").increment(1);
                    return Ok(());
                };
                let answer = match frame {
                    Frame::Error { code, description, .. } => Answer::Error { code, description },
                    Frame::Result { payload, .. } => {
                        if outcome(&payload) == CommandState::Accepted {
                            self.heartbeat = call.heartbeat.unwrap_or(self.heartbeat);
                        }
                        Answer::Result(payload)
                    }
                    Frame::Call { .. } => return Ok(()),
                };
                let _ = call.request.answer.send(Ok(answer));
                Ok(())
            }
            Err(FrameError::Unanswerable(reason)) => {
                metrics::counter!("stromtor_ocpp_malformed_frames_total").increment(1);
                self.log(Direction::In, Kind::Invalid, None, None, text, vec![reason]);
                Ok(())
            }
            Err(FrameError::Answerable { id, reason }) => {
                self.log(Direction::In, Kind::Invalid, None, Some(id.clone()), text, vec![Quirk::MalformedCall]);
                self.send(&Frame::error(self.version, id, ErrorCode::FormationViolation, reason), None).await
            }
        }
    }
}

enum Step {
    End(Option<CloseCode>, &'static str),
    Send(Frame, String),
    Ping,
    CallTimedOut,
    Call(Request),
    Received(Message),
}

/// The time between heartbeats that a call sets.
fn heartbeat_set(action: &str, payload: &Value) -> Option<Duration> {
    let value = match action {
        "ChangeConfiguration" if payload["key"] == "HeartbeatInterval" => &payload["value"],
        "SetVariables" => {
            let set = payload["setVariableData"].as_array()?;
            let of_it = |set: &&Value| {
                set["component"]["name"] == "OCPPCommCtrlr" && set["variable"]["name"] == "HeartbeatInterval"
            };
            &set.iter().find(of_it)?["attributeValue"]
        }
        _ => return None,
    };
    value.as_str()?.trim().parse().ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn describe(frame: &Frame) -> (Kind, String, Option<String>) {
    match frame {
        Frame::Call { id, action, .. } => (Kind::Call, id.clone(), Some(action.clone())),
        Frame::Result { id, .. } => (Kind::Result, id.clone(), None),
        Frame::Error { id, .. } => (Kind::Error, id.clone(), None),
    }
}

/// A flood is read more slowly, never dropped: tokens per second, with a burst of five seconds' worth.
struct Bucket {
    per_token: Duration,
    burst: Duration,
    /// The bucket is full when this is in the past by `burst`.
    spent_until: Instant,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        let now = Instant::now();
        let burst = Duration::from_secs(5);
        Self { per_token: Duration::from_secs(1) / per_second.max(1), burst, spent_until: now }
    }

    fn take(&mut self) {
        self.spent_until = self.spent_until.max(Instant::now()) + self.per_token;
    }

    fn ready_at(&self) -> Instant {
        self.spent_until.checked_sub(self.burst).unwrap_or_else(Instant::now)
    }
}
