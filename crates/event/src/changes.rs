//! What changed between two values: before and after to a list of changes.
//!
//! Objects are compared key by key. Lists whose items all carry an `id` are compared by id, so that
//! added, removed, changed and moved items are told apart; any other list is one value. A long side
//! is cut, marked and hashed, never a reason to refuse the event.
//!
//! Paths are JSON pointers; an item of a list with ids is named by its id (`/steps/s2/delay`), since
//! its index differs between before and after.

use std::borrow::Cow;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::canonical::{ObjectWriter, write_int, write_string, write_value};
use crate::json::{Object, Value, escape_token};
use crate::limits;

/// What happened to the value at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was absent before.
    Add,
    /// It is absent after.
    Remove,
    /// It has another value.
    Update,
    /// An item of a list with ids has another place among the items that stayed.
    Move,
}

impl ChangeKind {
    /// Returns the word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Update => "update",
            Self::Move => "move",
        }
    }
}

/// One changed place.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'v> {
    /// JSON pointer of the place; empty for the value as a whole.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The value before; a zero-based index for a move.
    pub before: Option<Cow<'v, Value<'v>>>,
    /// The value after; a zero-based index for a move.
    pub after: Option<Cow<'v, Value<'v>>>,
}

/// Lists the changes from `before` to `after`, in the order of the values' own keys and items.
///
/// A missing side reads as an empty object when the other is one, so that creating or deleting
/// something lists each of its fields.
pub fn derive<'v>(before: Option<&'v Value<'v>>, after: Option<&'v Value<'v>>) -> Vec<Change<'v>> {
    let mut diff = Diff { changes: Vec::new(), path: String::new() };
    match (before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null)) {
        (Value::Null, Value::Object(after)) => diff.objects(&[], after),
        (Value::Object(before), Value::Null) => diff.objects(before, &[]),
        (before, after) => diff.values(before, after),
    }
    diff.changes
}

struct Diff<'v> {
    changes: Vec<Change<'v>>,
    path: String,
}

impl<'v> Diff<'v> {
    fn push(
        &mut self,
        kind: ChangeKind,
        before: Option<&'v Value<'v>>,
        after: Option<&'v Value<'v>>,
    ) {
        self.changes.push(Change {
            path: self.path.clone(),
            kind,
            before: before.map(Cow::Borrowed),
            after: after.map(Cow::Borrowed),
        });
    }

    /// Runs `step` one level deeper on the path.
    fn at(&mut self, token: &str, step: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&escape_token(token));
        step(self);
        self.path.truncate(length);
    }

    fn values(&mut self, before: &'v Value<'v>, after: &'v Value<'v>) {
        if let (Value::Object(before), Value::Object(after)) = (before, after) {
            return self.objects(before, after);
        }
        if let (Some(before), Some(after)) = (items_by_id(before), items_by_id(after)) {
            return self.lists(&before, &after);
        }
        if !same(before, after) {
            self.push(ChangeKind::Update, Some(before), Some(after));
        }
    }

    fn objects(&mut self, before: &'v [Member<'v>], after: &'v [Member<'v>]) {
        for (key, old) in before {
            self.at(key, |diff| match find(after, key) {
                Some(new) => diff.values(old, new),
                None => diff.push(ChangeKind::Remove, Some(old), None),
            });
        }
        for (key, new) in after {
            if find(before, key).is_none() {
                self.at(key, |diff| diff.push(ChangeKind::Add, None, Some(new)));
            }
        }
    }

    fn lists(&mut self, before: &Items<'v>, after: &Items<'v>) {
        for (id, old) in &before.items {
            if !after.places.contains_key(id.as_ref()) {
                self.at(id, |diff| diff.push(ChangeKind::Remove, Some(old), None));
            }
        }
        for (id, new) in &after.items {
            match before.places.get(id.as_ref()) {
                Some(place) => self.at(id, |diff| diff.values(before.items[*place].1, new)),
                None => self.at(id, |diff| diff.push(ChangeKind::Add, None, Some(new))),
            }
        }
        for (id, from, to) in moved(before, after) {
            self.at(&id, |diff| {
                diff.changes.push(Change {
                    path: diff.path.clone(),
                    kind: ChangeKind::Move,
                    before: Some(Cow::Owned(Value::Int(from as i64))),
                    after: Some(Cow::Owned(Value::Int(to as i64))),
                });
            });
        }
    }
}

type Member<'v> = (Cow<'v, str>, Value<'v>);

