//! Bundles of every kind verify, and say what they prove (issue points B3, B4).

use proofbook_event::{Group, Timestamp};
use proofbook_ledger::bundle::{Expectations, Kind, Manifest, Status, Verdict};
use proofbook_ledger::policy::Policy;
use proofbook_ledger::{Checkpoint, Hash, SigningKey};

use crate::world::{BEGIN, Draft, Files, STEP, World};

fn ok(world: &World, files: &Files, since: &[Checkpoint]) {
    let report = files.verify(&[world.key().verifier().clone()], since);
    assert_eq!(report.verdict(), Verdict::Ok, "{:#?}", report.checks);
}

/// A purge's event, as the store writes it.
fn purge(seq: u64, first: u64, last: u64, count: u64) -> Draft {
    let value = format!(
        "{{\"metadata\":{{\"count\":{count},\"first_seq\":{first},\"last_seq\":{last},\"policy\":\"30d\"}}}}"
    );
    let mut event = Draft::new(seq);
    event.action = Some("audit_log.purged".into());
    event.values = vec![(Group::Id, "\"p\"".into()), (Group::Metadata, value)];
    event
}

#[test]
fn b3_the_whole_log_verifies_at_every_interesting_size() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000] {
        let world = World::new(size);
        let heads: Vec<u64> =
            [0, 1, 100, 256, 300, 512].into_iter().filter(|n| *n <= size).collect();
        let files = world.bundle(world.claims(Kind::Full, 0, size), &heads, &[]);
        ok(&world, &files, &[]);
        for old in heads {
            ok(&world, &files, &[world.head(old)]);
        }
        ok(&world, &files, &[world.head(size)]);
    }
}

#[test]
fn b3_a_range_verifies_wherever_it_begins_and_ends() {
    let world = World::new(1300);
    let places = [0, 1, 255, 256, 257, 600, 1023, 1024, 1025, 1299, 1300];
    for from in places {
        for to in places.into_iter().filter(|to| *to > from) {
            let files = world.bundle(world.claims(Kind::Range, from, to), &[300], &[]);
            ok(&world, &files, &[world.head(300)]);
            let report = files.verify(&[world.key().verifier().clone()], &[world.head(301)]);
            // Without consistency lines from there, only leaves from 0 on could show it.
            let leaves_end = (to + 1).min(1300).div_ceil(256) * 256;
            let has_all = from <= 256 && leaves_end >= 301;
            let expected = if has_all { Verdict::Ok } else { Verdict::Incomplete };
            assert_eq!(report.verdict(), expected, "{from}..{to} {:#?}", report.checks);
        }
    }
}

#[test]
fn b3_a_window_of_time_is_shown_whole_by_its_neighbours() {
    let world = World::new(700);
    let time = |seq: i64| Timestamp::from_micros(BEGIN + seq * STEP);
    let windows = [
        (100, 600, time(100), time(600)),
        (0, 10, time(-50), time(10)),
        (690, 700, time(690), time(9000)),
        (256, 256, Timestamp::from_micros(time(255).micros() + 1), time(256)),
        (0, 0, time(-9), time(-1)),
        (700, 700, time(800), time(900)),
    ];
    for (from, to, begin, end) in windows {
        let claims = Manifest { window: Some((begin, end)), ..world.claims(Kind::Range, from, to) };
        ok(&world, &world.bundle(claims, &[], &[]), &[]);
    }
    // One event less at either end, and the window is not whole any more.
    for (from, to) in [(101, 600), (100, 599)] {
        let window = Some((time(100), time(600)));
        let claims = Manifest { window, ..world.claims(Kind::Range, from, to) };
        let report = world.bundle(claims, &[], &[]).verify(&[world.key().verifier().clone()], &[]);
        assert_eq!(report.check("window").unwrap().status, Status::Fail);
        assert_eq!(report.verdict(), Verdict::Fails);
    }
}

#[test]
fn b3_values_can_be_kept_back_and_the_rest_still_verifies() {
    let world = World::new(300);
    let withheld = vec![Group::Actor, Group::Context];
    let claims = Manifest { withheld, ..world.claims(Kind::Full, 0, 300) };
    let files = world.bundle(claims, &[], &[]);
    ok(&world, &files, &[]);
    let report = files.verify(&[world.key().verifier().clone()], &[]);
    assert_eq!((report.withheld_count, report.opening_count), (600, 600));
    assert!(files.0.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("203.0.113")));
}

