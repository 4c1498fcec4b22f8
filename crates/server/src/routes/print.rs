//! Evidence pages: what is shown, as a document to print or to keep as PDF.
//!
//! A browser that opens a page sends no token, and a token must not stand in an address. So the viewer
//! asks for a ticket with its token (`POST /v1/workspaces/{ws}/print`) and opens `/print/{ws}?ticket=…`:
//! sealed, good for two minutes, for this question and this reader alone. Whether the reader still may
//! is asked again when the page is made.

use askama::Template;
use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use proofbook_event::event::party_label;
use proofbook_event::{Event, Timestamp, Value};
use proofbook_query::{ListRequest, Sort};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::{Bearer, Grant, InWorkspace};
use crate::app::App;
use crate::ask::{Which, ask};
use crate::document::{self, Document};
use crate::document_page::{page, words};
use crate::limits;
use crate::page::marked;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;
use crate::routes::export::SORTS;
use crate::scoped::Scoped;
use crate::sealed::Purpose;
use crate::sight::Part;
use crate::tongue::{Tongue, Words};
use proofbook_catalog::change_label;

const FIELDS: &[&str] = &["q", "from", "to", "tz", "sort", "lang"];
/// How long a ticket is good, in microseconds.
const TICKET_MICROS: i64 = 120 * 1_000_000;
/// Events on one page.
const ROWS_MAX: usize = 1000;
/// Characters of a value that are printed.
const VALUE_CHARS_MAX: usize = 200;

#[derive(Serialize, Deserialize)]
struct Ticket {
    workspace: String,
    bearer: Bearer,
    asked: Vec<(String, String)>,
    expires_at: i64,
}

/// Answers the address of a page for what the body asks.
pub(crate) async fn order(
    State(app): State<App>,
    place: InWorkspace,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, FIELDS)?;
    let mut asked = Vec::new();
    for name in FIELDS {
        let pointer = format!("/{name}");
        if let Some(text) = document.text(&pointer, proofbook_filter::limits::TEXT_BYTES_MAX)? {
            asked.push(((*name).to_owned(), text.to_owned()));
        }
    }
    let params = Params::of(asked.clone(), FIELDS)?;
    Which::read(&app, &params, place.sight())?;
    params.word("sort", SORTS)?;
    let expires_at = app.store.now().micros() + TICKET_MICROS;
    let bearer = place.grant().bearer();
    let ticket = Ticket { workspace: place.name().to_owned(), bearer, asked, expires_at };
    let sealed = app.sealer.seal(Purpose::Print, &ticket, &*app.random);
    let url = format!("/print/{}?ticket={sealed}", place.name());
    if url.len() > limits::URI_BYTES_MAX {
        let detail = "the filter is too long for a page to print; an export takes it";
        return Err(Problem::new(Code::UriTooLong, detail));
    }
    let expires_at = Timestamp::from_micros(expires_at).to_string();
    Ok((StatusCode::CREATED, Json(json!({"url": url, "expires_at": expires_at}))).into_response())
}

/// Answers the page.
pub(crate) async fn show(
    State(app): State<App>,
    path: RawPathParams,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let name = param(&path, "ws")?;
    let params = Params::read(&uri, &["ticket"])?;
    let ticket = app.sealer.open(Purpose::Print, params.text("ticket").unwrap_or_default());
    let now = app.store.now();
    let ticket = ticket
        .filter(|ticket: &Ticket| ticket.workspace == name && ticket.expires_at > now.micros());
    let Some(ticket) = ticket else {
        let tongue = Tongue::asked(&headers);
        let say = tongue.words();
        return Ok(words(StatusCode::GONE, tongue, &say.print_ended, &say.print_ended_why));
    };
    let place = Grant::renew(&app, ticket.bearer)?.in_workspace(&app, name)?;
    let asked = Params::of(ticket.asked, FIELDS)?;
    let which = Which::read(&app, &asked, place.sight())?;
    let request = ListRequest {
        filter: which.filter,
        filter_hash: which.hash,
        sort: asked.word("sort", SORTS)?.unwrap_or(Sort::NewestFirst),
        limit: ROWS_MAX,
        cursor: None,
        page: None,
    };
    let tongue = asked.text("lang").and_then(Tongue::parse);
    let tongue = tongue.unwrap_or_else(|| Tongue::asked(&headers));
    let zone = which.zone;
    let made = shown_time(now, &zone);
    let actor = place.grant().actor();
    let reader = actor["name"].as_str().unwrap_or_default().to_owned();
    let workspace = app.store.directory().by_name(place.name());
    let title = workspace.and_then(|workspace| workspace.settings.title.clone());
    let workspace = place.name().to_owned();
    let text = |name: &str| marked(asked.text(name).unwrap_or_default());
    let (query, from, to) = (text("q"), text("from"), text("to"));
    let document = ask(&app, &place, move |log, budget| {
        let found = log.list(request, budget)?;
        let mut rows = Vec::with_capacity(found.events.len());
        for found in &found.events {
            rows.push(row(log, found, &zone, tongue.words())?);
        }
        let sight = log.sight();
        let head = sight.is_everything().then(|| log.head());
        Ok(Page {
            lang: tongue.tag(),
            say: tongue.words(),
            title: log.catalog().preset().title.clone(),
            workspace_title: marked(title.as_deref().unwrap_or(&workspace)),
            workspace,
            query,
            from,
            to,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            made,
            reader: marked(&reader),
            head: head.map(|head| (head.size, head.root.to_string())),
            total: found.total,
            cut: found.total.is_none_or(|total| total > rows.len() as u64),
            complete: found.complete,
            actors: sight.shows(Part::Actor),
            changes: sight.shows(Part::Changes),
            addresses: sight.shows(Part::Address),
            rows,
        })
    })
    .await?;
    Ok(page(&document))
}

