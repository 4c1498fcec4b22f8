//! Expressions of a mapping: where a value comes from and what is done to it.
//!
//! Every expression yields a value or nothing. It also tells which places of the record its value
//! was copied from unchanged: what was copied is not repeated among the leftovers, what was turned
//! into something else stays there in its own words.

use std::borrow::Cow;

use proofbook_event::json::Object;
use proofbook_event::{Value, canonical};
use sha2::{Digest, Sha256};

use super::text::{Glob, Step, cut};
use super::times::Times;

/// Bytes of a text to which steps are applied; a longer one is cut first.
const STEP_TEXT_BYTES_MAX: usize = 64 * 1024;

/// A place in the record (RFC 6901), or in the item at hand inside `each`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    from_record: bool,
}

impl Pointer {
    /// Reads `/a/b`, `$/a/b` (always from the record) or `.` (the whole item).
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "." {
            return Some(Self { text: String::new(), from_record: false });
        }
        let from_record = text.starts_with('$');
        let text = text.strip_prefix('$').unwrap_or(text);
        text.starts_with('/').then(|| Self { text: text.to_owned(), from_record })
    }

    /// Returns the pointer without `$`.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Follows the pointer from a record; null counts as absent.
    pub(super) fn find_in<'r>(&self, record: &'r Value<'r>) -> Option<&'r Value<'r>> {
        record.pointer(&self.text).filter(|value| !matches!(value, Value::Null))
    }
}

/// What an expression is evaluated against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'r> {
    pub(super) record: &'r Value<'r>,
    /// The item of an `each`, and its place in the record.
    pub(super) item: Option<(&'r Value<'r>, &'r str)>,
}

impl<'r> Scope<'r> {
    /// Finds a pointer's value and its place counted from the record; null counts as absent.
    pub(super) fn find(&self, pointer: &Pointer) -> Option<(&'r Value<'r>, String)> {
        match self.item {
            Some((item, place)) if !pointer.from_record => {
                Some((pointer.find_in(item)?, format!("{place}{}", pointer.text)))
            }
            _ => Some((pointer.find_in(self.record)?, pointer.text.clone())),
        }
    }

    fn text_at(&self, pointer: &Pointer) -> Option<Cow<'r, str>> {
        scalar_text(self.find(pointer)?.0)
    }
}

/// Returns a scalar as text; empty texts, null and containers are absent.
pub(super) fn scalar_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::String(text) => (!text.is_empty()).then_some(Cow::Borrowed(text.as_ref())),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value that was found, and the places it was copied from unchanged.
#[derive(Clone, Debug)]
pub(super) struct Found<'r> {
    pub(super) value: Cow<'r, Value<'r>>,
    pub(super) copied: Vec<String>,
}

impl Found<'_> {
    fn made(value: Value<'static>) -> Self {
        Self { value: Cow::Owned(value), copied: Vec::new() }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Pointer(Pointer),
    Constant(Value<'static>),
    Template(Vec<Piece>),
    /// The first that yields something other than an empty text.
    First(Vec<Expression>),
    Join {
        parts: Vec<Expression>,
        with: String,
    },
    Members(Vec<(String, Expression)>),
    /// A digest of these places, or of the whole record when there are none.
    Hash(Vec<Pointer>),
}

/// One piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Pointer(Pointer),
}

/// Where a value comes from and what is done to it, in the order of the fields.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) when: Option<Condition>,
    pub(super) source: Source,
    pub(super) times: Option<Times>,
    pub(super) steps: Vec<Step>,
    pub(super) lookup: Option<Lookup>,
    pub(super) default: Option<Box<Expression>>,
    /// In `join`: the whole stands without this part.
    pub(super) optional: bool,
}

impl Expression {
    pub(super) fn of(source: Source) -> Self {
        Self {
            when: None,
            source,
            times: None,
            steps: Vec::new(),
            lookup: None,
            default: None,
            optional: false,
        }
    }

    /// Tells whether the expression is its source and nothing more.
    pub(super) fn is_plain(&self) -> bool {
        self.when.is_none()
            && self.times.is_none()
            && self.steps.is_empty()
            && self.lookup.is_none()
            && self.default.is_none()
    }

    /// Evaluates the expression; `None` is "nothing there".
    pub(super) fn evaluate<'r>(&self, scope: &Scope<'r>) -> Option<Found<'r>> {
        if self.when.as_ref().is_some_and(|condition| !condition.holds(scope)) {
            return None;
        }
        self.source
            .evaluate(scope)
            .and_then(|found| self.finish(found))
            .or_else(|| self.default.as_ref()?.evaluate(scope))
    }

    fn finish<'r>(&self, mut found: Found<'r>) -> Option<Found<'r>> {
        if let Some(times) = &self.times {
            let read = times.read(&found.value)?;
            let copied = if read.lossless { found.copied } else { Vec::new() };
            found = Found { value: Cow::Owned(Value::from(read.moment.to_string())), copied };
        }
        if self.steps.is_empty() && self.lookup.is_none() {
            return Some(found);
        }
        let text = scalar_text(&found.value)?;
        let (mut done, _) = cut(&text, STEP_TEXT_BYTES_MAX);
        for step in &self.steps {
            done = step.apply(&done)?;
        }
        if let Some(lookup) = &self.lookup {
            done = lookup.find(&done)?.to_owned();
        }
        if done.is_empty() {
            return None;
        }
        let copied = if done == *text { found.copied } else { Vec::new() };
        Some(Found { value: Cow::Owned(Value::from(done)), copied })
    }

    /// Returns the first place the expression looks at, for error messages.
    pub(super) fn first_pointer(&self) -> Option<&Pointer> {
        match &self.source {
            Source::Pointer(pointer) => Some(pointer),
            Source::Constant(_) => None,
            Source::Template(pieces) => pieces.iter().find_map(|piece| match piece {
                Piece::Pointer(pointer) => Some(pointer),
                Piece::Text(_) => None,
            }),
            Source::First(parts) | Source::Join { parts, .. } => {
                parts.iter().find_map(Self::first_pointer)
            }
            Source::Members(members) => members.iter().find_map(|(_, part)| part.first_pointer()),
            Source::Hash(pointers) => pointers.first(),
        }
    }

    /// Visits every fixed word the expression can yield as it stands.
    pub(super) fn for_each_constant(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(default) = &self.default {
            default.for_each_constant(visit);
        }
        if let Some(lookup) = &self.lookup {
            lookup.words().for_each(visit);
            return;
        }
        if !self.steps.is_empty() {
            return;
        }
        match &self.source {
            Source::Constant(value) => {
                if let Some(word) = value.as_str() {
                    visit(word);
                }
            }
            Source::First(parts) => parts.iter().for_each(|part| part.for_each_constant(visit)),
            _ => {}
        }
    }
}

