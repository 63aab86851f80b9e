//! One station's connection: its calls are answered in order, ours are sent one at a time.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use stromtor_domain::{command::CommandState, network::quirk::Quirk};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WsError, Message,
        error::ProtocolError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, Direction, Kind, Link, Logged},
    call::{self, Inbound},
    dispatch::{Answered, PATIENCE, Waiting, answer},
    frame::{Frame, FrameError},
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

/// How often a station's signs of life are passed on.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Of heartbeats that follow one another more quickly the log keeps the first: a flood of them tells nothing.
const HEARTBEATS_EVERY: Duration = Duration::from_secs(1);

type Work = Pin<Box<dyn Future<Output = Answered> + Send>>;

struct InFlight {
    id: String,
    request: Box<Request>,
    deadline: Instant,
    /// The time between heartbeats that it sets.
    interval: Option<Duration>,
}

/// The connection's task.
pub(crate) struct Connection<S, B> {
    pub socket: WebSocketStream<S>,
    pub backend: Arc<B>,
    pub link: Arc<Link>,
    pub version: Version,
    pub settings: Arc<Settings>,
    pub requests: mpsc::Receiver<Box<Request>>,
    /// Told why the connection is to end.
    pub ended: oneshot::Receiver<&'static str>,
    pub stop: CancellationToken,
    /// Time between heartbeats, as far as it is known.
    pub interval: Duration,
    /// Whether it has answered a ping: then its silence says more.
    pub ponged: bool,
    /// When a heartbeat was last logged.
    pub heartbeat: Option<Instant>,
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
        let mut seen = heard;
        let mut timer = pin!(sleep_until(heard + self.settings.idle_timeout));
        let stop = self.stop.clone();
        let mut stopping = pin!(stop.cancelled());
        let (code, reason) = loop {
            if work.is_none()
                && let Some(waiting) = inbox.pop_front()
            {
                work = Some(self.begin(waiting));
            }
            let (now, ready_at) = (Instant::now(), bucket.ready_at());
            let readable = inbox.len() < INBOX && ready_at <= now;
            let due = Due {
                answer: in_flight.as_ref().map(|call| call.deadline),
                boot: boot_due.filter(|_| in_flight.is_none()),
                ping: next_ping,
                silent: heard + self.patience(),
                readable: (ready_at > now).then_some(ready_at),
            };
            // One timer, set again only when it would ring too late: most messages let it be.
            if due.first() < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(due.first());
            }
            let step = tokio::select! {
                biased;
                () = &mut stopping => Step::End(Some(CloseCode::Away), "server_stopped"),
                reason = &mut self.ended => Step::End(Some(CloseCode::Policy), reason.unwrap_or("replaced")),
                frame = async { match &mut work { Some(work) => work.await, None => std::future::pending().await } } => {
                    work = None;
                    Step::Send(frame)
                }
                () = &mut timer => match due.what(Instant::now()) {
                    Some(What::Answer) => Step::CallTimedOut,
                    Some(What::Boot) => {
                        boot_due = None;
                        self.backend.quirk(&self.link, Quirk::NoBoot);
                        Step::Call(Request::boot())
                    }
                    Some(What::Silent) => {
                        metrics::counter!("stromtor_ocpp_silent_connections_total").increment(1);
                        Step::End(None, "silent")
                    }
                    Some(What::Ping) => Step::Ping,
                    None => continue,
                },
                request = self.requests.recv(), if in_flight.is_none() => match request {
                    Some(request) => Step::Call(request),
                    None => Step::End(None, "replaced"),
                },
                message = self.socket.next(), if readable => {
                    match message {
                        Some(Ok(message)) => Step::Received(message),
                        Some(Err(WsError::Capacity(_))) => Step::End(Some(CloseCode::Size), "frame_too_large"),
                        Some(Err(WsError::Utf8(_))) => Step::End(Some(CloseCode::Invalid), "protocol_error"),
                        Some(Err(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => Step::End(None, "lost"),
                        Some(Err(WsError::Protocol(_))) => Step::End(Some(CloseCode::Protocol), "protocol_error"),
                        Some(Err(_)) | None => Step::End(None, "lost"),
                    }
                }
            };
            let sent = match step {
                Step::End(code, reason) => break (code, reason),
                Step::Send(Answered { frame, action, logged }) => {
                    if let ("BootNotification", Frame::Result { payload, .. }) = (action.as_str(), &frame) {
                        self.interval = payload["interval"].as_u64().map_or(self.interval, Duration::from_secs);
                    }
                    if logged { self.send(&frame, Some(action)).await } else { self.write(frame.text()).await }
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
                    let interval = interval_set(&request.action, &request.payload);
                    let frame =
                        Frame::Call { id: id.clone(), action: request.action.clone(), payload: request.payload.take() };
                    let sent = self.send(&frame, None).await;
                    // Nobody may be waiting for it any more.
                    let (told, _) = oneshot::channel();
                    let _ = std::mem::replace(&mut request.sent, told).send(());
                    let known = self.link.tolerances.call_timeout_s.map(|seconds| Duration::from_secs(seconds.into()));
                    let deadline = Instant::now() + known.unwrap_or(request.timeout);
                    in_flight = Some(InFlight { id, deadline, request, interval });
                    sent
                }
                Step::Received(message) => {
                    heard = Instant::now();
                    next_ping = self.ping_after(heard);
                    bucket.take();
                    if heard - seen >= SEEN_EVERY {
                        seen = heard;
                        self.backend.seen(&self.link);
                    }
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
                            Err(_) => {
                                metrics::counter!("stromtor_ocpp_malformed_frames_total").increment(1);
                                Ok(())
                            }
                        },
                        Message::Close(_) => break (None, "closed_by_station"),
                        other => {
                            self.ponged |= matches!(other, Message::Pong(_));
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
            let _ = tokio::time::timeout(PATIENCE, self.begin(waiting)).await;
        }
        let frame = code.map(|code| CloseFrame { code, reason: "".into() });
        let close = async {
            let _ = self.socket.close(frame).await;
            // The station's own close is answered only by this.
            self.socket.flush().await
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), close).await;
        reason
    }

    /// How long it may be silent.
    fn patience(&self) -> Duration {
        let idle = self.settings.idle_timeout;
        if self.ponged { idle } else { idle.max(self.interval * 5 / 2) }
    }

    fn begin(&self, waiting: Waiting) -> Work {
        Box::pin(answer(self.backend.clone(), self.link.clone(), self.version, waiting))
    }

    /// Whether a heartbeat that came now is one for the log.
    fn logs_heartbeat(&mut self) -> bool {
        let now = Instant::now();
        let due = self.heartbeat.is_none_or(|last| now - last >= HEARTBEATS_EVERY);
        if due {
            self.heartbeat = Some(now);
        } else {
            metrics::counter!("stromtor_ocpp_heartbeats_unlogged_total").increment(1);
        }
        due
    }

    fn ping_after(&self, at: Instant) -> Option<Instant> {
        (self.link.ping && !self.settings.ping_interval.is_zero()).then(|| at + self.settings.ping_interval)
    }

    async fn send(&mut self, frame: &Frame, action: Option<String>) -> Result<(), WsError> {
        let text = frame.text();
        let (kind, id, named) = describe(frame);
        self.log(Direction::Out, kind, action.or(named), Some(id), &text, Vec::new());
        self.write(text).await
    }

    async fn write(&mut self, text: String) -> Result<(), WsError> {
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
        let mut payload = mask::mask_text(text).into_owned();
        // PostgreSQL texts hold no NUL.
        payload.retain(|letter| letter != '\0');
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
                let logged = !matches!(call, Ok(Inbound::Heartbeat)) || self.logs_heartbeat();
                if logged {
                    self.log(Direction::In, Kind::Call, Some(action.clone()), Some(id.clone()), text, quirks);
                }
                inbox.push_back(Waiting { id, action, call, logged });
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
                        if let Some(interval) = call.interval
                            && outcome(&Value::Null, &payload) == CommandState::Accepted
                        {
                            self.interval = interval;
                        }
                        Answer::Result(payload)
                    }
                    Frame::Call { .. } => return Ok(()),
                };
                let _ = call.request.answer.send(Ok(answer));
                Ok(())
            }
            Err(wrong) => {
                metrics::counter!("stromtor_ocpp_malformed_frames_total").increment(1);
                let (id, quirk) = match &wrong {
                    FrameError::Unreadable(quirk) => (None, *quirk),
                    FrameError::Unanswerable => (None, Quirk::NoMessageId),
                    FrameError::UnknownType { id } => (Some(id.clone()), Quirk::UnknownMessageType),
                    FrameError::Answerable { id, .. } => (Some(id.clone()), Quirk::MalformedCall),
                };
                self.log(Direction::In, Kind::Invalid, None, id, text, vec![quirk]);
                match Frame::answer_to(wrong, self.version) {
                    Some(answer) => self.send(&answer, None).await,
                    None => Ok(()),
                }
            }
        }
    }
}

enum Step {
    End(Option<CloseCode>, &'static str),
    Send(Answered),
    Ping,
    CallTimedOut,
    Call(Box<Request>),
    Received(Message),
}

/// The time between heartbeats that a call sets.
fn interval_set(action: &str, payload: &Value) -> Option<Duration> {
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

/// When something is to be done though nothing happens.
struct Due {
    answer: Option<Instant>,
    boot: Option<Instant>,
    ping: Option<Instant>,
    silent: Instant,
    /// When the station may be read again.
    readable: Option<Instant>,
}

enum What {
    Answer,
    Boot,
    Ping,
    Silent,
}

impl Due {
    fn first(&self) -> Instant {
        [self.answer, self.boot, self.ping, self.readable].into_iter().flatten().fold(self.silent, Instant::min)
    }

    fn what(&self, now: Instant) -> Option<What> {
        let is = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match () {
            () if is(self.answer) => Some(What::Answer),
            () if is(self.boot) => Some(What::Boot),
            () if self.silent <= now => Some(What::Silent),
            () if is(self.ping) => Some(What::Ping),
            () => None,
        }
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
