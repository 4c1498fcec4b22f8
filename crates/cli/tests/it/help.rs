//! Every verb explains itself with an example, and a typing error is met with the right word.

use crate::support::Directory;

const VERBS: &[&str] = &[
    "serve",
    "demo",
    "import",
    "search",
    "tail",
    "show",
    "export",
    "workspace",
    "key",
    "destination",
    "rule",
    "notifications",
    "warnings",
    "hold",
    "erase",
    "retention",
    "catalog",
    "verify",
    "watch",
    "witness",
    "bench",
    "doctor",
    "completions",
];

#[test]
fn every_verb_has_help_with_an_example_and_json() {
    let directory = Directory::new();
    let all = directory.run(&["--help"]);
    assert_eq!(all.code, 0);
    for verb in VERBS {
        assert!(all.out.contains(&format!("\n  {verb} ")), "{verb} is in the list");
        let help = directory.run(&[verb, "--help"]);
        assert_eq!(help.code, 0, "{verb}");
        assert!(help.out.contains("Example"), "{verb} has an example");
        assert!(help.out.contains(&format!("proofbook {verb}")), "{verb}'s example is of itself");
        assert!(help.out.contains("--json"), "{verb} takes --json");
    }
    let listed = all.out.lines().filter(|line| {
        let word = line.trim_start().split(' ').next().unwrap_or_default();
        line.starts_with("  ") && !line.starts_with("   ") && word.chars().all(char::is_alphabetic)
    });
    // `help` is clap's own.
    assert_eq!(listed.filter(|line| !line.trim_start().starts_with("help")).count(), VERBS.len());
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let help = Directory::new().run(&["--help"]).out;
    for code in 0..=8 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code}");
    }
}

#[test]
fn a_mistyped_word_is_met_with_the_right_one() {
    let directory = Directory::new();
    let rows: &[(&[&str], &str)] = &[
        (&["serch"], "'search'"),
        (&["import", "--mapp", "okta", "x"], "'--map'"),
        (&["serve", "--lisen", "127.0.0.1:0"], "'--listen'"),
        (&["import", "--map", "oktta", "x", "--workspace", "a"], "`okta`"),
        (&["search", "--workspace", "a", "--sort", "newst"], "'newest'"),
    ];
    for (arguments, meant) in rows {
        directory.write("x", "");
        let ran = directory.run(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(meant), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn completions_know_every_verb() {
    let script = Directory::new().run(&["completions", "bash"]).out;
    for verb in VERBS {
        assert!(script.contains(verb), "{verb}");
    }
}
