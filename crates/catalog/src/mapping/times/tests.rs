//! Time forms, against moments written by hand.

use super::*;

fn read(forms: &[&str], value: Value<'static>) -> Option<(String, bool)> {
    let forms = forms.iter().map(|form| TimeForm::parse(form).unwrap()).collect();
    let read = Times { forms, zone: TimeZone::UTC }.read(&value)?;
    Some((read.moment.to_string(), read.lossless))
}

#[test]
fn each_form_reads_its_times() {
    // 1688989338 is 2023-07-10T11:42:18Z (date -u -d @1688989338).
    let seconds = "2023-07-10T11:42:18";
    let millis = Value::Int(1_688_989_338_123);
    for (form, value, expected, lossless) in [
        ("rfc3339", Value::from("2023-07-10T11:42:18Z"), ".000000Z", true),
        ("rfc3339", Value::from("2023-07-10T13:42:18.5+02:00"), ".500000Z", false),
        ("rfc3339", Value::from("2023-07-10T11:42:18.123456789Z"), ".123456Z", false),
        ("rfc3339", Value::from("2023-07-10 11:42:18Z"), ".000000Z", true),
        ("unix_s", Value::Int(1_688_989_338), ".000000Z", true),
        ("unix_s", Value::from("1688989338.25"), ".250000Z", true),
        ("unix_s", Value::Float(1_688_989_338.5), ".500000Z", true),
        ("unix_ms", millis, ".123000Z", true),
        ("unix_us", Value::from("1688989338123456"), ".123456Z", true),
        ("unix_ns", Value::from("1688989338123456789"), ".123456Z", false),
        ("%d/%b/%Y:%H:%M:%S %z", Value::from("10/Jul/2023:13:42:18 +0200"), ".000000Z", false),
        ("%Y-%m-%d %H:%M:%S", Value::from("2023-07-10 11:42:18"), ".000000Z", false),
    ] {
        let expected = format!("{seconds}{expected}");
        assert_eq!(read(&[form], value), Some((expected, lossless)), "{form}");
    }
}

#[test]
fn the_first_form_that_fits_wins() {
    let both = ["rfc3339", "unix_ms"];
    assert_eq!(read(&both, Value::Int(0)).unwrap().0, "1970-01-01T00:00:00.000000Z");
    assert_eq!(read(&both, Value::Int(-1)).unwrap().0, "1969-12-31T23:59:59.999000Z");
    assert_eq!(read(&both, Value::from("yesterday")), None);
    assert_eq!(read(&both, Value::Null), None);
}

#[test]
fn a_time_without_offset_is_in_the_zone_that_is_named() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let forms = vec![TimeForm::parse("%Y-%m-%d %H:%M").unwrap()];
    let read = Times { forms, zone }.read(&Value::from("2023-07-10 13:42")).unwrap();
    assert_eq!(read.moment.to_string(), "2023-07-10T11:42:00.000000Z");
}

#[test]
fn times_beyond_the_years_of_the_contract_are_no_times() {
    for (form, value) in [
        ("unix_s", Value::from("99999999999999999999")),
        ("unix_s", Value::Int(9_007_199_254_740_991)),
        ("unix_ms", Value::from("-99999999999999999")),
        ("unix_s", Value::from("1e9")),
        ("unix_s", Value::from("")),
        ("unix_s", Value::from("-")),
        ("rfc3339", Value::from("-000001-01-01T00:00:00Z")),
        ("rfc3339", Value::from("ä".repeat(40))),
        ("%Y", Value::from("0000")),
    ] {
        assert_eq!(read(&[form], value.clone()), None, "{form} {value}");
    }
    assert!(TimeForm::parse("unix").is_err() && TimeForm::parse("%Q%").is_err());
}
