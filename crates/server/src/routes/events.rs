//! `GET /v1/workspaces/{ws}/events` and single events by id and by number.
//!
//! A list answers `{data, next_cursor, prev_cursor, total, page, pages, head, left_out, complete,
//! unread}` with an RFC 8288 `Link`. With `sort=seq&after=N` it is a poller's: events behind N, in the
//! order of their numbers; who has read up to N never later finds an event at or below it.

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_query::{Budget, Cursor, Found, ListRequest, Sort};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::{Which, ask, params};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Fault, Problem};
use crate::scoped::Scoped;

const SORTS: &[(&str, Sort)] =
    &[("newest", Sort::NewestFirst), ("oldest", Sort::OldestFirst), ("seq", Sort::Seq)];

/// Answers one page of a list.
pub(crate) async fn list(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = params(&uri, &["limit", "cursor", "page", "sort", "after"])?;
    let which = Which::read(&app, &params, place.sight())?;
    let limit = params.number("limit", 1..=limits::LIST_ROWS_MAX as u32)?;
    let limit = limit.map_or(limits::LIST_ROWS, |limit| limit as usize);
    let sort = params.word("sort", SORTS)?.unwrap_or(Sort::NewestFirst);
    if let Some(after) = params.number("after", 0..=u64::MAX)? {
        if sort != Sort::Seq || params.text("cursor").is_some() || params.text("page").is_some() {
            let detail = "`after` goes with sort=seq, and without cursor and page";
            return Err(Problem::parameter("after", detail));
        }
        return poll(&app, &place, which, after, limit).await;
    }
    let request = ListRequest {
        filter: which.filter,
        filter_hash: which.hash,
        sort,
        limit,
        cursor: cursor(&app, &params)?,
        page: params.number("page", 1..=u64::MAX)?,
    };
    let key = app.cursor_key;
    let page =
        ask(&app, &place, move |reader, budget| WrittenPage::read(reader, request, &key, budget))
            .await?;
    let mut response = json_response(page.body);
    if let Some(link) = link(&uri, page.next.as_deref(), page.prev.as_deref()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// A page of a list as it is answered.
pub(crate) struct WrittenPage {
    /// The JSON document.
    pub(crate) body: Vec<u8>,
    next: Option<String>,
    prev: Option<String>,
}

impl WrittenPage {
    /// Reads the page that is asked for; its cursors are authenticated with `key`.
    pub(crate) fn read(
        reader: &Scoped,
        request: ListRequest,
        key: &[u8; 32],
        budget: &Budget<'_>,
    ) -> Result<Self, Problem> {
        let page = reader.list(request, budget)?;
        let next = page.next.map(|cursor| cursor.encode(key));
        let prev = page.prev.map(|cursor| cursor.encode(key));
        let body = write_json(&PageBody {
            data: written(reader, &page.events)?,
            next_cursor: next.as_deref(),
            prev_cursor: prev.as_deref(),
            total: page.total,
            page: page.page,
            pages: page.pages,
            head: HeadBody::of(reader),
            left_out: page.left_out,
            complete: page.complete,
            unread: &page.unread,
        })?;
        Ok(Self { body, next, prev })
    }
}

/// A page as it is written, events in the order of the contract's fields.
#[derive(Serialize)]
struct PageBody<'p> {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<&'p str>,
    prev_cursor: Option<&'p str>,
    total: Option<u64>,
    page: Option<u64>,
    pages: Option<u64>,
    head: Option<HeadBody>,
    left_out: u64,
    complete: bool,
    unread: &'p [String],
}

/// A poller's page as it is written.
#[derive(Serialize)]
struct PollBody {
    data: Vec<Box<RawValue>>,
    /// Everything up to and with this number was looked at.
    after: u64,
    more: bool,
    head: Option<HeadBody>,
}

#[derive(Serialize)]
struct HeadBody {
    size: u64,
    root: String,
}

impl HeadBody {
    /// The head covers every event, so who sees a part of them does not get it.
    fn of(reader: &Scoped) -> Option<Self> {
        let head = reader.head();
        let seen = reader.sight().is_everything();
        seen.then(|| Self { size: head.size, root: head.root.to_string() })
    }
}

fn write_json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal, "the answer is not JSON"))
}

