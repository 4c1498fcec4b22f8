//! `/v1/erasures`: values that somebody has a right to see gone leave the log; leaves and proofs stay.
//!
//! A request names a person, or events and groups. What it takes is found here (`erasing.rs`) and
//! recorded as numbers; the store does the rest in the background. Each act is an event in `_system`,
//! and each step of an erasure one in the workspace's own log; none names the person.

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_event::{Group, Timestamp};
use proofbook_query::Reader;
use proofbook_store::config::{ConfigChange, Erasure};
use proofbook_store::erase::{ERASURE_EVENTS_MAX, name_of, targets_of};
use proofbook_store::fold::Workspace;
use proofbook_store::segment::GroupSet;
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act};
use crate::app::App;
use crate::document::{self, Document};
use crate::erased;
use crate::erasing::{Matches, Person};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;

const FIELDS: &[&str] =
    &["workspace", "ground", "person", "events", "occurred_from", "occurred_to", "dry_run"];
const PERSON_FIELDS: &[&str] = &["id", "email", "name"];
const EVENT_FIELDS: &[&str] = &["id", "seq", "groups"];
/// Shortest id, address or name that is looked for: shorter ones stand in too much.
const WORDS_BYTES_MIN: usize = 2;
/// Numbers in an answer.
const SAMPLE_MAX: usize = 20;

/// What a request asks for.
struct Order {
    ground: String,
    about: About,
    occurred: (Option<Timestamp>, Option<Timestamp>),
    dry_run: bool,
}

#[derive(Clone)]
enum About {
    Person(Person),
    Events(Vec<(Named, GroupSet)>),
}

#[derive(Clone)]
enum Named {
    Id(String),
    Seq(u64),
}

/// Answers the erasures, the newest first.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let view = app.store.view();
    let mut erasures: Vec<&Erasure> = view.config.erasures.values().collect();
    erasures.sort_unstable_by_key(|erasure| (std::cmp::Reverse(erasure.requested_at), erasure.id));
    let data: Vec<Value> = erasures.into_iter().map(|erasure| shown(&app, erasure)).collect();
    let overdue = data.iter().filter(|erasure| erasure["state"] == "overdue").count();
    Ok(Json(json!({"data": data, "overdue": overdue})).into_response())
}

/// Answers one erasure, and how far it is.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let erasure = known(&app, &param(&path, "id")?)?;
    Ok(Json(shown(&app, &erasure)).into_response())
}

