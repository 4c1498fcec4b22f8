//! One event in the JSON contract, built field by field.
//!
//! It writes what it is told, also what the contract refuses: refusals want tests too. The contract
//! itself is not known here.

use proofbook_event::Timestamp;
use serde_json::{Map, Value, json};

/// An event as a client writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBuilder(Map<String, Value>);

impl EventBuilder {
    /// Begins an event with nothing but its action.
    pub fn new(action: &str) -> Self {
        Self(Map::new()).field("action", action)
    }

    /// Sets a top-level field, whatever the builder has no name for.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.field("id", id)
    }

    /// Sets the workspace, for requests whose path does not give it.
    #[must_use]
    pub fn workspace(self, name: &str) -> Self {
        self.field("workspace", name)
    }

    /// Sets when it happened, microseconds UTC.
    #[must_use]
    pub fn occurred_at(self, micros: i64) -> Self {
        self.field("occurred_at", Timestamp::from_micros(micros).to_string())
    }

    /// Sets a user as the actor, with an e-mail address made of the id.
    #[must_use]
    pub fn user(self, id: &str, name: &str) -> Self {
        let email = format!("{id}@acme.example");
        self.field("actor", json!({"type": "user", "id": id, "name": name, "email": email}))
    }

    /// Adds a target.
    #[must_use]
    pub fn target(mut self, kind: &str, id: &str, name: &str) -> Self {
        let target = json!({"type": kind, "id": id, "name": name});
        match self.0.get_mut("targets") {
            Some(Value::Array(targets)) => targets.push(target),
            _ => return self.field("targets", json!([target])),
        }
        self
    }

    /// Sets the outcome's result, a bare string.
    #[must_use]
    pub fn outcome(self, result: &str) -> Self {
        self.field("outcome", result)
    }

    /// Sets what was before and what is after.
    #[must_use]
    pub fn changed(self, before: Value, after: Value) -> Self {
        self.field("before", before).field("after", after)
    }

    /// Sets the address in the context, keeping what else is there.
    #[must_use]
    pub fn ip(self, address: &str) -> Self {
        self.member("context", "ip", address)
    }

    /// Sets one key of the metadata, keeping the others.
    #[must_use]
    pub fn meta(self, key: &str, value: impl Into<Value>) -> Self {
        self.member("metadata", key, value)
    }

    fn member(mut self, object: &str, key: &str, value: impl Into<Value>) -> Self {
        match self.0.get_mut(object) {
            Some(Value::Object(members)) => {
                members.insert(key.to_owned(), value.into());
                self
            }
            _ => self.field(object, json!({key: value.into()})),
        }
    }

    /// Returns the event's JSON value.
    pub fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Returns the event's JSON text on one line.
    pub fn json(&self) -> String {
        self.value().to_string()
    }
}

/// Returns events as NDJSON, each with its line feed.
pub fn ndjson<'e>(events: impl IntoIterator<Item = &'e EventBuilder>) -> String {
    events.into_iter().map(|event| event.json() + "\n").collect()
}

#[cfg(test)]
mod tests;
