//! Who acts in a workspace, and on what: made up from numbers when needed, so that 100,000
//! workspaces cost nothing.

use crate::dice::{Dice, mix};

/// The people and things of one workspace.
#[derive(Clone, Debug)]
pub(super) struct People {
    seed: u64,
    people: usize,
    things: usize,
    /// Events of the whole workload after which everybody has a new session.
    session_span: u64,
}

/// Somebody at one moment.
pub(super) struct Acting {
    pub id: u32,
    pub name: usize,
    pub role: usize,
    pub ip: u32,
    pub agent: usize,
    pub session: u64,
}

/// Something that is acted on.
pub(super) struct Acted {
    pub id: u32,
    pub name: usize,
}

/// Events of one person in one session, on average.
const SESSION_EVENTS: f64 = 8.0;

impl People {
    /// Peoples the workspace of a rank, which has that share of all events.
    pub(super) fn new(seed: u64, rank: usize, share: f64) -> Self {
        let people = 8 + 400 / (rank + 1);
        Self {
            seed: mix(seed ^ mix(rank as u64 + 0x70_65_6f)),
            people,
            things: 24 + 6_000 / (rank + 1),
            session_span: (SESSION_EVENTS * people as f64 / share).max(1.0) as u64,
        }
    }

    /// Chooses who acts in an event; a product of two draws makes few of them busy.
    #[inline]
    pub(super) fn person(&self, number: u64, dice: &mut Dice) -> Acting {
        let index = skewed(self.people, dice);
        let bits = mix(self.seed ^ index as u64);
        let more = mix(bits);
        Acting {
            id: (bits >> 32) as u32,
            name: (bits & 0xffff) as usize,
            role: [0, 1, 1, 2, 2, 2, 2, 3][(more & 7) as usize],
            // Nine of ten events come from the usual address, the others from a second one.
            ip: ((more >> 16) as u32) ^ if dice.percent(10) { 0x5a5a } else { 0 },
            agent: ((more >> 8) & 15) as usize,
            session: mix(bits ^ (number / self.session_span)),
        }
    }

    /// Chooses what is acted on, among the workspace's things of that kind.
    #[inline]
    pub(super) fn target(&self, kind: usize, dice: &mut Dice) -> Acted {
        let index = skewed(self.things, dice) as u64;
        let bits = mix(self.seed ^ 0x7468_696e_6773 ^ ((kind as u64) << 48) ^ index);
        Acted { id: (bits >> 32) as u32, name: (bits & 0xffff) as usize }
    }
}

/// A number below the limit; low ones are drawn far more often.
#[inline]
fn skewed(limit: usize, dice: &mut Dice) -> usize {
    let roll = dice.roll();
    let (first, second) = (roll >> 32, roll & 0xffff_ffff);
    ((((first * second) >> 32) * limit as u64) >> 32) as usize
}
