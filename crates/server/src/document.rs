//! A JSON document that administration sends: every field known, every text bounded.
//!
//! Read with the same bounded parser as events, so the same things are refused the same way.

use std::ops::RangeInclusive;

use axum::extract::Request;
use bytes::Bytes;
use proofbook_event::Value;
use proofbook_event::json::{escape_token, offset_of};
use proofbook_event::name::nearest;

use crate::app::App;
use crate::body;
use crate::limits;
use crate::problem::{Code, Fault, Problem};

/// Reads the body of an administration request.
pub(crate) async fn receive(
    app: &App,
    request: Request,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let payload = body::read(&app.memory, &parts.headers, body, bytes_max, app.patience()).await?;
    Ok(payload.bytes)
}

/// A parsed object.
pub(crate) struct Document<'a> {
    text: &'a [u8],
    value: Value<'a>,
}

impl<'a> Document<'a> {
    /// Parses an object that has no other fields than the known ones.
    pub(crate) fn parse(text: &'a [u8], known: &[&'static str]) -> Result<Self, Problem> {
        let value = Value::parse(text).map_err(|error| {
            Problem::at(
                Code::Malformed,
                Fault {
                    pointer: Some(error.pointer),
                    offset: Some(error.offset as u64),
                    detail: error.reason,
                    ..Fault::default()
                },
            )
        })?;
        let document = Self { text, value };
        document.check_fields("", &document.value, known)?;
        Ok(document)
    }

    /// Checks that a member is an object without unknown fields; false when it is absent or null.
    pub(crate) fn has_object(&self, key: &str, known: &[&'static str]) -> Result<bool, Problem> {
        match self.value.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => self.check_fields(&format!("/{key}"), value, known).map(|()| true),
        }
    }

    fn check_fields(
        &self,
        at: &str,
        value: &Value<'_>,
        known: &[&'static str],
    ) -> Result<(), Problem> {
        let Some(members) = value.as_object() else {
            let detail = format!("expected an object, not {}", value.type_word());
            return Err(self.fault(Code::Invalid, at, detail, None));
        };
        for (key, _) in members {
            if !known.contains(&key.as_ref()) {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", known.join(", ")),
                };
                let pointer = format!("{at}/{}", escape_token(key));
                let detail = format!("the field `{key}` is not known; {hint}");
                return Err(self.fault(Code::UnknownField, &pointer, detail, None));
            }
        }
        Ok(())
    }

    /// Returns a text; `None` when it is absent or null.
    pub(crate) fn text(&self, pointer: &str, bytes_max: usize) -> Result<Option<&str>, Problem> {
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= bytes_max => Ok(Some(text)),
            Some(Value::String(text)) => {
                let detail =
                    format!("a text of {} bytes; at most {bytes_max} are taken", text.len());
                Err(self.fault(Code::TooLarge, pointer, detail, Some(bytes_max)))
            }
            Some(other) => {
                let detail = format!("expected a string, not {}", other.type_word());
                Err(self.fault(Code::Invalid, pointer, detail, None))
            }
        }
    }

    /// Returns a text that must be there and not empty.
    pub(crate) fn required_text(&self, pointer: &str, bytes_max: usize) -> Result<&str, Problem> {
        match self.text(pointer, bytes_max)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text),
            None => {
                let detail = format!("the field `{}` is missing or empty", &pointer[1..]);
                Err(self.fault(Code::Missing, pointer, detail, None))
            }
        }
    }

    /// Returns a list of texts, at least one.
    pub(crate) fn texts(&self, pointer: &str, count_max: usize) -> Result<Vec<&str>, Problem> {
        let invalid = |detail: String| Err(self.fault(Code::Invalid, pointer, detail, None));
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => {
                let detail = format!("the field `{}` is missing", &pointer[1..]);
                Err(self.fault(Code::Missing, pointer, detail, None))
            }
            Some(Value::Array(items)) if items.len() > count_max => {
                let detail = format!("{} items; at most {count_max} are taken", items.len());
                Err(self.fault(Code::TooLarge, pointer, detail, Some(count_max)))
            }
            Some(Value::Array(items)) if !items.is_empty() => {
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                texts.map_or_else(|| invalid("expected strings in the array".to_owned()), Ok)
            }
            Some(_) => invalid("expected an array of at least one string".to_owned()),
        }
    }

    /// Returns a list of texts; empty when it is absent, null or empty.
    pub(crate) fn optional_texts(
        &self,
        pointer: &str,
        count_max: usize,
    ) -> Result<Vec<&str>, Problem> {
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) if items.is_empty() => Ok(Vec::new()),
            Some(_) => self.texts(pointer, count_max),
        }
    }

    /// Checks that a member is a list of objects without unknown fields, and returns how many; 0 when it is
    /// absent or null.
    pub(crate) fn count_objects(
        &self,
        pointer: &str,
        count_max: usize,
        known: &[&'static str],
    ) -> Result<usize, Problem> {
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(0),
            Some(Value::Array(items)) if items.len() > count_max => {
                let detail = format!("{} items; at most {count_max} are taken", items.len());
                Err(self.fault(Code::TooLarge, pointer, detail, Some(count_max)))
            }
            Some(Value::Array(items)) => {
                let mut numbered = items.iter().enumerate();
                numbered.try_for_each(|(index, item)| {
                    self.check_fields(&format!("{pointer}/{index}"), item, known)
                })?;
                Ok(items.len())
            }
            Some(other) => {
                let detail = format!("expected an array of objects, not {}", other.type_word());
                Err(self.fault(Code::Invalid, pointer, detail, None))
            }
        }
    }

    /// Returns the members of an object of texts; empty when it is absent or null.
    pub(crate) fn members(
        &self,
        pointer: &str,
        count_max: usize,
    ) -> Result<Vec<(&str, &str)>, Problem> {
        let invalid = |detail: String| self.fault(Code::Invalid, pointer, detail, None);
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Object(members)) if members.len() > count_max => {
                let detail = format!("{} members; at most {count_max} are taken", members.len());
                Err(self.fault(Code::TooLarge, pointer, detail, Some(count_max)))
            }
            Some(Value::Object(members)) => {
                let texts =
                    members.iter().map(|(key, value)| Some((key.as_ref(), value.as_str()?)));
                let texts: Option<Vec<(&str, &str)>> = texts.collect();
                texts.ok_or_else(|| invalid("expected strings in the object".to_owned()))
            }
            Some(_) => Err(invalid("expected an object of strings".to_owned())),
        }
    }

    /// Returns a whole number within bounds; `None` when it is absent or null.
    pub(crate) fn number(
        &self,
        pointer: &str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Int(number)) if bounds.contains(number) => Ok(Some(*number)),
            Some(_) => {
                let (low, high) = (bounds.start(), bounds.end());
                let detail = format!("a whole number from {low} to {high} is expected");
                let limit = usize::try_from(*high).ok();
                Err(self.fault(Code::Invalid, pointer, detail, limit))
            }
        }
    }

    /// Returns true or false; `None` when it is absent or null.
    pub(crate) fn flag(&self, pointer: &str) -> Result<Option<bool>, Problem> {
        match self.value.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => {
                let detail = format!("expected true or false, not {}", other.type_word());
                Err(self.fault(Code::Invalid, pointer, detail, None))
            }
        }
    }

    /// Says that a member is at fault.
    pub(crate) fn fault(
        &self,
        code: Code,
        pointer: &str,
        detail: String,
        limit: Option<usize>,
    ) -> Problem {
        Problem::at(
            code,
            Fault {
                pointer: Some(pointer.to_owned()),
                offset: Some(offset_of(self.text, pointer) as u64),
                limit: limit.map(|limit| limit as u64),
                detail,
                ..Fault::default()
            },
        )
    }
}

/// Bytes of an address.
const URL_BYTES_MAX: usize = 2048;

/// Reads an address that a page may link to: http or https, without spaces and control characters.
pub(crate) fn url<'d>(
    document: &'d Document<'_>,
    pointer: &str,
) -> Result<Option<&'d str>, Problem> {
    let Some(text) = document.text(pointer, URL_BYTES_MAX)? else { return Ok(None) };
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && is_plain {
        return Ok(Some(text));
    }
    let detail = "an address begins with https:// or http:// and has no spaces".to_owned();
    Err(document.fault(Code::Invalid, pointer, detail, None))
}

/// Reads a short title; `None` when absent.
pub(crate) fn title(document: &Document<'_>, pointer: &str) -> Result<Option<String>, Problem> {
    Ok(document.text(pointer, limits::TITLE_BYTES_MAX)?.map(str::to_owned))
}
