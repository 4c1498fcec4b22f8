//! `GET /v1/workspaces/{ws}/viewer`: everything that the viewer needs to begin, in one answer.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use proofbook_catalog::embedded;
use proofbook_catalog::preset::{Preset, Viewer as Settings};
use proofbook_event::Timestamp;
use proofbook_filter::ResolvedFilter;
use proofbook_query::{Budget, ListRequest, Sort};
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::app::App;
use crate::ask::ask;
use crate::params::Params;
use crate::problem::Problem;
use crate::routes::views;
use crate::scoped::Scoped;
use crate::viewer::role_label;

/// Answers the product's words and columns, the reader, the retention, the views, and the total.
pub(crate) async fn show(
    State(app): State<App>,
    place: InWorkspace,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let asking = place.clone();
    let shared = app.clone();
    let mut body =
        ask(&app, &place, move |reader, budget| body(&shared, &asking, reader, budget)).await?;
    body["views"] = json!(views::shown(&app, &place).await?);
    Ok(Json(body).into_response())
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
    let keep = preset.retention.keep(settings.plan.as_deref());
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
        "viewer_section": section(preset, &preset.viewer),
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
        "export": {"formats": ["csv", "ndjson", "parquet"], "columns": columns(place)},
        "origins": viewer.map(|viewer| &viewer.origins),
        "expires_at": viewer.map(|viewer| time(viewer.expires_at)),
        "now": app.store.now().to_string(),
        "languages": ["en", "de"],
    }))
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

/// Returns how the page looks before its reader changes anything. Filters get the words that the
/// preset leaves to us.
fn section(preset: &Preset, viewer: &Settings) -> Value {
    let whole = serde_json::to_value(preset.to_json()).unwrap_or_default();
    let mut section = whole["viewer"].clone();
    let filters: Vec<Value> = viewer
        .filters
        .iter()
        .map(|filter| json!({"field": filter.field, "label": filter.label, "all": filter.all}))
        .collect();
    section["filters"] = json!(filters);
    section
}

fn columns(place: &InWorkspace) -> Vec<&'static str> {
    let sight = place.sight();
    crate::export::COLUMNS.iter().copied().filter(|name| sight.shows_column(name)).collect()
}
