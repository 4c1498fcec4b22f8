//! Every error that a client sees: RFC 9457 problem documents, one stable code each.
//!
//! A handler returns a [`Problem`]; the outermost layer adds the request id and writes the document.
//! `type` is an address that this binary serves (`/errors/{code}`), with the explanation kept here.
//! What is in a document was sent by the client or is ours to tell: no paths, no causes, no keys.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! codes {
    ($($variant:ident $code:literal $status:literal $title:literal $explanation:literal;)*) => {
        /// What went wrong, as programs tell it apart. Codes never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// Returns the code's name, as it stands in documents and results.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// Returns the HTTP status that it is sent with.
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status,)* }
            }

            /// Returns a short summary.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// Returns what it means and what to do, for the page at its address.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)* }
            }
        }
    };
}

codes! {
    Malformed "malformed" 400 "The body cannot be read"
        "The body is not JSON as it is accepted here. Duplicate keys, lone surrogates, NUL, numbers that are not finite and integers beyond 2^53-1 are refused. `offset` is the byte at which reading stopped.";
    Missing "missing" 400 "A field is missing"
        "A required field is not there. `pointer` names it.";
    UnknownField "unknown_field" 400 "A field is not known"
        "The contract has no such field. Free values belong under `metadata`.";
    Invalid "invalid" 400 "A field has no valid value"
        "The value breaks the contract. `pointer` names the field, `detail` says what it takes.";
    Reserved "reserved" 400 "The name is reserved"
        "Actions named audit_log.* and workspaces beginning with `_` or `.` belong to Proofbook itself.";
    InvalidParameter "invalid_parameter" 400 "A parameter has no valid value"
        "A parameter of the query string is not known, is given twice, or has a value that it does not take.";
    InvalidFilter "invalid_filter" 400 "The filter cannot be read"
        "`offset` is the byte of the filter's text at which the fault begins; `suggestion` is what was perhaps meant. The language is described in the guide.";
    InvalidCursor "invalid_cursor" 400 "The cursor cannot be used"
        "A cursor belongs to one query: the same filter, times, zone and sort. Begin again without it.";
    PageTooFar "page_too_far" 400 "The page is too far away"
        "Pages reach the first 10,000 rows. Follow `next_cursor` to go on, or narrow the filter.";
    HeadersTooLarge "headers_too_large" 431 "The headers are too large"
        "The names and values of all headers together are bounded.";
    Unauthenticated "unauthenticated" 401 "A key is needed"
        "Send `Authorization: Bearer <key>`. The key is missing, not known, revoked or expired.";
    TokenExpired "token_expired" 401 "The viewer token has ended"
        "A viewer token lives an hour at most, and ends with the key that made it. Ask your product for a new one.";
    WrongPassword "wrong_password" 401 "The name or the password is not right"
        "Nobody is told which of the two. Ten wrong ones in a minute, and the next has to wait.";
    Forbidden "forbidden" 403 "The key may not do this"
        "The key lacks the scope that this call needs. `detail` names it.";
    ForeignWorkspace "foreign_workspace" 403 "The key is not for this workspace"
        "The key is bound to other workspaces. The answer is the same whether this one exists or not.";
    RoleRefused "role_refused" 403 "The role may not read this log"
        "The workspace's preset says which roles may read. `detail` says it in a sentence for the reader; `refusal` names the role and those that may.";
    OriginRefused "origin_refused" 403 "The page may not use this token"
        "A viewer token names the sites that may use it, under `origins` when it is made. This request came from a page of another site.";
    HiddenField "hidden_field" 403 "The field is hidden"
        "The viewer token shows some fields only, and a filter or facet asked for another. A search in every text is refused for the same reason.";
    CrossSite "cross_site" 403 "The request came from another site"
        "The console takes requests from its own pages alone.";
    NotFound "not_found" 404 "There is nothing here"
        "No such address, workspace, event, key or catalog. `detail` says which.";
    MethodNotAllowed "method_not_allowed" 405 "The address does not take this method"
        "`Allow` names the methods that it takes.";
    Timeout "timeout" 408 "The request came too slowly"
        "The body did not arrive in time. Nothing of it was recorded.";
    Conflict "conflict" 409 "The id is taken"
        "Another event of this workspace has this id. `seq` is its number. An id is remembered as long as its event is kept; the event that is stored does not change.";
    Held "held" 409 "A legal hold keeps it"
        "What a legal hold keeps is neither purged nor erased. Lift the hold first, or leave these events out.";
    SigningRefused "signing_refused" 409 "The head is not signed"
        "A head that is signed can never be taken back, so a store that may be older than what it published signs nothing. `detail` says why and what to do.";
    LastAdminKey "last_admin_key" 409 "The last admin key stays"
        "Revoking it would leave nobody who could make a key. Make another admin key first.";
    Gone "gone" 410 "It was used or has ended"
        "A link of this kind works once and for an hour. Ask for a new one.";
    TooLarge "too_large" 413 "Something is over its limit"
        "`limit` is the number that was exceeded, `pointer` or `offset` the place.";
    UriTooLong "uri_too_long" 414 "The address is too long"
        "The path and the query string together are bounded. Long filters fit.";
    UnsupportedMediaType "unsupported_media_type" 415 "The media type is not taken here"
        "Events are sent as application/json (one, or an array) or application/x-ndjson.";
    UnsupportedEncoding "unsupported_encoding" 415 "The content encoding is not taken here"
        "A body may be sent as it is, or under exactly one of gzip and zstd.";
    TooFarAhead "too_far_ahead" 422 "The event lies in the future"
        "occurred_at is more than 24 hours ahead of the server's clock. Check the sender's clock and zone.";
    OutsideRetention "outside_retention" 422 "The event is too old to be kept"
        "The workspace's retention ended before occurred_at. The event would be hidden at once, so it is refused.";
    UnknownAction "unknown_action" 422 "The action is not declared"
        "The workspace's catalog is strict and does not list this action.";
    WorkspaceMismatch "workspace_mismatch" 422 "Two workspaces are named"
        "The address names one workspace and the event another.";
    OverBudget "over_budget" 422 "The query costs too much"
        "The query read or took more than it may. Narrow the time range or the filter. Nothing partial was answered.";
    WorkspaceLimit "workspace_limit" 429 "Too many new workspaces"
        "A key may bring a limited number of workspaces into being in an hour. Create them with an admin key, or wait.";
    Busy "busy" 429 "Too much is waiting"
        "The server is taking in as much as it can. Nothing of this request was recorded; send it again after the time in Retry-After.";
    TooManyAttempts "too_many_attempts" 429 "Too many wrong passwords"
        "Ten wrong passwords in a minute are taken for a guesser. Wait for the time in Retry-After; nothing else is locked.";
    Internal "internal" 500 "Something went wrong inside"
        "This is a fault of ours. The log of the server tells more under the request id.";
    Overloaded "overloaded" 503 "Too many requests at once"
        "Every place for this kind of request is taken. Try again after the time in Retry-After.";
    Stopping "stopping" 503 "The server is stopping"
        "Nothing of this request was recorded. Try again after the time in Retry-After.";
    MayBeRecorded "may_be_recorded" 503 "It may have been recorded"
        "The answer did not come in time, so whether the events were recorded is not known. Retry with the same ids: what was recorded is then answered as a duplicate.";
    Unavailable "unavailable" 503 "Stored data cannot be read"
        "A part of what is stored is damaged or cannot be read, so the request cannot be answered honestly. The operator's log names the file.";
    NoSpace "no_space" 507 "The disk is full"
        "Nothing of this request was recorded. What was acknowledged before is safe. Try again when there is space.";
}

