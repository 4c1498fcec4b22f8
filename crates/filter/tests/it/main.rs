//! Tests of the filter language from outside the crate.

mod guide;
mod oracle;
