//! `/v1/keys`: making, listing and revoking keys. A key's text is answered once, when it is made.

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_event::name::{SYSTEM_WORKSPACE, is_workspace_name};
use proofbook_store::config::{ConfigChange, Key, Scope};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act, shown};
use crate::app::App;
use crate::document::{self, Document};
use crate::keys::{SecretKey, is_live};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;

const FIELDS: &[&str] = &["name", "scopes", "workspaces", "expires_at"];
const SCOPES: &[(&str, Scope)] = &[
    ("write", Scope::Write),
    ("read", Scope::Read),
    ("import", Scope::Import),
    ("admin", Scope::Admin),
];

/// Answers every key, revoked ones included, without their secrets.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let view = app.store.view();
    let keys: Vec<Value> = view.config.keys.values().map(shown).collect();
    Ok(Json(json!({"data": keys})).into_response())
}

/// Answers one key without its secret.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    Ok(Json(shown(&find(&app, &param(&path, "id")?)?)).into_response())
}

/// Makes a key and answers its text.
pub(crate) async fn create(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let secret = SecretKey::generate(&*app.random);
    let key = read(&app, &text, &secret)?;
    let _turn = app.turn().await?;
    if app.store.view().config.keys.len() >= limits::KEYS_MAX {
        let max = limits::KEYS_MAX as u64;
        return Err(Problem::too_large(0, max, format!("there are {max} keys already")));
    }
    let act = Act {
        action: "audit_log.key_created",
        target: ("api_key", key.id.clone(), key.name.clone()),
        before: None,
        after: Some(shown(&key)),
    };
    let mut body = shown(&key);
    admin::record(&app, &grant, ConfigChange::PutKey { key }, act).await?;
    body["key"] = json!(secret.reveal());
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Revokes a key; from the answer on it does not work.
pub(crate) async fn revoke(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let id = param(&path, "id")?;
    let _turn = app.turn().await?;
    let before = find(&app, &id)?;
    if before.revoked_at.is_some() {
        return Ok(Json(shown(&before)).into_response());
    }
    let now = app.store.now().micros();
    check_not_last_admin(&app, &before, now)?;
    let after = Key { revoked_at: Some(now), ..before.clone() };
    let act = Act {
        action: "audit_log.key_revoked",
        target: ("api_key", before.id.clone(), before.name.clone()),
        before: Some(shown(&before)),
        after: Some(shown(&after)),
    };
    admin::record(&app, &grant, ConfigChange::RevokeKey { id, at: now }, act).await?;
    Ok(Json(shown(&after)).into_response())
}

fn find(app: &App, id: &str) -> Result<Key, Problem> {
    let view = app.store.view();
    view.config.keys.get(id).cloned().ok_or_else(|| Problem::not_found("there is no such key"))
}

/// Refuses to leave nobody who could make a key.
fn check_not_last_admin(app: &App, key: &Key, now: i64) -> Result<(), Problem> {
    let rules = |key: &Key| {
        key.scopes.contains(&Scope::Admin)
            && key.workspaces.iter().any(|own| own == "*")
            && is_live(key, now)
    };
    let view = app.store.view();
    let is_other = view.config.keys.values().any(|other| other.id != key.id && rules(other));
    if rules(key) && !is_other {
        let detail = "this is the last admin key of all workspaces; make another one first";
        return Err(Problem::new(Code::LastAdminKey, detail));
    }
    Ok(())
}

fn read(app: &App, text: &[u8], secret: &SecretKey) -> Result<Key, Problem> {
    let document = Document::parse(text, FIELDS)?;
    let name = document.required_text("/name", limits::TITLE_BYTES_MAX)?;
    let mut scopes = Vec::new();
    for (index, word) in document.texts("/scopes", SCOPES.len())?.into_iter().enumerate() {
        let scope = SCOPES.iter().find(|(known, _)| *known == word);
        let (_, scope) = scope.ok_or_else(|| {
            let detail = "a scope is one of write, read, import and admin".to_owned();
            document.fault(Code::Invalid, &format!("/scopes/{index}"), detail, None)
        })?;
        scopes.push(*scope);
    }
    let mut workspaces = Vec::new();
    for (index, name) in
        document.texts("/workspaces", limits::KEY_WORKSPACES_MAX)?.into_iter().enumerate()
    {
        if name != "*" && name != SYSTEM_WORKSPACE && !is_workspace_name(name) {
            let detail = "a workspace's name or * for all is expected".to_owned();
            let pointer = format!("/workspaces/{index}");
            return Err(document.fault(Code::Invalid, &pointer, detail, None));
        }
        workspaces.push(name.to_owned());
    }
    let now = app.store.now().micros();
    let expires_at = match document.text("/expires_at", 64)? {
        None => None,
        Some(text) => {
            let time = Timestamp::parse(text).map(Timestamp::micros).ok();
            let time = time.filter(|time| *time > now).ok_or_else(|| {
                let detail = "a time in RFC 3339 form that lies ahead is expected".to_owned();
                document.fault(Code::Invalid, "/expires_at", detail, None)
            })?;
            Some(time)
        }
    };
    Ok(Key {
        id: secret.public_id(),
        name: name.to_owned(),
        secret_sha256: secret.sha256_hex(),
        scopes,
        workspaces,
        created_at: now,
        expires_at,
        revoked_at: None,
    })
}
