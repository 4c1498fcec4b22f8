//! `GET /v1/workspaces/{ws}/export`: every event that passes the filter, as a file.
//!
//! An export is itself an event of the workspace, `audit_log.exported`, at most one per reader and 15
//! minutes, recorded when it ends, without delaying the answer.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_query::Sort;

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::{self, Which, open};
use crate::export::{self, Columns, Format, Order};
use crate::notes;
use crate::problem::Problem;
use crate::tongue::Tongue;

const FORMATS: &[(&str, Format)] =
    &[("csv", Format::Csv), ("ndjson", Format::Ndjson), ("parquet", Format::Parquet)];
/// The words for `sort`.
pub(crate) const SORTS: &[(&str, Sort)] =
    &[("newest", Sort::NewestFirst), ("oldest", Sort::OldestFirst), ("seq", Sort::Seq)];
const YES_NO: &[(&str, bool)] = &[("true", true), ("false", false)];
/// Headings are our names of the columns, or the words for them: the product's, else ours.
const HEADINGS: &[(&str, bool)] = &[("names", false), ("product", true)];

/// Answers the file as a stream.
pub(crate) async fn download(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let known = ["format", "sort", "raw", "columns", "headings", "lang"];
    let params = ask::params(&uri, &known)?;
    let which = Which::read(&app, &params, place.sight())?;
    let format = params.word("format", FORMATS)?.unwrap_or(Format::Csv);
    let format = match (format, params.word("raw", YES_NO)?) {
        (Format::Csv, Some(true)) => Format::RawCsv,
        (Format::Ndjson | Format::Parquet, Some(_)) => {
            return Err(Problem::parameter("raw", "`raw` goes with format=csv"));
        }
        (format, _) => format,
    };
    let is_csv = matches!(format, Format::Csv | Format::RawCsv);
    for name in ["columns", "headings"] {
        if !is_csv && params.text(name).is_some() {
            let detail = format!("`{name}` goes with format=csv; other files hold whole events");
            return Err(Problem::parameter(name, detail));
        }
    }
    let sort = params.word("sort", SORTS)?.unwrap_or(Sort::NewestFirst);
    let reader = open(&app, &place.granted())?;
    let words = params.word("headings", HEADINGS)?.unwrap_or(false);
    let tongue = params.text("lang").and_then(Tongue::parse);
    let tongue = tongue.unwrap_or_else(|| Tongue::asked(&asked));
    let words = words.then(|| (reader.catalog().preset(), tongue));
    let sight = place.sight().clone();
    let columns = Columns::choose(params.text("columns"), which.zone, sight, words)?;
    drop(reader);
    let seat = app.exports.try_enter()?;
    let extension = format.extension();
    let note = notes::Export::begin(&app, &place, extension, &params);
    let name = format!("{}-audit-log.{extension}", place.name());
    let workspace = place.granted();
    let order = Order { workspace, filter: which.filter, sort, format, columns };
    let body = export::start(app, seat, order, note);
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    // A workspace's name has no character that a quoted string could not hold.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