/// Finds what an erasure would take, and unless it is a dry run begins it.
pub(crate) async fn request(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::ERASURE_BYTES_MAX).await?;
    let (workspace, order) = read(&app, &text)?;
    let (matches, held) = find(&app, &workspace, &order).await?;
    if order.dry_run {
        return Ok(Json(found(&workspace, &matches, &held)).into_response());
    }
    if matches.events.is_empty() {
        return Err(Problem::not_found("no event holds anything of it; nothing was erased"));
    }
    if let [first, ..] = held.as_slice() {
        let detail = format!(
            "a legal hold keeps event {first}, and perhaps more; lift it first, or name other events"
        );
        return Err(Problem::new(Code::Held, detail));
    }
    let _turn = app.turn().await?;
    let erasures = &app.store.view().config.erasures;
    let running = erasures.values().filter(|erasure| erasure.completed_at.is_none()).count();
    if running >= limits::ERASURES_RUNNING_MAX {
        let detail = "too many erasures are not complete yet; send it again when some are";
        return Err(Problem::new(Code::Overloaded, detail).retry_after(60));
    }
    let mut id = [0; 8];
    app.random.fill(&mut id);
    // Numbers beyond 2^53 lose digits where JSON is read as floating point.
    let id = u64::from_be_bytes(id) >> 11;
    let now = app.store.now().micros();
    let needs_second = app.config.erase_needs_second;
    let erasure = Erasure {
        id,
        workspace: workspace.name.to_string(),
        ground: order.ground,
        requested_by: grant.key_id().to_owned(),
        requested_at: now,
        needs_second,
        approved_by: None,
        begun_at: (!needs_second).then_some(now),
        within_micros: i64::try_from(app.config.erase_within.as_micros()).unwrap_or(i64::MAX),
        targets: targets_of(matches.events.iter().map(|(seq, groups)| (*seq, *groups))),
        event_count: matches.events.len() as u64,
        value_count: matches.counts().values().sum(),
        leaves: Vec::new(),
        completed_at: None,
        aside: Vec::new(),
    };
    let mut body = shown(&app, &erasure);
    body["groups"] = json!(matches.counts());
    body["remaining"] = json!(matches.remaining);
    let act = act_of("audit_log.erasure_requested", &erasure, Some(body.clone()));
    let change = ConfigChange::PutErasure { erasure: Box::new(erasure.clone()) };
    record_and_begin(&app, &grant, change, act, erasure).await?;
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// A second person agrees; the erasure begins.
pub(crate) async fn approve(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let erasure = known(&app, &param(&path, "id")?)?;
    if erasure.begun_at.is_some() {
        return Ok(Json(shown(&app, &erasure)).into_response());
    }
    if grant.key_id() == erasure.requested_by {
        let detail = "who asked for an erasure cannot approve it; a second person has to";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let (id, at) = (erasure.id, app.store.now().micros());
    let by = grant.key_id().to_owned();
    let begun = Erasure { approved_by: Some(by.clone()), begun_at: Some(at), ..erasure };
    let body = shown(&app, &begun);
    let act = act_of("audit_log.erasure_approved", &begun, Some(body.clone()));
    let change = ConfigChange::ApproveErasure { id, by, at };
    record_and_begin(&app, &grant, change, act, begun).await?;
    Ok(Json(body).into_response())
}

/// Records an act and begins its erasure, in one piece: a client that goes away in between must not keep
/// it from being remembered.
async fn record_and_begin(
    app: &App,
    grant: &Grant,
    change: ConfigChange,
    act: Act,
    erasure: Erasure,
) -> Result<(), Problem> {
    let (app, grant) = (app.clone(), grant.clone());
    let whole = tokio::spawn(async move {
        admin::record(&app, &grant, change, act).await?;
        begin(&app, erasure).await;
        Ok(())
    });
    whole.await.map_err(|_| Problem::new(Code::Internal, "the work for this request failed"))?
}

/// Sees to an erasure that was recorded: it is remembered outside of the data, and done.
async fn begin(app: &App, erasure: Erasure) {
    if erasure.is_running() {
        let (store, signer) = (app.store.clone(), app.heads.signer.clone());
        let remember = move || erased::remember(&store, &signer, &erasure);
        // A start remembers what is not remembered now.
        match tokio::task::spawn_blocking(remember).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "an erasure is not remembered outside of the data");
            }
            Err(_) => tracing::error!("an erasure is not remembered outside of the data"),
        }
        app.store.tend_soon();
    }
}

/// Withdraws an erasure that waits for a second person.
pub(crate) async fn withdraw(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let erasure = known(&app, &param(&path, "id")?)?;
    if erasure.begun_at.is_some() {
        let detail = "the erasure has begun; what it took cannot be brought back";
        return Err(Problem::new(Code::Gone, detail));
    }
    let body = shown(&app, &erasure);
    let act =
        Act { before: Some(body.clone()), ..act_of("audit_log.erasure_withdrawn", &erasure, None) };
    let change = ConfigChange::WithdrawErasure { id: erasure.id };
    admin::record(&app, &grant, change, act).await?;
    Ok(Json(body).into_response())
}

fn act_of(action: &'static str, erasure: &Erasure, after: Option<Value>) -> Act {
    let target = ("erasure", name_of(erasure.id), erasure.ground.clone());
    Act { action, target, before: None, after }
}

fn known(app: &App, name: &str) -> Result<Erasure, Problem> {
    let digits = name.strip_prefix("erasure_").unwrap_or_default();
    let id = u64::from_str_radix(digits, 16).ok();
    let erasure = id.and_then(|id| app.store.view().config.erasures.get(&id).cloned());
    erasure.ok_or_else(|| Problem::not_found("there is no such erasure"))
}

