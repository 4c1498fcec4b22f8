use super::*;

#[test]
fn a_key_has_its_places_for_new_workspaces_again_in_the_next_hour() {
    let newcomers = Newcomers::default();
    let now = 5 * HOUR_MICROS;
    assert!(newcomers.take("a", now, 2));
    assert!(newcomers.take("a", now + 1, 2));
    assert!(!newcomers.take("a", now + 2, 2));
    assert!(newcomers.take("b", now + 2, 2), "another key has its own");
    assert!(newcomers.take("a", now + HOUR_MICROS, 2));
}

#[test]
fn a_deed_is_noted_once_in_a_quarter_of_an_hour() {
    let noted = Noted::default();
    assert!(noted.is_due("ada", "acme", 0));
    assert!(!noted.is_due("ada", "acme", NOTE_MICROS - 1));
    assert!(noted.is_due("ada", "other", 1));
    assert!(noted.is_due("bob", "acme", 1));
    assert!(noted.is_due("ada", "acme", NOTE_MICROS));
}
