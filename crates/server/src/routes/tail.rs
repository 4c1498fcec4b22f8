//! `GET /v1/workspaces/{ws}/tail`: new events as they are recorded, as server-sent events.
//!
//! Each event's `id` is its number, so a client that comes back with `Last-Event-ID` (or `after`) goes
//! on without gap; without either the tail begins at the newest event. Where the filter lets nothing
//! through, the id still moves on with every sign of life. A tail ends when the server stops, when its
//! key is revoked or expires, and when something cannot be read; `event: end` says why.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use proofbook_filter::ResolvedFilter;
use proofbook_store::store::Store;
use tokio::time::Instant;

use crate::access::InWorkspace;
use crate::app::{App, Place};
use crate::ask::{self, Which, open, with_budget};
use crate::problem::{Code, Problem};

/// How often a tail looks for new events.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After this much silence a sign of life is sent, so that proxies keep the connection.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Events that one look reads at most; more follow at once.
const EVENTS_MAX: usize = 100;
/// What comes first: how long to wait before coming back, in milliseconds.
const GREETING: &str = "retry: 1000\n: connected\n\n";

/// Answers the stream.
pub(crate) async fn follow(
    State(app): State<App>,
    place: InWorkspace,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = ask::params(&uri, &["after"])?;
    let filter = Which::read(&app, &params, place.sight())?.filter;
    let resume = match headers.get("last-event-id") {
        Some(value) => {
            let seq = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            let detail = "Last-Event-ID is the number of the last event that was seen";
            Some(seq.ok_or_else(|| Problem::new(Code::InvalidParameter, detail))?)
        }
        None => params.number("after", 0..=u64::MAX)?,
    };
    let seat = app.tails.try_enter()?;
    let size = head_size(&app.store, place.name())
        .ok_or_else(|| Problem::not_found(format!("there is no workspace {}", place.name())))?;
    // A number from the future would wait for ever; the tail then begins at the newest event.
    let reached = resume.map(|seq: u64| seq.saturating_add(1)).unwrap_or(size).min(size);
    let tail = Tail {
        app,
        place,
        filter,
        reached,
        told: reached,
        silent_since: Instant::now(),
        phase: Phase::Greets,
        _seat: seat,
    };
    let body = Body::from_stream(stream::unfold(tail, Tail::next));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn head_size(store: &Store, workspace: &str) -> Option<u64> {
    store.directory().by_name(workspace).map(|workspace| workspace.edge.size())
}

struct Tail {
    app: App,
    place: InWorkspace,
    filter: ResolvedFilter,
    /// Everything below this number was looked at.
    reached: u64,
    /// What `reached` was when a sign of life last moved the client's `Last-Event-ID`.
    told: u64,
    silent_since: Instant,
    phase: Phase,
    _seat: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greets,
    Follows,
    Ended,
}

impl Tail {
    /// Waits for what to send next.
    async fn next(mut self) -> Option<(Result<Bytes, io::Error>, Self)> {
        match self.phase {
            Phase::Greets => {
                self.phase = Phase::Follows;
                return Some((Ok(Bytes::from_static(GREETING.as_bytes())), self));
            }
            Phase::Ended => return None,
            Phase::Follows => {}
        }
        loop {
            if self.app.stopping.is_cancelled() {
                return Some(self.end("the server is stopping; come back with Last-Event-ID"));
            }
            if !self.place.grant().is_live(&self.app) {
                return Some(self.end("the key does not work any more"));
            }
            if head_size(&self.app.store, self.place.name()) > Some(self.reached) {
                match self.look().await {
                    Ok(Some(text)) => {
                        self.silent_since = Instant::now();
                        return Some((Ok(text), self));
                    }
                    Ok(None) => {}
                    // Full places are waited for; the client sees signs of life meanwhile.
                    Err(problem) if problem.code == Code::Overloaded => {}
                    Err(problem) => return Some(self.end(&problem.detail)),
                }
            }
            if self.silent_since.elapsed() >= ALIVE_EVERY {
                self.silent_since = Instant::now();
                let mut text = String::from(": alive\n");
                if self.told < self.reached {
                    self.told = self.reached;
                    text.push_str(&format!("id: {}\n", self.told - 1));
                }
                text.push('\n');
                return Some((Ok(text.into()), self));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.app.stopping.cancelled() => {}
            }
        }
    }

    /// Reads what is new; `None` when the filter lets nothing through.
    async fn look(&mut self) -> Result<Option<Bytes>, Problem> {
        let place = self.app.tail_reads.enter(self.app.config.queue_timeout).await?;
        let (app, name, filter) = (self.app.clone(), self.place.granted(), self.filter.clone());
        let after = self.reached.checked_sub(1);
        let (text, reached) = self
            .app
            .blocking(place, move || {
                let reader = open(&app, &name)?;
                let never = AtomicBool::new(false);
                let (time, bytes) = (app.config.query_timeout, app.config.query_bytes);
                let found = with_budget(time, bytes, &never, |budget| {
                    reader.after_seq(&filter, after, EVENTS_MAX, budget)
                })?;
                let reached = match found.last() {
                    Some(last) if found.len() == EVENTS_MAX => last.seq() + 1,
                    _ => reader.head().size,
                };
                let mut text = String::new();
                for event in &found {
                    let json = reader.written(event)?;
                    text.push_str(&format!("id: {}\ndata: {}\n\n", event.seq(), json.get()));
                }
                Ok((text, reached))
            })
            .await?;
        self.reached = reached.max(self.reached);
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(text.into()))
    }

    fn end(mut self, reason: &str) -> (Result<Bytes, io::Error>, Self) {
        self.phase = Phase::Ended;
        let text = format!("event: end\ndata: {}\n\n", serde_json::json!({"reason": reason}));
        (Ok(text.into()), self)
    }
}
