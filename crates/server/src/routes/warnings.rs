//! `/v1/workspaces/{ws}/warnings` and `/v1/warnings`: what was warned of and is not over.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_delivery::link;
use proofbook_delivery::tongue::Tongue;
use proofbook_delivery::warnings::{self, Kind};
use proofbook_event::Timestamp;
use proofbook_store::warned::Warning;
use serde_json::{Value, json};

use crate::access::{Grant, InWorkspace};
use crate::app::App;
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};

/// Answers the warnings of one workspace, to who sees all of it.
pub(crate) async fn of_workspace(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let tongue = tongue(&Params::read(&uri, &["lang"])?)?;
    if !place.sight().is_everything() {
        let detail = "warnings are about the whole workspace, and this token sees a part of it";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let warned = app.store.view().config.warned.clone();
    let data: Vec<Value> =
        warned.of(place.name()).iter().map(|warning| shown(&app, warning, tongue)).collect();
    Ok(Json(json!({"data": data, "exported_below": warned.exported_below(place.name())}))
        .into_response())
}

/// Answers the warnings of all workspaces, by workspace.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    let tongue = tongue(&Params::read(&uri, &["lang"])?)?;
    let warned = app.store.view().config.warned.clone();
    let mut all: Vec<&Warning> = warned.all().collect();
    all.sort_by_key(|warning| (&warning.workspace, warning.raised_at));
    let shown = all.iter().take(limits::ITEMS_MAX).map(|warning| shown(&app, warning, tongue));
    let data: Vec<Value> = shown.collect();
    Ok(Json(json!({"data": data, "count": all.len()})).into_response())
}

fn tongue(params: &Params) -> Result<Tongue, Problem> {
    let known = [("en", Tongue::English), ("de", Tongue::German)];
    Ok(params.word("lang", &known)?.unwrap_or_default())
}

/// Writes a warning.
pub(crate) fn shown(app: &App, warning: &Warning, tongue: Tongue) -> Value {
    let kind = Kind::parse(&warning.kind);
    let workspace = app.store.directory().by_name(&warning.workspace);
    let settings = workspace.map(|workspace| workspace.settings.clone()).unwrap_or_default();
    let public = app.config.public_url.as_ref().map(|url| url.as_str());
    let export = kind
        .filter(|kind| kind.asks_for_export())
        .and_then(|_| link::to_export(public, &settings, &warning.workspace));
    json!({
        "workspace": warning.workspace,
        "kind": warning.kind,
        "subject": warning.subject,
        "text": warnings::text(warning, tongue),
        "raised_at": Timestamp::from_micros(warning.raised_at).to_string(),
        "facts": warning.facts,
        "export_link": export,
    })
}
