//! Folding against rows written by hand, and its two laws over every character.

use super::*;

#[test]
fn case_accents_and_compatibility_forms_do_not_matter() {
    for (text, folded) in [
        ("", ""),
        ("Ada PARK", "ada park"),
        ("Zoë", "zoe"),
        ("Zoe\u{308}", "zoe"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("GROẞ", "gross"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("İstanbul", "istanbul"),
        ("ﬁle №5", "file no5"),
        ("Ｆｕｌｌ", "full"),
        ("\u{212a}elvin", "kelvin"),
        ("Ελλάδα", "ελλαδα"),
        ("Жёлтый", "желтыи"),
        ("日本語", "日本語"),
    ] {
        assert_eq!(fold(text), folded, "{text}");
    }
}

#[test]
fn folded_ascii_is_borrowed() {
    assert!(matches!(fold("project.update 42"), Cow::Borrowed(_)));
    assert!(matches!(fold("Project"), Cow::Owned(_)));
}

#[test]
fn folding_every_character_twice_changes_nothing() {
    for character in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
        let once = fold(character.encode_utf8(&mut [0; 4])).into_owned();
        assert_eq!(fold(&once), once, "U+{:04X}", u32::from(character));
    }
}

#[test]
fn the_version_names_both_tables() {
    let (major, _, _) = UNICODE_VERSION;
    assert!(major >= 15);
    assert!(FOLD_VERSION.to_string().starts_with("nfkd-"));
}

proptest::proptest! {
    #[test]
    fn folding_a_whole_is_folding_its_parts(a in ".{0,12}", b in ".{0,12}") {
        let whole = format!("{a}{b}");
        proptest::prop_assert_eq!(fold(&whole), format!("{}{}", fold(&a), fold(&b)));
    }
}
