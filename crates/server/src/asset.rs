//! The files of the pages, compiled in: their media types, their tags for caches, their compressed form.
//!
//! In a debug build a file is read anew from the source tree at each request, so that a page can be
//! worked on without building; a release build never touches the disk for it.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

mod lean;

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a client gets of a file.
struct Ready {
    bytes: Cow<'static, [u8]>,
    gzip: Vec<u8>,
    tag: String,
}

/// Answers a file by its path under `assets/`.
///
/// Pages of other sites load these files, so any site may; nothing in them is secret.
pub(crate) fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some(index) = FILES.binary_search_by_key(&path, |(name, _)| *name).ok() else {
        return Problem::not_found("there is no such file").into_response();
    };
    if cfg!(debug_assertions) {
        return answer(path, &Ready::new(wire(path, text_of(index))), headers);
    }
    answer(path, ready(index), headers)
}

/// Returns a file as it goes over the wire.
fn wire(path: &str, bytes: Cow<'static, [u8]>) -> Cow<'static, [u8]> {
    let text = || String::from_utf8_lossy(&bytes);
    let module = |name: &str| {
        let path = format!("viewer/{name}");
        let index = FILES.binary_search_by_key(&path.as_str(), |(name, _)| *name).ok()?;
        Some(String::from_utf8_lossy(&text_of(index)).into_owned())
    };
    match path {
        "viewer/viewer.js" => lean::join(&text(), module).into_bytes().into(),
        "viewer/viewer.css" => lean::squeeze_style(&text()).into_bytes().into(),
        _ => bytes,
    }
}

/// Returns a file as it stands; in a debug build, as it stands in the source tree now.
fn text_of(index: usize) -> Cow<'static, [u8]> {
    let (path, bytes) = FILES[index];
    from_source(path).map_or(Cow::Borrowed(bytes), Cow::Owned)
}

fn ready(index: usize) -> &'static Ready {
    static READY: OnceLock<Vec<OnceLock<Ready>>> = OnceLock::new();
    let all = READY.get_or_init(|| FILES.iter().map(|_| OnceLock::new()).collect());
    all[index].get_or_init(|| Ready::new(wire(FILES[index].0, FILES[index].1.into())))
}

impl Ready {
    fn new(bytes: Cow<'static, [u8]>) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to a Vec does not fail.
        let _ = gzip.write_all(&bytes);
        let gzip = gzip.finish().unwrap_or_default();
        let digest = Sha256::digest(&bytes);
        let tag = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, gzip, tag }
    }
}

fn answer(path: &str, ready: &Ready, asked: &HeaderMap) -> Response {
    let names = |name: header::HeaderName, word: &str| {
        asked
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.contains(word))
    };
    let gzip = names(header::ACCEPT_ENCODING, "gzip") && !ready.gzip.is_empty();
    // The two forms differ, so their tags do.
    let tag = format!("\"{}{}\"", ready.tag, if gzip { "-gzip" } else { "" });
    let mut response = if names(header::IF_NONE_MATCH, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if gzip {
        ([(header::CONTENT_ENCODING, "gzip")], ready.gzip.clone()).into_response()
    } else {
        ready.bytes.clone().into_owned().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Reads a file of the table from the source tree.
#[cfg(debug_assertions)]
fn from_source(path: &str) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "the source tree, in debug builds only")]
    std::fs::read(format!("{}/assets/{path}", env!("CARGO_MANIFEST_DIR"))).ok()
}

#[cfg(not(debug_assertions))]
fn from_source(_: &str) -> Option<Vec<u8>> {
    None
}

#[cfg(test)]
mod tests;
