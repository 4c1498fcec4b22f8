//! What tests of several rooms share: events in the JSON contract, a seeded world of them whose facts
//! are known, and a store to send them to.
//!
//! What lives here: [`EventBuilder`] (one event, as a client writes it), [`World`] (many events whose
//! facts a test can count without any code of ours), [`TestStore`] (a store whose disk, clock and
//! randomness the test holds), [`SteppedStore`]
//! (the parts of a store without its threads, driven step by step), [`Dice`] (seeded chance).
//!
//! What stays out: anything that ships; only `[dev-dependencies]` name this crate. What only one
//! room's tests need lives beside them.
//!
//! Everything follows from seeds, so a failing test can be run again. Functions here panic when
//! something does not hold that a test relies on.
#![forbid(unsafe_code)]

mod dice;
mod event;
mod stepped;
mod store;
mod world;

pub use dice::Dice;
pub use event::{EventBuilder, ndjson};
pub use stepped::{Answer, Slot, Step, StepError, SteppedStore};
pub use store::TestStore;
pub use world::{Fact, START_MICROS, World};
