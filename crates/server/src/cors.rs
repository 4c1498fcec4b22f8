//! Requests from pages of other sites (the Fetch standard, section 3.2): viewer tokens alone may be
//! used there, and only on the sites that the token names.
//!
//! A preflight carries no token, so it is answered for every site; it gives nothing away. The request
//! itself is refused when its token does not name the site, and only a site that is named may read the
//! answer. Cookies are never allowed across sites.

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::Needs;
use crate::problem::{Code, Problem};
use crate::routes;

/// Where the outermost layer learns which site may read the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginSlot(Arc<OnceLock<HeaderValue>>);

/// Answers a preflight for a call that viewers make; `None` when it is none.
pub(crate) fn preflight(request: &Request, path: Option<&str>) -> Option<Response> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN)?;
    let method = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let route = routes::find(method, path?)?;
    if !matches!(route.needs, Needs::View | Needs::ViewNamed) {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let out = response.headers_mut();
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(route.method));
    out.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, last-event-id, x-request-id"),
    );
    out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    out.insert(header::VARY, HeaderValue::from_static("origin"));
    Some(response)
}

/// Checks that a token may be used by the page that sent the request, if a page did.
pub(crate) fn check_origin(parts: &Parts, origins: &[String]) -> Result<(), Problem> {
    let Some(origin) = parts.headers.get(header::ORIGIN) else { return Ok(()) };
    if is_same_site(&parts.headers) {
        return Ok(());
    }
    let text = origin.to_str().unwrap_or_default();
    if !origins.iter().any(|own| own == text) {
        let detail = "this viewer token was not made for pages of this site";
        return Err(Problem::new(Code::OriginRefused, detail));
    }
    if let Some(slot) = parts.extensions.get::<OriginSlot>() {
        // Set once a request; a second extractor finds the same origin.
        let _ = slot.0.set(origin.clone());
    }
    Ok(())
}

/// Tells whether the page that sent a request is ours, by `Origin` and `Host`.
pub(crate) fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST);
    let origin = text(header::ORIGIN).and_then(|origin| {
        origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
    });
    origin.is_some() && origin == host
}

/// Lets the site that was found to be allowed read the answer.
pub(crate) fn allow(slot: &OriginSlot, response: &mut Response) {
    let headers = response.headers_mut();
    if let Some(origin) = slot.0.get() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("content-disposition, link, retry-after, x-request-id"),
        );
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

/// Tells whether a text is an origin as browsers write it: scheme, host and a port that is not the
/// scheme's own, nothing else.
pub(crate) fn is_origin(text: &str) -> bool {
    let (rest, own_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, "443"),
        (_, Some(rest)) => (rest, "80"),
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let is_name = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
    };
    let is_v6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let port_fits = port.is_none_or(|port| {
        port != own_port && !port.starts_with('0') && port.parse::<u16>().is_ok()
    });
    (is_name(host) || is_v6) && port_fits
}

#[cfg(test)]
mod tests;
