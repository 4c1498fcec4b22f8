//! The test vectors of `docs/spec/vectors/leaf.json`, which an independent implementation derived.

use std::path::Path;
use std::process::Command;

use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};
use proofbook_ledger::leaf::{self, parse_leaf};
use proofbook_ledger::prf::{PuncturedRun, event_key, nonce};
use proofbook_ledger::proof::{
    consistency_proof, inclusion_proof, nodes_of, range_proof, root, verify_consistency,
    verify_inclusion, verify_range,
};
use proofbook_ledger::{
    Edge, Hash, KeyRange, LeafFields, NonceKey, Opening, RunSeed, Slot, WorkspaceUid, commitment,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/leaf.json")).unwrap()
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {} is a string", case["name"]))
}

fn number(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap_or_else(|| panic!("{key} is a number"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn slot(case: &Value) -> Slot {
    Slot::new(number(case, "k") as u16).unwrap()
}

fn hashes(list: &Value) -> Vec<Hash> {
    list.as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect()
}

fn leaf_hashes(vectors: &Value) -> Vec<Hash> {
    let leaves = vectors["leaves"].as_array().unwrap();
    leaves.iter().map(|case| text(case, "leaf_hash").parse().unwrap()).collect()
}

/// Seals an event from a vector's inputs and compares each value on the way.
fn check_leaf(case: &Value) {
    let name = text(case, "name");
    let seed = RunSeed::from_bytes(unhex(text(case, "seed")));
    let key = event_key(&seed, slot(case));
    assert_eq!(hex(key.as_bytes()), text(case, "event_key"), "{name}");
    let nonce_key = NonceKey::from_bytes(unhex(text(case, "nonce_key")));
    let nonce = nonce(&nonce_key, slot(case));
    let range = KeyRange::new(&seed, &nonce_key, slot(case), slot(case));
    assert_eq!(range.get(slot(case)), Some((key.clone(), nonce)), "{name}");
    assert_eq!(hex(&nonce), text(case, "nonce"), "{name}");

    let salts = key.salts();
    let (mut sealed, mut openings) = (Vec::new(), Vec::new());
    for group in Group::ALL {
        let pointer = group.pointer();
        let Some(value) = case["groups"].get(pointer) else { continue };
        let value = value.as_str().unwrap();
        let salt = salts.salt(pointer);
        assert_eq!(hex(&salt), text(&case["salts"], pointer), "{name} {pointer}");
        let hash = commitment(&salt, pointer, value.as_bytes());
        assert_eq!(hash.to_string(), text(&case["commitments"], pointer), "{name} {pointer}");
        sealed.push((group, hash));
        openings.push(Opening { group, salt, value: value.to_owned() });
    }
    assert_eq!(sealed.len(), case["groups"].as_object().unwrap().len(), "{name}");

    let fields = LeafFields {
        workspace: WorkspaceUid(unhex(text(case, "workspace"))),
        seq: number(case, "seq"),
        recorded_at: Timestamp::parse(text(case, "recorded_at")).unwrap(),
        occurred_at: Timestamp::parse(text(case, "occurred_at")).unwrap(),
        action: case["action"].as_str(),
        outcome: Outcome::parse(text(case, "outcome")).unwrap(),
        nonce,
        sealed: &sealed,
    };
    let mut bytes = Vec::new();
    let hash = leaf::leaf_hash(&fields, &mut bytes);
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), text(case, "leaf"), "{name}");
    assert_eq!(hash.to_string(), text(case, "leaf_hash"), "{name}");

    let parsed = parse_leaf(text(case, "leaf").as_bytes()).unwrap();
    assert_eq!(parsed.fields(), fields, "{name}");
    let stated = case["openings"].as_array().unwrap();
    assert_eq!(stated.len(), openings.len(), "{name}");
    for (opening, stated) in openings.iter().zip(stated) {
        assert_eq!(opening.to_json(), stated.as_str().unwrap(), "{name}");
        let read = Opening::from_json(stated.as_str().unwrap()).unwrap();
        assert_eq!(read, *opening, "{name}");
        assert!(read.verify(parsed.commitment(read.group).unwrap()), "{name}");
    }
}

#[test]
fn leaves_seal_as_stated() {
    let vectors = vectors();
    let leaves = vectors["leaves"].as_array().unwrap();
    assert!(leaves.len() >= 8);
    leaves.iter().chain(vectors["alone"].as_array().unwrap()).for_each(check_leaf);
}

#[test]
fn punctured_runs_encode_and_derive_as_stated() {
    for case in vectors()["punctured"].as_array().unwrap() {
        let name = text(case, "name");
        let mut run = PuncturedRun::whole(&RunSeed::from_bytes(unhex(text(case, "seed"))));
        for k in case["erased"].as_array().unwrap() {
            assert!(run.puncture(Slot::new(k.as_u64().unwrap() as u16).unwrap()), "{name}");
        }
        assert_eq!(run.node_count() as u64, number(case, "node_count"), "{name}");
        let mut encoded = Vec::new();
        run.encode(&mut encoded);
        assert_eq!(hex(&encoded), text(case, "encoded"), "{name}");
        let read = PuncturedRun::decode(&encoded).unwrap();
        for (k, key) in case["event_keys"].as_object().unwrap() {
            let found = read.event_key(Slot::new(k.parse().unwrap()).unwrap());
            assert_eq!(found.map(|key| hex(key.as_bytes())).as_deref(), key.as_str(), "{name} {k}");
        }
    }
}

#[test]
fn tree_has_the_stated_roots() {
    let vectors = vectors();
    let leaves = leaf_hashes(&vectors);
    let roots = hashes(&vectors["tree"]["roots"]);
    assert_eq!(roots.len(), leaves.len() + 1);
    let mut edge = Edge::default();
    assert_eq!(edge.root(), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        edge.append(*leaf);
        assert_eq!(edge.root(), *root, "{} leaves", edge.size());
    }
}

#[test]
fn proofs_are_made_and_hold_as_stated() {
    let vectors = vectors();
    let all = leaf_hashes(&vectors);
    let root_of = |size: u64| root(size, nodes_of(&all)).unwrap();
    let cases = |kind: &str| vectors["tree"][kind].as_array().unwrap().clone();
    for case in cases("inclusion") {
        let (index, size) = (number(&case, "index"), number(&case, "size"));
        let path = hashes(&case["path"]);
        assert_eq!(inclusion_proof(index, size, nodes_of(&all)), Ok(path.clone()));
        let leaf = &all[index as usize];
        assert_eq!(verify_inclusion(leaf, index, size, &path, &root_of(size)), Ok(()));
    }
    for case in cases("consistency") {
        let (old, size) = (number(&case, "old_size"), number(&case, "size"));
        let proof = hashes(&case["proof"]);
        assert_eq!(consistency_proof(old, size, nodes_of(&all)), Ok(proof.clone()));
        assert_eq!(verify_consistency(old, &root_of(old), size, &root_of(size), &proof), Ok(()));
    }
    for case in cases("range") {
        let (begin, end, size) =
            (number(&case, "begin"), number(&case, "end"), number(&case, "size"));
        let edges = hashes(&case["edges"]);
        assert_eq!(range_proof(begin, end, size, nodes_of(&all)), Ok(edges.clone()));
        let inside = &all[begin as usize..end as usize];
        assert_eq!(verify_range(inside, begin, size, &edges, &root_of(size)), Ok(()));
    }
}

#[test]
fn the_independent_implementation_agrees() {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/check_leaf.py");
    match Command::new("python3").arg(script).output() {
        Ok(run) => {
            let said = String::from_utf8_lossy(&run.stdout);
            let failed = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{said}{failed}");
        }
        Err(error) => println!("skipped: python3 cannot be run here ({error})"),
    }
}
