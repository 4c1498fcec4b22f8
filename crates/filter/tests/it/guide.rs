//! The user's page is true: each example parses and prints as written, each fault answers as shown.

use proofbook_filter::{Filter, NAMES, limits};

const GUIDE: &str = include_str!("../../../../docs/guide/filter.md");

#[test]
fn every_example_of_the_guide_parses_and_prints_as_written() {
    let mut examples_count = 0;
    let blocks = GUIDE.split("```filter\n").skip(1);
    for block in blocks {
        let (examples, _) = block.split_once("\n```").expect("a block is closed");
        for example in examples.lines() {
            let filter =
                Filter::parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
            assert_eq!(filter.to_string(), example);
            examples_count += 1;
        }
    }
    assert!(examples_count >= 50, "only {examples_count} examples found");
}

#[test]
fn every_fault_of_the_guide_answers_as_shown() {
    let (_, faults) = GUIDE.split_once("## When a filter is wrong").expect("the section of faults");
    let mut rows_count = 0;
    for row in faults.lines().filter(|line| line.starts_with("| `")) {
        let (filter, answer) = row
            .strip_prefix("| `")
            .and_then(|row| row.strip_suffix(" |"))
            .and_then(|row| row.split_once("` | "))
            .expect(row);
        let error = Filter::parse(filter).expect_err(filter);
        assert_eq!(error.to_string(), answer, "{filter}");
        rows_count += 1;
    }
    assert!(rows_count >= 5, "only {rows_count} faults found");
}

#[test]
fn the_guide_lists_every_field_and_the_bounds() {
    let table: String = GUIDE.lines().filter(|line| line.starts_with("| `")).collect();
    for (name, _) in NAMES {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
    for bound in [
        format!("{} KiB", limits::TEXT_BYTES_MAX / 1024),
        format!("{} terms and values", limits::NODES_MAX),
        format!("{} wildcards", limits::WILDCARDS_MAX),
        format!("{} levels", limits::DEPTH_MAX),
    ] {
        assert!(GUIDE.contains(&bound), "{bound}");
    }
}
