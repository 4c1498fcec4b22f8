//! An operator who owns the disk and the signing key, and computes anew whatever he can.
//!
//! The table `evil_operator.tsv` has a row an attack: its name, how it is made, the exit code of
//! `proofbook verify`, the check that notices, and what that check says. The auditor has the log's key,
//! one head that he kept when the log had 300 events, and wants the newest event to be at most a day old.
//! Each attack is made here by the function of its name; a row without function, and a function without
//! row, fails the test.

use std::collections::BTreeMap;

use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};
use proofbook_ledger::bundle::{
    EventOpenings, Expectations, Kind, Manifest, Report, Status, Verdict,
};
use proofbook_ledger::entries::append_entry;
use proofbook_ledger::policy::Policy;
use proofbook_ledger::{Checkpoint, SigningKey, VerifierKey, WorkspaceUid};

use crate::world::{BEGIN, Draft, Files, STEP, World};

/// Events in the honest log when the auditor comes back.
const SIZE: u64 = 600;
/// Events in it when he kept a head.
const KEPT: u64 = 300;
/// What he asks for.
const MAX_AGE: i64 = 86_400_000_000;

/// An honest log: an erasure, and a purge among its events.
fn honest() -> World {
    let mut world = World::new(SIZE);
    world.events[450].action = Some("audit_log.erased".into());
    world.events[40].erased = vec![(Group::Context, 450)];
    let purged =
        "{\"metadata\":{\"count\":10,\"first_seq\":100,\"last_seq\":109,\"policy\":\"30d\"}}";
    world.events[500].action = Some("audit_log.purged".into());
    world.events[500].values = vec![(Group::Id, "\"p\"".into()), (Group::Metadata, purged.into())];
    world
}

const PURGED: std::ops::Range<u64> = 100..110;

/// The bundle that a world's operator hands out.
fn export(world: &World) -> Files {
    let purged: Vec<u64> = PURGED.filter(|seq| *seq < world.size()).collect();
    world.bundle(world.claims(Kind::Full, 0, world.size()), &[], &purged)
}

fn range(world: &World, from: u64, to: u64) -> Files {
    world.bundle(world.claims(Kind::Range, from, to), &[KEPT], &[])
}

fn window(world: &World, from: u64, to: u64, begin: u64, end: u64) -> Files {
    let time = |seq: u64| Timestamp::from_micros(BEGIN + seq as i64 * STEP);
    let claims =
        Manifest { window: Some((time(begin), time(end))), ..world.claims(Kind::Range, from, to) };
    world.bundle(claims, &[KEPT], &[])
}

/// Changes the world before everything is computed from it.
fn rewritten(change: impl FnOnce(&mut World)) -> Files {
    let mut world = honest();
    change(&mut world);
    export(&world)
}

/// Numbers the events as they stand, as one does who covers up.
fn renumber(world: &mut World) {
    for (seq, event) in (0..).zip(&mut world.events) {
        event.seq = seq;
    }
}

