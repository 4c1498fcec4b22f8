//! A small log of an invented workspace, made with the public interface, and its bundles in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proofbook_event::words::Outcome;
use proofbook_event::{Group, Timestamp};
use proofbook_ledger::bundle::{
    BundleFiles, BundleWriter, EventOpenings, Expectations, Kind, Manifest, Report, verify,
};
use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::note::key::workspace_seed;
use proofbook_ledger::proof::{consistency_proof, inclusion_proof, nodes_of};
use proofbook_ledger::{
    Checkpoint, Edge, Hash, LeafFields, Opening, SigningKey, VerifierKey, WorkspaceUid, leaf_hash,
    write_leaf,
};

/// The workspace's opaque id.
pub(crate) const UID: WorkspaceUid = WorkspaceUid([0xa5; 16]);
/// When the first event was recorded, microseconds.
pub(crate) const BEGIN: i64 = 1_795_000_000_000_000;
/// From one event to the next, microseconds.
pub(crate) const STEP: i64 = 1_000_000;

/// One event before it is sealed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) action: Option<String>,
    pub recorded_at: i64,
    pub occurred_at: i64,
    pub(crate) outcome: Outcome,
    pub(crate) seq: u64,
    pub(crate) uid: WorkspaceUid,
    pub(crate) values: Vec<(Group, String)>,
    pub(crate) salt: u8,
    pub(crate) erased: Vec<(Group, u64)>,
}

/// A whole log, as its operator has it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) origin: String,
    pub(crate) seed: [u8; 32],
    pub(crate) events: Vec<Draft>,
}

/// A bundle's files in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl BundleFiles for Files {
    type Error = Infallible;

    fn read(&mut self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(path).filter(|bytes| bytes.len() <= bytes_max).cloned())
    }

    fn list(&mut self) -> Result<Vec<String>, Infallible> {
        Ok(self.0.keys().cloned().collect())
    }
}

impl Draft {
    /// An everyday event.
    pub(crate) fn new(seq: u64) -> Self {
        let at = BEGIN + seq as i64 * STEP;
        Self {
            action: Some("project.update".into()),
            recorded_at: at,
            occurred_at: at - 1000,
            outcome: Outcome::Success,
            seq,
            uid: UID,
            values: vec![
                (Group::Actor, format!("{{\"actor\":{{\"id\":\"u_{seq}\",\"name\":\"Ada\"}}}}")),
                (Group::Context, format!("{{\"ip\":\"203.0.113.{}\"}}", seq % 256)),
                (Group::Description, format!("{{\"title\":\"Project {seq} \\\"quoted\\\"\"}}")),
                (Group::Id, format!("\"evt_{seq}\"")),
            ],
            salt: 0,
            erased: Vec::new(),
        }
    }

    fn openings(&self) -> Vec<Opening> {
        let salt = |group: Group| {
            let mut salt = [self.salt; 16];
            salt[0] = group.index() as u8;
            salt[1..9].copy_from_slice(&self.seq.to_be_bytes());
            salt
        };
        let opening = |(group, value): &(Group, String)| Opening {
            group: *group,
            salt: salt(*group),
            value: value.clone(),
        };
        self.values.iter().map(opening).collect()
    }

    /// The leaf's bytes.
    pub(crate) fn leaf(&self) -> Vec<u8> {
        let sealed: Vec<(Group, Hash)> =
            self.openings().iter().map(|opening| (opening.group, opening.commitment())).collect();
        let mut nonce = [7; 16];
        nonce[..8].copy_from_slice(&self.seq.to_le_bytes());
        let fields = LeafFields {
            workspace: self.uid,
            seq: self.seq,
            recorded_at: Timestamp::from_micros(self.recorded_at),
            occurred_at: Timestamp::from_micros(self.occurred_at),
            action: self.action.as_deref(),
            outcome: self.outcome,
            nonce,
            sealed: &sealed,
        };
        let mut leaf = Vec::new();
        write_leaf(&fields, &mut leaf);
        leaf
    }

    /// The line of openings, with some groups kept back.
    pub(crate) fn line(&self, withheld: &[Group]) -> EventOpenings {
        let is_erased = |group: Group| self.erased.iter().any(|(erased, _)| *erased == group);
        let (mut openings, mut kept_back) = (Vec::new(), Vec::new());
        for opening in self.openings() {
            if is_erased(opening.group) {
            } else if withheld.contains(&opening.group) {
                kept_back.push(opening.group);
            } else {
                openings.push(opening);
            }
        }
        EventOpenings {
            seq: self.seq,
            openings,
            withheld: kept_back,
            erased: self.erased.clone(),
            leaf: None,
        }
    }
}

