//! A4: templates. The expected sentences are written by hand from docs/presets.md.

use super::*;

/// Renders a template over an event given as JSON.
fn render_event(template: &str, event: &str, outcome: Outcome) -> String {
    let event = Value::parse(event.as_bytes()).expect("the test's event is JSON");
    let values = Values {
        actor: event.get("actor"),
        targets: event.get("targets"),
        before: event.get("before"),
        after: event.get("after"),
        changes: event.get("changes"),
        metadata: event.get("metadata"),
    };
    let mut out = String::new();
    Template::compile(template)
        .expect("the test's template compiles")
        .render(&values, outcome, &mut out);
    out
}

#[track_caller]
fn check(template: &str, event: &str, expected: &str) {
    assert_eq!(
        render_event(template, event, Outcome::Success),
        expected,
        "{template} over {event}"
    );
}

#[test]
fn a4_actor_is_called_by_name_then_email_then_id_then_system() {
    let actor = |fields: &str| format!("{{\"actor\":{{{fields}}}}}");
    for (fields, expected) in [
        (r#""type":"user","id":"u_7","name":"Ada Park","email":"ada@acme.example""#, "Ada Park"),
        (r#""type":"user","id":"u_7","email":"ada@acme.example""#, "ada@acme.example"),
        (r#""type":"user","id":"u_7","name":"","email":null"#, "u_7"),
        (r#""type":"system","id":"cron","name":"Nightly job""#, "System"),
        (r#""type":"system""#, "System"),
        (r#""type":"anonymous""#, "Anonymous"),
        (r#""type":"anonymous","id":"203.0.113.9""#, "203.0.113.9"),
        ("", "System"),
    ] {
        check("{actor.name}", &actor(fields), expected);
    }
    check("{actor.name} signed in", "{}", "System signed in");
    check("{actor.name} signed in", r#"{"actor":null}"#, "System signed in");
}

#[test]
fn a4_targets_are_called_by_name_then_id_and_found_by_type() {
    let event = r#"{"actor":{"name":"Ada"},"targets":[{"type":"inbox","id":"i1","name":"Sales"},
        {"type":"user","id":"u_9"},{"type":"user","id":"u_10","name":"Bo"}]}"#;
    check(
        "{actor.name} added {target:user.name} to inbox {target.name}",
        event,
        "Ada added u_9 to inbox Sales",
    );
    check("{actor.name} enabled MFA[ for {target:member.name}]", event, "Ada enabled MFA");
    check(
        "{actor.name} deleted team {target.name}",
        r#"{"targets":[]}"#,
        "System deleted team (unknown)",
    );
}

#[test]
fn a4_parts_in_brackets_go_when_a_value_in_them_is_absent() {
    let template =
        "{actor.name} changed the role of {target.name}[ from {before/role} to {after/role}]";
    let event =
        |sides: &str| format!(r#"{{"actor":{{"name":"Ada"}},"targets":[{{"id":"u_9"}}]{sides}}}"#);
    for (sides, expected) in [
        (r#","before":{"role":"agent"},"after":{"role":"admin"}"#, " from agent to admin"),
        (r#","before":{"role":"agent"}"#, ""),
        (r#","before":{"role":null},"after":{"role":"admin"}"#, ""),
        (r#","before":{"role":""},"after":{"role":"admin"}"#, ""),
        (
            r#","changes":[{"path":"/role","before":"agent","after":"admin"}]"#,
            " from agent to admin",
        ),
        ("", ""),
    ] {
        check(template, &event(sides), &format!("Ada changed the role of u_9{expected}"));
    }
}

#[test]
fn a4_several_optional_parts_are_judged_one_by_one() {
    let template = "{actor.name} upgraded the plan[ from {before/plan} to {after/plan}]\
                    [, {meta.licenses_added} user licenses added][, billed {after/billing_cycle}]";
    check(
        template,
        r#"{"actor":{"name":"Ada"},"before":{"plan":"Growth"},"after":{"plan":"Pro","billing_cycle":"annually"},
            "metadata":{"licenses_added":5}}"#,
        "Ada upgraded the plan from Growth to Pro, 5 user licenses added, billed annually",
    );
    check(
        template,
        r#"{"actor":{"name":"Ada"},"after":{"plan":"Pro","billing_cycle":"annually"}}"#,
        "Ada upgraded the plan, billed annually",
    );
}

#[test]
fn a4_optional_part_may_stand_in_the_middle() {
    let template = "{actor.name} changed [{target:user.name}'s ]availability[ from {before/availability} to {after/availability}]";
    let sides = r#""before":{"availability":"online"},"after":{"availability":"busy"}"#;
    check(
        template,
        &format!(r#"{{"actor":{{"name":"Ada"}},{sides}}}"#),
        "Ada changed availability from online to busy",
    );
    check(
        template,
        &format!(
            r#"{{"actor":{{"name":"Ada"}},"targets":[{{"type":"user","name":"Bo"}}],{sides}}}"#
        ),
        "Ada changed Bo's availability from online to busy",
    );
}

#[test]
fn a4_values_read_as_people_write_them() {
    for (value, expected) in [
        (r#""Gold""#, "Gold"),
        ("59", "59"),
        ("0.5", "0.5"),
        ("true", "true"),
        (r#"["editor","admin"]"#, "editor, admin"),
        (r#"[{"id":"u1","name":"Ada"},{"id":"u2"},{"x":1}]"#, r#"Ada, u2, {"x":1}"#),
        (r#"[null,"a",""]"#, "a"),
        ("[]", "(unknown)"),
        ("null", "(unknown)"),
        (r#""""#, "(unknown)"),
        (r#"{"name":"Ada"}"#, "Ada"),
    ] {
        check("{after/x}", &format!(r#"{{"after":{{"x":{value}}}}}"#), expected);
    }
    check("{after/a/0/b~1c}", r#"{"after":{"a":[{"b/c":"deep"}]}}"#, "deep");
    check("{meta.query}", r#"{"metadata":{"query":"a:b"}}"#, "a:b");
}

#[test]
fn a4_outcome_is_told_behind_the_sentence() {
    let event = r#"{"actor":{"name":"Ada"}}"#;
    for (outcome, expected) in [
        (Outcome::Success, "Ada signed in"),
        (Outcome::Failure, "Ada signed in (failed)"),
        (Outcome::Denied, "Ada signed in (denied)"),
    ] {
        assert_eq!(render_event("{actor.name} signed in", event, outcome), expected);
    }
}

#[test]
fn a4_long_values_and_sentences_are_cut_and_marked() {
    let long = "ä".repeat(5_000);
    let event = format!(r#"{{"after":{{"x":"{long}"}}}}"#);
    let one = render_event("{after/x}", &event, Outcome::Success);
    assert_eq!(one, format!("{}…", "ä".repeat(128)));
    let many = "{after/x} ".repeat(20);
    let all = render_event(&many, &event, Outcome::Failure);
    assert!(all.len() <= limits::RENDERED_BYTES_MAX + "… (failed)".len(), "{} bytes", all.len());
    assert!(all.ends_with("… (failed)"));
}

#[test]
fn a4_values_cannot_break_the_line_or_turn_it_around() {
    check("{after/x}!", "{\"after\":{\"x\":\"a\\nb\\u202ec\\u0007\"}}", "a b c !");
}

#[test]
fn a4_mistakes_in_templates_are_told_with_their_place() {
    let check = |template: &str, offset: usize, part: &str| {
        let error = Template::compile(template).expect_err(template);
        assert_eq!(error.offset, offset, "{template}: {error}");
        assert!(error.reason.contains(part), "{template}: {error}");
    };
    check("{actr.name} did", 0, "did you mean `{actor.name}`?");
    check("a {targets.name}", 2, "did you mean `{target.name}`?");
    check("a {before.role}", 2, "`{before/PTR}`");
    check("a {after/}", 2, "is not a value");
    check("a {xyzzy}", 2, "known are");
    check("a {actor.name", 2, "never closed");
    check("a [b", 2, "never closed");
    check("a [b [c]]", 5, "cannot hold brackets");
    check("a ]", 2, "no `[`");
    check("a }", 2, "no `{`");
    check(&"x".repeat(2_000), limits::TEMPLATE_BYTES_MAX, "at most");
}
