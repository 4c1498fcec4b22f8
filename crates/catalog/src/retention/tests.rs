use super::*;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("the test's time is RFC 3339")
}

#[test]
fn a4_days_are_24_hours_and_years_are_calendar_years() {
    for (keep, now, expected) in [
        ("30d", "2026-11-22T09:30:00Z", Some("2026-10-23T09:30:00Z")),
        ("90d", "2026-11-22T09:30:00Z", Some("2026-08-24T09:30:00Z")),
        ("1y", "2026-11-22T09:30:00.000001Z", Some("2025-11-22T09:30:00.000001Z")),
        // 2024 is a leap year: 366 days lie between.
        ("1y", "2024-12-31T00:00:00Z", Some("2023-12-31T00:00:00Z")),
        ("1y", "2024-02-28T23:59:59Z", Some("2023-02-28T23:59:59Z")),
        ("1y", "2024-02-29T00:00:00Z", Some("2023-03-01T00:00:00Z")),
        ("1y", "2024-02-29T12:00:00Z", Some("2023-03-01T00:00:00Z")),
        ("1y", "2024-03-01T00:00:01Z", Some("2023-03-01T00:00:01Z")),
        ("4y", "2024-02-29T12:00:00Z", Some("2020-02-29T12:00:00Z")),
        ("1y", "2025-02-28T12:00:00Z", Some("2024-02-28T12:00:00Z")),
        ("1y", "2025-03-01T00:00:00Z", Some("2024-03-01T00:00:00Z")),
        ("7y", "2026-11-22T00:00:00Z", Some("2019-11-22T00:00:00Z")),
        ("unlimited", "2026-11-22T09:30:00Z", None),
    ] {
        let keep: Keep = keep.parse().expect("the test's retention parses");
        assert_eq!(keep.cutoff(time(now)), expected.map(time), "{keep} at {now}");
    }
}

#[test]
fn p1_what_is_gone_does_not_come_back_as_time_goes_on() {
    for keep in ["1y", "2y", "3y", "4y", "90d", "40s"] {
        let keep: Keep = keep.parse().expect("the test's retention parses");
        let mut before = None;
        // Six years with two leap days, every seven hours and eleven seconds.
        let mut now = time("2023-01-01T00:00:00Z");
        while now < time("2029-01-01T00:00:00Z") {
            let cutoff = keep.cutoff(now).expect("it ends");
            assert!(before.is_none_or(|before| before <= cutoff), "{keep} at {now}");
            before = Some(cutoff);
            now = Timestamp::from_micros(now.micros() + 25_211_000_000);
        }
    }
}

#[test]
fn a4_durations_are_read_strictly_and_written_as_read() {
    for text in ["1d", "30d", "36500d", "1y", "10y", "unlimited"] {
        assert_eq!(text.parse::<Keep>().expect(text).to_string(), text);
    }
    for text in [
        "",
        "d",
        "30",
        "0d",
        "-1d",
        "+1d",
        "1.5y",
        "30 d",
        "30D",
        "36501d",
        "1m",
        "forever",
        "é",
        "9999999999d",
    ] {
        assert!(text.parse::<Keep>().is_err(), "{text:?}");
    }
}

#[test]
fn a4_cutoff_at_the_end_of_time_stays_in_range() {
    assert_eq!(Keep::Years(36_500).cutoff(time("2026-11-22T00:00:00Z")), Some(Timestamp::MIN));
    assert_eq!(Keep::Days(36_500).cutoff(Timestamp::MIN), Some(Timestamp::MIN));
}

#[test]
fn a4_what_happened_to_the_log_itself_outlives_retention() {
    for (action, expected) in [
        ("audit_log.purged", true),
        ("audit_log.erased", true),
        ("audit_log.hold_placed", true),
        ("audit_log.key_created", true),
        ("audit_log.origin_changed", true),
        ("audit_log.viewed", false),
        ("audit_log.exported", false),
        ("project.purged", false),
        ("purged", false),
    ] {
        assert_eq!(outlives_retention(action), expected, "{action}");
    }
}

#[test]
fn a4_workspace_without_a_known_plan_is_on_the_default() {
    let mut retention = Retention::default();
    assert_eq!(retention.keep(Some("pro")), Keep::Unlimited);
    retention.plans.insert("free".to_owned(), Keep::Days(30));
    assert_eq!(retention.keep(Some("pro")), Keep::Unlimited);
    retention.default = Some("free".to_owned());
    assert_eq!(retention.keep(Some("pro")), Keep::Days(30));
    assert_eq!(retention.keep(None), Keep::Days(30));
}

#[test]
fn p6_the_end_of_an_event_is_the_first_moment_at_which_it_is_outside() {
    for (keep, from, expected) in [
        (Keep::Seconds(10), "2026-11-22T09:30:00Z", "2026-11-22T09:30:10.000001Z"),
        (Keep::Days(30), "2026-10-31T09:30:00Z", "2026-11-30T09:30:00.000001Z"),
        (Keep::Years(1), "2026-11-22T09:30:00Z", "2027-11-22T09:30:00.000001Z"),
        (Keep::Years(1), "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
        (Keep::Years(4), "2024-02-29T12:00:00Z", "2028-02-29T12:00:00.000001Z"),
    ] {
        let (from, end) = (time(from), time(expected));
        assert_eq!(keep.end(from), Some(end), "{keep} from {from}");
        assert!(keep.cutoff(end) > Some(from), "{keep}: outside at {end}");
        let before = Timestamp::from_micros(end.micros() - 1);
        assert!(keep.cutoff(before) <= Some(from), "{keep}: inside at {before}");
    }
    assert_eq!(Keep::Unlimited.end(time("2026-11-22T09:30:00Z")), None);
}
