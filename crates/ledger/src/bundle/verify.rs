//! Checking a bundle: every check apart, none resting on what nobody signed.
//!
//! What is believed: the keys, older heads and policy that the caller brings. From the bundle's head,
//! once its signature holds, follow size and root; from the root the leaves; from the leaves the
//! openings. `bundle.json` only says what to look for; whatever it claims is compared.
//!
//! What stays out: reading keys and heads from files, and what a person is shown.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proofbook_event::Timestamp;

use super::report::{Check, Report, Status};
use super::verify_files::{Listed, Tally};
use super::verify_leaves::{Seen, read_leaves, read_proofs};
use super::{
    BLOCK, BundleFiles, CHECKPOINT, KEY_HISTORY, Kind, MANIFEST, Manifest, RANGE_EDGES,
    consistency_path,
};
use crate::checkpoint::{Checkpoint, parse_decimal};
use crate::consistency::ConsistencyLines;
use crate::hash::Hash;
use crate::note::{Note, VerifierKey};
use crate::policy::Policy;
use crate::proof::verify_consistency;
use crate::tile::{Tile, TileKind, entry_count};
use crate::tlog_proof::read_hashes;
use crate::tree::Edge;

/// How far a clock may be ahead of the verifier's, in microseconds (5 min).
const AHEAD_MICROS: i64 = 300 * 1_000_000;

/// What the caller believes and asks for.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The log's keys, from a place that is not the bundle. One signature suffices.
    pub keys: &'a [VerifierKey],
    /// Older heads that the caller kept, their signatures checked already.
    pub since: &'a [Checkpoint],
    /// Whose cosignatures the head needs.
    pub policy: Option<&'a Policy>,
    /// The greatest age of the newest leaf or cosignature, in microseconds.
    pub max_age_micros: Option<i64>,
    /// Now.
    pub now: Timestamp,
}

/// Checks a bundle.
///
/// # Errors
/// A file is there and cannot be read. Everything that is wrong with the bundle is in the report.
pub fn verify<F: BundleFiles>(
    files: &mut F,
    expectations: &Expectations<'_>,
) -> Result<Report, F::Error> {
    let mut run = Run {
        files: Listed::open(files)?,
        expectations,
        report: Report::default(),
        note: Vec::new(),
    };
    run.bundle()?;
    let Run { files, mut report, .. } = run;
    let checked = files.finish()?;
    report.checks.insert(0, checked);
    Ok(report)
}

/// A verification under way.
struct Run<'r, F> {
    files: Listed<'r, F>,
    expectations: &'r Expectations<'r>,
    report: Report,
    /// The checkpoint file.
    note: Vec<u8>,
}

