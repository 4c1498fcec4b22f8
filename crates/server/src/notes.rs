//! What happens to the log itself and is an event in it: it was viewed, exported, or refused.
//!
//! At most one of a kind per reader and 15 minutes, of exports one of a part and one of the whole, appended without delaying the answer. Reads by a
//! key are metrics, not events.

use axum::http::request::Parts;
use proofbook_delivery::warnings::Kind;
use proofbook_store::commit::CommitError;
use proofbook_store::config::ConfigChange;
use proofbook_store::prepare::Wanted;
use serde_json::{Value, json};

use crate::access::InWorkspace;
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
    /// Whether it is told at all: a reader's first one in 15 minutes is.
    is_due: bool,
    /// Whether nothing was left out, so that it counts as a copy of everything.
    is_whole: bool,
}

impl Export {
    /// Begins.
    pub(crate) fn begin(app: &App, place: &InWorkspace, format: &str, asked: &Params) -> Self {
        let (workspace, grant) = (place.name(), place.grant());
        let who = grant.viewer().map_or(grant.key_id(), |viewer| &viewer.id);
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
        let is_asked_for =
            |name: &&str| asked.text(name).is_some_and(|text| !text.trim().is_empty());
        let is_whole = place.sight().is_everything() && !NARROWING.iter().any(is_asked_for);
        Self {
            app: app.clone(),
            workspace: workspace.to_owned(),
            event,
            is_due: is_due(
                app,
                if is_whole { "exported whole" } else { "exported" },
                who,
                workspace,
            ),
            is_whole,
        }
    }

    /// Records it with the number of events that were written, of those below a number in the
    /// workspace; `complete` when it did not break off.
    ///
    /// A whole export is what ends a warning, so while there is one it is recorded however often its
    /// reader exports.
    pub(crate) fn end(mut self, count: u64, below_seq: u64, complete: bool) {
        self.event["metadata"]["count"] = json!(count);
        if !complete {
            self.event["outcome"] = json!({"result": "failure", "code": "broke_off"});
        }
        let warned = self.app.store.view().config.warned.clone();
        let mut open = warned.of(&self.workspace).iter();
        let is_asked_for =
            open.any(|open| Kind::parse(&open.kind).is_some_and(Kind::asks_for_export));
        let is_news = below_seq > warned.exported_below(&self.workspace);
        let counts = complete && self.is_whole && is_news && (self.is_due || is_asked_for);
        let change = counts.then(|| {
            self.event["metadata"]["below_seq"] = json!(below_seq);
            ConfigChange::Exported { workspace: self.workspace.clone(), below_seq }
        });
        if change.is_some() || self.is_due {
            append_with(&self.app, &self.workspace, "audit_log.exported", self.event, change);
        }
    }
}

/// Parameters that make an export one of a part.
const NARROWING: [&str; 9] = [
    "q",
    "from",
    "to",
    "columns",
    "from_seq",
    "to_seq",
    "recorded_from",
    "recorded_to",
    "withhold",
];

fn is_due(app: &App, deed: &str, who: &str, workspace: &str) -> bool {
    app.noted.is_due(&format!("{deed} {who}"), workspace, app.store.now().micros())
}

/// Hands an event to the log; a failure is told to the operator alone.
pub(crate) fn append(app: &App, workspace: &str, action: &'static str, event: Value) {
    append_with(app, workspace, action, event, None);
}

/// Hands an event to the log together with the change that it tells of.
fn append_with(
    app: &App,
    workspace: &str,
    action: &'static str,
    mut event: Value,
    change: Option<ConfigChange>,
) {
    event["action"] = json!("placeholder");
    let event = event.to_string();
    let (app, workspace) = (app.clone(), workspace.to_owned());
    let work = move || {
        let Ok(draft) = draft_of(event.as_bytes(), action) else { return };
        let wanted = Wanted { workspace: &workspace, draft };
        let prepared = match change {
            Some(change) => app.store.prepare_change(change, wanted),
            None => app.store.prepare(false, vec![Ok(wanted)]),
        };
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
