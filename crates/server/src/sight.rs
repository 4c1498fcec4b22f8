//! What a reader may see of a workspace: a filter that every question is narrowed by, and the parts of
//! an event that are shown.
//!
//! A hidden part is neither shown nor asked for: a filter, facet or split that names one is refused,
//! since its answers would tell the value letter by letter. So is a bare word, which looks everywhere.
//! What `description` says is shown with it, whoever it names.

use proofbook_catalog::Catalog;
use proofbook_event::{Event, Group, Value};
use proofbook_filter::{Field, Filter, Node, ResolveContext, ResolvedFilter};
use sha2::{Digest, Sha256};

use crate::problem::{Code, Fault, Problem};
use crate::viewer::Viewer;

/// A part of an event that can be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Who acted, for whom, through what.
    Actor,
    /// On what.
    Targets,
    /// What changed, and the values before and after.
    Changes,
    /// The address it came from.
    Address,
    /// Everything else about where it came from.
    Context,
    /// The sentence, the reason, the approval.
    Description,
    /// The metadata and the producer.
    Metadata,
}

const PARTS: [Part; 7] = [
    Part::Actor,
    Part::Targets,
    Part::Changes,
    Part::Address,
    Part::Context,
    Part::Description,
    Part::Metadata,
];

/// What a reader may see.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    filter: ResolvedFilter,
    /// Hash of what it was made of; 0 when everything is seen.
    hash: u64,
    hidden: Vec<Part>,
}

impl Sight {
    /// Everything, as keys see it.
    pub(crate) fn everything() -> Self {
        Self { filter: ResolvedFilter::everything(), hash: 0, hidden: Vec::new() }
    }

    /// What a viewer's token and role let them see.
    pub(crate) fn of(
        viewer: &Viewer,
        catalog: &Catalog,
        context: &ResolveContext,
    ) -> Result<Self, Problem> {
        let mut filter = parse(&viewer.filter)?;
        if !viewer.is_operator() {
            let access = &catalog.preset().access;
            let refused = catalog
                .preset()
                .actions
                .iter()
                .filter(|action| !access.may_view_action(&viewer.role, Some(action)));
            for action in refused {
                filter = filter.and(parse(&format!("-action:\"{}\"", action.name))?);
            }
        }
        let hidden = hidden_by(&viewer.columns)?;
        let is_narrowed = filter.root().is_some() || !hidden.is_empty();
        let hash = if is_narrowed { hash_of(&filter, &viewer.columns) } else { 0 };
        Ok(Self { filter: filter.resolve(context), hash, hidden })
    }

    /// Tells whether nothing is kept from the reader.
    pub(crate) fn is_everything(&self) -> bool {
        self.hash == 0
    }

    /// Returns what sets a cursor of this sight apart from others.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Narrows a question to what may be seen.
    pub(crate) fn narrow(&self, asked: &ResolvedFilter) -> ResolvedFilter {
        asked.clone().and(self.filter.clone())
    }

    /// Returns the filter alone.
    pub(crate) fn filter(&self) -> &ResolvedFilter {
        &self.filter
    }

    /// Tells whether an event is one that may be seen.
    pub(crate) fn takes(&self, event: &Event<'_>) -> bool {
        self.filter.matches(event)
    }

    /// Tells whether a part is shown.
    pub(crate) fn shows(&self, part: Part) -> bool {
        !self.hidden.contains(&part)
    }

    /// Tells whether all of a group is shown, so that what is committed to may be opened.
    pub(crate) fn opens(&self, group: Group) -> bool {
        match group {
            Group::Id => true,
            Group::Actor => self.shows(Part::Actor),
            Group::Targets => self.shows(Part::Targets),
            Group::Changes => self.shows(Part::Changes),
            Group::Context => self.shows(Part::Address) && self.shows(Part::Context),
            Group::Description => self.shows(Part::Description),
            Group::Metadata => self.shows(Part::Metadata),
        }
    }

    /// Refuses a filter that asks for what is hidden.
    pub(crate) fn check_filter(&self, filter: &Filter) -> Result<(), Problem> {
        match filter.root() {
            Some(root) if !self.hidden.is_empty() => self.check_node(root),
            _ => Ok(()),
        }
    }

    fn check_node(&self, node: &Node) -> Result<(), Problem> {
        match node {
            Node::And(nodes) | Node::Or(nodes) => {
                nodes.iter().try_for_each(|node| self.check_node(node))
            }
            Node::Not(node) => self.check_node(node),
            Node::Field(term) => self.check_field("q", &term.field, term.at.start),
            Node::Text(term) => {
                let detail = "a search in every text is not open to you, since parts of the events \
                              are hidden; name a field, such as action:";
                Err(hidden_problem("q", term.at.start, detail.to_owned()))
            }
        }
    }

    /// Refuses a field that is hidden.
    pub(crate) fn check_field(
        &self,
        parameter: &'static str,
        field: &Field,
        offset: usize,
    ) -> Result<(), Problem> {
        match part_of_field(field) {
            Some(part) if !self.shows(part) => {
                let detail = format!("the field `{}` is hidden from you", field.name());
                Err(hidden_problem(parameter, offset, detail))
            }
            _ => Ok(()),
        }
    }

    /// Tells whether a field may be asked for.
    pub(crate) fn shows_field(&self, field: &Field) -> bool {
        part_of_field(field).is_none_or(|part| self.shows(part))
    }