fn read(app: &App, text: &[u8]) -> Result<(std::sync::Arc<Workspace>, Order), Problem> {
    let document = Document::parse(text, FIELDS)?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?;
    let Some(workspace) = app.store.directory().by_name(workspace) else {
        let detail = format!("there is no workspace {workspace} yet");
        return Err(document.fault(Code::Invalid, "/workspace", detail, None));
    };
    let about = match (document.has_object("person", PERSON_FIELDS)?, events_of(&document)?) {
        (true, events) if events.is_empty() => About::Person(person_of(&document)?),
        (false, events) if !events.is_empty() => About::Events(events),
        (true, _) => {
            let detail = "either a person or events, not both".to_owned();
            return Err(document.fault(Code::Invalid, "/events", detail, None));
        }
        (false, _) => {
            let detail = "say what goes: a `person`, or `events` by id or number".to_owned();
            return Err(document.fault(Code::Missing, "/person", detail, None));
        }
    };
    let order = Order {
        ground: document.required_text("/ground", limits::TITLE_BYTES_MAX)?.to_owned(),
        about,
        occurred: (time_of(&document, "/occurred_from")?, time_of(&document, "/occurred_to")?),
        dry_run: document.flag("/dry_run")?.unwrap_or(false),
    };
    Ok((workspace, order))
}

fn person_of(document: &Document<'_>) -> Result<Person, Problem> {
    let words = |pointer: &str| {
        let text = document.text(pointer, limits::TITLE_BYTES_MAX)?;
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) if text.len() < WORDS_BYTES_MIN => {
                let detail = format!("at least {WORDS_BYTES_MIN} bytes; less stands in too much");
                Err(document.fault(Code::Invalid, pointer, detail, Some(WORDS_BYTES_MIN)))
            }
            text => Ok(text),
        }
    };
    let (id, email, name) = (words("/person/id")?, words("/person/email")?, words("/person/name")?);
    Person::new(id, email, name).ok_or_else(|| {
        let detail = "an id, an e-mail address or a name is needed".to_owned();
        document.fault(Code::Missing, "/person", detail, None)
    })
}

fn events_of(document: &Document<'_>) -> Result<Vec<(Named, GroupSet)>, Problem> {
    let count = document.count_objects("/events", ERASURE_EVENTS_MAX, EVENT_FIELDS)?;
    let event = |index: usize| {
        let at = |key: &str| format!("/events/{index}/{key}");
        let id = document.text(&at("id"), limits::TITLE_BYTES_MAX)?;
        let seq = document.number(&at("seq"), 0..=i64::MAX)?;
        let named = match (id, seq) {
            (Some(id), None) => Named::Id(id.to_owned()),
            (None, Some(seq)) => Named::Seq(seq.unsigned_abs()),
            _ => {
                let detail = "an event is named by `id` or by `seq`".to_owned();
                return Err(document.fault(
                    Code::Invalid,
                    &format!("/events/{index}"),
                    detail,
                    None,
                ));
            }
        };
        let names = document.optional_texts(&at("groups"), Group::COUNT)?;
        let groups = names.iter().map(|name| {
            let pointer = format!("/{}", name.trim_start_matches('/'));
            Group::from_pointer(&pointer).ok_or_else(|| {
                let known = Group::ALL.map(|group| group.pointer()).join(", ");
                let detail = format!("{name} is no group; groups are {known}");
                document.fault(Code::Invalid, &at("groups"), detail, None)
            })
        });
        let groups = GroupSet::of(groups.collect::<Result<Vec<_>, _>>()?);
        Ok((named, if groups.is_empty() { GroupSet::ALL } else { groups }))
    };
    (0..count).map(event).collect()
}

fn time_of(document: &Document<'_>, pointer: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = document.text(pointer, limits::TITLE_BYTES_MAX)? else { return Ok(None) };
    Timestamp::parse(text).map(Some).map_err(|_| {
        let detail = "a time such as 2026-11-22T09:30:00Z is expected".to_owned();
        document.fault(Code::Invalid, pointer, detail, None)
    })
}

