//! What goes out: one message, the same bytes under the same id however often it is sent.

use bytes::Bytes;
use proofbook_event::Event;
use proofbook_ledger::WorkspaceUid;
use proofbook_store::config::WorkspaceSettings;

/// One message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its delivery id, by which a receiver knows a message that came twice.
    pub id: String,
    /// What it says.
    pub payload: Payload,
}

/// What a message says, in the form that its transport takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The body of a request.
    Body {
        /// Its media type.
        content_type: &'static str,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A letter.
    Letter(Box<Letter>),
}

/// One e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// Addresses that it goes to.
    pub to: Vec<String>,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// Where one says that one wants no more of these.
    pub unsubscribe: Option<String>,
}

/// One event as an encoder sees it.
pub struct Told<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// Its leaf's hash.
    pub leaf: Option<&'a str>,
    /// Its workspace's name.
    pub workspace: &'a str,
    /// Its workspace's settings.
    pub settings: &'a WorkspaceSettings,
    /// Where it can be looked at; never holds a credential.
    pub link: Option<&'a str>,
}

/// Events that expired before they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap<'a> {
    /// The workspace's name.
    pub workspace: &'a str,
    /// The first number that is not told any more.
    pub from_seq: u64,
    /// The last one.
    pub through_seq: u64,
    /// When this was noticed, RFC 3339.
    pub at: &'a str,
}

/// Returns the delivery id of an event.
pub fn event_id(workspace: WorkspaceUid, seq: u64) -> String {
    format!("evt_{}_{seq}", hex(workspace))
}

/// Returns the delivery id of a gap notice.
pub fn gap_id(workspace: WorkspaceUid, from_seq: u64, through_seq: u64) -> String {
    format!("gap_{}_{from_seq}_{through_seq}", hex(workspace))
}

/// Writes an opaque id as 32 hex digits.
pub fn hex(workspace: WorkspaceUid) -> String {
    format!("{:032x}", u128::from_be_bytes(workspace.0))
}
