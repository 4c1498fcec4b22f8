//! `/v1/workspaces` and `/v1/workspaces/{ws}`: what workspaces there are, and their settings.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_catalog::retention::Keep;
use proofbook_event::name::{self, SYSTEM_WORKSPACE};
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use proofbook_store::fold::Workspace;
use proofbook_store::rules::policy_of;
use serde_json::{Value, json};

use crate::access::{Grant, InWorkspace};
use crate::admin::{self, Act};
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::notes;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::catalogs;

const FIELDS: &[&str] =
    &["name", "preset", "plan", "owner", "app_url", "viewer_url", "retention", "retention_actions"];
/// Actions of one workspace that may have a retention of their own.
const RETENTION_ACTIONS_MAX: usize = 256;

/// Answers the workspaces that the key is bound to, by name.
pub(crate) async fn list(
    State(app): State<App>,
    grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["after", "limit"])?;
    let limit = params.number("limit", 1..=limits::ITEMS_MAX as u32)?;
    let limit = limit.map_or(100, |limit| limit as usize);
    let after = params.text("after").unwrap_or_default().to_owned();
    let place = app.queries.enter(app.config.queue_timeout).await?;
    let shared = app.clone();
    let body = app
        .blocking(place, move || {
            let mut found = shared.store.directory().all();
            found.retain(|workspace| *workspace.name > *after && grant.covers(&workspace.name));
            found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            let more = found.len() > limit;
            found.truncate(limit);
            let data: Vec<Value> = found.iter().map(|found| shown(&shared, found)).collect();
            let next = found.last().filter(|_| more).map(|last| last.name.to_string());
            Ok(json!({"data": data, "next_after": next}))
        })
        .await?;
    Ok(Json(body).into_response())
}

/// Answers one workspace.
pub(crate) async fn get(State(app): State<App>, place: InWorkspace) -> Result<Response, Problem> {
    let workspace = find(&app, place.name())?;
    Ok(Json(shown(&app, &workspace)).into_response())
}

/// Replaces a workspace's settings, making it when it does not exist.
pub(crate) async fn put(
    State(app): State<App>,
    place: InWorkspace,
    request: Request,
) -> Result<Response, Problem> {
    let name = place.name();
    if name == SYSTEM_WORKSPACE {
        let detail = "the workspace _system has no settings";
        return Err(Problem::new(Code::Reserved, detail));
    }
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let settings = settings(&app, &text)?;
    let _turn = app.turn().await?;
    let before = app.store.directory().by_name(name);
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let act = Act {
        action: "audit_log.workspace_changed",
        target: ("workspace", name.to_owned(), settings.title.clone().unwrap_or_default()),
        before: before.as_ref().map(|workspace| of_settings(&workspace.settings)),
        after: Some(of_settings(&settings)),
    };
    let kept = |settings: &WorkspaceSettings| {
        let catalog = app.store.catalog_of(settings);
        let policy = policy_of(catalog.preset(), settings);
        json!({"plan": settings.plan, "keep": policy.to_string()})
    };
    let (kept_before, kept_after) =
        (before.as_ref().map(|workspace| kept(&workspace.settings)), kept(&settings));
    let change = ConfigChange::PutWorkspace { name: name.to_owned(), settings };
    admin::record(&app, place.grant(), change, act).await?;
    if let Some(before) = kept_before.filter(|before| before["keep"] != kept_after["keep"]) {
        // Its readers are told in their own log; that it was done is durable already.
        let event = json!({
            "actor": place.grant().actor(),
            "via": {"channel": "api"},
            "targets": [{"type": "workspace", "id": name}],
            "before": before,
            "after": kept_after,
        });
        notes::append(&app, name, "audit_log.retention_changed", event);
    }
    let workspace = find(&app, name)?;
    Ok((status, Json(shown(&app, &workspace))).into_response())
}

fn find(app: &App, name: &str) -> Result<std::sync::Arc<Workspace>, Problem> {
    let found = app.store.directory().by_name(name);
    found.ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))
}

