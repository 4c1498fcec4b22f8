//! Bugs planted on purpose, to prove that the simulation notices them.
//!
//! Each is one decision of the store turned around, at the place where it is made: `if plant::is_on(…)`.
//! Without the feature `plant`, which nothing that ships has, [`is_on`] is `false` and the compiler
//! drops the branch. Bugs in how the disk is used need no hook; the simulation plants those around
//! the disk.

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "plant"),
    expect(unreachable_pub, dead_code, reason = "seen with the feature only")
)]
pub enum Plant {
    /// A batch is answered before its frame is appended.
    AckBeforeSync,
    /// A frame's events are in the View before it is appended; the answer comes after.
    PublishBeforeSync,
    /// A log whose sync failed takes further frames.
    FailedLogGoesOn,
    /// A damaged frame ends the log, whatever valid frames lie behind it.
    TruncateOnBadChecksum,
    /// The log is released up to the newest snapshot, so that the older one is good for nothing.
    ReleaseAfterOneSnapshot,
    /// The log is released as soon as its events are packed, before a snapshot stands for it.
    ReleaseBeforeSnapshot,
    /// The events of a pack leave recent and its segment does not enter the View.
    PackHidesEvents,
    /// Retired segments go as soon as no View names them.
    SweepTooSoon,
    /// Recovery begins from the older snapshot's state at the newer one's position.
    StaleSnapshot,
    /// A conflict takes a number.
    SeqSkipped,
    /// The fold does not know the ids it folded itself.
    DuplicateTaken,
    /// The ids of a generation are forgotten with its pack, before look-ups can find its segment.
    IdsForgottenWithPack,
    /// Batches keep look-ups that are older than the ids the fold still knows.
    LookUpsNotRefreshed,
    /// recorded_at follows a wall clock that was set back.
    RecordedAtGoesBack,
    /// A process takes up the run of leaf keys that the process before it used.
    RunUsedAgain,
    /// A purge is planned as if no hold were in force.
    HoldIgnored,
    /// The fold takes a purge although a hold or a plan came between planning and doing.
    HeldPurged,
    /// A purge takes what ends a second later.
    PurgedEarly,
    /// After a purge the files with the old values stay until chance removes them.
    PurgeNotSettled,
    /// Batches keep look-ups that are older than the purge of what they found.
    PurgedIdBelieved,
    /// An erasure is called complete while files with the old values are left.
    ErasedTooSoon,
    /// A snapshot stands for everything before it but the erasures.
    ErasureForgotten,
    /// An erasure takes what a hold keeps.
    ErasedUnderHold,
    /// The keys of what was erased stay in their run.
    ErasedKeysKept,
    /// An erasure is called complete while what recovery set aside is still there.
    AsideKept,
    /// A copy that was under way while its event was erased is written to the log.
    ErasedCopyKept,
}

#[cfg(feature = "plant")]
mod planted {
    use std::cell::Cell;

    use super::Plant;

    thread_local! {
        static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
    }

    impl Plant {
        /// Every bug.
        pub const ALL: &[Self] = &[
            Self::AckBeforeSync,
            Self::PublishBeforeSync,
            Self::FailedLogGoesOn,
            Self::TruncateOnBadChecksum,
            Self::ReleaseAfterOneSnapshot,
            Self::ReleaseBeforeSnapshot,
            Self::PackHidesEvents,
            Self::SweepTooSoon,
            Self::StaleSnapshot,
            Self::SeqSkipped,
            Self::DuplicateTaken,
            Self::IdsForgottenWithPack,
            Self::LookUpsNotRefreshed,
            Self::RecordedAtGoesBack,
            Self::RunUsedAgain,
            Self::HoldIgnored,
            Self::HeldPurged,
            Self::PurgedEarly,
            Self::PurgeNotSettled,
            Self::PurgedIdBelieved,
            Self::ErasedTooSoon,
            Self::ErasureForgotten,
            Self::ErasedUnderHold,
            Self::ErasedKeysKept,
            Self::AsideKept,
            Self::ErasedCopyKept,
        ];

        /// Returns the bug's name on a command line.
        pub fn name(self) -> &'static str {
            match self {
                Self::AckBeforeSync => "ack-before-sync",
                Self::PublishBeforeSync => "publish-before-sync",
                Self::FailedLogGoesOn => "failed-log-goes-on",
                Self::TruncateOnBadChecksum => "truncate-on-bad-checksum",
                Self::ReleaseAfterOneSnapshot => "release-after-one-snapshot",
                Self::ReleaseBeforeSnapshot => "release-before-snapshot",
                Self::PackHidesEvents => "pack-hides-events",
                Self::SweepTooSoon => "sweep-too-soon",
                Self::StaleSnapshot => "stale-snapshot",
                Self::SeqSkipped => "seq-skipped",
                Self::DuplicateTaken => "duplicate-taken",
                Self::IdsForgottenWithPack => "ids-forgotten-with-pack",
                Self::LookUpsNotRefreshed => "look-ups-not-refreshed",
                Self::RecordedAtGoesBack => "recorded-at-goes-back",
                Self::RunUsedAgain => "run-used-again",
                Self::HoldIgnored => "hold-ignored",
                Self::HeldPurged => "held-purged",
                Self::PurgedEarly => "purged-early",
                Self::PurgeNotSettled => "purge-not-settled",
                Self::PurgedIdBelieved => "purged-id-believed",
                Self::ErasedTooSoon => "erased-too-soon",
                Self::ErasureForgotten => "erasure-forgotten",
                Self::ErasedUnderHold => "erased-under-hold",
                Self::ErasedKeysKept => "erased-keys-kept",
                Self::AsideKept => "aside-kept",
                Self::ErasedCopyKept => "erased-copy-kept",
            }
        }
    }

    /// Plants a bug in this thread, or removes it.
    pub fn set(plant: Option<Plant>) {
        PLANTED.set(plant);
    }

    pub(crate) fn is_on(plant: Plant) -> bool {
        PLANTED.get() == Some(plant)
    }
}

#[cfg(feature = "plant")]
pub(crate) use planted::is_on;
#[cfg(feature = "plant")]
pub use planted::set;

/// Tells whether a bug is planted in this thread: never, in what ships.
#[cfg(not(feature = "plant"))]
pub(crate) const fn is_on(_: Plant) -> bool {
    false
}
