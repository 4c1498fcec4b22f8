//! `POST /v1/workspaces/{ws}/log/keys` and `POST /v1/signing-seed`: another key, another origin, another
//! master seed. Each is recorded in the log together with the event that tells of it, and that event is
//! a leaf of the tree whose signatures change.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use proofbook_store::config::ConfigChange;
use proofbook_store::fold::{SeedId, Workspace};
use proofbook_store::signing::SigningError;
use serde_json::{Value, json};

use crate::access::{Grant, InWorkspace};
use crate::admin::{self, Act};
use crate::app::App;
use crate::document::{self, Document};
use crate::limits;
use crate::problem::{Code, Problem};

/// How long both keys sign after a rotation, in hours, when nothing is said.
const OVERLAP_HOURS: i64 = 7 * 24;
/// Longest overlap, in hours (1 year).
const OVERLAP_HOURS_MAX: i64 = 366 * 24;
const HOUR_MICROS: i64 = 3600 * 1_000_000;

/// Signs a workspace's greater heads with its next key, or goes on under a new origin.
pub(crate) async fn rotate(
    State(app): State<App>,
    place: InWorkspace,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let text = if text.is_empty() { b"{}".as_slice() } else { &text };
    let document = Document::parse(text, &["new_origin", "overlap_hours"])?;
    let new_origin = document.flag("/new_origin")?.unwrap_or(false);
    let overlap = document.number("/overlap_hours", 0..=OVERLAP_HOURS_MAX)?;
    let overlap = overlap.unwrap_or(OVERLAP_HOURS);
    let _turn = app.turn().await?;
    let name = place.name();
    let workspace = app.store.directory().by_name(name);
    let workspace =
        workspace.ok_or_else(|| Problem::not_found(format!("there is no workspace {name} yet")))?;
    let seed = app.heads.signer.seed().ok_or_else(seed_missing)?;
    let act = begin_era(&app, place.grant(), &workspace, new_origin, seed, overlap).await?;
    Ok((StatusCode::CREATED, Json(act)).into_response())
}

/// Records a new era, and answers what it is.
async fn begin_era(
    app: &App,
    grant: &Grant,
    workspace: &Workspace,
    new_origin: bool,
    seed: SeedId,
    overlap_hours: i64,
) -> Result<Value, Problem> {
    let signer = &app.heads.signer;
    let uid = workspace.uid;
    let before = workspace.signing.as_ref().and_then(|signing| signing.eras.last().cloned());
    let origin = before.as_ref().map_or(0, |era| era.origin);
    let told = |number: u32| signer.origin(uid, number);
    // What the world has seen under the old origin, which may be more than this store has.
    let outside = signer.outside(uid, origin);
    let now = app.store.now().micros();
    let overlap_until = match new_origin {
        true => 0,
        false => now.saturating_add(overlap_hours * HOUR_MICROS),
    };
    let old_key = before.as_ref().and_then(|era| signer.verifier(uid, era));
    let next = proofbook_store::fold::Era {
        origin: origin + u32::from(new_origin),
        key: if new_origin { 0 } else { before.as_ref().map_or(0, |era| era.key) + 1 },
        seed,
        after_size: workspace.edge.size(),
        overlap_until,
    };
    let action = if new_origin { "audit_log.origin_changed" } else { "audit_log.key_rotated" };
    let new_key = signer.verifier(uid, &next);
    let act = Act {
        action,
        target: ("log", told(next.origin), String::new()),
        before: Some(json!({
            "origin": told(origin),
            "vkey": old_key,
            "size": outside.map(|head| head.size),
            "root": outside.map(|head| head.root.to_string()),
        })),
        after: Some(json!({"origin": told(next.origin), "vkey": new_key})),
    };
    let change = ConfigChange::NewEra {
        workspace: workspace.name.to_string(),
        new_origin,
        seed,
        overlap_until,
    };
    admin::record_in(app, grant, workspace.name.to_string(), change, act).await?;
    Ok(json!({"origin": told(next.origin), "vkey": new_key, "after_size": next.after_size}))
}

/// Makes a new master seed in the place of one that is lost, and begins a new origin for every
/// workspace whose heads were published.
pub(crate) async fn replace_seed(
    State(app): State<App>,
    grant: Grant,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let in_use = app.store.view().config.signing_seed;
    let published = app.store.directory().all();
    // What a process that died in between began is gone on with: its seed, and the origins it left.
    let lags = |workspace: &std::sync::Arc<Workspace>, seed: SeedId| {
        let signing = workspace.signing.as_ref();
        signing.and_then(|signing| signing.eras.last()).is_some_and(|era| era.seed != seed)
    };
    let begun = app.heads.signer.seed().filter(|seed| {
        in_use != Some(*seed) || published.iter().any(|workspace| lags(workspace, *seed))
    });
    let seed = match begun {
        Some(seed) => seed,
        None => {
            let (signer, random) = (app.heads.signer.clone(), app.random.clone());
            let place = app.queries.enter(app.config.queue_timeout).await?;
            let replace = move || signer.replace_lost_seed(&*random).map_err(|error| taken(&error));
            app.blocking(place, replace).await?
        }
    };
    let act = Act {
        action: "audit_log.signing_key_created",
        target: ("signing_seed", seed.to_string(), String::new()),
        before: in_use.map(|before| json!(before.to_string())),
        after: Some(json!(seed.to_string())),
    };
    if in_use != Some(seed) {
        admin::record(&app, &grant, ConfigChange::SigningSeed { seed }, act).await?;
    }
    let mut changed = Vec::new();
    for workspace in published {
        if lags(&workspace, seed) {
            changed.push(begin_era(&app, &grant, &workspace, true, seed, 0).await?);
        }
    }
    let body = json!({"signing_seed": seed.to_string(), "new_origins": changed});
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn seed_missing() -> Problem {
    let detail = "the master seed is missing; put master.seed back, or POST /v1/signing-seed";
    Problem::new(Code::SigningRefused, detail)
}

fn taken(error: &SigningError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "no master seed was made");
    let detail = "the master seed is there, so nothing is lost; only a lost one is replaced";
    Problem::new(Code::SigningRefused, detail)
}
