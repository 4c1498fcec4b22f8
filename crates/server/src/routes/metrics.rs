//! `GET /metrics`: figures for Prometheus. They name no workspace and no key.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::metrics;

/// Answers every figure.
pub(crate) async fn show(State(app): State<App>) -> Response {
    let media_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([media_type], metrics::write(&app)).into_response()
}
