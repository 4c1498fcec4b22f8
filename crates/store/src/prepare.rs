//! Preparing a batch: what request tasks do in parallel before the one commit thread (design
//! section 3, "admit").
//!
//! Each event gets its workspace's next place in a run of leaf keys (`seats.rs`), is admitted by the
//! catalog in force, and is encoded as the log will hold it. A workspace or run that is not known durable
//! yet is recorded again by every batch that uses it, so batches may reach the log in any order.
//!
//! A batch takes its events in parts ([`Judging`]): a thousand parsed events are more than a processor's
//! cache holds, and who judges them after all are parsed waits for memory at every value.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use proofbook_catalog::identity::keyed_hash;
use proofbook_catalog::retention::Cutoffs;
use proofbook_catalog::{AdmitContext, Admitted, Catalog, Identity, Preset, Rejected, admit};
use proofbook_event::{EventDraft, Timestamp};
use proofbook_ledger::WorkspaceUid;

use crate::commit::Published;
use crate::config::{ConfigChange, WorkspaceSettings};
use crate::fold::{IdHit, Outcome, Sealed};
use crate::limits;
use crate::lookup::{self, Found, WantedId};
use crate::random::Random;
use crate::record::{EventParts, EventsRecord, Format, Record, Rewritten, flag};
use crate::rules::policy_of;
use crate::seats::{LeftKeys, Seats, Taken};
use crate::segment::SegmentError;
use crate::view::View;

use place_keys::PlaceKeys;

/// One event of a request, for one workspace.
pub struct Wanted<'a> {
    /// The workspace's name, checked by the caller against the credential.
    pub workspace: &'a str,
    /// The event.
    pub draft: EventDraft<'a>,
}

/// An event that was admitted, or why it was not.
pub type Place = Result<AdmittedPlace, Rejected>;

/// Where the receipt of an admitted event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedPlace {
    /// Where it says what became of it.
    pub fate: Fate,
    /// Its id.
    pub id: String,
    /// Its workspace's name.
    pub workspace: Arc<str>,
}

/// Where it says what became of an admitted event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In the outcome with this number among the batch's.
    Batch(usize),
    /// Here: it was recorded before, and erased since. The log must not get what it holds again.
    Known(Outcome),
}

/// A batch ready to be committed, and the fate of each event of the request.
pub struct Prepared {
    /// Encoded records, but for the events that end the last one.
    pub records: Vec<u8>,
    /// Those events, encoded.
    pub events: Vec<u8>,
    /// How many.
    pub record_count: u32,
    /// What to look for again when the look-ups grew old.
    pub wanted: Vec<WantedId>,
    /// What segments knew of the ids.
    pub hits: Vec<Option<IdHit>>,
    /// What sealing computed.
    pub sealed: Vec<Sealed>,
    /// The pack count of the View the ids were looked up in.
    pub pack_epoch: u64,
    /// Per event of the request, in its order.
    pub places: Vec<Place>,
}

impl Prepared {
    /// Returns the records as the log will hold them, for checks.
    pub fn whole_records(&self) -> Vec<u8> {
        [self.records.as_slice(), &self.events].concat()
    }
}

/// Gives out places in runs and judges events.
pub struct Preparer {
    format: Format,
    random: Arc<dyn Random>,
    seats: Seats,
    /// By name, each with its version.
    catalogs: RwLock<HashMap<String, (u32, Arc<Catalog>)>>,
}

/// How many bytes longer than what was sent an encoded event mostly is at the most.
const EVENT_EXTRA_BYTES: usize = 192;

/// Hashes ids as the index of ids does. Secret: it has no `Debug`.
#[derive(Clone, Copy)]
pub struct IdHasher([u8; 16]);

impl IdHasher {
    /// Takes the key of the store's format.
    pub(crate) fn new(format: &Format) -> Self {
        Self(format.id_key)
    }

    /// Returns the keyed hash of an event's id.
    pub fn hash(&self, id: &str) -> u64 {
        keyed_hash(&self.0, id.as_bytes())
    }
}

impl Preparer {
    /// Begins without runs: places of earlier processes are never used again.
    pub fn new(format: Format, random: Arc<dyn Random>) -> Self {
        let seats = Seats::new(random.clone());
        Self { format, random, seats, catalogs: RwLock::default() }
    }

