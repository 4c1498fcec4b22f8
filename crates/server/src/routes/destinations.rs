//! `/v1/destinations`: where events are told to on their own, over HTTP.
//!
//! What is secret of one (the query of its address, its signing secrets) is sealed before it goes into
//! the log and is never answered again, but for a new signing secret, once. What is done with one
//! beside making and changing it is in [`super::destination_acts`].

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_delivery::destination::{
    Format, SettingsError, WEBHOOK, WebhookSecrets, WebhookSettings, webhook_settings,
};
use proofbook_delivery::guard::Target;
use proofbook_delivery::sign::{Scheme, Secret};
use proofbook_event::Timestamp;
use proofbook_event::name::{SYSTEM_WORKSPACE, is_workspace_name};
use proofbook_filter::Filter;
use proofbook_store::config::{Destination, Start, StartAt};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes::told::{Told, check_count};

const FIELDS: &[&str] =
    &["name", "kind", "url", "format", "workspaces", "filter", "signatures", "start"];
const SCHEMES: [(&str, Scheme); 2] = [("hmac", Scheme::Hmac), ("ed25519", Scheme::Ed25519)];

/// Webhooks.
pub(crate) static WEBHOOKS: Told = Told {
    kind: WEBHOOK,
    name: "destination",
    changed: "audit_log.destination_changed",
    removed: "audit_log.destination_removed",
    shown,
};

/// Answers every webhook with how it goes.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    WEBHOOKS.list(app, &uri).await
}

/// Answers one webhook with how it goes.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    WEBHOOKS.get(app, &path).await
}