#[test]
fn b3_a_filtered_export_says_that_it_proves_inclusion_only() {
    let world = World::new(1000);
    let files = world.filtered(&[0, 3, 255, 256, 700, 999], &[Group::Context]);
    ok(&world, &files, &[]);
    let report = files.verify(&[world.key().verifier().clone()], &[]);
    let check = report.check("completeness").unwrap();
    assert_eq!(check.status, Status::Notice);
    assert!(check.detail.contains("not proven"), "{}", check.detail);
    assert!(files.text("VERIFY.md").contains("does not prove that there are no others"));
}

#[test]
fn b6_erased_values_are_told_with_the_leaf_that_records_it() {
    let mut world = World::new(500);
    world.events[400].action = Some("audit_log.erased".into());
    world.events[7].erased = vec![(Group::Actor, 400), (Group::Context, 400)];
    ok(&world, &world.full(), &[]);
    let report = world.full().verify(&[world.key().verifier().clone()], &[]);
    assert_eq!(report.erased, [(7, "/actor", 400), (7, "/context", 400)]);
    let erased = report.check("erased").unwrap();
    assert_eq!(erased.detail, "2 values erased by leaf 400");
    // A range without that leaf cannot show it.
    let range = world.bundle(world.claims(Kind::Range, 5, 10), &[], &[]);
    let report = range.verify(&[world.key().verifier().clone()], &[]);
    assert_eq!(report.verdict(), Verdict::Incomplete);
}

#[test]
fn b3_purged_events_are_their_hashes_and_the_log_says_who_purged_them() {
    let mut world = World::new(600);
    world.events[550] = purge(550, 10, 19, 10);
    world.events[560] = purge(560, 20, 300, 1);
    let purged: Vec<u64> = (10..20).chain([300]).collect();
    let files = world.bundle(world.claims(Kind::Full, 0, 600), &[256], &purged);
    ok(&world, &files, &[world.head(256), world.head(15)]);
    let report = files.verify(&[world.key().verifier().clone()], &[]);
    assert_eq!(report.purged_count, 11);
    let text = &report.check("purged").unwrap().detail;
    assert_eq!(text, "11 events purged, as the leaves 550, 560 record");
    assert!(!files.0.contains_key("tile/entries/000"));
    assert!(files.0.contains_key("tile/0/000"));
    // One more than was told.
    let purged: Vec<u64> = (10..20).chain([300, 301]).collect();
    let files = world.bundle(world.claims(Kind::Full, 0, 600), &[], &purged);
    let report = files.verify(&[world.key().verifier().clone()], &[]);
    assert_eq!(report.check("purged").unwrap().status, Status::Fail);
    assert_eq!(report.verdict(), Verdict::Fails);
}

#[test]
fn b4_policy_and_age_have_their_own_verdict() {
    let world = World::new(300);
    let mut files = world.full();
    let keys = [world.key().verifier().clone()];
    let witness = SigningKey::cosigner_from_seed("w.example", &[8; 32]).unwrap();
    let policy = format!("log {}\nwitness w {}\nquorum w\n", keys[0], witness.verifier());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let last = BEGIN + 299 * STEP;
    let with = |policy, max_age_micros, now| Expectations {
        keys: &keys,
        since: &[],
        policy,
        max_age_micros,
        now: Timestamp::from_micros(now),
    };
    let verdict =
        |files: &Files, expectations: &Expectations<'_>| files.verify_with(expectations).verdict();
    assert_eq!(verdict(&files, &with(Some(&policy), None, last)), Verdict::PolicyNotMet);
    assert_eq!(verdict(&files, &with(None, Some(60 * STEP), last + 60 * STEP)), Verdict::Ok);
    let late = last + 60 * STEP + 1;
    assert_eq!(verdict(&files, &with(None, Some(60 * STEP), late)), Verdict::PolicyNotMet);
    // A log that is ahead of the clock shows no freshness.
    let early = last - 301 * STEP;
    assert_eq!(verdict(&files, &with(None, Some(60 * STEP), early)), Verdict::PolicyNotMet);

    let text = world.head(300).text();
    let line = witness.cosign(&text, (late / 1_000_000) as u64);
    let note = format!("{}{line}\n", files.text("checkpoint"));
    files.0.insert("checkpoint".into(), note.into_bytes());
    files.resum();
    assert_eq!(verdict(&files, &with(Some(&policy), Some(60 * STEP), late)), Verdict::Ok);
}

