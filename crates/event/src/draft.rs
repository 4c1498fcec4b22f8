//! An event as a client sends it, checked against the contract (design section 5).
//!
//! A draft that exists obeys every limit; what needs a catalog, a key or a clock is decided later,
//! by admit. Values are kept as they were sent, so that empty, null and absent stay distinct.

use std::borrow::Cow;

use crate::canonical;
use crate::field::{FIELDS, Field};
use crate::json::{self, JsonError, Object, Value};
use crate::limits;
use crate::name;
use crate::time::Timestamp;
use crate::words::{ActorType, Channel, Outcome, Severity};

/// A checked event, not yet judged.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDraft<'a> {
    /// The idempotency key; one is made when absent.
    pub id: Option<Cow<'a, str>>,
    /// The workspace's name, when the event itself names it.
    pub workspace: Option<Cow<'a, str>>,
    /// The action's name.
    pub action: Cow<'a, str>,
    /// When it happened; the time of receipt when absent.
    pub occurred_at: Option<Timestamp>,
    /// How it ended; success when absent.
    pub outcome: Outcome,
    /// The outcome's `code` and `reason`, as sent.
    pub outcome_detail: Object<'a>,
    /// Severity, when the sender sets it.
    pub severity: Option<Severity>,
    /// Who acted.
    pub actor: Option<Value<'a>>,
    /// For whom.
    pub on_behalf_of: Option<Value<'a>>,
    /// Who approved.
    pub approval: Option<Value<'a>>,
    /// Through what.
    pub via: Option<Value<'a>>,
    /// On what.
    pub targets: Option<Value<'a>>,
    /// The value before.
    pub before: Option<Value<'a>>,
    /// The value after.
    pub after: Option<Value<'a>>,
    /// Changes given by the sender.
    pub changes: Option<Value<'a>>,
    /// From where.
    pub context: Option<Value<'a>>,
    /// A sentence given by the sender.
    pub description: Option<Value<'a>>,
    /// Why it was done.
    pub reason: Option<Value<'a>>,
    /// Free values.
    pub metadata: Option<Value<'a>>,
    /// The producer and its counter.
    pub source: Option<Value<'a>>,
    /// RFC 8785 bytes of the event as sent, for the idempotency fingerprint.
    pub sent: Vec<u8>,
    /// Where the values of its fields stand in `sent`; see [`EventDraft::sent_field`].
    pub spans: Spans,
}

/// Where fields stand in an event's canonical bytes, by their places in [`FIELDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spans([(u32, u32); FIELDS.len()]);

/// Why an event is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", place(pointer, *offset))]
pub struct DraftError {
    /// A stable code: `malformed`, `missing`, `unknown_field`, `invalid`, `too_large`, `reserved`.
    pub code: &'static str,
    /// JSON pointer of the field, empty for the event as a whole.
    pub pointer: String,
    /// Byte offset in the event's own text.
    pub offset: usize,
    /// What is wrong and what to do, in plain words.
    pub reason: String,
    /// The limit that was exceeded, where one was.
    pub limit: Option<u64>,
}

fn place(pointer: &str, offset: usize) -> String {
    if pointer.is_empty() {
        format!(" (byte {offset})")
    } else {
        format!(" ({pointer}, byte {offset})")
    }
}

impl From<JsonError> for DraftError {
    fn from(error: JsonError) -> Self {
        let limit = error.reason.contains("32 levels").then_some(limits::JSON_DEPTH_MAX as u64);
        Self {
            code: "malformed",
            pointer: error.pointer,
            offset: error.offset,
            reason: error.reason,
            limit,
        }
    }
}

/// Room for the canonical bytes of most events.
const SENT_BYTES: usize = 768;

