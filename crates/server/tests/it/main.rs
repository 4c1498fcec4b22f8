//! The server as its clients meet it: a real listener on this machine, a simulated disk and clock.

mod admin;
mod encodings;
mod export;
mod ingest;
mod isolation;
mod limits;
mod lists;
mod logs;
mod overload;
mod pages;
mod problems;
mod shutdown;
mod slow;
mod tail;
mod world;
