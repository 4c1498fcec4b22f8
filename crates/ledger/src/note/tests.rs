//! Compared with the published example of the specification and those of Go's `sumdb/note`.

use super::*;

const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const PETER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH_KEY: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
const ENOCH_LINE: &str = "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=";

fn key(text: &str) -> VerifierKey {
    text.parse().expect("a published key")
}

fn verify(note: &str, keys: &[VerifierKey]) -> Result<usize, NoteError> {
    Note::parse(note.as_bytes()).and_then(|note| note.verify(keys).map(|verified| verified.len()))
}

#[test]
fn b1_published_notes_verify() {
    assert_eq!(verify(SPEC_NOTE, &[key(SPEC_KEY)]), Ok(1));
    let both = write_note(GO_TEXT, [PETER_LINE, ENOCH_LINE]);
    assert_eq!(verify(&both, &[key(PETER_KEY)]), Ok(1));
    assert_eq!(verify(&both, &[key(ENOCH_KEY), key(PETER_KEY), key(SPEC_KEY)]), Ok(2));
    assert_eq!(verify(&both, &[key(SPEC_KEY)]), Err(NoteError::Unsigned { known_count: 1 }));
}

#[test]
fn b1_no_changed_byte_of_a_published_note_is_accepted() {
    let keys = [key(SPEC_KEY)];
    for at in 0..SPEC_NOTE.len() {
        for bit in 0..8 {
            let mut bytes = SPEC_NOTE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let verdict = Note::parse(&bytes).and_then(|note| note.verify(&keys));
            assert!(verdict.is_err(), "bit {bit} of byte {at}");
        }
    }
    for end in 0..SPEC_NOTE.len() {
        let verdict = Note::parse(&SPEC_NOTE.as_bytes()[..end]).and_then(|note| note.verify(&keys));
        assert!(verdict.is_err(), "cut at {end}");
    }
}

#[test]
fn b1_notes_of_another_form_are_refused() {
    let line = SPEC_NOTE.split_once("\n\n").unwrap().1.trim_end().to_owned();
    let many: Vec<&str> = core::iter::repeat_n(line.as_str(), SIGNATURES_MAX).collect();
    assert_eq!(verify(&write_note("This is an example message.\n", many), &[key(SPEC_KEY)]), Ok(1));
    let rows = [
        String::new(),
        "\n".into(),
        "\n\n".into(),
        SPEC_NOTE.replace('\n', "\r\n"),
        SPEC_NOTE.replace("\n\n", "\n"),
        SPEC_NOTE.trim_end().to_owned(),
        format!("{SPEC_NOTE}\n"),
        format!("{SPEC_NOTE}{SPEC_NOTE}x"),
        SPEC_NOTE.replace('\u{2014}', "-"),
        SPEC_NOTE.replace("\u{2014} ", "\u{2014}  "),
        SPEC_NOTE.replace("aQM=", "aQN="),
        SPEC_NOTE.replace("aQM=", "aQM"),
        SPEC_NOTE.replace("example.com/foo ", "example.com/fo+o "),
        SPEC_NOTE.replace("example.com/foo ", "example.com/\u{a0}foo "),
        SPEC_NOTE.replace("example message", "example\tmessage"),
        write_note("This is an example message.\n", core::iter::repeat_n(line.as_str(), 65)),
        "text\n\n\u{2014} name AAAA\n".into(),
    ];
    for note in rows {
        assert!(verify(&note, &[key(SPEC_KEY)]).is_err(), "{note:?}");
    }
}

#[test]
fn b1_a_line_of_a_known_key_that_does_not_verify_spoils_the_note() {
    let text = "another text\n";
    let ours = SigningKey::from_seed("log.example/a", &[1; 32]).unwrap();
    let good = ours.sign(text);
    let bad = ours.sign("yet another\n");
    let stranger = SigningKey::from_seed("log.example/b", &[2; 32]).unwrap().sign("other\n");
    let keys = [ours.verifier().clone()];
    assert_eq!(verify(&write_note(text, [good.as_str()]), &keys), Ok(1));
    assert_eq!(verify(&write_note(text, [stranger.as_str(), good.as_str()]), &keys), Ok(1));
    let spoiled = verify(&write_note(text, [good.as_str(), bad.as_str()]), &keys);
    assert_eq!(spoiled, Err(NoteError::BadSignature { name: "log.example/a".into() }));
}

#[test]
fn b1_the_text_ends_at_the_last_empty_line() {
    let ours = SigningKey::from_seed("log.example/a", &[1; 32]).unwrap();
    let text = "one\n\ntwo\n\n\nthree\n";
    let note = write_note(text, [ours.sign(text).as_str()]);
    assert_eq!(Note::parse(note.as_bytes()).unwrap().text(), text);
    assert_eq!(verify(&note, &[ours.verifier().clone()]), Ok(1));
}

#[test]
fn b5_a_cosignature_carries_its_time() {
    let witness = SigningKey::cosigner_from_seed("witness.example", &[3; 32]).unwrap();
    let text = "log.example/a\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    let keys = [witness.verifier().clone()];
    for time_s in [0, 1_679_315_147, key::TIME_S_MAX] {
        let note = write_note(text, [witness.cosign(text, time_s).as_str()]);
        let verified = Note::parse(note.as_bytes()).unwrap().verify(&keys).unwrap();
        assert_eq!(verified, [Verified { key_index: 0, time_s: Some(time_s) }]);
    }
    // The time is signed: the same signature under another time does not hold.
    let line = witness.cosign(text, 7);
    let mut parsed = SignatureLine::parse(&line).unwrap();
    parsed.signature[7] ^= 1;
    let changed = write_line("witness.example", parsed.key_id, &parsed.signature);
    assert!(verify(&write_note(text, [changed.as_str()]), &keys).is_err());
}
