//! Bundles on their way out: `.tar.zst` with everything that proves a part of a workspace's log.
//!
//! The ledger knows what a bundle is and writes its files; here they get their leaves and openings, and
//! become an archive. Written as exports are: by a thread of its own, a few pieces in memory, broken off
//! when it cannot be completed.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use axum::body::Body;
use proofbook_event::{Group, Timestamp};
use proofbook_filter::ResolvedFilter;
use proofbook_ledger::bundle::{BLOCK, BundleWriter, EventOpenings, Kind, Manifest, WriteError};
use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_query::{Found, Leaf, QueryError, Reader, Sort};
use proofbook_store::seal::Sealer;
use serde_json::json;

use crate::access::Granted;
use crate::app::{App, Place};
use crate::ask::{open, with_budget};
use crate::export::{Sink, Stop, Written, stream_of};
use crate::heads::SignedHead;
use crate::notes;
use crate::problem::{Code, Problem};
use crate::routes::ledger;

/// Strength of the archive's compression: proofs do not compress, values compress well enough.
const ZSTD_LEVEL: i32 = 3;
/// Events of a filtered bundle.
const PROOFS_MAX: usize = 100_000;

/// Which part of the log.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// All of it.
    Everything,
    /// The events from one number to before another.
    Numbers(u64, u64),
    /// The events recorded from one moment to before another.
    Window(Timestamp, Timestamp),
    /// The events that pass a filter, which is given as asked too.
    Filter(Box<ResolvedFilter>, String),
}

/// What is asked for.
pub(crate) struct Order {
    pub(crate) workspace: Granted,
    pub(crate) part: Part,
    /// Groups that are not opened.
    pub(crate) withheld: Vec<Group>,
}

/// Starts a bundle; the body ends with an error when it is not complete. Blocks to find the range.
///
/// An error here is one of the question: nothing was recorded in that window, the range is empty.
pub(crate) fn start(
    app: App,
    place: Place,
    signed: SignedHead,
    order: Order,
    note: notes::Export,
) -> Result<Body, Problem> {
    let manifest = manifest_of(&app, &signed, &order)?;
    let work = move |sink: Sink, written: &mut Written| {
        written.below_seq = signed.head.size;
        write(&app, &signed, &order, manifest, sink, &mut written.count)
    };
    Ok(stream_of(place, note, work))
}

type Out = tar::Builder<zstd::stream::write::Encoder<'static, Sink>>;

fn write(
    app: &App,
    signed: &SignedHead,
    order: &Order,
    manifest: Manifest,
    sink: Sink,
    count: &mut u64,
) -> Result<(), Stop> {
    let mut archive: Out = tar::Builder::new(zstd::stream::write::Encoder::new(sink, ZSTD_LEVEL)?);
    let mtime = u64::try_from(signed.head.at / 1_000_000).unwrap_or(0);
    let put = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(mtime);
        archive.append_data(&mut header, path, bytes).map_err(Broken::Sink)
    };
    match fill(app, signed, order, manifest, put, count) {
        Ok(()) => {}
        Err(WriteError::Sink { source: Broken::Sink(_), .. }) => return Err(Stop::ClientGone),
        Err(WriteError::Sink { source: Broken::Problem(problem), .. }) => {
            return Err(problem.into());
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a bundle broke off");
            let detail = "the stored events do not lead to the head that was signed";
            return Err(Problem::new(Code::Unavailable, detail).into());
        }
    }
    let mut sink = archive.into_inner()?.finish()?;
    Ok(sink.flush()?)
}

