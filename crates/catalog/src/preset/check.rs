//! From a preset's text to a [`Preset`]: reads the file, lays it over the one it extends, and checks
//! everything that a key's type does not say.

use std::collections::HashSet;
use std::ops::Range;

use proofbook_event::name::{is_action_name, nearest};
use proofbook_event::{Outcome, Severity, Verb};
use toml::Spanned;

use super::file::{ActionFile, LabelsFile, ModuleFile, PresetFile, RetentionFile, TargetTypeFile};
use super::{Action, Labels, Mistake, Module, Preset, PresetError, ReadyView, TargetType, Viewer};
use crate::access::Access;
use crate::limits;
use crate::retention::{Keep, Retention};
use crate::template::Template;

/// Whether the file may extend another; one that is extended may not, so chains are two long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extend {
    Allowed,
    Refused,
}

/// Reads, lays over and checks.
pub(super) fn resolve(
    text: &str,
    base: &dyn Fn(&str) -> Option<String>,
    extend: Extend,
) -> Result<Preset, PresetError> {
    let mut checker = Checker { text, mistakes: Vec::new() };
    if text.len() > limits::PRESET_BYTES_MAX {
        let limit = limits::PRESET_BYTES_MAX;
        checker.add(0..0, format!("a preset has at most {limit} bytes"));
        return Err(checker.into_error());
    }
    let file: PresetFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            checker.add(error.span().unwrap_or(0..0), plain_reason(error.message()));
            return Err(checker.into_error());
        }
    };
    let mut preset = match &file.extends {
        Some(name) if extend == Extend::Refused => {
            checker.at(name, "a preset that is extended cannot extend another");
            empty()
        }
        Some(name) => match base(name.get_ref()) {
            Some(base_text) => match resolve(&base_text, base, Extend::Refused) {
                Ok(preset) => preset,
                Err(error) => {
                    checker.at(name, format!("the extended preset has mistakes: {error}"));
                    empty()
                }
            },
            None => {
                checker.at(name, format!("there is no preset named `{}`", name.get_ref()));
                empty()
            }
        },
        None => empty(),
    };
    checker.lay_over(&mut preset, file);
    if checker.mistakes.is_empty() { Ok(preset) } else { Err(checker.into_error()) }
}

/// The preset without anything declared.
fn empty() -> Preset {
    Preset {
        name: String::new(),
        title: "Audit Log".to_owned(),
        path: String::new(),
        strict: false,
        access: Access::default(),
        retention: Retention::default(),
        viewer: Viewer::default(),
        labels: Labels::default(),
        modules: Vec::new(),
        target_types: Vec::new(),
        actions: Vec::new(),
        views: Vec::new(),
    }
}

