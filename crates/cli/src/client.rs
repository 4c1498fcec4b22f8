//! The client of a running server: one JSON answer, or a stream, and problem documents as failures.
//!
//! It speaks plain HTTP; for a server behind TLS, reach it through what brings the TLS, or from its own
//! machine. The key goes into the `Authorization` header and nowhere else.

use std::io::{self, BufReader, Read};
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::failure::{ExitKind, Failure};

/// Where the server is, and by which key it knows us.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Remote {
    /// Address of the server
    #[arg(
        long,
        env = "PROOFBOOK_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:7676"
    )]
    url: String,
    /// Key, better given as PROOFBOOK_KEY: a command line is visible to other users
    #[arg(long, env = "PROOFBOOK_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,
}

/// A client of one server.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    key: Option<String>,
}

/// Bytes of an answer that is held in memory.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of a text, such as a head, that are read.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the head of an answer; a query may take its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest time that a busy server is asked again and again.
const PATIENCE: Duration = Duration::from_secs(120);
/// Shortest pause before it is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

impl Remote {
    /// Names a server that this process runs itself.
    pub(crate) fn new(url: String, key: &str) -> Self {
        Self { url, key: Some(key.to_owned()) }
    }

    /// Returns the server's address, as it was given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Prepares a client. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let url = self.url.trim_end_matches('/');
        if url.starts_with("https://") {
            return Err(Failure::usage("this program does not speak TLS itself")
                .hint("ask the server on its own machine, or through a tunnel (ssh -L)"));
        }
        if !url.starts_with("http://") {
            return Err(Failure::usage(format!("`{url}` is no address of a server"))
                .hint("such as http://127.0.0.1:7676"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .max_redirects(0)
            .user_agent(concat!("proofbook/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client { agent: config.into(), url: url.to_owned(), key: self.key.clone() })
    }
}

impl Client {
    /// Gets a JSON answer.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        read_json(self.open(path, query, &[])?)
    }

    /// Gets a stream; extra headers go with the request.
    pub(crate) fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<BufReader<Box<dyn Read>>, Failure> {
        let body = self.open(path, query, headers)?.into_body();
        let reader: Box<dyn Read> = Box::new(body.into_reader());
        Ok(BufReader::new(reader))
    }

    /// Gets a short text.
    pub(crate) fn text(&self, path: &str, query: &[(&str, &str)]) -> Result<String, Failure> {
        let body = self.open(path, query, &[])?.into_body().into_reader();
        read_short(body).map_err(broken)
    }

    /// Posts a text to another server, which is not told our key; returns status and answer.
    pub(crate) fn post_elsewhere(
        &self,
        address: &str,
        body: &[u8],
    ) -> Result<(u16, String), Failure> {
        let away = |error: ureq::Error| {
            Failure::new(ExitKind::Unreachable, format!("no answer from {address}")).because(error)
        };
        let answer = self.agent.post(address).send(body).map_err(away)?;
        let status = answer.status().as_u16();
        let text = read_short(answer.into_body().into_reader()).map_err(broken)?;
        Ok((status, text))
    }

    /// Sends a body with a method and returns the JSON answer, `Null` for none.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Value, Failure> {
        read_json(checked(self.ask(method, path, content_type, body)?)?)
    }

    /// Sends a body whose events all have ids, again and again while the server is busy or does not
    /// know whether it recorded them.
    pub(crate) fn send_patiently(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Value, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = self.ask(method, path, content_type, body)?;
            let again = matches!(answer.status().as_u16(), 429 | 503) && waited < PATIENCE;
            if !again {
                return read_json(checked(answer)?);
            }
            let asked = answer.headers().get("Retry-After").and_then(|text| text.to_str().ok());
            let pause =
                asked.and_then(|text| text.parse().ok()).map_or(BUSY_PAUSE, Duration::from_secs);
            let pause = pause.clamp(BUSY_PAUSE, PATIENCE / 4);
            std::thread::sleep(pause);
            waited += pause;
        }
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Response<Body>, Failure> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(address(&self.url, path, &[]))
            .header("Content-Type", content_type)
            .header("Authorization", self.authorization());
        let request = request
            .body(body)
            .map_err(|error| Failure::usage("this cannot be asked").because(error))?;
        self.agent.run(request).map_err(|error| self.unreachable(error))
    }

    fn open(
        &self,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(address(&self.url, path, query));
        if self.key.is_some() {
            request = request.header("Authorization", self.authorization());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        checked(request.call().map_err(|error| self.unreachable(error))?)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.key.as_deref().unwrap_or_default())
    }

    fn unreachable(&self, error: ureq::Error) -> Failure {
        let kind = match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => ExitKind::Usage,
            _ => ExitKind::Unreachable,
        };
        Failure::new(kind, format!("no answer from {}", self.url))
            .because(error)
            .hint("is the server running? `proofbook serve` starts one; --url or PROOFBOOK_URL says where")
    }
}