    /// Returns the store's own id.
    pub fn store_uid(&self) -> [u8; 16] {
        self.format.store_uid
    }

    /// Returns how ids are hashed.
    pub fn id_hasher(&self) -> IdHasher {
        IdHasher(self.format.id_key)
    }

    /// Judges and encodes the events of a request.
    ///
    /// `now` is the guarded clock. A damaged segment found while looking ids up makes an event
    /// rejected as `unavailable`, since whether it is a duplicate cannot be told.
    pub fn prepare(
        &self,
        published: &Published,
        now: Timestamp,
        may_import: bool,
        events: Vec<Result<Wanted<'_>, Rejected>>,
    ) -> Prepared {
        let mut judging = self.begin(published, now, may_import);
        judging.judge(events);
        judging.finish()
    }

    /// Begins a batch whose events come in parts.
    pub fn begin<'p>(
        &'p self,
        published: &'p Published,
        now: Timestamp,
        may_import: bool,
    ) -> Judging<'p> {
        let view = published.view();
        let batch = Building::new(view.pack_epoch);
        let given = Given { view, now, may_import };
        let (tables, numbers) = (Vec::new(), HashMap::new());
        Judging { preparer: self, published, given, batch, tables, numbers }
    }

    /// Encodes a configuration change with the event that tells of it.
    pub fn prepare_change(
        &self,
        published: &Published,
        now: Timestamp,
        change: ConfigChange,
        event: Wanted<'_>,
    ) -> Prepared {
        let mut judging = self.begin(published, now, true);
        if let ConfigChange::PutWorkspace { name, .. } = &change {
            judging.seat_workspace(name, 0);
        }
        judging.judge(vec![Ok(event)]);
        judging.finish_with(Told::Change(change))
    }

    /// Encodes a purge or an erasure with the events that tell of it, which are recorded only if the
    /// decision holds.
    pub fn prepare_rewritten(
        &self,
        published: &Published,
        now: Timestamp,
        rewritten: Rewritten<'_>,
        events: Vec<Wanted<'_>>,
    ) -> Prepared {
        let mut judging = self.begin(published, now, true);
        judging.judge(events.into_iter().map(Ok).collect());
        judging.finish_with(Told::Rewritten(rewritten))
    }

    /// Returns the catalog that a workspace's events are judged by.
    pub fn catalog_of(&self, view: &View, settings: &WorkspaceSettings) -> Arc<Catalog> {
        let name = settings.preset.as_deref().unwrap_or("default");
        let stored = view.config.catalogs.get(name);
        let version = stored.map_or(0, |stored| stored.version);
        let known = self.catalogs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, catalog)) = known.get(name).filter(|(known, _)| *known == version) {
            return catalog.clone();
        }
        drop(known);
        let parsed = stored.and_then(|stored| Preset::parse(&stored.text).ok());
        let catalog = match parsed {
            Some(preset) => Catalog::new(preset, version),
            None => Catalog::embedded(name)
                .or_else(|| Catalog::embedded("default"))
                .expect("the preset `default` is embedded and a test parses it"),
        };
        let catalog = Arc::new(catalog);
        let mut known = self.catalogs.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), (version, catalog.clone()));
        catalog
    }

    fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// A batch that takes its events in parts.
pub struct Judging<'p> {
    preparer: &'p Preparer,
    published: &'p Published,
    given: Given,
    batch: Building,
    tables: Vec<Table>,
    /// The place of a workspace's table, by the workspace's name.
    numbers: HashMap<Arc<str>, usize>,
}

