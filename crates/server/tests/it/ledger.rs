//! B1, B2, B7: heads, tiles, proofs and openings over HTTP, checked with the verifier's own functions
//! against what clients hold.

use proofbook_event::EventDraft;
use proofbook_ledger::checkpoint::Checkpoint;
use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::entries::split_entries;
use proofbook_ledger::note::{Note, VerifierKey};
use proofbook_ledger::proof::{nodes_of, root};
use proofbook_ledger::tlog_proof::TlogProof;
use proofbook_ledger::{Hash, Opening, leaf_hash};
use proofbook_store::config::ConfigChange;
use proofbook_store::fold::SeedId;
use proofbook_store::prepare::Wanted;
use proofbook_store::signing::Outside;
use serde_json::{Value, json};

use crate::world::World;

/// Records events and returns the leaf hashes that their receipts name.
fn record(world: &World, count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| {
            let event = json!({"action": "note.create", "metadata": {"n": number}});
            let answer = world.post("/v1/workspaces/acme/events", &event.to_string());
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["results"][0]["leaf"].as_str().expect("a leaf").parse().expect("a hash")
        })
        .collect()
}

fn keys(world: &World) -> Vec<Value> {
    let keys = world.get("/v1/workspaces/acme/log/keys");
    assert_eq!(keys.status, 200, "{}", keys.text());
    keys.json()["data"].as_array().expect("keys").clone()
}

fn newest_key(world: &World) -> VerifierKey {
    let keys = keys(world);
    let vkey = keys.last().expect("a key")["vkey"].as_str().expect("a vkey").to_owned();
    vkey.parse().expect("a vkey")
}

fn checkpoint(world: &World) -> (String, Checkpoint) {
    let answer = world.get("/v1/workspaces/acme/log/checkpoint");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let note = answer.text();
    let head = Checkpoint::open(note.as_bytes(), &newest_key(world)).expect("it verifies");
    (note, head)
}

/// Lets the time pass after which a head is published again.
fn later(world: &World) {
    world.clock.advance(11_000_000);
}

#[test]
fn b1_a_checkpoint_is_signed_and_is_the_tree_of_the_receipts() {
    let world = World::start();
    let leaves = record(&world, 5);
    let (note, head) = checkpoint(&world);
    assert_eq!((head.size, head.root), (5, root(5, nodes_of(&leaves)).expect("a root")));
    assert!(!note.contains("acme"), "no customer's name: {note}");
    // Within ten seconds the same head is answered, byte for byte.
    record(&world, 1);
    assert_eq!(checkpoint(&world).0, note);
    later(&world);
    assert_eq!(checkpoint(&world).1.size, 6);
}

#[test]
fn b2_tiles_hold_the_leaves_and_their_hashes_of_the_published_size_only() {
    let world = World::start();
    let leaves = record(&world, 3);
    checkpoint(&world);
    record(&world, 1);
    let tile = |path: &str| world.get(&format!("/v1/workspaces/acme/log/tile/{path}"));
    let bundle = tile("entries/000.p/3");
    let entries = split_entries(&bundle.body, 3).expect("three leaves");
    assert_eq!(entries.iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>(), leaves);
    let hashes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
    assert_eq!(tile("0/000.p/3").body, hashes);
    assert_eq!(tile("0/000.p/2").body, hashes[..64]);
    for missing in ["0/000.p/4", "0/000", "entries/000.p/4", "1/000.p/1", "0/001.p/1", "0/0", "x"] {
        assert_eq!(tile(missing).status, 404, "{missing}");
    }
}

