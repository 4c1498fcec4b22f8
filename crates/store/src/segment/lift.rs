//! How a row's groups are spread over columns of values, and put together again byte by byte.
//!
//! A group could be one column of JSON. But its members have little in common: an address comes again
//! and again, a request id never. So those members that most events have stand in columns of their
//! own, as plain text that any reader understands, and the group's own column holds what is left:
//!
//! | column | member | of the group |
//! |---|---|---|
//! | `ip` `user_agent` `session_id` `request_id` | the same name | `/context` |
//! | `sentence` `reason` | `description`, `reason` | `/description` |
//! | `target_id` `target_name` | `id`, `name` of the first target | `/targets` |
//!
//! A member is lifted when it is a string that JSON writes without escapes; anything else stays where
//! it is. A null in a group's own column says that the group is absent, `{}` that all of it was lifted.
//!
//! A sentence mostly names the actor and the first target, whose names stand beside it. There they are
//! written `{actor.name}` and `{target.name}`, which leaves few distinct sentences. One that contains
//! such a mark of its own is not lifted.
//!
//! Invariant: [`super::join`] of what [`Splitter::split`] made is the group, byte for byte, whatever it holds.

use memchr::memmem;
use proofbook_event::{Group, GroupBytes};

use super::schema::ParquetColumn;
use super::slice::{items, member, members};

/// How many columns of values there are.
pub(super) const VALUE_COLUMNS: usize = 16;

/// Every column of values: the seven groups in their order, the withheld commitments, and the lifted
/// members in the order of their keys, group by group.
pub(super) const VALUES: [ParquetColumn; VALUE_COLUMNS] = [
    ParquetColumn::Actor,
    ParquetColumn::Changes,
    ParquetColumn::Context,
    ParquetColumn::Description,
    ParquetColumn::Id,
    ParquetColumn::Metadata,
    ParquetColumn::Targets,
    ParquetColumn::Withheld,
    ParquetColumn::Ip,
    ParquetColumn::RequestId,
    ParquetColumn::SessionId,
    ParquetColumn::UserAgent,
    ParquetColumn::Sentence,
    ParquetColumn::Reason,
    ParquetColumn::TargetId,
    ParquetColumn::TargetName,
];

/// Place of the withheld commitments in [`VALUES`].
pub(super) const WITHHELD: usize = Group::COUNT;
/// Place of the request id in [`VALUES`].
pub(super) const REQUEST_ID: usize = 9;
/// Place of the sentence.
pub(super) const SENTENCE: usize = 12;
/// Place of the first target's name.
pub(super) const TARGET_NAME: usize = 15;

/// Below this length a text is searched byte by byte of its kind.
const SHORT_BYTES: usize = 128;

const ACTOR_MARK: &[u8] = b"{actor.name}";
const TARGET_MARK: &[u8] = b"{target.name}";

/// The members lifted from a group: the place of the first in [`VALUES`], and the keys in order.
pub(super) fn lifted(group: Group) -> (usize, &'static [&'static str]) {
    match group {
        Group::Context => (8, &["ip", "request_id", "session_id", "user_agent"]),
        Group::Description => (SENTENCE, &["description", "reason"]),
        Group::Targets => (14, &["id", "name"]),
        Group::Actor | Group::Changes | Group::Id | Group::Metadata => (VALUE_COLUMNS, &[]),
    }
}

/// Returns the places in [`VALUES`] that a group is put together from, its own first.
pub(super) fn places_of(group: Group) -> impl Iterator<Item = usize> {
    let (first, keys) = lifted(group);
    // A sentence needs the names that it leaves out.
    let names: &[usize] = match group {
        Group::Description => &[0, TARGET_NAME],
        _ => &[],
    };
    std::iter::once(group.index()).chain(first..first + keys.len()).chain(names.iter().copied())
}

/// The values of one row by their place in [`VALUES`].
pub(super) type Values<'v> = [Option<&'v [u8]>; VALUE_COLUMNS];

/// A row that was spread over columns.
pub(super) struct Split<'v> {
    pub(super) values: Values<'v>,
    /// The sentence with its names, when it was lifted.
    pub(super) sentence: Option<&'v [u8]>,
}

