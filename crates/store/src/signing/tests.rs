use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::disk::SimDisk;
use crate::disk::sim::{CallKind, Calls, CrashMode, Fault};
use crate::random::SimRandom;
use proofbook_ledger::note::VerifierKey;

const STORE: [u8; 16] = [9; 16];
const ACME: WorkspaceUid = WorkspaceUid([1; 16]);

fn open(disk: &SimDisk, seed_in_use: Option<SeedId>) -> Result<Signer, SigningError> {
    Signer::open(Arc::new(disk.clone()), &SimRandom::new(5), STORE, seed_in_use)
}

fn head(size: u64) -> PublishedHead {
    PublishedHead { size, root: Hash([size as u8; 32]), at: 100 }
}

fn signing(signer: &Signer) -> Signing {
    Signing::begin(signer.seed().expect("a seed"))
}

/// Starts again until no planned fault is left in the way.
fn reopen(disk: &SimDisk, seed_in_use: Option<SeedId>) -> Signer {
    (0..50).find_map(|_| open(disk, seed_in_use).ok()).expect("opens")
}

#[test]
fn b1_a_note_is_a_checkpoint_that_the_published_key_verifies() {
    let signer = open(&SimDisk::new(1), None).expect("opens");
    let signing = signing(&signer);
    let note = signer.sign(ACME, &signing, &head(5)).expect("signs");
    let key: VerifierKey =
        signer.verifier(ACME, &signing.eras[0]).expect("a key").parse().expect("a vkey");
    let opened = Checkpoint::open(note.as_bytes(), &key).expect("verifies");
    assert_eq!((opened.size, opened.root), (5, head(5).root));
    assert_eq!(opened.origin, format!("{}.proofbook/ws/{}", "09".repeat(16), "01".repeat(16)));
    // The same head is signed to the same bytes, whenever it is asked for.
    assert_eq!(signer.sign(ACME, &signing, &head(5)).expect("signs"), note);
}

#[test]
fn b1_a_smaller_head_and_another_root_are_not_signed_also_after_a_restart() {
    let disk = SimDisk::new(1);
    let signer = open(&disk, None).expect("opens");
    let (signing, seed) = (signing(&signer), signer.seed());
    signer.sign(ACME, &signing, &head(7)).expect("signs");
    drop(signer);
    let disk = disk.crash(CrashMode::LoseUnsynced);
    let signer = open(&disk, seed).expect("opens");
    assert_eq!(signer.seed(), seed);
    let behind = signer.sign(ACME, &signing, &head(6));
    assert!(matches!(behind, Err(RefusedToSign::Behind { published: 7, size: 6 })), "{behind:?}");
    let other = PublishedHead { root: Hash([1; 32]), ..head(7) };
    let forked = signer.sign(ACME, &signing, &other);
    assert!(matches!(forked, Err(RefusedToSign::Forked { published: 7 })), "{forked:?}");
    // Another workspace knows nothing of it.
    signer.sign(WorkspaceUid([2; 16]), &signing, &head(1)).expect("signs");
}

#[test]
fn b1_a_known_head_forbids_what_is_older() {
    let signer = open(&SimDisk::new(1), None).expect("opens");
    let signing = signing(&signer);
    let note = signer.sign(ACME, &signing, &head(9)).expect("signs");
    // The same store, restored together with its signing directory from before.
    let restored = open(&SimDisk::new(1), None).expect("opens");
    restored.take_known_head(note.as_bytes()).expect("is taken up");
    assert!(matches!(
        restored.sign(ACME, &signing, &head(8)),
        Err(RefusedToSign::Behind { published: 9, size: 8 })
    ));
    let foreign = note.replace("09090909", "08080808");
    assert!(matches!(
        restored.take_known_head(foreign.as_bytes()),
        Err(KnownHeadError::Foreign { .. })
    ));
}

#[test]
fn b7_after_the_seed_is_lost_nothing_is_signed_until_it_is_replaced() {
    let signer = open(&SimDisk::new(1), None).expect("opens");
    let mut signing = signing(&signer);
    let old = signer.seed();
    let elsewhere = open(&SimDisk::new(2), old).expect("opens");
    assert_eq!(elsewhere.seed(), None);
    let refused = elsewhere.sign(ACME, &signing, &head(3));
    assert!(matches!(refused, Err(RefusedToSign::SeedMissing { .. })), "{refused:?}");
    let new = elsewhere.replace_lost_seed(&SimRandom::new(6)).expect("a new seed");
    assert_ne!(Some(new), old);
    assert!(elsewhere.replace_lost_seed(&SimRandom::new(7)).is_err(), "only a lost one");
    signing.begin_era(true, new, 3, 0);
    assert!(elsewhere.sign(ACME, &signing, &head(3)).is_err(), "a head of the old origin");
    let note = elsewhere.sign(ACME, &signing, &head(4)).expect("signs under the new origin");
    assert!(note.starts_with(&elsewhere.origin(ACME, 1)));
}

#[test]
fn i9_a_damaged_memory_is_named_and_a_torn_last_line_is_not() {
    let disk = SimDisk::new(1);
    let signer = open(&disk, None).expect("opens");
    let (signing, seed) = (signing(&signer), signer.seed());
    (1..4).for_each(|size| drop(signer.sign(ACME, &signing, &head(size)).expect("signs")));
    drop(signer);
    let bytes = disk.visible_bytes(PUBLISHED_FILE).expect("a file");
    let rewrite = |bytes: &[u8]| {
        let disk = SimDisk::new(3);
        durable_write(&disk, ROOT, "t", PUBLISHED_FILE, bytes).expect("written");
        open(&disk, seed)
    };
    let mut damaged = bytes.clone();
    damaged[3] ^= 1;
    assert!(matches!(rewrite(&damaged), Err(SigningError::Damaged { line: 1, .. })));
    let torn = rewrite(&bytes[..bytes.len() - 5]).expect("opens");
    assert_eq!(torn.outside(ACME, 0).map(|outside| outside.size), Some(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever fails and whenever the power goes, no head that left the house is followed by a smaller
    /// one or by another root.
    #[test]
    fn i3_no_head_that_left_the_house_is_ever_contradicted(
        seed in any::<u64>(),
        steps in proptest::collection::vec((0_u8..10, 0_u64..8, any::<bool>()), 1..40),
    ) {
        let mut disk = SimDisk::new(seed);
        let mut signer = open(&disk, None).expect("opens");
        let (signing, id) = (signing(&signer), signer.seed());
        let mut left: BTreeMap<u64, Hash> = BTreeMap::new();
        for (kind, number, other_root) in steps {
            match kind {
                0 => {
                    let modes = CrashMode::POWER_CUTS;
                    disk = disk.crash(modes[number as usize % modes.len()]);
                    signer = reopen(&disk, id);
                }
                1 => {
                    let fault = [Fault::Eio, Fault::SyncLosesPages, Fault::Short][number as usize % 3];
                    disk.inject(fault, Calls::of(CallKind::SyncData).nth(1));
                }
                _ => {
                    let mut head = head(number + left.len() as u64);
                    if other_root {
                        head.root = Hash([0xee; 32]);
                    }
                    if signer.sign(ACME, &signing, &head).is_ok() {
                        let newest = left.last_key_value();
                        prop_assert!(newest.is_none_or(|(size, _)| *size <= head.size));
                        let known = left.insert(head.size, head.root);
                        prop_assert!(known.is_none_or(|root| root == head.root));
                    } else {
                        // A signer that failed is not used further, as the server restarts.
                        signer = reopen(&disk, id);
                    }
                }
            }
        }
    }
}
