//! `GET /errors/{code}`: what an error's code means, at the address that its `type` names.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::problem::{Code, Problem};

/// Answers the explanation of one code.
pub(crate) async fn explain(Path(code): Path<String>) -> Result<Response, Problem> {
    let code = Code::parse(&code).ok_or_else(|| Problem::not_found("there is no such error"))?;
    let body = Json(json!({
        "code": code.as_str(),
        "status": code.status(),
        "title": code.title(),
        "explanation": code.explanation(),
    }));
    let cache = HeaderValue::from_static("public, max-age=3600");
    Ok(([(header::CACHE_CONTROL, cache)], body).into_response())
}
