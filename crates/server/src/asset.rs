//! The files of the pages, compiled in: their media types, their tags for caches, their compressed form.
//!
//! `build.rs` makes the table. In a debug build a file that was changed since is read anew from the
//! source tree at each request, so that a page can be worked on without building; a release build never
//! touches the disk for it.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

#[cfg(any(test, debug_assertions))]
mod lean;

/// A file of the table.
struct File {
    /// Its path under `assets/`.
    path: &'static str,
    /// As the source tree had it.
    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "debug builds compare it"))]
    source: &'static [u8],
    /// As it goes over the wire.
    wire: &'static [u8],
    /// That, compressed.
    gzip: &'static [u8],
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a client gets of a file.
struct Ready {
    bytes: Cow<'static, [u8]>,
    gzip: Cow<'static, [u8]>,
    tag: String,
}

/// Answers a file by its path under `assets/`.
///
/// Pages of other sites load these files, so any site may; nothing in them is secret.
pub(crate) fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some(index) = FILES.binary_search_by_key(&path, |file| file.path).ok() else {
        return Problem::not_found("there is no such file").into_response();
    };
    match changed(&FILES[index]) {
        Some(ready) => answer(path, &ready, headers),
        None => answer(path, ready(index), headers),
    }
}

fn ready(index: usize) -> &'static Ready {
    static READY: OnceLock<Vec<OnceLock<Ready>>> = OnceLock::new();
    let all = READY.get_or_init(|| FILES.iter().map(|_| OnceLock::new()).collect());
    let File { wire, gzip, .. } = FILES[index];
    all[index].get_or_init(|| Ready::new(wire.into(), gzip.into()))
}

impl Ready {
    fn new(bytes: Cow<'static, [u8]>, gzip: Cow<'static, [u8]>) -> Self {
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
        ([(header::CONTENT_ENCODING, "gzip")], ready.gzip.clone().into_owned()).into_response()
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

/// Returns a file as the source tree has it now, where that is not what was compiled in.
#[cfg(debug_assertions)]
fn changed(file: &File) -> Option<Ready> {
    use std::io::Write as _;

    let is_joined = file.path == "viewer/viewer.js";
    let belongs = |one: &&File| {
        one.path == file.path
            || is_joined && one.path.starts_with("viewer/") && one.path.ends_with(".js")
    };
    let now = |path: &str| from_source(path);
    let mut parts = FILES.iter().filter(belongs);
    if parts.all(|one| now(one.path).is_none_or(|bytes| bytes == one.source)) {
        return None;
    }
    let bytes = now(file.path)?;
    let module = |name: &str| String::from_utf8(now(&format!("viewer/{name}"))?).ok();
    let wire = lean::wire(file.path, &String::from_utf8_lossy(&bytes), module);
    let bytes = wire.map_or(bytes, String::into_bytes);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to a Vec does not fail.
    let _ = gzip.write_all(&bytes);
    Some(Ready::new(bytes.into(), gzip.finish().unwrap_or_default().into()))
}

#[cfg(not(debug_assertions))]
fn changed(_: &File) -> Option<Ready> {
    None
}

/// Reads a file of the table from the source tree.
#[cfg(debug_assertions)]
fn from_source(path: &str) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "the source tree, in debug builds only")]
    std::fs::read(format!("{}/assets/{path}", env!("CARGO_MANIFEST_DIR"))).ok()
}

#[cfg(test)]
mod tests;
