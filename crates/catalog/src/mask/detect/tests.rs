//! A4: the forms of keys. Keys are put together here from parts, so that no tool takes this file for
//! a leak; each has the form that its issuer documents.

use proptest::prelude::Strategy as _;

use super::*;

/// Characters of a key's random part: letters of both cases and digits, `length` of them.
fn random(length: usize) -> String {
    "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xYz".chars().cycle().take(length).collect()
}

fn keys() -> Vec<String> {
    let upper = random(16).to_uppercase();
    let jwt = format!("eyJ{}.eyJ{}.{}", random(30), random(40), random(43));
    vec![
        format!("AKIA{upper}"),
        format!("ghp_{}", random(36)),
        format!("gho_{}", random(36)),
        format!("github_pat_{}_{}", random(22), random(59)),
        format!("glpat-{}", random(20)),
        format!("sk_live_{}", random(24)),
        format!("sk_test_{}", random(24)),
        format!("rk_live_{}", random(24)),
        format!("whsec_{}", random(32)),
        format!("sk-proj-{}", random(40)),
        format!("xoxb-{}-{}", "123456789012", random(24)),
        format!("xoxp-{}-{}", "123456789012", random(24)),
        format!("AIza{}", random(35)),
        format!("SG.{}.{}", random(22), random(43)),
        format!("npm_{}", random(36)),
        format!("hvs.{}", random(90)),
        format!("pb_{}", random(32)),
        format!("pb_live_{}", random(32)),
        jwt,
        "4242-4242-4242-4242".to_owned(),
        "4242 4242 4242 4242".to_owned(),
        "3782 822463 10005".to_owned(),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", random(64)),
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", random(200)),
    ]
}

/// Finds the one key of a text.
#[track_caller]
fn only(text: &str) -> Range<usize> {
    let found = secrets(text);
    assert_eq!(found.len(), 1, "{text}");
    found[0].clone()
}

#[test]
fn a4_each_form_is_found_alone_and_inside_a_text() {
    for key in keys() {
        for (before, after) in [
            ("", ""),
            ("the key ", " was rotated"),
            ("key=", ";"),
            ("\"", "\","),
            ("a much longer text, of ordinary words, stands before: ", ""),
            ("ä ö ü ", " é"),
        ] {
            let text = format!("{before}{key}{after}");
            let expected = before.len()..before.len() + key.len();
            assert_eq!(only(&text), expected, "{text}");
        }
    }
}

#[test]
fn a4_each_form_is_found_at_every_offset() {
    // The search strides; a key must be met whatever the stride's phase is.
    for key in keys() {
        for offset in 0..40 {
            let text = format!("{} {key}", "x ".repeat(20).split_at(offset).0.trim_end());
            let begin = text.len() - key.len();
            assert_eq!(only(&text), begin..text.len(), "offset {offset}: {text}");
        }
    }
}

#[test]
fn a4_keys_behind_each_other_are_all_found() {
    let text = keys().join(" then ");
    let found: Vec<&str> = secrets(&text).into_iter().map(|span| &text[span]).collect();
    assert_eq!(found, keys());
    let urls = "https://a:one@x.example/?password=two&b=3&pin=four https://c:five@x.example";
    let found: Vec<&str> = secrets(urls).into_iter().map(|span| &urls[span]).collect();
    assert_eq!(found, ["one", "two", "four", "five"]);
}

#[test]
fn a4_a_key_inside_another_is_one() {
    let jwt = keys().into_iter().find(|key| key.starts_with("eyJ")).expect("one is a JWT");
    let text = format!("Bearer {jwt}");
    assert_eq!(only(&text), 7..text.len(), "{text}");
    let text = format!("https://x.example/?access_token={jwt}");
    assert_eq!(only(&text), text.len() - jwt.len()..text.len(), "{text}");
}

#[test]
fn a4_bearer_credentials_and_passwords_in_addresses_are_found() {
    let token = random(30);
    for (text, secret) in [
        (format!("Authorization: Bearer {token}"), token.clone()),
        (format!("curl -H 'authorization: bearer {token}==' x"), format!("{token}==")),
        ("postgres://app:hunter2@db.example/main".to_owned(), "hunter2".to_owned()),
        ("see https://u:p%40ss@example.com/x now".to_owned(), "p%40ss".to_owned()),
        (format!("https://a.example/cb?state=1&access_token={token}&x=2"), token.clone()),
        ("https://a.example/cb?password=hunter2".to_owned(), "hunter2".to_owned()),
        (format!("https://s3.example/o?X-Amz-Signature={token}"), token.clone()),
        (
            format!("https://hooks.slack.com/services/T00000000/B00000000/{}", random(24)),
            random(24),
        ),
        (format!("https://a.example/ and https://b.example/?api_key={token}"), token),
    ] {
        let found: Vec<&str> = secrets(&text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found, [secret], "{text}");
    }
}

#[test]
fn a4_ordinary_texts_hold_no_key() {
    for text in [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
        "550e8400-e29b-41d4-a716-446655440000",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "https://app.acme.example/projects/42?tab=members&page=2",
        "https://user@example.com/inbox",
        "mailto:ada.park@acme.example",
        "arn:aws:iam::123837392027:user/benjamin",
        "0193a5c2-7b1e-7c3d-9f00-0123456789ab",
        "the bearer of this letter is authorised",
        "Bearer authentication-is-required",
        "+49 170 1234 5678 9012",
        "1234 5678 9012 3456",
        "2026-11-22T09:30:00.123456Z",
        "sk-learn-pipeline-with-a-very-long-name-indeed",
        "pb_project_settings_version_two",
        "eyJustAWordThatBeginsLikeThis",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ0aGVyZSBpcyBub3RoaW5n\n-----END CERTIFICATE-----",
        "AKIA is how such ids begin",
        "xox",
        "",
        "ГОСТ 4242 ГОСТ 4242 ГОСТ 4242",
    ] {
        assert!(secrets(text).is_empty(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn a4_any_text_is_searched_and_every_range_lies_on_characters(
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                ".{0,12}",
                "[A-Za-z0-9_-]{10,60}",
                "[0-9 -]{10,30}",
                proptest::sample::select(vec![
                    "://", "@", "?token=", "Bearer ", "SG.", "eyJ", "AKIA", "-----BEGIN ", "-----",
                    "PRIVATE KEY-----", "-----END ", "ä", ":", "4242 4242 4242 4242", "hvs.",
                ]).prop_map(str::to_owned),
            ],
            0..12,
        )
    ) {
        let text = parts.concat();
        let mut last = 0;
        for span in secrets(&text) {
            proptest::prop_assert!(span.start >= last && span.start < span.end, "{span:?} in {text:?}");
            proptest::prop_assert!(text.get(span.clone()).is_some(), "{span:?} in {text:?}");
            last = span.end;
        }
    }
}
