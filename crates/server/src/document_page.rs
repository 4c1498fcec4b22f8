//! Pages: documents of our own, each with a policy that lets nothing run or load but our own files.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};
use crate::tongue::Tongue;

/// What every page may do; who may frame it comes behind.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors ";

/// A page with a heading and a sentence.
#[derive(Template)]
#[template(path = "words.html")]
struct Words<'w> {
    lang: &'w str,
    title: &'w str,
    text: &'w str,
}

/// Answers a page that nobody may frame.
pub(crate) fn page(template: &impl Template) -> Response {
    framed_page(template, &[])
}

/// Answers a page that the given origins may frame; each has the form of an origin.
pub(crate) fn framed_page(template: &impl Template, origins: &[String]) -> Response {
    let Ok(body) = template.render() else {
        return Problem::new(Code::Internal, "the page could not be written").into_response();
    };
    let ancestors = if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
    let Ok(policy) = HeaderValue::from_str(&format!("{POLICY}{ancestors}")) else {
        return Problem::new(Code::Internal, "the page's policy is no header").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, body).into_response()
}

/// Answers a page that says something in words.
pub(crate) fn words(status: StatusCode, tongue: Tongue, title: &str, text: &str) -> Response {
    let mut response = page(&Words { lang: tongue.tag(), title, text });
    *response.status_mut() = status;
    response
}