/// Spreads rows over columns; keeps its buffer from row to row.
#[derive(Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
}

impl Splitter {
    /// Spreads a row's groups and withheld commitments.
    pub(super) fn split<'v>(
        &'v mut self,
        groups: &GroupBytes<'v>,
        withheld: &'v [u8],
    ) -> Split<'v> {
        let mut values: Values<'v> = [None; VALUE_COLUMNS];
        for group in Group::ALL {
            values[group.index()] = groups.get(group);
        }
        values[WITHHELD] = (!withheld.is_empty()).then_some(withheld);
        self.buffer.clear();
        let mut rests = [None, None, None];
        let splits = [Group::Context, Group::Targets, Group::Description];
        for (rest, group) in rests.iter_mut().zip(splits) {
            let from = self.buffer.len();
            if let Some(json) = groups.get(group)
                && split_group(group, json, &mut values, &mut self.buffer)
            {
                *rest = Some(from..self.buffer.len());
            }
        }
        let from = self.buffer.len();
        let names = Names::of(&values);
        let sentence = values[SENTENCE];
        let short = sentence.is_some_and(|text| names.leave_out(text, &mut self.buffer));
        let marked = from..self.buffer.len();
        let buffer: &'v [u8] = &self.buffer;
        for (rest, group) in rests.into_iter().zip(splits) {
            if let Some(range) = rest {
                values[group.index()] = Some(&buffer[range]);
            }
        }
        if short {
            values[SENTENCE] = Some(&buffer[marked]);
        }
        Split { values, sentence }
    }
}

/// Lifts a group's members and appends what is left; `false`, with nothing appended or lifted, when
/// the group is of a form of which nothing is lifted.
fn split_group<'v>(
    group: Group,
    json: &'v [u8],
    values: &mut Values<'v>,
    rest: &mut Vec<u8>,
) -> bool {
    let (first, keys) = lifted(group);
    let begin = rest.len();
    let object = if group == Group::Targets {
        let Some((_, item)) = items(json).next() else { return false };
        item
    } else {
        json
    };
    // The object is the whole group, or the first item behind an opening bracket.
    let before = usize::from(group == Group::Targets);
    rest.extend_from_slice(&json[..before]);
    let done = lift_members(object, keys, &mut values[first..first + keys.len()], rest);
    let has_mark = |text: &[u8]| {
        find_mark(text, ACTOR_MARK).is_some() || find_mark(text, TARGET_MARK).is_some()
    };
    let marked = group == Group::Description && values[SENTENCE].is_some_and(has_mark);
    if !done || marked {
        rest.truncate(begin);
        values[first..first + keys.len()].fill(None);
        return false;
    }
    rest.extend_from_slice(&json[before + object.len()..]);
    true
}

/// Appends an object without its lifted members; `false` when it is no object of a simple form.
fn lift_members<'v>(
    object: &'v [u8],
    keys: &[&str],
    lifted: &mut [Option<&'v [u8]>],
    rest: &mut Vec<u8>,
) -> bool {
    if object.first() != Some(&b'{') {
        return false;
    }
    rest.push(b'{');
    let mut first = true;
    let mut walk = members(object);
    while let Some((key, value)) = walk.next() {
        // The order of escaped keys is not the order of their bytes.
        if !walk.is_plain_key() {
            return false;
        }
        if walk.is_plain_string()
            && let Some(place) = keys.iter().position(|wanted| wanted.as_bytes() == key)
        {
            lifted[place] = Some(&value[1..value.len() - 1]);
            continue;
        }
        if !first {
            rest.push(b',');
        }
        first = false;
        rest.extend_from_slice(walk.whole());
    }
    rest.push(b'}');
    walk.is_whole()
}

/// Returns the text of a JSON string without escapes.
fn plain_text(json: &[u8]) -> Option<&[u8]> {
    let text = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (!text.contains(&b'\\')).then_some(text)
}