/// Changes files of an honest bundle, with a fitting list of hashes.
fn patched(files: Files, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Files {
    let mut files = files;
    change(&mut files.0);
    files.resum();
    files
}

fn replace_in(files: &mut BTreeMap<String, Vec<u8>>, path: &str, from: &str, to: &str) {
    let text = String::from_utf8_lossy(&files[path]).into_owned();
    assert!(text.contains(from), "{path} has no {from:?}");
    files.insert(path.into(), text.replacen(from, to, 1).into_bytes());
}

fn line_of(files: &BTreeMap<String, Vec<u8>>, seq: u64) -> (String, String) {
    let path = proofbook_ledger::bundle::openings_path(seq / 256);
    let text = String::from_utf8_lossy(&files[&path]).into_owned();
    let begin = format!("{{\"seq\":{seq},");
    let line = text.lines().find(|line| line.starts_with(&begin)).expect("a line");
    (path, format!("{line}\n"))
}

/// Puts another leaf into an entry bundle that has no holes, and leaves all else.
fn swap_leaf(files: &mut BTreeMap<String, Vec<u8>>, world: &World, path: &str, seqs: &[u64]) {
    let mut bundle = Vec::new();
    for seq in seqs {
        append_entry(&world.events[*seq as usize].leaf(), &mut bundle);
    }
    files.insert(path.into(), bundle);
}

fn other_key(world: &World) -> SigningKey {
    SigningKey::from_seed(&world.origin, &[0x66; 32]).expect("a name")
}

/// A head of any size and root, signed with the true key.
fn signed(world: &World, size: u64, root_of: u64) -> Vec<u8> {
    let head = Checkpoint { size, ..world.head(root_of) };
    head.sign(&world.key()).into_bytes()
}

type Attack = fn() -> Files;

const ATTACKS: &[(&str, Attack)] = &[
    ("control", || export(&honest())),
    ("control_range", || range(&honest(), 300, 600)),
    ("control_window", || window(&honest(), 310, 600, 310, 900)),
    // What the log says is rewritten, and everything computed and signed anew.
    ("edit_value", || rewritten(|world| world.events[20].values[0].1 = "{\"actor\":{}}".into())),
    ("edit_outcome", || rewritten(|world| world.events[20].outcome = Outcome::Failure)),
    ("edit_action", || rewritten(|world| world.events[20].action = Some("project.view".into()))),
    ("hide_action", || rewritten(|world| world.events[20].action = None)),
    ("backdate_occurred", || rewritten(|world| world.events[20].occurred_at -= 86_400_000_000)),
    ("backdate_recorded", || rewritten(|world| world.events[20].recorded_at -= STEP / 2)),
    ("new_salt", || rewritten(|world| world.events[20].salt = 9)),
    ("drop_group", || {
        rewritten(|world| {
            world.events[20].values.remove(1);
        })
    }),
    ("add_group", || {
        rewritten(|world| world.events[20].values.push((Group::Metadata, "{}".into())))
    }),
    ("drop_event", || {
        rewritten(|world| {
            world.events.remove(20);
            renumber(world);
        })
    }),
    ("drop_event_and_pad", || {
        rewritten(|world| {
            world.events.remove(20);
            world.events.push(Draft::new(SIZE));
            renumber(world);
        })
    }),
    ("insert_event", || {
        rewritten(|world| {
            let forged = Draft { salt: 5, ..world.events[20].clone() };
            world.events.insert(20, forged);
            renumber(world);
        })
    }),
    ("reorder_events", || {
        rewritten(|world| {
            world.events.swap(20, 21);
            renumber(world);
        })
    }),
    ("reorder_without_renumbering", || rewritten(|world| world.events.swap(20, 21))),
    ("duplicate_event", || {
        rewritten(|world| {
            let twice = world.events[20].clone();
            world.events.insert(21, twice);
            renumber(world);
        })
    }),
    ("swap_segments", || {
        rewritten(|world| {
            world.events[..512].rotate_left(256);
            renumber(world);
        })
    }),
    ("number_with_gap", || {
        rewritten(|world| world.events[580..].iter_mut().for_each(|event| event.seq += 1))
    }),
    ("number_twice", || rewritten(|world| world.events[590].seq = 589)),
    ("clock_back", || rewritten(|world| world.events[590].recorded_at = BEGIN)),
    ("foreign_workspace_leaf", || rewritten(|world| world.events[590].uid = WorkspaceUid([1; 16]))),
    ("fork_after_kept_head", || rewritten(|world| world.events[299].salt = 9)),
    ("rewrite_from_birth", || {
        rewritten(|world| world.events.iter_mut().for_each(|event| event.salt = 9))
    }),
    // The log is shortened, held up, or replaced.
    ("cut_tail", || rewritten(|world| world.events.truncate(299))),
    ("roll_back", || rewritten(|world| world.events.truncate(256))),
    ("empty_log", || export(&World { events: Vec::new(), ..honest() })),
    ("freeze", || export(&honest())),
    ("freeze_with_future_clock", || {
        rewritten(|world| world.events[599].recorded_at += 30 * 86_400_000_000)
    }),
    ("new_origin", || {
        let mut world = honest();
        world.origin.push_str("/e2");
        export(&world)
    }),
    ("other_workspace", || {
        let mut world = honest();
        world.origin = format!("log.example/ws/{}", WorkspaceUid([1; 16]));
        export(&world)
    }),
    ("other_key", || {
        let world = World { seed: [0x66; 32], ..honest() };
        export(&world)
    }),
    ("key_of_same_id_in_bundle", || {
        let world = honest();
        patched(export(&world), |files| {
            let vkey = other_key(&world).verifier().to_string();
            files.insert("keys/history.json".into(), format!("[{{\"vkey\":\"{vkey}\"}}]").into());
            let note = world.head(SIZE).sign(&other_key(&world));
            files.insert("checkpoint".into(), note.into_bytes());
        })
    }),
    // The head lies.
    ("head_of_greater_size", || {
        let world = honest();
        patched(export(&world), |files| {
            files.insert("checkpoint".into(), signed(&world, SIZE + 1, SIZE));
            replace_in(files, "bundle.json", "\"size\": 600", "\"size\": 601");
            replace_in(files, "bundle.json", "\"to\": 600", "\"to\": 601");
        })
    }),
    ("head_of_smaller_size", || {
        let world = honest();
        patched(export(&world), |files| {
            files.insert("checkpoint".into(), signed(&world, SIZE - 1, SIZE));
            replace_in(files, "bundle.json", "\"size\": 600", "\"size\": 599");
            replace_in(files, "bundle.json", "\"to\": 600", "\"to\": 599");
        })
    }),
    ("head_of_other_root", || {
        let world = honest();
        patched(export(&world), |files| {
            files.insert("checkpoint".into(), signed(&world, SIZE, SIZE - 1));
        })
    }),
    ("unsigned_head", || {
        let world = honest();
        patched(export(&world), |files| {
            let text = world.head(SIZE).text();
            files.insert("checkpoint".into(), format!("{text}\n").into_bytes());
        })
    }),
    ("signature_of_older_head", || {
        let world = honest();
        patched(export(&world), |files| {
            let line = world.key().sign(&world.head(KEPT).text());
            let note = format!("{}\n{line}\n", world.head(SIZE).text());
            files.insert("checkpoint".into(), note.into_bytes());
        })
    }),
    ("false_older_head", || {
        let world = honest();
        patched(range(&world, 310, 600), |files| {
            files.insert("heads/300".into(), signed(&world, KEPT, KEPT - 1));
        })
    }),
    ("older_head_of_other_size", || {
        let world = honest();
        patched(range(&world, 310, 600), |files| {
            files.insert("heads/300".into(), signed(&world, 299, 299));
        })
    }),
    ("forged_consistency", || {
        let mut world = honest();
        world.events[20].salt = 9;
        patched(range(&world, 310, 600), |files| {
            files.remove("heads/300");
        })
    }),
    ("no_consistency", || {
        patched(range(&honest(), 310, 600), |files| {
            files.remove("consistency/300");
            files.remove("heads/300");
        })
    }),
    ("consistency_to_another_head", || {
        let world = honest();
        let shorter = World { events: world.events[..599].to_vec(), ..world.clone() };
        patched(range(&world, 310, 600), |files| {
            files.insert("consistency/300".into(), shorter.consistency(KEPT).into_bytes());
        })
    }),
    ("different_head_for_this_reader", || {
        // A fork made after the kept head, shown to this auditor only: here the other reader's head,
        // which he got from a colleague, is his kept head.
        let mut world = honest();
        world.events[550].salt = 9;
        export(&world)
    }),
    // What is handed out is not what is in the log.
    ("swap_values_of_two_events", || {
        patched(export(&honest()), |files| {
            let ((path, a), (_, b)) = (line_of(files, 300), line_of(files, 301));
            let (new_a, new_b) =
                (b.replace("\"seq\":301", "\"seq\":300"), a.replace("\"seq\":300", "\"seq\":301"));
            replace_in(files, &path, &format!("{a}{b}"), &format!("{new_a}{new_b}"));
        })
    }),
    ("swap_openings_in_event", || {
        patched(export(&honest()), |files| {
            let (path, line) = line_of(files, 300);
            let changed = line.replace(
                "{\\\"actor\\\":{\\\"id\\\":\\\"u_300\\\",\\\"name\\\":\\\"Ada\\\"}}",
                "{\\\"ip\\\":\\\"203.0.113.44\\\"}",
            );
            assert_ne!(line, changed);
            replace_in(files, &path, &line, &changed);
        })
    }),
    ("edit_shown_value", || {
        patched(export(&honest()), |files| {
            let (path, line) = line_of(files, 300);
            replace_in(files, &path, &line, &line.replace("Ada", "Bob"));
        })
    }),
    ("edit_salt", || {
        patched(export(&honest()), |files| {
            let (path, line) = line_of(files, 300);
            replace_in(files, &path, &line, &line.replacen("\"salt\":\"A", "\"salt\":\"B", 1));
        })
    }),
    ("drop_line_of_openings", || {
        patched(export(&honest()), |files| {
            let (path, line) = line_of(files, 300);
            replace_in(files, &path, &line, "");
        })
    }),
    ("drop_one_opening_silently", || {
        patched(export(&honest()), |files| {
            let (path, line) = line_of(files, 300);
            let at = line.find(",{\"pointer\":\"/context\"").expect("there");
            let end = at + line[at..].find('}').expect("there");
            let end = end + line[end..].find("\"},").expect("there") + 2;
            let changed = format!("{}{}", &line[..at], &line[end..]);
            replace_in(files, &path, &line, &changed);
        })
    }),
    ("withhold_without_saying", || {
        let world = honest();
        let claims = Manifest { withheld: vec![Group::Actor], ..world.claims(Kind::Full, 0, SIZE) };
        let purged: Vec<u64> = PURGED.collect();
        patched(world.bundle(claims, &[], &purged), |files| {
            replace_in(
                files,
                "bundle.json",
                "\"withheld\": [\n    \"/actor\"\n  ]",
                "\"withheld\": []",
            );
        })
    }),
    ("pretend_erasure", || rewritten_line(300, Group::Context, 590)),
    ("erasure_from_the_past", || rewritten_line(500, Group::Metadata, 450)),
    ("erasure_outside_the_log", || rewritten_line(300, Group::Context, 9000)),
    ("pretend_purge", || {
        let world = honest();
        let purged: Vec<u64> = (100..130).collect();
        world.bundle(world.claims(Kind::Full, 0, SIZE), &[], &purged)
    }),
    ("replace_leaf_file", || {
        let mut world = honest();
        world.events[520].salt = 9;
        patched(export(&honest()), |files| {
            let seqs: Vec<u64> = (512..600).collect();
            swap_leaf(files, &world, "tile/entries/002.p/88", &seqs);
        })
    }),
    ("swap_leaf_files", || {
        let world = honest();
        patched(range(&world, 1, 600), |files| {
            let first: Vec<u64> = (0..256).collect();
            swap_leaf(files, &world, "tile/entries/001", &first);
        })
    }),
    ("truncate_leaf_file", || {
        patched(export(&honest()), |files| {
            files.get_mut("tile/entries/001").expect("there").truncate(40_000);
        })
    }),
    ("leave_out_leaf_file", || {
        patched(export(&honest()), |files| {
            files.remove("tile/entries/001");
        })
    }),
    ("false_hash_tile", || {
        patched(export(&honest()), |files| files.get_mut("tile/0/001").expect("there")[7] ^= 1)
    }),
    ("false_upper_tile", || {
        patched(range(&honest(), 300, 400), |files| {
            files.get_mut("tile/1/000.p/2").expect("there")[7] ^= 1;
        })
    }),
    ("false_edge", || {
        patched(range(&honest(), 300, 400), |files| {
            let text = String::from_utf8_lossy(&files["range-edges"]).into_owned();
            let lines: Vec<&str> = text.lines().rev().collect();
            files.insert("range-edges".into(), format!("{}\n", lines.join("\n")).into_bytes());
        })
    }),
    ("extra_edge", || {
        patched(range(&honest(), 300, 400), |files| {
            let line =
                String::from_utf8_lossy(&files["range-edges"]).lines().next().unwrap().to_owned();
            files.get_mut("range-edges").unwrap().extend(format!("{line}\n").bytes());
        })
    }),
    // What is claimed is not what is there.
    ("claim_a_wider_range", || {
        patched(range(&honest(), 300, 400), |files| {
            replace_in(files, "bundle.json", "\"to\": 400", "\"to\": 410");
        })
    }),
    ("claim_the_whole_log", || {
        patched(range(&honest(), 300, 600), |files| {
            replace_in(files, "bundle.json", "\"range\"", "\"full\"");
            replace_in(files, "bundle.json", "\"from\": 300", "\"from\": 0");
        })
    }),
    ("filtered_as_range", || {
        let world = honest();
        let events: Vec<u64> = (590..600).collect();
        patched(world.filtered(&events, &[]), |files| {
            replace_in(files, "bundle.json", "\"filtered\"", "\"full\"");
            replace_in(files, "bundle.json", "  \"filter\": \"actor:ada\",\n", "");
        })
    }),
    ("window_too_short_at_its_begin", || window(&honest(), 320, 600, 310, 900)),
    ("window_too_short_at_its_end", || window(&honest(), 310, 590, 310, 595)),
    ("window_of_other_times", || window(&honest(), 310, 600, 320, 900)),
    ("unlisted_file", || {
        let mut files = export(&honest());
        files.0.insert("NOTICE.txt".into(), b"all is well".to_vec());
        files
    }),
    ("proof_of_another_event", || {
        let world = honest();
        let mut files = world.filtered(&[590, 599], &[]);
        let other = files.0["proofs/590.tlog-proof"].clone();
        files.0.insert("proofs/599.tlog-proof".into(), other);
        files.resum();
        files
    }),
    ("proof_under_another_head", || {
        let world = honest();
        let shorter = World { events: world.events[..599].to_vec(), ..world.clone() };
        let other = shorter.filtered(&[590], &[]).0["proofs/590.tlog-proof"].clone();
        patched(world.filtered(&[590, 599], &[]), |files| {
            files.insert("proofs/590.tlog-proof".into(), other);
        })
    }),
    ("cosignature_of_nobody", || {
        let world = honest();
        patched(export(&world), |files| {
            let stranger = SigningKey::cosigner_from_seed("w.example", &[1; 32]).unwrap();
            let line = stranger.cosign(&world.head(SIZE).text(), now_s());
            files.get_mut("checkpoint").unwrap().extend(format!("{line}\n").bytes());
        })
    }),
];

/// Replaces the opening of a group by the claim that it was erased.
fn rewritten_line(seq: u64, group: Group, by: u64) -> Files {
    patched(export(&honest()), |files| {
        let (path, line) = line_of(files, seq);
        let mut openings = EventOpenings::parse(line.trim_end().as_bytes()).expect("a line");
        openings.openings.retain(|opening| opening.group != group);
        openings.erased.push((group, by));
        let mut changed = Vec::new();
        openings.write_line(&mut changed);
        replace_in(files, &path, &line, &String::from_utf8_lossy(&changed));
    })
}

fn now() -> i64 {
    BEGIN + SIZE as i64 * STEP + 3_600_000_000
}

fn now_s() -> u64 {
    (now() / 1_000_000) as u64
}

/// What the auditor does.
fn audit(name: &str, files: &Files) -> Report {
    let world = honest();
    let keys: [VerifierKey; 1] = [world.key().verifier().clone()];
    let since = match name {
        "different_head_for_this_reader" => [world.head(SIZE)],
        _ => [world.head(KEPT)],
    };
    let witness = SigningKey::cosigner_from_seed("w.example", &[8; 32]).unwrap();
    let policy = format!("witness w {}\nquorum w\n", witness.verifier());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let now = match name {
        "freeze" => now() + 2 * MAX_AGE,
        _ => now(),
    };
    files.verify_with(&Expectations {
        keys: &keys,
        since: &since,
        policy: (name == "cosignature_of_nobody").then_some(&policy),
        max_age_micros: Some(MAX_AGE),
        now: Timestamp::from_micros(now),
    })
}

#[test]
fn b4_an_evil_operator_is_noticed_whatever_he_does() {
    let table = include_str!("evil_operator.tsv");
    let mut lines = table.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("name\thow\texit\tcheck\tsays"));
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 5, "{line}");
        assert!(rows.insert(cells[0], cells).is_none(), "{line} comes twice");
    }
    let mut faults = Vec::new();
    for (name, attack) in ATTACKS {
        let report = audit(name, &attack());
        let exit = report.verdict().exit_code();
        let worst = report.checks.iter().rev().max_by_key(|check| check.status);
        let worst = worst.map_or(("", ""), |check| (check.name, check.detail.as_str()));
        let Some(row) = rows.remove(name) else {
            faults.push(format!("{name}\t?\t{exit}\t{}\t{}", worst.0, worst.1));
            continue;
        };
        let said = report.checks.iter().any(|check| check.name == row[3] && check.detail == row[4]);
        if row[2] != exit.to_string() || !said {
            let all: Vec<String> = report
                .checks
                .iter()
                .filter(|check| check.status > Status::Notice)
                .map(|check| format!("{}: {}", check.name, check.detail))
                .collect();
            faults
                .push(format!("{name}\t{}\t{exit}\t{}\t{}\n    {all:?}", row[1], worst.0, worst.1));
        }
        let is_control = name.starts_with("control");
        if (report.verdict() == Verdict::Ok) != is_control {
            faults.push(format!("{name}: NOT NOTICED, or a false alarm: {:?}", report.checks));
        }
    }
    assert!(faults.is_empty(), "rows that differ:\n{}", faults.join("\n"));
    assert!(rows.is_empty(), "rows of which nobody makes the attack: {:?}", rows.keys());
    assert!(ATTACKS.len() >= 40 + 3, "{} attacks", ATTACKS.len());
}