/// Builds an address; values of the query are encoded here, parts of the path by [`part`].
fn address(url: &str, path: &str, query: &[(&str, &str)]) -> String {
    let mut address = format!("{url}{path}");
    for (index, (name, value)) in query.iter().enumerate() {
        address.push(if index == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        address.push_str(&part(value));
    }
    address
}

/// Percent-encodes a part of a path or a value of a query (RFC 3986 section 2.3: all but unreserved).
pub(crate) fn part(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Reads a text of at most [`TEXT_BYTES_MAX`].
fn read_short(body: impl Read) -> io::Result<String> {
    let mut text = String::new();
    body.take(TEXT_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn read_json(answer: Response<Body>) -> Result<Value, Failure> {
    let mut text = Vec::new();
    answer.into_body().into_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut text).map_err(
        |error| Failure::new(ExitKind::Unreachable, "the answer broke off").because(error),
    )?;
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&text).map_err(|error| {
        Failure::failed("the answer is no JSON; is this Proofbook?").because(error)
    })
}

/// Makes a failure of an answer that is none of success.
fn checked(answer: Response<Body>) -> Result<Response<Body>, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let document = read_json(answer).unwrap_or(Value::Null);
    Err(problem(status, &document))
}

fn problem(status: StatusCode, document: &Value) -> Failure {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    let kind = match status.as_u16() {
        401 | 403 => ExitKind::Forbidden,
        404 => ExitKind::NotFound,
        400 | 413..=415 | 422 => ExitKind::Usage,
        _ => ExitKind::Failed,
    };
    let mut message = match (text("title"), text("detail")) {
        (Some(title), Some(detail)) if title != detail => format!("{title}: {detail}"),
        (Some(one), _) | (None, Some(one)) => one.to_owned(),
        (None, None) => format!("the server answered {status}"),
    };
    let faults = document.get("errors").and_then(Value::as_array).map(Vec::as_slice);
    let faults = faults.unwrap_or_default();
    match faults {
        [one] => message.push_str(&place_of(one)),
        several => {
            for fault in several {
                let detail = fault.get("detail").and_then(Value::as_str).unwrap_or_default();
                message.push_str(&format!("; {detail}{}", place_of(fault)));
            }
        }
    }
    let suggestion =
        faults.iter().find_map(|fault| fault.get("suggestion").and_then(Value::as_str));
    let failure = Failure::new(kind, message);
    match suggestion {
        Some(suggestion) => failure.hint(format!("did you mean `{suggestion}`?")),
        None if status == StatusCode::UNAUTHORIZED => {
            failure.hint("give a key with --key or PROOFBOOK_KEY")
        }
        None => failure,
    }
}

/// Says where a fault is, when the server does.
fn place_of(fault: &Value) -> String {
    let pointer = fault.get("pointer").and_then(Value::as_str);
    match (pointer, fault.get("offset").and_then(Value::as_u64)) {
        (Some(pointer), Some(offset)) => format!(" ({pointer}, byte {offset})"),
        (Some(pointer), None) => format!(" ({pointer})"),
        (None, Some(offset)) => format!(" (byte {offset})"),
        (None, None) => String::new(),
    }
}

/// Returns the failure of a stream that broke off.
pub(crate) fn broken(error: io::Error) -> Failure {
    Failure::new(ExitKind::Unreachable, "the answer broke off").because(error)
}

#[cfg(test)]
mod tests;
