//! Brings mails out: over SMTP, or into a folder when no server is configured.

use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use serde::Deserialize;
use stromtor_domain::{Error, Result};
use stromtor_persistence::admin::delivery::{self, Claimed};

use crate::state::App;

const BATCH: i64 = 20;

#[derive(Deserialize)]
struct Mail {
    to: String,
    template: String,
    token: String,
}

/// Brings up to one batch out; whether there may be more.
pub async fn run_due(app: &App) -> Result<bool> {
    let mut tx = app.db.begin_worker().await?;
    let claimed = delivery::claim(&mut tx, "mail", BATCH).await?;
    tx.commit().await?;
    let full = claimed.len() as i64 == BATCH;
    for mail in claimed {
        let sent = send(app, &mail).await;
        let mut tx = app.db.begin_worker().await?;
        match sent {
            Ok(()) => delivery::done(&mut tx, mail.id).await?,
            Err(error) => {
                let cause = super::run::describe(&error);
                tracing::warn!(delivery = %mail.id, %cause, "mail failed");
                delivery::failed(&mut tx, mail.id, mail.attempts, &cause).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(full)
}

async fn send(app: &App, delivery: &Claimed) -> Result<()> {
    let sealed = delivery.payload["sealed"].as_str().and_then(|text| hex::decode(text).ok());
    let plain = app.secrets.open(&sealed.ok_or_else(|| Error::internal("a mail without content"))?)?;
    let mail: Mail = serde_json::from_slice(&plain).map_err(Error::internal)?;
    let (subject, lead) = match mail.template.as_str() {
        "invitation" => ("Your account on Stromtor", "You have been invited. Choose a password with this code:"),
        _ => ("Your new password", "Somebody, hopefully you, asked for a new password. Choose it with this code:"),
    };
    let body = format!(
        "{lead}\n\n  {token}\n\nSend it with the password you choose to {url}/v1/passwords:\n\n  \
         {{\"token\": \"{token}\", \"password\": \"…\"}}\n\nIf you did not expect this mail, ignore it.\n",
        token = mail.token,
        url = app.public_url,
    );
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(Error::internal);
    let message = Message::builder()
        .from(mailbox(&app.config.mail.from)?)
        .to(mailbox(&mail.to)?)
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(Error::internal)?;
    if app.config.mail.smtp_url.is_empty() {
        let folder = app.config.storage.data_dir.join("mail");
        tokio::fs::create_dir_all(&folder).await.map_err(Error::internal)?;
        AsyncFileTransport::<Tokio1Executor>::new(folder).send(message).await.map_err(Error::internal)?;
    } else {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&app.config.mail.smtp_url);
        transport.map_err(Error::internal)?.build().send(message).await.map_err(Error::internal)?;
    }
    Ok(())
}
