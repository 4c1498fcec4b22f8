use super::*;

const GOOD: &str = "[package]\nname = \"proofbook-event\"\nversion.workspace = true\n\
    edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
    publish.workspace = true\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";

fn messages(manifest: &str, lib: &str) -> Vec<String> {
    let tree = Tree::of(&[
        ("crates/event/Cargo.toml", manifest),
        ("crates/event/src/lib.rs", lib),
        ("xtask/Cargo.toml", GOOD),
    ]);
    check(&tree).into_iter().map(|problem| problem.message).collect()
}

const LIB: &str = "//! Values.\n#![forbid(unsafe_code)]\n";

#[test]
fn an_inheriting_manifest_has_no_problem() {
    assert_eq!(messages(GOOD, LIB), [""; 0]);
}

#[test]
fn each_thing_not_inherited_is_told() {
    let rows = [
        ("[lints]\nworkspace = true\n", "", "does not inherit the lints"),
        ("edition.workspace = true", "edition = \"2024\"", "does not inherit `edition`"),
        ("serde.workspace = true", "serde = \"1\"", "`serde` has a version of its own"),
    ];
    for (from, to, expected) in rows {
        let messages = messages(&GOOD.replace(from, to), LIB);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains(expected), "{messages:?}");
    }
}

#[test]
fn a_crate_root_forbids_unsafe_code_in_its_own_text() {
    for lib in
        ["//! Values.\n", "//! Values.\n// #![forbid(unsafe_code)]\n", "#![deny(unsafe_code)]\n"]
    {
        assert_eq!(messages(GOOD, lib).len(), 1, "{lib}");
    }
}
