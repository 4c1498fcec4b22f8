//! Masking: secrets leave an event before anything of it is rendered, hashed or stored.
//!
//! Three nets, in this order: the catalog's pointers, tell-tale names (`mask/names.rs`), and the
//! forms of known keys wherever they stand (`mask/detect.rs`). What is caught becomes the text
//! `[masked 1a2b3c4d]`; the eight hexadecimal digits are the low 32 bits of SipHash-2-4 under a key
//! of the caller, so that equal secrets look equal and nobody can test a guess.
//!
//! Names are judged in `before`, `after`, `changes` and `metadata`, which belong to the product;
//! everywhere else the contract gives the names, and only the forms of keys are looked for. So an
//! id of a session or a request is never masked for looking random.

use std::borrow::Cow;
use std::hash::Hasher as _;

use proofbook_event::canonical;
use proofbook_event::json::unescape_token;
use proofbook_event::{EventDraft, Value};
use siphasher::sip::SipHasher24;

use crate::catalog::SecretPath;
use crate::limits;

mod detect;
mod names;

use names::NameClass;

/// Masks the values of one event and counts them.
pub struct Masker<'k> {
    key: &'k [u8; 16],
    count: u32,
}

impl<'k> Masker<'k> {
    /// Begins one event; the key makes the fingerprints.
    pub fn new(key: &'k [u8; 16]) -> Self {
        Self { key, count: 0 }
    }

    /// Returns how many values, or parts of texts, were masked.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Masks every secret of an event.
    pub fn draft(&mut self, draft: &mut EventDraft<'_>, secret: &[SecretPath]) {
        for path in secret {
            self.declared(draft, path);
        }
        let values = [&mut draft.before, &mut draft.after, &mut draft.metadata];
        for value in values.into_iter().flatten() {
            self.tree(value, NameClass::Plain);
        }
        if let Some(Value::Array(changes)) = &mut draft.changes {
            changes.iter_mut().for_each(|change| self.change(change));
        }
        let texts = [
            &mut draft.actor,
            &mut draft.on_behalf_of,
            &mut draft.approval,
            &mut draft.via,
            &mut draft.targets,
            &mut draft.context,
            &mut draft.description,
            &mut draft.reason,
            &mut draft.source,
        ];
        for value in texts.into_iter().flatten() {
            self.texts(value);
        }
        for (_, value) in &mut draft.outcome_detail {
            self.texts(value);
        }
    }

    /// Masks what one pointer of the catalog names, in the values and in given changes.
    fn declared(&mut self, draft: &mut EventDraft<'_>, path: &SecretPath) {
        let Some((root, steps)) = path.steps.split_first() else { return };
        let roots = [
            ("before", &mut draft.before),
            ("after", &mut draft.after),
            ("metadata", &mut draft.metadata),
        ];
        for (name, value) in roots {
            if (root == name || root == "*")
                && let Some(value) = value
            {
                self.at_steps(value, steps);
            }
        }
        if root == "metadata" {
            return;
        }
        let Some(Value::Array(changes)) = &mut draft.changes else { return };
        for change in changes {
            let Value::Object(members) = change else { continue };
            let at =
                members.iter().find(|(key, _)| key == "path").and_then(|(_, path)| path.as_str());
            let Some(rest) = at.and_then(|at| steps_below(at, steps)) else { continue };
            for (side, value) in members {
                if (side == "before" || side == "after") && (root == "*" || *root == **side) {
                    self.at_steps(value, rest);
                }
            }
        }
    }

