//! A preset: one product's audit log as data, read from one TOML file (design section 8).
//!
//! [`Preset::parse`] reads, checks and resolves: what it returns extends nothing any more, every
//! template compiles and every action's module is there. Mistakes come all at once, each with its
//! line. The file's own form is in `preset/file.rs`, the checks in `preset/check.rs`.
//!
//! What stays out: looking actions up while events come in, which is [`Catalog`](crate::Catalog)'s.

use std::collections::BTreeMap;
use std::fmt;

use proofbook_event::{Severity, Verb};

use crate::access::Access;
use crate::retention::Retention;
use crate::template::Template;

mod check;
mod file;
mod json;

/// One product's audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The name by which workspaces choose it.
    pub name: String,
    /// The title of the page.
    pub title: String,
    /// Where the product shows it, for the page's head.
    pub path: String,
    /// Whether an event with an action that is not listed is refused.
    pub strict: bool,
    /// Who may read.
    pub access: Access,
    /// How long events are kept.
    pub retention: Retention,
    /// How the list looks.
    pub viewer: Viewer,
    /// The preset's own words for ours.
    pub labels: Labels,
    /// The parts of the product, in the order of its page.
    pub modules: Vec<Module>,
    /// The kinds of targets, in the order of its page.
    pub target_types: Vec<TargetType>,
    /// The declared actions, in the order of its page.
    pub actions: Vec<Action>,
    /// The views that are there from the beginning.
    pub views: Vec<ReadyView>,
}

/// A filter under a name, ready to be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyView {
    /// Its name.
    pub name: String,
    /// Its filter in the filter language.
    pub query: String,
}

/// How the list looks before its reader changes anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Rows of one page, 1 to 1,000.
    pub page_size: u32,
    /// Which end of time comes first.
    pub order: Order,
    /// The time range, `all` or one of the filter language, such as `now-7d`.
    pub default_range: String,
    /// A filter in the filter language.
    pub default_query: String,
    /// The columns in their order; empty means the viewer's own choice of them.
    pub columns: Vec<Column>,
    /// The filters that stand beside the search field.
    pub filters: Vec<FilterControl>,
    /// How one event's details are laid out.
    pub details: String,
}

impl Default for Viewer {
    fn default() -> Self {
        Self {
            page_size: 20,
            order: Order::Newest,
            default_range: "all".to_owned(),
            default_query: String::new(),
            columns: Vec::new(),
            filters: Vec::new(),
            details: "before_after".to_owned(),
        }
    }
}

/// Which end of time comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The newest event.
    Newest,
    /// The oldest event.
    Oldest,
}

/// One column of the list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What it shows.
    pub field: String,
    /// Its heading.
    pub label: String,
}

/// One filter beside the search field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterControl {
    /// The field of the filter language.
    pub field: String,
    /// Its label, when the product has its own.
    pub label: Option<String>,
    /// The word for no choice, such as "All Actions".
    pub all: Option<String>,
}

/// The preset's own words for ours, by our word.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Labels {
    /// For verbs, such as `create` → "Created".
    pub verb: BTreeMap<String, String>,
    /// For outcomes, such as `success` → "Success".
    pub outcome: BTreeMap<String, String>,
    /// For roles, such as `account_admin` → "Account Admin".
    pub role: BTreeMap<String, String>,
    /// For fields in details, exports and the column chooser, such as `before` → "Old Value".
    pub field: BTreeMap<String, String>,
}

/// One part of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its id, as events are filtered by it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is in the product: a pattern of `{app_url}`, `{workspace}` and `{target.id}`.
    pub url: Option<String>,
}

/// One kind of target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetType {
    /// Its id, the `type` of a target.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it stands for.
    pub explanation: Option<String>,
}

/// One declared action.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its dotted name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it means, shown as help wherever it can be chosen.
    pub explanation: Option<String>,
    /// The id of its module.
    pub module: String,
    /// Its class.
    pub verb: Verb,
    /// Its severity when the event has none.
    pub severity: Severity,
    /// Whether the owner gets a mail by default.
    pub notify: bool,
    /// The sentence's template as written.
    pub description: String,
    /// The sentence's template, compiled; `None` when none is written.
    pub template: Option<Template>,
    /// JSON pointers of values that are never stored; `*` stands for any one step.
    pub secret: Vec<String>,
    /// The roles to which it is shown, when fewer than may read the log.
    pub view: Vec<String>,
}

/// One mistake in a preset's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// A preset that cannot be used, with every mistake that was found, in the order of the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetError {
    /// At least one mistake.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PresetError {}

impl Preset {
    /// Reads a preset that may extend one of those embedded in this binary.
    ///
    /// # Errors
    /// Every mistake in the text, with its line.
    pub fn parse(text: &str) -> Result<Self, PresetError> {
        Self::parse_with(text, &|name| crate::embedded::text(name).map(str::to_owned))
    }

    /// Reads a preset; `base` gives the text of a preset that it may extend.
    ///
    /// # Errors
    /// Every mistake in the text, with its line.
    pub fn parse_with(
        text: &str,
        base: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PresetError> {
        check::resolve(text, base, check::Extend::Allowed)
    }

    /// Finds a declared action.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// Finds a module by its id.
    pub fn module(&self, id: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.id == id)
    }
}

#[cfg(test)]
mod tests;
