//! `/v1/workspaces/{ws}/notifications`: of which actions a workspace's owner is told by e-mail, a switch
//! for each. For an admin key, or a viewer whose token says `manage`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use proofbook_catalog::Catalog;
use proofbook_delivery::engine::owners_rule;
use proofbook_delivery::rule::{Mode, WARNINGS, owners_actions};
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_store::config::{ConfigChange, Notifications};
use serde_json::{Value, json};

use crate::access::InWorkspace;
use crate::admin::{self, Act};
use crate::app::App;
use crate::delivery;
use crate::document::{self, Document};
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes::rules::{language, mode, zone};

const FIELDS: &[&str] = &["on", "off", "enabled", "mode", "language", "zone"];
/// Actions that one change may switch.
const SWITCHES_MAX: usize = 500;

/// Answers every action with whether the owner is told of it.
pub(crate) async fn get(State(app): State<App>, place: InWorkspace) -> Result<Response, Problem> {
    check(&place)?;
    Ok(Json(shown(&app, place.name())?).into_response())
}

/// Switches actions on and off, and says when, in which language and in which zone mails are sent.
/// What is not named stays as it is.
pub(crate) async fn put(
    State(app): State<App>,
    place: InWorkspace,
    request: Request,
) -> Result<Response, Problem> {
    check(&place)?;
    let name = place.name();
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, FIELDS)?;
    let _turn = app.turn().await?;
    let known = known_actions(&*catalog_of(&app, name)?);
    let view = app.store.view();
    let before = view.config.notifications.get(name).cloned().unwrap_or_default();
    let mut after = before.clone();
    for (pointer, is_on) in [("/on", true), ("/off", false)] {
        for (index, action) in document.optional_texts(pointer, SWITCHES_MAX)?.iter().enumerate() {
            if !known.contains_key(*action) {
                let detail = "the workspace's preset has no such action".to_owned();
                let pointer = format!("{pointer}/{index}");
                return Err(document.fault(Code::Invalid, &pointer, detail, None));
            }
            after.switches.insert((*action).to_owned(), is_on);
        }
    }
    if let Some(enabled) = document.flag("/enabled")? {
        after.off = !enabled;
    }
    if let Some(mode) = mode(&document)? {
        let word = Mode::ALL.iter().find(|(_, known)| *known == mode);
        after.mode = word.map(|(word, _)| (*word).to_owned());
    }
    after.language = language(&document)?.or(after.language);
    after.zone = zone(&document)?.or(after.zone);
    if after != before {
        let act = Act {
            action: "audit_log.notification_changed",
            target: ("workspace", name.to_owned(), name.to_owned()),
            before: Some(json!(before)),
            after: Some(json!(after)),
        };
        let workspace = name.to_owned();
        let change = ConfigChange::PutNotifications { workspace, notifications: after };
        admin::record(&app, place.grant(), change, act).await?;
    }
    Ok(Json(shown(&app, name)?).into_response())
}

/// Refuses who may look and not manage.
fn check(place: &InWorkspace) -> Result<(), Problem> {
    let grant = place.grant();
    if place.name() == SYSTEM_WORKSPACE {
        return Err(Problem::new(Code::Reserved, "the workspace _system has no owner"));
    }
    if grant.viewer().map_or(grant.is_admin(), |viewer| viewer.manage) {
        return Ok(());
    }
    let detail =
        "notifications are changed with an admin key, or by a viewer whose token says `manage`";
    Err(Problem::new(Code::Forbidden, detail))
}

fn catalog_of(app: &App, name: &str) -> Result<std::sync::Arc<Catalog>, Problem> {
    let found = app.store.directory().by_name(name);
    let found =
        found.ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))?;
    Ok(app.store.catalog_of(&found.settings))
}

/// Returns the actions that can be switched with title, module and the preset's own default.
fn known_actions(catalog: &Catalog) -> BTreeMap<String, (String, String, bool)> {
    let preset =
        catalog.preset().actions.iter().map(|action| (action.name.as_str(), action.notify));
    let warnings = WARNINGS.iter().map(|name| (*name, true));
    preset
        .chain(warnings)
        .map(|(name, notify)| {
            let found = catalog.resolve(name);
            let facts = (found.title.to_string(), found.module_title.to_owned(), notify);
            (name.to_owned(), facts)
        })
        .collect()
}

fn shown(app: &App, name: &str) -> Result<Value, Problem> {
    let catalog = catalog_of(app, name)?;
    let view = app.store.view();
    let own = view.config.notifications.get(name);
    let own_or_none = own.cloned().unwrap_or_default();
    let all_on = Notifications { off: false, ..own_or_none.clone() };
    let on: BTreeSet<String> = owners_actions(&catalog, Some(&all_on));
    let actions: Vec<Value> = known_actions(&catalog)
        .into_iter()
        .map(|(action, (title, module, default))| {
            let is_on = on.contains(&action);
            json!({"action": action, "title": title, "module": module, "on": is_on, "default": default})
        })
        .collect();
    let workspace = app.store.directory().by_name(name);
    let settings = workspace.map(|workspace| workspace.settings.clone()).unwrap_or_default();
    let rule = owners_rule();
    let health = app.delivery.board().health_of(&rule.id);
    let mut warnings = Vec::new();
    if settings.owner_email.is_none() {
        warnings.push("the workspace has no owner's address: mails are sent once it is set");
    }
    if app.config.smtp_url.is_none() {
        warnings.push("e-mail is not set up on this server");
    }
    Ok(json!({
        "workspace": name,
        "owner": {"name": settings.owner_name, "email": settings.owner_email},
        "enabled": !own_or_none.off,
        "mode": own_or_none.mode.as_deref().unwrap_or("instant"),
        "language": own_or_none.language.as_deref().unwrap_or("en"),
        "zone": own_or_none.zone.as_deref().unwrap_or("UTC"),
        "actions": actions,
        "state": delivery::state(&rule, &health),
        "warnings": warnings,
    }))
}
