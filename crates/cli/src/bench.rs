//! The benchmark: workload W, what the machine can do at all (`baseline`), what a process costs
//! (`process`), and the measurements themselves. The verb `bench` prints what they return.

pub(crate) mod audit;
pub(crate) mod baseline;
pub(crate) mod child;
pub(crate) mod delivery;
pub(crate) mod in_process;
pub(crate) mod measure;
pub(crate) mod micro;
mod over_http;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod retention;
pub(crate) mod run;
mod wire;
pub mod workload;
