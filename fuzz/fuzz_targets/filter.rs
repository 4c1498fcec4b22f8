//! A filter's text: what parses prints to something that parses to the same filter, and resolves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_event::Timestamp;
use proofbook_filter::{Filter, ResolveContext};

fuzz_target!(|text: &str| {
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.offset + error.length <= text.len());
            assert!(text.is_char_boundary(error.offset));
            return;
        }
    };
    let printed = filter.to_string();
    assert_eq!(Filter::parse(&printed).expect("what is printed parses"), filter);
    let context = ResolveContext {
        now: Timestamp::from_micros(1_800_000_000_000_000),
        zone: jiff::tz::TimeZone::UTC,
    };
    let resolved = filter.resolve(&context);
    resolved.groups_needed(true);
});
