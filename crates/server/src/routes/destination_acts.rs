//! `/v1/destinations/{id}/…`: pause, resume, replay, rotate, test, and dead letters with their resending.

use axum::Json;
use axum::extract::{RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use proofbook_delivery::destination::WebhookSecrets;
use proofbook_delivery::sign::{Scheme, Secret};
use proofbook_event::Timestamp;
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_store::config::{Destination, Start, StartAt};
use serde_json::json;

use crate::access::Grant;
use crate::admin::record_event;
use crate::app::App;
use crate::delivery;
use crate::document::{self, Document};
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes::destinations::WEBHOOKS;
use crate::routes::told::became;

/// Stops telling a destination; its cursors stay, and nothing is lost as long as events are kept.
pub(crate) async fn pause(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let before = WEBHOOKS.find(&app, &path)?;
    if before.paused_at.is_some() {
        return Ok(Json((WEBHOOKS.shown)(&app, &before)).into_response());
    }
    let paused_at = Some(app.store.now().micros());
    let after = Destination { paused_at, ..before.clone() };
    Ok(Json(WEBHOOKS.put(&app, &grant, Some(&before), after).await?).into_response())
}

/// Goes on telling a destination where it stood.
pub(crate) async fn resume(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let _turn = app.turn().await?;
    let before = WEBHOOKS.find(&app, &path)?;
    if before.paused_at.is_none() {
        // Whoever resumes what waits for its next try does not want to wait either.
        app.delivery.hurry(&before.id);
        return Ok(Json((WEBHOOKS.shown)(&app, &before)).into_response());
    }
    let after = Destination { paused_at: None, ..before.clone() };
    Ok(Json(WEBHOOKS.put(&app, &grant, Some(&before), after).await?).into_response())
}

/// Tells a destination again what it was told before: from a number in one workspace, or from a time.
pub(crate) async fn replay(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["workspace", "seq", "since"])?;
    let workspace = document.text("/workspace", limits::TITLE_BYTES_MAX)?;
    let seq = document.number("/seq", 0..=i64::MAX)?;
    let since = document.text("/since", 64)?;
    let from = match (seq, since) {
        (Some(seq), None) if workspace.is_some() => {
            StartAt::Seq(u64::try_from(seq).unwrap_or_default())
        }
        (None, Some(text)) => match Timestamp::parse(text) {
            Ok(time) => StartAt::RecordedAt(time.micros()),
            Err(_) => {
                let detail = "a time in RFC 3339 form is expected".to_owned();
                return Err(document.fault(Code::Invalid, "/since", detail, None));
            }
        },
        _ => {
            let detail = "either `seq` with a `workspace`, or `since` with or without one";
            return Err(Problem::new(Code::Invalid, detail));
        }
    };
    let _turn = app.turn().await?;
    let before = WEBHOOKS.find(&app, &path)?;
    if let Some(name) = workspace
        && (!before.covers(name) || app.store.directory().by_name(name).is_none())
    {
        let detail = "the destination is told of no workspace of this name".to_owned();
        return Err(document.fault(Code::Invalid, "/workspace", detail, None));
    }
    let generation = before.starts.values().map(|start| start.generation).max().unwrap_or(0) + 1;
    let mut after = before.clone();
    if workspace.is_none() {
        // The newest word holds, so older ones on single workspaces are void.
        after.starts.clear();
    }
    after.starts.insert(workspace.unwrap_or("*").to_owned(), Start { generation, from });
    let told = |destination: &Destination| json!({"starts": destination.starts});
    let (old, new) = (told(&before), told(&after));
    let body = (WEBHOOKS.shown)(&app, &after);
    WEBHOOKS.record(&app, &grant, after, Some(old), Some(new)).await?;
    Ok(Json(body).into_response())
}

