use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use proofbook_store::random::SimRandom;

use super::*;

/// The example of the Standard Webhooks reference libraries, whose result does not come from this code.
#[test]
fn p7_the_specifications_own_example_is_signed_the_same() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = br#"{"test": 2432232314}"#;
    assert_eq!(
        signatures(&[secret], id, 1_614_265_330, body),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn p7_a_receiver_with_the_public_key_alone_can_check() {
    let secret = Secret::generate(Scheme::Ed25519, &SimRandom::new(1));
    let public = secret.for_receiver();
    let bytes =
        STANDARD.decode(public.strip_prefix(PUBLIC_PREFIX).expect("prefix")).expect("base64");
    let key = VerifyingKey::from_bytes(&bytes.try_into().expect("32 bytes")).expect("a key");
    let header = signatures(&[secret], "msg_1", 1_700_000_000, b"{}");
    let signature = STANDARD.decode(header.strip_prefix("v1a,").expect("v1a")).expect("base64");
    let signature = Signature::from_slice(&signature).expect("64 bytes");
    assert!(key.verify(b"msg_1.1700000000.{}", &signature).is_ok());
    assert!(key.verify(b"msg_1.1700000001.{}", &signature).is_err());
}

#[test]
fn p7_while_secrets_are_rotated_both_sign() {
    let random = SimRandom::new(2);
    let (new, old) =
        (Secret::generate(Scheme::Hmac, &random), Secret::generate(Scheme::Hmac, &random));
    let both = signatures(&[new.clone(), old.clone()], "msg_1", 1, b"x");
    let alone = |secret: &Secret| signatures(std::slice::from_ref(secret), "msg_1", 1, b"x");
    assert_eq!(both, format!("{} {}", alone(&new), alone(&old)));
}

#[test]
fn secrets_are_written_and_read_and_never_printed() {
    for scheme in [Scheme::Hmac, Scheme::Ed25519] {
        let secret = Secret::generate(scheme, &SimRandom::new(3));
        let again = Secret::parse(&secret.reveal()).expect("what was written is read");
        assert_eq!(again.reveal(), secret.reveal());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
    for bad in ["", "whsec_", "whsec_AAAA", "whsk_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(Secret::parse(bad).is_none(), "{bad}");
    }
}
