use super::*;

#[test]
fn a4_names_are_judged_by_their_last_word() {
    use NameClass::{Always, Card, Cookie, Plain, Tell};
    for (name, expected) in [
        ("password", Always),
        ("Password", Always),
        ("new_password", Always),
        ("newPassword", Always),
        ("userpassword", Always),
        ("db-password", Always),
        ("password2", Always),
        ("pass", Always),
        ("passwd", Always),
        ("clientSecret", Always),
        ("client_secret", Always),
        ("secret", Always),
        ("pin", Always),
        ("CVC", Always),
        ("card_cvv2", Always),
        ("recovery_codes", Always),
        ("token", Tell),
        ("accessToken", Tell),
        ("accesstoken", Tell),
        ("X-Amz-Security-Token", Tell),
        ("api_key", Tell),
        ("apiKey", Tell),
        ("apikey", Tell),
        ("APIKey", Tell),
        ("x-api-key", Tell),
        ("private_key", Tell),
        ("secret.key", Tell),
        ("Authorization", Tell),
        ("password_hash", Tell),
        ("credentials", Tell),
        ("cookie", Cookie),
        ("Set-Cookie", Cookie),
        ("card_number", Card),
        ("cardNumber", Card),
        ("credit_card", Card),
        ("name", Plain),
        ("id", Plain),
        ("", Plain),
        ("key", Plain),
        ("primary_key", Plain),
        ("foreign_key", Plain),
        ("object_key", Plain),
        ("password_changed_at", Plain),
        ("passwordPolicy", Plain),
        ("next_token", Plain),
        ("nextToken", Plain),
        ("clientToken", Plain),
        ("clientRequestToken", Plain),
        ("description", Plain),
        ("notification", Plain),
        ("number", Plain),
        ("order_number", Plain),
        ("phone_number", Plain),
        ("compass", Plain),
        ("opinion", Plain),
        ("spin", Plain),
        ("token_count", Plain),
        ("secretary", Plain),
        ("session_id", Plain),
        ("request_id", Plain),
        ("postcode", Plain),
        ("country_code", Plain),
        ("standard", Plain),
        ("commit_hash", Plain),
    ] {
        assert_eq!(class_of(name), expected, "{name}");
    }
    let long = format!("{}_password", "x".repeat(500));
    assert_eq!(class_of(&long), Always);
}

#[test]
fn a4_random_looking_is_long_without_blanks_and_of_many_characters() {
    for (text, expected) in [
        ("9f86d081884c7d659a2feaa0c55ad015", true),
        ("550e8400-e29b-41d4-a716-446655440000", true),
        ("dGhpcyBpcyBhIHNlY3JldA==", true),
        ("QWxhZGRpbjpvcGVuU2VzYW1l", true),
        ("short1A", false),
        ("aaaaaaaaaaaaaaaaaaaaaaaa1A", false),
        ("a sentence about 20 tokens", false),
        ("https://example.com/callback/2026", false),
        ("project_settings_token_name", false),
        ("", false),
    ] {
        assert_eq!(looks_random(text), expected, "{text}");
    }
}

#[test]
fn a4_card_numbers_have_a_network_a_length_and_a_check_digit() {
    // The networks' published test numbers.
    for number in [
        "4242424242424242",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "30569309025904",
        "3566002020360505",
        "6205500000000000004",
        "4242 4242 4242 4242",
        "3782-822463-10005",
    ] {
        assert!(is_card_number(number), "{number}");
    }
    for number in [
        "4242424242424241",
        "1234567890123452",
        "9999999999999995",
        "424242424242",
        "42424242424242424242",
        "4242x242424242424",
        "",
        "0000000000000000",
    ] {
        assert!(!is_card_number(number), "{number}");
    }
}
