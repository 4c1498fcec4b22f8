//! A span's filter is held against the texts of its blocks, which are kept beside it.

use super::super::pack::unpack;
use super::*;

/// A word that only one block has, of letters that no id has.
fn word(block: usize) -> String {
    let (first, second) = (b"ghi"[block / 8], b"jklmnopx"[block % 8]);
    format!("{0}{1}{0}{1}{0}{1}", char::from(first), char::from(second))
}

/// Texts of one block: words of its own, an id of its own, and one that all have.
fn texts(block: usize) -> Vec<(String, Group)> {
    vec![
        (format!("renamed {} to quux", word(block)), Group::Description),
        (format!("req_{block:02}a7f3c9e1b5d{block:02}"), Group::Context),
        ("same everywhere".to_owned(), Group::Changes),
        (format!("v{block}b"), Group::Metadata),
    ]
}

fn filter(piece: &[u8]) -> TextFilter {
    TextFilter::decode(&unpack(piece).expect("unpacks")).expect("decodes")
}

fn groups(filter: &TextFilter, needle: &str) -> GroupSet {
    filter.groups(needle, &mut AnyToken).expect("needs no file")
}

#[test]
fn a6_a_span_holds_what_any_of_its_blocks_holds_and_no_other_spans() {
    let mut packer = Packer::new(1).expect("a packer");
    let mut builder = TextBuilder::default();
    let mut spans = Vec::new();
    for block in 0..24 {
        for (text, group) in texts(block) {
            builder.add(&text, group, false);
        }
        builder.end_block(&mut packer).expect("a block");
        if block == 15 || block == 23 {
            spans.push(filter(&builder.end_span(&mut packer).expect("a span")));
        }
    }
    for block in 0..24 {
        let here = &spans[usize::from(block >= 16)];
        for (text, group) in texts(block) {
            let folded = proofbook_filter::fold(&text);
            // Every part of a text that is there may be there.
            for from in 0..folded.len() {
                for to in from + 1..=folded.len() {
                    let part = &folded[from..to];
                    assert!(groups(here, part).contains(group), "{part:?} of block {block}");
                }
            }
        }
    }
    for block in 0..24 {
        let word = word(block);
        let there = [block < 16, block >= 16];
        let found = [0, 1].map(|span: usize| !groups(&spans[span], &word).is_empty());
        assert_eq!(found, there, "{word}");
    }
    assert!(groups(&spans[0], "zanzibar").is_empty());
}

#[test]
fn what_is_seen_on_the_way_through_a_run_is_what_its_bytes_say() {
    for text in [
        "",
        "-",
        "a1",
        "ses_9f3a1c and f159c0914039dc7c718baedbfaa4e586!",
        "0193f2c1-7b0e-7c31-9d55-2f1f6a7c9e10",
        "release-2024-01 überweisung-7é8",
        "qqqqqqqq1q1q1q1q1q1q",
        "aaaaaaaaaaaaaaaa_1_2_3_4",
    ] {
        let is_in_run = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let expected: Vec<&str> = text.split(|c| !is_in_run(c)).filter(|s| !s.is_empty()).collect();
        let found: Vec<Run> = runs(text).collect();
        assert_eq!(found.iter().map(|run| &text[run.range.clone()]).collect::<Vec<_>>(), expected);
        for run in found {
            let bytes: Vec<char> = text[run.range.clone()].chars().collect();
            let changes = bytes.windows(2).filter(|pair| {
                pair[0].is_ascii_digit() && pair[1].is_ascii_lowercase()
                    || pair[0].is_ascii_lowercase() && pair[1].is_ascii_digit()
            });
            let changes = changes.count();
            assert_eq!(run.is_mixed(), changes > 0, "{text}");
            let is_token = bytes.len() >= 16 && changes >= 3 && changes * 10 >= bytes.len();
            assert_eq!(run.is_token(), is_token, "{text}");
        }
    }
}

#[test]
fn a_token_that_adds_nothing_to_its_shape_is_passed_over_and_no_other_is() {
    let token = |seed: u64| format!("{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 60);
    let collect = |tokens: &[String], groups: &[u8]| {
        let mut shapes = Shapes::default();
        for (token, group) in tokens.iter().zip(groups.iter().cycle()) {
            let run = runs(token).next().expect("a run");
            shapes.add(token, &run, *group);
        }
        shapes.end()
    };
    let tokens: Vec<String> = (1..200).map(token).collect();
    let shapes = collect(&tokens, &[1, 4]);
    assert_eq!(shapes.len(), 1);
    assert_eq!((shapes[0].len, shapes[0].plain, shapes[0].groups), (16, 16, 5));
    let all = tokens.iter().fold(0, |all, token| all | Characters::of(token.as_bytes()).0);
    assert_eq!(shapes[0].characters, Characters(all));
    // A dash makes another kind, with shorter parts.
    let dashed = format!("{}-{}", &tokens[0][..8], &tokens[0][8..]);
    let shapes = collect(&[tokens[0].clone(), dashed], &[1]);
    assert_eq!(shapes.iter().map(|shape| shape.plain).collect::<Vec<_>>(), [16, 8]);
}
