use super::*;

#[test]
fn arguments_say_how_often_and_what_is_killed() {
    let parse = |text: &str| parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let asked = parse("--kill --n 7 --binary /x/proofbook").expect("parses");
    assert_eq!((asked.kills, asked.binary), (7, Some(PathBuf::from("/x/proofbook"))));
    assert_eq!(parse("--ci").expect("parses").kills, KILLS);
    assert!(parse("--n many").is_err());
    assert!(parse("--power").is_err());
}
