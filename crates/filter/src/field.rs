//! The fields of the language: their names, what kind of values each takes, and where they live.
//!
//! [`NAMES`] is the one table; the parser, the nearest-name hints and the facets all read it.

use std::fmt;

use proofbook_event::{Group, Severity, Verb, name};

/// A field that a term can name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The action's name.
    Action,
    /// The module's id or title.
    Module,
    /// The class of the action.
    Verb,
    /// How much attention the event asks for.
    Severity,
    /// How it ended.
    Outcome,
    /// Id, name or e-mail of who acted.
    Actor,
    /// Id of who acted, exactly.
    ActorId,
    /// Name of who acted.
    ActorName,
    /// E-mail of who acted.
    ActorEmail,
    /// Kind of party that acted.
    ActorType,
    /// Id, name or e-mail of whom it was done for.
    OnBehalfOf,
    /// Id, name, or `type/id` of a target.
    Target,
    /// Type of a target.
    TargetType,
    /// Id of a target, exactly.
    TargetId,
    /// Name of a target.
    TargetName,
    /// Address it came from.
    Ip,
    /// Country it came from.
    Country,
    /// Path of a change, the path itself or below it, or a key on the path.
    Changed,
    /// Value before a change.
    Before,
    /// Value after a change.
    After,
    /// When it happened.
    Occurred,
    /// When the log took it.
    Recorded,
    /// Number in its workspace.
    Seq,
    /// The event's id, exactly.
    Id,
    /// Id of the request, exactly.
    Request,
    /// Id of the session, exactly.
    Session,
    /// Name of the producer.
    Source,
    /// Channel or client through which it was done.
    Via,
    /// A value of the metadata: its key, nested keys joined by dots.
    Meta(Box<str>),
}

/// Every field with a fixed name, in the order of the guide; `meta.KEY` comes on top.
pub const NAMES: &[(&str, Field)] = &[
    ("action", Field::Action),
    ("module", Field::Module),
    ("verb", Field::Verb),
    ("severity", Field::Severity),
    ("outcome", Field::Outcome),
    ("actor", Field::Actor),
    ("actor.id", Field::ActorId),
    ("actor.name", Field::ActorName),
    ("actor.email", Field::ActorEmail),
    ("actor.type", Field::ActorType),
    ("on_behalf_of", Field::OnBehalfOf),
    ("target", Field::Target),
    ("target.type", Field::TargetType),
    ("target.id", Field::TargetId),
    ("target.name", Field::TargetName),
    ("ip", Field::Ip),
    ("country", Field::Country),
    ("changed", Field::Changed),
    ("before", Field::Before),
    ("after", Field::After),
    ("occurred", Field::Occurred),
    ("recorded", Field::Recorded),
    ("seq", Field::Seq),
    ("id", Field::Id),
    ("request", Field::Request),
    ("session", Field::Session),
    ("source", Field::Source),
    ("via", Field::Via),
];

const META_PREFIX: &str = "meta.";

/// Words that people try from other products, with the field that answers them.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("user", "actor"),
    ("who", "actor"),
    ("by", "actor"),
    ("email", "actor.email"),
    ("name", "actor.name"),
    ("event", "action"),
    ("type", "action"),
    ("category", "module"),
    ("status", "outcome"),
    ("result", "outcome"),
    ("level", "severity"),
    ("object", "target"),
    ("resource", "target"),
    ("entity", "target"),
    ("item", "target"),
    ("time", "occurred"),
    ("date", "occurred"),
    ("created", "occurred"),
    ("timestamp", "occurred"),
    ("when", "occurred"),
    ("from", "occurred"),
    ("to", "occurred"),
    ("channel", "via"),
    ("old", "before"),
    ("new", "after"),
    ("field", "changed"),
    ("path", "changed"),
];

/// What values a field takes, and how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of a closed list of words.
    Words(&'static [&'static str]),
    /// Text without regard to case and accents.
    Folded,
    /// Text, letter for letter: ids that differ in case are different ids.
    Exact,
    /// An address, a block, or text with wildcards.
    Ip,
    /// A moment.
    Time,
    /// A whole number from 0.
    Whole,
    /// A JSON scalar: folded text, or a number.
    Scalar,
    /// A JSON pointer or a part of one.
    Path,
}

