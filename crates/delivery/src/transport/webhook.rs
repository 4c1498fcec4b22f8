//! Webhooks: one signed POST for one message.
//!
//! Nothing of the receiver's answer is trusted and little of it is read. No redirect is followed, no
//! proxy is asked, no cookie is kept. A connection is used again only when the answer before came to
//! its end; a kept one that turns out closed is replaced once, under the same delivery id.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response, header};
use tokio::time::Instant;

use super::{Answer, Sending, Transport};
use crate::call::{CallError, Caller, Connection, Whole, chain};
use crate::guard::{Guard, Target};
use crate::limits;
use crate::message::{Message, Payload};
use crate::sign::{Secret, signatures};

/// A receiver of webhooks.
pub struct Webhook {
    caller: Caller,
    secrets: Vec<Secret>,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that waits for its next request.
struct Idle {
    connection: Connection,
    since: Instant,
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("this message is a letter")]
    Letter,
}

impl Webhook {
    /// Makes a transport; nothing is connected yet.
    pub fn new(
        target: Target,
        secrets: Vec<Secret>,
        guard: Guard,
        tls: Arc<rustls::ClientConfig>,
    ) -> Self {
        Self { caller: Caller::new(target, guard, tls), secrets, idle: Mutex::default() }
    }

    async fn post(&self, message: &Message, now: i64) -> Result<Answer, SendError> {
        while let Some(mut kept) = self.take_idle() {
            if kept.sender.ready().await.is_err() {
                continue;
            }
            match kept.sender.send_request(self.request(message, now)?).await {
                Ok(response) => return Ok(self.judge(response, kept).await),
                // Closed by the receiver meanwhile; whether it took the message nobody knows.
                Err(_) => break,
            }
        }
        let mut fresh = self.caller.connect().await.map_err(CallError::from)?;
        let response = fresh
            .sender
            .send_request(self.request(message, now)?)
            .await
            .map_err(CallError::Http)?;
        Ok(self.judge(response, fresh).await)
    }

    fn request(&self, message: &Message, now: i64) -> Result<Request<Whole>, SendError> {
        let Payload::Body { content_type, bytes } = &message.payload else {
            return Err(SendError::Letter);
        };
        let mut request = self
            .caller
            .post()
            .header(header::CONTENT_TYPE, *content_type)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now);
        if !self.secrets.is_empty() {
            let signatures = signatures(&self.secrets, &message.id, now, bytes);
            request = request.header("webhook-signature", signatures);
        }
        Ok(request.body(Whole::new(bytes.clone())).map_err(CallError::from)?)
    }

    /// Reads what must be read of an answer, and keeps the connection when it came to its end.
    async fn judge(&self, response: Response<Incoming>, connection: Connection) -> Answer {
        let answer = answer_of(&response);
        let rest = tokio::time::timeout(limits::ANSWER_REST, drain(response.into_body()));
        if rest.await == Ok(true) {
            self.keep(connection);
        }
        answer
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < limits::IDLE_TIME);
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::IDLE_CONNECTIONS_MAX && !connection.sender.is_closed() {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

impl Transport for Webhook {
    fn send<'a>(&'a self, message: &'a Message, now: i64) -> Sending<'a> {
        Box::pin(async move {
            let failed = |why: String| Answer::Failed { why, retry_after: None };
            match tokio::time::timeout(limits::MESSAGE_DEADLINE, self.post(message, now)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => failed(chain(&error)),
                Err(_) => {
                    let seconds = limits::MESSAGE_DEADLINE.as_secs();
                    failed(format!("no answer within {seconds} s"))
                }
            }
        })
    }
}

/// Reads a body to its end; false when it is longer than it may be or breaks off.
async fn drain(mut body: Incoming) -> bool {
    let mut bytes_total = 0;
    loop {
        let frame =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context));
        match frame.await {
            None => return true,
            Some(Ok(frame)) => {
                bytes_total += frame.data_ref().map_or(0, Bytes::len);
                if bytes_total > limits::ANSWER_BYTES_MAX {
                    return false;
                }
            }
            Some(Err(_)) => return false,
        }
    }
}

fn answer_of(response: &Response<Incoming>) -> Answer {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let code = status.as_u16();
    match code {
        200..=299 => Answer::Taken,
        300..=399 => {
            let why = format!("answered {code}; redirects are not followed");
            Answer::Failed { why, retry_after }
        }
        // These say that something is wrong with the address or its owner, not with this message.
        401 | 402 | 403 | 404 | 405 | 407 | 408 | 410 | 421 | 423 | 425 | 429 => {
            Answer::Failed { why: format!("answered {code}"), retry_after }
        }
        400..=499 => Answer::Refused { why: format!("answered {code}") },
        _ => Answer::Failed { why: format!("answered {code}"), retry_after },
    }
}

#[cfg(test)]
mod tests;
