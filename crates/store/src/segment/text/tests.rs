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
            builder.add(&text, group);
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
