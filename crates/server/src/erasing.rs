//! Finding what an erasure takes: which groups of which events hold something of a person.
//!
//! A request names a person, or events and groups of them. A person is looked for in every event that
//! is there, whether retention still shows it or not:
//! - a group goes when the person's id stands in it as a whole JSON text, or an e-mail address anywhere,
//!   or a name as whole words, all without regard to case;
//! - of what the person did, who it was, from where, and the sentence about it go in any case; of what
//!   was done to the person, the targets and the sentence.
//!
//! What is found is numbers and groups, and only they are recorded: the words of the request stay here.

use std::collections::BTreeMap;

use proofbook_event::{Event, Group, Value};
use proofbook_query::{Found, QueryError, Reader};
use proofbook_store::erase::ERASURE_EVENTS_MAX;
use proofbook_store::segment::GroupSet;

/// A person as a request describes it, every text in lower case.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) id: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

/// What was found, the first of it by number.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    /// Groups of events, at most [`ERASURE_EVENTS_MAX`] of them.
    pub(crate) events: BTreeMap<u64, GroupSet>,
    /// How many more events there are.
    pub(crate) remaining: u64,
    /// The first and the last moment at which one of `events` happened, microseconds UTC.
    pub(crate) occurred: Option<(i64, i64)>,
}

impl Matches {
    /// Takes groups of an event, as far as they are there.
    pub(crate) fn add(&mut self, found: &Found, groups: GroupSet) {
        let there = GroupSet::of(found.groups().present().map(|(group, _)| group));
        let groups = groups.intersection(there);
        if groups.is_empty() {
            return;
        }
        let known = self.events.get(&found.seq()).copied().unwrap_or_default();
        self.events.insert(found.seq(), known.union(groups));
        if self.events.len() > ERASURE_EVENTS_MAX {
            self.events.pop_last();
            self.remaining += 1;
        }
        let at = found.occurred_at();
        let (first, last) = self.occurred.unwrap_or((at, at));
        self.occurred = Some((first.min(at), last.max(at)));
    }

    /// Returns how often each group goes.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for groups in self.events.values() {
            for group in Group::ALL.into_iter().filter(|group| groups.contains(*group)) {
                *counts.entry(group.pointer()).or_default() += 1;
            }
        }
        counts
    }
}

impl Person {
    /// Takes what a request says; `None` when it says nothing.
    pub(crate) fn new(id: Option<&str>, email: Option<&str>, name: Option<&str>) -> Option<Self> {
        let lower = |text: Option<&str>| text.map(|text| text.trim().to_lowercase());
        let person = Self { id: lower(id), email: lower(email), name: lower(name) };
        let texts = [&person.id, &person.email, &person.name];
        texts.iter().any(|text| text.is_some()).then_some(person)
    }

    /// Looks through every event of a workspace within bounds of when they happened.
    pub(crate) fn find(
        &self,
        reader: &Reader,
        happened: impl Fn(i64) -> bool,
    ) -> Result<Matches, QueryError> {
        let mut matches = Matches::default();
        reader.for_each(&mut |found| {
            if happened(found.occurred_at()) {
                let groups = self.groups_of(found);
                if !groups.is_empty() {
                    matches.add(found, groups);
                }
            }
        })?;
        Ok(matches)
    }

    /// Returns the groups of an event that hold something of the person.
    pub(crate) fn groups_of(&self, found: &Found) -> GroupSet {
        let texts = found.groups();
        let named = texts.present().filter(|(_, bytes)| self.stands_in(bytes));
        let named = GroupSet::of(named.map(|(group, _)| group));
        match found.event() {
            Ok(event) if !named.is_empty() => named.union(self.part_in(&event)),
            _ => named,
        }
    }

    fn stands_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        let inner = |text: &String| {
            let quoted = quoted(text);
            quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
        };
        self.id.as_ref().is_some_and(|id| text.contains(&quoted(id)))
            || self.email.as_ref().is_some_and(|email| text.contains(&inner(email)))
            || self.name.as_ref().is_some_and(|name| has_words(&text, &inner(name)))
    }

    /// Returns what of an event goes because of the part that the person had in it.
    fn part_in(&self, event: &Event<'_>) -> GroupSet {
        let did = [event.actor(), event.on_behalf_of()].into_iter().flatten();
        let mut groups = GroupSet::NONE;
        if did.into_iter().any(|party| self.is(party)) {
            groups = groups.union(GroupSet::of([Group::Actor, Group::Context, Group::Description]));
        }
        if event.targets().iter().any(|target| self.is(target)) {
            groups = groups.union(GroupSet::of([Group::Targets, Group::Description]));
        }
        groups
    }

    /// Tells whether a party of an event is this person.
    fn is(&self, party: &Value<'_>) -> bool {
        let same = |key: &str, wanted: &Option<String>| {
            let text = party.get(key).and_then(Value::as_str).map(str::to_lowercase);
            wanted.is_some() && text == *wanted
        };
        same("id", &self.id)
            || same("email", &self.email)
            || same("id", &self.email)
            || same("name", &self.name)
    }
}

/// Tells whether words stand in a text with no letter or digit on either side.
fn has_words(text: &str, words: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !words.is_empty()
        && text.match_indices(words).any(|(at, _)| {
            !is_part(text[..at].chars().next_back())
                && !is_part(text[at + words.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::has_words;

    #[test]
    fn b6_a_name_is_found_as_whole_words() {
        assert!(has_words("\"ann\" did it", "ann"));
        assert!(has_words("ask ann, please", "ann"));
        assert!(!has_words("annual report", "ann"));
        assert!(!has_words("joann did it", "ann"));
        assert!(has_words("joann and ann", "ann"));
        assert!(has_words("jürgen müller's", "jürgen müller"));
        assert!(!has_words("anything", ""));
    }
}
