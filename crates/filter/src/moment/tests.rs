//! Times against moments written by hand.

use super::*;

fn context(now: &str, zone: &str) -> ResolveContext {
    let zone = TimeZone::get(zone).expect("a zone of the bundled database");
    ResolveContext { now: Timestamp::parse(now).expect("an RFC 3339 time"), zone }
}

/// Checks first and last microsecond, given as RFC 3339.
fn check(text: &str, zone: &str, first: &str, last: &str) {
    let window = TimeExpr::parse(text).expect(text).resolve(&context("2026-11-22T09:30:00Z", zone));
    let print = |micros| Timestamp::from_micros(micros).to_string();
    assert_eq!(
        (print(window.first), print(window.last)),
        (first.to_owned(), last.to_owned()),
        "{text} in {zone}"
    );
}

#[test]
fn dates_cover_their_whole_in_the_readers_zone() {
    check("2026", "UTC", "2026-01-01T00:00:00.000000Z", "2026-12-31T23:59:59.999999Z");
    check("2026-02", "UTC", "2026-02-01T00:00:00.000000Z", "2026-02-28T23:59:59.999999Z");
    check(
        "2026-11-22",
        "Europe/Berlin",
        "2026-11-21T23:00:00.000000Z",
        "2026-11-22T22:59:59.999999Z",
    );
    check(
        "2026-11-22",
        "America/New_York",
        "2026-11-22T05:00:00.000000Z",
        "2026-11-23T04:59:59.999999Z",
    );
    check("2026-11-22T09", "UTC", "2026-11-22T09:00:00.000000Z", "2026-11-22T09:59:59.999999Z");
    check(
        "2026-11-22T09:30",
        "Asia/Kolkata",
        "2026-11-22T04:00:00.000000Z",
        "2026-11-22T04:00:59.999999Z",
    );
    check("today", "Asia/Tokyo", "2026-11-21T15:00:00.000000Z", "2026-11-22T14:59:59.999999Z");
    check("yesterday", "UTC", "2026-11-21T00:00:00.000000Z", "2026-11-21T23:59:59.999999Z");
}

#[test]
fn days_of_a_clock_change_are_23_and_25_hours() {
    check(
        "2026-03-29",
        "Europe/Berlin",
        "2026-03-28T23:00:00.000000Z",
        "2026-03-29T21:59:59.999999Z",
    );
    check(
        "2026-10-25",
        "Europe/Berlin",
        "2026-10-24T22:00:00.000000Z",
        "2026-10-25T22:59:59.999999Z",
    );
    check(
        "2026-10-25T02",
        "Europe/Berlin",
        "2026-10-25T00:00:00.000000Z",
        "2026-10-25T01:59:59.999999Z",
    );
    // Midnight does not exist on this day in Beirut: the day begins at 01:00.
    check(
        "2026-03-29",
        "Asia/Beirut",
        "2026-03-28T22:00:00.000000Z",
        "2026-03-29T20:59:59.999999Z",
    );
}

#[test]
fn times_with_an_offset_do_not_depend_on_the_zone() {
    let (first, last) = ("2026-11-22T09:30:00.000000Z", "2026-11-22T09:30:00.999999Z");
    check("2026-11-22T09:30:00Z", "Asia/Tokyo", first, last);
    check("2026-11-22T10:30:00+01:00", "Asia/Tokyo", first, last);
    check("2026-11-22t04:00:00-05:30", "Asia/Tokyo", first, last);
    check("2026-11-22T09:30Z", "Asia/Tokyo", first, "2026-11-22T09:30:59.999999Z");
    check(
        "2026-11-22T09:30:00.25Z",
        "UTC",
        "2026-11-22T09:30:00.250000Z",
        "2026-11-22T09:30:00.250000Z",
    );
    check(
        "2026-11-22T09:30:00.1234567",
        "UTC",
        "2026-11-22T09:30:00.123456Z",
        "2026-11-22T09:30:00.123456Z",
    );
}

#[test]
fn relative_times_count_from_now() {
    for (text, moment) in [
        ("now", "2026-11-22T09:30:00.000000Z"),
        ("now-15m", "2026-11-22T09:15:00.000000Z"),
        ("now-1h", "2026-11-22T08:30:00.000000Z"),
        ("now-7d", "2026-11-15T09:30:00.000000Z"),
        ("now-2w", "2026-11-08T09:30:00.000000Z"),
        ("now-9M", "2026-02-22T09:30:00.000000Z"),
        ("now-1y", "2025-11-22T09:30:00.000000Z"),
        ("now+1d", "2026-11-23T09:30:00.000000Z"),
        ("now-999999y", "0001-01-01T00:00:00.000000Z"),
        ("now+999999y", "9999-12-31T23:59:59.999999Z"),
        ("NOW-7d", "2026-11-15T09:30:00.000000Z"),
    ] {
        check(text, "Europe/Berlin", moment, moment);
    }
}

#[test]
fn the_end_of_a_range_takes_its_day_but_only_its_second() {
    let context = context("2026-11-22T09:30:00Z", "UTC");
    let as_end = |text: &str| {
        Timestamp::from_micros(TimeExpr::parse(text).expect(text).resolve(&context).last_as_end)
            .to_string()
    };
    assert_eq!(as_end("2026-11-22"), "2026-11-22T23:59:59.999999Z");
    assert_eq!(as_end("2026-11-22T09:30"), "2026-11-22T09:30:59.999999Z");
    assert_eq!(as_end("2026-11-22T09:30:00Z"), "2026-11-22T09:30:00.000000Z");
}

#[test]
fn the_edges_of_the_calendar_are_kept() {
    check("9999", "UTC", "9999-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z");
    check("0001-01-01", "Asia/Tokyo", "0001-01-01T00:00:00.000000Z", "0001-01-01T14:41:00.999999Z");
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "20",
        "2026-13",
        "2026-02-30",
        "2026-11-22T",
        "2026-11-22T24",
        "2026-11-22T9:30",
        "0000-01-01",
        "2026-11-22T09Z",
        "2026-11T09:30",
        "2026-11-22T09:30:00.",
        "2026-11-22T09:30:00.1234567890",
        "2026/11/22",
        "now7d",
        "now-7",
        "now-d",
        "now-7D",
        "now-1234567d",
        "noww",
        "2026-11-22T09:30+1:00",
        "2026-11-22T09:30:00+25:00",
        "２０２６",
        "tomorrow-ish",
    ] {
        assert_eq!(TimeExpr::parse(text), None, "{text}");
    }
}
