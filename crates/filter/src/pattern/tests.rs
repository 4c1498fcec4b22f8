//! Patterns against rows, and against a table-filling matcher that knows no shortcuts.

use super::*;
use proofbook_event::canonical;
use proptest::prelude::*;

fn glob(text: &str) -> Glob {
    Glob::from_parts(text.split('*').map(str::to_owned).collect())
}

fn check(pattern: &str, text: &str, fits: bool) {
    assert_eq!(TextPattern::whole(&glob(pattern), true).matches(text), fits, "{pattern} on {text}");
}

#[test]
fn whole_patterns_fit_from_end_to_end() {
    check("abc", "ABC", true);
    check("abc", "abcd", false);
    check("a*", "ABC", true);
    check("*c", "abC", true);
    check("*b*", "abc", true);
    check("a*a", "a", false);
    check("a*a", "aa", true);
    check("*ab*ab", "abab", true);
    check("*ab*ab", "ab", false);
    check("a*b*c", "a-b-b-c", true);
    check("", "", true);
    check("", "a", false);
    check("*", "", true);
    check("strasse", "Straße", true);
    check("Zo*", "ZOË", true);
    check("*ë", "Zoe", true);
    check("k", "\u{212a}", true);
}

#[test]
fn exact_patterns_keep_case() {
    let exact = |pattern: &str| TextPattern::whole(&glob(pattern), false);
    assert!(exact("u_7A").matches("u_7A"));
    assert!(!exact("u_7A").matches("u_7a"));
    assert!(exact("u_*A").matches("u_7A"));
    assert!(!exact("U_*").matches("u_7A"));
    assert!(!exact("é").matches("e"));
}

#[test]
fn parts_are_found_anywhere_in_a_text() {
    let part = |text: &str| TextPattern::part(&glob(text));
    assert!(part("bsi").matches("WEBSITE"));
    assert!(part("cafe").matches("Das Café"));
    assert!(part("w*t").matches("Website"));
    assert!(!part("w*w").matches("Website"));
    assert!(
        part("a long phrase of more than thirty-two bytes")
            .matches("So: A LONG phrase of more than thirty-two bytes.")
    );
    assert!(!part("a long phrase of more than thirty-two bytes").matches("a long phrase of less"));
}

#[test]
fn a_part_that_folds_to_nothing_is_no_part() {
    check("\u{301}*b", "xb", true);
    check("a*\u{301}", "ax", true);
}

#[test]
fn plans_see_literals_prefixes_and_segments() {
    let whole = |text: &str| TextPattern::whole(&glob(text), true);
    assert_eq!(whole("Ab").literal(), Some("ab"));
    assert_eq!(whole("Ab*").literal(), None);
    assert_eq!(whole("Ab*").prefix(), Some("ab"));
    assert_eq!(whole("*ab").prefix(), None);
    assert_eq!(whole("a*b*").segments().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(TextPattern::part(&glob("a")).literal(), None);
}

#[test]
fn matching_hostile_texts_takes_linear_steps() {
    // A backtracking matcher would need 2^20 years; the suite's time limit is the oracle.
    let pattern = TextPattern::whole(&glob(&"a*".repeat(40)), true);
    let text = "a".repeat(200_000);
    assert!(pattern.matches(&text));
    let pattern = TextPattern::whole(&glob(&format!("{}b", "a*".repeat(40))), true);
    assert!(!pattern.matches(&text));
}

/// Wildcard matching by filling a table of (pattern prefix, text prefix), over folded characters.
fn naive(pattern: &str, text: &str) -> bool {
    let fold_all = |text: &str| -> Vec<char> {
        text.chars().flat_map(char::to_lowercase).map(|c| if c == 'é' { 'e' } else { c }).collect()
    };
    let (pattern, text) = (fold_all(pattern), fold_all(text));
    let mut fits = vec![vec![false; text.len() + 1]; pattern.len() + 1];
    fits[0][0] = true;
    for p in 1..=pattern.len() {
        for t in 0..=text.len() {
            fits[p][t] = if pattern[p - 1] == '*' {
                fits[p - 1][t] || (t > 0 && fits[p][t - 1])
            } else {
                t > 0 && fits[p - 1][t - 1] && pattern[p - 1] == text[t - 1]
            };
        }
    }
    fits[pattern.len()][text.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn patterns_agree_with_the_table(pattern in "[aAbé*]{0,8}", text in "[aAbBéÉ]{0,10}") {
        prop_assert_eq!(TextPattern::whole(&glob(&pattern), true).matches(&text), naive(&pattern, &text));
        let part = TextPattern::part(&glob(&pattern)).matches(&text);
        prop_assert_eq!(part, naive(&format!("*{pattern}*"), &text));
    }

    #[test]
    fn a_text_that_fits_is_never_missed_in_its_json(
        pattern in "[aAé\"\\\\\n\u{ff02}/*]{1,4}",
        text in "[aAé\"\\\\\n\u{ff02}/]{0,10}",
    ) {
        let mut json = b"{\"key\":".to_vec();
        canonical::write_string(&text, &mut json);
        json.push(b'}');
        for pattern in [TextPattern::part(&glob(&pattern)), TextPattern::whole(&glob(&pattern), false)] {
            prop_assert!(!pattern.matches(&text) || pattern.may_be_in_json(&json));
        }
    }
}
