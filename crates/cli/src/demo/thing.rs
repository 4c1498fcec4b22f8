//! A thing of the made-up product, whose state every event about it reads and writes.
//!
//! Because before and after are cut from this state, the after of one event is the before of the
//! next one about the same field, as in a real product.

use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// One thing: a product, an inbox, a workflow.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    /// Target type.
    pub kind: &'static str,
    /// Target id.
    pub id: String,
    /// All its fields.
    pub doc: Value,
}

/// The two sides of an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides {
    /// The value before, absent where the thing came into being.
    pub before: Option<Value>,
    /// The value after, absent where the thing went.
    pub after: Option<Value>,
}

impl Sides {
    /// Both sides given.
    pub(super) fn both(before: Value, after: Value) -> Self {
        Self { before: Some(before), after: Some(after) }
    }

    /// Something that was not there before.
    pub(super) fn created(after: Value) -> Self {
        Self { before: None, after: Some(after) }
    }

    /// Something that is no longer there.
    pub(super) fn deleted(before: Value) -> Self {
        Self { before: Some(before), after: None }
    }
}

impl Thing {
    /// Makes a thing.
    pub(super) fn new(kind: &'static str, id: impl Into<String>, doc: Value) -> Self {
        Self { kind, id: id.into(), doc }
    }

    /// Its name: the field `name`, else `email`, else `url`.
    pub(super) fn name(&self) -> &str {
        ["name", "email", "url"]
            .iter()
            .find_map(|key| self.doc[*key].as_str())
            .unwrap_or(self.id.as_str())
    }

    /// The thing as an event's target, without an address.
    pub(super) fn target(&self) -> Value {
        json!({"type": self.kind, "id": self.id, "name": self.name()})
    }

    /// The thing as an event's target, with the address of its page.
    pub(super) fn target_at(&self, url: String) -> Value {
        json!({"type": self.kind, "id": self.id, "name": self.name(), "url": url})
    }

    /// The named fields alone.
    pub(super) fn only(&self, keys: &[&str]) -> Value {
        let fields = keys.iter().map(|key| ((*key).to_owned(), self.doc[*key].clone()));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    /// The value at a path, null where there is none.
    pub(super) fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(&self.doc, |value, key| &value[*key])
    }

    /// Changes the value at a path and returns both sides, with nothing but this path in them.
    pub(super) fn edit(&mut self, path: &[&str], change: impl FnOnce(&mut Value)) -> Sides {
        let slot = path.iter().fold(&mut self.doc, |value, key| &mut value[*key]);
        let before = slot.clone();
        change(slot);
        let after = slot.clone();
        Sides::both(wrapped(path, before), wrapped(path, after))
    }

    /// Sets the value at a path.
    pub(super) fn set(&mut self, path: &[&str], value: impl Into<Value>) -> Sides {
        self.edit(path, |slot| *slot = value.into())
    }

    /// Sets a made-up value at a path, made up again for as long as it is the present one.
    pub(super) fn set_other(
        &mut self,
        path: &[&str],
        dice: &mut Dice,
        make: impl Fn(&mut Dice) -> Value,
    ) -> Sides {
        let mut value = make(dice);
        while self.at(path) == &value {
            value = make(dice);
        }
        self.set(path, value)
    }

    /// Turns the switch at a path to `on`; both sides show a change whatever it was.
    pub(super) fn switch(&mut self, path: &[&str], on: bool) -> Sides {
        self.edit(path, |slot| *slot = json!(!on));
        self.set(path, on)
    }

    /// Sets one of the given words at a path that is not the present one.
    pub(super) fn choose(&mut self, path: &[&str], words: &[&str], dice: &mut Dice) -> Sides {
        let others: Vec<&str> =
            words.iter().copied().filter(|word| self.at(path) != *word).collect();
        let next = *dice.pick(&others);
        self.set(path, next)
    }

    /// Adds an item at the end of the list at a path.
    pub(super) fn add(&mut self, path: &[&str], item: Value) -> Sides {
        self.edit(path, |list| {
            if let Value::Array(items) = list {
                items.push(item);
            }
        })
    }

    /// Takes an item out of the list at a path, or nothing out of an empty one.
    pub(super) fn remove(&mut self, path: &[&str], index: usize) -> Sides {
        self.edit(path, |list| {
            if let Value::Array(items) = list
                && index < items.len()
            {
                items.remove(index);
            }
        })
    }

    /// The number of items in the list at a path.
    pub(super) fn len(&self, path: &[&str]) -> usize {
        self.at(path).as_array().map_or(0, Vec::len)
    }
}

/// Wraps a value in the objects of a path: `["entry", "match"]` gives `{"entry": {"match": value}}`.
fn wrapped(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, key| json!({ *key: inner }))
}

/// Makes up an id: the prefix and eight characters.
pub(super) fn fresh_id(dice: &mut Dice, prefix: &str) -> String {
    format!("{prefix}_{:08x}", dice.roll() >> 32)
}

/// Returns the index of a thing that fits, chosen by chance; one that has been there all along is
/// made where none fits.
pub(super) fn pick_or_make(
    things: &mut Vec<Thing>,
    dice: &mut Dice,
    fits: impl Fn(&Thing) -> bool,
    make: impl FnOnce(&mut Dice) -> Thing,
) -> usize {
    let fitting: Vec<usize> = (0..things.len()).filter(|index| fits(&things[*index])).collect();
    if fitting.is_empty() {
        things.push(make(dice));
        return things.len() - 1;
    }
    *dice.pick(&fitting)
}
