//! One station's connection: its calls are answered in order, ours are sent one at a time.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
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
    backend::{Backend, Direction, Kind, Link, Logged, Unavailable},
    frame::{ErrorCode, Frame, FrameError},
    mask,
    route::{Answer, CallFailure, Request},
    security,
    server::Settings,
    v16::{read::Wrong, report},
};

/// Calls of a station that wait for the one being worked on; behind that the socket is not read.
const INBOX: usize = 16;
/// How long we try to take a transaction message while the backend is away, before the station is told to repeat it.
const PATIENCE: Duration = Duration::from_secs(25);

type Work = Pin<Box<dyn Future<Output = Frame> + Send>>;

struct InFlight {
    id: String,
    request: Request,
    deadline: Instant,
}

/// The connection's task.
pub(crate) struct Connection<S, B> {
    pub socket: WebSocketStream<S>,
    pub backend: Arc<B>,
    pub link: Link,
    pub settings: Settings,
    pub requests: mpsc::Receiver<Request>,
    pub replaced: CancellationToken,
    pub stop: CancellationToken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send, B: Backend> Connection<S, B> {
    /// Runs until the connection ends, whatever the reason.
    pub async fn run(mut self) {
        let mut inbox: VecDeque<(String, String, Value)> = VecDeque::new();
        let mut work: Option<Work> = None;
        let mut in_flight: Option<InFlight> = None;
        let mut heard = Instant::now();
        let mut next_ping = self.ping_after(heard);
        let mut bucket = Bucket::new(self.settings.messages_per_second);
        let reason = loop {
            if work.is_none()
                && let Some((id, action, payload)) = inbox.pop_front()
            {
                work = Some(Box::pin(answer(self.backend.clone(), self.link.clone(), id, action, payload)));
            }
            let (waiting, ready_at) = (inbox.len() < INBOX, bucket.ready_at());
            let answer_due = in_flight.as_ref().map(|call| call.deadline);
            let step = tokio::select! {
                biased;
                () = self.stop.cancelled() => Step::End(Some(CloseCode::Away)),
                () = self.replaced.cancelled() => Step::End(Some(CloseCode::Policy)),
                frame = async { match &mut work { Some(work) => work.await, None => std::future::pending().await } } => {
                    work = None;
                    Step::Send(frame)
                }
                () = due(answer_due) => Step::CallTimedOut,
                request = self.requests.recv(), if in_flight.is_none() => match request {
                    Some(request) => Step::Call(request),
                    None => Step::End(None),
                },
                message = async { sleep_until(ready_at).await; self.socket.next().await }, if waiting => {
                    match message {
                        Some(Ok(message)) => Step::Received(message),
                        Some(Err(WsError::Capacity(_))) => Step::End(Some(CloseCode::Size)),
                        Some(Err(_)) | None => Step::End(None),
                    }
                }
                () = due(next_ping) => Step::Ping,
                () = sleep_until(heard + self.settings.idle_timeout) => {
                    metrics::counter!("stromtor_ocpp_silent_connections_total").increment(1);
                    Step::End(None)
                }
            };
            let sent = match step {
                Step::End(code) => break code,
                Step::Send(frame) => self.send(&frame, None).await,
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
                    let frame =
                        Frame::Call { id: id.clone(), action: request.action.clone(), payload: request.payload.take() };
                    let sent = self.send(&frame, None).await;
                    // Nobody may be waiting for it any more.
                    let (told, _) = tokio::sync::oneshot::channel();
                    let _ = std::mem::replace(&mut request.sent, told).send(());
                    in_flight = Some(InFlight { id, deadline: Instant::now() + request.timeout, request });
                    sent
                }
                Step::Received(message) => {
                    heard = Instant::now();
                    next_ping = self.ping_after(heard);
                    bucket.take();
                    match message {
                        Message::Text(text) => self.received(text.as_str(), &mut inbox, &mut in_flight).await,
                        Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                            Ok(text) => self.received(text, &mut inbox, &mut in_flight).await,
                            Err(_) => Ok(()),
                        },
                        Message::Close(_) => break None,
                        _ => {
                            self.backend.seen(&self.link);
                            Ok(())
                        }
                    }
                }
            };
            if sent.is_err() {
                break None;
            }
        };
        if let Some(call) = in_flight {
            let _ = call.request.answer.send(Err(CallFailure::ConnectionLost));
        }
        // What the station has sent is worked off, though its answer goes nowhere: it may have sent its last word.
        if let Some(work) = work {
            let _ = tokio::time::timeout(PATIENCE, work).await;
        }
        for (id, action, payload) in inbox {
            let work = answer(self.backend.clone(), self.link.clone(), id, action, payload);
            let _ = tokio::time::timeout(PATIENCE, work).await;
        }
        let frame = reason.map(|code| CloseFrame { code, reason: "".into() });
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close(frame)).await;
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
        quirks: Vec<&'static str>,
    ) {
        let payload = mask::mask_text(text).replace('\0', "");
        let (at, link) = (self.backend.now(), self.link.clone());
        self.backend.log(Logged { at, link, direction, kind, action, message_id, payload, quirks });
    }

    async fn received(
        &mut self,
        text: &str,
        inbox: &mut VecDeque<(String, String, Value)>,
        in_flight: &mut Option<InFlight>,
    ) -> Result<(), WsError> {
        metrics::counter!("stromtor_ocpp_messages_total", "direction" => "in").increment(1);
        match Frame::parse(text) {
            Ok(Frame::Call { id, action, payload }) => {
                let mut quirks = Vec::new();
                note_quirks(&action, &payload, &mut quirks);
                self.log(Direction::In, Kind::Call, Some(action.clone()), Some(id.clone()), text, quirks);
                inbox.push_back((id, action, payload));
                Ok(())
            }
            Ok(frame) => {
                let (kind, id, _) = describe(&frame);
                let ours = in_flight.as_ref().is_some_and(|call| call.id == id);
                let action = in_flight.as_ref().filter(|_| ours).map(|call| call.request.action.clone());
                self.log(Direction::In, kind, action, Some(id), text, Vec::new());
                let Some(call) = in_flight.take_if(|_| ours) else {
                    metrics::counter!("stromtor_ocpp_unknown_answers_total").increment(1);
                    return Ok(());
                };
                let answer = match frame {
                    Frame::Error { code, description, .. } => Answer::Error { code, description },
                    Frame::Result { payload, .. } => Answer::Result(payload),
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
                self.log(Direction::In, Kind::Invalid, None, Some(id.clone()), text, vec!["malformed_call"]);
                self.send(&Frame::error(id, ErrorCode::FormationViolation, reason), None).await
            }
        }
    }
}

