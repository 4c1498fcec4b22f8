//! `/v1/catalogs`: the presets in the binary and those that an administrator put.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proofbook_catalog::preset::PresetError;
use proofbook_catalog::{Catalog, Preset, embedded};
use proofbook_event::name::is_workspace_name;
use proofbook_store::config::{ConfigChange, WorkspaceSettings};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::admin::{self, Act};
use crate::app::App;
use crate::document;
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Fault, Problem};
use crate::routes::events::param;

const YES_NO: &[(&str, bool)] = &[("true", true), ("false", false)];
/// Mistakes of a catalog's text that are named in one answer.
const MISTAKES_MAX: usize = 50;

/// Answers names, titles and versions.
pub(crate) async fn list(
    State(app): State<App>,
    _grant: Grant,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let view = app.store.view();
    let stored = view.config.catalogs.keys().map(String::as_str);
    let built_in = embedded::PRESETS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !view.config.catalogs.contains_key(*name));
    let data: Vec<Value> = built_in
        .chain(stored)
        .filter_map(|name| {
            let catalog = find(&app, name)?;
            Some(json!({
                "name": name,
                "title": catalog.preset().title,
                "version": catalog.version(),
                "built_in": !view.config.catalogs.contains_key(name),
                "actions": catalog.preset().actions.len(),
                "readers": catalog.preset().access.view,
                "plans": plans(&catalog),
            }))
        })
        .collect();
    Ok(Json(json!({"data": data})).into_response())
}

/// Returns how long each plan of a preset keeps events.
pub(crate) fn plans(catalog: &Catalog) -> Value {
    let plans = catalog.preset().retention.plans.iter();
    plans.map(|(plan, keep)| (plan.clone(), json!(keep.to_string()))).collect()
}

/// Answers one catalog as its readers get it.
pub(crate) async fn get(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let catalog = find(&app, &param(&path, "name")?)
        .ok_or_else(|| Problem::not_found("there is no such catalog"))?;
    Ok(Json(catalog.preset().to_json()).into_response())
}

/// Puts a version of a catalog into force, or with `check=true` only says whether it could be.
pub(crate) async fn put(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let name = param(&path, "name")?;
    let check = Params::read(&uri, &["check"])?.word("check", YES_NO)?.unwrap_or(false);
    if !is_workspace_name(&name) {
        let detail = "a catalog's name has the form of a workspace's name";
        return Err(Problem::new(Code::Invalid, detail));
    }
    let bytes = document::receive(&app, request, limits::CATALOG_BYTES_MAX).await?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let offset = Some(error.valid_up_to() as u64);
        let detail = "the text is not UTF-8".to_owned();
        Problem::at(Code::Malformed, Fault { offset, detail, ..Fault::default() })
    })?;
    let preset = Preset::parse(text).map_err(|error| mistakes(text, &error))?;
    if preset.name != name {
        let detail = format!("the address says {name}, the text says name = \"{}\"", preset.name);
        return Err(Problem::new(Code::Invalid, detail));
    }
    let _turn = app.turn().await?;
    let view = app.store.view();
    let known = view.config.catalogs.get(&name);
    let version = known.map_or(1, |known| known.version + 1);
    let facts = |preset: &Preset, version: u32| {
        json!({
            "name": preset.name,
            "title": preset.title,
            "version": version,
            "actions": preset.actions.len(),
        })
    };
    if check {
        let mut body = facts(&preset, version);
        body["checked"] = json!(true);
        return Ok(Json(body).into_response());
    }
    if known.is_none() && view.config.catalogs.len() >= limits::CATALOGS_MAX {
        let max = limits::CATALOGS_MAX as u64;
        return Err(Problem::too_large(0, max, format!("there are {max} catalogs already")));
    }
    let before = find(&app, &name).map(|before| facts(before.preset(), before.version()));
    let after = facts(&preset, version);
    let act = Act {
        action: "audit_log.catalog_changed",
        target: ("catalog", name.clone(), preset.title.clone()),
        before,
        after: Some(after.clone()),
    };
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let change = ConfigChange::PutCatalog { name, text: text.to_owned() };
    admin::record(&app, &grant, change, act).await?;
    Ok((status, Json(after)).into_response())
}

/// Finds a catalog that is stored or built in.
pub(crate) fn find(app: &App, name: &str) -> Option<Arc<Catalog>> {
    let is_known =
        app.store.view().config.catalogs.contains_key(name) || embedded::text(name).is_some();
    let settings =
        WorkspaceSettings { preset: Some(name.to_owned()), ..WorkspaceSettings::default() };
    is_known.then(|| app.store.catalog_of(&settings))
}

/// Names every mistake with the byte at which it stands.
fn mistakes(text: &str, error: &PresetError) -> Problem {
    let faults: Vec<Fault> = error
        .mistakes
        .iter()
        .take(MISTAKES_MAX)
        .map(|mistake| {
            let before = text.split_inclusive('\n').take(mistake.line.saturating_sub(1));
            let offset = before.map(str::len).sum::<usize>() + mistake.column.saturating_sub(1);
            let detail = format!("line {}: {}", mistake.line, mistake.reason);
            Fault { offset: Some(offset as u64), detail, ..Fault::default() }
        })
        .collect();
    let detail = format!("the catalog has {} mistakes", error.mistakes.len());
    Problem { faults, ..Problem::new(Code::Invalid, detail) }
}
