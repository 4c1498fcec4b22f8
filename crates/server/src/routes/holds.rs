//! `/v1/holds`: legal holds, which keep events whose retention ended. Placing and lifting are events.

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_store::config::{ConfigChange, Hold};
use proofbook_store::hold;
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act};
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;

const FIELDS: &[&str] = &["workspace", "filter", "reason", "owner"];

/// Answers the holds in force, by id.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let view = app.store.view();
    let holds: Vec<Value> = view.config.holds.values().map(shown).collect();
    Ok(Json(json!({"data": holds})).into_response())
}

/// Places a hold; from the answer on nothing that it takes goes.
pub(crate) async fn place(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let hold = read(&app, &text)?;
    let _turn = app.turn().await?;
    if app.store.view().config.holds.len() >= limits::HOLDS_MAX {
        let max = limits::HOLDS_MAX as u64;
        return Err(Problem::too_large(0, max, format!("there are {max} holds already")));
    }
    let body = shown(&hold);
    let act = Act {
        action: "audit_log.hold_placed",
        target: ("hold", hold.id.clone(), hold.reason.clone()),
        before: None,
        after: Some(body.clone()),
    };
    // What happens to a workspace's log is in that log, so its readers see it.
    let workspace = hold.workspace.clone();
    admin::record_in(&app, &grant, workspace, ConfigChange::PutHold { hold }, act).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Lifts a hold; what it kept is subject to retention again.
pub(crate) async fn lift(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let id = param(&path, "id")?;
    let _turn = app.turn().await?;
    let hold = app.store.view().config.holds.get(&id).cloned();
    let hold = hold.ok_or_else(|| Problem::not_found("there is no such hold in force"))?;
    let body = shown(&hold);
    let act = Act {
        action: "audit_log.hold_lifted",
        target: ("hold", id.clone(), hold.reason.clone()),
        before: Some(body.clone()),
        after: None,
    };
    let change = ConfigChange::LiftHold { id, workspace: hold.workspace.clone() };
    admin::record_in(&app, &grant, hold.workspace, change, act).await?;
    Ok(Json(body).into_response())
}

fn read(app: &App, text: &[u8]) -> Result<Hold, Problem> {
    let document = Document::parse(text, FIELDS)?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?;
    if app.store.directory().by_name(workspace).is_none() {
        let detail = format!("there is no workspace {workspace} yet");
        return Err(document.fault(Code::Invalid, "/workspace", detail, None));
    }
    let mut id = [0; 8];
    app.random.fill(&mut id);
    let hold = Hold {
        id: format!("hold_{:016x}", u64::from_be_bytes(id)),
        workspace: workspace.to_owned(),
        filter: document.text("/filter", limits::DOCUMENT_BYTES_MAX)?.unwrap_or("").to_owned(),
        reason: document.required_text("/reason", limits::TITLE_BYTES_MAX)?.to_owned(),
        owner: document.required_text("/owner", limits::TITLE_BYTES_MAX)?.to_owned(),
        placed_at: app.store.now().micros(),
    };
    if let Err(error) = hold::resolve(&hold) {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let detail = format!("{error}{}", cause.unwrap_or_default());
        return Err(document.fault(Code::Invalid, "/filter", detail, None));
    }
    Ok(hold)
}

fn shown(hold: &Hold) -> Value {
    json!({
        "id": hold.id,
        "workspace": hold.workspace,
        "filter": hold.filter,
        "reason": hold.reason,
        "owner": hold.owner,
        "placed_at": Timestamp::from_micros(hold.placed_at).to_string(),
    })
}