enum Step {
    End(Option<CloseCode>),
    Send(Frame),
    Ping,
    CallTimedOut,
    Call(Request),
    Received(Message),
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

/// What a payload's reader had to forgive, for the log.
fn note_quirks(action: &str, payload: &Value, quirks: &mut Vec<&'static str>) {
    let _ = match action {
        "BootNotification" => report::boot(payload, quirks).map(drop),
        "StatusNotification" => report::status(payload, quirks).map(drop),
        "Authorize" => report::authorize(payload, quirks).map(drop),
        "StartTransaction" => report::start(payload, quirks).map(drop),
        "MeterValues" => report::meter(payload, quirks).map(drop),
        "StopTransaction" => report::stop(payload, quirks).map(drop),
        _ => Ok(()),
    };
}

/// Why a call gets a CALLERROR.
enum Refusal {
    Wrong(Wrong),
    Unavailable,
    Unknown,
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Works a station's call off: the frame that answers it.
async fn answer<B: Backend>(backend: Arc<B>, link: Link, id: String, action: String, payload: Value) -> Frame {
    let started = Instant::now();
    let outcome = decide(&*backend, &link, &action, &payload).await;
    let known = !matches!(outcome, Err(Refusal::Unknown));
    let label = if known { action } else { "other".into() };
    metrics::histogram!("stromtor_ocpp_call_seconds", "action" => label).record(started.elapsed().as_secs_f64());
    match outcome {
        Ok(payload) => Frame::Result { id, payload },
        Err(Refusal::Wrong(wrong)) => Frame::error(id, wrong.code, &wrong.message),
        Err(Refusal::Unavailable) => Frame::error(id, ErrorCode::InternalError, "not available, please repeat"),
        Err(Refusal::Unknown) => Frame::error(id, ErrorCode::NotImplemented, "unknown action"),
    }
}

async fn decide<B: Backend>(backend: &B, link: &Link, action: &str, payload: &Value) -> Result<Value, Refusal> {
    let mut quirks = Vec::new();
    let quirks = &mut quirks;
    Ok(match action {
        "Heartbeat" => {
            backend.seen(link);
            report::heartbeat_answer(backend.now())
        }
        "BootNotification" => {
            let boot = report::boot(payload, quirks)?;
            let reply = patiently(|| backend.boot(link, boot.clone())).await?;
            report::boot_answer(reply, backend.now())
        }
        "StatusNotification" => {
            let status = report::status(payload, quirks)?;
            patiently(|| backend.status(link, status.clone())).await?;
            json!({})
        }
        "Authorize" => {
            let tag = report::authorize(payload, quirks)?;
            report::authorize_answer(&patiently(|| backend.authorize(link, tag.clone())).await?)
        }
        "StartTransaction" => {
            let start = report::start(payload, quirks)?;
            report::start_answer(&patiently(|| backend.start(link, start.clone())).await?)
        }
        "MeterValues" => {
            let meter = report::meter(payload, quirks)?;
            patiently(|| backend.meter(link, meter.clone())).await?;
            json!({})
        }
        "StopTransaction" => {
            let stop = report::stop(payload, quirks)?;
            report::stop_answer(patiently(|| backend.stop(link, stop.clone())).await?.as_ref())
        }
        "DataTransfer" => {
            let transfer = report::data_transfer(payload, quirks)?;
            report::data_transfer_answer(patiently(|| backend.data_transfer(link, transfer.clone())).await?)
        }
        "SignCertificate" => {
            let request = security::sign_certificate(payload, quirks)?;
            security::sign_certificate_answer(patiently(|| backend.sign_certificate(link, request.clone())).await?)
        }
        // Logged; the features behind them come with firmware and diagnostics.
        "DiagnosticsStatusNotification" | "FirmwareStatusNotification" => json!({}),
        _ => return Err(Refusal::Unknown),
    })
}

/// Tries again while the backend is away, with growing pauses, up to [`PATIENCE`].
async fn patiently<T, F: Future<Output = Result<T, Unavailable>>>(attempt: impl Fn() -> F) -> Result<T, Unavailable> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(100);
    loop {
        match attempt().await {
            Err(Unavailable) if Instant::now() + pause < deadline => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
        pause = (pause * 2).min(Duration::from_secs(3));
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