fn json_response(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// Answers the events behind a number.
async fn poll(
    app: &App,
    place: &InWorkspace,
    which: Which,
    after: u64,
    limit: usize,
) -> Result<Response, Problem> {
    let body = ask(app, place, move |reader, budget| {
        let found = reader.after_seq(&which.filter, Some(after), limit, budget)?;
        // Without a further event everything up to the head was looked at.
        let is_full = found.len() == limit;
        let reached = match found.last() {
            Some(last) if is_full => last.seq(),
            _ => reader.head().size.saturating_sub(1).max(after),
        };
        let (data, head) = (written(reader, &found)?, HeadBody::of(reader));
        write_json(&PollBody { data, after: reached, more: is_full, head })
    })
    .await?;
    Ok(json_response(body))
}

/// Answers one event by its id.
pub(crate) async fn by_id(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let id = param(&path, "id")?;
    one(&app, &place, move |reader, _| Ok(reader.by_id(&id)?)).await
}

/// Answers one event by its number.
pub(crate) async fn by_seq(
    State(app): State<App>,
    place: InWorkspace,
    path: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let seq = param(&path, "seq")?;
    let seq: u64 = seq
        .parse()
        .map_err(|_| Problem::not_found("an event's number is a whole number from 0"))?;
    one(&app, &place, move |reader, _| Ok(reader.by_seq(seq)?)).await
}

async fn one(
    app: &App,
    place: &InWorkspace,
    find: impl FnOnce(&Scoped, &Budget<'_>) -> Result<Option<Found>, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let body = ask(app, place, move |reader, budget| {
        let found = find(reader, budget)?.ok_or_else(|| not_there(reader))?;
        reader.written(&found)
    })
    .await?;
    // An event never changes, but it may be erased: the client asks again.
    let cache = HeaderValue::from_static("private, no-cache");
    Ok(([(header::CACHE_CONTROL, cache)], Json(body)).into_response())
}

/// Says that an event is not there, and since when events are: it may have been there before.
fn not_there(reader: &Scoped) -> Problem {
    let nothing = "there is no such event in this workspace";
    Problem::not_found(match reader.kept_since() {
        Some(since) => {
            let since = Timestamp::from_micros(since);
            format!("{nothing}; its events are kept since {since}")
        }
        None => nothing.to_owned(),
    })
}

/// Returns a parameter of the path, decoded once.
pub(crate) fn param(path: &RawPathParams, name: &str) -> Result<String, Problem> {
    let found = path.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| Problem::new(Code::Internal, "the route lacks a parameter"))
}

/// Writes events in the form of the contract, in its order of fields.
pub(crate) fn written(reader: &Scoped, events: &[Found]) -> Result<Vec<Box<RawValue>>, Problem> {
    events.iter().map(|found| reader.written(found)).collect()
}

fn cursor(app: &App, params: &Params) -> Result<Option<Cursor>, Problem> {
    let Some(text) = params.text("cursor") else { return Ok(None) };
    let decoded = Cursor::decode(text, &app.cursor_key).map_err(|error| {
        Problem::at(
            Code::InvalidCursor,
            Fault { parameter: Some("cursor"), detail: error.to_string(), ..Fault::default() },
        )
    })?;
    Ok(Some(decoded))
}

/// Builds the `Link` header: the same address with another cursor.
fn link(uri: &Uri, next: Option<&str>, prev: Option<&str>) -> Option<HeaderValue> {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && name != "cursor" && name != "page"
        })
        .collect();
    let address = |cursor: &str| {
        let mut query: Vec<String> = kept.iter().map(|pair| (*pair).to_owned()).collect();
        query.push(format!("cursor={cursor}"));
        format!("{}?{}", uri.path(), query.join("&"))
    };
    let links: Vec<String> = [("next", next), ("prev", prev)]
        .into_iter()
        .filter_map(|(rel, cursor)| Some(format!("<{}>; rel=\"{rel}\"", address(cursor?))))
        .collect();
    if links.is_empty() { None } else { HeaderValue::from_str(&links.join(", ")).ok() }
}
