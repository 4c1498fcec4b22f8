//! The oracle reads every text of every row, one after the other.

use proofbook_filter::fold;

use super::*;
use crate::segment::tests::model::{self, Numbers, OwnedRow, Shape};

/// Looks for a folded text, by the plainest means.
struct Needle<'n> {
    folded: &'n str,
    asked: usize,
}

impl TextSearch for Needle<'_> {
    fn may_be_in(&mut self, texts: &[u8]) -> bool {
        let is_escaped = |c: char| c < ' ' || c == '"' || c == '\\';
        self.folded.contains(is_escaped)
            || String::from_utf8_lossy(&texts.to_ascii_lowercase()).contains(self.folded)
    }

    fn may_cross(&self, before: &[u8], behind: &[u8]) -> bool {
        let (before, behind) = (before.to_ascii_lowercase(), behind.to_ascii_lowercase());
        let needle = self.folded.as_bytes();
        (1..needle.len()).any(|at| {
            let (left, right) = needle.split_at(at);
            (left.ends_with(&before) || before.ends_with(left))
                && (right.starts_with(&behind) || behind.starts_with(right))
        })
    }

    fn passes(&mut self, text: &str) -> bool {
        self.asked += 1;
        fold(text).contains(self.folded)
    }
}

fn texts(row: &OwnedRow, group: Group) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(bytes) = &row.groups[group.index()] {
        let value = proofbook_event::Value::parse(bytes).unwrap();
        value.for_each_text(&mut |text| texts.push(fold(text).into_owned()));
    }
    texts
}

/// Finds a text in some rows of every block as the oracle does; returns (found, asked).
fn check(segment: &Segment, rows: &[OwnedRow], group: Group, needle: &str) -> (usize, usize) {
    check_with(&mut TextFinder::default(), segment, rows, group, needle)
}

fn check_with(
    finder: &mut TextFinder,
    segment: &Segment,
    rows: &[OwnedRow],
    group: Group,
    needle: &str,
) -> (usize, usize) {
    let (mut hits, mut asked) = (0, 0);
    for block in 0..segment.blocks() {
        let range = segment.rows_of_block(block);
        let here = &rows[range.start as usize..range.end as usize];
        // Every row, and those of one workspace only.
        let own: Vec<usize> = (0..here.len())
            .filter(|row| here[*row].workspace == here[here.len() / 2].workspace)
            .collect();
        for wanted in [(0..here.len()).collect(), own] {
            let mut found = vec![false; here.len()];
            let mut search = Needle { folded: needle, asked: 0 };
            let wanted: Vec<usize> = wanted;
            let elsewhere = segment.text_groups(block, needle, None).unwrap();
            let place = TextPlace { block, group, elsewhere, rows: &wanted };
            finder.find(segment, place, &mut search, &mut |row| found[row] = true).unwrap();
            for row in wanted {
                let is_in = texts(&here[row], group).iter().any(|text| text.contains(needle));
                assert_eq!(found[row], is_in, "{needle:?} in {group} of row {row}");
            }
            hits += found.iter().filter(|found| **found).count();
            asked += search.asked;
        }
    }
    (hits, asked)
}

