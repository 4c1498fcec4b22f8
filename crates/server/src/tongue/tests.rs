use axum::http::{HeaderMap, HeaderValue, header};

use super::Tongue;

#[test]
fn both_languages_have_every_text_and_no_other() {
    // Reading fails on a missing or unknown key.
    for tongue in [Tongue::English, Tongue::German] {
        assert!(!tongue.words().print_title.is_empty());
    }
    assert_ne!(Tongue::English.words().print_title, Tongue::German.words().print_title);
}

#[test]
fn the_first_language_that_we_have_is_taken() {
    let asked = |list: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(list).expect("a header"));
        Tongue::asked(&headers).tag()
    };
    assert_eq!(asked("de-AT,de;q=0.9,en;q=0.8"), "de");
    assert_eq!(asked("fr, de;q=0.5"), "de");
    assert_eq!(asked("en-GB, de"), "en");
    assert_eq!(asked("fr"), "en");
    assert_eq!(Tongue::asked(&HeaderMap::new()).tag(), "en");
}

#[test]
fn no_template_has_a_text_of_its_own() {
    /// What is the same in every language.
    const NAMES: [&str; 3] = ["Proofbook", "UTC", "/openapi.json"];
    let templates = [
        ("console", include_str!("../../templates/console.html")),
        ("demo", include_str!("../../templates/demo.html")),
        ("home", include_str!("../../templates/home.html")),
        ("print", include_str!("../../templates/print.html")),
        ("shell", include_str!("../../templates/shell.html")),
        ("welcome", include_str!("../../templates/welcome.html")),
        ("words", include_str!("../../templates/words.html")),
    ];
    for (name, text) in templates {
        let mut rest = cut(&cut(text, "{{", "}}"), "{%", "%}");
        for attribute in ["aria-label=\"", "title=\"", "alt=\""] {
            let mut values =
                rest.split(attribute).skip(1).filter_map(|part| part.split('"').next());
            assert!(
                values.all(|value| !value.contains(char::is_alphabetic)),
                "{name}: {attribute}"
            );
        }
        // A command is the same in every language.
        rest = cut(&cut(&rest, "<pre>", "</pre>"), "<", ">");
        for own in NAMES {
            rest = rest.replace(own, "");
        }
        assert!(!rest.contains(char::is_alphabetic), "{name}: {}", rest.trim());
    }
}

/// Takes everything between two marks out of a text, with the marks.
fn cut(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}