/// The fields of an actor, and of whoever else acts.
pub const PARTY_FIELDS: &[&str] = &["type", "id", "name", "email", "roles", "url"];
/// The fields of a target.
pub const TARGET_FIELDS: &[&str] = &["type", "id", "name", "url", "role"];
const APPROVAL_FIELDS: &[&str] = &["id", "by", "at"];
/// The fields of `via`.
pub const VIA_FIELDS: &[&str] = &["channel", "client"];
/// The fields of an outcome that is an object.
pub const OUTCOME_FIELDS: &[&str] = &["result", "code", "reason"];
const CHANGE_FIELDS: &[&str] = &["path", "before", "after", "kind"];
const CHANGE_KINDS: &[&str] = &["add", "remove", "update", "move"];
/// The fields of `context`.
pub const CONTEXT_FIELDS: &[&str] =
    &["ip", "user_agent", "session_id", "request_id", "trace_id", "country", "city"];
const SOURCE_FIELDS: &[&str] = &["name", "version", "instance", "seq"];

impl<'a> EventDraft<'a> {
    /// Parses and checks one event.
    ///
    /// # Errors
    /// The text is over [`limits::EVENT_BYTES_MAX`], is not acceptable JSON, or breaks the contract.
    /// The error names the field, its offset and the limit.
    pub fn parse(text: &'a [u8]) -> Result<Self, DraftError> {
        let mut draft = Self::internal("");
        draft.read(text)?;
        Ok(draft)
    }

    /// As [`EventDraft::parse`], into a draft with nothing in it: where many are parsed, moving one costs
    /// a good part of what checking it does.
    ///
    /// # Errors
    /// As [`EventDraft::parse`]; the draft must not be used then.
    pub fn read(&mut self, text: &'a [u8]) -> Result<(), DraftError> {
        if text.len() > limits::EVENT_BYTES_MAX {
            return Err(DraftError {
                code: "too_large",
                pointer: String::new(),
                offset: limits::EVENT_BYTES_MAX,
                reason: format!("an event of {} bytes", text.len()),
                limit: Some(limits::EVENT_BYTES_MAX as u64),
            });
        }
        let value = Value::parse(text)?;
        self.read_value(value)
            .map_err(|fault| DraftError { offset: json::offset_of(text, &fault.pointer), ..fault })
    }

    /// Lets go of the values, which are most of its memory, where they stand.
    pub fn forget_values(&mut self) {
        let values = [
            &mut self.actor,
            &mut self.on_behalf_of,
            &mut self.approval,
            &mut self.via,
            &mut self.targets,
            &mut self.before,
            &mut self.after,
            &mut self.changes,
            &mut self.context,
            &mut self.description,
            &mut self.reason,
            &mut self.metadata,
            &mut self.source,
        ];
        values.into_iter().for_each(|value| *value = None);
        self.sent = Vec::new();
    }

    /// Begins an event that Proofbook itself records, with nothing but its action.
    ///
    /// Reserved actions are allowed here. Nothing was sent, so it has no fingerprint to compare.
    pub fn internal(action: &'a str) -> Self {
        Self {
            id: None,
            workspace: None,
            action: Cow::Borrowed(action),
            occurred_at: None,
            outcome: Outcome::Success,
            outcome_detail: Vec::new(),
            severity: None,
            actor: None,
            on_behalf_of: None,
            approval: None,
            via: None,
            targets: None,
            before: None,
            after: None,
            changes: None,
            context: None,
            description: None,
            reason: None,
            metadata: None,
            source: None,
            sent: Vec::new(),
            spans: Spans::default(),
        }
    }

    /// Returns the RFC 8785 bytes of a field as it was sent; `None` when it was not sent, or not as
    /// text that was parsed here.
    pub fn sent_field(&self, field: Field) -> Option<&[u8]> {
        let (from, to) = self.spans.0[field as usize];
        self.sent.get(from as usize..to as usize).filter(|bytes| !bytes.is_empty())
    }

    /// Checks an event that is already a JSON value; offsets in errors are 0.
    ///
    /// # Errors
    /// The value breaks the contract.
    pub fn from_value(value: Value<'a>) -> Result<Self, DraftError> {
        let mut draft = Self::internal("");
        draft.read_value(value)?;
        Ok(draft)
    }