impl Judging<'_> {
    /// Makes room for so many events, which were sent in so many bytes.
    pub fn expect(&mut self, events: usize, bytes: usize) {
        self.batch.expect(events, bytes);
    }

    /// Judges and encodes some events, and gives each its place.
    pub fn judge(&mut self, mut events: Vec<Result<Wanted<'_>, Rejected>>) {
        let homes = self.seat(&events);
        let Self { preparer, published, given, batch, tables, .. } = self;
        let mut sought = Vec::with_capacity(homes.len());
        for (event, home) in events.iter_mut().flatten().zip(homes) {
            let make_id = || uuid_v7(given.now, preparer.random_bytes());
            let identity = Identity::take(&mut event.draft, &preparer.format.id_key, make_id);
            sought.push((home, identity));
        }
        let wanted =
            |(home, identity): &(usize, Identity<'_>)| wanted_id(tables[*home].uid, identity);
        let wanted: Vec<WantedId> = sought.iter().map(wanted).collect();
        let found = lookup::find_all(&given.view, &published.fresh_ids.load(), &wanted);
        let bytes = events.iter().flatten().map(|event| event.draft.sent.len()).sum();
        batch.expect(events.len(), bytes);
        let mut sought = sought.into_iter().zip(wanted).zip(found);
        // In place: a draft is large, and moving it costs as much as a commitment.
        for event in &mut events {
            let place = event.as_mut().map_err(|rejected| rejected.clone()).and_then(|event| {
                let (((home, identity), wanted), found) = sought.next().ok_or_else(no_place)?;
                let known = Known { identity, wanted, found };
                let mask_key = &preparer.format.mask_key;
                let place = admit_one(given, mask_key, event, known, &mut tables[home], batch);
                // Now they are in the processor's cache, and at the end of the batch no longer.
                event.draft.forget_values();
                place
            });
            batch.places.push(place);
        }
    }

    /// Ends the batch.
    pub fn finish(self) -> Prepared {
        self.finish_with(Told::Events)
    }

    fn finish_with(self, told: Told<'_>) -> Prepared {
        // The last keys that were derived are for the batches that go on behind this one.
        let left = self.tables.into_iter().filter_map(|table| {
            let Table { name, directory_index: index, uid, keys, .. } = table;
            let (run, keys) = keys.derived()?;
            Some(LeftKeys { name, index, uid, run, keys })
        });
        self.preparer.seats.keep(left);
        self.batch.finish(&*self.preparer.random, told)
    }

    /// Takes places for events; returns for each that is not refused the place of its workspace's table.
    fn seat(&mut self, events: &[Result<Wanted<'_>, Rejected>]) -> Vec<usize> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        let mut homes: Vec<usize> = Vec::with_capacity(events.len());
        let mut known_names: HashMap<&str, usize> = HashMap::new();
        for event in events.iter().flatten() {
            let home = *known_names.entry(event.workspace).or_insert(counts.len());
            if home == counts.len() {
                counts.push((event.workspace, 0));
            }
            counts[home].1 += 1;
            homes.push(home);
        }
        let tables: Vec<usize> =
            counts.into_iter().map(|(name, count)| self.seat_workspace(name, count)).collect();
        homes.iter().map(|home| tables[*home]).collect()
    }

    /// Takes places for a workspace's events, and records what is not known durable of it; returns the
    /// place of its table.
    fn seat_workspace(&mut self, name: &str, count: usize) -> usize {
        let Self { preparer, published, given, batch, tables, numbers } = self;
        let known = numbers.get(name).copied();
        if let Some(number) = known
            && let Table { directory_index: Some(index), keys, .. } = &mut tables[number]
            && let Some(run) = keys.last_run()
            && let Some(first) = preparer.seats.go_on(*index, run, count)
        {
            keys.add_in_run(first, count);
            return number;
        }
        let Taken { uid, durable, places, begun, ready } =
            preparer.seats.take(&published.directory, name, count);
        // A workspace that was deleted meanwhile comes back as another one.
        let known = known.filter(|number| tables[*number].uid == uid);
        if known.is_none() && durable.is_none() {
            batch.record(&Record::Workspace { uid, name });
        }
        let recorded = known.map_or(0, |number| tables[number].runs_recorded);
        for run in begun.iter().filter(|run| run.number >= recorded) {
            batch.record(&Record::Run {
                workspace: uid,
                run: run.number,
                seed: *run.seed.as_bytes(),
                nonce_key: *run.nonce_key.as_bytes(),
            });
        }
        let runs_recorded = begun.last().map_or(recorded, |run| run.number + 1);
        if let Some(number) = known {
            tables[number].runs_recorded = runs_recorded;
            tables[number].keys.add(places, ready);
            return number;
        }
        let name = durable.as_ref().map_or_else(|| name.into(), |(_, known)| known.name.clone());
        let none = WorkspaceSettings::none;
        let settings = durable.as_ref().map_or_else(none, |(_, known)| known.settings.clone());
        let catalog = preparer.catalog_of(&given.view, &settings);
        let cutoffs = policy_of(catalog.preset(), &settings).cutoffs(given.now);
        let index = batch.workspaces.len() as u32;
        batch.workspaces.push(uid);
        numbers.insert(name.clone(), tables.len());
        let mut keys = PlaceKeys::default();
        keys.add(places, ready);
        tables.push(Table {
            name,
            index,
            directory_index: durable.map(|(index, _)| index),
            uid,
            catalog,
            cutoffs,
            keys,
            runs_recorded,
        });
        tables.len() - 1
    }
}

fn admit_one(
    given: &Given,
    mask_key: &[u8; 16],
    event: &mut Wanted<'_>,
    known: Known<'_>,
    table: &mut Table,
    batch: &mut Building,
) -> Place {
    if batch.events.len() > limits::BATCH_RECORD_BYTES_MAX {
        return Err(batch_full());
    }
    let keys = table.keys.next().ok_or_else(no_place)?;
    let context = AdmitContext {
        catalog: &table.catalog,
        now: given.now,
        kept_since: table.cutoffs.since(&event.draft.action).map(Timestamp::from_micros),
        may_import: given.may_import,
        mask_key,
    };
    let Known { identity, wanted, found } = known;
    admit(&mut event.draft, &identity, &context, &keys, &mut batch.admitted)?;
    let hit = found.map_err(cannot_tell)?;
    let fate = match hit {
        Some(hit) if lookup::is_erased(&given.view, table.uid, hit.seq).map_err(cannot_tell)? => {
            let (seq, same) = (hit.seq, hit.fingerprint == wanted.fingerprint);
            Fate::Known(if same { Outcome::Duplicate { seq } } else { Outcome::Conflict { seq } })
        }
        _ => Fate::Batch(batch.wanted.len()),
    };
    if let Fate::Batch(_) = fate {
        batch.push(table.index, wanted, hit);
    }
    let workspace = table.name.clone();
    Ok(AdmittedPlace { fate, id: identity.id.into_owned(), workspace })
}

/// What holds for all events of a batch.
struct Given {
    view: Arc<View>,
    now: Timestamp,
    may_import: bool,
}

/// What is known of an event before it is judged.
struct Known<'a> {
    identity: Identity<'a>,
    wanted: WantedId,
    found: Found,
}