/// Why a file of a bundle cannot be made.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the client is gone")]
    Sink(#[source] io::Error),
    #[error("{}", .0.detail)]
    Problem(Problem),
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<QueryError> for Broken {
    fn from(error: QueryError) -> Self {
        Self::Problem(error.into())
    }
}

/// Says that something of our own, no file, kept the bundle from being made.
fn broken(error: impl Into<Broken>) -> WriteError<Broken> {
    WriteError::Sink { path: String::new(), source: error.into() }
}

fn manifest_of(app: &App, signed: &SignedHead, order: &Order) -> Result<Manifest, Problem> {
    let size = signed.head.size;
    let uid = signed.reader.workspace().uid;
    let origin = signed.signing.eras.last().map_or(0, |era| era.origin);
    let mut manifest = Manifest {
        kind: Kind::Full,
        origin: app.heads.signer.origin(uid, origin),
        size,
        from: 0,
        to: size,
        window: None,
        filter: None,
        withheld: order.withheld.clone(),
        event_count: 0,
        purged: Vec::new(),
    };
    match &order.part {
        Part::Everything => {}
        Part::Numbers(from, to) => {
            let to = (*to).min(size);
            if *from >= to {
                let detail = format!("the range holds no event; the newest head has {size} leaves");
                return Err(Problem::parameter("from_seq", detail));
            }
            (manifest.kind, manifest.from, manifest.to) = (Kind::Range, *from, to);
        }
        Part::Window(from, to) => {
            let first = first_recorded(&signed.reader, size, from.micros())?;
            let end = first_recorded(&signed.reader, size, to.micros())?;
            if first >= end {
                let detail = "nothing was recorded in this window";
                return Err(Problem::parameter("recorded_from", detail));
            }
            (manifest.kind, manifest.from, manifest.to) = (Kind::Range, first, end);
            manifest.window = Some((*from, *to));
        }
        Part::Filter(_, text) => {
            manifest.kind = Kind::Filtered;
            manifest.filter = Some(text.clone());
        }
    }
    Ok(manifest)
}

/// Finds the first event recorded at or after a moment: times never decrease with the numbers. What
/// was purged has the time of the next event that is there.
fn first_recorded(reader: &Reader, size: u64, micros: i64) -> Result<u64, Problem> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match next_kept(reader, middle, high)? {
            Some(event) if event.recorded_at() < micros => low = event.seq() + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Returns the first event of these numbers that was not purged.
fn next_kept(reader: &Reader, from: u64, to: u64) -> Result<Option<Found>, Problem> {
    let mut from = from;
    while from < to {
        let end = (from + BLOCK).min(to);
        if let Some(event) = reader.every(from..end)?.into_iter().next() {
            return Ok(Some(event));
        }
        from = end;
    }
    Ok(None)
}

fn fill(
    app: &App,
    signed: &SignedHead,
    order: &Order,
    manifest: Manifest,
    put: impl FnMut(&str, &[u8]) -> Result<(), Broken>,
    count: &mut u64,
) -> Result<(), WriteError<Broken>> {
    let claimed = manifest.from..manifest.to;
    let mut writer = BundleWriter::begin(manifest, &signed.note, put)?;
    let mut sealer = Sealer::default();
    let leaves = writer.leaves();
    // The leaves that recorded what was erased of these events.
    let mut erasures: BTreeSet<u64> = BTreeSet::new();
    let mut from = leaves.start;
    while from < leaves.end {
        let to = (from / BLOCK + 1).saturating_mul(BLOCK).min(leaves.end);
        if app.stopping.is_cancelled() {
            return Err(broken(Problem::new(Code::Stopping, "the server is stopping")));
        }
        for leaf in signed.reader.leaves(from..to).map_err(broken)? {
            let event = match leaf {
                Leaf::Event(event) => event,
                Leaf::Purged(hash) => {
                    writer.purged(hash)?;
                    continue;
                }
            };
            let leaf = event.leaf_bytes(&mut sealer).ok_or_else(|| broken(no_keys()))?;
            let openings = match claimed.contains(&event.seq()) {
                true => Some(openings(signed, order, &event, &mut sealer).map_err(broken)?),
                false => None,
            };
            if let Some(openings) = &openings {
                erasures.extend(openings.erased.iter().map(|(_, by)| *by));
                *count += 1;
            }
            writer.leaf(&leaf, openings)?;
        }
        from = to;
    }
    if let Part::Filter(filter, _) = &order.part {
        let events = passing(app, order, filter, signed.head.size).map_err(broken)?;
        let erased = events.iter().flat_map(|event| signed.reader.erased_of(event));
        erasures.extend(erased.map(|(_, by)| by));
        for event in &events {
            erasures.remove(&event.seq());
        }
        for event in events {
            // Proofs stand in the order of their numbers.
            let later = erasures.split_off(&event.seq());
            let earlier = std::mem::replace(&mut erasures, later);
            put_erasures(signed, &mut writer, earlier.into_iter(), &mut sealer)?;
            let leaf = event.leaf_bytes(&mut sealer).ok_or_else(|| broken(no_keys()))?;
            let openings = openings(signed, order, &event, &mut sealer).map_err(broken)?;
            let path = signed.reader.inclusion_proof(event.seq(), signed.head.size);
            writer.proof(event.seq(), &leaf, path.map_err(broken)?, Some(openings))?;
            *count += 1;
        }
    }
    let elsewhere = erasures.into_iter().filter(|seq| !leaves.contains(seq));
    put_erasures(signed, &mut writer, elsewhere, &mut sealer)?;
    let history = ledger::key_history(app, &signed.reader, &signed.signing);
    writer.key_history(&format!("{}\n", json!({"data": history})))?;
    let uid = signed.reader.workspace().uid;
    for head in &signed.signing.heads {
        // Heads of an origin that was left cannot be signed again, and are no part of this log.
        let again = app.heads.signer.sign_again(uid, &signed.signing, head);
        let (Ok(note), true) = (again, head.size < signed.head.size) else { continue };
        writer.head(head.size, &note)?;
        let proof = signed.reader.consistency_proof(head.size, signed.head.size).map_err(broken)?;
        let lines =
            ConsistencyLines { old_size: head.size, proof, checkpoint: signed.note.clone() };
        writer.consistency(head.size, &lines.to_text())?;
    }
    let mut nodes = signed.reader.nodes();
    writer.finish(|height, index| Ok(nodes(height, index)?)).map(drop)
}

/// Returns the events that pass a filter, by number.
fn passing(
    app: &App,
    order: &Order,
    filter: &ResolvedFilter,
    size: u64,
) -> Result<Vec<Found>, Problem> {
    let scoped = open(app, &order.workspace)?;
    let never = std::sync::atomic::AtomicBool::new(false);
    let mut found = Vec::new();
    let mut visit = |event: Found| {
        found.push(event);
        match found.len() > PROOFS_MAX {
            true => std::ops::ControlFlow::Break(()),
            false => std::ops::ControlFlow::Continue(()),
        }
    };
    let end = with_budget(app.config.export_timeout, u64::MAX, &never, |budget| {
        scoped.scan(filter, Sort::Seq, &mut visit, budget)
    })?;
    if found.len() > PROOFS_MAX {
        let detail =
            format!("a filtered bundle has at most {PROOFS_MAX} events; narrow the filter");
        return Err(Problem::too_large(0, PROOFS_MAX as u64, detail));
    }
    if !end.complete {
        return Err(Problem::new(Code::Unavailable, "a part could not be read"));
    }
    found.retain(|event| event.seq() < size);
    found.sort_unstable_by_key(Found::seq);
    Ok(found)
}

/// Opens what may be opened: groups that are withheld, and events that are kept no longer, stay shut.
fn openings(
    signed: &SignedHead,
    order: &Order,
    event: &Found,
    sealer: &mut Sealer,
) -> Result<EventOpenings, Problem> {
    let openings = event.openings(sealer).ok_or_else(no_keys)?;
    let keeps = signed.reader.keeps(event);
    let (openings, shut): (Vec<_>, Vec<_>) =
        openings.into_iter().partition(|opening| keeps && !order.withheld.contains(&opening.group));
    let withheld = shut.into_iter().map(|opening| opening.group).collect();
    let erased = signed.reader.erased_of(event);
    if erased.iter().any(|(_, by)| *by >= signed.head.size) {
        let detail = "something was erased while the bundle was begun; ask for it again";
        return Err(Problem::new(Code::Unavailable, detail));
    }
    Ok(EventOpenings { seq: event.seq(), openings, withheld, erased, leaf: None })
}

/// Adds the leaves that recorded erasures, where they are not among those that are there.
fn put_erasures(
    signed: &SignedHead,
    writer: &mut BundleWriter<impl FnMut(&str, &[u8]) -> Result<(), Broken>>,
    seqs: impl Iterator<Item = u64>,
    sealer: &mut Sealer,
) -> Result<(), WriteError<Broken>> {
    for seq in seqs {
        let event = signed.reader.every(seq..seq + 1).map_err(broken)?.pop();
        let leaf = event.and_then(|event| event.leaf_bytes(sealer));
        let leaf = leaf.ok_or_else(|| broken(no_keys()))?;
        let path = signed.reader.inclusion_proof(seq, signed.head.size).map_err(broken)?;
        writer.proof(seq, &leaf, path, None)?;
    }
    Ok(())
}

fn no_keys() -> Problem {
    Problem::new(Code::Unavailable, "the leaf of an event cannot be derived")
}
