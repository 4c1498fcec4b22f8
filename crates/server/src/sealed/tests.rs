use proofbook_store::random::SimRandom;

use super::{Purpose, Sealer};

fn sealer(byte: u8) -> Sealer {
    Sealer::new(&[byte; 32])
}

#[test]
fn a_sealed_text_opens_for_its_purpose_and_key_alone() {
    let random = SimRandom::new(1);
    let text = sealer(1).seal(Purpose::Viewer, &"Ada", &random);
    assert_eq!(sealer(1).open::<String>(Purpose::Viewer, &text).as_deref(), Some("Ada"));
    for purpose in [Purpose::Portal, Purpose::Frame, Purpose::Print] {
        assert_eq!(sealer(1).open::<String>(purpose, &text), None);
    }
    assert_eq!(sealer(2).open::<String>(Purpose::Viewer, &text), None);
}

#[test]
fn no_changed_or_cut_text_opens() {
    let random = SimRandom::new(1);
    let text = sealer(1).seal(Purpose::Viewer, &"Ada Park", &random);
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        // The last character may hold bits that stand for nothing; base64 refuses them by itself.
        assert_eq!(sealer(1).open::<String>(Purpose::Viewer, &changed), None, "{at}");
        assert_eq!(sealer(1).open::<String>(Purpose::Viewer, &text[..at]), None, "{at}");
    }
}

#[test]
fn nothing_of_the_value_can_be_read_in_the_text() {
    use base64::Engine as _;
    let random = SimRandom::new(1);
    let text = sealer(1).seal(Purpose::Viewer, &"ada@acme.example", &random);
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&text).expect("base64url");
    assert!(!bytes.windows(4).any(|window| window == b"acme"));
    assert_ne!(text, sealer(1).seal(Purpose::Viewer, &"ada@acme.example", &random));
}
