//! The workload against its definition (design section 10, issue A11), read by the event parser.

use std::collections::HashSet;

use super::*;

fn lines(batch: &Batch) -> Vec<&[u8]> {
    batch.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

#[test]
fn a11_the_figures_are_those_of_workload_w() {
    for seed in [1, 77] {
        let workload = Workload::new(seed, 1_000, 1_000_000);
        let figures = workload.describe(25);
        assert_eq!(figures.sampled, 25_000);
        assert!(figures.bytes_median.abs_diff(597) <= 5, "{figures:?}");
        assert!((figures.changed_share - 0.60).abs() <= 0.01, "{figures:?}");
        assert_eq!(figures.actions, 38, "{figures:?}");
        // 1 / (1 + 1/2 + … + 1/1000) = 0.13359
        assert!((figures.largest_share - 0.1336).abs() <= 0.008, "{figures:?}");
    }
}

#[test]
fn a11_every_workspace_gets_its_share() {
    let workload = Workload::new(5, 1_000, 100_000);
    let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for batch in workload.batches() {
        for line in lines(&batch) {
            // The name stands at a fixed place behind the id of 32 digits.
            let name = line[54..].split(|byte| *byte == b'"').next().unwrap().to_vec();
            *counts.entry(name).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 1_000);
    for rank in [0, 1, 9, 99, 499] {
        let expected = 100_000.0 / ((rank + 1) as f64 * 7.485_47);
        let found = counts[workload.workspaces()[rank].as_bytes()] as f64;
        let deviation = 5.0 * expected.sqrt();
        assert!((found - expected).abs() < deviation, "rank {rank}: {found}, not {expected}");
    }
}

#[test]
fn a11_every_event_keeps_the_contract() {
    let workload = Workload::new(9, 1_000, 1_000_000);
    let mut ids = HashSet::new();
    let mut last = Timestamp::MIN;
    for index in [0, 1, 50, 150, 999] {
        let batch = workload.batch(index);
        assert_eq!((batch.events, lines(&batch).len()), (1_000, 1_000));
        for line in lines(&batch) {
            let draft = EventDraft::parse(line)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
            assert!(draft.occurred_at.unwrap() >= last, "time goes back");
            last = draft.occurred_at.unwrap();
            assert!(ids.insert(draft.id.unwrap().into_owned()), "an id occurs twice");
            let context = draft.context.unwrap();
            let request =
                context.get("request_id").and_then(proofbook_event::Value::as_str).unwrap();
            assert_eq!(request.len(), 32);
            assert!(ids.insert(request.to_owned()), "a request id occurs twice");
            if draft.before.is_some() && draft.after.is_some() {
                assert_ne!(draft.before, draft.after);
            }
        }
    }
}

#[test]
fn a_workload_repeats_itself_and_its_batches_come_in_any_order() {
    let workload = Workload::new(3, 100, 12_345);
    assert_eq!(workload.batch_count(), 13);
    let forward: Vec<Batch> = workload.batches().collect();
    let again = Workload::new(3, 100, 12_345);
    let backward: Vec<Batch> = (0..13).rev().map(|index| again.batch(index)).collect();
    assert!(forward.iter().eq(backward.iter().rev()));
    assert_eq!(forward.iter().map(|batch| batch.events).sum::<usize>(), 12_345);
    assert_eq!(workload.batch(13).events, 0);
    assert_ne!(Workload::new(4, 100, 12_345).batch(0), forward[0]);
}

#[test]
fn the_rare_word_is_in_one_event_of_100_000_and_in_the_largest_workspace() {
    let workload = Workload::new(6, 1_000, 160_000);
    let queries = workload.queries();
    let mut hits = 0;
    let mut with_substring = 0;
    for batch in workload.batches() {
        for line in lines(&batch) {
            let text = std::str::from_utf8(line).unwrap();
            if text.contains(&queries.rare_word) {
                hits += 1;
                assert!(text.contains(&format!("\"workspace\":\"{}\"", queries.largest_workspace)));
            }
            with_substring += u32::from(text.contains(&queries.id_substring));
        }
    }
    // Events 50,000 and 150,000.
    assert_eq!((hits, queries.rare_hits), (2, 2));
    assert_eq!(with_substring, 1);
    assert!(queries.id_of_substring.contains(&queries.id_substring));
    assert_eq!(queries.id_substring.len(), 12);
    assert_eq!(Workload::new(6, 1_000, 50_000).queries().rare_hits, 0);
    assert_eq!(Workload::new(6, 1_000, 50_001).queries().rare_hits, 1);
}

#[test]
fn in_turn_gives_every_workspace_the_same() {
    let figures = Workload::in_turn(1, 500, 10).describe(u64::MAX);
    assert_eq!((figures.sampled, figures.workspaces), (5_000, 500));
    assert!((figures.largest_share - 0.002).abs() < 1e-9);
}

#[test]
fn addresses_are_of_the_shared_range() {
    let mut text = Vec::new();
    for bits in [0, 0xffff_ffff, 0x0012_0a63] {
        put_ip(&mut text, bits);
        text.push(b' ');
    }
    assert_eq!(text, b"100.64.0.0 100.127.255.255 100.82.10.99 ");
}
