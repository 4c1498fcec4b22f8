//! A body of many events: every line is judged alone, and a bad one costs no other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_event::EventDraft;

fuzz_target!(|body: &[u8]| {
    let alone: Vec<bool> = body.split(|b| *b == b'\n').map(|l| EventDraft::parse(l).is_ok()).collect();
    // Between two good events each line gives what it gave alone.
    for (line, expected) in body.split(|b| *b == b'\n').zip(alone) {
        let mut together = br#"{"action":"a.b"}"#.to_vec();
        together.push(b'\n');
        together.extend_from_slice(line);
        together.extend_from_slice(b"\n{\"action\":\"a.b\"}");
        let judged: Vec<bool> =
            together.split(|b| *b == b'\n').map(|l| EventDraft::parse(l).is_ok()).collect();
        assert_eq!(judged, [true, expected, true]);
    }
});
