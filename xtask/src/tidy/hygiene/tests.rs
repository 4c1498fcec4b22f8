use super::*;

/// True when the line is refused.
fn is_refused(line: &str) -> bool {
    !check(&Tree::of(&[("a.md", line)])).is_empty()
}

#[test]
fn markers_are_whole_words_in_capitals() {
    for word in MARKERS {
        assert!(is_refused(word), "{word}");
        assert!(is_refused(&format!("// {word}: later")), "{word}");
        assert!(!is_refused(&format!("{word}S")), "{word}");
        assert!(!is_refused(&format!("A{word}")), "{word}");
        assert!(!is_refused(&word.to_lowercase()), "{word}");
    }
}

#[test]
fn macros_of_unfinished_work_are_refused() {
    for name in MACROS {
        assert!(is_refused(&format!("    {name}x);")), "{name}");
        assert!(!is_refused(&format!("my{name}x);")), "{name}");
    }
}

#[test]
fn paths_of_one_machine_are_refused_and_addresses_are_not() {
    for path in MACHINE_PATHS {
        assert!(is_refused(&format!("see {path}ada/proofbook")), "{path}");
        assert!(is_refused(&format!("dir=\"{path}ada\"")), "{path}");
        assert!(!is_refused(&format!("https://app.example{path}ada")), "{path}");
    }
}

#[test]
fn leftovers_are_refused_in_any_case() {
    for phrase in PHRASES {
        assert!(is_refused(&format!("{phrase}x")), "{phrase}");
        assert!(is_refused(&format!("{}x", phrase.to_uppercase())), "{phrase}");
    }
}

#[test]
fn plain_text_is_fine_and_a_fault_has_its_line() {
    assert!(!is_refused("The store keeps what it acknowledged; a private key never leaves it."));
    let text = format!("fine\n{}\n", MARKERS[0]);
    assert_eq!(check(&Tree::of(&[("a.md", &text)]))[0].place, "a.md:2");
}

#[test]
fn a_private_key_may_stand_in_a_test_only() {
    let key = format!("-----BEGIN {}", KEY_HEADER.to_uppercase());
    let places = |path| check(&Tree::of(&[(path, &key)])).len();
    assert_eq!((places("docs/a.md"), places("crates/catalog/src/mask/tests.rs")), (1, 0));
}