impl Code {
    /// Finds a code by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fault inside a request, with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer into the event or document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The query parameter, where one is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// Byte offset in the event's own text, in the body, or in the parameter's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The limit that was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What was perhaps meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// What is wrong, in plain words.
    pub detail: String,
}

/// Who is refused, and who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The role that was refused.
    pub role: String,
    /// The same in the product's words.
    pub label: String,
    /// The roles that may, in the product's words.
    pub may: Vec<String>,
}

/// An error on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// What went wrong with this very request.
    pub detail: String,
    /// The places at fault.
    pub faults: Vec<Fault>,
    /// Number of the event that has the id already.
    pub seq: Option<u64>,
    /// Whose role was refused.
    pub refusal: Option<Box<Refusal>>,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u32>,
}

/// The document itself, as written.
#[derive(Serialize)]
struct Document<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    code: &'p str,
    detail: &'p str,
    request_id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'p Refusal>,
    errors: &'p [Fault],
}

impl Problem {
    /// Describes what went wrong with this request.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            seq: None,
            refusal: None,
            retry_after_seconds: None,
        }
    }

    /// Names a place at fault; the fault's text becomes the detail's.
    pub fn at(code: Code, fault: Fault) -> Self {
        Self { faults: vec![fault.clone()], ..Self::new(code, fault.detail) }
    }

    /// Says that a parameter of the query string is at fault.
    pub fn parameter(parameter: &'static str, detail: impl Into<String>) -> Self {
        let fault = Fault { parameter: Some(parameter), detail: detail.into(), ..Fault::default() };
        Self::at(Code::InvalidParameter, fault)
    }

    /// Says that something is over its limit, from byte `offset` on.
    pub fn too_large(offset: u64, limit: u64, detail: impl Into<String>) -> Self {
        let fault = Fault {
            offset: Some(offset),
            limit: Some(limit),
            detail: detail.into(),
            ..Fault::default()
        };
        Self::at(Code::TooLarge, fault)
    }

    /// Says that something does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// Says when to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Writes the document.
    pub(crate) fn body(&self, request_id: &str) -> Vec<u8> {
        let document = Document {
            r#type: format!("/errors/{}", self.code),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id,
            seq: self.seq,
            refusal: self.refusal.as_deref(),
            errors: &self.faults,
        };
        // Only maps with keys that are not strings fail; there are none.
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// Returns the document for when no layer is there to write it.
    pub(crate) fn into_written(self, request_id: &str) -> Response {
        let body = self.body(request_id);
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self.code {
            Code::Unauthenticated | Code::TokenExpired => {
                let value = HeaderValue::from_static("Bearer realm=\"proofbook\"");
                headers.insert(header::WWW_AUTHENTICATE, value);
            }
            Code::UnsupportedEncoding => {
                let value = HeaderValue::from_static("gzip, zstd");
                headers.insert(header::ACCEPT_ENCODING, value);
            }
            _ => {}
        }
        response
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    /// Leaves the document to the outermost layer, which knows the request id.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;
