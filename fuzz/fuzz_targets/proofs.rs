//! Bytes that claim to be a signed note, a proof, a policy, an archive or a bundle: no panic, and
//! whatever is read is written again to the same bytes.
#![no_main]

use std::collections::BTreeMap;
use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use proofbook_event::Timestamp;
use proofbook_ledger::bundle::{
    BundleFiles, EventOpenings, Expectations, Manifest, Verdict, verify,
};
use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::note::write_note;
use proofbook_ledger::policy::Policy;
use proofbook_ledger::tlog_proof::TlogProof;
use proofbook_ledger::{Checkpoint, Note, SigningKey, VerifierKey, tar, witness};

struct Files(BTreeMap<String, Vec<u8>>);

impl BundleFiles for Files {
    type Error = Infallible;

    fn read(&mut self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(path).filter(|bytes| bytes.len() <= bytes_max).cloned())
    }

    fn list(&mut self) -> Result<Vec<String>, Infallible> {
        Ok(self.0.keys().cloned().collect())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let origin = "log.example/ws/a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
    let signer = SigningKey::from_seed(origin, &[1; 32]).expect("a name");
    let keys = [signer.verifier().clone()];

    if let Ok(note) = Note::parse(bytes) {
        let lines = note.lines().iter().map(|line| line.line);
        assert_eq!(write_note(note.text(), lines).as_bytes(), bytes);
        let _ = note.verify(&keys);
        if let Ok(head) = Checkpoint::parse(note.text()) {
            assert!(note.text().starts_with(&head.text()));
        }
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_text().as_bytes(), bytes);
    }
    if let Ok(lines) = ConsistencyLines::parse(bytes) {
        assert_eq!(lines.to_text().as_bytes(), bytes);
        let _ = witness::decide(bytes, &keys, None);
    }
    if let Ok(manifest) = Manifest::from_json(bytes) {
        assert_eq!(manifest.to_json().as_bytes(), bytes);
    }
    if let Ok(line) = EventOpenings::parse(bytes) {
        let mut again = Vec::new();
        line.write_line(&mut again);
        assert_eq!(again.strip_suffix(b"\n"), Some(bytes));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(key) = text.parse::<VerifierKey>()
    {
        assert_eq!(key.to_string(), text);
    }
    let _ = Policy::parse(bytes);

    // As an archive; and else as files one behind the other, under names that a bundle has.
    let mut files: BTreeMap<String, Vec<u8>> = tar::files(bytes)
        .map_while(Result::ok)
        .map(|(path, content)| (path, content.to_vec()))
        .collect();
    if files.is_empty() {
        const NAMES: &[&str] = &[
            "bundle.json",
            "openings/000.ndjson",
            "tile/entries/000.p/3",
            "tile/0/000.p/3",
            "range-edges",
            "proofs/1.tlog-proof",
            "heads/1",
            "consistency/1",
            "SHA256SUMS",
        ];
        let parts = bytes.split(|byte| *byte == 0xff);
        files = NAMES.iter().map(|name| (*name).to_owned()).zip(parts.map(<[u8]>::to_vec)).collect();
        let root = proofbook_ledger::EMPTY_ROOT;
        let head = Checkpoint { origin: origin.into(), size: 3, root };
        files.insert("checkpoint".into(), head.sign(&signer).into_bytes());
    }
    let expectations = Expectations {
        keys: &keys,
        since: &[],
        policy: None,
        max_age_micros: Some(1),
        now: Timestamp::from_micros(0),
    };
    let Ok(report) = verify(&mut Files(files), &expectations);
    // The signed head is of a root that no three leaves have.
    assert_ne!(report.verdict(), Verdict::Ok);
});
