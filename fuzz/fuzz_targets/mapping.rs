//! Foreign records through every shipped mapping, and mapping files themselves: no panic, and what
//! is mapped is an event of the contract.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_catalog::mapping::{Mapping, SHIPPED};
use proofbook_event::EventDraft;
use std::sync::LazyLock;

static MAPPINGS: LazyLock<Vec<Mapping>> = LazyLock::new(|| {
    SHIPPED.iter().map(|(name, _)| Mapping::shipped(name).expect("shipped")).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    if *first == 0 {
        if let Ok(text) = std::str::from_utf8(rest) {
            let _ = Mapping::parse(text);
        }
        return;
    }
    let mapping = &MAPPINGS[usize::from(*first) % MAPPINGS.len()];
    for record in mapping.records(rest).flatten() {
        if let Ok(event) = mapping.map(&record) {
            EventDraft::from_value(event).expect("what is mapped is an event of the contract");
        }
    }
});
