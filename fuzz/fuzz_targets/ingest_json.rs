//! One event's JSON text: parsed, canonical bytes stable, admitted, read back as the same event.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbook_catalog::{AdmitContext, Admitted, Catalog, EventKeys, Identity, admit};
use proofbook_event::canonical;
use proofbook_event::{EventDraft, Group, Timestamp, Value};
use proofbook_ledger::{EventKey, Slot};
use std::sync::LazyLock;

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::embedded("clickfunnels-workspace").expect("embedded"));

fuzz_target!(|text: &[u8]| {
    if let Ok(value) = Value::parse(text) {
        let bytes = canonical::to_bytes(&value);
        let again = Value::parse(&bytes).expect("canonical bytes are acceptable JSON");
        assert_eq!(canonical::to_bytes(&again), bytes);
    }
    let Ok(mut draft) = EventDraft::parse(text) else { return };
    let identity = Identity::take(&mut draft, &[1; 16], || "generated".to_owned());
    let context = AdmitContext {
        catalog: &CATALOG,
        now: Timestamp::from_micros(1_800_000_000_000_000),
        kept_since: None,
        may_import: true,
        mask_key: &[2; 16],
    };
    let keys = EventKeys {
        run: 0,
        slot: Slot::FIRST,
        event_key: EventKey::from_bytes([3; 32]),
        nonce: [4; 16],
    };
    let mut admitted = Admitted::blank();
    if admit(&mut draft, &identity, &context, &keys, &mut admitted).is_err() {
        return;
    }
    for group in Group::ALL {
        let Some(bytes) = admitted.group(group) else { continue };
        let value = Value::parse(bytes).expect("a group is JSON");
        assert_eq!(canonical::to_bytes(&value), bytes, "a group is in canonical form");
    }
    let event = admitted.to_event("acme", 0, Timestamp::from_micros(0)).expect("it reads back");
    assert_eq!(event.id(), admitted.id());
    assert_eq!(event.action(), admitted.action());
});
