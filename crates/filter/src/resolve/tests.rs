//! The normal form: what belongs together, which ranges follow, and that joining only narrows.

use super::*;
use crate::sample::context;
use proofbook_event::Timestamp;

fn resolve(text: &str) -> ResolvedFilter {
    Filter::parse(text).expect(text).resolve(&context())
}

/// Writes the shape of an expression: fields in the order of their tests.
fn shape(expr: &Expr) -> String {
    let joined = |parts: &[Expr], with: &str| {
        format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(with))
    };
    let clauses = |clauses: &[Clause]| {
        let clause = |clause: &Clause| {
            clause.iter().map(|condition| condition.field.name()).collect::<Vec<_>>().join("|")
        };
        clauses.iter().map(clause).collect::<Vec<_>>().join(" ")
    };
    match expr {
        Expr::True => "true".to_owned(),
        Expr::And(parts) => joined(parts, " & "),
        Expr::Or(parts) => joined(parts, " | "),
        Expr::Not(inner) => format!("!{}", shape(inner)),
        Expr::Term(Predicate::Text(_)) => "text".to_owned(),
        Expr::Term(Predicate::Field { field, any }) => format!("{field}×{}", any.len()),
        Expr::Term(Predicate::Change(group)) => format!("change[{}]", clauses(group)),
        Expr::Term(Predicate::Target(group)) => format!("target[{}]", clauses(group)),
    }
}

#[test]
fn terms_that_belong_together_become_one() {
    for (text, expected) in [
        ("", "true"),
        ("word", "text"),
        ("action:a action:b", "action×2"),
        ("action:a (action:b)", "(action×1 & action×1)"),
        ("action:a AND action:b", "(action×1 & action×1)"),
        ("action:(a OR b) action:c", "action×3"),
        ("meta.a:1 meta.b:2 meta.a:3", "(meta.a×2 & meta.b×1)"),
        ("occurred:>=2026 occurred:<2027", "(occurred×1 & occurred×1)"),
        ("country:* country:DE country:FR", "(country×1 & country×2)"),
        ("changed:/plan before:free after:pro", "change[changed before after]"),
        ("changed:/plan before:a before:b", "change[changed before|before]"),
        ("changed:/plan (before:a OR after:b)", "change[before|after changed]"),
        ("changed:/plan (before:a)", "(change[before] & change[changed])"),
        ("changed:/plan (before:a OR x)", "((change[before] | text) & change[changed])"),
        ("changed:/plan -before:a", "(!change[before] & change[changed])"),
        ("before:>1 before:<5", "change[before before]"),
        ("target.type:a target.type:b target.id:1", "target[target.type|target.type target.id]"),
        ("target:project/42", "target[target|target]"),
        ("target.type:a changed:/x", "(change[changed] & target[target.type])"),
        ("a OR (b OR c)", "(text | text | text)"),
        ("a (b (c d))", "(text & text & text & text)"),
        ("--a", "text"),
        ("---a", "!text"),
        ("severity:>=warning", "severity×2"),
        ("severity:<info", "severity×0"),
    ] {
        assert_eq!(shape(resolve(text).expr()), expected, "{text}");
    }
}

#[test]
fn joined_filters_do_not_bind_across() {
    let access = resolve("target.type:a OR target.type:b");
    let reader = resolve("target.id:1");
    let joined = access.and(reader);
    assert_eq!(
        shape(joined.expr()),
        "((target[target.type] | target[target.type]) & target[target.id])"
    );
    assert_eq!(shape(ResolvedFilter::everything().and(resolve("a")).expr()), "text");
}

#[test]
fn ranges_follow_from_what_must_hold() {
    let day = |text: &str| Timestamp::parse(text).expect(text).micros();
    let (first, last) = (day("2026-10-31T23:00:00Z"), day("2026-11-30T22:59:59.999999Z"));
    for (text, range) in [
        ("", IntRange::ALL),
        ("occurred:2026-11", IntRange { min: first, max: last }),
        ("occurred:2026-11 x OR occurred:2026-11 y", IntRange { min: first, max: last }),
        ("occurred:2026-11 OR y", IntRange::ALL),
        ("-occurred:2026-11", IntRange::ALL),
        ("occurred:>=2026-11-01 occurred:<=2026-11-30", IntRange { min: first, max: last }),
        ("occurred:2026-11-01..2026-11-30", IntRange { min: first, max: last }),
        ("occurred:>2026-10 occurred:<2026-12", IntRange { min: first, max: last }),
        ("occurred:2026-11-01 occurred:2026-11-30", IntRange { min: first, max: last }),
        ("occurred:>=2026-11-01T00:00", IntRange { min: first, max: i64::MAX }),
        ("occurred:*", IntRange::ALL),
        ("recorded:2026-11", IntRange::ALL),
    ] {
        assert_eq!(resolve(text).occurred_range(), range, "{text}");
    }
    assert_eq!(resolve("seq:>5 seq:<=9").seq_range(), IntRange { min: 6, max: 9 });
    assert_eq!(resolve("recorded:2026-11").recorded_range(), IntRange { min: first, max: last });
}

#[test]
fn relative_times_move_with_now() {
    let now = context().now.micros();
    let range = resolve("occurred:now-7d..now").occurred_range();
    assert_eq!(range, IntRange { min: now - 7 * 86_400_000_000, max: now });
}
