//! `/viewer.js`, `/viewer/…`, `/page/…`: the files of the pages.

use axum::extract::RawPathParams;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use crate::asset;
use crate::routes::events::param;

/// Answers the web component, by the address that customers embed.
pub(crate) async fn component(headers: HeaderMap) -> Response {
    asset::serve("viewer/viewer.js", &headers)
}

/// Answers a file of the web component.
pub(crate) async fn of_viewer(path: RawPathParams, headers: HeaderMap) -> Response {
    file("viewer", &path, &headers)
}

/// Answers a file of our own pages.
pub(crate) async fn of_page(path: RawPathParams, headers: HeaderMap) -> Response {
    file("page", &path, &headers)
}

fn file(root: &str, path: &RawPathParams, headers: &HeaderMap) -> Response {
    let folder = param(path, "folder").map(|folder| format!("{folder}/")).unwrap_or_default();
    match param(path, "file") {
        Ok(name) => asset::serve(&format!("{root}/{folder}{name}"), headers),
        Err(problem) => problem.into_response(),
    }
}
