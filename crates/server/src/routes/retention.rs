//! `/v1/workspaces/{ws}/retention`: how long events are kept, and what the next purge would take. It
//! changes nothing.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use proofbook_event::Timestamp;
use proofbook_filter::{Filter, ResolveContext};
use proofbook_query::{Budget, ListRequest, Reader, Sort};
use proofbook_store::rules::policy_of;
use proofbook_store::store::Store;
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
        let last_purge = last_purge(&store, &name);
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
            "last_purge": last_purge,
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

/// Returns what the newest purge of a workspace took, as its event tells it.
fn last_purge(store: &Store, workspace: &str) -> Option<Value> {
    let reader = Reader::open(store, workspace)?;
    let context = ResolveContext { now: store.now(), zone: TimeZone::UTC };
    let request = ListRequest {
        filter: Filter::parse("action:audit_log.purged").ok()?.resolve(&context),
        filter_hash: 0,
        sort: Sort::NewestFirst,
        limit: 1,
        cursor: None,
        page: None,
    };
    let page = reader.list(&request, &Budget::unlimited()).ok()?;
    let event = page.events.first()?.event().ok()?;
    let facts: Value = serde_json::from_str(&event.metadata()?.to_string()).ok()?;
    Some(json!({
        "at": event.clear.recorded_at.to_string(),
        "events": facts["count"],
        "first_seq": facts["first_seq"],
        "last_seq": facts["last_seq"],
        "policy": facts["policy"],
    }))
}
