use super::*;

#[test]
fn a_missed_gate_is_said_whatever_the_goal() {
    let measure = |value| {
        Measure::new("x", value, "ms").bounds(Bound::AtMost(2.0), Bound::AtMost(1.0)).verdict()
    };
    assert_eq!(measure(0.5), "goal reached");
    assert_eq!(measure(1.5), "gate holds");
    assert_eq!(measure(2.5), "GATE MISSED");
    assert_eq!(Measure::new("x", 1.0, "ms").verdict(), "");
    let rate = Measure::new("x", 90_000.0, "events/s")
        .bounds(Bound::AtLeast(100_000.0), Bound::AtLeast(130_000.0));
    assert_eq!(rate.passes(), Some(false));
}

#[test]
fn figures_have_three_digits() {
    let rows =
        [(0.0, "0"), (0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (123_456.7, "123457")];
    for (value, text) in rows {
        assert_eq!(short(value), text);
    }
}
