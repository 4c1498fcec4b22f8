use super::*;

#[test]
fn forms_of_names_are_those_of_the_contract() {
    let long = "a".repeat(128);
    let too_long = "a".repeat(129);
    for (text, id, workspace, action) in [
        ("acme", true, true, true),
        ("project.update", true, true, true),
        ("A-1:b_c.d", true, true, false),
        ("_system", true, false, true),
        (".hidden", true, false, false),
        ("", false, false, false),
        ("a b", false, false, false),
        ("ä", false, false, false),
        ("a..b", true, true, false),
        ("a.", true, true, false),
        (long.as_str(), true, true, true),
        (too_long.as_str(), false, false, false),
    ] {
        assert_eq!(is_event_id(text), id, "event id {text:?}");
        assert_eq!(is_workspace_name(text), workspace, "workspace {text:?}");
        assert_eq!(is_action_name(text), action, "action {text:?}");
    }
}