impl World {
    /// A log of so many events.
    pub(crate) fn new(count: u64) -> Self {
        let origin = format!("log.example/ws/{UID}");
        Self {
            seed: workspace_seed(&[3; 32], &origin, 0),
            origin,
            events: (0..count).map(Draft::new).collect(),
        }
    }

    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.origin, &self.seed).expect("a name")
    }

    pub(crate) fn size(&self) -> u64 {
        self.events.len() as u64
    }

    pub(crate) fn hashes(&self) -> Vec<Hash> {
        self.events.iter().map(|event| leaf_hash(&event.leaf())).collect()
    }

    /// The head over the first events.
    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        let mut edge = Edge::default();
        self.hashes()[..size as usize].iter().for_each(|hash| {
            edge.append(*hash);
        });
        Checkpoint { origin: self.origin.clone(), size, root: edge.root() }
    }

    pub(crate) fn signed(&self, size: u64) -> String {
        self.head(size).sign(&self.key())
    }

    /// The consistency lines from one size to the newest.
    pub(crate) fn consistency(&self, old_size: u64) -> String {
        let hashes = self.hashes();
        let proof = consistency_proof(old_size, self.size(), nodes_of(&hashes)).expect("inside");
        ConsistencyLines { old_size, proof, checkpoint: self.signed(self.size()) }.to_text()
    }

    /// The claims of a range.
    pub(crate) fn claims(&self, kind: Kind, from: u64, to: u64) -> Manifest {
        Manifest {
            kind,
            origin: self.origin.clone(),
            size: self.size(),
            from,
            to,
            window: None,
            filter: None,
            withheld: Vec::new(),
            event_count: 0,
            purged: Vec::new(),
        }
    }

    /// The bundle of the whole log.
    pub(crate) fn full(&self) -> Files {
        self.bundle(self.claims(Kind::Full, 0, self.size()), &[], &[])
    }

    /// A bundle with older heads, and with purged events that `purged` names.
    pub(crate) fn bundle(&self, claims: Manifest, heads: &[u64], purged: &[u64]) -> Files {
        let mut files = Files::default();
        let sink = |path: &str, bytes: &[u8]| -> Result<(), Infallible> {
            let before = files.0.insert(path.to_owned(), bytes.to_vec());
            assert!(before.is_none(), "{path} was written twice");
            Ok(())
        };
        let (range, withheld) = (claims.from..claims.to, claims.withheld.clone());
        let note = self.signed(self.size());
        let mut writer = BundleWriter::begin(claims, &note, sink).expect("claims");
        for seq in writer.leaves() {
            let event = &self.events[seq as usize];
            if purged.contains(&seq) {
                writer.purged(leaf_hash(&event.leaf())).expect("next");
            } else {
                // An operator may have numbered the leaf otherwise; its line stands in its place.
                let line =
                    range.contains(&seq).then(|| EventOpenings { seq, ..event.line(&withheld) });
                writer.leaf(&event.leaf(), line).expect("next");
            }
        }
        for size in heads {
            writer.head(*size, &self.signed(*size)).expect("taken");
            writer.consistency(*size, &self.consistency(*size)).expect("taken");
        }
        writer
            .key_history(&format!("[{{\"vkey\":\"{}\"}}]", self.key().verifier()))
            .expect("taken");
        let hashes = self.hashes();
        let nodes = nodes_of(&hashes);
        let _sink = writer.finish(nodes).expect("whole");
        files
    }

    /// A filtered bundle of some events.
    pub(crate) fn filtered(&self, seqs: &[u64], withheld: &[Group]) -> Files {
        let mut files = Files::default();
        let sink = |path: &str, bytes: &[u8]| -> Result<(), Infallible> {
            files.0.insert(path.to_owned(), bytes.to_vec());
            Ok(())
        };
        let claims = Manifest {
            filter: Some("actor:ada".into()),
            withheld: withheld.to_vec(),
            ..self.claims(Kind::Filtered, 0, self.size())
        };
        let hashes = self.hashes();
        let note = self.signed(self.size());
        let mut writer = BundleWriter::begin(claims, &note, sink).expect("claims");
        for seq in seqs {
            let event = &self.events[*seq as usize];
            let path = inclusion_proof(*seq, self.size(), nodes_of(&hashes)).expect("inside");
            writer.proof(*seq, &event.leaf(), path, Some(event.line(withheld))).expect("next");
        }
        let _sink = writer.finish(|_, _| unreachable!("no tree is written")).expect("whole");
        files
    }
}

impl Files {
    /// Writes `SHA256SUMS` anew, as one who changed files would.
    pub(crate) fn resum(&mut self) {
        use sha2::{Digest, Sha256};
        self.0.remove("SHA256SUMS");
        let line = |(path, bytes): (&String, &Vec<u8>)| {
            let hash = Sha256::digest(bytes);
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}  {path}\n")
        };
        let sums: String = self.0.iter().map(line).collect();
        self.0.insert("SHA256SUMS".into(), sums.into_bytes());
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.0[path].clone()).expect("a text")
    }

    /// Verifies with these keys and older heads.
    pub(crate) fn verify(&self, keys: &[VerifierKey], since: &[Checkpoint]) -> Report {
        let expectations = Expectations {
            keys,
            since,
            policy: None,
            max_age_micros: None,
            now: Timestamp::from_micros(BEGIN + 1_000_000 * STEP),
        };
        self.verify_with(&expectations)
    }

    pub(crate) fn verify_with(&self, expectations: &Expectations<'_>) -> Report {
        let mut files = self.clone();
        match verify(&mut files, expectations) {
            Ok(report) => report,
            Err(never) => match never {},
        }
    }
}
