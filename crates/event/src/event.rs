//! An event as it is read back: the leaf's clear fields and the parsed groups.
//!
//! Everything borrows from the bytes it was parsed from. What was absent stays absent; a reader
//! that wants a fallback (a name, else the e-mail, else the id) asks for it by a method here.

use std::borrow::Cow;

use crate::group::{Group, GroupBytes};
use crate::json::{JsonError, Object, Value};
use crate::time::Timestamp;
use crate::words::Outcome;

/// The fields of an event that its leaf shows in the clear, and its workspace's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Clear<'a> {
    /// Name of the workspace.
    pub workspace: Cow<'a, str>,
    /// Number in its workspace, and leaf index.
    pub seq: u64,
    /// When the log took it.
    pub recorded_at: Timestamp,
    /// When it happened, by its sender.
    pub occurred_at: Timestamp,
    /// The action's name when the leaf shows it, `None` when the leaf says `other`.
    pub action: Option<Cow<'a, str>>,
    /// How it ended.
    pub outcome: Outcome,
}

/// One event, readable field by field.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The clear fields.
    pub clear: Clear<'a>,
    groups: [Option<Value<'a>>; Group::COUNT],
}

impl<'a> Event<'a> {
    /// Parses the groups that are given; groups left out read as absent.
    ///
    /// # Errors
    /// A group's bytes are not JSON: the store's hash checks make that a fault of ours.
    pub fn from_groups(clear: Clear<'a>, bytes: &GroupBytes<'a>) -> Result<Self, JsonError> {
        let mut groups: [Option<Value<'a>>; Group::COUNT] = Default::default();
        for (group, text) in bytes.present() {
            groups[group.index()] = Some(Value::parse(text)?);
        }
        Ok(Self { clear, groups })
    }

    /// Returns a whole group.
    pub fn group(&self, group: Group) -> Option<&Value<'a>> {
        self.groups[group.index()].as_ref()
    }