    fn read_value(&mut self, value: Value<'a>) -> Result<(), DraftError> {
        let Value::Object(members) = value else {
            return Err(invalid("", format!("an event is an object, not {}", value.type_word())));
        };
        debug_assert!(self.sent.is_empty(), "a draft is read once");
        self.sent.reserve(SENT_BYTES);
        let spans = &mut self.spans.0;
        canonical::write_members(&members, &mut self.sent, |key, span| {
            if let Some(field) = Field::parse(key) {
                spans[field as usize] = span;
            }
        });
        for (key, value) in members {
            let Some(field) = Field::parse(&key) else {
                return Err(unknown_field("", &key, FIELDS));
            };
            self.take_field(field, value)?;
        }
        if self.action.is_empty() {
            return Err(DraftError {
                code: "missing",
                ..invalid("", "the field `action` is missing; send a name such as `project.update`")
            });
        }
        Ok(())
    }

    fn take_field(&mut self, field: Field, value: Value<'a>) -> Result<(), DraftError> {
        match field {
            Field::Id => self.id = Some(take_text("/id", value, name::is_event_id, ID_FORM)?),
            Field::Workspace => {
                let check =
                    |text: &str| name::is_workspace_name(text) || text == name::SYSTEM_WORKSPACE;
                self.workspace = Some(take_text("/workspace", value, check, WORKSPACE_FORM)?);
            }
            Field::Action => {
                self.action = take_text("/action", value, name::is_action_name, ACTION_FORM)?;
                if self.action.starts_with(name::RESERVED_ACTION_PREFIX) {
                    return Err(DraftError {
                        code: "reserved",
                        ..invalid(
                            "/action",
                            "actions named audit_log.* are written by Proofbook alone",
                        )
                    });
                }
            }
            Field::OccurredAt => self.occurred_at = Some(take_time("/occurred_at", &value)?),
            Field::Outcome => self.take_outcome(value)?,
            Field::Severity => self.severity = Some(take_word("/severity", &value, SEVERITY)?),
            Field::Actor => {
                check_party("/actor", &value)?;
                self.actor = Some(value);
            }
            Field::OnBehalfOf => {
                check_party("/on_behalf_of", &value)?;
                self.on_behalf_of = Some(value);
            }
            Field::Approval => {
                check_object(
                    "/approval",
                    &value,
                    APPROVAL_FIELDS,
                    &mut |key, at, value| match key {
                        "by" => check_party(at, value),
                        "at" => take_time(at, value).map(drop),
                        _ => check_text(at, value),
                    },
                )?;
                self.approval = Some(value);
            }
            Field::Via => {
                check_object("/via", &value, VIA_FIELDS, &mut |key, at, value| match key {
                    "channel" => take_word(at, value, CHANNEL).map(drop),
                    _ => check_text(at, value),
                })?;
                self.via = Some(value);
            }
            Field::Targets => {
                check_list("/targets", &value, limits::TARGETS_MAX, &mut |at, target| {
                    check_object(at, target, TARGET_FIELDS, &mut |_, at, value| {
                        check_text(at, value)
                    })
                })?;
                self.targets = Some(value);
            }
            Field::Before => self.before = Some(value),
            Field::After => self.after = Some(value),
            Field::Changes => {
                check_list("/changes", &value, limits::CHANGES_MAX, &mut check_change)?;
                self.changes = Some(value);
            }
            Field::Context => {
                check_object("/context", &value, CONTEXT_FIELDS, &mut |_, at, value| {
                    check_text(at, value)
                })?;
                self.context = Some(value);
            }
            Field::Description => {
                check_text("/description", &value)?;
                self.description = Some(value);
            }
            Field::Reason => {
                check_text("/reason", &value)?;
                self.reason = Some(value);
            }
            Field::Metadata => {
                check_metadata(&value)?;
                self.metadata = Some(value);
            }
            Field::Source => {
                check_object("/source", &value, SOURCE_FIELDS, &mut |key, at, value| match key {
                    "seq" if value.as_int().is_some_and(|seq| seq >= 0) => Ok(()),
                    "seq" => Err(invalid(at, "a producer's counter is a whole number from 0")),
                    _ => check_text(at, value),
                })?;
                self.source = Some(value);
            }
        }
        Ok(())
    }

