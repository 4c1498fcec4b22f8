//! The catalog: a preset made ready to name every action that comes in, declared or not.
//!
//! An action that no preset declares gets its title, module and verb from its name, by the rules of
//! `docs/presets.md`; its sentence is made of the same words.

use std::borrow::Cow;
use std::collections::HashMap;

use proofbook_event::canonical::{ObjectWriter, write_string};
use proofbook_event::{Outcome, Severity, Verb};

use crate::embedded;
use crate::preset::{Action, Module, Preset};
use crate::template::{self, Values};

/// The module of an action that belongs to none.
const OTHER_MODULE: (&str, &str) = ("other", "Other");

/// A preset in one version, ready for lookup.
#[derive(Clone, Debug)]
pub struct Catalog {
    preset: Preset,
    version: u32,
    entries: HashMap<String, Entry>,
    /// The module of the first action that begins with a word.
    module_by_word: HashMap<String, ModuleRef>,
    other_module: ModuleRef,
}

/// A declared action and what is written for each of its events.
#[derive(Clone, Debug)]
struct Entry {
    action: Action,
    module: ModuleRef,
    secret: Vec<SecretPath>,
}

/// A module's id and title, and both as canonical JSON.
#[derive(Clone, Debug)]
struct ModuleRef {
    id: String,
    title: String,
    json: Vec<u8>,
}

/// A secret's JSON pointer, split into steps; `*` stands for any one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPath {
    /// The steps, unescaped, the first being `before`, `after`, `metadata` or `*`.
    pub steps: Vec<String>,
}

impl ModuleRef {
    fn new(id: &str, title: &str) -> Self {
        let mut json = Vec::new();
        let mut object = ObjectWriter::begin(&mut json);
        write_string(id, object.key("id"));
        write_string(title, object.key("title"));
        object.end();
        Self { id: id.to_owned(), title: title.to_owned(), json }
    }
}

/// What a catalog says about one action.
#[derive(Clone, Debug)]
pub struct Resolved<'c> {
    /// The declaration, when the action is listed.
    pub action: Option<&'c Action>,
    /// Its title.
    pub title: Cow<'c, str>,
    /// Its module's id.
    pub module_id: &'c str,
    /// Its module's title.
    pub module_title: &'c str,
    /// Its class.
    pub verb: Verb,
    /// Its severity when the event has none.
    pub severity: Severity,
    /// Whether the owner gets a mail by default.
    pub notify: bool,
    /// The values that are never stored.
    pub secret: &'c [SecretPath],
    /// Its module as canonical JSON.
    pub(crate) module_json: &'c [u8],
}

impl Catalog {
    /// Makes a preset ready; `version` is the number under which the log knows its text.
    pub fn new(preset: Preset, version: u32) -> Self {
        let built_in = embedded::built_in();
        let mut catalog = Self {
            version,
            entries: HashMap::with_capacity(preset.actions.len() + built_in.actions.len()),
            module_by_word: HashMap::new(),
            other_module: ModuleRef::new(OTHER_MODULE.0, OTHER_MODULE.1),
            preset: Preset { actions: Vec::new(), ..preset.clone() },
        };
        for source in [&preset, built_in] {
            let modules: HashMap<&str, ModuleRef> = source
                .modules
                .iter()
                .map(|module| (module.id.as_str(), ModuleRef::new(&module.id, &module.title)))
                .collect();
            for action in &source.actions {
                catalog.declare(action, &modules);
            }
        }
        catalog.preset = preset;
        catalog
    }

    fn declare(&mut self, action: &Action, modules: &HashMap<&str, ModuleRef>) {
        let module = modules.get(action.module.as_str()).unwrap_or(&self.other_module).clone();
        self.module_by_word
            .entry(first_word(&action.name).to_owned())
            .or_insert_with(|| module.clone());
        let secret = action.secret.iter().map(|pointer| SecretPath::new(pointer)).collect();
        let entry = Entry { action: action.clone(), module, secret };
        self.entries.insert(action.name.clone(), entry);
    }

    /// Returns the catalog of an embedded preset, in version 1.
    pub fn embedded(name: &str) -> Option<Self> {
        Some(Self::new(embedded::preset(name)?, 1))
    }

    /// Returns the preset it was made of.
    pub fn preset(&self) -> &Preset {
        &self.preset
    }

    /// Returns the preset's name.
    pub fn name(&self) -> &str {
        &self.preset.name
    }

    /// Returns the number under which the log knows the preset's text.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Finds a declared action, those built in among them.
    pub fn action(&self, name: &str) -> Option<&Action> {
        Some(&self.entries.get(name)?.action)
    }

    /// Finds a module of the preset by its id.
    pub fn module(&self, id: &str) -> Option<&Module> {
        self.preset.module(id).or_else(|| embedded::built_in().module(id))
    }

