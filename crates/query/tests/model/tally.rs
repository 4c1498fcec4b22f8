//! What happened in a life, or in many, in figures.

/// Figures of one life or many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lives: u64,
    pub(crate) steps: u64,
    pub(crate) events: u64,
    pub(crate) refused: u64,
    pub(crate) repeated: u64,
    pub(crate) settings: u64,
    pub(crate) holds: u64,
    pub(crate) jumps: u64,
    pub(crate) purges: u64,
    pub(crate) purges_dropped: u64,
    pub(crate) purged: u64,
    pub(crate) crashes: u64,
    pub(crate) restarts: u64,
    pub(crate) packs: u64,
    pub(crate) compactions: u64,
    pub(crate) questions: u64,
    pub(crate) searches: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.steps += other.steps;
        self.events += other.events;
        self.refused += other.refused;
        self.repeated += other.repeated;
        self.settings += other.settings;
        self.holds += other.holds;
        self.jumps += other.jumps;
        self.purges += other.purges;
        self.purges_dropped += other.purges_dropped;
        self.purged += other.purged;
        self.crashes += other.crashes;
        self.restarts += other.restarts;
        self.packs += other.packs;
        self.compactions += other.compactions;
        self.questions += other.questions;
        self.searches += other.searches;
    }
}
