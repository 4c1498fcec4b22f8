//! `GET /healthz` (the process lives) and `GET /readyz` (it takes events and answers queries).

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;

/// Answers that the process lives.
pub(crate) async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// Answers 200 when events can be taken, else 503 with the reason.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let counters = app.store.counters();
    let reason = if app.stopping.is_cancelled() {
        Some("the server is stopping")
    } else if counters.failed.load(Ordering::Relaxed) {
        Some("the store stopped because of an error")
    } else if app.metrics.no_space.load(Ordering::Relaxed) {
        Some("the disk is full; events cannot be taken, queries are answered")
    } else {
        None
    };
    match reason {
        None => Json(json!({"status": "ready"})).into_response(),
        Some(reason) => {
            let body = Json(json!({"status": "not_ready", "reason": reason}));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