impl Source {
    fn evaluate<'r>(&self, scope: &Scope<'r>) -> Option<Found<'r>> {
        match self {
            Self::Pointer(pointer) => {
                let (value, place) = scope.find(pointer)?;
                Some(Found { value: Cow::Borrowed(value), copied: vec![place] })
            }
            Self::Constant(value) => Some(Found::made(value.clone())),
            Self::Template(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(fixed) => text.push_str(fixed),
                        Piece::Pointer(pointer) => text.push_str(&scope.text_at(pointer)?),
                    }
                    text = cut(&text, STEP_TEXT_BYTES_MAX).0;
                }
                Some(Found::made(Value::from(text)))
            }
            Self::First(parts) => parts.iter().find_map(|part| {
                part.evaluate(scope).filter(|found| found.value.as_str() != Some(""))
            }),
            Self::Join { parts, with } => {
                let mut texts = Vec::with_capacity(parts.len());
                for part in parts {
                    match part
                        .evaluate(scope)
                        .and_then(|found| scalar_text(&found.value).map(Cow::into_owned))
                    {
                        Some(text) => texts.push(cut(&text, STEP_TEXT_BYTES_MAX).0),
                        None if part.optional => {}
                        None => return None,
                    }
                }
                (!texts.is_empty()).then(|| Found::made(Value::from(texts.join(with))))
            }
            Self::Members(members) => {
                let mut made: Object<'r> = Vec::with_capacity(members.len());
                let mut copied = Vec::new();
                for (name, part) in members {
                    if let Some(found) = part.evaluate(scope) {
                        made.push((Cow::Owned(name.clone()), found.value.into_owned()));
                        copied.extend(found.copied);
                    }
                }
                (!made.is_empty())
                    .then_some(Found { value: Cow::Owned(Value::Object(made)), copied })
            }
            Self::Hash(pointers) => {
                let bytes = if pointers.is_empty() {
                    canonical::to_bytes(scope.record)
                } else {
                    let values: Option<Vec<Value<'_>>> = pointers
                        .iter()
                        .map(|pointer| scope.find(pointer).map(|(value, _)| value.clone()))
                        .collect();
                    canonical::to_bytes(&Value::Array(values?))
                };
                Some(Found::made(Value::from(hex_digest(&bytes, 16))))
            }
        }
    }
}

/// Returns the first bytes of the SHA-256 of a text, in hexadecimal.
pub(super) fn hex_digest(bytes: &[u8], count: usize) -> String {
    Sha256::digest(bytes).iter().take(count).map(|byte| format!("{byte:02x}")).collect()
}

/// A table from texts to texts: an exact key wins, then the pattern with most fixed characters.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    exact: std::collections::BTreeMap<String, String>,
    patterns: Vec<(Glob, String)>,
}

impl Lookup {
    pub(super) fn new(rows: Vec<(String, String)>) -> Self {
        let (patterns, exact): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(key, _)| key.contains('*'));
        let mut patterns: Vec<(Glob, String)> =
            patterns.into_iter().map(|(key, word)| (Glob::new(&key), word)).collect();
        patterns.sort_by_key(|(glob, _)| std::cmp::Reverse(glob.fixed_bytes()));
        Self { exact: exact.into_iter().collect(), patterns }
    }

    fn find(&self, text: &str) -> Option<&str> {
        let by_pattern = || self.patterns.iter().find(|(glob, _)| glob.matches(text));
        self.exact.get(text).or_else(|| by_pattern().map(|(_, word)| word)).map(String::as_str)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.exact.values().chain(self.patterns.iter().map(|(_, word)| word)).map(String::as_str)
    }
}

/// When an expression or a rule counts.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// The place holds something: not null, not an empty text, list or object.
    Present(Pointer),
    /// The place holds a scalar, or a list with a scalar, that one of the patterns matches.
    Is(Pointer, Vec<Glob>),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    pub(super) fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::Present(pointer) => scope.find(pointer).is_some_and(|(value, _)| match value {
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => true,
            }),
            Self::Is(pointer, globs) => scope.find(pointer).is_some_and(|(value, _)| {
                let fits = |value: &Value<'_>| {
                    scalar_text(value)
                        .is_some_and(|text| globs.iter().any(|glob| glob.matches(&text)))
                };
                fits(value) || value.as_array().is_some_and(|items| items.iter().any(fits))
            }),
            Self::Not(inner) => !inner.holds(scope),
            Self::All(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(scope)),
        }
    }
}
