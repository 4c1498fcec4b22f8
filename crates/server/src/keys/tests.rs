use super::*;
use proofbook_store::config::Scope;
use proofbook_store::random::{SimRandom, SystemRandom};

fn stored(secret: &SecretKey) -> Key {
    Key {
        id: secret.public_id(),
        name: "test".to_owned(),
        secret_sha256: secret.sha256_hex(),
        scopes: vec![Scope::Read],
        workspaces: vec!["acme".to_owned()],
        created_at: 0,
        expires_at: None,
        revoked_at: None,
    }
}

fn config(keys: &[&Key]) -> Config {
    Config {
        keys: keys.iter().map(|key| (key.id.clone(), (*key).clone())).collect(),
        ..Config::default()
    }
}

#[test]
fn a_key_is_found_by_its_whole_text_alone() {
    let random = SimRandom::new(7);
    let (mine, other) = (SecretKey::generate(&random), SecretKey::generate(&random));
    let key = stored(&mine);
    let config = config(&[&key]);
    assert_eq!(mine.find(&config), Some(&key));
    assert_eq!(other.find(&config), None);
    // The right id with another secret, and every way to alter one character.
    let text = mine.reveal().to_owned();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
        let altered = SecretKey::parse(std::str::from_utf8(&bytes).expect("ASCII")).expect("form");
        assert_eq!(altered.find(&config), None, "character {at}");
    }
}

#[test]
fn the_form_is_prefix_public_id_and_256_bits() {
    let text = SecretKey::generate(&SystemRandom).reveal().to_owned();
    let mut parts = text.splitn(3, '_');
    assert_eq!(parts.next(), Some("pb"));
    assert_eq!(parts.next().map(str::len), Some(12));
    let secret = parts.next().expect("secret");
    assert_eq!(URL_SAFE_NO_PAD.decode(secret).expect("base64url").len(), 32);
}

#[test]
fn the_hash_is_the_published_one() {
    // SHA-256 of 24 letters a, from coreutils' sha256sum.
    let key = SecretKey::parse("aaaaaaaaaaaaaaaaaaaaaaaa").expect("form");
    assert_eq!(
        key.sha256_hex(),
        "09f61f8d9cd65e6a0c258087c485b6293541364e42bd97b2d7936580c8aa3c54"
    );
    assert!(key.public_id().starts_with("given-"));
}

#[test]
fn a_key_cannot_be_printed() {
    let key = SecretKey::generate(&SystemRandom);
    assert_eq!(format!("{key:?}"), "SecretKey(…)");
}

#[test]
fn texts_that_cannot_be_keys_are_refused() {
    for text in
        ["", "short", "with a space in it, long enough", "new\nline-long-enough-to-be-a-key"]
    {
        assert!(SecretKey::parse(text).is_err(), "{text:?}");
    }
    assert!(SecretKey::parse(&"k".repeat(257)).is_err());
}

#[test]
fn a_key_ends_when_it_expires_or_is_revoked() {
    let mut key = stored(&SecretKey::generate(&SystemRandom));
    assert!(is_live(&key, 10));
    key.expires_at = Some(10);
    assert!(is_live(&key, 9) && !is_live(&key, 10));
    key.expires_at = None;
    key.revoked_at = Some(5);
    assert!(!is_live(&key, 6));
}
