//! The form is compared with the specification's own example.

use super::*;

const SPEC_TEXT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &[1; 32]).unwrap()
}

#[test]
fn b1_the_published_text_is_read_and_written_back() {
    let checkpoint = Checkpoint::parse(SPEC_TEXT).unwrap();
    assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(checkpoint.text(), SPEC_TEXT);
    let extended = format!("{SPEC_TEXT}an extension\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap(), checkpoint);
}

#[test]
fn b1_texts_of_another_form_are_refused() {
    let rows = [
        String::new(),
        "\n".into(),
        SPEC_TEXT.trim_end().into(),
        SPEC_TEXT.replace("20852163", "020852163"),
        SPEC_TEXT.replace("20852163", "+20852163"),
        SPEC_TEXT.replace("20852163", "-1"),
        SPEC_TEXT.replace("20852163", ""),
        SPEC_TEXT.replace("20852163", "18446744073709551616"),
        SPEC_TEXT.replace("20852163", "0x10"),
        SPEC_TEXT.replace("q2I=", "q2J="),
        SPEC_TEXT.replace("q2I=", "q2I"),
        SPEC_TEXT.replace("example.com", "").replace("/behind-the-sofa", ""),
        SPEC_TEXT.replace("example.com", "example com"),
        format!("{SPEC_TEXT}\n"),
        format!("{SPEC_TEXT}\nan extension\n"),
        SPEC_TEXT.split_inclusive('\n').take(2).collect(),
    ];
    for text in rows {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
    for size in ["0", "18446744073709551615"] {
        assert!(Checkpoint::parse(&SPEC_TEXT.replace("20852163", size)).is_ok(), "{size}");
    }
}

#[test]
fn b1_a_signed_head_opens_with_its_key_only() {
    let checkpoint = Checkpoint::parse(SPEC_TEXT).unwrap();
    let signer = key("example.com/behind-the-sofa");
    let note = checkpoint.sign(&signer);
    assert_eq!(Checkpoint::open(note.as_bytes(), signer.verifier()), Ok(checkpoint.clone()));
    assert_eq!(note, checkpoint.sign(&signer), "the same head gives the same bytes");

    let other = SigningKey::from_seed("example.com/behind-the-sofa", &[2; 32]).unwrap();
    let unsigned = Checkpoint::open(note.as_bytes(), other.verifier());
    assert!(matches!(unsigned, Err(CheckpointError::Note(NoteError::Unsigned { .. }))));

    // Signed by a key of another name: not a head of that log, whatever the note says.
    let stranger = key("example.com/other");
    let note = checkpoint.sign(&stranger);
    let wrong = Checkpoint::open(note.as_bytes(), stranger.verifier());
    assert!(matches!(wrong, Err(CheckpointError::Origin { .. })), "{wrong:?}");
}
