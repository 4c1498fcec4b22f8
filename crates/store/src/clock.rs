//! Time: the two clocks of a machine, and the guarded clock that stamps everything.
//!
//! A clock that jumps forward is a data-loss fault, since retention would purge everything; one that
//! jumps back would reorder the log. [`GuardedClock`] therefore advances by the monotonic clock and
//! only listens to the wall clock. What an observation leads to (a `_system` event), and what is
//! purged, stays with the callers.
//!
//! All times are whole microseconds, wall times since 1970-01-01T00:00:00Z (leap seconds as the machine
//! counts them).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::time::{ClockId, clock_gettime};

#[cfg(test)]
mod tests;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

/// The largest difference to the wall clock that is followed without a word.
pub const DRIFT_MICROS_MAX: i64 = 5 * 60 * SECOND;

/// The smallest change of the wall clock, or gap over a restart, after which purging waits.
pub const JUMP_MICROS_MIN: i64 = HOUR;

/// How long the clock must be steady after a jump before anything is purged.
pub const PURGE_WAIT_MICROS: i64 = 24 * HOUR;

/// How many observations are kept for a caller that does not fetch them. Beyond that a new one takes
/// the place of the last: the first of a disturbance says most, the last says how long purging waits.
pub const OBSERVATIONS_MAX: usize = 64;

/// Reads the two clocks of a machine.
pub trait Clock: Send + Sync {
    /// Returns the wall time. It can be wrong, and can jump either way.
    fn wall_micros(&self) -> i64;

    /// Returns the time since some fixed moment. It never goes back, counts on while the machine
    /// sleeps, and means nothing to another process.
    fn monotonic_micros(&self) -> u64;
}

/// The clocks of the machine: `CLOCK_REALTIME` and, on Linux, `CLOCK_BOOTTIME`, so that a machine
/// that slept does not look like one whose clock jumped.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealClock;

impl Clock for RealClock {
    fn wall_micros(&self) -> i64 {
        micros(ClockId::Realtime)
    }

    fn monotonic_micros(&self) -> u64 {
        #[cfg(target_os = "linux")]
        const STEADY: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const STEADY: ClockId = ClockId::Monotonic;
        // A steady clock starts at 0 and cannot be negative.
        u64::try_from(micros(STEADY)).unwrap_or(0)
    }
}

fn micros(id: ClockId) -> i64 {
    let time = clock_gettime(id);
    time.tv_sec.saturating_mul(SECOND).saturating_add(time.tv_nsec / 1_000)
}

/// Clocks that stand still until they are moved. Clones move together.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Mutex<SimTimes>>);

#[derive(Debug)]
struct SimTimes {
    wall: i64,
    monotonic: u64,
}

impl SimClock {
    /// Starts at a wall time; the monotonic clock starts at an unrelated value.
    pub fn new(wall_micros: i64) -> Self {
        Self(Arc::new(Mutex::new(SimTimes { wall: wall_micros, monotonic: 77 })))
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, micros: u64) {
        let mut times = self.times();
        times.monotonic += micros;
        times.wall = times.wall.saturating_add_unsigned(micros);
    }

    /// Moves the wall clock alone, as a correction does; negative is back.
    pub fn jump_wall(&self, micros: i64) {
        let mut times = self.times();
        times.wall = times.wall.saturating_add(micros);
    }

    /// Sets the wall clock.
    pub fn set_wall(&self, micros: i64) {
        self.times().wall = micros;
    }

    fn times(&self) -> MutexGuard<'_, SimTimes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimClock {
    fn wall_micros(&self) -> i64 {
        self.times().wall
    }

    fn monotonic_micros(&self) -> u64 {
        self.times().monotonic
    }
}

/// What the log remembers of the clock over a restart.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClockMemory {
    /// The newest stamp in the log; `None` for an empty log.
    pub last_stamp: Option<i64>,
    /// The [`ClockObservation::purge_from`] that was recorded last, not the greatest: an operator's
    /// word takes it back.
    pub purge_from: Option<i64>,
}

/// What the guarded clock noticed, for a `_system` event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockObservation {
    /// What happened.
    pub kind: ClockObservationKind,
    /// The stamp at that moment.
    pub stamp: i64,
    /// What the wall clock said.
    pub wall: i64,
    /// When set: nothing may be purged before this stamp, also after a restart, so it goes into the
    /// log and comes back in [`ClockMemory`].
    pub purge_from: Option<i64>,
}

