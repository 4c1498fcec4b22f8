//! `bundle.json`: what a bundle claims to hold. Signed by nobody; each claim is checked against what
//! is signed, and the rest says so.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proofbook_event::{Group, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the format, its `v`.
pub const VERSION: u64 = 1;
/// Longest manifest that is read, in bytes.
pub const BYTES_MAX: usize = 1 << 20;

/// What a bundle proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Every event of the log up to the head.
    Full,
    /// Every event of a range of numbers, or of a window of time.
    Range,
    /// That each event in it is in the log, and nothing about others.
    Filtered,
}

/// The claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What it proves.
    pub kind: Kind,
    /// The log's name.
    pub origin: String,
    /// The size of the head.
    pub size: u64,
    /// The first event; 0 when it is no range.
    pub from: u64,
    /// The end of the events; the size when it is no range.
    pub to: u64,
    /// The window of recorded_at that the range is all of: from, and the end that is not in it.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The filter of a filtered bundle, as it was asked. Nothing proves it.
    pub filter: Option<String>,
    /// Groups whose openings were left out on purpose.
    pub withheld: Vec<Group>,
    /// How many events have a line of openings.
    pub event_count: u64,
    /// Ranges of events that retention has purged: their leaf hashes stand for them.
    pub purged: Vec<(u64, u64)>,
}

/// Bytes that are no manifest, or claims that contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("bundle.json is not the JSON of a bundle")]
    Json(#[source] serde_json::Error),
    /// Another version.
    #[error("bundle.json is of version {found}; this program knows version 1")]
    Version {
        /// The version given.
        found: u64,
    },
    /// Claims that no bundle can have.
    #[error("bundle.json contradicts itself: {expected}")]
    Claim {
        /// What must hold.
        expected: &'static str,
    },
    /// The same claims are written otherwise.
    #[error("bundle.json is not in its one form")]
    NotCanonical,
}

/// The JSON form, key by key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u64,
    kind: Kind,
    origin: String,
    size: u64,
    from: u64,
    to: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<WireWindow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    withheld: Vec<String>,
    event_count: u64,
    purged: Vec<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireWindow {
    from: String,
    to: String,
}

impl Manifest {
    /// Returns the file's text.
    pub fn to_json(&self) -> String {
        let wire = Wire {
            v: VERSION,
            kind: self.kind,
            origin: self.origin.clone(),
            size: self.size,
            from: self.from,
            to: self.to,
            window: self
                .window
                .map(|(from, to)| WireWindow { from: from.to_string(), to: to.to_string() }),
            filter: self.filter.clone(),
            withheld: self.withheld.iter().map(|group| group.pointer().to_string()).collect(),
            event_count: self.event_count,
            purged: self.purged.clone(),
        };
        let mut text =
            serde_json::to_string_pretty(&wire).expect("numbers and strings have a JSON form");
        text.push('\n');
        text
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// Another form, another version, or claims that [`Manifest::check`] refuses.
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        let wire: Wire = serde_json::from_slice(text).map_err(ManifestError::Json)?;
        if wire.v != VERSION {
            return Err(ManifestError::Version { found: wire.v });
        }
        let claim = |expected| ManifestError::Claim { expected };
        let time = |text: &str| {
            Timestamp::parse_utc(text).ok_or_else(|| claim("times as 2026-11-22T09:30:00.123456Z"))
        };
        let window = match &wire.window {
            Some(window) => Some((time(&window.from)?, time(&window.to)?)),
            None => None,
        };
        let groups: Option<Vec<Group>> =
            wire.withheld.iter().map(|pointer| Group::from_pointer(pointer)).collect();
        let manifest = Self {
            kind: wire.kind,
            origin: wire.origin,
            size: wire.size,
            from: wire.from,
            to: wire.to,
            window,
            filter: wire.filter,
            withheld: groups.ok_or_else(|| claim("withheld names groups"))?,
            event_count: wire.event_count,
            purged: wire.purged,
        };
        manifest.check()?;
        if manifest.to_json().as_bytes() == text {
            Ok(manifest)
        } else {
            Err(ManifestError::NotCanonical)
        }
    }

    /// Checks that the claims fit each other.
    ///
    /// # Errors
    /// A range outside the tree, empty without a window, a full bundle that is not full, a filter
    /// where there is none, groups or purged ranges out of order or outside.
    pub fn check(&self) -> Result<(), ManifestError> {
        let purged_ascend = self.purged.windows(2).all(|pair| pair[0].1 < pair[1].0);
        let purged_inside = self.purged.iter().all(|(from, to)| from < to && *to <= self.size);
        let is_empty = self.from == self.to;
        let rules = [
            (self.from <= self.to && self.to <= self.size, "from, to and size ascend"),
            (self.size <= crate::tree::SIZE_MAX, "a size is at most 2^53"),
            (
                self.kind == Kind::Range || (self.from == 0 && self.to == self.size),
                "only a range begins and ends inside the log",
            ),
            (
                self.kind != Kind::Range || !is_empty || self.window.is_some(),
                "a range has events, unless it is a window of time",
            ),
            (
                self.kind == Kind::Range || self.window.is_none(),
                "a window of time belongs to a range",
            ),
            (
                self.kind == Kind::Filtered || self.filter.is_none(),
                "a filter belongs to a filtered bundle",
            ),
            (self.window.is_none_or(|(from, to)| from <= to), "a window ends after it begins"),
            (self.withheld.is_sorted_by(|a, b| a < b), "withheld groups are in their order"),
            (purged_ascend && purged_inside, "purged ranges ascend and are inside the tree"),
            (
                self.kind != Kind::Filtered || self.purged.is_empty(),
                "a filtered bundle lists no purged events",
            ),
            (self.event_count <= self.to - self.from.min(self.to), "no more lines than events"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, expected)) => Err(ManifestError::Claim { expected }),
            None => Ok(()),
        }
    }

    /// Says whether an event was purged.
    pub fn is_purged(&self, seq: u64) -> bool {
        let behind = self.purged.partition_point(|(_, to)| *to <= seq);
        self.purged.get(behind).is_some_and(|(from, _)| *from <= seq)
    }
}