struct Checker<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn add(&mut self, span: Range<usize>, reason: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.mistakes.push(Mistake {
            line: before.matches('\n').count() + 1,
            column: before.len() - line_start + 1,
            reason: reason.into(),
        });
    }

    fn at<T>(&mut self, place: &Spanned<T>, reason: impl Into<String>) {
        self.add(place.span(), reason);
    }

    fn into_error(mut self) -> PresetError {
        self.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        PresetError { mistakes: self.mistakes }
    }

    fn lay_over(&mut self, preset: &mut Preset, file: PresetFile) {
        if !is_preset_name(file.name.get_ref()) {
            self.at(&file.name, "a preset's name is 1 to 64 of the characters a-z 0-9 - and _");
        }
        preset.name = file.name.into_inner();
        if let Some(title) = file.title {
            preset.title = title;
        }
        if let Some(path) = file.path {
            preset.path = path;
        }
        if let Some(strict) = file.strict {
            preset.strict = strict;
        }
        if let Some(access) = file.access {
            preset.access = Access { view: access.view, refused: access.refused };
        }
        if let Some(retention) = file.retention {
            preset.retention = self.retention(retention);
        }
        if let Some(viewer) = file.viewer {
            let own = &mut preset.viewer;
            if let Some(size) = viewer.page_size {
                if !(1..=1_000).contains(size.get_ref()) {
                    self.at(&size, "a page has 1 to 1000 rows");
                }
                own.page_size = size.into_inner();
            }
            own.order = viewer.order.unwrap_or(own.order);
            replace(&mut own.default_range, viewer.default_range);
            replace(&mut own.default_query, viewer.default_query);
            replace(&mut own.columns, viewer.columns);
            replace(&mut own.filters, viewer.filters);
            replace(&mut own.details, viewer.details);
        }
        self.labels(&mut preset.labels, file.labels);

        let mut seen = HashSet::new();
        for module in file.modules {
            self.once("module", &module.id, &mut seen);
            let module = self.module(module);
            put(&mut preset.modules, module, |module| &module.id);
        }
        seen.clear();
        for kind in file.target_types {
            self.once("target type", &kind.id, &mut seen);
            let TargetTypeFile { id, title, explanation } = kind;
            let kind = TargetType { id: id.into_inner(), title, explanation };
            put(&mut preset.target_types, kind, |kind| &kind.id);
        }
        seen.clear();
        for action in file.actions {
            self.once("action", &action.name, &mut seen);
            if let Some(action) = self.action(action, &preset.modules) {
                put(&mut preset.actions, action, |action| &action.name);
            }
        }
        seen.clear();
        for view in file.views {
            self.once("view", &view.name, &mut seen);
            if let Err(error) = proofbook_filter::Filter::parse(view.query.get_ref()) {
                self.at(&view.query, format!("in the query: {error}"));
            }
            let view = ReadyView { name: view.name.into_inner(), query: view.query.into_inner() };
            put(&mut preset.views, view, |view| &view.name);
        }
        if preset.actions.len() > limits::ACTIONS_MAX {
            self.add(0..0, format!("a preset has at most {} actions", limits::ACTIONS_MAX));
        }
    }

    /// Notes a name that the file declares twice.
    fn once(&mut self, what: &str, name: &Spanned<String>, seen: &mut HashSet<String>) {
        if !seen.insert(name.get_ref().clone()) {
            self.at(name, format!("the {what} `{}` is declared twice", name.get_ref()));
        }
    }

    fn retention(&mut self, file: RetentionFile) -> Retention {
        let mut retention = Retention::default();
        for (plan, keep) in file.plans {
            match keep.get_ref().parse::<Keep>() {
                Ok(parsed) => drop(retention.plans.insert(plan, parsed)),
                Err(error) => self.at(&keep, error.to_string()),
            }
        }
        for (action, keep) in file.actions {
            match keep.get_ref().parse::<Keep>() {
                Ok(parsed) => drop(retention.actions.insert(action, parsed)),
                Err(error) => self.at(&keep, error.to_string()),
            }
        }
        if let Some(default) = file.default {
            if !retention.plans.contains_key(default.get_ref()) {
                let known = retention.plans.keys().map(String::as_str);
                let hint = meant(default.get_ref(), known);
                self.at(&default, format!("no plan is named `{}`{hint}", default.get_ref()));
            }
            retention.default = Some(default.into_inner());
        }
        retention
    }

    fn labels(&mut self, labels: &mut Labels, file: LabelsFile) {
        for (word, label) in file.verb {
            self.word(&word, Verb::parse, Verb::ALL, "verb");
            labels.verb.insert(word.into_inner(), label);
        }
        for (word, label) in file.outcome {
            self.word(&word, Outcome::parse, Outcome::ALL, "outcome");
            labels.outcome.insert(word.into_inner(), label);
        }
        labels.role.extend(file.role);
        labels.field.extend(file.field);
    }

    fn module(&mut self, file: ModuleFile) -> Module {
        if let Some(url) = &file.url
            && let Err(error) = crate::link::check(url.get_ref())
        {
            self.at(url, error);
        }
        Module {
            id: file.id.into_inner(),
            title: file.title,
            url: file.url.map(Spanned::into_inner),
        }
    }

    fn action(&mut self, file: ActionFile, modules: &[Module]) -> Option<Action> {
        let name = file.name.get_ref();
        if !is_action_name(name) {
            self.at(&file.name, format!("`{name}` is not a dotted name of a-z, 0-9 and _"));
        }
        if !modules.iter().any(|module| module.id == *file.module.get_ref()) {
            let known = modules.iter().map(|module| module.id.as_str());
            let hint = meant(file.module.get_ref(), known);
            self.at(
                &file.module,
                format!("no module has the id `{}`{hint}", file.module.get_ref()),
            );
        }
        let template = file.description.as_ref().and_then(|text| {
            Template::compile(text.get_ref())
                .map_err(|error| self.at(text, format!("in the description: {error}")))
                .ok()
        });
        for pointer in &file.secret {
            if !pointer.get_ref().starts_with('/') {
                self.at(pointer, "a secret is a JSON pointer such as /after/token");
                continue;
            }
            let root = pointer.get_ref()[1..].split('/').next().unwrap_or_default();
            if !["before", "after", "metadata", "*"].contains(&root) {
                let hint = meant(root, ["before", "after", "metadata"]);
                self.at(
                    pointer,
                    format!("a secret begins with /before, /after, /metadata or /*{hint}"),
                );
            }
        }
        let verb = self.word(&file.verb, Verb::parse, Verb::ALL, "verb");
        let severity = match &file.severity {
            Some(word) => self.word(word, Severity::parse, Severity::ALL, "severity"),
            None => Some(Severity::Info),
        };
        Some(Action {
            name: file.name.into_inner(),
            title: file.title,
            explanation: file.explanation,
            module: file.module.into_inner(),
            verb: verb?,
            severity: severity?,
            notify: file.notify,
            description: file.description.map(Spanned::into_inner).unwrap_or_default(),
            template,
            secret: file.secret.into_iter().map(Spanned::into_inner).collect(),
            view: file.view,
        })
    }

    /// Reads a word of one of our vocabularies.
    fn word<T: std::fmt::Display>(
        &mut self,
        word: &Spanned<String>,
        parse: fn(&str) -> Option<T>,
        all: &[T],
        what: &str,
    ) -> Option<T> {
        let parsed = parse(word.get_ref());
        if parsed.is_none() {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            let hint = meant(word.get_ref(), all.iter().map(String::as_str));
            let hint =
                if hint.is_empty() { format!("; known are {}", all.join(", ")) } else { hint };
            self.at(word, format!("`{}` is not a {what}{hint}", word.get_ref()));
        }
        parsed
    }
}

fn replace<T>(own: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *own = given;
    }
}

/// Replaces the item with the same key, or appends.
fn put<T>(list: &mut Vec<T>, item: T, key: fn(&T) -> &String) {
    match list.iter_mut().find(|own| key(own) == key(&item)) {
        Some(own) => *own = item,
        None => list.push(item),
    }
}

fn is_preset_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// Returns "; did you mean …?" or nothing.
fn meant<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Turns the reader's message into one that names the nearest known key.
fn plain_reason(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return message.to_owned();
    };
    let Some((key, known)) = rest.split_once("`, expected ") else {
        return message.to_owned();
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let hint = meant(key, known.iter().copied());
    if hint.is_empty() {
        format!("the key `{key}` is not known here; known are {}", known.join(", "))
    } else {
        format!("the key `{key}` is not known here{hint}")
    }
}