fn wanted_id(workspace: WorkspaceUid, identity: &Identity<'_>) -> WantedId {
    // The id's canonical form: it has no character that JSON escapes.
    let crc = crc32c::crc32c_append(crc32c::crc32c(b"\""), identity.id.as_bytes());
    WantedId {
        workspace,
        id_hash: identity.hash,
        fingerprint: identity.fingerprint,
        id_crc: crc32c::crc32c_append(crc, b"\""),
        generated: identity.generated,
    }
}

fn cannot_tell(error: SegmentError) -> Rejected {
    Rejected {
        code: "unavailable",
        pointer: "/id".to_owned(),
        offset: None,
        reason: format!("whether this id is known cannot be told: {error}"),
        limit: None,
    }
}

/// What a batch needs of one workspace.
struct Table {
    name: Arc<str>,
    /// Its place among the batch's workspaces.
    index: u32,
    /// Its place in the directory, where it is there yet.
    directory_index: Option<u32>,
    uid: WorkspaceUid,
    catalog: Arc<Catalog>,
    cutoffs: Cutoffs,
    keys: PlaceKeys,
    /// Runs below this number are durable or recorded in this batch.
    runs_recorded: u32,
}

/// What the events of a batch tell of.
enum Told<'a> {
    /// Of themselves.
    Events,
    Change(ConfigChange),
    Rewritten(Rewritten<'a>),
}

/// A batch while it is built.
struct Building {
    records: Vec<u8>,
    record_count: u32,
    workspaces: Vec<WorkspaceUid>,
    events: Vec<u8>,
    wanted: Vec<WantedId>,
    hits: Vec<Option<IdHit>>,
    sealed: Vec<Sealed>,
    pack_epoch: u64,
    places: Vec<Place>,
    /// The event that was admitted last.
    admitted: Admitted,
}

