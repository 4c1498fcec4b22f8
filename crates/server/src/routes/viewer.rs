//! `GET /v1/workspaces/{ws}/viewer`: everything that the viewer needs to begin, in one answer; with
//! `rows=true` also the first page of the list, so that the first rows are one request away.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_catalog::embedded;
use proofbook_catalog::preset::{Order, Preset};
use proofbook_delivery::tongue::Tongue;
use proofbook_delivery::warnings::{self, Kind};
use proofbook_event::Timestamp;
use proofbook_filter::{Field, Filter, ResolvedFilter};
use proofbook_query::{Budget, ListRequest, Sort};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::{Which, ask, params};
use crate::limits;
use crate::params::Params;
use crate::problem::Problem;
use crate::routes::events::WrittenPage;
use crate::routes::export::SORTS;
use crate::routes::views;
use crate::scoped::Scoped;
use crate::sight::Sight;
use crate::viewer::role_label;

const YES_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Answers the product's words and columns, the reader, the retention, the views, the total, and the
/// first rows when they are asked for.
pub(crate) async fn show(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = params(&uri, &["rows", "sort", "limit"])?;
    let with_rows = params.word("rows", YES_NO)?.unwrap_or(false);
    let asking = place.clone();
    let shared = app.clone();
    let (mut body, first) = ask(&app, &place, move |reader, budget| {
        let body = body(&shared, &asking, reader, budget)?;
        // Rows that cannot be read are asked for again by their own address, which says why.
        let first = with_rows.then(|| first_rows(&shared, reader, params, budget).ok()).flatten();
        Ok((body, first))
    })
    .await?;
    body["views"] = json!(views::shown(&app, &place).await?);
    Ok(Json(Answer { body, first }).into_response())
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    body: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Box<RawValue>>,
}

/// Reads the first page of the list, as `…/events` answers it; what is not asked for is as the preset
/// has it.
fn first_rows(
    app: &App,
    reader: &Scoped,
    mut params: Params,
    budget: &Budget<'_>,
) -> Result<Box<RawValue>, Problem> {
    let settings = &reader.catalog().preset().viewer;
    if ["q", "from", "to"].iter().all(|name| params.text(name).is_none()) {
        params = params.or("q", default_query(reader.catalog().preset(), reader.sight()));
        if settings.default_range != "all" {
            params = params.or("from", &settings.default_range);
        }
    }
    let which = Which::read(app, &params, reader.sight())?;
    let own = match settings.order {
        Order::Newest => Sort::NewestFirst,
        Order::Oldest => Sort::OldestFirst,
    };
    let limit = params.number("limit", 1..=limits::LIST_ROWS_MAX as u32)?;
    let request = ListRequest {
        filter: which.filter,
        filter_hash: which.hash,
        sort: params.word("sort", SORTS)?.unwrap_or(own),
        limit: limit.unwrap_or(settings.page_size) as usize,
        cursor: None,
        page: None,
    };
    let page = WrittenPage::read(reader, request, &app.cursor_key, budget)?;
    let unreadable = |_| Problem::new(crate::problem::Code::Internal, "the rows are not JSON");
    let text = String::from_utf8(page.body)
        .map_err(|_| Problem::new(crate::problem::Code::Internal, "the rows are not text"))?;
    RawValue::from_string(text).map_err(unreadable)
}

