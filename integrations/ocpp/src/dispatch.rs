//! Works a station's calls off: hands them to the backend and words the answers in the connection's version.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    backend::{Backend, Link, Unavailable},
    call::{Inbound, Unread},
    frame::{ErrorCode, Frame},
    security, v16, v201,
    version::Version,
};

/// How long we try to take a transaction message while the backend is away, before the station is told to repeat it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// A call that waits to be worked off.
pub(crate) struct Waiting {
    pub id: String,
    pub action: String,
    pub call: Result<Inbound, Unread>,
    /// Whether it is in the message log, and its answer is to be.
    pub logged: bool,
}

/// A call that was worked off.
pub(crate) struct Answered {
    pub frame: Frame,
    pub action: String,
    pub logged: bool,
}

/// Works a call off: the frame that answers it.
pub(crate) async fn answer<B: Backend>(
    backend: Arc<B>,
    link: Arc<Link>,
    version: Version,
    waiting: Waiting,
) -> Answered {
    let Waiting { id, action, call, logged } = waiting;
    let started = Instant::now();
    let error = |id, code, text: &str| Frame::error(version, id, code, text);
    let known = !matches!(call, Err(Unread::Unknown));
    let frame = match call {
        Ok(call) => match take(&*backend, &link, version, call).await {
            Ok(payload) => Frame::Result { id, payload },
            Err(Unavailable) => error(id, ErrorCode::InternalError, "not available, please repeat"),
        },
        Err(Unread::Wrong(wrong)) => error(id, wrong.code, &wrong.message),
        Err(Unread::Unknown) => error(id, ErrorCode::NotImplemented, "unknown action"),
    };
    let label = if known { action.clone() } else { "other".into() };
    metrics::histogram!("stromtor_ocpp_call_seconds", "action" => label).record(started.elapsed().as_secs_f64());
    Answered { frame, action, logged }
}

async fn take<B: Backend>(backend: &B, link: &Link, version: Version, call: Inbound) -> Result<Value, Unavailable> {
    let now = || backend.now();
    Ok(match call {
        Inbound::Heartbeat => v16::answer::heartbeat_answer(now()),
        Inbound::Boot(boot) => {
            let reply = patiently(|| backend.boot(link, version, boot.clone())).await?;
            v16::answer::boot_answer(reply, now())
        }
        Inbound::Status(status) => {
            patiently(|| backend.status(link, status.clone())).await?;
            json!({})
        }
        Inbound::Authorize { id_tag, certificate } => {
            let tag = patiently(|| backend.authorize(link, id_tag.clone())).await?;
            match (version, certificate) {
                (Version::V16, _) => v16::answer::authorize_answer(&tag),
                (Version::V201, None) => v201::answer::authorize(&tag, None),
                (Version::V201, Some(request)) => {
                    let judged = backend.certificates(link, "authorize", &request).await;
                    v201::answer::authorize(&tag, Some(judged.as_deref().unwrap_or("NoCertificateAvailable")))
                }
            }
        }
        Inbound::Start(start) => v16::answer::start_answer(&patiently(|| backend.start(link, start.clone())).await?),
        Inbound::Meter(meter) => {
            patiently(|| backend.meter(link, meter.clone())).await?;
            json!({})
        }
        Inbound::Stop(stop) => v16::answer::stop_answer(patiently(|| backend.stop(link, stop.clone())).await?.as_ref()),
        Inbound::Transaction(report) => {
            v201::answer::transaction(&patiently(|| backend.transaction(link, report.clone())).await?)
        }
        Inbound::DataTransfer(transfer) => {
            v16::answer::data_transfer_answer(patiently(|| backend.data_transfer(link, transfer.clone())).await?)
        }
        Inbound::Notice(notice) => {
            patiently(|| backend.notice(link, notice.clone())).await?;
            v201::answer::notice(&notice)
        }
        Inbound::SignCertificate(request) => {
            let accepted = patiently(|| backend.sign_certificate(link, request.clone())).await?;
            security::sign_certificate_answer(accepted)
        }
        Inbound::CertificateStatus(request) => {
            v201::answer::certificate_status(backend.certificates(link, "certificate_status", &request).await)
        }
        Inbound::EvCertificate(request) => {
            v201::answer::ev_certificate(backend.certificates(link, "ev_certificate", &request).await)
        }
        Inbound::PlugAndCharge(Ok(call)) => {
            v16::pnc::answer(&Box::pin(take(backend, link, Version::V201, *call)).await?)
        }
        Inbound::PlugAndCharge(Err(reply)) => v16::answer::data_transfer_answer(reply),
        Inbound::Progress(report) => {
            patiently(|| backend.progress(link, report.clone())).await?;
            json!({})
        }
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
