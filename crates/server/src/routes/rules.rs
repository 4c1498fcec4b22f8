//! `/v1/rules`: who is told of which events by e-mail, beside each workspace's owner.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_delivery::destination::MAIL;
use proofbook_delivery::limits as delivery_limits;
use proofbook_delivery::rule::{Mode, RuleSettings};
use proofbook_delivery::tongue::Tongue;
use proofbook_event::Timestamp;
use proofbook_store::config::{ConfigChange, Destination, Start, StartAt};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act};
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::destination_acts::send_test;
use crate::routes::destinations::{check_count, filter, workspaces};
use crate::routes::events::param;
use crate::routes::workspaces::is_email;

const FIELDS: &[&str] = &[
    "name",
    "workspaces",
    "filter",
    "recipients",
    "mode",
    "per_hour",
    "language",
    "zone",
    "paused",
];

/// Answers every rule with how it goes.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let place = app.queries.enter(app.config.queue_timeout).await?;
    let shared = app.clone();
    let data = app.blocking(place, move || {
        let config = shared.store.view().config.clone();
        let rules = config.destinations.values().filter(|known| known.kind == MAIL);
        Ok(rules.map(|known| with_status(&shared, known)).collect::<Vec<Value>>())
    });
    Ok(Json(json!({"data": data.await?})).into_response())
}

/// Answers one rule with how it goes.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let found = find(&app, &path)?;
    let place = app.queries.enter(app.config.queue_timeout).await?;
    let shared = app.clone();
    let body = app.blocking(place, move || Ok(with_status(&shared, &found))).await?;
    Ok(Json(body).into_response())
}