    fn take_outcome(&mut self, value: Value<'a>) -> Result<(), DraftError> {
        if value.as_str().is_some() {
            self.outcome = take_word("/outcome", &value, OUTCOME)?;
            return Ok(());
        }
        check_object("/outcome", &value, OUTCOME_FIELDS, &mut |key, at, value| match key {
            "result" => take_word(at, value, OUTCOME).map(drop),
            _ => check_text(at, value),
        })?;
        let Value::Object(members) = value else { return Ok(()) };
        for (key, value) in members {
            if key == "result" {
                self.outcome = take_word("/outcome/result", &value, OUTCOME)?;
            } else {
                self.outcome_detail.push((key, value));
            }
        }
        Ok(())
    }
}

const ID_FORM: &str = "an id is 1 to 128 of the characters A-Z a-z 0-9 _ . : -";
const WORKSPACE_FORM: &str = "a workspace is 1 to 128 of the characters A-Z a-z 0-9 _ . : - and begins with a letter or digit";
const ACTION_FORM: &str =
    "an action is a dotted name of a-z, 0-9 and _ such as project.update, at most 128 bytes";

/// A closed vocabulary: how to read a word of it, and its words for the error.
type Words<T> = (fn(&str) -> Option<T>, &'static str);
const OUTCOME: Words<Outcome> = (Outcome::parse, "success, failure or denied");
const SEVERITY: Words<Severity> = (Severity::parse, "info, notice, warning or critical");
const CHANNEL: Words<Channel> = (Channel::parse, "ui, api, cli, mcp, job or import");
const ACTOR_TYPE: Words<ActorType> =
    (ActorType::parse, "user, system, api_key, service, agent, support or anonymous");

fn invalid(pointer: &str, reason: impl Into<String>) -> DraftError {
    DraftError {
        code: "invalid",
        pointer: pointer.to_owned(),
        offset: 0,
        reason: reason.into(),
        limit: None,
    }
}

fn too_large(pointer: &str, what: &str, limit: usize) -> DraftError {
    DraftError {
        code: "too_large",
        limit: Some(limit as u64),
        ..invalid(pointer, format!("{what}; at most {limit} are taken"))
    }
}

fn unknown_field(parent: &str, key: &str, known: &[&'static str]) -> DraftError {
    let hint = match name::nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "free values belong under `metadata`".to_owned(),
    };
    DraftError {
        code: "unknown_field",
        ..invalid(
            &format!("{parent}/{}", json::escape_token(key)),
            format!("the field `{key}` is not known; {hint}"),
        )
    }
}

fn take_text<'a>(
    at: &str,
    value: Value<'a>,
    check: impl Fn(&str) -> bool,
    form: &str,
) -> Result<Cow<'a, str>, DraftError> {
    match value {
        Value::String(text) if check(&text) => Ok(text),
        Value::String(text) if text.len() > limits::ID_BYTES_MAX => Err(DraftError {
            code: "too_large",
            limit: Some(limits::ID_BYTES_MAX as u64),
            ..invalid(at, form)
        }),
        _ => Err(invalid(at, form)),
    }
}

fn take_word<T>(at: &str, value: &Value<'_>, words: Words<T>) -> Result<T, DraftError> {
    let (parse, listed) = words;
    value.as_str().and_then(parse).ok_or_else(|| invalid(at, format!("expected one of {listed}")))
}

fn take_time(at: &str, value: &Value<'_>) -> Result<Timestamp, DraftError> {
    let text = value.as_str().ok_or_else(|| invalid(at, "a time is a string in RFC 3339 form"))?;
    Timestamp::parse(text).map_err(|error| invalid(at, error.to_string()))
}