/// Finds what an order takes, and the first events of it that a hold keeps.
async fn find(
    app: &App,
    workspace: &std::sync::Arc<Workspace>,
    order: &Order,
) -> Result<(Matches, Vec<u64>), Problem> {
    let seat = app.exports.try_enter()?;
    let (store, name, about) = (app.store.clone(), workspace.name.clone(), order.about.clone());
    let (from, to) = order.occurred;
    let happened = move |at: i64| {
        from.is_none_or(|from| at >= from.micros()) && to.is_none_or(|to| at < to.micros())
    };
    app.blocking(seat, move || {
        let unread = || Problem::not_found("there is no such workspace");
        let reader = Reader::open(&store, &name).ok_or_else(unread)?;
        let matches = match about {
            About::Person(person) => person.find(&reader, happened)?,
            About::Events(events) => {
                let mut matches = Matches::default();
                for (named, groups) in events {
                    let (found, name) = match named {
                        Named::Seq(seq) => {
                            let found = reader.every(seq..seq.saturating_add(1))?.pop();
                            (found, format!("number {seq}"))
                        }
                        Named::Id(id) => (reader.by_id(&id)?, id),
                    };
                    let detail = || format!("there is no event {name}; nothing was erased");
                    let found = found.ok_or_else(|| Problem::not_found(detail()))?;
                    if happened(found.occurred_at()) {
                        matches.add(&found, groups);
                    }
                }
                matches
            }
        };
        let targets = targets_of(matches.events.iter().map(|(seq, groups)| (*seq, *groups)));
        let held = store.held_of(reader.workspace(), &targets, SAMPLE_MAX).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "holds cannot be asked");
            Problem::new(Code::Unavailable, "a segment of this workspace cannot be read")
        })?;
        Ok((matches, held))
    })
    .await
}

/// What a dry run answers.
fn found(workspace: &Workspace, matches: &Matches, held: &[u64]) -> Value {
    let time = |micros: i64| Timestamp::from_micros(micros).to_string();
    json!({
        "workspace": *workspace.name,
        "events": matches.events.len() as u64 + matches.remaining,
        "values": matches.counts().values().sum::<u64>(),
        "groups": matches.counts(),
        "held": held,
        "sample": matches.events.keys().take(SAMPLE_MAX).collect::<Vec<_>>(),
        "first": matches.occurred.map(|(first, _)| time(first)),
        "last": matches.occurred.map(|(_, last)| time(last)),
        "remaining": matches.remaining,
    })
}

/// Every state of an erasure.
pub(crate) const STATES: [&str; 4] =
    ["waiting_for_second_person", "running", "overdue", "complete"];

/// Returns an erasure's state at a time, microseconds UTC: one of [`STATES`].
pub(crate) fn state_of(erasure: &Erasure, now: i64) -> &'static str {
    let [waiting, running, overdue, complete] = STATES;
    match (erasure.begun_at, erasure.completed_at) {
        (None, _) => waiting,
        (Some(_), Some(_)) => complete,
        (Some(_), None) if erasure.due_at().is_some_and(|due| now > due) => overdue,
        (Some(_), None) => running,
    }
}

/// Writes an erasure for its reader.
fn shown(app: &App, erasure: &Erasure) -> Value {
    let time = |micros: Option<i64>| micros.map(|at| Timestamp::from_micros(at).to_string());
    let state = state_of(erasure, app.store.now().micros());
    let mut body = json!({
        "id": name_of(erasure.id),
        "workspace": erasure.workspace,
        "ground": erasure.ground,
        "state": state,
        "events": erasure.event_count,
        "values": erasure.value_count,
        "requested_by": erasure.requested_by,
        "requested_at": time(Some(erasure.requested_at)),
        "approved_by": erasure.approved_by,
        "begun_at": time(erasure.begun_at),
        "due_at": time(erasure.due_at()),
        "completed_at": time(erasure.completed_at),
        "recorded_by": erasure.leaves,
    });
    // Recovery never deletes what it cannot explain; an erasure does, since it may hold any value.
    let aside = app.store.set_aside();
    if erasure.completed_at.is_none() && !aside.is_empty() {
        body["set_aside"] = json!(aside);
    }
    if !erasure.aside.is_empty() {
        body["aside_removed"] = json!(erasure.aside);
    }
    body
}
