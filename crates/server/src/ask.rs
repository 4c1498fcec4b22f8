//! Asking the store: a query on a thread of its own, within its place, its time and its bytes.
//!
//! When the client goes away, the query is told and ends at its next block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::http::Uri;
use jiff::tz::TimeZone;
use proofbook_filter::{Filter, FilterError, FilterErrorKind, ResolveContext, ResolvedFilter};
use proofbook_query::{Budget, QueryError};
use sha2::{Digest, Sha256};

use crate::access::{Granted, InWorkspace};
use crate::app::App;
use crate::params::Params;
use crate::problem::{Code, Fault, Problem};
use crate::scoped::Scoped;
use crate::sight::Sight;

/// Parameters that say which events are meant.
pub(crate) const WHICH: [&str; 4] = ["q", "from", "to", "tz"];

/// Which events are meant.
#[derive(Debug)]
pub(crate) struct Which {
    /// The filter with its time range.
    pub(crate) filter: ResolvedFilter,
    /// Hash of the texts it was made of.
    pub(crate) hash: u64,
    /// The reader's zone.
    pub(crate) zone: TimeZone,
}

impl Which {
    /// Reads `q`, `from`, `to` and `tz`; refuses a filter that asks for what is hidden.
    pub(crate) fn read(app: &App, params: &Params, sight: &Sight) -> Result<Self, Problem> {
        let zone = match params.text("tz") {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                Problem::parameter("tz", "`tz` takes the name of a time zone such as Europe/Berlin")
            })?,
        };
        let context = ResolveContext { now: app.store.now(), zone: zone.clone() };
        let text = params.text("q").unwrap_or_default();
        let filter = Filter::parse(text).map_err(|error| filter_problem("q", &error, 0))?;
        sight.check_filter(&filter)?;
        let mut resolved = filter.resolve(&context);
        let mut hasher = Sha256::new();
        for (name, before) in [("q", ""), ("from", "occurred:>="), ("to", "occurred:<=")] {
            let given = params.text(name).unwrap_or_default();
            hasher.update((given.len() as u64).to_be_bytes());
            hasher.update(given);
            if name != "q" && !given.is_empty() {
                resolved = resolved.and(bound(name, before, given)?.resolve(&context));
            }
        }
        hasher.update(zone.iana_name().unwrap_or("UTC"));
        let hash = hasher.finalize();
        let hash = hash.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        Ok(Self { filter: resolved, hash, zone })
    }
}

/// Reads one end of the time range, in the forms that `occurred:` takes.
fn bound(name: &'static str, before: &str, given: &str) -> Result<Filter, Problem> {
    let is_plain = given
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b':' | b'.'));
    if !is_plain {
        let detail = "a time such as 2026-11-22, 2026-11-22T09:30:00Z or now-7d is expected";
        return Err(Problem::parameter(name, detail));
    }
    Filter::parse(&format!("{before}{given}"))
        .map_err(|error| filter_problem(name, &error, before.len()))
}

/// Says where a filter's text is at fault; `skip` bytes before it are not the client's.
pub(crate) fn filter_problem(name: &'static str, error: &FilterError, skip: usize) -> Problem {
    let limit = (error.kind == FilterErrorKind::Limit)
        .then_some(proofbook_filter::limits::TEXT_BYTES_MAX as u64);
    let fault = Fault {
        parameter: Some(name),
        offset: Some(error.offset.saturating_sub(skip) as u64),
        limit,
        suggestion: error.suggestion.clone(),
        detail: error.reason.clone(),
        ..Fault::default()
    };
    let code = if name == "q" { Code::InvalidFilter } else { Code::InvalidParameter };
    Problem::at(code, fault)
}

/// Reads the parameters that an address knows beside those that say which events are meant.
pub(crate) fn params(uri: &Uri, more: &[&'static str]) -> Result<Params, Problem> {
    let known: Vec<&'static str> = WHICH.iter().chain(more).copied().collect();
    Params::read(uri, &known)
}

/// Runs a query in the workspace of the path and waits for it.
pub(crate) async fn ask<T: Send + 'static>(
    app: &App,
    workspace: &InWorkspace,
    work: impl FnOnce(&Scoped, &Budget<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    ask_anywhere(app, workspace.granted(), work).await
}

/// Runs a query in a workspace that was granted and waits for it.
pub(crate) async fn ask_anywhere<T: Send + 'static>(
    app: &App,
    workspace: Granted,
    work: impl FnOnce(&Scoped, &Budget<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let place = app.queries.enter(app.config.queue_timeout).await?;
    let cancelled = CancelOnDrop::default();
    let flag = cancelled.0.clone();
    let shared = app.clone();
    let limits = (app.config.query_timeout, app.config.query_bytes);
    let work = app.blocking(place, move || {
        let reader = open(&shared, &workspace)?;
        with_budget(limits.0, limits.1, &flag, |budget| work(&reader, budget))
    });
    // A query looks at its budget once a block; one that hangs inside a block is not waited for.
    match tokio::time::timeout(limits.0 + GRACE, work).await {
        Ok(answer) => answer,
        Err(_) => {
            let limit = u64::try_from(limits.0.as_micros()).ok();
            let detail = "the query took longer than it may; narrow the filter".to_owned();
            Err(Problem::at(Code::OverBudget, Fault { limit, detail, ..Fault::default() }))
        }
    }
}

/// How long a query that passed its time may take to notice.
const GRACE: Duration = Duration::from_secs(2);

/// Opens a workspace for reading: it takes a proof of access and sees no more than that allows.
pub(crate) fn open(app: &App, workspace: &Granted) -> Result<Scoped, Problem> {
    let name = workspace.name();
    Scoped::open(app, workspace)
        .ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))
}

/// Gives work the bounds that it must keep.
pub(crate) fn with_budget<T>(
    time: Duration,
    bytes: u64,
    cancelled: &AtomicBool,
    work: impl FnOnce(&Budget<'_>) -> T,
) -> T {
    let started = Instant::now();
    let now_micros = move || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    work(&Budget { micros, bytes, cancelled, now_micros: &now_micros })
}

/// Raises its flag when the request that waits is gone.
#[derive(Default)]
pub(crate) struct CancelOnDrop(pub(crate) Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::Damaged { what } => {
                tracing::error!(what, "a query met damaged data");
                let detail = "a part of what was asked for is damaged; the operator's log names it";
                Self::new(Code::Unavailable, detail)
            }
            QueryError::OverBudget { limit, .. } => {
                let detail = error.to_string();
                Self::at(
                    Code::OverBudget,
                    Fault { limit: Some(*limit), detail, ..Fault::default() },
                )
            }
            QueryError::Cancelled => Self::new(Code::Overloaded, "nobody waits for this any more"),
            QueryError::PageTooFar { rows_max, .. } => Self::at(
                Code::PageTooFar,
                Fault {
                    parameter: Some("page"),
                    limit: Some(*rows_max),
                    detail: error.to_string(),
                    ..Fault::default()
                },
            ),
            QueryError::CursorForAnotherQuery => Self::at(
                Code::InvalidCursor,
                Fault {
                    parameter: Some("cursor"),
                    detail: "the cursor was made for another filter, time range or sort".to_owned(),
                    ..Fault::default()
                },
            ),
        }
    }
}
