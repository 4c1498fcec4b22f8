//! The shipped mappings against their samples, their goldens and the real CloudTrail file (A9).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use proofbook_event::{EventDraft, Timestamp, Value};

use super::*;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[expect(clippy::disallowed_methods, reason = "tests read the committed samples")]
fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

fn sample(name: &str, kind: &str) -> String {
    let path = repository().join("mappings/samples").join(format!("{name}{kind}.ndjson"));
    String::from_utf8(read(&path).unwrap_or_default()).unwrap()
}

/// Maps a text that holds only good records.
fn map_all(mapping: &Mapping, text: &str) -> Vec<Value<'static>> {
    mapping.records(text.as_bytes()).map(|record| mapping.map(&record.unwrap()).unwrap()).collect()
}

fn text<'v>(event: &'v Value<'_>, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

#[test]
fn every_shipped_mapping_reads() {
    for (name, title) in SHIPPED {
        let mapping = Mapping::parse(Mapping::shipped_text(name).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((mapping.name(), mapping.title()), (*name, *title));
        assert!(!mapping.description().is_empty() && mapping.link().starts_with("https://"));
    }
    assert!(Mapping::shipped("nothing").is_none());
}

#[test]
fn a9_every_sample_line_is_an_event_with_time_actor_and_action() {
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap();
        let lines = sample(name, "");
        assert!(lines.lines().count() >= 20, "{name}: too few samples");
        let events = map_all(&mapping, &lines);
        assert_eq!(events.len(), lines.lines().count(), "{name}");
        let ids: BTreeSet<&str> = events.iter().map(|event| text(event, "/id")).collect();
        assert_eq!(ids.len(), events.len(), "{name}: ids are distinct");
        for event in events {
            let written = event.to_string();
            let draft = EventDraft::parse(written.as_bytes())
                .unwrap_or_else(|error| panic!("{name}: {error}: {written}"));
            assert!(draft.id.is_some() && draft.occurred_at.is_some() && draft.actor.is_some());
            assert!(!text(&event, "/actor/type").is_empty() && !draft.action.is_empty());
        }
    }
}

/// The goldens were reviewed by eye when they were made; `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn a9_samples_give_their_goldens() {
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap();
        let mapped: Vec<String> =
            map_all(&mapping, &sample(name, "")).iter().map(Value::to_string).collect();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = repository().join(format!("mappings/samples/{name}.golden.ndjson"));
            #[expect(
                clippy::disallowed_methods,
                reason = "writes the committed goldens on demand"
            )]
            std::fs::write(path, mapped.join("\n") + "\n").unwrap();
            continue;
        }
        let golden = sample(name, ".golden");
        for (number, (line, expected)) in mapped.iter().zip(golden.lines()).enumerate() {
            assert_eq!(line, expected, "{name}, line {}", number + 1);
        }
        assert_eq!(mapped.len(), golden.lines().count(), "{name}");
    }
}

#[test]
fn each_sample_is_recognised_as_its_own_vendor() {
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap();
        for record in mapping.records(sample(name, "").as_bytes()) {
            assert_eq!(Mapping::recognise(&record.unwrap()), Some(*name));
        }
    }
}

#[test]
fn mapping_twice_gives_the_same_bytes() {
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap();
        assert_eq!(map_all(&mapping, &sample(name, "")), map_all(&mapping, &sample(name, "")));
    }
}