#[derive(Template)]
#[template(path = "print.html")]
struct Page {
    lang: &'static str,
    say: &'static Words,
    title: String,
    workspace_title: String,
    workspace: String,
    query: String,
    from: String,
    to: String,
    zone: String,
    made: String,
    reader: String,
    head: Option<(u64, String)>,
    total: Option<u64>,
    cut: bool,
    complete: bool,
    actors: bool,
    changes: bool,
    addresses: bool,
    rows: Vec<Row>,
}

struct Row {
    moment: String,
    time: String,
    who: String,
    email: String,
    what: String,
    outcome: String,
    action: String,
    target: String,
    changes: Vec<(String, String, String)>,
    ip: String,
    seq: u64,
    leaf: String,
}

fn row(
    log: &Scoped,
    found: &proofbook_query::Found,
    zone: &TimeZone,
    say: &Words,
) -> Result<Row, Problem> {
    let event: Event<'_> =
        found.event().map_err(|_| Problem::new(Code::Unavailable, "an event could not be read"))?;
    // What is hidden is not in the JSON form, so it cannot come onto the page.
    let leaf = found.leaf().map(|leaf| leaf.to_string());
    let mut shown = event.to_json(leaf.as_deref());
    log.sight().strip(&mut shown);
    let text =
        |pointer: &str| marked(shown.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
    let who = shown.get("actor").and_then(party_label).unwrap_or_default();
    let target = match (text("/targets/0/type"), text("/targets/0/id")) {
        (kind, id) if id.is_empty() => kind,
        (kind, id) => format!("{kind}/{id}"),
    };
    let changes = shown.get("changes").and_then(Value::as_array).unwrap_or_default();
    let changes = changes.iter().map(|change| {
        let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
        let side = |key: &str| change.get(key).map_or_else(|| "–".to_owned(), value_text);
        (marked(&change_label::label(path)), side("before"), side("after"))
    });
    let description = text("/description");
    Ok(Row {
        moment: event.clear.occurred_at.to_string(),
        time: shown_time(event.clear.occurred_at, zone),
        who: marked(who),
        email: text("/actor/email"),
        what: if description.is_empty() { text("/title") } else { description },
        outcome: match event.clear.outcome {
            proofbook_event::Outcome::Success => String::new(),
            proofbook_event::Outcome::Failure => say.print_failed.clone(),
            proofbook_event::Outcome::Denied => say.print_denied.clone(),
        },
        action: text("/action"),
        target,
        changes: changes.collect(),
        ip: text("/context/ip"),
        seq: event.clear.seq,
        leaf: leaf.unwrap_or_default(),
    })
}

fn shown_time(moment: Timestamp, zone: &TimeZone) -> String {
    moment.in_zone(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// Writes a value on one line, cut when it is long.
fn value_text(value: &Value<'_>) -> String {
    let text = match value {
        Value::String(text) => text.to_string(),
        other => String::from_utf8(proofbook_event::canonical::to_bytes(other)).unwrap_or_default(),
    };
    let mut cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    marked(&cut)
}
