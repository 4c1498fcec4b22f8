use super::*;

#[test]
fn arguments_say_what_is_asked_for() {
    let parse = |text: &str| parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let asked = parse("--seeds 3..9 --plant log-sync-dropped").expect("parses");
    assert_eq!(asked.seeds.as_deref(), Some("3..9"));
    assert_eq!(asked.plant.as_deref(), Some("log-sync-dropped"));
    assert!(parse("--ci").expect("parses").ci);
    assert!(parse("--seeds").is_err());
    assert!(parse("--recoveries many").is_err());
    assert!(parse("--fast").is_err());
}