/// The names that a sentence leaves out.
pub(super) struct Names<'v> {
    pub(super) actor: Option<&'v [u8]>,
    target: Option<&'v [u8]>,
}

impl<'v> Names<'v> {
    pub(super) fn of(values: &Values<'v>) -> Self {
        let actor = values[Group::Actor.index()].and_then(actor_name);
        Self::new(actor, values[TARGET_NAME])
    }

    /// Takes the name of the actor ([`actor_name`]) and that of the first target.
    pub(super) fn new(actor: Option<&'v [u8]>, target: Option<&'v [u8]>) -> Self {
        let is_name = |name: &&[u8]| !name.is_empty();
        Self { actor: actor.filter(is_name), target: target.filter(is_name) }
    }

    /// Appends a sentence with a mark for each name; `false`, with nothing appended, if it has none.
    fn leave_out(&self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let actor = self.actor.and_then(|name| find(text, name, 0));
        let after = actor.as_ref().map_or(0, |at| at.end);
        let target = self.target.and_then(|name| find(text, name, after));
        if actor.is_none() && target.is_none() {
            return false;
        }
        let mut at = 0;
        for (range, mark) in [(actor, ACTOR_MARK), (target, TARGET_MARK)] {
            let Some(range) = range else { continue };
            out.extend_from_slice(&text[at..range.start]);
            out.extend_from_slice(mark);
            at = range.end;
        }
        out.extend_from_slice(&text[at..]);
        true
    }

    /// Appends a sentence with the names where their marks are.
    pub(super) fn put_in(&self, text: &[u8], out: &mut Vec<u8>) {
        let mut text = text;
        for (mark, name) in [(ACTOR_MARK, self.actor), (TARGET_MARK, self.target)] {
            if let Some(at) = find_mark(text, mark)
                && let Some(name) = name
            {
                out.extend_from_slice(&text[..at]);
                out.extend_from_slice(name);
                text = &text[at + mark.len()..];
            }
        }
        out.extend_from_slice(text);
    }
}

/// Visits the borders of a sentence's marks: the text before each and the text behind it, of which one
/// or, where two marks touch, both are empty.
pub(super) fn for_each_border(text: &[u8], visit: &mut dyn FnMut(&[u8], &[u8])) {
    let is_mark =
        |at: &usize| [ACTOR_MARK, TARGET_MARK].iter().any(|mark| text[*at..].starts_with(mark));
    let mut end = 0;
    let begins = memchr::memchr_iter(b'{', text).filter(is_mark);
    for begin in begins.chain(std::iter::once(text.len())) {
        let part = &text[end..begin];
        let (is_behind, is_before) = (end > 0, begin < text.len());
        if is_behind && (is_before || !part.is_empty()) {
            visit(b"", part);
        }
        if is_before && !part.is_empty() {
            visit(part, b"");
        }
        let mark = memchr::memchr(b'}', &text[begin..]).map_or(0, |at| at + 1);
        end = begin + mark;
    }
}

/// Returns the name in an actor's group, when JSON writes it without escapes.
pub(super) fn actor_name(actor: &[u8]) -> Option<&[u8]> {
    // Mostly the actor comes first, and its end need not be found.
    const FIRST: &[u8] = b"{\"actor\":";
    let inner = match actor.strip_prefix(FIRST) {
        Some(inner) => inner,
        None => member(actor, "actor")?,
    };
    plain_text(member(inner, "name")?)
}

/// Finds a mark. Sentences are short and have few braces, with which every mark begins; a search for a
/// longer text takes more to begin than to do.
fn find_mark(text: &[u8], mark: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|at| text[*at..].starts_with(mark))
}

/// Finds a name behind `from`.
fn find(text: &[u8], name: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
    let rest = &text[from..];
    // A sentence mostly begins with one name and is short, see `find_mark`.
    let at = match rest.len() < SHORT_BYTES {
        true => {
            let mut begins = memchr::memchr_iter(*name.first()?, rest);
            begins.find(|at| rest[*at..].starts_with(name))?
        }
        false => memmem::find(rest, name)?,
    };
    Some(from + at..from + at + name.len())
}

#[cfg(test)]
mod tests;
