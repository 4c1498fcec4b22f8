//! What every answer gets, whatever its handler: a request id, a problem document, security headers,
//! a line in the log, its place in the metrics.
//!
//! A log line names the route, never the address as sent: filters and ids stay out of the log, and
//! so do bodies and secrets. A panic in a handler is answered with 500 and ends only that request.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::access::CallerSlot;
use crate::app::App;
use crate::cors::{self, OriginSlot};
use crate::limits;
use crate::problem::{Code, Problem};
use crate::routes;

/// The header that carries the request id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// For answers that are not pages: nothing may be loaded, framed or sent.
const CSP_NOTHING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The outermost layer.
pub(crate) async fn answer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(&app, &request);
    let method = request.method().clone();
    let route = route_of(&request);
    let caller = CallerSlot::default();
    request.extensions_mut().insert(caller.clone());
    let origin = OriginSlot::default();
    request.extensions_mut().insert(origin.clone());
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let preflight = cors::preflight(&request, path);
    let response = match (check_head(&request), preflight) {
        (Ok(()), Some(answer)) => answer,
        (Ok(()), None) => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                Problem::new(Code::Internal, "the request could not be handled").into_response()
            }
        },
        (Err(problem), _) => problem.into_response(),
    };
    let mut response = write_problem(response, &request_id, &method);
    protect(&mut response);
    cors::allow(&origin, &mut response);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = started.elapsed();
    app.metrics.answered(route, response.status().as_u16(), took);
    log(route, &method, &response, took, &request_id, &caller);
    response
}

/// Takes the client's request id when it is a plain word, else makes one.
fn request_id(app: &App, request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_plain = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match given.filter(is_plain) {
        Some(given) => given.to_owned(),
        None => {
            let mut bytes = [0; 8];
            app.random.fill(&mut bytes);
            format!("{:016x}", u64::from_be_bytes(bytes))
        }
    }
}

fn route_of(request: &Request) -> Option<usize> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    let method = if request.method() == Method::HEAD { "GET" } else { request.method().as_str() };
    routes::index_of(method, path)
}

/// Checks the size of address and headers.
fn check_head(request: &Request) -> Result<(), Problem> {
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri > limits::URI_BYTES_MAX {
        let max = limits::URI_BYTES_MAX as u64;
        let detail = format!("an address of {uri} bytes; at most {max} are taken");
        return Err(Problem { code: Code::UriTooLong, ..Problem::too_large(max, max, detail) });
    }
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > limits::HEADER_BYTES_MAX {
        let max = limits::HEADER_BYTES_MAX as u64;
        let detail = format!("headers of {headers} bytes; at most {max} are taken");
        return Err(Problem {
            code: Code::HeadersTooLarge,
            ..Problem::too_large(max, max, detail)
        });
    }
    Ok(())
}

/// Writes the document of a problem that a handler returned.
fn write_problem(mut response: Response, request_id: &str, method: &Method) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if problem.code == Code::Internal || problem.code == Code::Unavailable {
        tracing::error!(request_id, code = problem.code.as_str(), detail = problem.detail, "fault");
    }
    let allow = response.headers_mut().remove(header::ALLOW);
    let mut written = problem.into_written(request_id);
    if let Some(allow) = allow {
        written.headers_mut().insert(header::ALLOW, allow);
    }
    if method == Method::HEAD {
        *written.body_mut() = axum::body::Body::empty();
    }
    written
}

/// Sets the headers that keep browsers from guessing, keeping and framing. A page's own policy stays.
fn protect(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CSP_NOTHING);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn log(
    route: Option<usize>,
    method: &Method,
    response: &Response,
    took: Duration,
    request_id: &str,
    caller: &CallerSlot,
) {
    let route = route.and_then(|index| routes::ROUTES.get(index)).map_or("-", |route| route.path);
    tracing::info!(
        target: "proofbook::access",
        request_id,
        method = method.as_str(),
        route,
        status = response.status().as_u16(),
        micros = took.as_micros() as u64,
        key = caller.0.get().map_or("-", String::as_str),
        "request"
    );
}