/// The kinds of [`ClockObservation`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockObservationKind {
    /// The wall clock is ahead of the stamps by more than [`DRIFT_MICROS_MAX`] and is not followed.
    WallAhead,
    /// The wall clock is behind the stamps by more than [`DRIFT_MICROS_MAX`]; stamps never go back.
    WallBehind,
    /// Small differences that were followed have added up to a jump within a day.
    WallCrept,
    /// A difference that was reported is gone.
    WallAgrees,
    /// The process started more than [`JUMP_MICROS_MIN`] after the last stamp, by the wall clock.
    StartedAfterGap,
    /// The process started while the wall clock was behind the last stamp by more than
    /// [`DRIFT_MICROS_MAX`].
    StartedBehind,
    /// An operator said that the wall clock is right.
    WallTrusted,
}

impl ClockObservationKind {
    /// Returns the kind's name, as its event has it under `/metadata/kind`; names never change.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WallAhead => "wall_ahead",
            Self::WallBehind => "wall_behind",
            Self::WallCrept => "wall_crept",
            Self::WallAgrees => "wall_agrees",
            Self::StartedAfterGap => "started_after_gap",
            Self::StartedBehind => "started_behind",
            Self::WallTrusted => "wall_trusted",
        }
    }

    /// Returns what happened, as a person reads it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::WallAhead => "The machine's clock is ahead and is not followed",
            Self::WallBehind => "The machine's clock is behind; recorded times do not go back",
            Self::WallCrept => "The machine's clock moved step by step as far as a jump",
            Self::WallAgrees => "The machine's clock agrees again",
            Self::StartedAfterGap => "Proofbook started after a long pause",
            Self::StartedBehind => "Proofbook started while the machine's clock was behind",
            Self::WallTrusted => "An operator confirmed the machine's clock",
        }
    }
}

/// The clock that stamps frames and decides about retention. One for each log.
///
/// Invariant: stamps never decrease, over restarts too, whatever the machine's clocks do. They
/// advance with the monotonic clock, at half its pace while the wall clock is behind by at most
/// [`DRIFT_MICROS_MAX`], so that they meet again; a wall clock ahead by at most that is followed.
pub struct GuardedClock {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    stamp: i64,
    monotonic: u64,
    /// How far the wall clock was ahead of the stamp when both were last read.
    drift: i64,
    /// The drift that was last reported, 0 when it agreed.
    reported_drift: i64,
    /// What the wall clock showed beyond the monotonic one at `watched_since`: only the wall clock's
    /// own moves change it, whether they are followed or not.
    watched_offset: i64,
    watched_since: i64,
    purge_from: Option<i64>,
    observations: Vec<ClockObservation>,
}

impl GuardedClock {
    /// Starts at the wall time or at the log's last stamp, whichever is later.
    ///
    /// A gap of more than [`JUMP_MICROS_MIN`] either way makes purging wait, since a jump while the
    /// process was down looks the same.
    pub fn start(clock: Arc<dyn Clock>, memory: ClockMemory) -> Self {
        let wall = clock.wall_micros();
        let last = memory.last_stamp.unwrap_or(wall);
        let stamp = wall.max(last);
        let monotonic = clock.monotonic_micros();
        let mut state = State {
            stamp,
            monotonic,
            drift: wall.saturating_sub(stamp),
            reported_drift: 0,
            watched_offset: wall.saturating_sub_unsigned(monotonic),
            watched_since: stamp,
            purge_from: memory.purge_from,
            observations: Vec::new(),
        };
        let gap = wall.saturating_sub(last);
        if gap > JUMP_MICROS_MIN {
            state.observe(ClockObservationKind::StartedAfterGap, wall, true);
        } else if gap < -DRIFT_MICROS_MAX {
            state.reported_drift = state.drift;
            state.observe(ClockObservationKind::StartedBehind, wall, gap < -JUMP_MICROS_MIN);
        }
        Self { clock, state: Mutex::new(state) }
    }

    /// Returns the time now, for stamps and for retention alike.
    pub fn now_micros(&self) -> i64 {
        self.read().stamp
    }

    /// Hands over what was noticed since the last call, oldest first. The caller records it.
    #[must_use = "an observation that is not recorded is forgotten at the next start"]
    pub fn take_observations(&self) -> Vec<ClockObservation> {
        std::mem::take(&mut self.read().observations)
    }

