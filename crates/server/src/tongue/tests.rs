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