const VERBS: &[&str] = &["create", "read", "update", "delete", "login", "other"];
const SEVERITIES: &[&str] = &["info", "notice", "warning", "critical"];
const OUTCOMES: &[&str] = &["success", "failure", "denied"];
const ACTOR_TYPES: &[&str] =
    &["user", "system", "api_key", "service", "agent", "support", "anonymous"];

const _: () = assert!(VERBS.len() == Verb::ALL.len() && SEVERITIES.len() == Severity::ALL.len());

impl Field {
    /// Finds the field of a name, in any case; what follows `meta.` is kept as it is.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(key) = meta_key(name) {
            return (!key.is_empty()).then(|| Self::Meta(key.into()));
        }
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, field)| field.clone())
    }

    /// Returns the field's name; a `meta` key comes without the escapes a filter's text needs.
    pub fn name(&self) -> String {
        match self {
            Self::Meta(key) => format!("{META_PREFIX}{key}"),
            _ => self.fixed_name().to_owned(),
        }
    }

    pub(crate) fn fixed_name(&self) -> &'static str {
        NAMES.iter().find(|(_, field)| field == self).map_or("meta", |(name, _)| name)
    }

    /// Finds what a mistyped field name most likely meant.
    pub fn nearest(name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        if let Some(key) = lower.strip_prefix("metadata.").map(|_| &name["metadata.".len()..]) {
            return Some(format!("{META_PREFIX}{key}"));
        }
        if let Some((_, field)) = OTHER_WORDS.iter().find(|(word, _)| *word == lower) {
            return Some((*field).to_owned());
        }
        name::nearest(&lower, NAMES.iter().map(|(name, _)| *name)).map(str::to_owned)
    }

    /// Returns the leaf group that holds the field's values, or `None` for a clear field.
    ///
    /// The action is clear unless the leaf says `other`; then its name is in the description group.
    pub fn group(&self) -> Option<Group> {
        match self {
            Self::Action | Self::Module | Self::Verb | Self::Severity => Some(Group::Description),
            Self::Outcome | Self::Occurred | Self::Recorded | Self::Seq => None,
            Self::Actor
            | Self::ActorId
            | Self::ActorName
            | Self::ActorEmail
            | Self::ActorType
            | Self::OnBehalfOf
            | Self::Via => Some(Group::Actor),
            Self::Target | Self::TargetType | Self::TargetId | Self::TargetName => {
                Some(Group::Targets)
            }
            Self::Ip | Self::Country | Self::Request | Self::Session => Some(Group::Context),
            Self::Changed | Self::Before | Self::After => Some(Group::Changes),
            Self::Id => Some(Group::Id),
            Self::Source | Self::Meta(_) => Some(Group::Metadata),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Verb => Kind::Words(VERBS),
            Self::Severity => Kind::Words(SEVERITIES),
            Self::Outcome => Kind::Words(OUTCOMES),
            Self::ActorType => Kind::Words(ACTOR_TYPES),
            Self::ActorId | Self::TargetId | Self::Id | Self::Request | Self::Session => {
                Kind::Exact
            }
            Self::Ip => Kind::Ip,
            Self::Occurred | Self::Recorded => Kind::Time,
            Self::Seq => Kind::Whole,
            Self::Before | Self::After | Self::Meta(_) => Kind::Scalar,
            Self::Changed => Kind::Path,
            Self::Action
            | Self::Module
            | Self::Actor
            | Self::ActorName
            | Self::ActorEmail
            | Self::OnBehalfOf
            | Self::Target
            | Self::TargetType
            | Self::TargetName
            | Self::Country
            | Self::Source
            | Self::Via => Kind::Folded,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meta(key) => write!(f, "{META_PREFIX}{key}"),
            _ => f.write_str(self.fixed_name()),
        }
    }
}

/// Returns what follows `meta.` in a field's name.
pub(crate) fn meta_key(name: &str) -> Option<&str> {
    let prefix = name.get(..META_PREFIX.len())?;
    prefix.eq_ignore_ascii_case(META_PREFIX).then(|| &name[META_PREFIX.len()..])
}

#[cfg(test)]
mod tests;