fn check_text(at: &str, value: &Value<'_>) -> Result<(), DraftError> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if text.len() <= limits::TEXT_BYTES_MAX => Ok(()),
        Value::String(text) => {
            Err(too_large(at, &format!("a text of {} bytes", text.len()), limits::TEXT_BYTES_MAX))
        }
        other => Err(invalid(at, format!("expected a string, not {}", other.type_word()))),
    }
}

/// Checks an object's members; null stands for "nothing known" and is kept as sent.
fn check_object(
    at: &str,
    value: &Value<'_>,
    known: &[&'static str],
    check: &mut dyn FnMut(&str, &str, &Value<'_>) -> Result<(), DraftError>,
) -> Result<(), DraftError> {
    let members = match value {
        Value::Null => return Ok(()),
        Value::Object(members) => members,
        other => return Err(invalid(at, format!("expected an object, not {}", other.type_word()))),
    };
    for (key, value) in members {
        if !known.contains(&key.as_ref()) {
            return Err(unknown_field(at, key, known));
        }
        // The pointer is built only when something fails.
        check(key, "", value).map_err(|fault| DraftError {
            pointer: format!("{at}/{key}{}", fault.pointer),
            ..fault
        })?;
    }
    Ok(())
}

fn check_list(
    at: &str,
    value: &Value<'_>,
    count_max: usize,
    check: &mut dyn FnMut(&str, &Value<'_>) -> Result<(), DraftError>,
) -> Result<(), DraftError> {
    let items = match value {
        Value::Null => return Ok(()),
        Value::Array(items) => items,
        other => return Err(invalid(at, format!("expected an array, not {}", other.type_word()))),
    };
    if items.len() > count_max {
        return Err(too_large(at, &format!("{} items", items.len()), count_max));
    }
    for (index, item) in items.iter().enumerate() {
        check("", item).map_err(|fault| DraftError {
            pointer: format!("{at}/{index}{}", fault.pointer),
            ..fault
        })?;
    }
    Ok(())
}

fn check_party(at: &str, value: &Value<'_>) -> Result<(), DraftError> {
    check_object(at, value, PARTY_FIELDS, &mut |key, at, value| match key {
        "type" => take_word(at, value, ACTOR_TYPE).map(drop),
        "roles" => check_list(at, value, limits::ROLES_MAX, &mut check_text),
        _ => check_text(at, value),
    })
}

fn check_change(at: &str, value: &Value<'_>) -> Result<(), DraftError> {
    check_object(at, value, CHANGE_FIELDS, &mut |key, at, value| match key {
        "path" => match value.as_str() {
            Some(path) if path.is_empty() || path.starts_with('/') => check_text(at, value),
            _ => Err(invalid(at, "a path is a JSON pointer such as /name")),
        },
        "kind" if value.as_str().is_some_and(|kind| CHANGE_KINDS.contains(&kind)) => Ok(()),
        "kind" => Err(invalid(at, "expected one of add, remove, update or move")),
        _ => Ok(()),
    })?;
    if value.get("path").is_none() {
        return Err(DraftError { code: "missing", ..invalid(at, "a change needs a `path`") });
    }
    Ok(())
}

fn check_metadata(value: &Value<'_>) -> Result<(), DraftError> {
    let at = "/metadata";
    let members = match value {
        Value::Null => return Ok(()),
        Value::Object(members) => members,
        other => return Err(invalid(at, format!("expected an object, not {}", other.type_word()))),
    };
    if members.len() > limits::METADATA_KEYS_MAX {
        let what = format!("{} keys", members.len());
        return Err(too_large(at, &what, limits::METADATA_KEYS_MAX));
    }
    if value.depth() > limits::METADATA_DEPTH_MAX {
        let what = format!("nested {} levels deep", value.depth());
        return Err(too_large(at, &what, limits::METADATA_DEPTH_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