fn find<'v>(members: &'v [Member<'v>], key: &str) -> Option<&'v Value<'v>> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// A list whose items are objects with distinct ids.
struct Items<'v> {
    items: Vec<(Cow<'v, str>, &'v Value<'v>)>,
    places: HashMap<String, usize>,
}

/// Reads a list by its items' ids; `None` when it is no such list. An empty list is one.
fn items_by_id<'v>(value: &'v Value<'v>) -> Option<Items<'v>> {
    let list = value.as_array()?;
    let mut items = Vec::with_capacity(list.len());
    let mut places = HashMap::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let id: Cow<'v, str> = match item.get("id")? {
            Value::String(id) => Cow::Borrowed(id),
            Value::Int(id) => Cow::Owned(id.to_string()),
            _ => return None,
        };
        if places.insert(id.clone().into_owned(), index).is_some() {
            return None;
        }
        items.push((id, item));
    }
    Some(Items { items, places })
}

/// Names the fewest items whose moving explains the new order, with their old and new indexes.
///
/// The items that stay are a longest increasing subsequence of the old places.
fn moved(before: &Items<'_>, after: &Items<'_>) -> Vec<(String, usize, usize)> {
    let kept: Vec<(usize, usize)> = after
        .items
        .iter()
        .enumerate()
        .filter_map(|(to, (id, _))| before.places.get(id.as_ref()).map(|from| (*from, to)))
        .collect();
    // Patience sorting: tails[l] is the index into `kept` that ends the best run of length l + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; kept.len()];
    for (index, (from, _)) in kept.iter().enumerate() {
        let length = tails.partition_point(|tail| kept[*tail].0 < *from);
        previous[index] = length.checked_sub(1).map(|shorter| tails[shorter]);
        if length == tails.len() {
            tails.push(index);
        } else {
            tails[length] = index;
        }
    }
    let mut stays = vec![false; kept.len()];
    let mut cursor = tails.last().copied();
    while let Some(index) = cursor {
        stays[index] = true;
        cursor = previous[index];
    }
    kept.iter()
        .zip(stays)
        .filter(|(_, stays)| !stays)
        .map(|((from, to), _)| (after.items[*to].0.clone().into_owned(), *from, *to))
        .collect()
}

/// Compares values without regard to the order of keys.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| {
                    b.iter().any(|(other, against)| key == other && same(value, against))
                })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

/// Appends the contract's `changes` array in canonical form, cutting what is over the limits of
/// [`limits`].
///
/// A cut side becomes the beginning of its canonical text, and the change gets a member
/// `cut: {side: {bytes, sha256}}`. Changes beyond the limits end in one `{kind: "cut", count}`.
pub fn write(changes: &[Change<'_>], out: &mut Vec<u8>) {
    let mut bytes_left = limits::CHANGES_BYTES_MAX;
    out.push(b'[');
    for (index, change) in changes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let begin = out.len();
        let mut cut: Object<'_> = Vec::new();
        let mut bytes = change.path.len() + 64;
        let mut object = ObjectWriter::begin(out);
        for (name, side) in [("after", &change.after), ("before", &change.before)] {
            let Some(side) = side else { continue };
            let out = object.key(name);
            let from = out.len();
            write_value(side, out);
            if out.len() - from > limits::CHANGE_SIDE_BYTES_MAX {
                let canonical = out.split_off(from);
                let text = String::from_utf8_lossy(&canonical);
                let beginning: String = text.chars().take(CUT_CHARACTERS_KEPT).collect();
                bytes += beginning.len() + 128;
                write_string(&format!("{beginning}…"), out);
                cut.push((name.into(), cut_mark(&canonical)));
            } else {
                bytes += out.len() - from;
            }
        }
        if index >= limits::CHANGES_MAX - 1 && changes.len() > limits::CHANGES_MAX
            || bytes > bytes_left
        {
            drop(object);
            out.truncate(begin);
            let mut rest = ObjectWriter::begin(out);
            write_int((changes.len() - index) as i64, rest.key("count"));
            write_string("cut", rest.key("kind"));
            write_string("", rest.key("path"));
            rest.end();
            break;
        }
        bytes_left -= bytes;
        if !cut.is_empty() {
            write_value(&Value::Object(cut), object.key("cut"));
        }
        write_string(change.kind.as_str(), object.key("kind"));
        write_string(&change.path, object.key("path"));
        object.end();
    }
    out.push(b']');
}

/// How much of a cut side is kept, in characters.
const CUT_CHARACTERS_KEPT: usize = 256;

fn cut_mark(canonical: &[u8]) -> Value<'static> {
    let digest: String = Sha256::digest(canonical).iter().map(|b| format!("{b:02x}")).collect();
    Value::Object(vec![
        ("bytes".into(), Value::Int(canonical.len() as i64)),
        ("sha256".into(), digest.into()),
    ])
}

#[cfg(test)]
mod tests;