    fn member(&self, group: Group, key: &str) -> Option<&Value<'a>> {
        self.group(group)?.get(key)
    }

    fn text(&self, group: Group, key: &str) -> Option<&str> {
        self.member(group, key)?.as_str()
    }

    /// Returns the event's id.
    pub fn id(&self) -> &str {
        self.group(Group::Id).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the action's name, from the leaf or from the description group.
    pub fn action(&self) -> &str {
        match &self.clear.action {
            Some(name) => name,
            None => self.text(Group::Description, "action").unwrap_or("other"),
        }
    }

    /// Returns who acted.
    pub fn actor(&self) -> Option<&Value<'a>> {
        self.member(Group::Actor, "actor")
    }

    /// Returns for whom it was done.
    pub fn on_behalf_of(&self) -> Option<&Value<'a>> {
        self.member(Group::Actor, "on_behalf_of")
    }

    /// Returns the channel and client through which it was done.
    pub fn via(&self) -> Option<&Value<'a>> {
        self.member(Group::Actor, "via")
    }

    /// Returns the targets in their order.
    pub fn targets(&self) -> &[Value<'a>] {
        self.group(Group::Targets).and_then(Value::as_array).unwrap_or_default()
    }

    /// Returns the changes in their order, each an object `{path, kind, before?, after?}`.
    pub fn changes(&self) -> &[Value<'a>] {
        self.member(Group::Changes, "changes").and_then(Value::as_array).unwrap_or_default()
    }

    /// Returns the value before.
    pub fn before(&self) -> Option<&Value<'a>> {
        self.member(Group::Changes, "before")
    }

    /// Returns the value after.
    pub fn after(&self) -> Option<&Value<'a>> {
        self.member(Group::Changes, "after")
    }

    /// Returns one text of the context, such as `ip`.
    pub fn context(&self, key: &str) -> Option<&str> {
        self.text(Group::Context, key)
    }

    /// Returns the module's id.
    pub fn module_id(&self) -> Option<&str> {
        self.member(Group::Description, "module")?.get("id")?.as_str()
    }

    /// Returns the module's title as it was then.
    pub fn module_title(&self) -> Option<&str> {
        self.member(Group::Description, "module")?.get("title")?.as_str()
    }

    /// Returns a text of the description group: `verb`, `severity`, `title`, `description`, `reason`.
    pub fn described(&self, key: &str) -> Option<&str> {
        self.text(Group::Description, key)
    }

    /// Returns the outcome's `code` or `reason`.
    pub fn outcome_detail(&self, key: &str) -> Option<&str> {
        self.member(Group::Description, "outcome")?.get(key)?.as_str()
    }

    /// Returns the approval.
    pub fn approval(&self) -> Option<&Value<'a>> {
        self.member(Group::Description, "approval")
    }

    /// Returns how many secrets were masked when the event was taken in.
    pub fn masked(&self) -> i64 {
        self.member(Group::Description, "masked").and_then(Value::as_int).unwrap_or(0)
    }

    /// Returns the metadata.
    pub fn metadata(&self) -> Option<&Value<'a>> {
        self.member(Group::Metadata, "metadata")
    }

    /// Returns the producer's name and counter.
    pub fn source(&self) -> Option<&Value<'a>> {
        self.member(Group::Metadata, "source")
    }

    /// Builds the API form, in the order of the contract, with the leaf hash when it is given.
    pub fn to_json<'s>(&'s self, leaf: Option<&str>) -> Value<'s> {
        let mut members: Object<'s> = Vec::with_capacity(28);
        let mut put = |key: &'static str, value: Option<Value<'s>>| {
            if let Some(value) = value {
                members.push((Cow::Borrowed(key), value));
            }
        };
        let text = |value: &'s str| Some(Value::from(value));
        put("id", text(self.id()));
        put("workspace", text(&self.clear.workspace));
        put("seq", Some(Value::Int(self.clear.seq as i64)));
        put("occurred_at", Some(self.clear.occurred_at.to_string().into()));
        put("recorded_at", Some(self.clear.recorded_at.to_string().into()));
        put("action", text(self.action()));
        put("title", self.described("title").and_then(text));
        put("module", self.member(Group::Description, "module").cloned());
        put("verb", self.described("verb").and_then(text));
        put("severity", self.described("severity").and_then(text));
        put("outcome", Some(self.outcome_json()));
        put("description", self.member(Group::Description, "description").cloned());
        put("reason", self.member(Group::Description, "reason").cloned());
        put("actor", self.actor().cloned());
        put("on_behalf_of", self.on_behalf_of().cloned());
        put("approval", self.approval().cloned());
        put("via", self.via().cloned());
        put("targets", self.group(Group::Targets).cloned());
        put("changes", self.member(Group::Changes, "changes").cloned());
        put("before", self.before().cloned());
        put("after", self.after().cloned());
        put("context", self.group(Group::Context).cloned());
        put("metadata", self.metadata().cloned());
        put("source", self.source().cloned());
        put("masked", self.member(Group::Description, "masked").cloned());
        put("leaf", leaf.map(|hash| hash.to_owned().into()));
        Value::Object(members)
    }

    fn outcome_json(&self) -> Value<'_> {
        let mut members: Object<'_> =
            vec![("result".into(), Value::from(self.clear.outcome.as_str()))];
        if let Some(detail) = self.member(Group::Description, "outcome").and_then(Value::as_object)
        {
            members.extend(detail.iter().cloned());
        }
        Value::Object(members)
    }
}

/// Returns what a party (actor or other) is called: name, else e-mail, else id.
///
/// A party of type `system` is the word "System", whatever else it says of itself.
pub fn party_label<'v>(party: &'v Value<'_>) -> Option<&'v str> {
    let text = |key| party.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if party.get("type").and_then(Value::as_str) == Some("system") {
        return Some("System");
    }
    text("name").or_else(|| text("email")).or_else(|| text("id"))
}