impl Building {
    fn new(pack_epoch: u64) -> Self {
        Self {
            records: Vec::new(),
            record_count: 0,
            workspaces: Vec::new(),
            events: Vec::new(),
            wanted: Vec::new(),
            hits: Vec::new(),
            sealed: Vec::new(),
            pack_epoch,
            places: Vec::new(),
            admitted: Admitted::blank(),
        }
    }

    /// Makes room for so many more events, which were sent in so many bytes.
    fn expect(&mut self, events: usize, bytes: usize) {
        self.events.reserve(bytes + events * EVENT_EXTRA_BYTES);
        self.wanted.reserve(events);
        self.hits.reserve(events);
        self.sealed.reserve(events);
        self.places.reserve(events);
    }

    fn record(&mut self, record: &Record<'_>) {
        record.encode(&mut self.records);
        self.record_count += 1;
    }

    fn push(&mut self, workspace: u32, wanted: WantedId, hit: Option<IdHit>) {
        let admitted = &self.admitted;
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let parts = EventParts {
            workspace_index: workspace,
            run: admitted.run,
            k: admitted.slot.get(),
            flags: bit(admitted.action_listed, flag::ACTION_LISTED)
                | bit(admitted.retention_from_recorded, flag::RETAIN_FROM_RECORDED)
                | bit(admitted.id_generated, flag::ID_GENERATED)
                | bit(admitted.notify, flag::NOTIFY),
            outcome: admitted.outcome,
            occurred_at: admitted.occurred_at.micros(),
            id_hash: admitted.id_hash,
            fingerprint: admitted.fingerprint,
            action: admitted.action(),
            groups: admitted.groups(),
        };
        parts.encode(&mut self.events);
        let commitments = *admitted.sealed();
        self.sealed.push(Sealed { nonce: admitted.nonce, commitments });
        self.wanted.push(wanted);
        self.hits.push(hit);
    }

    fn finish(mut self, random: &dyn Random, told: Told<'_>) -> Prepared {
        let mut batch = [0; 16];
        random.fill(&mut batch);
        let mut bytes = std::mem::take(&mut self.events);
        let events = EventsRecord {
            batch,
            workspaces: std::mem::take(&mut self.workspaces),
            event_count: self.wanted.len() as u32,
            events: &bytes,
        };
        match told {
            Told::Events => {
                // They are large, and the frame's body is where they are copied to.
                Record::Events(events).encode_front(&mut self.records);
                self.record_count += 1;
            }
            Told::Change(change) => {
                self.record(&Record::Config { change, event: Some(events) });
                bytes.clear();
            }
            Told::Rewritten(rewritten) => {
                let rewritten = Rewritten { events: Some(events), ..rewritten };
                self.record(&Record::Rewritten(rewritten));
                bytes.clear();
            }
        }
        Prepared {
            records: self.records,
            events: bytes,
            record_count: self.record_count,
            wanted: self.wanted,
            hits: self.hits,
            sealed: self.sealed,
            pack_epoch: self.pack_epoch,
            places: self.places,
        }
    }
}

/// Before and after come back as changes, so a request within its own limit can still grow too large.
fn batch_full() -> Rejected {
    Rejected {
        code: "too_large",
        pointer: String::new(),
        offset: None,
        reason: "the events before this one fill a batch; send it again in another request"
            .to_owned(),
        limit: Some(limits::BATCH_RECORD_BYTES_MAX as u64),
    }
}

/// Cannot happen: every event's workspace was given as many places as it has events.
fn no_place() -> Rejected {
    Rejected {
        code: "internal",
        pointer: String::new(),
        offset: None,
        reason: "no place was left for this event; this is our fault, please report it".to_owned(),
        limit: None,
    }
}

/// Makes a UUIDv7 (RFC 9562 section 5.7) in lower case.
fn uuid_v7(now: Timestamp, random: [u8; 10]) -> String {
    let millis = (now.micros() / 1_000).max(0).to_be_bytes();
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&millis[2..8]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        const HEX: &[u8; 16] = b"0123456789abcdef";
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

mod place_keys;
#[cfg(test)]
mod tests;
