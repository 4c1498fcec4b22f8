use super::*;

fn hold(filter: &str) -> Hold {
    Hold {
        id: "h1".to_owned(),
        workspace: "acme".to_owned(),
        filter: filter.to_owned(),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: 1_800_000_000_000_000,
    }
}

#[test]
fn p2_a_hold_takes_exact_fields_and_nothing_else() {
    for filter in ["", "actor.id:u_7", "-outcome:success (ip:203.0.113.0/24 OR target.id:42)"] {
        assert!(resolve(&hold(filter)).is_ok(), "{filter}");
    }
    for filter in ["dollars", "before:x", "meta.plan:pro", "actor:ada", "-(verb:read note)"] {
        assert!(resolve(&hold(filter)).is_err(), "{filter}");
    }
}

#[test]
fn p2_a_filter_that_cannot_be_read_holds_everything() {
    assert_eq!(holds(&hold("actor.id:(")), ResolvedFilter::everything());
}