    fn at_steps(&mut self, value: &mut Value<'_>, steps: &[String]) {
        let Some((step, rest)) = steps.split_first() else {
            return self.whole(value);
        };
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    if step == "*" || *step == **key {
                        self.at_steps(value, rest);
                    }
                }
            }
            Value::Array(items) if step == "*" => {
                items.iter_mut().for_each(|item| self.at_steps(item, rest));
            }
            Value::Array(items) => {
                if let Some(item) = step.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                    self.at_steps(item, rest);
                }
            }
            _ => {}
        }
    }

    /// Masks one given change; its path's last name is the value's name.
    fn change(&mut self, change: &mut Value<'_>) {
        let class = change.get("path").and_then(Value::as_str).map_or(NameClass::Plain, |path| {
            let mut names = path.rsplit('/').map(unescape_token);
            let named = names.find(|name| !name.bytes().all(|byte| byte.is_ascii_digit()));
            named.map_or(NameClass::Plain, |name| names::class_of(&name))
        });
        let Value::Object(members) = change else { return };
        for (key, value) in members {
            match &**key {
                "before" | "after" => self.tree(value, class),
                _ => self.texts(value),
            }
        }
    }

    /// Masks by the name of a value and the names inside it.
    fn tree(&mut self, value: &mut Value<'_>, class: NameClass) {
        match value {
            Value::String(text) => {
                if class == NameClass::Plain {
                    self.text(text);
                } else {
                    self.named_text(text, class);
                }
            }
            Value::Int(_) | Value::Float(_) if class.masks_number(value) => self.whole(value),
            Value::Array(items) => items.iter_mut().for_each(|item| self.tree(item, class)),
            Value::Object(members) => {
                let pair = pair_class(members);
                for (key, value) in members {
                    if value.as_str().is_some_and(|id| names::is_access_key_id(key, id)) {
                        continue;
                    }
                    let own = names::class_of(key).max(class.inside(key));
                    self.tree(
                        value,
                        if key == "value" || key == "number" { own.max(pair) } else { own },
                    );
                }
            }
            _ => {}
        }
    }

    fn named_text(&mut self, text: &mut Cow<'_, str>, class: NameClass) {
        if is_placeholder(text) {
            return;
        }
        // `Bearer xyz` keeps its scheme, so that xyz has the same fingerprint wherever it stands.
        match text.split_once(' ') {
            Some((scheme, credentials))
                if class >= NameClass::Tell && is_scheme(scheme) && !credentials.is_empty() =>
            {
                let masked = format!("{scheme} {}", self.mark(credentials.as_bytes()));
                *text = Cow::Owned(masked);
            }
            _ if class.masks_text(text) => *text = Cow::Owned(self.mark(text.as_bytes())),
            _ => self.text(text),
        }
    }

    /// Looks for the forms of keys in every text of a value whose names are ours.
    fn texts(&mut self, value: &mut Value<'_>) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.texts(item)),
            Value::Object(members) => members.iter_mut().for_each(|(_, value)| self.texts(value)),
            _ => {}
        }
    }

    /// Replaces each key that stands in a text.
    fn text(&mut self, text: &mut Cow<'_, str>) {
        if text.len() < limits::DETECT_BYTES_MIN {
            return;
        }
        let secrets = detect::secrets(text);
        if secrets.is_empty() {
            return;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for span in secrets {
            out.push_str(&text[copied..span.start]);
            out.push_str(&self.mark(&text.as_bytes()[span.clone()]));
            copied = span.end;
        }
        out.push_str(&text[copied..]);
        *text = Cow::Owned(out);
    }

    /// Replaces a value as a whole; null says that there is none and stays.
    fn whole(&mut self, value: &mut Value<'_>) {
        let masked = match &*value {
            Value::Null => return,
            Value::String(text) if text.is_empty() || is_placeholder(text) => return,
            Value::String(text) => self.mark(text.as_bytes()),
            other => self.mark(&canonical::to_bytes(other)),
        };
        *value = Value::from(masked);
    }

    /// Counts one secret and returns what stands in its place.
    fn mark(&mut self, secret: &[u8]) -> String {
        self.count += 1;
        let mut hasher = SipHasher24::new_with_key(self.key);
        hasher.write(secret);
        format!("[masked {:08x}]", hasher.finish() as u32)
    }
}

/// Matches a change's path with the first steps of a pointer; returns the steps below it.
///
/// `None` also where the path leads deeper than the pointer and the pointer does not cover it.
fn steps_below<'s>(path: &str, steps: &'s [String]) -> Option<&'s [String]> {
    let mut steps = steps;
    for token in path.split('/').skip(1) {
        let Some((step, rest)) = steps.split_first() else {
            // The change lies inside a secret value.
            return Some(&[]);
        };
        if step != "*" && *step != *unescape_token(token) {
            return None;
        }
        steps = rest;
    }
    Some(steps)
}

/// Returns the class of `value` and `number` that their neighbours give them.
///
/// `{"name": "api_key", "value": …}` names its value by a value, and a `number` beside a card's
/// code or expiry is a card's number.
fn pair_class(members: &[(Cow<'_, str>, Value<'_>)]) -> NameClass {
    let has = |name: &str| members.iter().any(|(key, _)| key == name);
    if has("value") {
        let names = members.iter().filter(|(key, _)| matches!(&**key, "name" | "key" | "field"));
        let classes = names.filter_map(|(_, name)| Some(names::class_of(name.as_str()?)));
        return classes.max().unwrap_or(NameClass::Plain);
    }
    const OF_CARD: [&str; 8] =
        ["cvc", "cvv", "exp_month", "exp_year", "expiry", "exp", "brand", "last4"];
    if has("number") && OF_CARD.into_iter().any(has) {
        return NameClass::Card;
    }
    NameClass::Plain
}

/// Tells whether a text is what somebody left in place of a secret.
fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 6] = [
        "[redacted]",
        "<redacted>",
        "redacted",
        "[filtered]",
        "[hidden]",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
    ];
    let masked = text.len() == 17 && text.starts_with("[masked ") && text.ends_with(']');
    masked
        || text.chars().all(|char| matches!(char, '*' | '•' | '…' | '.'))
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Tells whether a word is an HTTP authentication scheme.
fn is_scheme(word: &str) -> bool {
    ["Bearer", "Basic", "Digest", "Token"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests;
