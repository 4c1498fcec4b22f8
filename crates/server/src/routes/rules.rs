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
use proofbook_store::config::{Destination, Start, StartAt};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes::destinations::{filter, workspaces};
use crate::routes::told::{Told, check_count};
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

/// Rules of e-mail.
static RULES: Told = Told {
    kind: MAIL,
    name: "rule",
    changed: "audit_log.notification_changed",
    removed: "audit_log.notification_changed",
    shown: |_, rule| shown(rule),
};

/// Answers every rule with how it goes.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    RULES.list(app, &uri).await
}

/// Answers one rule with how it goes.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    RULES.get(app, &path).await
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
    let body = RULES.put(&app, &grant, None, rule).await?;
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
    let before = RULES.find(&app, &path)?;
    let after = read(&text, before.clone(), app.store.now().micros())?;
    let body = RULES.put(&app, &grant, Some(&before), after).await?;
    Ok(Json(body).into_response())
}

/// Removes a rule.
pub(crate) async fn remove(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    RULES.remove(&app, &grant, &path).await
}

/// Sends one test mail now and answers what became of it.
pub(crate) async fn test(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    RULES.test(&app, &path).await
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