fn body(
    app: &App,
    place: &InWorkspace,
    reader: &Scoped,
    budget: &Budget<'_>,
) -> Result<Value, Problem> {
    let catalog = reader.catalog();
    let preset = catalog.preset();
    let viewer = place.grant().viewer();
    let workspace = app.store.directory().by_name(place.name());
    let settings = workspace.map(|workspace| workspace.settings.clone()).unwrap_or_default();
    let keep = proofbook_store::rules::policy_of(preset, &settings).keep;
    let (total, oldest) = oldest(reader, budget)?;
    let time = |micros: i64| Timestamp::from_micros(micros).to_string();
    let mut body = serde_json::to_value(preset.to_json())
        .map_err(|_| Problem::new(crate::problem::Code::Internal, "the preset is not JSON"))?;
    // What the product is comes from its preset; the rest is about this workspace and reader.
    let catalog_part = |body: &mut Value, key: &str| body[key].take();
    let labels = catalog_part(&mut body, "labels");
    let modules = catalog_part(&mut body, "modules");
    let target_types = catalog_part(&mut body, "target_types");
    let actions = catalog_part(&mut body, "actions");
    let built_in = serde_json::to_value(embedded::built_in().to_json()).unwrap_or_default();
    Ok(json!({
        "workspace": place.name(),
        "title": settings.title,
        "app_url": settings.app_url,
        "viewer_url": settings.viewer_url,
        "product": {"name": preset.name, "title": preset.title, "path": preset.path},
        "role": viewer.map(|viewer| &viewer.role),
        "role_label": viewer.map(|viewer| role_label(catalog, &viewer.role)),
        "viewer": viewer.map(|viewer| json!({
            "id": viewer.id, "name": viewer.name, "email": viewer.email,
        })),
        "manage": viewer.map_or(place.grant().is_admin(), |viewer| viewer.manage),
        "restricted": !place.sight().is_everything(),
        "viewer_section": section(preset, place.sight()),
        "labels": labels,
        "modules": modules,
        "target_types": target_types,
        "actions": actions,
        "built_in": {"modules": built_in["modules"], "actions": built_in["actions"]},
        "retention": {
            "keep": keep.to_string(),
            "since": reader.kept_since().map(time),
            "oldest": oldest,
        },
        "total": total,
        "warnings": warnings(app, place),
        "export": {"formats": ["csv", "ndjson", "parquet"], "columns": columns(place)},
        "origins": viewer.map(|viewer| &viewer.origins),
        "expires_at": viewer.map(|viewer| time(viewer.expires_at)),
        "now": app.store.now().to_string(),
        "languages": ["en", "de"],
    }))
}

/// Returns the warnings that concern a reader: those that an export helps against for everybody who sees
/// the whole workspace, all of them for who manages it. What they say is in `text`, by language.
fn warnings(app: &App, place: &InWorkspace) -> Vec<Value> {
    if !place.sight().is_everything() {
        return Vec::new();
    }
    let grant = place.grant();
    let manages = grant.viewer().map_or(grant.is_admin(), |viewer| viewer.manage);
    let warned = &app.store.view().config.warned;
    let shown = warned
        .of(place.name())
        .iter()
        .filter(|warning| manages || Kind::parse(&warning.kind).is_some_and(Kind::asks_for_export));
    shown
        .map(|warning| {
            json!({
                "kind": warning.kind,
                "subject": warning.subject,
                "export": Kind::parse(&warning.kind).is_some_and(Kind::asks_for_export),
                "facts": warning.facts,
                "raised_at": Timestamp::from_micros(warning.raised_at).to_string(),
                "text": {
                    "en": warnings::text(warning, Tongue::English),
                    "de": warnings::text(warning, Tongue::German),
                },
            })
        })
        .collect()
}

/// Returns the number of events and the time of the oldest, as far as they are seen.
fn oldest(reader: &Scoped, budget: &Budget<'_>) -> Result<(Option<u64>, Option<String>), Problem> {
    let request = ListRequest {
        filter: ResolvedFilter::everything(),
        filter_hash: 0,
        sort: Sort::OldestFirst,
        limit: 1,
        cursor: None,
        page: None,
    };
    let page = reader.list(request, budget)?;
    let oldest = page.events.first().map(|found| found.occurred_at());
    Ok((page.total, oldest.map(|micros| Timestamp::from_micros(micros).to_string())))
}

/// Returns how the page looks before its reader changes anything, without the columns and filters that
/// are hidden from them. Filters get the words that the preset leaves to us.
fn section(preset: &Preset, sight: &Sight) -> Value {
    let whole = serde_json::to_value(preset.to_json()).unwrap_or_default();
    let mut section = whole["viewer"].clone();
    if let Some(columns) = section["columns"].as_array_mut() {
        columns
            .retain(|column| column["field"].as_str().is_some_and(|name| sight.shows_cell(name)));
    }
    let shown =
        preset.viewer.filters.iter().filter(|filter| {
            Field::parse(&filter.field).is_none_or(|field| sight.shows_field(&field))
        });
    let filters: Vec<Value> = shown
        .map(|filter| json!({"field": filter.field, "label": filter.label, "all": filter.all}))
        .collect();
    section["filters"] = json!(filters);
    section["default_query"] = json!(default_query(preset, sight));
    section
}

/// Returns the filter that the list opens with; none when it asks for what is hidden from the reader.
fn default_query<'p>(preset: &'p Preset, sight: &Sight) -> &'p str {
    let query = &preset.viewer.default_query;
    match Filter::parse(query).is_ok_and(|filter| sight.check_filter(&filter).is_ok()) {
        true => query,
        false => "",
    }
}

fn columns(place: &InWorkspace) -> Vec<&'static str> {
    let sight = place.sight();
    crate::export::COLUMNS.iter().copied().filter(|name| sight.shows_column(name)).collect()
}
