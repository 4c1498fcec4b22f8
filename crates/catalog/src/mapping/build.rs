//! The event that a record becomes: each field of the contract by its rule, within its limit.

use std::borrow::Cow;
use std::collections::HashSet;

use proofbook_event::json::{Object, escape_token};
use proofbook_event::{
    ActorType, Channel, EventDraft, Outcome, Severity, Timestamp, Value, limits, name,
};

use super::MapError;
use super::expression::{Condition, Expression, Found, Pointer, Scope, hex_digest, scalar_text};
use super::rest::{self, Rest};
use super::text::{action_name, cut};

/// Members of a part of the contract, each with its expression, in the contract's order.
pub(super) type Fields = Vec<(&'static str, Expression)>;

/// A part of the contract that is an object: actor, via, context …
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) when: Option<Condition>,
    pub(super) fields: Fields,
    /// Whether `type` is a word of the contract, as in an actor.
    pub(super) is_party: bool,
}

/// A rule that yields targets.
#[derive(Clone, Debug)]
pub(super) struct TargetRule {
    pub(super) each: Option<Pointer>,
    pub(super) when: Option<Condition>,
    /// Counts only where no rule before it yielded a target.
    pub(super) fallback: bool,
    pub(super) fields: Fields,
    /// Type and place of the id, for records that name their targets by field.
    pub(super) by_type: Vec<(String, Pointer)>,
}

/// A rule that yields changes.
#[derive(Clone, Debug)]
pub(super) struct ChangeRule {
    pub(super) each: Option<Pointer>,
    pub(super) when: Option<Condition>,
    pub(super) field: Expression,
    pub(super) before: Option<Expression>,
    pub(super) after: Option<Expression>,
}

/// The rules of a mapping's `[event]`.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) workspace: Option<Expression>,
    pub(super) id: Option<Expression>,
    pub(super) action: Expression,
    pub(super) occurred_at: Expression,
    pub(super) actor: Part,
    pub(super) on_behalf_of: Part,
    pub(super) approval: Part,
    pub(super) approval_by: Part,
    pub(super) via: Part,
    pub(super) targets: Vec<TargetRule>,
    pub(super) outcome: Part,
    pub(super) before: Option<Expression>,
    pub(super) after: Option<Expression>,
    pub(super) changes: Vec<ChangeRule>,
    pub(super) context: Part,
    pub(super) description: Option<Expression>,
    pub(super) reason: Option<Expression>,
    pub(super) severity: Option<Expression>,
    pub(super) metadata: Vec<(String, Expression)>,
    pub(super) source: Part,
    pub(super) rest: Rest,
}

/// Returns the name of the record's workspace, when the rule yields a name that can be one.
pub(super) fn workspace(rules: &Rules, record: &Value<'_>) -> Option<String> {
    let found = rules.workspace.as_ref()?.evaluate(&Scope { record, item: None })?;
    let text = scalar_text(&found.value)?;
    name::is_workspace_name(&text).then(|| text.into_owned())
}

/// Turns a record into an event.
pub(super) fn event(
    mapping: &str,
    rules: &Rules,
    record: &Value<'_>,
) -> Result<Value<'static>, MapError> {
    let mut builder = Builder { scope: Scope { record, item: None }, copied: HashSet::new() };
    let mut event: Object<'static> = Vec::with_capacity(16);
    let mut put = |key: &'static str, value: Option<Value<'static>>| {
        if let Some(value) = value {
            event.push((Cow::Borrowed(key), value));
        }
    };
    put("id", Some(builder.id(mapping, rules.id.as_ref()).into()));
    put("action", Some(builder.action(&rules.action)?.into()));
    put("occurred_at", Some(builder.time(&rules.occurred_at)?.into()));
    put("actor", Some(builder.actor(&rules.actor)));
    put("on_behalf_of", builder.party(&rules.on_behalf_of));
    put("approval", builder.approval(rules));
    put("via", builder.part(&rules.via));
    put("targets", builder.targets(&rules.targets));
    put("outcome", builder.outcome(&rules.outcome)?);
    put("before", builder.side(rules.before.as_ref()));
    put("after", builder.side(rules.after.as_ref()));
    put("changes", builder.changes(&rules.changes));
    put("context", builder.part(&rules.context));
    put("description", builder.text(rules.description.as_ref()).map(Value::from));
    put("reason", builder.text(rules.reason.as_ref()).map(Value::from));
    put("severity", builder.word(rules.severity.as_ref(), |w| Severity::parse(w).is_some()));
    let source = builder.part(&rules.source);
    let own = builder.metadata(&rules.metadata);
    let metadata = rules.rest.metadata(own, record, builder.copied);
    put("metadata", (!metadata.is_empty()).then_some(Value::Object(metadata)));
    put("source", source);
    rest::limit_size(&mut event);
    let event = Value::Object(event);
    debug_assert!(
        EventDraft::from_value(event.clone()).is_ok(),
        "the rules above keep every limit: {:?}",
        EventDraft::from_value(event.clone())
    );
    Ok(event)
}