impl<F: BundleFiles> Run<'_, F> {
    fn say(&mut self, name: &'static str, status: Status, detail: impl Into<String>) {
        self.report.checks.push(Check { name, status, detail: detail.into() });
    }

    fn bundle(&mut self) -> Result<(), F::Error> {
        let Some(head) = self.head()? else { return Ok(()) };
        let Some(manifest) = self.claims(&head)? else { return Ok(()) };
        let mut wanted: BTreeSet<u64> =
            self.expectations.since.iter().map(|old| old.size).collect();
        wanted.extend(self.sizes_below("heads/"));
        let seen = match manifest.kind {
            Kind::Filtered => read_proofs(&mut self.files, &manifest, &head, &self.note, true)?,
            _ => {
                let leaves = read_leaves(&mut self.files, &manifest, &head, &wanted)?;
                let more = read_proofs(&mut self.files, &manifest, &head, &self.note, false)?;
                leaves.with(more)
            }
        };
        self.leaves(&manifest, &seen);
        match manifest.kind {
            Kind::Filtered => self.say(
                "completeness",
                Status::Notice,
                "not proven: a filtered bundle shows that its events are in the log, and nothing of others",
            ),
            _ => {
                self.root(&manifest, &head, &seen)?;
                self.tiles(&head, &seen)?;
                self.window(&manifest, &seen);
                self.purged(&manifest, &seen);
            }
        }
        self.openings(&manifest, &head, &seen);
        self.heads(&head, &seen)?;
        self.since(&head, &seen)?;
        self.key_history()?;
        self.witnesses();
        self.age(&head, &seen);
        Ok(())
    }

    /// Checks the head's form and signature; `None` when there is no head to go on with.
    fn head(&mut self) -> Result<Option<Checkpoint>, F::Error> {
        let Some(bytes) = self.files.take(CHECKPOINT)? else {
            self.say("signature", Status::Incomplete, "the checkpoint is missing");
            return Ok(None);
        };
        self.note = bytes;
        let parsed = Note::parse(&self.note).map_err(|error| error.to_string()).and_then(|note| {
            let head = Checkpoint::parse(note.text()).map_err(|error| error.to_string())?;
            Ok((note.verify(&self.keys_of(&head.origin)), head))
        });
        let (verified, head) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                self.say("signature", Status::Fail, error);
                return Ok(None);
            }
        };
        let Checkpoint { origin, size, .. } = &head;
        let is_known = !self.keys_of(origin).is_empty();
        match verified {
            Ok(lines) => {
                let text =
                    format!("size {size} of {origin}, signed by {} of the keys given", lines.len());
                self.report.head = Some(head.clone());
                self.say("signature", Status::Pass, text);
            }
            Err(_) if !is_known => {
                let text = format!("the head is of {origin}, no key given is of that log");
                self.say("signature", Status::Fail, text);
            }
            Err(error) => self.say("signature", Status::Fail, error.to_string()),
        }
        Ok(Some(head))
    }

    fn keys_of(&self, origin: &str) -> Vec<VerifierKey> {
        let of_log = |key: &&VerifierKey| key.name() == origin;
        self.expectations.keys.iter().filter(of_log).cloned().collect()
    }

    fn claims(&mut self, head: &Checkpoint) -> Result<Option<Manifest>, F::Error> {
        let Some(text) = self.files.take(MANIFEST)? else {
            self.say("claims", Status::Incomplete, "bundle.json is missing");
            return Ok(None);
        };
        let manifest = match Manifest::from_json(&text) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.say("claims", Status::Fail, error.to_string());
                return Ok(None);
            }
        };
        if manifest.origin != head.origin || manifest.size != head.size {
            let text = "bundle.json names another log or size than the checkpoint";
            self.say("claims", Status::Fail, text);
            return Ok(None);
        }
        let Manifest { from, to, size, .. } = manifest;
        let text = match manifest.kind {
            Kind::Full => format!("the whole log, {size} events"),
            Kind::Range => format!("events {from} to before {to} of {size}"),
            Kind::Filtered => {
                let filter = manifest.filter.as_deref().unwrap_or_default();
                format!("{} events by the filter {filter:?}", manifest.event_count)
            }
        };
        self.say("claims", Status::Pass, text);
        Ok(Some(manifest))
    }

    fn leaves(&mut self, manifest: &Manifest, seen: &Seen) {
        let verdict = |fail: &Tally, missing: &Tally, good: String| {
            if fail.count > 0 {
                (Status::Fail, fail.text())
            } else if missing.count > 0 {
                (Status::Incomplete, missing.text())
            } else {
                (Status::Pass, good)
            }
        };
        let none = Tally::default();
        let count = seen.leaf_count;
        let (status, text) = verdict(&seen.malformed, &seen.missing, format!("{count} leaves"));
        self.say("leaves", status, text);
        let (status, text) =
            verdict(&seen.misnumbered, &none, "each leaf has its own number".to_string());
        self.say("sequence", status, text);
        let (status, text) = verdict(&seen.backwards, &none, "recorded_at never decreases".into());
        self.say("time", status, text);
        if manifest.kind == Kind::Filtered {
            let text = format!("{count} proofs lead to the head's root");
            let (status, text) = verdict(&seen.astray, &none, text);
            self.say("root", status, text);
        } else if seen.astray.count > 0 {
            self.say("proofs", Status::Fail, seen.astray.text());
        }
    }

    fn root(
        &mut self,
        manifest: &Manifest,
        head: &Checkpoint,
        seen: &Seen,
    ) -> Result<(), F::Error> {
        let edges = match manifest.kind {
            Kind::Range => match self.files.take(RANGE_EDGES)? {
                None => {
                    self.say("root", Status::Incomplete, "range-edges is missing");
                    return Ok(());
                }
                Some(text) => read_edges(&text),
            },
            _ => Some(Vec::new()),
        };
        let Some(edges) = edges else {
            self.say("root", Status::Fail, "range-edges is no list of hashes");
            return Ok(());
        };
        if seen.missing.count > 0 {
            self.say("root", Status::Incomplete, "leaves are missing, so it cannot be computed");
            return Ok(());
        }
        match seen.range.root(head.size, &edges) {
            Ok(root) if root == head.root => {
                let text = match manifest.kind {
                    Kind::Range => {
                        format!("the leaves and {} edge hashes lead to it", edges.len())
                    }
                    _ => "all leaves lead to it".to_string(),
                };
                self.say("root", Status::Pass, text);
            }
            Ok(_) => self.say("root", Status::Fail, "the leaves lead to another root"),
            Err(error) => self.say("root", Status::Fail, error.to_string()),
        }
        Ok(())
    }

    /// Checks that the tiles for other programs say what the leaves say.
    fn tiles(&mut self, head: &Checkpoint, seen: &Seen) -> Result<(), F::Error> {
        let (mut wrong, mut missing) = (seen.false_tiles.clone(), seen.missing_tiles.clone());
        let size = head.size;
        let mut below: Vec<Hash> = Vec::new();
        let mut count = seen.tile_count;
        let mut level = 1;
        while entry_count(level, size) > 0 {
            let mut entries = Vec::new();
            for tile in Tile::all_at_size(TileKind::Hashes(level), size) {
                let path = tile.to_string();
                let Some(bytes) = self.files.take(&path)? else {
                    missing.add(|| format!("{path} is missing"));
                    break;
                };
                let Some(hashes) = tile_hashes(&bytes, tile.width()) else {
                    wrong.add(|| format!("{path} has another length"));
                    break;
                };
                count += 1;
                entries.extend(hashes);
            }
            let is_whole = entries.len() as u64 == entry_count(level, size);
            let is_right = match level {
                1 => (0..).zip(&entries).all(|(block, entry)| {
                    seen.range.block_root(block).is_none_or(|root| root == entry)
                }),
                _ => {
                    let (full, _) = below.as_chunks::<{ BLOCK as usize }>();
                    full.iter().map(|hashes| root_of(hashes)).eq(entries.iter().copied())
                }
            };
            if !is_whole {
                break;
            }
            if !is_right {
                wrong.add(|| format!("the tiles of level {level} are not those of the leaves"));
            }
            if level == 1 && wrong.count == 0 {
                // The whole tree from its blocks: the root vouches for those outside the range.
                let last = Tile::at_size(TileKind::Hashes(0), size / BLOCK, size);
                let rest = match last.filter(|_| !size.is_multiple_of(BLOCK)) {
                    None => Some(Vec::new()),
                    Some(tile) => self
                        .files
                        .take(&tile.to_string())?
                        .and_then(|bytes| tile_hashes(&bytes, tile.width())),
                };
                match rest {
                    None => missing.add(|| "the last tile of level 0 is missing".to_string()),
                    Some(rest) if root_of_blocks(&entries, &rest) != head.root => {
                        wrong.add(|| "the tiles lead to another root".to_string());
                    }
                    Some(_) => {}
                }
            }
            below = entries;
            level += 1;
        }
        if wrong.count > 0 {
            self.say("tiles", Status::Fail, wrong.text());
        } else if missing.count > 0 {
            self.say("tiles", Status::Incomplete, missing.text());
        } else {
            self.say("tiles", Status::Pass, format!("{count} tiles agree with the leaves"));
        }
        Ok(())
    }

    fn window(&mut self, manifest: &Manifest, seen: &Seen) {
        let Some((from, to)) = manifest.window else { return };
        if seen.outside_window.count > 0 {
            self.say("window", Status::Fail, seen.outside_window.text());
            return;
        }
        let before =
            (manifest.from > 0).then_some(seen.time_before).map(|time| time.map(|t| t < from));
        let after = (manifest.to < manifest.size)
            .then_some(seen.time_after)
            .map(|time| time.map(|t| t >= to));
        match (before, after) {
            (None | Some(Some(true)), None | Some(Some(true))) => {
                let text = format!("all that was recorded from {from} to before {to}");
                self.say("window", Status::Pass, text);
            }
            (Some(Some(false)), _) | (_, Some(Some(false))) => {
                let text = "a leaf beside the range is inside the window: events are left out";
                self.say("window", Status::Fail, text);
            }
            _ => {
                let text =
                    "the leaf beside the range is not there, so nothing shows that it is whole";
                self.say("window", Status::Incomplete, text);
            }
        }
    }

    /// Compares what the bundle calls purged with what the log recorded as purged.
    fn purged(&mut self, manifest: &Manifest, seen: &Seen) {
        let count: u64 = manifest.purged.iter().map(|(from, to)| to - from).sum();
        self.report.purged_count = count;
        if count == 0 {
            return;
        }
        let told: u64 = seen.purges.iter().map(|purge| purge.count).sum();
        let is_covered = |range: &(u64, u64)| {
            let mut at = range.0;
            while let Some(purge) =
                seen.purges.iter().find(|purge| purge.first <= at && at <= purge.last)
            {
                at = purge.last + 1;
                if at >= range.1 {
                    return true;
                }
            }
            false
        };
        let uncovered = manifest.purged.iter().find(|range| !is_covered(range));
        match uncovered {
            None if count <= told => {
                let by: Vec<String> =
                    seen.purges.iter().take(8).map(|purge| purge.by.to_string()).collect();
                let text = format!("{count} events purged, as the leaves {} record", by.join(", "));
                self.say("purged", Status::Pass, text);
            }
            _ if manifest.kind == Kind::Full && seen.missing.count == 0 => {
                let text = format!(
                    "{count} events are called purged, and the log records no purge of all of them"
                );
                self.say("purged", Status::Fail, text);
            }
            _ => {
                let text = format!(
                    "{count} events are called purged; the leaf that records it is not in this bundle"
                );
                self.say("purged", Status::Incomplete, text);
            }
        }
    }

    fn openings(&mut self, manifest: &Manifest, head: &Checkpoint, seen: &Seen) {
        self.report.event_count = seen.event_count;
        self.report.opening_count = seen.opening_count;
        self.report.withheld_count = seen.withheld_count;
        self.report.erased_count = seen.erased_count;
        self.report.erased.clone_from(&seen.erased);
        if seen.wrong_openings.count > 0 {
            self.say("openings", Status::Fail, seen.wrong_openings.text());
        } else if seen.silent.count > 0 {
            self.say("openings", Status::Incomplete, seen.silent.text());
        } else if seen.missing.count > 0 {
            self.say(
                "openings",
                Status::Incomplete,
                "some leaves to compare them with are missing",
            );
        } else if seen.event_count != manifest.event_count {
            let text = format!(
                "bundle.json names {} events, the openings are of {}",
                manifest.event_count, seen.event_count
            );
            self.say("openings", Status::Fail, text);
        } else {
            let text = format!("{} openings of {} events", seen.opening_count, seen.event_count);
            self.say("openings", Status::Pass, text);
        }
        if seen.undeclared.count > 0 {
            self.say("withheld", Status::Fail, seen.undeclared.text());
        } else if seen.withheld_count > 0 {
            let text = format!("{} values are kept back, as bundle.json says", seen.withheld_count);
            self.say("withheld", Status::Notice, text);
        }
        if seen.erased_count > 0 {
            self.erased(head, seen);
        }
    }

    /// Looks at the leaves that are said to record erasures.
    fn erased(&mut self, head: &Checkpoint, seen: &Seen) {
        let (mut wrong, mut absent) = (Tally::default(), Tally::default());
        for (by, seq) in &seen.erasures_named {
            if by <= seq || *by >= head.size {
                wrong.add(|| format!("event {seq} cannot be erased by leaf {by}"));
            } else if seen.erasures.contains(by) {
            } else if seen.has_leaf(*by) {
                wrong.add(|| format!("leaf {by} records no erasure, as event {seq} claims"));
            } else {
                absent.add(|| {
                    format!("leaf {by}, which erased values of event {seq}, is not in this bundle")
                });
            }
        }
        if wrong.count > 0 {
            self.say("erased", Status::Fail, wrong.text());
        } else if absent.count > 0 {
            self.say("erased", Status::Incomplete, absent.text());
        } else {
            let by: Vec<String> = seen.erasures_named.keys().take(8).map(u64::to_string).collect();
            let text = format!("{} values erased by leaf {}", seen.erased_count, by.join(", "));
            self.say("erased", Status::Notice, text);
        }
    }

    /// Returns the sizes that files of a folder are named after.
    fn sizes_below(&self, folder: &str) -> Vec<u64> {
        let paths = self.files.below(folder);
        let mut sizes: Vec<u64> =
            paths.iter().filter_map(|path| parse_decimal(path.strip_prefix(folder)?)).collect();
        sizes.sort_unstable();
        sizes
    }

    fn heads(&mut self, head: &Checkpoint, seen: &Seen) -> Result<(), F::Error> {
        let (mut wrong, mut absent) = (Tally::default(), Tally::default());
        let mut count = 0_u64;
        for size in self.sizes_below("heads/") {
            let path = super::head_path(size);
            let Some(note) = self.files.take(&path)? else { continue };
            let keys = self.keys_of(&head.origin);
            let old = Note::parse(&note).map_err(|error| error.to_string()).and_then(|note| {
                note.verify(&keys).map_err(|error| error.to_string())?;
                Checkpoint::parse(note.text()).map_err(|error| error.to_string())
            });
            match old {
                Err(error) => wrong.add(|| format!("{path}: {error}")),
                Ok(old) if old.origin != head.origin || old.size != size => {
                    wrong.add(|| format!("{path} is the head of another log or size"));
                }
                Ok(old) => match self.continues(&old, head, seen)? {
                    Continues::Yes => count += 1,
                    Continues::No(why) => wrong.add(|| format!("{path}: {why}")),
                    Continues::Unknown => {
                        absent.add(|| format!("nothing shows that the log continues {path}"));
                    }
                },
            }
        }
        if wrong.count > 0 {
            self.say("heads", Status::Fail, wrong.text());
        } else if absent.count > 0 {
            self.say("heads", Status::Incomplete, absent.text());
        } else if count > 0 {
            self.say("heads", Status::Pass, format!("the log continues {count} older heads"));
        }
        Ok(())
    }

    fn since(&mut self, head: &Checkpoint, seen: &Seen) -> Result<(), F::Error> {
        if self.expectations.since.is_empty() {
            let text = "no older head was given, so nothing shows that the log only grew";
            self.say("since", Status::Skipped, text);
        }
        for old in self.expectations.since {
            let (status, text) = if old.origin != head.origin {
                (Status::Fail, format!("the kept head is of another log, {}", old.origin))
            } else {
                match self.continues(old, head, seen)? {
                    Continues::Yes => (
                        Status::Pass,
                        format!("the log continues the kept head of size {}", old.size),
                    ),
                    Continues::No(why) => (Status::Fail, why),
                    Continues::Unknown => (
                        Status::Incomplete,
                        format!(
                            "no consistency lines from size {}: ask the server for /log/consistency?from={}",
                            old.size, old.size
                        ),
                    ),
                }
            };
            self.say("since", status, text);
        }
        Ok(())
    }

    /// Says whether the head continues an older one.
    fn continues(
        &mut self,
        old: &Checkpoint,
        head: &Checkpoint,
        seen: &Seen,
    ) -> Result<Continues, F::Error> {
        let no = |why: &str| Continues::No(format!("{why} of size {}", old.size));
        if old.size > head.size {
            return Ok(Continues::No(format!(
                "the log was cut or rolled back: size {} was signed before, this head has {}",
                old.size, head.size
            )));
        }
        if old.size == head.size {
            let is_same = old.root == head.root;
            return Ok(if is_same { Continues::Yes } else { no("there are two different heads") });
        }
        let by_leaves = seen.roots.get(&old.size).map(|root| *root == old.root);
        let lines = self.files.take(&consistency_path(old.size))?;
        let by_lines = match lines.as_deref().map(ConsistencyLines::parse) {
            None => None,
            Some(Err(error)) => return Ok(Continues::No(error.to_string())),
            Some(Ok(lines)) => {
                if lines.checkpoint.as_bytes() != self.note || lines.old_size != old.size {
                    return Ok(no("the consistency lines are not to this head, or from that"));
                }
                let verdict =
                    verify_consistency(old.size, &old.root, head.size, &head.root, &lines.proof);
                Some(verdict.is_ok())
            }
        };
        Ok(match (by_leaves, by_lines) {
            (Some(false), _) | (_, Some(false)) => no("the log does not continue its head"),
            (Some(true), _) | (_, Some(true)) => Continues::Yes,
            (None, None) => Continues::Unknown,
        })
    }

    /// The history of keys is the server's word; here it only must be readable.
    fn key_history(&mut self) -> Result<(), F::Error> {
        let Some(text) = self.files.take(KEY_HISTORY)? else { return Ok(()) };
        if serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_err() {
            self.say("keys", Status::Fail, "keys/history.json is no JSON");
        }
        Ok(())
    }

    fn witnesses(&mut self) {
        let Some(policy) = self.expectations.policy else { return };
        let standing = Note::parse(&self.note).and_then(|note| policy.evaluate(&note));
        match standing {
            Err(error) => self.say("witnesses", Status::Fail, error.to_string()),
            Ok(standing) => {
                let text = format!(
                    "{} of {} known witnesses cosigned",
                    standing.cosigned.len(),
                    policy.witnesses().len()
                );
                let status = if standing.is_met { Status::Pass } else { Status::NotMet };
                self.say("witnesses", status, text);
            }
        }
    }

    fn age(&mut self, head: &Checkpoint, seen: &Seen) {
        let Expectations { max_age_micros, now, policy, .. } = *self.expectations;
        let Some(max_age) = max_age_micros else { return };
        let cosigned = policy
            .and_then(|policy| {
                Note::parse(&self.note).ok().and_then(|note| policy.evaluate(&note).ok())
            })
            .and_then(|standing| standing.cosigned.iter().map(|(_, time_s)| *time_s).max())
            .and_then(|time_s| i64::try_from(time_s).ok()?.checked_mul(1_000_000));
        let newest = seen.last_time.map(Timestamp::micros).max(cosigned);
        let (status, text) = match newest {
            None if head.size == 0 => (Status::NotMet, "the log is empty".to_string()),
            None => (
                Status::Incomplete,
                "neither the last leaf nor a known cosignature is in this bundle".to_string(),
            ),
            Some(newest) if newest > now.micros().saturating_add(AHEAD_MICROS) => {
                let time = Timestamp::from_micros(newest);
                (Status::NotMet, format!("the newest time, {time}, is ahead of this clock"))
            }
            Some(newest) => {
                let time = Timestamp::from_micros(newest);
                let is_met = now.micros().saturating_sub(newest) <= max_age;
                let status = if is_met { Status::Pass } else { Status::NotMet };
                (status, format!("the newest time is {time}"))
            }
        };
        self.say("age", status, text);
    }
}