/// Makes a webhook and answers its signing secrets, this once.
pub(crate) async fn create(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let draft = Draft::read(&app, &text, None)?;
    let mut number = [0; 8];
    app.random.fill(&mut number);
    let id = format!("dst_{:016x}", u64::from_be_bytes(number));
    let signing: Vec<Secret> =
        draft.schemes.iter().map(|scheme| Secret::generate(*scheme, &*app.random)).collect();
    let _turn = app.turn().await?;
    check_count(&app)?;
    let destination = draft.into_destination(&app, id, &signing);
    let mut body = WEBHOOKS.put(&app, &grant, None, destination).await?;
    body["secrets"] = signing.iter().map(Secret::for_receiver).collect();
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Replaces what a webhook is told, where and how; its cursors and secrets stay.
pub(crate) async fn put(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let _turn = app.turn().await?;
    let before = WEBHOOKS.find(&app, &path)?;
    let draft = Draft::read(&app, &text, Some(&before))?;
    let opened = WebhookSecrets::open(app.store.key(), &before);
    // Secrets that cannot be opened any more are made anew by rotating them.
    let signing = opened.map(|secrets| secrets.signing).unwrap_or_default();
    let secrets = WebhookSecrets { url: draft.url.clone(), signing };
    let destination = Destination {
        name: draft.name,
        workspaces: draft.workspaces,
        filter: draft.filter,
        settings: settings_json(&draft.url, draft.format),
        sealed: Some(secrets.seal(app.store.key(), &before.id, &*app.random)),
        ..before.clone()
    };
    let body = WEBHOOKS.put(&app, &grant, Some(&before), destination).await?;
    Ok(Json(body).into_response())
}

/// Removes a webhook with its cursors and dead letters.
pub(crate) async fn remove(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    WEBHOOKS.remove(&app, &grant, &path).await
}

/// Writes what people may see of a webhook.
fn shown(app: &App, destination: &Destination) -> Value {
    let settings = webhook_settings(destination).ok();
    let secrets = WebhookSecrets::open(app.store.key(), destination).unwrap_or_default();
    let signing: Vec<Secret> =
        secrets.signing.iter().filter_map(|text| Secret::parse(text)).collect();
    let public: Vec<String> = signing
        .iter()
        .filter(|secret| matches!(secret, Secret::Ed25519(_)))
        .map(Secret::for_receiver)
        .collect();
    let hmac_count = signing.len() - public.len();
    json!({
        "id": destination.id,
        "name": destination.name,
        "kind": destination.kind,
        "url": settings.as_ref().map(|settings| &settings.url),
        "format": settings.map(|settings| settings.format),
        "workspaces": destination.workspaces,
        "filter": destination.filter,
        "signatures": {"hmac": hmac_count, "ed25519": public},
        "created_at": Timestamp::from_micros(destination.created_at).to_string(),
        "paused_at": destination.paused_at.map(|at| Timestamp::from_micros(at).to_string()),
    })
}

/// A webhook as a client describes it.
struct Draft {
    name: String,
    url: String,
    format: Format,
    workspaces: Vec<String>,
    filter: String,
    schemes: Vec<Scheme>,
    start: StartAt,
}

impl Draft {
    fn read(app: &App, text: &[u8], before: Option<&Destination>) -> Result<Self, Problem> {
        let document = Document::parse(text, FIELDS)?;
        let name = document.required_text("/name", limits::TITLE_BYTES_MAX)?.to_owned();
        let kind = document.text("/kind", limits::TITLE_BYTES_MAX)?.unwrap_or(WEBHOOK);
        if kind != WEBHOOK {
            let detail = "a destination is of the kind webhook; e-mail is a rule".to_owned();
            return Err(document.fault(Code::Invalid, "/kind", detail, None));
        }
        Ok(Self {
            name,
            url: url(app, &document, before)?,
            format: format(&document)?,
            workspaces: workspaces(&document)?,
            filter: filter(&document)?,
            schemes: schemes(&document)?,
            start: start(app, &document)?,
        })
    }

    fn into_destination(self, app: &App, id: String, signing: &[Secret]) -> Destination {
        let secrets = WebhookSecrets {
            url: self.url.clone(),
            signing: signing.iter().map(Secret::reveal).collect(),
        };
        let start = Start { generation: 0, from: self.start };
        Destination {
            sealed: Some(secrets.seal(app.store.key(), &id, &*app.random)),
            id,
            name: self.name,
            kind: WEBHOOK.to_owned(),
            workspaces: self.workspaces,
            filter: self.filter,
            settings: settings_json(&self.url, self.format),
            created_at: app.store.now().micros(),
            paused_at: None,
            starts: BTreeMap::from([("*".to_owned(), start)]),
        }
    }
}

fn settings_json(url: &str, format: Format) -> Value {
    let shown = Target::parse(url).map(|target| target.shown()).unwrap_or_default();
    json!(WebhookSettings { url: shown, format })
}

/// Reads the address; a change that names the one that is shown keeps the one that is sealed.
fn url(
    app: &App,
    document: &Document<'_>,
    before: Option<&Destination>,
) -> Result<String, Problem> {
    let text = document.required_text("/url", proofbook_delivery::limits::URL_BYTES_MAX)?;
    let target = Target::parse(text)
        .map_err(|error| document.fault(Code::Invalid, "/url", error.to_string(), None))?;
    if !target.is_encrypted() && app.config.webhook_allow.is_empty() {
        let detail = "an address begins with https://; http is for targets that the setting \
                      `webhook_allow` names";
        return Err(document.fault(Code::Invalid, "/url", detail.to_owned(), None));
    }
    let kept = before
        .filter(|before| webhook_settings(before).is_ok_and(|settings| settings.url == text))
        .map(|before| WebhookSecrets::open(app.store.key(), before));
    match kept {
        Some(Ok(secrets)) => Ok(secrets.url),
        Some(Err(SettingsError::Sealed)) | None => Ok(text.to_owned()),
        Some(Err(error)) => Err(Problem::new(Code::Internal, error.to_string())),
    }
}

fn format(document: &Document<'_>) -> Result<Format, Problem> {
    let Some(word) = document.text("/format", limits::TITLE_BYTES_MAX)? else {
        return Ok(Format::Native);
    };
    Format::ALL.into_iter().find(|format| format.as_str() == word).ok_or_else(|| {
        let detail = "a format is one of native, cloudevents, slack and teams".to_owned();
        document.fault(Code::Invalid, "/format", detail, None)
    })
}

/// Reads the workspaces that something is about; all of them when none is named.
pub(crate) fn workspaces(document: &Document<'_>) -> Result<Vec<String>, Problem> {
    let named = document.optional_texts("/workspaces", limits::KEY_WORKSPACES_MAX)?;
    for (index, name) in named.iter().enumerate() {
        if *name != "*" && *name != SYSTEM_WORKSPACE && !is_workspace_name(name) {
            let detail = "a workspace's name or * for all is expected".to_owned();
            let pointer = format!("/workspaces/{index}");
            return Err(document.fault(Code::Invalid, &pointer, detail, None));
        }
    }
    let all = || vec!["*".to_owned()];
    Ok(if named.is_empty() { all() } else { named.into_iter().map(str::to_owned).collect() })
}

/// Reads a filter as it was typed.
pub(crate) fn filter(document: &Document<'_>) -> Result<String, Problem> {
    let text = document.text("/filter", proofbook_filter::limits::TEXT_BYTES_MAX)?;
    let text = text.unwrap_or_default();
    Filter::parse(text).map_err(|error| {
        let detail = format!("at byte {} of the filter: {}", error.offset, error.reason);
        document.fault(Code::InvalidFilter, "/filter", detail, None)
    })?;
    Ok(text.to_owned())
}

fn schemes(document: &Document<'_>) -> Result<Vec<Scheme>, Problem> {
    let named = document.optional_texts("/signatures", SCHEMES.len())?;
    if named.is_empty() {
        return Ok(vec![Scheme::Hmac]);
    }
    let scheme = |(index, word): (usize, &str)| {
        let known = SCHEMES.iter().find(|(name, _)| *name == word);
        known.map(|(_, scheme)| *scheme).ok_or_else(|| {
            let detail = "a signature is hmac or ed25519".to_owned();
            document.fault(Code::Invalid, &format!("/signatures/{index}"), detail, None)
        })
    };
    named.into_iter().enumerate().map(scheme).collect()
}

/// Reads from where a destination begins: `now` (the default), `beginning`, or a time.
fn start(app: &App, document: &Document<'_>) -> Result<StartAt, Problem> {
    match document.text("/start", 64)? {
        None | Some("now") => Ok(StartAt::RecordedAt(app.store.now().micros())),
        Some("beginning") => Ok(StartAt::Seq(0)),
        Some(text) => match Timestamp::parse(text) {
            Ok(time) => Ok(StartAt::RecordedAt(time.micros())),
            Err(_) => {
                let detail = "now, beginning, or a time in RFC 3339 form is expected".to_owned();
                Err(document.fault(Code::Invalid, "/start", detail, None))
            }
        },
    }
}