#[test]
fn b4_what_is_missing_is_told_apart_from_what_is_false() {
    let world = World::new(600);
    let keys = [world.key().verifier().clone()];
    let whole = world.bundle(world.claims(Kind::Range, 100, 500), &[90], &[]);
    for path in whole.0.keys().filter(|path| *path != "VERIFY.md") {
        let mut files = whole.clone();
        files.0.remove(path);
        let listed = files.verify(&keys, &[world.head(90)]).verdict();
        assert_eq!(listed, Verdict::Incomplete, "without {path}");
        if path == "SHA256SUMS" {
            continue;
        }
        // Taken out of the list as well.
        files.resum();
        let verdict = files.verify(&keys, &[world.head(90)]).verdict();
        let expected = match path.as_str() {
            // Not needed when the leaves from 0 on are there.
            "heads/90" | "consistency/90" | "keys/history.json" => Verdict::Ok,
            _ => Verdict::Incomplete,
        };
        assert_eq!(verdict, expected, "without {path}, and not listed");
    }
}

/// A log whose event 257 lost its actor.
fn erased_world() -> World {
    let mut world = World::new(259);
    world.events[258].action = Some("audit_log.erased".into());
    world.events[257].erased = vec![(Group::Actor, 258)];
    world
}

#[test]
fn b4_no_changed_byte_of_a_range_bundle_is_accepted() {
    let world = erased_world();
    let files = world.bundle(world.claims(Kind::Range, 257, 259), &[200], &[]);
    changed_bytes(&world, &files, &[world.head(200)]);
}

#[test]
fn b4_no_changed_byte_of_a_filtered_bundle_is_accepted() {
    let world = erased_world();
    changed_bytes(&world, &world.filtered(&[257, 258], &[Group::Context]), &[]);
}

/// Changes each byte of each file, and verifies the bundle as it is and again with a fitting list of
/// hashes, as one writes who changes a file on purpose.
fn changed_bytes(world: &World, files: &Files, since: &[Checkpoint]) {
    let keys = [world.key().verifier().clone()];
    assert_eq!(files.verify(&keys, since).verdict(), Verdict::Ok);
    for (path, bytes) in &files.0 {
        for at in 0..bytes.len() {
            let mut changed = files.clone();
            changed.0.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
            let report = changed.verify(&keys, since);
            assert_ne!(report.verdict(), Verdict::Ok, "byte {at} of {path}");
            // Of the prose a sample suffices here: nothing is checked in it.
            if path == "SHA256SUMS" || (path == "VERIFY.md" && at % 64 != 0) {
                continue;
            }
            changed.resum();
            if changed.verify(&keys, since).verdict() == Verdict::Ok {
                // What nobody signed and nothing rests on: prose, the server's word on its keys, the
                // words of the filter.
                let is_prose = path == "VERIFY.md" || path == "keys/history.json";
                let is_filter = path == "bundle.json"
                    && String::from_utf8_lossy(&bytes[..at]).contains("\"filter\"");
                assert!(is_prose || is_filter, "byte {at} of {path} with a fitting list");
            }
        }
    }
}

#[test]
fn b3_a_writer_refuses_what_would_not_verify() {
    let world = World::new(300);
    let sink = |_: &str, _: &[u8]| Ok::<(), std::io::Error>(());
    let begin = |claims: Manifest| {
        proofbook_ledger::bundle::BundleWriter::begin(claims, &world.signed(300), sink)
    };
    assert!(begin(world.claims(Kind::Full, 1, 300)).is_err());
    assert!(begin(world.claims(Kind::Range, 5, 5)).is_err());
    assert!(begin(Manifest { size: 299, ..world.claims(Kind::Range, 5, 6) }).is_err());
    let mut writer = begin(world.claims(Kind::Range, 5, 6)).unwrap();
    assert_eq!(writer.leaves(), 0..256);
    // Openings outside the range, none inside it.
    assert!(writer.leaf(b"{}", Some(world.events[0].line(&[]))).is_err());
    for event in &world.events[..5] {
        writer.leaf(&event.leaf(), None).unwrap();
    }
    assert!(writer.leaf(&world.events[5].leaf(), None).is_err());
    assert!(writer.leaf(&world.events[5].leaf(), Some(world.events[6].line(&[]))).is_err());
    assert!(writer.finish(|_, _| Ok(Hash::default())).is_err());
}
