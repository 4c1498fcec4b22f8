//! Bytes that claim to be a frame or its records: no panic, nothing beyond the bounds, and whatever
//! decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_ledger::Hash;
use proofbook_store::codec::Decoder;
use proofbook_store::log::{FoldDigest, FrameDraft, Position, frame};
use proofbook_store::record::{EventParts, Record};

fuzz_target!(|bytes: &[u8]| {
    if let Some((header, body)) = bytes.split_first_chunk::<{ frame::HEADER_BYTES }>()
        && let Some(header) = frame::parse_header(header)
    {
        let _ = header.open(body);
    }
    let mut records = Decoder::new(bytes);
    while !records.is_empty() {
        let before = records.rest();
        let Ok(record) = Record::decode(&mut records) else { break };
        if let Record::Events(events) = &record {
            for event in events.iter() {
                let Ok(parts) = event.and_then(EventParts::decode) else { break };
                let mut encoded = Vec::new();
                parts.encode(&mut encoded);
                let mut again = Decoder::new(&encoded);
                let again = again.bytes("an event").expect("encoded just now");
                assert_eq!(EventParts::decode(again).expect("encoded just now"), parts);
            }
        }
        let mut encoded = Vec::new();
        record.encode(&mut encoded);
        let mut again = Decoder::new(&encoded);
        assert_eq!(Record::decode(&mut again).expect("encoded just now"), record);
        assert!(before.len() > records.rest().len());
    }
    // A frame around these bytes opens to them, and no flipped byte of it does.
    let draft = FrameDraft { stamp: 1, body: bytes, record_count: 1, digest: FoldDigest::default() };
    let Ok((mut stored, _)) = frame::encode(&draft, Position(7), Position(6), Hash::default()) else {
        return;
    };
    let open = |stored: &[u8]| {
        let (header, body) = stored.split_first_chunk::<{ frame::HEADER_BYTES }>()?;
        frame::parse_header(header)?.open(body)
    };
    assert_eq!(open(&stored).expect("intact").body, bytes);
    let at = bytes.iter().fold(0_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(*b)));
    let at = at % stored.len();
    stored[at] ^= 1;
    assert!(open(&stored).is_none(), "a flipped bit at {at} went unnoticed");
});
