//! `/viewer.js`, `/viewer/…`, `/page/…`, `/favicon.ico`: the files of the pages.

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

/// Answers the icon by the address that browsers ask for by themselves, such as for an answer of the API
/// that is opened in a tab. It is SVG, as its media type says.
pub(crate) async fn icon(headers: HeaderMap) -> Response {
    asset::serve("page/icon.svg", &headers)
}

fn file(root: &str, path: &RawPathParams, headers: &HeaderMap) -> Response {
    let folder = param(path, "folder").map(|folder| format!("{folder}/")).unwrap_or_default();
    match param(path, "file") {
        Ok(name) => asset::serve(&format!("{root}/{folder}{name}"), headers),
        Err(problem) => problem.into_response(),
    }
}
