use super::*;

/// The messages for `crates/<room>/Cargo.toml` with `text` behind its name.
fn messages(room: &str, text: &str) -> Vec<String> {
    let manifest = format!("[package]\nname = \"proofbook-{room}\"\n{text}");
    let path = format!("crates/{room}/Cargo.toml");
    check(&Tree::of(&[(&path, &manifest)])).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn right_may_be_used() {
    for (room, used) in [("cli", "event"), ("store", "catalog"), ("catalog", "filter")] {
        let text = format!("[dependencies]\nproofbook-{used}.workspace = true\n");
        assert_eq!(messages(room, &text), [""; 0], "{room} uses {used}");
    }
}

#[test]
fn left_and_neighbours_may_not_be_used_by_any_table() {
    let tables = [
        "dependencies",
        "dev-dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ];
    for (room, used) in
        [("event", "ledger"), ("ledger", "filter"), ("store", "query"), ("query", "server")]
    {
        for table in tables {
            let text = format!("[{table}]\nproofbook-{used}.workspace = true\n");
            assert_eq!(messages(room, &text).len(), 1, "{room} uses {used} in {table}");
        }
    }
}

#[test]
fn the_testkit_is_for_tests_only() {
    assert_eq!(
        messages("query", "[dev-dependencies]\nproofbook-testkit.workspace = true\n"),
        [""; 0]
    );
    assert_eq!(messages("query", "[dependencies]\nproofbook-testkit.workspace = true\n").len(), 1);
    assert_eq!(messages("testkit", "[dependencies]\nproofbook-server.workspace = true\n"), [""; 0]);
}

#[test]
fn a_new_room_needs_a_rank_and_the_name_of_its_folder() {
    assert!(messages("attic", "")[0].contains("no rank"));
    let tree = Tree::of(&[("crates/event/Cargo.toml", "[package]\nname = \"proofbook-events\"\n")]);
    assert!(check(&tree)[0].message.contains("is named proofbook-event"));
}
