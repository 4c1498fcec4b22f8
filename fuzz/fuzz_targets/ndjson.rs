//! A body of many events, cut by the server's own splitter: the cuts lie in order inside the body, what
//! is between them is only frame, and every line is judged as it would be alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_event::EventDraft;
use proofbook_server::split::{Form, Split, split};

fuzz_target!(|body: &[u8]| {
    for form in [Form::Any, Form::Lines] {
        let events = match split(body, form) {
            Ok(Split::One(event)) => vec![event],
            Ok(Split::Many(events)) => events,
            Err(problem) => {
                let fault = problem.faults.first().expect("a refused body has a place");
                assert!(fault.offset.expect("with an offset") <= body.len() as u64);
                continue;
            }
        };
        let mut end = 0;
        for event in &events {
            assert!(event.start >= end && event.end > event.start && event.end <= body.len());
            assert!(is_frame(&body[end..event.start]), "bytes before {event:?} were dropped");
            end = event.end;
        }
        assert!(is_frame(&body[end..]), "bytes behind the last event were dropped");
    }
    // A line between two good events is judged as it is alone, and costs neither of them.
    for line in body.split(|byte| *byte == b'\n') {
        let mut together = GOOD.to_vec();
        together.push(b'\n');
        together.extend_from_slice(line);
        together.push(b'\n');
        together.extend_from_slice(GOOD);
        let Ok(Split::Many(events)) = split(&together, Form::Lines) else {
            panic!("three lines are many events");
        };
        let alone = line.trim_ascii();
        let parts: Vec<&[u8]> = events.into_iter().map(|event| &together[event]).collect();
        match parts.as_slice() {
            [first, middle, last] => {
                assert_eq!((*first, *last), (GOOD, GOOD));
                let judged = EventDraft::parse(middle).is_ok();
                assert_eq!(judged, EventDraft::parse(line).is_ok());
            }
            [_, _] => assert!(alone.is_empty(), "a line was dropped"),
            other => panic!("{} events of three lines", other.len()),
        }
    }
});

const GOOD: &[u8] = br#"{"action":"a.b"}"#;

/// Tells whether bytes belong to the frame around events and to no event.
fn is_frame(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| b" \t\r\n,[]".contains(byte))
}