/// What the independent verifier of the specification has no part in: policies, ages, what the log says of
/// its erasures and purges, and the tiles above the leaves, which are there for others.
const NOT_ITS_OWN: &[&str] = &[
    "freeze",
    "freeze_with_future_clock",
    "cosignature_of_nobody",
    "pretend_erasure",
    "pretend_purge",
    "erasure_outside_the_log",
    "false_upper_tile",
];

#[test]
fn b8_the_independent_verifier_notices_the_same() {
    let place = std::env::temp_dir().join(format!("proofbook-evil-{}", std::process::id()));
    let world = honest();
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("vkey"), format!("{}\n", world.key().verifier())).unwrap();
    let run = |name: &str, files: &Files, kept: &str| {
        let folder = place.join(name);
        for (path, bytes) in &files.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::write(place.join("kept"), kept).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/verify_bundle.py");
        let python = std::env::var("PROOFBOOK_PYTHON").unwrap_or_else(|_| "python3".into());
        let ran = std::process::Command::new(python)
            .args([script.as_ref(), folder.as_os_str(), place.join("vkey").as_os_str()])
            .arg(place.join("kept"))
            .output()
            .expect("python3 runs; PROOFBOOK_PYTHON names another");
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.success(), said)
    };
    let mut faults = Vec::new();
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| !NOT_ITS_OWN.contains(name)) {
        let size = if *name == "different_head_for_this_reader" { SIZE } else { KEPT };
        let (is_ok, said) = run(name, &attack(), &world.signed(size));
        let told = said.lines().last().unwrap_or_default().to_owned();
        let is_told = is_ok || told.starts_with("NOT VERIFIED: ");
        if is_ok != name.starts_with("control") || !is_told {
            faults.push(format!("{name}: {told}"));
        }
    }
    // Kinds of bundle that no attack begins with.
    let withheld = Manifest { withheld: vec![Group::Actor], ..world.claims(Kind::Range, 3, 300) };
    let more = [
        ("filtered", world.filtered(&[0, 300, 599], &[Group::Context])),
        ("withheld", world.bundle(withheld, &[2, KEPT], &[])),
        ("first", range(&world, 0, 1)),
    ];
    for (name, files) in more {
        let files = patched(files, |files| {
            let lines = world.consistency(KEPT).into_bytes();
            files.insert(format!("consistency/{KEPT}"), lines);
        });
        let (is_ok, said) = run(name, &files, &world.signed(KEPT));
        if !is_ok {
            faults.push(format!("{name}: {said}"));
        }
    }
    let _ = std::fs::remove_dir_all(&place);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
