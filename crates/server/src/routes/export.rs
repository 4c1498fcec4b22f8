//! `GET /v1/workspaces/{ws}/export`: every event that passes the filter, as a file.
//!
//! An export is itself an event of the workspace, `audit_log.exported`, at most one per key and 15
//! minutes, recorded without delaying the answer.

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_query::Sort;
use proofbook_store::prepare::Wanted;
use serde_json::json;

use crate::access::InWorkspace;
use crate::admin::{actor_of, draft_of};
use crate::app::App;
use crate::ask::{self, Which, open};
use crate::export::{self, Format, Order};
use crate::problem::Problem;

const FORMATS: &[(&str, Format)] =
    &[("csv", Format::Csv), ("ndjson", Format::Ndjson), ("parquet", Format::Parquet)];
const SORTS: &[(&str, Sort)] =
    &[("newest", Sort::NewestFirst), ("oldest", Sort::OldestFirst), ("seq", Sort::Seq)];
const YES_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Answers the file as a stream.
pub(crate) async fn download(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = ask::params(&uri, &["format", "sort", "raw"])?;
    let filter = Which::read(&app, &params)?.filter;
    let format = params.word("format", FORMATS)?.unwrap_or(Format::Csv);
    let format = match (format, params.word("raw", YES_NO)?) {
        (Format::Csv, Some(true)) => Format::RawCsv,
        (Format::Ndjson | Format::Parquet, Some(_)) => {
            return Err(Problem::parameter("raw", "`raw` goes with format=csv"));
        }
        (format, _) => format,
    };
    let sort = params.word("sort", SORTS)?.unwrap_or(Sort::NewestFirst);
    open(&app, &place.granted())?;
    let seat = app.exports.try_enter()?;
    note(&app, &place, format, params.text("q").unwrap_or_default());
    let name = format!("{}-audit-log.{}", place.name(), format.extension());
    let workspace = place.granted();
    let body = export::start(app, seat, Order { workspace, filter, sort, format });
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    // A workspace's name has no character that a quoted string could not hold.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Records the export, unless this key exported from this workspace in the last 15 minutes.
fn note(app: &App, place: &InWorkspace, format: Format, filter: &str) {
    let now = app.store.now().micros();
    if !app.noted.is_due(place.grant().key_id(), place.name(), now) {
        return;
    }
    let event = json!({
        "action": "placeholder",
        "actor": actor_of(place.grant()),
        "via": {"channel": "api"},
        "metadata": {"format": format.extension(), "filter": filter},
    })
    .to_string();
    let (app, workspace) = (app.clone(), place.name().to_owned());
    tokio::task::spawn_blocking(move || {
        let Ok(draft) = draft_of(event.as_bytes(), "audit_log.exported") else { return };
        let wanted = Wanted { workspace: &workspace, draft };
        let prepared = app.store.prepare(false, vec![Ok(wanted)]);
        let recorded = app.store.submit(prepared, |receipts| {
            if let Err(error) = receipts {
                tracing::warn!(error = &error as &dyn std::error::Error, "export not recorded");
            }
        });
        if let Err(error) = recorded {
            tracing::warn!(error = &error as &dyn std::error::Error, "export not recorded");
        }
    });
}
