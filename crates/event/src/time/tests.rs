use super::*;

#[test]
fn six_fraction_digits_are_written_whatever_was_read() {
    for (input, expected) in [
        ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00.000000Z"),
        ("2026-11-22T09:30:00.1Z", "2026-11-22T09:30:00.100000Z"),
        ("2026-11-22T09:30:00.123456789Z", "2026-11-22T09:30:00.123456Z"),
        ("2026-11-22T10:30:00.123456+01:00", "2026-11-22T09:30:00.123456Z"),
        ("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ] {
        assert_eq!(Timestamp::parse(input).map(|t| t.to_string()), Ok(expected.to_owned()));
    }
}

#[test]
fn what_is_not_rfc_3339_is_refused() {
    for input in [
        "",
        "2026-11-22",
        "2026-11-22 09:30:00Z",
        "2026-11-22T09:30:00",
        "2023-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "1700000000",
        "2026-11-22T09:30:00.Z",
        "2026-11-22T09:30:00Z[Europe/Berlin]",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ] {
        assert!(Timestamp::parse(input).is_err(), "{input:?} was read");
    }
}

#[test]
fn our_calendar_agrees_with_the_time_library() {
    let mut micros = Timestamp::MIN.micros();
    while micros < Timestamp::MAX.micros() {
        let ours = Timestamp::from_micros(micros);
        let theirs = ours.to_jiff().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        assert_eq!(ours.to_string(), theirs);
        assert_eq!(Timestamp::parse(&theirs), Ok(ours));
        micros += 12_345_678_901_234_567 / 40;
    }
}