/// Makes a rule; it tells of what is recorded from now on.
pub(crate) async fn create(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let mut number = [0; 8];
    app.random.fill(&mut number);
    let id = format!("rule_{:016x}", u64::from_be_bytes(number));
    let now = app.store.now().micros();
    let start = Start { generation: 0, from: StartAt::RecordedAt(now) };
    let empty = Destination {
        id,
        name: String::new(),
        kind: MAIL.to_owned(),
        workspaces: Vec::new(),
        filter: String::new(),
        settings: Value::Null,
        sealed: None,
        created_at: now,
        paused_at: None,
        starts: BTreeMap::from([("*".to_owned(), start)]),
    };
    let rule = read(&text, empty, now)?;
    let _turn = app.turn().await?;
    check_count(&app)?;
    let body = shown(&rule);
    let act = act_of(&rule, None, Some(body.clone()));
    record(&app, &grant, rule, act).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Replaces a rule; what it told before is not told again.
pub(crate) async fn put(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let _turn = app.turn().await?;
    let before = find(&app, &path)?;
    let after = read(&text, before.clone(), app.store.now().micros())?;
    let body = shown(&after);
    let act = act_of(&after, Some(shown(&before)), Some(body.clone()));
    record(&app, &grant, after, act).await?;
    Ok(Json(body).into_response())
}

/// Removes a rule.
pub(crate) async fn remove(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let before = find(&app, &path)?;
    let act = act_of(&before, Some(shown(&before)), None);
    admin::record(&app, &grant, ConfigChange::RemoveDestination { id: before.id }, act).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends one test mail now and answers what became of it.
pub(crate) async fn test(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    send_test(&app, &find(&app, &path)?).await
}

fn find(app: &App, path: &RawPathParams) -> Result<Destination, Problem> {
    let id = param(path, "id")?;
    let view = app.store.view();
    let found = view.config.destinations.get(&id).filter(|known| known.kind == MAIL);
    found.cloned().ok_or_else(|| Problem::not_found("there is no such rule"))
}

async fn record(app: &App, grant: &Grant, rule: Destination, act: Act) -> Result<(), Problem> {
    let change = ConfigChange::PutDestination { destination: Box::new(rule) };
    admin::record(app, grant, change, act).await
}

fn act_of(rule: &Destination, before: Option<Value>, after: Option<Value>) -> Act {
    Act {
        action: "audit_log.notification_changed",
        target: ("rule", rule.id.clone(), rule.name.clone()),
        before,
        after,
    }
}

fn shown(rule: &Destination) -> Value {
    let settings = RuleSettings::of(rule).ok();
    let settings = settings.as_ref();
    json!({
        "id": rule.id,
        "name": rule.name,
        "workspaces": rule.workspaces,
        "filter": rule.filter,
        "recipients": settings.map(|settings| &settings.recipients),
        "mode": settings.map(|settings| settings.mode),
        "per_hour": settings.map(|settings| settings.per_hour),
        "language": settings.map(|settings| &settings.language),
        "zone": settings.map(|settings| &settings.zone),
        "paused": rule.paused_at.is_some(),
        "created_at": Timestamp::from_micros(rule.created_at).to_string(),
    })
}

fn with_status(app: &App, rule: &Destination) -> Value {
    let mut body = shown(rule);
    body["status"] = crate::delivery::status(app, rule);
    body
}

/// Reads a rule's document over what it is until now.
fn read(text: &[u8], before: Destination, now: i64) -> Result<Destination, Problem> {
    let document = Document::parse(text, FIELDS)?;
    let recipients = document.optional_texts("/recipients", delivery_limits::RECIPIENTS_MAX)?;
    for (index, address) in recipients.iter().enumerate() {
        if !is_email(address) {
            let detail = "an e-mail address such as ada@acme.example is expected".to_owned();
            let pointer = format!("/recipients/{index}");
            return Err(document.fault(Code::Invalid, &pointer, detail, None));
        }
    }
    let settings = RuleSettings {
        recipients: recipients.into_iter().map(str::to_owned).collect(),
        mode: mode(&document)?.unwrap_or_default(),
        per_hour: document
            .number("/per_hour", 1..=1_000)?
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(delivery_limits::MAILS_PER_HOUR),
        language: language(&document)?.unwrap_or_else(|| Tongue::default().code().to_owned()),
        zone: zone(&document)?.unwrap_or_else(|| "UTC".to_owned()),
    };
    let is_paused = document.flag("/paused")?.unwrap_or(false);
    Ok(Destination {
        name: document.required_text("/name", limits::TITLE_BYTES_MAX)?.to_owned(),
        workspaces: workspaces(&document)?,
        filter: filter(&document)?,
        settings: json!(settings),
        paused_at: is_paused.then(|| before.paused_at.unwrap_or(now)),
        ..before
    })
}

/// Reads when mails are sent.
pub(crate) fn mode(document: &Document<'_>) -> Result<Option<Mode>, Problem> {
    let Some(word) = document.text("/mode", limits::TITLE_BYTES_MAX)? else { return Ok(None) };
    Mode::parse(word).map(Some).ok_or_else(|| {
        let detail = "a mode is one of instant, hourly, daily and weekly".to_owned();
        document.fault(Code::Invalid, "/mode", detail, None)
    })
}

/// Reads the language of mails.
pub(crate) fn language(document: &Document<'_>) -> Result<Option<String>, Problem> {
    let Some(code) = document.text("/language", limits::TITLE_BYTES_MAX)? else { return Ok(None) };
    Tongue::parse(code).map(|tongue| Some(tongue.code().to_owned())).ok_or_else(|| {
        let detail = "a language is en or de".to_owned();
        document.fault(Code::Invalid, "/language", detail, None)
    })
}

/// Reads the zone of the times in mails.
pub(crate) fn zone(document: &Document<'_>) -> Result<Option<String>, Problem> {
    let Some(name) = document.text("/zone", limits::TITLE_BYTES_MAX)? else { return Ok(None) };
    match jiff::tz::TimeZone::get(name) {
        Ok(_) => Ok(Some(name.to_owned())),
        Err(_) => {
            let detail = "the name of a time zone such as Europe/Berlin is expected".to_owned();
            Err(document.fault(Code::Invalid, "/zone", detail, None))
        }
    }
}
