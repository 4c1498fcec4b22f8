//! Planned faults: what goes wrong, and in which calls.

use std::io;

use rustix::io::Errno;

use super::trace::CallKind;

#[cfg(test)]
mod tests;

/// What goes wrong in one call. A fault strikes only calls that can fail in its way; the others are
/// not counted for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Any call fails with EIO and does nothing. A sync leaves the changes as unsynced as before.
    Eio,
    /// Any call fails with EIO though it did what it should: failed to the caller, but kept.
    EioButDone,
    /// A call that may need space fails with ENOSPC and does nothing.
    Enospc,
    /// A call that opens something fails with EMFILE.
    Emfile,
    /// A read, write or open is interrupted (EINTR) before it did anything.
    Eintr,
    /// A read or write does half of what was asked, at least one byte.
    Short,
    /// A sync fails with EIO; the changes stay visible, but no later sync makes them durable, though
    /// it reports success ("fsyncgate": ext4 and XFS mark the pages clean).
    SyncLosesPages,
    /// A sync fails with EIO and the changes are gone from what reads see, too (Btrfs). Entries of a
    /// directory stay visible as with [`SyncLosesPages`](Self::SyncLosesPages).
    SyncRevertsPages,
    /// A sync reports success and does nothing; the changes stay unsynced.
    IgnoreSync,
    /// `sync_data` succeeds, but one bit of the bytes written since the last sync is wrong on the
    /// platter. Reads show it after `drop_cache` or a crash.
    FlipBitOnSync,
    /// `sync_data` succeeds, but one of the writes since the last sync never reached the platter.
    /// Reads show it after `drop_cache` or a crash.
    LoseWriteOnSync,
}

impl Fault {
    /// Reports whether a call of this kind can go wrong in this way.
    pub fn can_strike(self, kind: CallKind) -> bool {
        use CallKind::*;
        match self {
            Self::Eio | Self::EioButDone => true,
            Self::Enospc => matches!(
                kind,
                CreateNew | Rename | CreateDir | SyncDir | Lock | WriteAt | Allocate | SyncData
            ),
            Self::Emfile => {
                matches!(kind, CreateNew | OpenRead | OpenWrite | List | SyncDir | Lock)
            }
            Self::Eintr => {
                matches!(kind, CreateNew | OpenRead | OpenWrite | ReadAt | WriteAt | Allocate)
            }
            Self::Short => matches!(kind, ReadAt | WriteAt),
            Self::SyncLosesPages | Self::SyncRevertsPages | Self::IgnoreSync => {
                matches!(kind, SyncData | SyncDir)
            }
            Self::FlipBitOnSync | Self::LoseWriteOnSync => kind == SyncData,
        }
    }

    /// The error that the caller gets whatever the call does; faults without one change the call.
    pub(super) fn error(self) -> Option<io::Error> {
        let errno = match self {
            Self::Eio | Self::EioButDone => Errno::IO,
            Self::Enospc => Errno::NOSPC,
            Self::Emfile => Errno::MFILE,
            Self::Eintr => Errno::INTR,
            _ => return None,
        };
        Some(errno.into())
    }

    pub(super) fn takes_effect(self) -> bool {
        self == Self::EioButDone
    }
}

/// Describes calls: of some kind, on some paths, the first of them or all.
#[derive(Clone, Debug)]
pub struct Calls {
    kind: Option<CallKind>,
    path_part: Option<String>,
    first: u64,
    last: u64,
}

impl Calls {
    /// Every call.
    pub fn any() -> Self {
        Self { kind: None, path_part: None, first: 1, last: u64::MAX }
    }

    /// Every call of one kind.
    pub fn of(kind: CallKind) -> Self {
        Self::any().only(kind)
    }

    /// Only those of one kind.
    #[must_use]
    pub fn only(self, kind: CallKind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Only those on a path that contains `part`. A file has the path under which it was opened, a
    /// rename the old one, `free_bytes` and the data directory itself the empty path.
    #[must_use]
    pub fn on(self, part: &str) -> Self {
        Self { path_part: Some(part.to_owned()), ..self }
    }

    /// Only the `number`th of them, from 1.
    #[must_use]
    pub fn nth(self, number: u64) -> Self {
        Self { first: number, last: number, ..self }
    }

    /// Only the `number`th of them and all that follow.
    #[must_use]
    pub fn from(self, number: u64) -> Self {
        Self { first: number, last: u64::MAX, ..self }
    }

    fn describes(&self, kind: CallKind, path: &str) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.path_part.as_ref().is_none_or(|part| path.contains(part.as_str()))
    }
}

/// All planned faults of one disk.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    struck: u64,
}

struct Rule {
    fault: Fault,
    calls: Calls,
    seen: u64,
}

impl Rules {
    pub(super) fn add(&mut self, fault: Fault, calls: Calls) {
        self.rules.push(Rule { fault, calls, seen: 0 });
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// Counts a call for every rule that describes it and returns the fault that strikes it.
    pub(super) fn strike(&mut self, kind: CallKind, path: &str) -> Option<Fault> {
        let mut chosen = None;
        for rule in &mut self.rules {
            if rule.fault.can_strike(kind) && rule.calls.describes(kind, path) {
                rule.seen += 1;
                if (rule.calls.first..=rule.calls.last).contains(&rule.seen) {
                    chosen = chosen.or(Some(rule.fault));
                }
            }
        }
        self.struck += u64::from(chosen.is_some());
        chosen
    }
}

/// The error of a broken device.
pub(super) fn eio() -> io::Error {
    Errno::IO.into()
}
