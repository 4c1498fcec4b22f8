//! Queries against a naive evaluator, over real stores on a simulated disk.

mod checks;
mod damage;
mod dice;
mod filters;
mod oracle;
mod recent;
mod tree;
mod world;
