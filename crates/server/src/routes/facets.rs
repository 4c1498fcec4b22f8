//! `GET /v1/workspaces/{ws}/facets` (a field's values with counts) and `…/histogram` (events by time).

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_event::Timestamp;
use proofbook_filter::Field;
use proofbook_query::{FacetValue, Interval};
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::{Which, ask, params};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Fault, Problem};

/// Answers the most frequent values of a field.
pub(crate) async fn facets(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = params(&uri, &["field", "prefix", "limit"])?;
    let which = Which::read(&app, &params, place.sight())?;
    let field = field(&params, "field")?.ok_or_else(|| {
        Problem::parameter("field", "`field` is missing; it names a field such as action")
    })?;
    place.sight().check_field("field", &field, 0)?;
    let prefix = params.text("prefix").map(str::to_owned);
    let limit = params.number("limit", 1..=limits::VALUES_MAX as u32)?;
    let limit = limit.map_or(limits::FACET_VALUES, |limit| limit as usize);
    let body = ask(&app, &place, move |reader, budget| {
        let found = reader.facets(&which.filter, &field, prefix.as_deref(), limit, budget)?;
        Ok(json!({
            "field": field.name(),
            "values": values(&found.values),
            "other": found.other,
            "distinct": found.distinct,
            "complete": found.complete,
            "unread": found.unread,
        }))
    })
    .await?;
    Ok(Json(body).into_response())
}

/// Answers events by time.
pub(crate) async fn histogram(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = params(&uri, &["interval", "split"])?;
    let which = Which::read(&app, &params, place.sight())?;
    let interval = interval(&app, &params, &which)?;
    let split = field(&params, "split")?;
    if let Some(split) = &split {
        place.sight().check_field("split", split, 0)?;
    }
    let body = ask(&app, &place, move |reader, budget| {
        let (filter, zone) = (&which.filter, &which.zone);
        let found = reader.histogram(filter, interval, zone, split.as_ref(), budget)?;
        let buckets: Vec<Value> = found
            .buckets
            .iter()
            .map(|bucket| {
                let mut shown = json!({
                    "start": bucket.start.to_string(),
                    "end": bucket.end.to_string(),
                    "count": bucket.count,
                });
                if split.is_some() {
                    shown["split"] = values(&bucket.split);
                }
                shown
            })
            .collect();
        Ok(json!({
            "interval": interval.as_str(),
            "zone": zone.iana_name().unwrap_or("UTC"),
            "split": split.as_ref().map(Field::name),
            "values": values(&found.split),
            "buckets": buckets,
            "other": found.other,
            "complete": found.complete,
            "unread": found.unread,
        }))
    })
    .await?;
    Ok(Json(body).into_response())
}

fn values(values: &[FacetValue]) -> Value {
    let shown = |value: &FacetValue| json!({"value": value.value, "count": value.count});
    values.iter().map(shown).collect()
}

fn field(params: &Params, name: &'static str) -> Result<Option<Field>, Problem> {
    let Some(text) = params.text(name) else { return Ok(None) };
    if let Some(field) = Field::parse(text) {
        return Ok(Some(field));
    }
    let suggestion = Field::nearest(text);
    let hint = match &suggestion {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    Err(Problem::at(
        Code::InvalidParameter,
        Fault {
            parameter: Some(name),
            offset: Some(0),
            suggestion,
            detail: format!("there is no field `{shown}`{hint}"),
            ..Fault::default()
        },
    ))
}

/// Buckets that a histogram has at most when its interval is chosen for it.
const BUCKETS_AUTO: u32 = 60;

/// Returns the interval asked for, or one that fits the time range; days when that has an open end.
fn interval(app: &App, params: &Params, which: &Which) -> Result<Interval, Problem> {
    let words: Vec<(&str, Interval)> =
        Interval::ALL.iter().map(|interval| (interval.as_str(), *interval)).collect();
    if let Some(interval) = params.word("interval", &words)? {
        return Ok(interval);
    }
    let range = which.filter.occurred_range();
    if range.min == i64::MIN {
        return Ok(Interval::Day);
    }
    let to = range.max.min(app.store.now().micros()).max(range.min);
    let (from, to) = (Timestamp::from_micros(range.min), Timestamp::from_micros(to));
    Ok(Interval::fitting(from, to, BUCKETS_AUTO))
}