/// Whether a head continues another.
enum Continues {
    Yes,
    No(String),
    /// Nothing in the bundle says.
    Unknown,
}

fn read_edges(text: &[u8]) -> Option<Vec<Hash>> {
    let text = core::str::from_utf8(text).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    // Two walks down a tree of 2^53 leaves pass by no more subtrees.
    read_hashes(text.strip_suffix('\n')?.split('\n'), 128)
}

/// Reads a tile of hashes of this width.
pub(crate) fn tile_hashes(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
    let fits = rest.is_empty() && hashes.len() == usize::from(width);
    fits.then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}

pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut edge = Edge::default();
    hashes.iter().for_each(|hash| {
        edge.append(*hash);
    });
    edge.root()
}

/// Returns the root over full blocks and the leaves behind them.
fn root_of_blocks(blocks: &[Hash], rest: &[Hash]) -> Hash {
    let mut all: Vec<Hash> = blocks.to_vec();
    // A block is a full subtree, so the last, shorter one may stand beside them as one more leaf.
    if !rest.is_empty() {
        all.push(root_of(rest));
    }
    root_of(&all)
}

/// What is known of recorded purges: the first and last seq, how many, and the leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purge {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) count: u64,
    pub(crate) by: u64,
}

/// Roots at sizes that were asked for.
pub(crate) type Roots = BTreeMap<u64, Hash>;
