//! The seven groups into which an event's values are sealed (design section 6).
//!
//! A group is the unit of commitment and of erasure. Its canonical value is stored and hashed as
//! bytes; what each holds is specified in `docs/spec/leaf.md`.

use core::fmt;

/// One of the seven leaf groups, in the order of their pointers in the leaf's `sealed` object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Group {
    /// Who acted: `actor`, `on_behalf_of`, `via`.
    Actor,
    /// What changed: `before`, `after`, `changes`.
    Changes,
    /// From where: addresses, sessions, requests.
    Context,
    /// What it is called: module, verb, severity, title, description, reason, outcome's texts, approval.
    Description,
    /// The event's id.
    Id,
    /// Free values and the producer's counter.
    Metadata,
    /// On what it was done.
    Targets,
}

impl Group {
    /// How many groups there are.
    pub const COUNT: usize = 7;
    /// Every group, sorted by pointer as RFC 8785 sorts the keys of `sealed`.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Actor,
        Self::Changes,
        Self::Context,
        Self::Description,
        Self::Id,
        Self::Metadata,
        Self::Targets,
    ];

    /// Returns the JSON pointer under which the leaf names this group.
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Actor => "/actor",
            Self::Changes => "/changes",
            Self::Context => "/context",
            Self::Description => "/description",
            Self::Id => "/id",
            Self::Metadata => "/metadata",
            Self::Targets => "/targets",
        }
    }

    /// Finds the group of a pointer.
    pub fn from_pointer(pointer: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.pointer() == pointer)
    }

    /// Returns the group's place in [`Group::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pointer())
    }
}

/// The canonical bytes of an event's groups; an absent group is absent.
///
/// Invariant: each present slice is the RFC 8785 form of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupBytes<'a> {
    slices: [Option<&'a [u8]>; Group::COUNT],
}

impl<'a> GroupBytes<'a> {
    /// Collects slices in the order of [`Group::ALL`].
    pub fn new(slices: [Option<&'a [u8]>; Group::COUNT]) -> Self {
        Self { slices }
    }

    /// Returns a group's canonical bytes, or `None` when the group is absent.
    pub fn get(&self, group: Group) -> Option<&'a [u8]> {
        self.slices[group.index()]
    }

    /// Sets or clears a group.
    pub fn set(&mut self, group: Group, bytes: Option<&'a [u8]>) {
        self.slices[group.index()] = bytes;
    }

    /// Yields the present groups in the order of [`Group::ALL`].
    pub fn present(&self) -> impl Iterator<Item = (Group, &'a [u8])> + '_ {
        Group::ALL.into_iter().filter_map(|group| self.get(group).map(|bytes| (group, bytes)))
    }

    /// Returns the sum of all present groups' lengths, in bytes.
    pub fn bytes_total(&self) -> usize {
        self.slices.iter().flatten().map(|slice| slice.len()).sum()
    }
}
