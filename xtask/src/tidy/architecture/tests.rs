use super::*;

const ROOM: (&str, &str) = ("crates/event/Cargo.toml", "");
const ENFORCER: (&str, &str) = ("crates/store/src/commit.rs", "//! Commits.\n");
const TESTS: (&str, &str) = ("crates/store/src/log/tests.rs", "#[test]\nfn acked_is_there() {}\n");

fn page(first_row: &str) -> String {
    let mut page = String::from("# Map\n\n### `event`\n\nValues.\n\n");
    page.push_str(first_row);
    for number in 2..=INVARIANT_COUNT {
        page.push_str(&format!(
            "\n| I{number} | holds | `crates/store/src/commit.rs` | \
             `crates/store/src/log/tests.rs::acked_is_there` |"
        ));
    }
    page
}

/// The messages for a map whose row of I1 is `row`.
fn messages(row: &str, pending: &[(&str, &str)]) -> Vec<String> {
    let page = page(row);
    let tree = Tree::of(&[ROOM, ENFORCER, TESTS, (PAGE, &page)]);
    check_with(&tree, pending).into_iter().map(|problem| problem.message).collect()
}

const COMPLETE: &str = "| I1 | holds | `crates/store/src/commit.rs` | `crates/store/src/log/tests.rs::acked_is_there` |";

#[test]
fn a_complete_map_has_no_problem() {
    assert_eq!(messages(COMPLETE, &[]), [""; 0]);
}

#[test]
fn a_missing_map_is_told() {
    assert_eq!(check_with(&Tree::of(&[ROOM]), &[]).len(), 1);
}

#[test]
fn a_row_must_name_what_exists() {
    let rows = [
        ("", "I1 has no row"),
        ("| I1 | holds | `commit` | |", "names no file"),
        ("| I1 | holds | `crates/store/src/commit.rs` | soon |", "names no test"),
        (
            "| I1 | holds | `crates/store/src/gone.rs` | `crates/store/src/log/tests.rs::acked_is_there` |",
            "the file crates/store/src/gone.rs does not exist",
        ),
        (
            "| I1 | holds | `crates/store/src/commit.rs` | `crates/store/src/gone.rs::acked_is_there` |",
            "the test file crates/store/src/gone.rs does not exist",
        ),
        (
            "| I1 | holds | `crates/store/src/commit.rs` | `crates/store/src/log/tests.rs::acked` |",
            "has no test `acked`",
        ),
    ];
    for (row, expected) in rows {
        let messages = messages(row, &[]);
        assert_eq!(messages.len(), 1, "{row}: {messages:?}");
        assert!(messages[0].contains(expected), "{row}: {messages:?}");
    }
}

#[test]
fn a_pending_row_may_lack_its_test_and_a_complete_one_may_not_be_pending() {
    assert_eq!(messages("| I1 | holds | | |", &[("I1", "not built")]), [""; 0]);
    assert!(messages(COMPLETE, &[("I1", "not built")])[0].contains("take it out"));
}

#[test]
fn a_room_without_a_paragraph_is_told() {
    for heading in ["### event\n\nValues.", "### `event`\n\n### `ledger`", "### `event`\n"] {
        let page = page(COMPLETE).replace("### `event`\n\nValues.", heading);
        let page = page.replace("\n\n| I1", "\n\n## Invariants\n\n| I1");
        let tree = Tree::of(&[ROOM, ENFORCER, TESTS, (PAGE, &page)]);
        let problems = check_with(&tree, &[]);
        assert_eq!(problems.len(), 1, "{heading}");
        assert!(problems[0].message.contains("the room `event`"), "{heading}");
    }
}
