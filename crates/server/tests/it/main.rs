//! The server as its clients meet it: a real listener on this machine, a simulated disk and clock.

mod admin;
mod bundles;
mod console;
mod destinations;
mod encodings;
mod export;
mod ingest;
mod isolation;
mod ledger;
mod limits;
mod lists;
mod logs;
mod overload;
mod pages;
mod portal;
mod presets;
mod print;
mod problems;
mod readers;
mod rules;
mod shutdown;
mod sight;
mod slow;
mod tail;
mod views;
mod world;