/// Makes a new signing secret; the one before stays active until the next rotation or until `finish`.
pub(crate) async fn rotate(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let text = if text.is_empty() { b"{}"[..].into() } else { text };
    let document = Document::parse(&text, &["signature", "finish"])?;
    let scheme = match document.text("/signature", limits::TITLE_BYTES_MAX)? {
        None | Some("hmac") => Scheme::Hmac,
        Some("ed25519") => Scheme::Ed25519,
        Some(_) => {
            let detail = "a signature is hmac or ed25519".to_owned();
            return Err(document.fault(Code::Invalid, "/signature", detail, None));
        }
    };
    let finish = document.flag("/finish")?.unwrap_or(false);
    let _turn = app.turn().await?;
    let before = WEBHOOKS.find(&app, &path)?;
    let mut secrets = WebhookSecrets::open(app.store.key(), &before).map_err(|error| {
        Problem::new(Code::Unavailable, format!("{error}; put the destination's address again"))
    })?;
    let is_same = |text: &String| {
        matches!(
            (Secret::parse(text), scheme),
            (Some(Secret::Hmac(_)), Scheme::Hmac) | (Some(Secret::Ed25519(_)), Scheme::Ed25519)
        )
    };
    let (mut same, others): (Vec<String>, Vec<String>) =
        secrets.signing.into_iter().partition(is_same);
    let fresh = (!finish).then(|| Secret::generate(scheme, &*app.random));
    if let Some(fresh) = &fresh {
        same.insert(0, fresh.reveal());
    }
    same.truncate(if finish { 1 } else { 2 });
    secrets.signing = same.into_iter().chain(others).collect();
    let after = Destination {
        sealed: Some(secrets.seal(app.store.key(), &before.id, &*app.random)),
        ..before.clone()
    };
    let mut body = WEBHOOKS.put(&app, &grant, Some(&before), after).await?;
    if let Some(fresh) = fresh {
        body["secrets"] = json!([fresh.for_receiver()]);
    }
    Ok(Json(body).into_response())
}

/// Sends one test message now and answers what became of it.
pub(crate) async fn test(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    WEBHOOKS.test(&app, &path).await
}

/// Answers what a destination would not take.
pub(crate) async fn dead_letters(
    State(app): State<App>,
    _grant: Grant,
    path: RawPathParams,
) -> Result<Response, Problem> {
    let destination = WEBHOOKS.find(&app, &path)?;
    Ok(Json(delivery::dead_letters(&app, &destination)).into_response())
}

/// Sends one event once more that the destination would not take. Each try is an event.
pub(crate) async fn resend(
    State(app): State<App>,
    grant: Grant,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let text = document::receive(&app, request, limits::DOCUMENT_BYTES_MAX).await?;
    let document = Document::parse(&text, &["workspace", "seq"])?;
    let workspace = document.required_text("/workspace", limits::TITLE_BYTES_MAX)?.to_owned();
    let seq = document.number("/seq", 0..=i64::MAX)?.and_then(|seq| u64::try_from(seq).ok());
    let destination = WEBHOOKS.find(&app, &path)?;
    let view = app.store.view();
    let uid = app.store.directory().by_name(&workspace).map(|known| known.uid);
    let standing = view.delivered.of(&destination.id);
    let is_dead = |seq: &u64| {
        let mut dead = standing.iter().flat_map(|standing| &standing.dead);
        dead.any(|dead| Some(dead.workspace) == uid && dead.seq == *seq)
    };
    let seq = seq.filter(is_dead).ok_or_else(|| {
        Problem::not_found("the destination has no dead letter of this workspace and number")
    })?;
    let sent = app.delivery.resend(&destination, &workspace, seq).await;
    let (result, detail) = became(sent.map_err(|error| error.to_string()));
    let outcome = match result {
        "taken" => json!({"result": "success"}),
        code => json!({"result": "failure", "code": code, "reason": &detail}),
    };
    let event = json!({
        "actor": grant.actor(),
        "via": {"channel": "api"},
        "targets": [{"type": "destination", "id": destination.id, "name": destination.name}],
        "outcome": outcome,
        "metadata": {"workspace": workspace, "seq": seq},
    });
    record_event(&app, SYSTEM_WORKSPACE, "audit_log.dead_letter_resent", event).await?;
    Ok(Json(json!({"result": result, "detail": detail})).into_response())
}