struct Builder<'r> {
    scope: Scope<'r>,
    /// Places of the record whose value stands unchanged in the event.
    copied: HashSet<String>,
}

impl<'r> Builder<'r> {
    /// Evaluates to a text within the contract's limit; a text that was cut counts as not copied.
    fn text(&mut self, rule: Option<&Expression>) -> Option<String> {
        let found = rule?.evaluate(&self.scope)?;
        self.keep_text(found)
    }

    fn keep_text(&mut self, found: Found<'_>) -> Option<String> {
        let text = scalar_text(&found.value)?;
        let (text, was_cut) = cut(&text, limits::TEXT_BYTES_MAX);
        if !was_cut {
            self.copied.extend(found.copied);
        }
        Some(text)
    }

    /// Evaluates to a word of a closed vocabulary; any other word stays among the leftovers.
    fn word(
        &mut self,
        rule: Option<&Expression>,
        known: impl Fn(&str) -> bool,
    ) -> Option<Value<'static>> {
        let found = rule?.evaluate(&self.scope)?;
        let word = scalar_text(&found.value).filter(|word| known(word))?.into_owned();
        self.copied.extend(found.copied);
        Some(Value::from(word))
    }

    /// Returns the vendor's id where it can be one, else a digest: of the id, or of the record.
    fn id(&mut self, mapping: &str, rule: Option<&Expression>) -> String {
        let found = rule.and_then(|rule| rule.evaluate(&self.scope));
        let text = found.as_ref().and_then(|found| scalar_text(&found.value));
        match text {
            Some(text) if name::is_event_id(&text) => {
                let text = text.into_owned();
                self.copied.extend(found.map(|found| found.copied).unwrap_or_default());
                text
            }
            Some(text) => format!("{mapping}:{}", hex_digest(text.as_bytes(), 16)),
            None => {
                let bytes = proofbook_event::canonical::to_bytes(self.scope.record);
                format!("{mapping}:{}", hex_digest(&bytes, 16))
            }
        }
    }

    fn action(&mut self, rule: &Expression) -> Result<String, MapError> {
        let fault = |reason: String| MapError { pointer: first_place(rule), reason };
        let found =
            rule.evaluate(&self.scope).ok_or_else(|| fault("the record has no action".into()))?;
        let text = scalar_text(&found.value).ok_or_else(|| {
            fault(format!("an action is a text, not {}", found.value.type_word()))
        })?;
        let action = action_name(&text)
            .ok_or_else(|| fault(format!("no action can be made of {:?}", cut(&text, 64).0)))?;
        if action == *text {
            self.copied.extend(found.copied);
        }
        Ok(action)
    }

    fn time(&mut self, rule: &Expression) -> Result<String, MapError> {
        let fault = |reason: String| MapError { pointer: first_place(rule), reason };
        if let Some(found) = rule.evaluate(&self.scope)
            && let Some(text) = found.value.as_str().filter(|text| Timestamp::parse(text).is_ok())
        {
            let text = text.to_owned();
            self.copied.extend(found.copied);
            return Ok(text);
        }
        let seen = rule.first_pointer().and_then(|pointer| self.scope.find(pointer));
        Err(match seen {
            Some((value, _)) => fault(format!(
                "{} is not a time in a form the mapping names",
                cut(&value.to_string(), 64).0
            )),
            None => fault("the record has no time".into()),
        })
    }

    /// Returns the part's object; `None` when nothing of it is there.
    fn part(&mut self, part: &Part) -> Option<Value<'static>> {
        if part.when.as_ref().is_some_and(|condition| !condition.holds(&self.scope)) {
            return None;
        }
        let members = self.members(&part.fields, part.is_party);
        (!members.is_empty()).then_some(Value::Object(members))
    }

    fn members(&mut self, fields: &Fields, is_party: bool) -> Object<'static> {
        let mut members: Object<'static> = Vec::with_capacity(fields.len());
        for (key, rule) in fields {
            let value = match *key {
                "type" if is_party => {
                    self.word(Some(rule), |word| ActorType::parse(word).is_some())
                }
                "channel" => self.word(Some(rule), |word| Channel::parse(word).is_some()),
                "roles" => self.roles(rule),
                "seq" => self.counter(rule),
                _ => self.text(Some(rule)).map(Value::from),
            };
            if let Some(value) = value {
                members.push((Cow::Borrowed(key), value));
            }
        }
        members
    }

    fn roles(&mut self, rule: &Expression) -> Option<Value<'static>> {
        let found = rule.evaluate(&self.scope)?;
        let Some(items) = found.value.as_array() else {
            return self.keep_text(found).map(|role| Value::Array(vec![Value::from(role)]));
        };
        let mut whole = items.len() <= limits::ROLES_MAX;
        let mut roles = Vec::new();
        for item in items.iter().take(limits::ROLES_MAX) {
            match scalar_text(item) {
                Some(text) => {
                    let (text, was_cut) = cut(&text, limits::TEXT_BYTES_MAX);
                    whole &= !was_cut;
                    roles.push(Value::from(text));
                }
                None => whole = false,
            }
        }
        if whole {
            self.copied.extend(found.copied);
        }
        (!roles.is_empty()).then_some(Value::Array(roles))
    }

    /// Evaluates a producer's counter: a whole number from 0, also when it comes as a text.
    fn counter(&mut self, rule: &Expression) -> Option<Value<'static>> {
        let found = rule.evaluate(&self.scope)?;
        let number: i64 = scalar_text(&found.value)?.parse().ok()?;
        if !(0..=limits::INTEGER_MAX).contains(&number) {
            return None;
        }
        self.copied.extend(found.copied);
        Some(Value::Int(number))
    }

    /// Returns who acted; a party without a type is a user, nobody at all is `anonymous`.
    fn actor(&mut self, part: &Part) -> Value<'static> {
        let mut members = match self.part(part) {
            Some(Value::Object(members)) => members,
            _ => Vec::new(),
        };
        if !members.iter().any(|(key, _)| key == "type") {
            let kind = if members.is_empty() { ActorType::Anonymous } else { ActorType::User };
            members.insert(0, (Cow::Borrowed("type"), Value::from(kind.as_str())));
        }
        Value::Object(members)
    }

    /// Returns a party that may be absent: one of whom only the type is known is.
    fn party(&mut self, part: &Part) -> Option<Value<'static>> {
        let party = self.part(part)?;
        let known = ["id", "name", "email"].iter().any(|key| party.get(key).is_some());
        known.then_some(party)
    }

    fn approval(&mut self, rules: &Rules) -> Option<Value<'static>> {
        let members = match self.part(&rules.approval) {
            Some(Value::Object(members)) => members,
            _ => Vec::new(),
        };
        let mut approval = members;
        if let Some(by) = self.party(&rules.approval_by) {
            approval.push((Cow::Borrowed("by"), by));
        }
        (!approval.is_empty()).then_some(Value::Object(approval))
    }

    fn outcome(&mut self, part: &Part) -> Result<Option<Value<'static>>, MapError> {
        let Some(Value::Object(members)) = self.part(part) else { return Ok(None) };
        let result = members.iter().find(|(key, _)| key == "result").map(|(_, value)| value);
        if let Some(word) = result.and_then(Value::as_str) {
            // Anything else would count as success without being one.
            if Outcome::parse(word).is_none() {
                let rule = part.fields.iter().find(|(key, _)| *key == "result");
                return Err(MapError {
                    pointer: rule.map(|(_, rule)| first_place(rule)).unwrap_or_default(),
                    reason: format!(
                        "the outcome {:?} is none of success, failure and denied",
                        cut(word, 64).0
                    ),
                });
            }
        }
        Ok(Some(Value::Object(members)))
    }

    /// Evaluates `before` or `after`: any value, with what is nested too deep as its text.
    fn side(&mut self, rule: Option<&Expression>) -> Option<Value<'static>> {
        let found = rule?.evaluate(&self.scope)?;
        self.copied.extend(found.copied);
        let mut value = found.value.into_owned().into_owned();
        rest::limit_depth(&mut value, rest::SIDE_DEPTH_MAX);
        Some(value)
    }

    fn metadata(&mut self, fields: &[(String, Expression)]) -> Object<'static> {
        fields
            .iter()
            .filter_map(|(key, rule)| {
                let found = rule.evaluate(&self.scope)?;
                self.copied.extend(found.copied);
                Some((Cow::Owned(key.clone()), found.value.into_owned().into_owned()))
            })
            .collect()
    }

    /// Runs `visit` in the scope of each item of a rule's list, or once without a list.
    fn for_each_item(
        &mut self,
        each: Option<&Pointer>,
        when: Option<&Condition>,
        visit: &mut dyn FnMut(&mut Builder<'_>) -> bool,
    ) {
        let Some(each) = each else {
            if when.is_none_or(|condition| condition.holds(&self.scope)) {
                visit(self);
            }
            return;
        };
        let Some((list, place)) = self.scope.find(each) else { return };
        let is_list = list.as_array().is_some();
        let items = list.as_array().unwrap_or(std::slice::from_ref(list));
        for (index, item) in items.iter().enumerate() {
            let place = if is_list { format!("{place}/{index}") } else { place.clone() };
            let scope = Scope { record: self.scope.record, item: Some((item, &place)) };
            if !when.is_none_or(|condition| condition.holds(&scope)) {
                continue;
            }
            let mut inner = Builder { scope, copied: std::mem::take(&mut self.copied) };
            let go_on = visit(&mut inner);
            self.copied = inner.copied;
            if !go_on {
                return;
            }
        }
    }

    fn targets(&mut self, rules: &[TargetRule]) -> Option<Value<'static>> {
        let mut targets: Vec<Value<'static>> = Vec::new();
        for rule in rules {
            if rule.fallback && !targets.is_empty() {
                continue;
            }
            self.for_each_item(rule.each.as_ref(), rule.when.as_ref(), &mut |builder| {
                for (kind, pointer) in &rule.by_type {
                    builder.targets_by_type(kind, pointer, &mut targets);
                }
                if !rule.fields.is_empty() {
                    let copied_before = std::mem::take(&mut builder.copied);
                    let target = builder.members(&rule.fields, false);
                    let copied_here = std::mem::replace(&mut builder.copied, copied_before);
                    if add_target(&mut targets, target) {
                        builder.copied.extend(copied_here);
                    }
                }
                targets.len() < limits::TARGETS_MAX
            });
        }
        (!targets.is_empty()).then_some(Value::Array(targets))
    }

    fn targets_by_type(
        &mut self,
        kind: &str,
        pointer: &Pointer,
        targets: &mut Vec<Value<'static>>,
    ) {
        let Some((value, place)) = self.scope.find(pointer) else { return };
        let (ids, is_list) = match value.as_array() {
            Some(items) => (items, true),
            None => (std::slice::from_ref(value), false),
        };
        for id in ids {
            let Some(text) = scalar_text(id) else { continue };
            let (text, was_cut) = cut(&text, limits::TEXT_BYTES_MAX);
            let target = vec![
                (Cow::Borrowed("type"), Value::from(kind.to_owned())),
                (Cow::Borrowed("id"), Value::from(text)),
            ];
            if add_target(targets, target) && !was_cut && !is_list {
                self.copied.insert(place.clone());
            }
        }
    }

    fn changes(&mut self, rules: &[ChangeRule]) -> Option<Value<'static>> {
        let mut changes: Vec<Value<'static>> = Vec::new();
        for rule in rules {
            self.for_each_item(rule.each.as_ref(), rule.when.as_ref(), &mut |builder| {
                if let Some(change) = builder.change(rule) {
                    changes.push(change);
                }
                changes.len() < limits::CHANGES_MAX
            });
        }
        changes.truncate(limits::CHANGES_MAX);
        (!changes.is_empty()).then_some(Value::Array(changes))
    }

    fn change(&mut self, rule: &ChangeRule) -> Option<Value<'static>> {
        let field = rule.field.evaluate(&self.scope)?;
        let token = scalar_text(&field.value)?;
        let path = format!("/{}", escape_token(&token));
        if path.len() > limits::TEXT_BYTES_MAX {
            return None;
        }
        let before = self.side(rule.before.as_ref());
        let after = self.side(rule.after.as_ref());
        let kind = match (&before, &after) {
            (None, None) => return None,
            (None, Some(_)) => "add",
            (Some(_), None) => "remove",
            (Some(_), Some(_)) => "update",
        };
        self.copied.extend(field.copied);
        let mut change: Object<'static> = vec![(Cow::Borrowed("path"), Value::from(path))];
        change.extend(before.map(|value| (Cow::Borrowed("before"), value)));
        change.extend(after.map(|value| (Cow::Borrowed("after"), value)));
        change.push((Cow::Borrowed("kind"), Value::from(kind)));
        Some(Value::Object(change))
    }
}

/// Adds a target that has an id or a name and is not there yet; tells whether it was added.
fn add_target(targets: &mut Vec<Value<'static>>, target: Object<'static>) -> bool {
    let target = Value::Object(target);
    let text = |target: &Value<'_>, key| target.get(key).and_then(Value::as_str).map(str::to_owned);
    let (kind, id, label) = (text(&target, "type"), text(&target, "id"), text(&target, "name"));
    let known = targets.iter().any(|other| {
        let (other_id, other_label) = (text(other, "id"), text(other, "name"));
        text(other, "type") == kind
            && ((id.is_some() && (id == other_id || id == other_label))
                || (id.is_none() && label.is_some() && label == other_label))
    });
    let fits = (id.is_some() || label.is_some()) && !known && targets.len() < limits::TARGETS_MAX;
    if fits {
        targets.push(target);
    }
    fits
}

fn first_place(rule: &Expression) -> String {
    rule.first_pointer().map(|pointer| pointer.text().to_owned()).unwrap_or_default()
}
