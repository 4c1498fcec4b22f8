//! What happens to the log itself and is an event in it: it was viewed, exported, or refused.
//!
//! At most one of a kind per reader and 15 minutes, appended without delaying the answer. Reads by a
//! key are metrics, not events.

use axum::http::request::Parts;
use proofbook_store::commit::CommitError;
use proofbook_store::prepare::Wanted;
use serde_json::{Value, json};

use crate::access::{Grant, InWorkspace};
use crate::admin::draft_of;
use crate::app::App;
use crate::params::Params;
use crate::viewer::Viewer;

/// Bytes of a query that an event keeps.
const QUERY_BYTES_MAX: usize = 2048;

/// Records that a viewer reads, with what they first asked for.
pub(crate) fn viewed(app: &App, place: &InWorkspace, parts: &Parts) {
    let Some(viewer) = place.grant().viewer() else { return };
    // An export is an event of its own.
    if parts.uri.path().ends_with("/export") || !is_due(app, "viewed", &viewer.id, place.name()) {
        return;
    }
    let event = json!({
        "actor": viewer.actor(),
        "via": {"channel": "ui"},
        "metadata": {"query": short(&Params::peek(&parts.uri, "q"))},
    });
    append(app, place.name(), "audit_log.viewed", event);
}

/// Records that a role was refused.
pub(crate) fn denied(app: &App, workspace: &str, viewer: &Viewer) {
    if !is_due(app, "denied", &viewer.id, workspace) {
        return;
    }
    let event = json!({
        "actor": viewer.actor(),
        "via": {"channel": "ui"},
        "outcome": {"result": "denied", "code": "role_refused"},
        "metadata": {"role": viewer.role},
    });
    append(app, workspace, "audit_log.access_denied", event);
}

/// An export that began, to be recorded when it ended, however it ended.
pub(crate) struct Export {
    app: App,
    workspace: String,
    event: Value,
}

impl Export {
    /// Begins; `None` when this reader exported from this workspace in the last 15 minutes.
    pub(crate) fn begin(
        app: &App,
        workspace: &str,
        grant: &Grant,
        format: &str,
        asked: &Params,
    ) -> Option<Self> {
        let who = grant.viewer().map_or(grant.key_id(), |viewer| &viewer.id);
        if !is_due(app, "exported", who, workspace) {
            return None;
        }
        let channel = if grant.viewer().is_some() { "ui" } else { "api" };
        let mut metadata = json!({
            "query": short(asked.text("q").unwrap_or_default()),
            "format": format,
        });
        for name in ["from", "to"] {
            if let Some(time) = asked.text(name) {
                metadata[name] = json!(short(time));
            }
        }
        let event =
            json!({"actor": grant.actor(), "via": {"channel": channel}, "metadata": metadata});
        Some(Self { app: app.clone(), workspace: workspace.to_owned(), event })
    }

    /// Records it with the number of events that were written.
    pub(crate) fn end(mut self, count: u64, complete: bool) {
        self.event["metadata"]["count"] = json!(count);
        if !complete {
            self.event["outcome"] = json!({"result": "failure", "code": "broke_off"});
        }
        append(&self.app, &self.workspace, "audit_log.exported", self.event);
    }
}

fn is_due(app: &App, deed: &str, who: &str, workspace: &str) -> bool {
    app.noted.is_due(&format!("{deed} {who}"), workspace, app.store.now().micros())
}

/// Hands an event to the log; a failure is told to the operator alone.
pub(crate) fn append(app: &App, workspace: &str, action: &'static str, mut event: Value) {
    event["action"] = json!("placeholder");
    let event = event.to_string();
    let (app, workspace) = (app.clone(), workspace.to_owned());
    let work = move || {
        let Ok(draft) = draft_of(event.as_bytes(), action) else { return };
        let wanted = Wanted { workspace: &workspace, draft };
        let prepared = app.store.prepare(false, vec![Ok(wanted)]);
        let submitted = app.store.submit(prepared, move |receipts| {
            if let Err(error) = receipts {
                warn(action, &error);
            }
        });
        if let Err(error) = submitted {
            warn(action, &error);
        }
    };
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        // On a thread of the store or of a test there is nobody to delay.
        Err(_) => work(),
    }
}

fn warn(action: &str, error: &CommitError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, action, "a deed of a reader was not recorded");
}

fn short(text: &str) -> String {
    let mut end = text.len().min(QUERY_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
