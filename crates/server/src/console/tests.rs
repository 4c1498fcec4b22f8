use axum::http::{HeaderMap, HeaderName, HeaderValue};
use proofbook_store::config::Config;
use proofbook_store::random::SimRandom;

use super::*;

const SECOND: i64 = 1_000_000;

fn console() -> Console {
    Console::begin(&Config::default(), &SimRandom::new(1))
}

#[test]
fn the_setup_link_is_shown_once_and_works_until_it_is_ended() {
    let console = console();
    let secret = console.take_setup_secret().expect("there is no operator");
    assert_eq!(console.take_setup_secret(), None);
    assert!(console.is_setup_secret(&secret) && !console.is_setup_secret("another"));
    console.end_setup();
    assert!(!console.is_setup_secret(&secret) && !console.awaits_setup());
}

#[test]
fn the_eleventh_attempt_after_ten_wrong_ones_in_a_minute_is_refused() {
    let console = console();
    for at in 0..10 {
        assert!(console.check_attempt("ada", at * SECOND).is_ok(), "{at}");
        console.note_wrong("ada", at * SECOND);
    }
    let refused = console.check_attempt("ada", 10 * SECOND).expect_err("the eleventh");
    assert_eq!((refused.code, refused.retry_after_seconds), (Code::TooManyAttempts, Some(51)));
    assert!(console.check_attempt("bob", 10 * SECOND).is_ok());
    assert!(console.check_attempt("ada", 60 * SECOND).is_ok());
}

#[test]
fn guessing_many_names_is_slowed_down_too() {
    let console = console();
    for index in 0..100 {
        console.note_wrong(&format!("name-{index}"), 0);
    }
    assert!(console.check_attempt("ada", SECOND).is_err());
    assert!(console.check_attempt("ada", 61 * SECOND).is_ok());
}

#[test]
fn a_session_ends_by_itself_and_by_signing_out() {
    let (console, random) = (console(), SimRandom::new(2));
    let cookie = console.sign_in("operator-ada", 0, &random);
    let whose = |at: i64| console.operator(&cookie, at);
    assert_eq!(whose(3599 * SECOND).as_deref(), Some("operator-ada"));
    assert_eq!(whose(7198 * SECOND).as_deref(), Some("operator-ada"));
    assert_eq!(whose((7198 + 3600) * SECOND), None);
    let cookie = console.sign_in("operator-ada", 0, &random);
    for hour in 0..24 {
        let alive = console.operator(&cookie, hour * 1800 * SECOND).is_some();
        assert_eq!(alive, hour < 24, "{hour}");
    }
    assert_eq!(console.operator(&cookie, 12 * 3600 * SECOND), None);
    let cookie = console.sign_in("operator-ada", 0, &random);
    console.sign_out(&cookie);
    assert_eq!(console.operator(&cookie, 1), None);
    assert_eq!(console.operator("", 1), None);
}

#[test]
fn a_password_is_known_by_its_hash_alone() {
    let random = SimRandom::new(3);
    let hash = hash_password("correct horse battery", &random).expect("a hash");
    assert!(hash.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{hash}");
    assert!(is_password("correct horse battery", Some(&hash)));
    assert!(!is_password("correct horse batterz", Some(&hash)));
    assert!(!is_password("correct horse battery", None));
    // The hash of a key's text is no password's.
    assert!(!is_password(
        "x",
        Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    ));
}

#[test]
fn a_name_that_is_not_known_costs_a_hash_as_well() {
    let hasher = hasher().expect("our bounds are right");
    // Not a text that cannot be read, which would be refused at once.
    let refused = hasher.verify_password(b"any", NOBODY);
    assert_eq!(refused, Err(argon2::password_hash::Error::PasswordInvalid));
}

#[test]
fn requests_of_other_sites_are_refused() {
    let check = |headers: &[(&str, &str)], is_safe: bool| {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        check_site(&map, is_safe).is_ok()
    };
    type Row = (&'static [(&'static str, &'static str)], bool, bool);
    const HOST: (&str, &str) = ("host", "audit.example");
    let rows: [Row; 8] = [
        (&[HOST, ("sec-fetch-site", "same-origin")], true, true),
        (
            &[HOST, ("sec-fetch-site", "same-origin"), ("origin", "https://audit.example")],
            true,
            true,
        ),
        (
            &[HOST, ("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
            false,
            false,
        ),
        (&[HOST, ("sec-fetch-site", "same-site")], false, false),
        (&[HOST, ("sec-fetch-site", "cross-site")], false, false),
        (&[HOST, ("sec-fetch-site", "none")], true, false),
        (&[HOST, ("origin", "null")], false, false),
        (&[HOST], true, false),
    ];
    for (headers, reads, changes) in rows {
        assert_eq!(check(headers, true), reads, "{headers:?}");
        assert_eq!(check(headers, false), changes, "{headers:?}");
    }
}

#[test]
fn the_cookie_is_found_among_others() {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_static("a=b; __Host-proofbook=xyz; c=d"));
    assert_eq!(session_of(&headers), Some("xyz"));
    headers.insert(header::COOKIE, HeaderValue::from_static("proofbook=xyz"));
    assert_eq!(session_of(&headers), None);
}