#[test]
fn b2_an_event_has_a_proof_against_a_head_that_covers_it() {
    let world = World::start();
    let mut leaves = record(&world, 3);
    checkpoint(&world);
    leaves.extend(record(&world, 2));
    for (seq, leaf) in leaves.iter().enumerate() {
        let answer = world.get(&format!("/v1/workspaces/acme/events/seq/{seq}/proof"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let proof = TlogProof::parse(&answer.body).expect("a proof");
        assert_eq!(proof.index, seq as u64);
        proof.verify(leaf, &newest_key(&world)).expect("it holds");
    }
    assert_eq!(world.get("/v1/workspaces/acme/events/seq/5/proof").status, 404);
}

#[test]
fn b1_who_waits_for_the_head_gets_the_proof_with_the_receipt() {
    let world = World::start();
    let body = json!([{"action": "note.create"}, {"action": "Not A Name"}]).to_string();
    let answer = world.post("/v1/workspaces/acme/events?wait=head", &body);
    assert_eq!(answer.status, 207, "{}", answer.text());
    let results = answer.json()["results"].clone();
    let proof = results[0]["proof"].as_str().expect("a proof").as_bytes().to_vec();
    let leaf: Hash = results[0]["leaf"].as_str().expect("a leaf").parse().expect("a hash");
    TlogProof::parse(&proof).expect("a proof").verify(&leaf, &newest_key(&world)).expect("holds");
    assert_eq!(results[1]["proof"], Value::Null);
}

#[test]
fn b2_consistency_lines_lead_from_a_kept_head_to_the_newest() {
    let world = World::start();
    record(&world, 3);
    let (_, old) = checkpoint(&world);
    record(&world, 4);
    later(&world);
    let answer = world.get("/v1/workspaces/acme/log/consistency?from=3");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = ConsistencyLines::parse(&answer.body).expect("lines");
    assert_eq!(lines.verify(&old, &newest_key(&world)).expect("continues").size, 7);
    assert_eq!(world.get("/v1/workspaces/acme/log/consistency?from=8").status, 400);
    assert_eq!(world.get("/v1/workspaces/acme/log/consistency").status, 400);
    let heads = world.get("/v1/workspaces/acme/log/heads").json();
    let sizes: Vec<_> =
        heads["data"].as_array().expect("heads").iter().map(|h| &h["size"]).collect();
    assert_eq!(sizes, [3, 7]);
}

#[test]
fn b2_openings_open_what_the_leaf_commits_to() {
    let world = World::start();
    record(&world, 2);
    let answer = world.get("/v1/workspaces/acme/events/seq/1/leaf");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let leaf = body["leaf"].as_str().expect("a leaf");
    assert_eq!(leaf_hash(leaf.as_bytes()).to_string(), body["leaf_hash"].as_str().expect("a hash"));
    let sealed: Value = serde_json::from_str(leaf).expect("JSON");
    let openings = body["openings"].as_array().expect("openings");
    assert_eq!(openings.len(), sealed["sealed"].as_object().expect("commitments").len());
    for opening in openings {
        let opening = Opening::from_json(&opening.to_string()).expect("an opening");
        let commitment = sealed["sealed"][opening.group.pointer()].as_str();
        assert_eq!(commitment, Some(opening.commitment().to_string().as_str()));
    }
    let lines = world.get("/v1/workspaces/acme/log/openings").text();
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(world.get("/v1/workspaces/acme/log/openings?from=0&to=1").text().lines().count(), 1);
}

#[test]
fn i8_a_narrowed_viewer_gets_proofs_of_what_they_see_and_nothing_of_the_tree() {
    let world = World::start();
    world.record("acme", &json!({"action": "a.seen", "context": {"ip": "203.0.113.9"}}));
    world.record("acme", &json!({"action": "b.hidden", "context": {"ip": "203.0.113.9"}}));
    let token =
        world.token("acme", "owner", &json!({"filter": "action:a.*", "columns": ["actor"]}));
    let get = |path: &str| world.send("GET", &format!("/v1/workspaces/acme/{path}"), &token, "");
    for path in [
        "log/checkpoint",
        "log/tile/entries/000.p/1",
        "log/openings",
        "log/heads",
        "log/keys",
        "log/consistency?from=0",
    ] {
        assert_eq!(get(path).status, 403, "{path}");
    }
    assert_eq!(get("events/seq/0/proof").status, 200);
    assert_eq!(get("events/seq/1/proof").status, 404);
    assert_eq!(get("events/seq/1/leaf").status, 404);
    let leaf = get("events/seq/0/leaf").json();
    assert!(!leaf.to_string().contains("203.0.113.9"), "{leaf}");
    assert!(leaf["withheld"].as_array().expect("a list").contains(&json!("/context")), "{leaf}");
}

#[test]
fn b7_after_a_rotation_both_keys_sign_until_the_overlap_ends() {
    let world = World::start();
    record(&world, 2);
    let old = newest_key(&world);
    let rotated = world.post("/v1/workspaces/acme/log/keys", r#"{"overlap_hours": 1}"#);
    assert_eq!(rotated.status, 201, "{}", rotated.text());
    let new = newest_key(&world);
    assert_ne!(old.to_string(), new.to_string());
    assert_eq!(old.name(), new.name(), "the origin stays");
    later(&world);
    let (note, head) = checkpoint(&world);
    assert_eq!(head.size, 3, "the rotation is a leaf");
    Checkpoint::open(note.as_bytes(), &old).expect("the old key signs too");
    let event = world.get("/v1/workspaces/acme/events?q=action:audit_log.*").json();
    assert_eq!(event["data"][0]["action"], "audit_log.key_rotated");
    assert_eq!(event["data"][0]["after"]["vkey"], new.to_string());
    world.clock.advance(3_600_000_000);
    record(&world, 1);
    let (note, _) = checkpoint(&world);
    assert_eq!(Note::parse(note.as_bytes()).expect("a note").lines().len(), 1);
    assert!(Checkpoint::open(note.as_bytes(), &old).is_err());
}

#[test]
fn b1_a_store_that_is_older_than_what_it_published_signs_nothing_until_it_has_a_new_origin() {
    let world = World::start();
    record(&world, 3);
    let uid = world.store.directory().by_name("acme").expect("a workspace").uid;
    let outside = Outside { size: 90, root: Hash([7; 32]) };
    world.signer.remember(uid, 0, outside).expect("remembered");
    let refused = world.get("/v1/workspaces/acme/log/checkpoint");
    let problem = refused.problem(409, "signing_refused");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("size 90") && detail.contains("new_origin"), "{detail}");
    // Events are taken all the same.
    let waited = world.post("/v1/workspaces/acme/events?wait=head", r#"{"action": "x.y"}"#);
    assert_eq!(waited.status, 201);
    assert!(waited.json()["without_proof"].as_str().expect("a reason").contains("size 90"));
    let answer = world.post("/v1/workspaces/acme/log/keys", r#"{"new_origin": true}"#);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let (note, head) = checkpoint(&world);
    assert!(head.origin.ends_with("/e2"), "{note}");
    assert_eq!(head.size, 5);
    let event = world.get("/v1/workspaces/acme/events?q=action:audit_log.*").json();
    let before = &event["data"][0]["before"];
    assert_eq!(before["size"], 90, "{event}");
    assert_eq!(before["root"], outside.root.to_string());
    assert_eq!(format!("{}/e2", before["origin"].as_str().expect("an origin")), head.origin);
}

#[test]
fn b7_a_seed_that_is_there_is_not_replaced() {
    let world = World::start();
    let answer = world.post("/v1/signing-seed", "");
    answer.problem(409, "signing_refused");
}

#[test]
fn b1_a_quiet_log_whose_head_is_read_gets_a_leaf_a_day() {
    let world = World::with(&[("heartbeat_check", "20ms")]);
    record(&world, 1);
    world.record("unread", &json!({"action": "note.create"}));
    checkpoint(&world);
    let day = 24 * 3_600_000_000;
    world.clock.advance(day);
    let started = std::time::Instant::now();
    let size = |name: &str| world.store.directory().by_name(name).expect("there").edge.size();
    while size("acme") == 1 && started.elapsed() < crate::world::PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let events = world.get("/v1/workspaces/acme/events?q=action:audit_log.heartbeat").json();
    assert_eq!(events["total"], 1, "{events}");
    assert_eq!(size("unread"), 1);
    assert_eq!(checkpoint(&world).1.size, 2);
}

#[test]
fn b7_a_replacement_that_was_cut_off_is_gone_on_with() {
    let world = World::start();
    record(&world, 2);
    checkpoint(&world);
    // The process died after the new seed was durable: the log still names the one that was lost.
    let lost = ConfigChange::SigningSeed { seed: SeedId([7; 8]) };
    let event = Wanted { workspace: "_system", draft: EventDraft::internal("audit_log.changed") };
    world.store.commit(world.store.prepare_change(lost, event)).expect("recorded");
    record(&world, 1);
    let answer = world.post("/v1/signing-seed", "");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(world.store.view().config.signing_seed, world.signer.seed());
    // What was published with this seed goes on as it was, and a new log can publish.
    later(&world);
    assert_eq!(checkpoint(&world).1.size, 3);
    world.record("other", &json!({"action": "note.create"}));
    assert_eq!(world.get("/v1/workspaces/other/log/checkpoint").status, 200);
    world.post("/v1/signing-seed", "").problem(409, "signing_refused");
}