    /// Says everything about an action, declared or not.
    pub fn resolve<'c>(&'c self, name: &str) -> Resolved<'c> {
        if let Some(entry) = self.entries.get(name) {
            return Resolved {
                action: Some(&entry.action),
                title: Cow::Borrowed(&entry.action.title),
                module_id: &entry.module.id,
                module_title: &entry.module.title,
                verb: entry.action.verb,
                severity: entry.action.severity,
                notify: entry.action.notify,
                secret: &entry.secret,
                module_json: &entry.module.json,
            };
        }
        let module = self.module_by_word.get(first_word(name)).unwrap_or(&self.other_module);
        Resolved {
            action: None,
            title: Cow::Owned(title_of(name)),
            module_id: &module.id,
            module_title: &module.title,
            verb: verb_of(name),
            severity: Severity::Info,
            notify: false,
            secret: &[],
            module_json: &module.json,
        }
    }
}

impl SecretPath {
    fn new(pointer: &str) -> Self {
        let steps = pointer.split('/').skip(1);
        let steps = steps.map(|step| proofbook_event::json::unescape_token(step).into_owned());
        Self { steps: steps.collect() }
    }
}

impl Resolved<'_> {
    /// Appends the sentence for one event of this action.
    ///
    /// `name` is the action's name, of which the sentence is made when there is no template.
    pub fn describe(
        &self,
        name: &str,
        values: &Values<'_, '_>,
        outcome: Outcome,
        out: &mut String,
    ) {
        match self.action.and_then(|action| action.template.as_ref()) {
            Some(template) => template.render(values, outcome, out),
            None => self.describe_by_name(name, values, outcome, out),
        }
    }

    /// "Ada created webhook Orders" for `webhook.create`; "Ada: Consent Withdraw Orders" where the
    /// last word is no verb that we know.
    fn describe_by_name(
        &self,
        name: &str,
        values: &Values<'_, '_>,
        outcome: Outcome,
        out: &mut String,
    ) {
        template::write_actor(values.actor, out);
        match known_verb(last_word(name)) {
            Some((_, Verb::Login, past)) => {
                out.push(' ');
                out.push_str(past);
            }
            Some((verb, _, past)) => {
                out.push(' ');
                out.push_str(past);
                let noun = name.len() - verb.len();
                for word in name[..noun].split(['.', '_']).filter(|word| !word.is_empty()) {
                    out.push(' ');
                    out.push_str(word);
                }
                push_target(values, out);
            }
            None => {
                out.push_str(": ");
                out.push_str(&self.title);
                push_target(values, out);
            }
        }
        out.push_str(template::outcome_suffix(outcome));
    }
}

fn push_target(values: &Values<'_, '_>, out: &mut String) {
    let before = out.len();
    out.push(' ');
    if !template::write_target(values.targets, None, out) {
        out.truncate(before);
    }
}

fn first_word(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn last_word(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Makes a title of an action's name: `webhook.create` is "Webhook Create".
pub fn title_of(name: &str) -> String {
    let mut title = String::with_capacity(name.len());
    for word in name.split(['.', '_']).filter(|word| !word.is_empty()) {
        if !title.is_empty() {
            title.push(' ');
        }
        let begin = title.len();
        title.push_str(word);
        title[begin..=begin].make_ascii_uppercase();
    }
    title
}

/// Finds the class of an action by the last word of its name.
pub fn verb_of(name: &str) -> Verb {
    known_verb(last_word(name)).map_or(Verb::Other, |(_, verb, _)| verb)
}

/// The words that say what an action does, their class, and how a sentence says them.
const VERBS: [(&str, Verb, &str); 34] = [
    ("create", Verb::Create, "created"),
    ("add", Verb::Create, "added"),
    ("invite", Verb::Create, "invited"),
    ("connect", Verb::Create, "connected"),
    ("install", Verb::Create, "installed"),
    ("import", Verb::Create, "imported"),
    ("view", Verb::Read, "viewed"),
    ("read", Verb::Read, "read"),
    ("access", Verb::Read, "accessed"),
    ("list", Verb::Read, "listed"),
    ("get", Verb::Read, "read"),
    ("export", Verb::Read, "exported"),
    ("update", Verb::Update, "updated"),
    ("edit", Verb::Update, "edited"),
    ("change", Verb::Update, "changed"),
    ("set", Verb::Update, "set"),
    ("enable", Verb::Update, "enabled"),
    ("disable", Verb::Update, "disabled"),
    ("rename", Verb::Update, "renamed"),
    ("move", Verb::Update, "moved"),
    ("approve", Verb::Update, "approved"),
    ("ban", Verb::Update, "banned"),
    ("unban", Verb::Update, "unbanned"),
    ("activate", Verb::Update, "activated"),
    ("delete", Verb::Delete, "deleted"),
    ("remove", Verb::Delete, "removed"),
    ("destroy", Verb::Delete, "deleted"),
    ("revoke", Verb::Delete, "revoked"),
    ("disconnect", Verb::Delete, "disconnected"),
    ("uninstall", Verb::Delete, "uninstalled"),
    ("sign_in", Verb::Login, "signed in"),
    ("sign_out", Verb::Login, "signed out"),
    ("login", Verb::Login, "logged in"),
    ("logout", Verb::Login, "logged out"),
];

fn known_verb(word: &str) -> Option<(&'static str, Verb, &'static str)> {
    VERBS.iter().find(|(known, ..)| *known == word).copied()
}

#[cfg(test)]
mod tests;
