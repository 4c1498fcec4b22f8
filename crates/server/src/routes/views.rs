//! `/v1/views`: saved views of a workspace, one's own, everybody's, and those of the preset.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_filter::Filter;
use serde_json::{Value, json};

use crate::access::{Grant, Granted, InWorkspace};
use crate::admin::record_event;
use crate::app::App;
use crate::ask::ask_anywhere;
use crate::document::{self, Document};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::views::{CHANGES_MAX, REMOVED, SAVED, VIEWS_MAX, View, ViewKey};

const FIELDS: &[&str] = &["workspace", "name", "query", "shared"];
const YES_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Answers the views that a reader can choose, ready ones first, then by name.
pub(crate) async fn list(
    State(app): State<App>,
    grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["workspace"])?;
    let place = place(&app, grant, params.text("workspace"))?;
    let views = shown(&app, &place).await?;
    Ok(Json(json!({"data": views})).into_response())
}

/// Returns a workspace's views as its reader sees them.
pub(crate) async fn shown(app: &App, place: &InWorkspace) -> Result<Vec<Value>, Problem> {
    let workspace = app.store.directory().by_name(place.name());
    let settings = workspace.map(|workspace| workspace.settings.clone()).unwrap_or_default();
    let catalog = app.store.catalog_of(&settings);
    let ready = catalog.preset().views.iter().map(|view| {
        json!({"name": view.name, "query": view.query, "ready": true, "shared": true, "mine": false})
    });
    let mut views: Vec<Value> = ready.collect();
    views.extend(saved(app, place).await?.into_iter().map(|(key, view)| {
        json!({
            "name": key.name,
            "query": view.query,
            "ready": false,
            "shared": key.owner.is_none(),
            "mine": key.owner.is_some(),
            "owner": {"id": view.by.0, "name": view.by.1},
        })
    }));
    Ok(views)
}

/// Saves a view; from the answer on it is there.
pub(crate) async fn put(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, FIELDS)?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?;
    let place = place(&app, grant, Some(workspace))?;
    let name = document.required_text("/name", limits::TITLE_BYTES_MAX)?.trim().to_owned();
    let query = document.text("/query", proofbook_filter::limits::TEXT_BYTES_MAX)?;
    let query = query.unwrap_or_default().to_owned();
    Filter::parse(&query).map_err(|error| {
        let detail = format!("at byte {} of the query: {}", error.offset, error.reason);
        document.fault(Code::Invalid, "/query", detail, None)
    })?;
    let key = key(&place, name, document.flag("/shared")?.unwrap_or(false))?;
    let _turn = app.turn().await?;
    let known = saved(&app, &place).await?;
    let before = known.iter().find(|(other, _)| *other == key).map(|(_, view)| view.clone());
    if before.is_none() && known.len() >= VIEWS_MAX {
        let max = VIEWS_MAX as u64;
        return Err(Problem::too_large(0, max, format!("there are {max} views already")));
    }
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    if before.as_ref().is_none_or(|before| before.query != query) {
        let values = (before.map(|before| key.to_json(&before.query)), Some(key.to_json(&query)));
        record(&app, &place, &key, SAVED, values).await?;
    }
    let body = json!({"name": key.name, "query": query, "shared": key.owner.is_none()});
    Ok((status, Json(body)).into_response())
}

/// Removes a view.
pub(crate) async fn remove(
    State(app): State<App>,
    grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["workspace", "name", "shared"])?;
    let place = place(&app, grant, params.text("workspace"))?;
    let name = params.text("name").ok_or_else(|| {
        Problem::parameter("name", "`name` is missing; it is the name of the view")
    })?;
    let shared = params.word("shared", YES_NO)?.unwrap_or(false);
    let key = key(&place, name.to_owned(), shared)?;
    let _turn = app.turn().await?;
    let known = saved(&app, &place).await?;
    let Some((_, before)) = known.into_iter().find(|(other, _)| *other == key) else {
        return Err(Problem::not_found("there is no such view"));
    };
    let values = (Some(key.to_json(&before.query)), None);
    record(&app, &place, &key, REMOVED, values).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn place(app: &App, grant: Grant, workspace: Option<&str>) -> Result<InWorkspace, Problem> {
    let own = grant.viewer().map(|viewer| viewer.workspace.clone());
    let name = workspace.map(str::to_owned).or(own).ok_or_else(|| {
        Problem::parameter("workspace", "`workspace` is missing; it is the name of a workspace")
    })?;
    grant.in_workspace(app, name)
}

/// Says which view is meant, if this reader may change it: one's own always, everybody's with the
/// right to manage.
fn key(place: &InWorkspace, name: String, shared: bool) -> Result<ViewKey, Problem> {
    let grant = place.grant();
    let owner = grant.viewer().map(|viewer| viewer.id.clone());
    let manages = grant.viewer().map_or(grant.is_admin(), |viewer| viewer.manage);
    if (shared || owner.is_none()) && !manages {
        let detail = "a view for everybody is changed with an admin key, or by a viewer whose token \
                      says `manage`";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let owner = owner.filter(|_| !shared);
    Ok(ViewKey { workspace: place.name().to_owned(), owner, name })
}

/// Returns the saved views that the reader sees: everybody's and their own.
async fn saved(app: &App, place: &InWorkspace) -> Result<Vec<(ViewKey, View)>, Problem> {
    let (shared, name) = (app.clone(), place.name().to_owned());
    let reader = place.grant().viewer().map(|viewer| viewer.id.clone());
    ask_anywhere(app, Granted::for_views(), move |system, budget| {
        shared.views.list(system, budget, |key| {
            key.workspace == name && (key.owner.is_none() || key.owner == reader)
        })
    })
    .await
}

async fn record(
    app: &App,
    place: &InWorkspace,
    key: &ViewKey,
    action: &'static str,
    (before, after): (Option<Value>, Option<Value>),
) -> Result<(), Problem> {
    let grant = place.grant();
    let who = grant.viewer().map_or(grant.key_id(), |viewer| &viewer.id);
    let who = format!("{} {who}", place.name());
    if !app.view_changes.take(&who, app.store.now().micros(), CHANGES_MAX) {
        let detail = format!("views are changed at most {CHANGES_MAX} times an hour");
        return Err(Problem::new(Code::Busy, detail).retry_after(3600));
    }
    let mut event = json!({
        "actor": grant.actor(),
        "via": {"channel": if grant.viewer().is_some() { "ui" } else { "api" }},
        "targets": [{"type": "view", "id": key.name, "name": key.name},
                    {"type": "workspace", "id": key.workspace}],
    });
    for (name, value) in [("before", before), ("after", after)] {
        if let Some(value) = value {
            event[name] = value;
        }
    }
    record_event(app, SYSTEM_WORKSPACE, action, event).await.map(drop)
}