fn settings(app: &App, text: &[u8]) -> Result<WorkspaceSettings, Problem> {
    let document = Document::parse(text, FIELDS)?;
    document.has_object("owner", &["name", "email"])?;
    let preset = document.text("/preset", limits::TITLE_BYTES_MAX)?;
    let plan = document.text("/plan", limits::TITLE_BYTES_MAX)?;
    let catalog = catalogs::find(app, preset.unwrap_or("default")).ok_or_else(|| {
        let detail = "there is no preset of this name; GET /v1/catalogs lists them".to_owned();
        document.fault(Code::Invalid, "/preset", detail, None)
    })?;
    let plans = &catalog.preset().retention.plans;
    if let Some(plan) = plan
        && !plans.contains_key(plan)
    {
        let list: Vec<&str> = plans.keys().map(String::as_str).collect();
        let detail = match list.as_slice() {
            [] => "this preset has no plans".to_owned(),
            list => format!("this preset has the plans {}", list.join(", ")),
        };
        return Err(document.fault(Code::Invalid, "/plan", detail, None));
    }
    let email = document::title(&document, "/owner/email")?;
    if let Some(email) = &email
        && !is_email(email)
    {
        let detail = "an e-mail address such as ada@acme.example is expected".to_owned();
        return Err(document.fault(Code::Invalid, "/owner/email", detail, None));
    }
    Ok(WorkspaceSettings {
        title: document::title(&document, "/name")?,
        preset: preset.map(str::to_owned),
        plan: plan.map(str::to_owned),
        owner_name: document::title(&document, "/owner/name")?,
        owner_email: email,
        app_url: document::url(&document, "/app_url")?.map(str::to_owned),
        viewer_url: document::url(&document, "/viewer_url")?.map(str::to_owned),
        retention: keep(&document, "/retention", document.text("/retention", 16)?)?,
        retention_actions: retention_actions(&document)?,
    })
}

/// Reads how long something is kept, as it is written in plans.
fn keep(
    document: &Document<'_>,
    pointer: &str,
    text: Option<&str>,
) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<Keep>() {
        Ok(keep) => Ok(Some(keep.to_string())),
        Err(error) => Err(document.fault(Code::Invalid, pointer, error.to_string(), None)),
    }
}

fn retention_actions(document: &Document<'_>) -> Result<BTreeMap<String, String>, Problem> {
    let mut kept = BTreeMap::new();
    for (action, text) in document.members("/retention_actions", RETENTION_ACTIONS_MAX)? {
        let pointer = format!("/retention_actions/{action}");
        if !name::is_action_name(action) {
            let detail = "an action's name such as project.update is expected".to_owned();
            return Err(document.fault(Code::Invalid, &pointer, detail, None));
        }
        if let Some(keep) = keep(document, &pointer, Some(text))? {
            kept.insert(action.to_owned(), keep);
        }
    }
    Ok(kept)
}

/// Tells whether a text can be an address: one `@` with something on both sides, nothing that would
/// end a header.
pub(crate) fn is_email(text: &str) -> bool {
    let is_plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let parts = text.split_once('@');
    is_plain
        && parts.is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.contains('@')
        })
}

fn of_settings(settings: &WorkspaceSettings) -> Value {
    json!({
        "name": settings.title,
        "preset": settings.preset,
        "plan": settings.plan,
        "owner": {"name": settings.owner_name, "email": settings.owner_email},
        "app_url": settings.app_url,
        "viewer_url": settings.viewer_url,
        "retention": settings.retention,
        "retention_actions": settings.retention_actions,
    })
}

fn shown(app: &App, workspace: &Workspace) -> Value {
    let settings = &workspace.settings;
    let catalog = app.store.catalog_of(settings);
    let policy = policy_of(catalog.preset(), settings);
    let mut shown = of_settings(settings);
    shown["workspace"] = json!(&*workspace.name);
    shown["readers"] = json!(catalog.preset().access.view);
    shown["retention"] = json!(policy.keep.to_string());
    let actions = policy.actions.iter().map(|(name, keep)| (name.clone(), json!(keep.to_string())));
    shown["retention_actions"] = Value::Object(actions.collect());
    shown["head"] =
        json!({"size": workspace.edge.size(), "root": workspace.edge.root().to_string()});
    shown
}
