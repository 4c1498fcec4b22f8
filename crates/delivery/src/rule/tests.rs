use std::collections::BTreeMap;

use super::*;

/// The seven actions of which the page of ClickFunnels says "Notifications are sent for this event."
const SEVEN: [&str; 7] = [
    "mfa.disable",
    "mfa.enable",
    "payment_method.update",
    "payments_ai.access",
    "stripe_installation.create",
    "stripe_installation.destroy",
    "stripe_installation.update",
];

fn own(catalog: &str, notifications: Option<&Notifications>) -> Vec<String> {
    let catalog = Catalog::embedded(catalog).expect("embedded");
    let actions = owners_actions(&catalog, notifications);
    actions.into_iter().filter(|action| !WARNINGS.contains(&action.as_str())).collect()
}

#[test]
fn p4_the_owner_of_a_clickfunnels_workspace_is_told_of_exactly_seven_actions() {
    assert_eq!(own("clickfunnels-workspace", None), SEVEN);
    for preset in ["messagehub", "cloudfon-cx", "freshsales", "clienwork", "default"] {
        assert!(own(preset, None).is_empty(), "{preset}");
    }
}

#[test]
fn p8_every_action_can_be_switched_on_and_off() {
    let switches =
        BTreeMap::from([("mfa.enable".to_owned(), false), ("affiliate.ban".to_owned(), true)]);
    let mut notifications = Notifications { switches, ..Notifications::default() };
    let actions = own("clickfunnels-workspace", Some(&notifications));
    assert!(actions.contains(&"affiliate.ban".to_owned()));
    assert!(!actions.contains(&"mfa.enable".to_owned()));
    assert_eq!(actions.len(), 7);
    notifications.off = true;
    assert!(own("clickfunnels-workspace", Some(&notifications)).is_empty());
}

#[test]
fn p4_digests_are_due_at_full_hours_in_the_morning_and_on_mondays_of_the_zone() {
    let zone = |name: &str| TimeZone::get(name).expect("a zone");
    let at = |text: &str| text.parse::<Instant>().expect("a time").as_microsecond();
    // 2026-11-22 is a Sunday; the clocks of Berlin went back on 2026-10-25.
    for (mode, name, now, last, next) in [
        (
            Mode::Hourly,
            "UTC",
            "2026-11-22T09:30:00Z",
            "2026-11-22T09:00:00Z",
            "2026-11-22T10:00:00Z",
        ),
        (
            Mode::Hourly,
            "Asia/Kolkata",
            "2026-11-22T09:35:00Z",
            "2026-11-22T09:30:00Z",
            "2026-11-22T10:30:00Z",
        ),
        (
            Mode::Daily,
            "UTC",
            "2026-11-22T06:59:59Z",
            "2026-11-21T07:00:00Z",
            "2026-11-22T07:00:00Z",
        ),
        (
            Mode::Daily,
            "UTC",
            "2026-11-22T07:00:00Z",
            "2026-11-22T07:00:00Z",
            "2026-11-23T07:00:00Z",
        ),
        (
            Mode::Daily,
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            "2026-10-24T05:00:00Z",
            "2026-10-25T06:00:00Z",
        ),
        (
            Mode::Weekly,
            "UTC",
            "2026-11-22T09:30:00Z",
            "2026-11-16T07:00:00Z",
            "2026-11-23T07:00:00Z",
        ),
        (
            Mode::Weekly,
            "UTC",
            "2026-11-23T06:00:00Z",
            "2026-11-16T07:00:00Z",
            "2026-11-23T07:00:00Z",
        ),
    ] {
        let found = mode.boundaries(at(now), &zone(name));
        assert_eq!(found, Some((at(last), at(next))), "{mode:?} in {name} at {now}");
    }
    assert_eq!(Mode::Instant.boundaries(0, &TimeZone::UTC), None);
}