/// Rows whose sentences name the actor and the target.
fn named_rows(seed: u64, names: u64, between: &[&str]) -> Vec<OwnedRow> {
    let shape = Shape { rows: 5_000, workspaces: 2, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(seed, shape);
    let mut numbers = Numbers(seed + 1);
    for row in &mut rows {
        let actor = format!("Ada{}", numbers.below(names));
        let target = format!("Zan{}zibar", numbers.below(names));
        let (before, middle, behind) =
            (numbers.pick(&["", "By ", "b"]), numbers.pick(between), numbers.pick(&["", ".", "x"]));
        // Now and then a name is not the one that the sentence has.
        let named = if numbers.chance(5) { "Nobody" } else { &target };
        let mut set = |group: Group, text: String| row.groups[group.index()] = Some(text.into());
        set(Group::Actor, format!("{{\"actor\":{{\"name\":\"{actor}\",\"type\":\"user\"}}}}"));
        set(Group::Targets, format!("[{{\"id\":\"1\",\"name\":\"{target}\",\"type\":\"map\"}}]"));
        let sentence = format!("{before}{actor}{middle}{named}{behind}");
        set(
            Group::Description,
            format!("{{\"description\":\"{sentence}\",\"reason\":\"R{}\"}}", numbers.below(names)),
        );
    }
    rows
}

#[test]
fn a6_rows_with_a_text_are_found_in_sentences_without_their_names() {
    let between = ["", " ", " renamed ", "'s ", " and\u{e9} "];
    let ascii = &between[..4];
    for (seed, names, between) in [(71, 4, ascii), (72, 4_000, ascii), (75, 4_000, &between[..])] {
        let rows = named_rows(seed, names, between);
        let segment = model::segment(&rows);
        let mut numbers = Numbers(seed + 2);
        let mut hits = 0;
        for _ in 0..120 {
            let row = &rows[numbers.below(rows.len() as u64) as usize];
            let texts = texts(row, Group::Description);
            let text = &texts[numbers.below(texts.len() as u64) as usize];
            let characters: Vec<char> = text.chars().collect();
            let from = numbers.below(characters.len() as u64) as usize;
            let most = (characters.len() - from).min(12) as u64;
            let to = from + 1 + numbers.below(most) as usize;
            let needle: String = characters[from..to].iter().collect();
            hits += check(&segment, &rows, Group::Description, &needle).0;
        }
        assert!(hits > 1_000, "{hits}");
        // Across each kind of border, and what is in none.
        for needle in [
            "by a",
            "zada",
            "y zan",
            "'s z",
            "renamed zan",
            "bar.",
            "quetzal",
            "actor",
            "{",
            "name} ",
        ] {
            check(&segment, &rows, Group::Description, needle);
        }
    }
}

#[test]
fn a6_rows_with_a_text_are_found_in_every_group() {
    let shape = Shape { rows: 5_000, workspaces: 3, late_micros: 0, seq_start: 0 };
    let rows = model::rows(73, shape);
    let segment = model::segment(&rows);
    let needles =
        ["ada", "e", "website", "uberw", "strasse", "a\"quoted", "line\nb", "0f", "9", ""];
    for group in Group::ALL {
        for needle in needles {
            check(&segment, &rows, group, needle);
        }
    }
}

#[test]
fn a6_a_rare_word_is_asked_of_few_rows() {
    let mut rows = named_rows(74, 3_000, &[" ", " renamed ", "'s "]);
    let rare = br#"{"description":"By Somebody","reason":"the quetzalcoatl was here"}"#;
    rows[2_345].groups[Group::Description.index()] = Some(rare.to_vec());
    let segment = model::segment(&rows);
    let (hits, asked) = check(&segment, &rows, Group::Description, "quetzalcoatl");
    assert!((1..=2).contains(&hits), "{hits}");
    assert!(asked < 4 * FEW_PARTS + 10, "{asked} texts were asked one by one");
}

/// Rows whose reasons come again and again, in an order of their own.
fn rows_with_reasons(rows: usize, step: usize) -> Vec<OwnedRow> {
    let shape = Shape { rows, workspaces: 1, late_micros: 0, seq_start: 0 };
    let mut rows = model::rows(76, shape);
    for (number, row) in rows.iter_mut().enumerate() {
        row.groups = Default::default();
        row.withheld.clear();
        let reason = format!("{{\"reason\":\"R{}\"}}", number / 7 * step % 90);
        row.groups[Group::Description.index()] = Some(reason.into());
    }
    rows
}

#[test]
fn a6_what_is_known_of_one_dictionary_is_not_said_of_another() {
    // A segment, and another with two row groups, of which each begins with other reasons.
    let (short, long) = (rows_with_reasons(9_000, 7), rows_with_reasons(135_000, 1));
    let segments = [model::segment(&short), model::segment(&long)];
    assert_eq!(segments[1].directory.group_blocks.len(), 3);
    let mut finder = TextFinder::default();
    check_with(&mut finder, &segments[0], &short, Group::Description, "r17");
    let (hits, asked) = check_with(&mut finder, &segments[1], &long, Group::Description, "r17");
    assert!(hits > 2_000, "{hits}");
    // Each row group's reasons once, in all of its blocks.
    assert!(asked < 300, "{asked} texts were asked one by one");
}
