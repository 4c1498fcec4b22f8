use super::*;

/// (place, what is forbidden) of each problem in a store made of `path` with `text`, beside files
/// that give the other modules their names.
fn forbidden(path: &str, text: &str) -> Vec<(String, String)> {
    let path = format!("{FOLDER}{path}");
    let mut files = vec![(path.as_str(), text)];
    let others = ["fold", "log", "record", "disk/mod", "clock", "codec", "commit", "names"]
        .map(|name| format!("{FOLDER}{name}.rs"));
    files.extend(others.iter().filter(|other| **other != path).map(|other| (other.as_str(), "")));
    check(&Tree::of(&files))
        .into_iter()
        .map(|problem| {
            let used = problem.message.split('`').nth(3).expect("names what is used").to_owned();
            (problem.place.rsplit('/').next().expect("has a place").to_owned(), used)
        })
        .collect()
}

fn check_used(path: &str, text: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(place, used)| ((*place).to_owned(), (*used).to_owned())).collect();
    assert_eq!(forbidden(path, text), expected, "{path}:\n{text}");
}

#[test]
fn the_fold_sees_no_disk_clock_or_judgement() {
    check_used("fold.rs", "use crate::disk::Disk;\n", &[("fold.rs:1", "disk")]);
    check_used(
        "fold/ids.rs",
        "use crate::{\n    clock,\n    log::Position,\n};\n",
        &[("ids.rs:1", "clock")],
    );
    check_used("fold/ids.rs", "\nlet x = crate::random::draw();\n", &[("ids.rs:2", "random")]);
    check_used(
        "fold.rs",
        "use proofbook_catalog::Admitted;\n",
        &[("fold.rs:1", "proofbook_catalog")],
    );
    check_used(
        "fold.rs",
        "fn f(c: &proofbook_filter::Filter) {}\n",
        &[("fold.rs:1", "proofbook_filter")],
    );
    check_used("fold.rs", "use crate::{codec::{Decoder, disk}, record};\n", &[]);
}

#[test]
fn super_counts_when_it_climbs_to_the_crate() {
    check_used("fold/ids.rs", "use super::disk;\n", &[]);
    check_used("fold/ids.rs", "use super::super::disk::Disk;\n", &[("ids.rs:1", "disk")]);
    check_used("fold.rs", "use super::{disk, record};\n", &[("fold.rs:1", "disk")]);
    check_used("disk/mod.rs", "use super::fold;\n", &[("mod.rs:1", "fold")]);
}

#[test]
fn the_ground_uses_only_the_ground() {
    check_used(
        "disk/sim.rs",
        "use crate::random::Random;\nuse crate::log::Log;\n",
        &[("sim.rs:2", "log")],
    );
    check_used("codec.rs", "use crate::record::Record;\n", &[("codec.rs:1", "record")]);
    check_used("codec.rs", "use crate::DecodeError;\n", &[]);
}

#[test]
fn the_log_does_not_know_the_fold() {
    check_used("log/frame.rs", "use crate::fold::State;\n", &[("frame.rs:1", "fold")]);
    check_used("log.rs", "use crate::disk::Disk;\n", &[]);
}

#[test]
fn segments_and_records_do_not_know_what_follows_from_them() {
    check_used("segment/writer.rs", "use crate::fold::State;\n", &[("writer.rs:1", "fold")]);
    check_used("record.rs", "use crate::fold::State;\n", &[("record.rs:1", "fold")]);
    check_used("segment/writer.rs", "use crate::disk::Disk;\n", &[]);
}

#[test]
fn comments_and_tests_may_name_anything() {
    check_used("fold.rs", "// see crate::disk\n/// [`crate::clock`]\n", &[]);
    check_used("fold/tests.rs", "use crate::disk::Disk;\n", &[]);
}