/// Facts of `../shared/data/README.md`, counted there without Proofbook.
#[test]
fn a9_the_real_cloudtrail_file_maps_without_loss() {
    let path = repository().join("../shared/data/cloudtrail.ndjson.gz");
    let Some(packed) = read(&path) else {
        println!("skipped: {} is not here", path.display());
        return;
    };
    let mut lines = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut lines).unwrap();
    let mapping = Mapping::shipped("cloudtrail").unwrap();
    let events = map_all(&mapping, &lines);
    assert_eq!(events.len(), 2_900);
    let mut actions: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut outcomes, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    let mut ids = BTreeSet::new();
    for event in &events {
        EventDraft::from_value(event.clone()).unwrap();
        *actions.entry(text(event, "/action")).or_default() += 1;
        *outcomes.entry(text(event, "/outcome/result")).or_insert(0) += 1;
        *kinds.entry(text(event, "/metadata/userIdentity/type")).or_insert(0) += 1;
        ids.insert(text(event, "/id"));
        assert!(!text(event, "/actor/id").is_empty(), "{event}");
    }
    assert_eq!(ids.len(), 2_900);
    assert_eq!(outcomes["failure"] + outcomes["denied"], 300);
    assert_eq!((outcomes["denied"], outcomes["success"]), (60, 2_600));
    assert_eq!(actions["kms.decrypt"], 178);
    assert_eq!(actions["ec2.describe_route_tables"], 163);
    assert_eq!(actions["iam.get_user"], 130);
    assert_eq!(actions.len(), 262);
    assert_eq!(
        kinds,
        BTreeMap::from([("IAMUser", 2_748), ("AssumedRole", 76), ("AWSService", 34), ("", 42)])
    );
    let systems = events.iter().filter(|event| text(event, "/actor/type") == "system").count();
    assert_eq!(systems, 42);
    let times: BTreeSet<Timestamp> =
        events.iter().map(|event| Timestamp::parse(text(event, "/occurred_at")).unwrap()).collect();
    assert_eq!(times.first().unwrap().to_string(), "2023-07-10T11:42:18.000000Z");
    assert_eq!(times.last().unwrap().to_string(), "2023-07-10T12:37:50.000000Z");

    // The same records as AWS delivers them, in one document: nothing is new.
    let document = format!("{{\"Records\":[{}]}}", lines.trim_end().replace('\n', ","));
    let again = map_all(&mapping, &document);
    assert_eq!(again, events);
}

/// A seeded stream of numbers (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Replaces, removes or doubles a piece of a text; the pieces are what JSON is made of.
fn damage(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"-1e999",
        b"99999999999999999999",
        b"\\ud800",
        b"\\u0000",
        b"\xff",
        b"\n",
        b"\0",
        b"\"a\":",
        b"true",
        b"[[[[[[[[[[",
        b"1.5",
    ];
    let mut out = text.to_vec();
    for _ in 0..=dice.below(4) {
        let from = dice.below(out.len());
        let to = (from + dice.below(12)).min(out.len());
        let piece = match dice.below(3) {
            0 => out[from..to].repeat(2),
            1 => Vec::new(),
            _ => PIECES[dice.below(PIECES.len())].to_vec(),
        };
        out.splice(from..to, piece);
    }
    out
}

#[test]
fn damaged_records_never_panic_and_never_make_a_bad_event() {
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap();
        let (mut mapped, mut dice) = (0, Dice(0x9e37_79b9_7f4a_7c15));
        for line in sample(name, "").lines() {
            for _ in 0..40 {
                let text = damage(line.as_bytes(), &mut dice);
                for record in mapping.records(&text).flatten() {
                    let Ok(event) = mapping.map(&record) else { continue };
                    let written = event.to_string();
                    EventDraft::parse(written.as_bytes())
                        .unwrap_or_else(|error| panic!("{name}: {error}: {written}"));
                    mapped += 1;
                }
            }
        }
        assert!(mapped > 100, "{name}: the damage left {mapped} records to map");
    }
}

#[test]
fn damaged_mappings_are_errors_and_never_panics() {
    let mut dice = Dice(42);
    for (name, _) in SHIPPED {
        let text = Mapping::shipped_text(name).unwrap().as_bytes();
        for _ in 0..30 {
            let damaged = damage(text, &mut dice);
            if let Ok(mapping) = Mapping::parse(&String::from_utf8_lossy(&damaged)) {
                for record in mapping.records(sample(name, "").as_bytes()).flatten() {
                    let _ = mapping.map(&record);
                }
            }
        }
    }
}

#[test]
fn two_records_of_one_vendor_never_share_an_id_unless_they_are_one() {
    let mapping = Mapping::shipped("workos").unwrap();
    let one = r#"{"action":"a.b","occurred_at":"2026-11-01T00:00:00Z","actor":{"id":"u"}}"#;
    let same = r#"{ "occurred_at":"2026-11-01T00:00:00Z", "actor":{"id":"u"},"action":"a.b"}"#;
    let other = one.replace("\"u\"", "\"v\"");
    let ids: Vec<String> = map_all(&mapping, &format!("{one}\n{same}\n{other}"))
        .iter()
        .map(|event| text(event, "/id").to_owned())
        .collect();
    assert_eq!(ids[0], ids[1], "the order of keys and the spaces do not matter");
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn the_workspace_is_read_where_the_record_names_it() {
    let mapping = Mapping::shipped("retraced").unwrap();
    let workspaces: BTreeSet<Option<String>> = mapping
        .records(sample("retraced", "").as_bytes())
        .map(|record| mapping.workspace(&record.unwrap()))
        .collect();
    assert_eq!(
        workspaces,
        BTreeSet::from([None, Some("acme".to_owned()), Some("globex".to_owned())])
    );
}
