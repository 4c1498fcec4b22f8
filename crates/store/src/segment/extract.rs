//! From a row's groups to its search columns: which part of which group each column holds.
//!
//! A column's entry is a canonical group value cut down to the members that the filter language
//! reads, so whoever evaluates a condition on an entry evaluates it exactly as on the event:
//!
//! | column | group | entry |
//! |---|---|---|
//! | `Actor` | `/actor` | the whole group |
//! | `Described` | `/description` | `{module, severity, title, verb}` |
//! | `Place` | `/context` | `{country, ip}` |
//! | `Session` | `/context` | `{session_id}` |
//! | `Changed` | `/changes` | `{changes: [{path} …]}` |
//! | `Source` | `/metadata` | `{source: {name}}` |
//! | `Metadata` | `/metadata` | `{metadata}` |
//! | `Targets` | `/targets` | the whole group |
//! | `TargetTypes` | `/targets` | `[{type} …]` |
//!
//! A group that is absent has no entry in its columns; one that is there but no object gives the
//! entry of an empty one, which no field of the language can tell apart.

use proofbook_event::{Group, GroupBytes};

use super::slice::{items, member, members};

/// A search column of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FieldColumn {
    /// Who acted, for whom, through what.
    Actor,
    /// Module, severity, title and verb.
    Described,
    /// Address and country.
    Place,
    /// Session.
    Session,
    /// Paths of changes.
    Changed,
    /// Name of the producer.
    Source,
    /// Metadata.
    Metadata,
    /// Targets.
    Targets,
    /// Types of targets, kept where the targets themselves are too many for a dictionary.
    TargetTypes,
}

impl FieldColumn {
    /// How many columns there are.
    pub const COUNT: usize = 9;
    /// Every column, by number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Actor,
        Self::Described,
        Self::Place,
        Self::Session,
        Self::Changed,
        Self::Source,
        Self::Metadata,
        Self::Targets,
        Self::TargetTypes,
    ];

    /// Returns the group whose members the column's entries hold.
    pub fn group(self) -> Group {
        match self {
            Self::Actor => Group::Actor,
            Self::Described => Group::Description,
            Self::Place | Self::Session => Group::Context,
            Self::Changed => Group::Changes,
            Self::Source | Self::Metadata => Group::Metadata,
            Self::Targets | Self::TargetTypes => Group::Targets,
        }
    }

    /// Tells whether the texts of an uncoded column are in the block's filter of values.
    pub fn is_hashed_when_uncoded(self) -> bool {
        !matches!(self, Self::Described | Self::Changed | Self::Metadata | Self::TargetTypes)
    }

    /// Returns the places in [`super::lift::VALUES`] of what an entry is made of, the group's own first.
    pub(super) fn sources(self) -> &'static [usize] {
        match self {
            Self::Actor => &[0],
            Self::Changed => &[1],
            Self::Described => &[3],
            Self::Place => &[2, 8],
            Self::Session => &[2, 10],
            Self::Source | Self::Metadata => &[5],
            Self::Targets => &[6, 14, 15],
            Self::TargetTypes => &[6],
        }
    }
}

/// Appends the column's entry for a row; `false`, with nothing appended, when the group is absent.
pub fn extract(column: FieldColumn, groups: &GroupBytes<'_>, out: &mut Vec<u8>) -> bool {
    let Some(group) = groups.get(column.group()) else {
        return false;
    };
    match column {
        FieldColumn::Actor | FieldColumn::Targets => out.extend_from_slice(group),
        FieldColumn::Described => {
            keep(group, &["module", "severity", "title", "verb"], out);
        }
        FieldColumn::Place => keep(group, &["country", "ip"], out),
        FieldColumn::Session => keep(group, &["session_id"], out),
        FieldColumn::Metadata => keep(group, &["metadata"], out),
        FieldColumn::Source => {
            let name = member(group, "source").and_then(|source| member(source, "name"));
            match name {
                Some(name) => {
                    out.extend_from_slice(b"{\"source\":{\"name\":");
                    out.extend_from_slice(name);
                    out.extend_from_slice(b"}}");
                }
                None => out.extend_from_slice(b"{}"),
            }
        }
        FieldColumn::Changed => match member(group, "changes") {
            Some(changes) => {
                out.extend_from_slice(b"{\"changes\":");
                keep_in_each(changes, "path", out);
                out.push(b'}');
            }
            None => out.extend_from_slice(b"{}"),
        },
        FieldColumn::TargetTypes => keep_in_each(group, "type", out),
    }
    true
}

/// Appends an object with those of its members that have one of the keys, in its own order.
fn keep(object: &[u8], keys: &[&str], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (key, value) in members(object) {
        if keys.iter().any(|wanted| wanted.as_bytes() == key) {
            if !first {
                out.push(b',');
            }
            first = false;
            out.push(b'"');
            out.extend_from_slice(key);
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value);
        }
    }
    out.push(b'}');
}

/// Appends an array whose items are cut down to one member each.
fn keep_in_each(array: &[u8], key: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, (_, item)) in items(array).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        keep(item, &[key], out);
    }
    out.push(b']');
}
