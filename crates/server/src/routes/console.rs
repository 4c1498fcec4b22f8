//! `/console`: the operator's page, and signing in and out. Everything else that the page does goes
//! through the public API, with the session's cookie instead of a key.

use askama::Template;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use proofbook_store::config::{ConfigChange, Key, Scope};
use proofbook_store::random::Random;
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act, shown};
use crate::app::App;
use crate::console::{
    self, COOKIE, OPERATOR_PREFIX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, SESSION_SECONDS,
};
use crate::document::{self, Document};
use crate::document_page::page;
use crate::keys::is_live;
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes::viewer_tokens::answer;
use crate::viewer::{TTL_SECONDS_MAX, Viewer, Warrant};

#[derive(Template)]
#[template(path = "console.html")]
struct Shell;

/// Answers the page; it holds nothing before somebody is signed in.
pub(crate) async fn show() -> Response {
    page(&Shell)
}

/// Says who is signed in.
pub(crate) async fn who(State(_): State<App>, grant: Grant) -> Response {
    Json(operator(grant.key_id())).into_response()
}

/// Says whether the first operator is still to be made.
pub(crate) async fn state(State(app): State<App>) -> Response {
    Json(json!({"awaits_setup": app.console.awaits_setup()})).into_response()
}

/// Signs in with name and password.
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    from_our_page(&headers)?;
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["name", "password"])?;
    let name = document.required_text("/name", limits::TITLE_BYTES_MAX)?.to_owned();
    let password = document.required_text("/password", PASSWORD_BYTES_MAX)?.to_owned();
    let place = app.sign_ins.enter(app.config.queue_timeout).await?;
    let now = app.store.now().micros();
    // Behind the place, so that attempts sent at once are counted one by one.
    app.console.check_attempt(&name, now)?;
    let id = format!("{OPERATOR_PREFIX}{name}");
    let view = app.store.view();
    let key = view.config.keys.get(&id).filter(|key| is_live(key, now));
    let stored = key.map(|key| key.secret_sha256.clone());
    let shared = app.clone();
    let fits = app
        .blocking(place, move || {
            let fits = console::is_password(&password, stored.as_deref());
            if !fits {
                shared.console.note_wrong(&name, now);
            }
            Ok(fits)
        })
        .await?;
    if !fits {
        let detail = "the name or the password is not right";
        return Err(Problem::new(Code::WrongPassword, detail));
    }
    Ok(signed_in(&app, &id, StatusCode::OK))
}

/// Signs out.
pub(crate) async fn sign_out(
    State(app): State<App>,
    _grant: Grant,
    headers: HeaderMap,
) -> Response {
    if let Some(session) = console::session_of(&headers) {
        app.console.sign_out(session);
    }
    let over = HeaderValue::from_static(
        "__Host-proofbook=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
    );
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, over)]).into_response()
}

/// Makes the first operator with the setup link's secret, which then works no more, and signs them in.
pub(crate) async fn set_up(
    State(app): State<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    from_our_page(&headers)?;
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["secret", "name", "password"])?;
    let secret = document.required_text("/secret", limits::TITLE_BYTES_MAX)?;
    let _turn = app.turn().await?;
    if !app.console.is_setup_secret(secret) {
        let detail = "the setup link was used or is of an earlier start; the server shows a new one \
                      at its start as long as there is no operator";
        return Err(Problem::new(Code::Gone, detail));
    }
    let key = read_operator(&app, &document).await?;
    let id = key.id.clone();
    let actor = json!({"type": "user", "id": key.id, "name": key.name});
    let act = act_of(&app, &key);
    admin::record_as(&app, &actor, ConfigChange::PutKey { key }, act).await?;
    app.console.end_setup();
    Ok(signed_in(&app, &id, StatusCode::CREATED))
}

/// Makes another operator, or gives one a new password.
pub(crate) async fn put_operator(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["name", "password"])?;
    let _turn = app.turn().await?;
    let key = read_operator(&app, &document).await?;
    let body = operator(&key.id);
    let act = act_of(&app, &key);
    admin::record(&app, &grant, ConfigChange::PutKey { key }, act).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Answers a token with which the operator reads a workspace through the viewer, as themselves.
pub(crate) async fn token(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["workspace"])?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?;
    if app.store.directory().by_name(workspace).is_none() {
        return Err(Problem::not_found(format!("there is no workspace {workspace} yet")));
    }
    let id = grant.key_id().to_owned();
    let viewer = Viewer {
        workspace: workspace.to_owned(),
        id: id.clone(),
        name: id.strip_prefix(OPERATOR_PREFIX).unwrap_or(&id).to_owned(),
        email: None,
        role: "operator".to_owned(),
        filter: String::new(),
        columns: Vec::new(),
        origins: Vec::new(),
        manage: true,
        warrant: Warrant::Operator(id),
        expires_at: app.store.now().micros() + i64::from(TTL_SECONDS_MAX) * 1_000_000,
    };
    Ok((StatusCode::CREATED, Json(answer(&app, &viewer))).into_response())
}

fn from_our_page(headers: &HeaderMap) -> Result<(), Problem> {
    // Without a session there is nothing that another site could use; a browser says where it stands.
    let says = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if says { console::check_site(headers, false) } else { Ok(()) }
}

fn signed_in(app: &App, id: &str, status: StatusCode) -> Response {
    let session = app.console.sign_in(id, app.store.now().micros(), &*app.random);
    let cookie = format!(
        "{COOKIE}={session}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}"
    );
    let mut response = (status, Json(operator(id))).into_response();
    // Base64url and our own words fit into a header.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn operator(id: &str) -> Value {
    json!({"id": id, "name": id.strip_prefix(OPERATOR_PREFIX).unwrap_or(id)})
}

async fn read_operator(app: &App, document: &Document<'_>) -> Result<Key, Problem> {
    let name = document.required_text("/name", limits::TITLE_BYTES_MAX)?;
    if !console::is_operator_name(name) {
        let detail = "a name is 1 to 40 of the characters a-z 0-9 . - and _".to_owned();
        return Err(document.fault(Code::Invalid, "/name", detail, None));
    }
    let password = document.required_text("/password", PASSWORD_BYTES_MAX)?;
    if password.chars().count() < PASSWORD_CHARS_MIN {
        let detail = format!(
            "a password has at least {PASSWORD_CHARS_MIN} characters; a sentence is easy to keep"
        );
        return Err(document.fault(Code::Invalid, "/password", detail, Some(PASSWORD_CHARS_MIN)));
    }
    let place = app.sign_ins.enter(app.config.queue_timeout).await?;
    let (shared, password) = (app.clone(), password.to_owned());
    let hash = app.blocking(place, move || {
        let random: &dyn Random = &*shared.random;
        console::hash_password(&password, random)
            .ok_or_else(|| Problem::new(Code::Internal, "the password could not be hashed"))
    });
    Ok(Key {
        id: format!("{OPERATOR_PREFIX}{name}"),
        name: name.to_owned(),
        secret_sha256: hash.await?,
        scopes: vec![Scope::Admin],
        workspaces: vec!["*".to_owned()],
        created_at: app.store.now().micros(),
        expires_at: None,
        revoked_at: None,
    })
}

fn act_of(app: &App, key: &Key) -> Act {
    let view = app.store.view();
    Act {
        action: "audit_log.key_created",
        target: ("api_key", key.id.clone(), key.name.clone()),
        before: view.config.keys.get(&key.id).map(shown),
        after: Some(shown(key)),
    }
}