    /// Tells whether a column of the list has something to show: its first part is not hidden.
    pub(crate) fn shows_cell(&self, column: &str) -> bool {
        let first = parts_of_column(column).and_then(<[Part]>::first);
        first.is_none_or(|part| self.shows(*part))
    }

    /// Takes what is hidden out of an event in the form of the API.
    pub(crate) fn strip(&self, event: &mut Value<'_>) {
        let Value::Object(members) = event else { return };
        if self.hidden.is_empty() {
            return;
        }
        members.retain_mut(|(key, value)| match (key.as_ref(), value) {
            ("actor" | "on_behalf_of" | "via", _) => self.shows(Part::Actor),
            ("targets", _) => self.shows(Part::Targets),
            ("changes" | "before" | "after", _) => self.shows(Part::Changes),
            ("description" | "reason" | "approval", _) => self.shows(Part::Description),
            ("metadata" | "source", _) => self.shows(Part::Metadata),
            ("context", Value::Object(context)) => {
                let parts = (self.shows(Part::Address), self.shows(Part::Context));
                context.retain(|(key, _)| if key == "ip" { parts.0 } else { parts.1 });
                !context.is_empty()
            }
            _ => true,
        });
    }

    /// Tells whether a column of an export is shown.
    pub(crate) fn shows_column(&self, column: &str) -> bool {
        let part = match column {
            "actor_type" | "actor_id" | "actor_name" | "actor_email" | "on_behalf_of_id"
            | "on_behalf_of_name" | "channel" | "actor" | "on_behalf_of" | "via" => Part::Actor,
            "target_type" | "target_id" | "target_name" | "targets" => Part::Targets,
            "changes" | "before" | "after" => Part::Changes,
            "ip" => Part::Address,
            "country" | "city" | "user_agent" | "session_id" | "request_id" | "trace_id" => {
                Part::Context
            }
            "description" | "reason" | "approval" => Part::Description,
            "metadata" | "source" => Part::Metadata,
            _ => return true,
        };
        self.shows(part)
    }
}

/// Tells whether a column can be named in a token.
pub(crate) fn is_column(column: &str) -> bool {
    parts_of_column(column).is_some()
}

fn parse(text: &str) -> Result<Filter, Problem> {
    // It was read when the token was made, by this version or an older one.
    Filter::parse(text).map_err(|_| {
        Problem::new(Code::Unauthenticated, "the token's filter cannot be read any more")
    })
}

fn hidden_by(columns: &[String]) -> Result<Vec<Part>, Problem> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut shown = Vec::new();
    for column in columns {
        shown.extend(parts_of_column(column).ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "the token names a column that is not known")
        })?);
    }
    Ok(PARTS.into_iter().filter(|part| !shown.contains(part)).collect())
}

/// Returns what a column shows; the fields of every event that say nothing of a person show always.
fn parts_of_column(column: &str) -> Option<&'static [Part]> {
    let (first, rest) = column.split_once('.').unwrap_or((column, ""));
    Some(match (first, rest) {
        ("actor" | "on_behalf_of" | "via", _) => &[Part::Actor],
        ("performed_by", "") => &[Part::Actor, Part::Address],
        ("target" | "targets", _) | ("workspace_target" | "what_changed", "") => &[Part::Targets],
        ("changes", _) | ("before" | "after" | "see_changes" | "changed", "") => &[Part::Changes],
        ("context" | "ip", "ip" | "") if first == "ip" || rest == "ip" => &[Part::Address],
        ("context", "") => &[Part::Address, Part::Context],
        ("context", _) | ("country" | "session" | "request", "") => &[Part::Context],
        ("description" | "reason" | "approval", "") => &[Part::Description],
        ("metadata" | "meta" | "source", _) => &[Part::Metadata],
        ("outcome", _) => &[],
        (
            "id" | "seq" | "occurred_at" | "occurred" | "recorded_at" | "recorded" | "action"
            | "title" | "module" | "verb" | "severity",
            "",
        ) => &[],
        _ => return None,
    })
}

fn part_of_field(field: &Field) -> Option<Part> {
    match field {
        Field::Actor
        | Field::ActorId
        | Field::ActorName
        | Field::ActorEmail
        | Field::ActorType
        | Field::OnBehalfOf
        | Field::Via => Some(Part::Actor),
        Field::Target | Field::TargetType | Field::TargetId | Field::TargetName => {
            Some(Part::Targets)
        }
        Field::Ip => Some(Part::Address),
        Field::Country | Field::Request | Field::Session => Some(Part::Context),
        Field::Changed | Field::Before | Field::After => Some(Part::Changes),
        Field::Source | Field::Meta(_) => Some(Part::Metadata),
        Field::Action
        | Field::Module
        | Field::Verb
        | Field::Severity
        | Field::Outcome
        | Field::Occurred
        | Field::Recorded
        | Field::Seq
        | Field::Id => None,
    }
}

fn hidden_problem(parameter: &'static str, offset: usize, detail: String) -> Problem {
    let fault = Fault {
        parameter: Some(parameter),
        offset: Some(offset as u64),
        detail,
        ..Fault::default()
    };
    Problem::at(Code::HiddenField, fault)
}

fn hash_of(filter: &Filter, columns: &[String]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(filter.to_string());
    for column in columns {
        hasher.update([0]);
        hasher.update(column);
    }
    let hash = hasher.finalize();
    // Never 0, which stands for everything.
    hash.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte)).max(1)
}

#[cfg(test)]
mod tests;
