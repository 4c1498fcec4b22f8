//! `GET /openapi.json`: the OpenAPI 3.1 description. Kept by hand beside this file; a test holds it
//! against the table of routes, so that neither has what the other lacks.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// The document.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

/// Answers the document.
pub(crate) async fn show() -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/vnd.oai.openapi+json;version=3.1"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, DOCUMENT).into_response()
}
