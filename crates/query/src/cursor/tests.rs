use super::*;

const KEY: [u8; 32] = [7; 32];

fn cursor() -> Cursor {
    Cursor {
        filter_hash: 0x0102_0304_0506_0708,
        sort: Sort::OldestFirst,
        as_of_seq: 99,
        occurred_at: -5,
        seq: 98,
        backwards: true,
    }
}

#[test]
fn a_cursor_comes_back_as_it_was() {
    for sort in [Sort::NewestFirst, Sort::OldestFirst, Sort::Seq] {
        for backwards in [false, true] {
            let cursor = Cursor { sort, backwards, ..cursor() };
            assert_eq!(Cursor::decode(&cursor.encode(&KEY), &KEY), Ok(cursor));
        }
    }
}

#[test]
fn every_changed_character_is_refused() {
    let text = cursor().encode(&KEY);
    for at in 0..text.len() {
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("ASCII");
        assert_eq!(Cursor::decode(&other, &KEY), Err(CursorError::Forged), "character {at}");
    }
}

#[test]
fn other_keys_and_other_texts_are_refused() {
    let text = cursor().encode(&KEY);
    assert_eq!(Cursor::decode(&text, &[8; 32]), Err(CursorError::Forged));
    for text in ["", "A", "not base64!", &text[1..], &format!("{text}AA")] {
        assert_eq!(Cursor::decode(text, &KEY), Err(CursorError::Forged), "{text:?}");
    }
}