    /// Reports whether purging is safe as far as the clock goes: no jump and no restart after a gap
    /// in the last 24 h, or an operator's word since; and the stamps are not ahead of the wall clock
    /// by more than [`JUMP_MICROS_MIN`], which no word changes, since they cannot go back.
    pub fn purge_allowed(&self) -> bool {
        let state = self.read();
        state.purge_from.is_none_or(|from| state.stamp >= from) && state.drift >= -JUMP_MICROS_MIN
    }

    /// Takes an operator's word that the wall clock is right: follows it if it is ahead and ends the
    /// wait before purging. Leaves a [`WallTrusted`](ClockObservationKind::WallTrusted) observation.
    pub fn trust_wall(&self) {
        let mut state = self.read();
        let wall = state.stamp.saturating_add(state.drift);
        state.stamp = state.stamp.max(wall);
        state.drift = wall.saturating_sub(state.stamp);
        state.reported_drift = state.drift;
        state.watch_anew(wall);
        let purge_from = Some(state.stamp);
        state.purge_from = purge_from;
        state.push(ClockObservationKind::WallTrusted, wall, purge_from);
    }

    /// Brings the state up to now.
    fn read(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Both clocks are read under the lock, so that no caller applies an older reading later.
        state.advance(self.clock.monotonic_micros(), self.clock.wall_micros());
        state
    }
}

impl fmt::Debug for GuardedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedClock")
    }
}

impl State {
    fn advance(&mut self, monotonic: u64, wall: i64) {
        let elapsed = i64::try_from(monotonic.saturating_sub(self.monotonic)).unwrap_or(i64::MAX);
        self.monotonic = monotonic.max(self.monotonic);
        let steady = self.stamp.saturating_add(elapsed);
        let drift = wall.saturating_sub(steady);
        self.stamp = if (0..=DRIFT_MICROS_MAX).contains(&drift) {
            wall
        } else if (-DRIFT_MICROS_MAX..0).contains(&drift) {
            // Slower, but not past the point where they meet, and never back.
            wall.max(steady - elapsed / 2).max(self.stamp)
        } else {
            steady
        };
        self.drift = wall.saturating_sub(self.stamp);
        let is_jump = self.watch(wall);
        self.report(drift, wall, is_jump);
    }

    /// Reports whether the wall clock has moved by a jump on its own within the last day, at once or
    /// in steps that were each followed.
    fn watch(&mut self, wall: i64) -> bool {
        let offset = wall.saturating_sub_unsigned(self.monotonic);
        let moved = offset.saturating_sub(self.watched_offset);
        let is_jump = moved.saturating_abs() > JUMP_MICROS_MIN;
        if is_jump || self.stamp.saturating_sub(self.watched_since) > PURGE_WAIT_MICROS {
            self.watch_anew(wall);
        }
        is_jump
    }

    fn watch_anew(&mut self, wall: i64) {
        self.watched_offset = wall.saturating_sub_unsigned(self.monotonic);
        self.watched_since = self.stamp;
    }

    /// Reports a difference that is not followed once, and again when it changes or ends.
    fn report(&mut self, drift: i64, wall: i64, is_jump: bool) {
        let agreed = self.reported_drift.saturating_abs() <= DRIFT_MICROS_MAX;
        let agrees = drift.saturating_abs() <= DRIFT_MICROS_MAX;
        let changed = drift.saturating_sub(self.reported_drift).saturating_abs() > DRIFT_MICROS_MAX;
        let kind = match (agreed, agrees) {
            (true, true) if is_jump => ClockObservationKind::WallCrept,
            (false, true) => ClockObservationKind::WallAgrees,
            (_, false) if changed || is_jump => {
                if drift > 0 {
                    ClockObservationKind::WallAhead
                } else {
                    ClockObservationKind::WallBehind
                }
            }
            _ => return,
        };
        self.reported_drift = if agrees { 0 } else { drift };
        self.observe(kind, wall, is_jump);
    }

    fn observe(&mut self, kind: ClockObservationKind, wall: i64, purge_waits: bool) {
        let purge_from = purge_waits.then(|| self.stamp.saturating_add(PURGE_WAIT_MICROS));
        self.purge_from = purge_from.max(self.purge_from);
        self.push(kind, wall, purge_from);
    }

    fn push(&mut self, kind: ClockObservationKind, wall: i64, purge_from: Option<i64>) {
        if self.observations.len() == OBSERVATIONS_MAX {
            self.observations.pop();
        }
        self.observations.push(ClockObservation { kind, stamp: self.stamp, wall, purge_from });
    }
}
