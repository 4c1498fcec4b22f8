//! `/v1/workspaces/{ws}/retention`: how long events are kept, and what the next purge would take. It
//! changes nothing.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_store::rules::policy_of;
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::params::Params;
use crate::problem::{Code, Problem};

/// Answers policy, the moment that begins what is kept, holds, and a dry run of the next purge.
pub(crate) async fn show(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let name = place.name().to_owned();
    let turn = app.ingest.enter(app.config.queue_timeout).await?;
    let store = app.store.clone();
    let body = app.blocking(turn, move || {
        let workspace = store.directory().by_name(&name);
        let workspace = workspace
            .ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))?;
        let view = store.view();
        let catalog = store.catalog_of(&workspace.settings);
        let policy = policy_of(catalog.preset(), &workspace.settings);
        let rules = store.rules_of(&view, &workspace);
        let would = store.purge_dry_run(workspace.uid).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a dry run failed");
            Problem::new(Code::Internal, "a segment of this workspace cannot be read")
        })?;
        let time = |micros: i64| Timestamp::from_micros(micros).to_string();
        let actions = policy.actions.iter();
        let actions = actions.map(|(name, keep)| (name.clone(), json!(keep.to_string())));
        let holds = view.config.holds.values().filter(|hold| hold.workspace == name);
        let holds: Vec<&str> = holds.map(|hold| hold.id.as_str()).collect();
        Ok::<_, Problem>(json!({
            "keep": policy.keep.to_string(),
            "actions": Value::Object(actions.collect()),
            "since": rules.cutoffs.default().map(time),
            "holds": holds,
            "purge_waits_for_clock": !store.clock().purge_allowed(),
            "would_purge": {
                "events": would.expired - would.held,
                "held": would.held,
                "sample": would.sample,
                "first": would.occurred.map(|(first, _)| time(first)),
                "last": would.occurred.map(|(_, last)| time(last)),
            },
        }))
    });
    Ok(Json(body.await?).into_response())
}
