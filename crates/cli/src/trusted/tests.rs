use super::*;

#[test]
fn b4_lengths_of_time_are_numbers_with_a_unit() {
    let rows = [("90s", 90), ("15m", 900), ("36h", 129_600), ("2d", 172_800), ("0d", 0)];
    for (text, seconds) in rows {
        assert_eq!(duration(text), Ok(seconds * 1_000_000));
    }
    for text in ["", "d", "2", "2w", "-1d", "2 d", "999999999999999999d", "2dd", "é"] {
        assert!(duration(text).is_err(), "{text}");
    }
}
