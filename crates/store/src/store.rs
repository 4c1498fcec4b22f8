//! The running store: a handle that request tasks share, and two threads behind it.
//!
//! The commit thread groups what waits into one frame; the background thread packs, snapshots and
//! erases, and has segments merged or purged on a third one, which lives as long as that takes. All end
//! with the handle's [`Store::stop`]. A panic in the commit thread aborts the process, and an error there
//! stops the store for good: nothing is acknowledged after it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use proofbook_catalog::{Catalog, Rejected};
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_event::{EventDraft, Timestamp, Value};
use proofbook_ledger::WorkspaceUid;

use crate::clock::{ClockObservation, GuardedClock};
use crate::commit::{Batch, CommitError, Committer, Fatal, PackJob, Published, Reply, SnapshotJob};
use crate::config::{ConfigChange, ErasureTarget, WorkspaceSettings};
use crate::delivered::Progress;
use crate::disk::{Disk, Lock};
use crate::erase::{self, Eraser};
use crate::expiring::{self, Expiring};
use crate::fold::{Outcome, Workspace};
use crate::limits;
use crate::log::Position;
use crate::open::{OpenError, OpenReport, Opened, Options, open};
use crate::prepare::{Fate, IdHasher, Judging, Place, Prepared, Preparer, Wanted};
use crate::purge::{Expired, Purger, Settling};
use crate::record::Record;
use crate::rules::{Rules, policy_of};
use crate::segment::SegmentError;
use crate::store_key::StoreKey;
use crate::view::{Directory, View};

use background::BackgroundThread;
use beside::Beside;

pub use crate::open::Machine;

mod background;
mod beside;

/// Called once when the store cannot go on; the process should end with its own exit code.
pub type OnFatal = Box<dyn Fn(&Fatal) + Send + Sync>;

/// What became of one event of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The event's id.
    pub id: String,
    /// Its workspace's name.
    pub workspace: Arc<str>,
    /// What became of it.
    pub outcome: Outcome,
}

/// The store, shared by everything that serves requests.
pub struct Store {
    published: Arc<Published>,
    preparer: Arc<Preparer>,
    clock: Arc<GuardedClock>,
    sender: SyncSender<Message>,
    tend: mpsc::Sender<Work>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopping: Arc<AtomicBool>,
    counters: Arc<Counters>,
    report: OpenReport,
    key: StoreKey,
    disk: Arc<dyn Disk>,
    /// Held by the threads as well: the directory is free when the last of them has ended.
    _lock: Arc<Lock>,
}

/// Figures for metrics; each only grows, except the gauges.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames written.
    pub frames: AtomicU64,
    /// Events recorded.
    pub events: AtomicU64,
    /// Rows packed.
    pub packed_rows: AtomicU64,
    /// Rows written again by compaction.
    pub compacted_rows: AtomicU64,
    /// Rows purged.
    pub purged_rows: AtomicU64,
    /// Rows written again because others beside them were purged or erased.
    pub rewritten_rows: AtomicU64,
    /// Whether a purge is being written, or old bytes of one or of an erasure are still in a file.
    pub unsettled: AtomicU64,
    /// Times background work failed and was put off.
    pub background_failures: AtomicU64,
    /// Whether the store stopped taking events because of an error.
    pub failed: AtomicBool,
    /// Whether the last append found no space.
    pub no_space: AtomicBool,
}

enum Message {
    Batch(Batch),
    /// Freeze the growing generation so that it is packed.
    Freeze,
    /// Make what is due so that old bytes can go; `true` begins a new log file.
    Settle(bool),
    Release(Position),
    Stop,
}

enum Work {
    Pack(Box<PackJob>),
    Snapshot(Box<SnapshotJob>),
    /// The log goes on in a new file from here on.
    Rotated(Position),
    /// Look what is to be purged or erased now.
    Tend,
    /// What was written beside the background thread ended.
    Ended,
    Stop,
}

impl Store {
    /// Opens a data directory and starts the threads.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn start(
        machine: &Machine,
        options: Options,
        on_fatal: OnFatal,
    ) -> Result<Self, OpenError> {
        let Opened { mut committer, packer, preparer, published, clock, report, key, lock } =
            open(machine, options)?;
        let preparer = Arc::new(preparer);
        // A process that stopped between its snapshot and this left the files to the next one.
        if let Some(before) = packer.releasable()
            && let Err(error) = committer.release(before)
        {
            tracing::error!(error = &error as &dyn std::error::Error, "old log files stay");
        }
        let (sender, messages) = mpsc::sync_channel(limits::COMMIT_QUEUE_MAX);
        let (work_sender, work) = mpsc::channel();
        let tend = work_sender.clone();
        let counters = Arc::new(Counters::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let commit = CommitThread {
            committer,
            messages,
            work: work_sender,
            counters: counters.clone(),
            on_fatal,
        };
        let settling = Settling::after_open(&published, &packer);
        let background = BackgroundThread {
            packer,
            work,
            commit: sender.clone(),
            counters: counters.clone(),
            reserve_bytes: options.reserve_bytes,
            stopping: stopping.clone(),
            purger: Purger::new(options.purge_within_micros),
            settling,
            eraser: Eraser::default(),
            leaving_behind: None,
            is_erasing: false,
            unsettled_rewrites: 0,
            seen_at: Position::default(),
            packed_at: i64::MIN,
            // What an earlier process left to be merged waits for a pause, too.
            is_rushed: true,
            beside: Beside::new(tend.clone(), stopping.clone()),
            has_failed: false,
            preparer: preparer.clone(),
            published: published.clone(),
            clock: clock.clone(),
            has_asked: false,
        };
        let lock = Arc::new(lock);
        let threads = vec![
            spawn("commit", lock.clone(), move || abort_on_panic(|| commit.run())),
            spawn("background", lock.clone(), move || background.run()),
        ];
        Ok(Self {
            published,
            preparer,
            clock,
            sender,
            tend,
            threads: Mutex::new(threads.into_iter().flatten().collect()),
            stopping,
            counters,
            report,
            key,
            disk: machine.disk.clone(),
            _lock: lock,
        })
    }

    /// Returns the store's own id, which never changes.
    pub fn uid(&self) -> [u8; 16] {
        self.preparer.store_uid()
    }

    /// Returns the newest View. Take a workspace's head from the directory before it.
    pub fn view(&self) -> Arc<View> {
        self.published.view()
    }

    /// Returns the directory of workspaces.
    pub fn directory(&self) -> &Directory {
        &self.published.directory
    }

    /// Returns the time by the guarded clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now_micros())
    }

    /// Returns the guarded clock.
    pub fn clock(&self) -> &GuardedClock {
        &self.clock
    }

    /// Returns what opening found.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// Returns the key that seals secrets which the log carries.
    pub fn key(&self) -> &StoreKey {
        &self.key
    }

    /// Returns the figures for metrics.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns the bytes of recent events.
    pub fn recent_bytes(&self) -> u64 {
        self.published.recent_bytes.load(Ordering::Relaxed)
    }

    /// Returns how ids are hashed, for looking one up.
    pub fn id_hasher(&self) -> IdHasher {
        self.preparer.id_hasher()
    }

    /// Returns the catalog by which a workspace's events are judged.
    pub fn catalog_of(&self, settings: &WorkspaceSettings) -> Arc<Catalog> {
        self.preparer.catalog_of(&self.view(), settings)
    }

    /// Judges and encodes events; costs no other request anything.
    pub fn prepare(&self, may_import: bool, events: Vec<Result<Wanted<'_>, Rejected>>) -> Prepared {
        self.preparer.prepare(&self.published, self.now(), may_import, events)
    }

    /// Begins a batch whose events come in parts.
    pub fn begin(&self, may_import: bool) -> Judging<'_> {
        self.preparer.begin(&self.published, self.now(), may_import)
    }

    /// Encodes a configuration change with its event.
    pub fn prepare_change(&self, change: ConfigChange, event: Wanted<'_>) -> Prepared {
        self.preparer.prepare_change(&self.published, self.now(), change, event)
    }

    /// Hands a prepared batch to the commit thread; `reply` is called with the receipts.
    ///
    /// # Errors
    /// [`CommitError::Busy`] when too much waits or recent is full, [`CommitError::Stopped`] after the
    /// store stopped. The reply is then never called and nothing was recorded.
    pub fn submit(
        &self,
        prepared: Prepared,
        reply: impl FnOnce(Result<Vec<Result<Receipt, Rejected>>, CommitError>) + Send + 'static,
    ) -> Result<(), CommitError> {
        if self.counters.failed.load(Ordering::Relaxed) {
            return Err(CommitError::Stopped);
        }
        if self.recent_bytes() >= limits::RECENT_BYTES as u64 {
            return Err(CommitError::Busy);
        }
        let (mut batch, places) = into_batch(prepared);
        batch.reply = Box::new(move |outcomes| {
            reply(outcomes.map(|outcomes| receipts(places, &outcomes)));
        });
        match self.sender.try_send(Message::Batch(batch)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(CommitError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(CommitError::Stopped),
        }
    }

    /// Submits and waits; for callers that have a thread of their own.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(
        &self,
        prepared: Prepared,
    ) -> Result<Vec<Result<Receipt, Rejected>>, CommitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit(prepared, move |result| {
            // A caller that stopped waiting does not need its answer.
            let _ = sender.send(result);
        })?;
        receiver.recv().unwrap_or(Err(CommitError::Unknown))
    }

    /// Publishes the heads of workspaces as they are now, and returns when their records are durable
    /// and folded; then the directory has them. Nothing is published before a master seed is in use.
    ///
    /// # Errors
    /// See [`CommitError`]; after [`CommitError::Unknown`] the heads may have been published.
    pub fn publish_heads(&self, workspaces: Vec<WorkspaceUid>) -> Result<(), CommitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let reply: Reply = Box::new(move |outcome| {
            let _ = sender.send(outcome.map(drop));
        });
        let mut batch = decision_batch(Vec::new(), reply);
        (batch.record_count, batch.heads) = (0, workspaces);
        match self.sender.try_send(Message::Batch(batch)) {
            Ok(()) => receiver.recv().unwrap_or(Err(CommitError::Unknown)),
            Err(TrySendError::Full(_)) => Err(CommitError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(CommitError::Stopped),
        }
    }

    /// Puts how far destinations were told into the log, all in one frame, and waits until it is
    /// durable.
    ///
    /// # Errors
    /// See [`CommitError`]. What was not recorded is delivered again after a restart.
    pub fn record_progress(&self, progress: &[Progress]) -> Result<(), CommitError> {
        if self.counters.failed.load(Ordering::Relaxed) {
            return Err(CommitError::Stopped);
        }
        let mut records = Vec::new();
        for news in progress {
            Record::Delivered(news.clone()).encode(&mut records);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let reply: Reply = Box::new(move |outcome| {
            // A caller that stopped waiting does not need its answer.
            let _ = sender.send(outcome);
        });
        let record_count = u32::try_from(progress.len()).unwrap_or(u32::MAX);
        let batch = Batch { record_count, ..decision_batch(records, reply) };
        match self.sender.try_send(Message::Batch(batch)) {
            Ok(()) => receiver.recv().unwrap_or(Err(CommitError::Unknown)).map(drop),
            Err(TrySendError::Full(_)) => Err(CommitError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(CommitError::Stopped),
        }
    }

    /// Puts what the guarded clock noticed into the log; the server calls it every second.
    ///
    /// # Errors
    /// See [`CommitError`]; what was noticed is then lost to the log and stays in the process's own.
    pub fn record_clock_observations(&self) -> Result<(), CommitError> {
        for observation in self.clock.take_observations() {
            tracing::warn!(kind = ?observation.kind, wall = observation.wall, "clock observed");
            let change = ConfigChange::ClockObserved { purge_from: observation.purge_from };
            let event = Wanted { workspace: SYSTEM_WORKSPACE, draft: clock_event(&observation) };
            self.commit(self.prepare_change(change, event))?;
        }
        Ok(())
    }

    /// Lists the files that recovery set aside: they may hold values of any event, so the next erasure takes
    /// them, and nothing else does.
    pub fn set_aside(&self) -> Vec<String> {
        // What cannot be listed is no file that could be shown.
        self.disk.list(crate::names::ASIDE_DIR).unwrap_or_default()
    }

    /// Makes everything recent become a segment soon, however little it is.
    pub fn pack_soon(&self) {
        // A full queue packs soon anyway.
        let _ = self.sender.try_send(Message::Freeze);
    }

    /// Makes the background work look now what is to be purged or erased, instead of in a while.
    pub fn tend_soon(&self) {
        // A thread that ended has nothing to look after.
        let _ = self.tend.send(Work::Tend);
    }

    /// Returns what retention took from a workspace, or would take, without changing anything.
    ///
    /// # Errors
    /// A segment is damaged.
    pub fn purge_dry_run(&self, workspace: WorkspaceUid) -> Result<Expired, SegmentError> {
        let now = self.clock.now_micros();
        Purger::dry_run(&self.published, &self.preparer, now, workspace)
    }

    /// Returns the first of an erasure's events that a legal hold keeps, at most `max`, by seq.
    ///
    /// # Errors
    /// A segment is damaged.
    pub fn held_of(
        &self,
        workspace: &Workspace,
        targets: &[ErasureTarget],
        max: usize,
    ) -> Result<Vec<u64>, SegmentError> {
        let now = self.clock.now_micros();
        erase::held_of(&self.published, &self.preparer, now, workspace, targets, max)
    }

    /// Returns the events of a workspace from a number on that are kept now and will not be at a later
    /// moment, without those that a hold keeps.
    ///
    /// # Errors
    /// A segment is damaged.
    pub fn expiring(
        &self,
        workspace: &Workspace,
        then: Timestamp,
        from_seq: u64,
    ) -> Result<Expiring, SegmentError> {
        let view = self.view();
        let catalog = self.preparer.catalog_of(&view, &workspace.settings);
        let (preset, settings) = (catalog.preset(), &workspace.settings);
        let rules_at = |at| Rules::of(&view.config, &workspace.name, preset, settings, at);
        let question = expiring::Question {
            workspace: workspace.uid,
            policy: &policy_of(preset, settings),
            now: &rules_at(self.now()),
            then: &rules_at(then),
            from_seq,
        };
        expiring::expiring(&view, &question)
    }

    /// Returns what is kept of a workspace's events now.
    pub fn rules_of(&self, view: &View, workspace: &Workspace) -> Rules {
        let catalog = self.preparer.catalog_of(view, &workspace.settings);
        let now = self.now();
        Rules::of(&view.config, &workspace.name, catalog.preset(), &workspace.settings, now)
    }

    /// Stops the threads after what was submitted before is committed. Further batches are refused.
    ///
    /// A pack under way is given `PACK_GRACE` to end, so that its work is not done twice; without it
    /// nothing is lost, since the events are in the log.
    ///
    /// A reply that lets the store go as its last owner gets here on the commit thread. It cannot wait
    /// for itself, so it goes on with what was submitted, and the data directory is free after that.
    pub fn stop(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let current = std::thread::current().id();
        if threads.iter().any(|thread| thread.thread().id() == current) {
            threads.clear();
            self.stopping.store(true, Ordering::Relaxed);
            let sender = self.sender.clone();
            // The queue may be full, and this thread is who empties it.
            std::thread::spawn(move || {
                let _ = sender.send(Message::Stop);
            });
            return;
        }
        let steps = PACK_GRACE.as_millis() / PACK_GRACE_STEP.as_millis();
        for _ in 0..steps {
            let packing = self.view().generations.len() > 1;
            if !packing || self.counters.failed.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(PACK_GRACE_STEP);
        }
        self.stopping.store(true, Ordering::Relaxed);
        let _ = self.sender.send(Message::Stop);
        for thread in threads.drain(..) {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The event that tells what the guarded clock noticed.
fn clock_event(observation: &ClockObservation) -> EventDraft<'static> {
    let kind = observation.kind.as_str().into();
    let what = observation.kind.sentence().into();
    let wall = Timestamp::from_micros(observation.wall).to_string().into();
    let mut metadata =
        vec![("kind".into(), kind), ("what".into(), what), ("wall_clock".into(), wall)];
    if let Some(from) = observation.purge_from {
        let from = Timestamp::from_micros(from).to_string().into();
        metadata.push(("no_purge_before".into(), from));
    }
    EventDraft {
        occurred_at: Some(Timestamp::from_micros(observation.stamp)),
        actor: Some(Value::Object(vec![("type".into(), Value::from("system"))])),
        metadata: Some(Value::Object(metadata)),
        ..EventDraft::internal("audit_log.clock_observed")
    }
}

fn spawn(
    name: &str,
    lock: Arc<Lock>,
    run: impl FnOnce() + Send + 'static,
) -> Option<JoinHandle<()>> {
    let run = move || {
        run();
        drop(lock);
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).ok()
}

/// Ends the process when the commit thread panics: no queue may acknowledge after a broken promise.
fn abort_on_panic(run: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
        std::process::abort();
    }
}

fn into_batch(prepared: Prepared) -> (Batch, Vec<Place>) {
    let batch = Batch {
        records: prepared.records,
        events: prepared.events,
        record_count: prepared.record_count,
        wanted: prepared.wanted,
        hits: prepared.hits,
        sealed: prepared.sealed,
        heads: Vec::new(),
        pack_epoch: prepared.pack_epoch,
        outcome_lists: 1,
        reply: Box::new(|_| {}),
    };
    (batch, prepared.places)
}

fn receipts(places: Vec<Place>, outcomes: &[Outcome]) -> Vec<Result<Receipt, Rejected>> {
    let receipt = |place: Place| {
        place.map(|place| Receipt {
            id: place.id,
            workspace: place.workspace,
            outcome: match place.fate {
                Fate::Batch(index) => outcomes.get(index).copied().unwrap_or(Outcome::Lost),
                Fate::Known(outcome) => outcome,
            },
        })
    };
    places.into_iter().map(receipt).collect()
}

/// A batch of records that yields no outcomes.
fn decision_batch(record: Vec<u8>, reply: Reply) -> Batch {
    Batch {
        records: record,
        events: Vec::new(),
        record_count: 1,
        wanted: Vec::new(),
        hits: Vec::new(),
        sealed: Vec::new(),
        heads: Vec::new(),
        pack_epoch: u64::MAX - 1,
        outcome_lists: 0,
        reply,
    }
}

struct CommitThread {
    committer: Committer,
    messages: Receiver<Message>,
    work: mpsc::Sender<Work>,
    counters: Arc<Counters>,
    on_fatal: OnFatal,
}

impl CommitThread {
    fn run(mut self) {
        if let Err(fatal) = self.serve() {
            self.counters.failed.store(true, Ordering::SeqCst);
            (self.on_fatal)(&fatal);
        }
        let _ = self.work.send(Work::Stop);
    }

    fn serve(&mut self) -> Result<(), Fatal> {
        let idle = Duration::from_micros(limits::MARK_AFTER_MICROS);
        loop {
            let first = match self.messages.recv_timeout(idle) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.committer.mark()?;
                    self.hand_over_pack();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let mut group = Vec::new();
            let mut stop = false;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Batch(batch) => group.push(batch),
                    Message::Freeze => self.committer.freeze_now(),
                    Message::Settle(rotate) => {
                        let position = self.committer.settle(rotate)?;
                        if rotate {
                            let _ = self.work.send(Work::Rotated(position));
                        }
                        self.hand_over_pack();
                    }
                    Message::Release(before) => {
                        if self.committer.release(before).is_err() {
                            self.counters.background_failures.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Message::Stop => stop = true,
                }
                let bytes: usize = group.iter().map(Batch::bytes).sum();
                if stop || bytes >= limits::GROUP_BYTES_SOFT {
                    break;
                }
                next = self.messages.try_recv().ok();
            }
            if !group.is_empty() {
                let events: usize = group.iter().map(|batch| batch.wanted.len()).sum();
                self.committer.commit(group)?;
                let no_space = self.committer.found_no_space();
                self.counters.no_space.store(no_space, Ordering::Relaxed);
                self.counters.frames.fetch_add(1, Ordering::Relaxed);
                self.counters.events.fetch_add(events as u64, Ordering::Relaxed);
            }
            self.hand_over_pack();
            if stop {
                self.committer.mark()?;
                return Ok(());
            }
        }
    }

    fn hand_over_pack(&mut self) {
        if let Some(job) = self.committer.take_pack_job() {
            // The background thread outlives this one, except after a panic there.
            let _ = self.work.send(Work::Pack(Box::new(job)));
        }
        if let Some(job) = self.committer.take_snapshot_job() {
            let _ = self.work.send(Work::Snapshot(Box::new(job)));
        }
    }
}

/// How long a stop waits for a pack under way.
const PACK_GRACE: Duration = Duration::from_secs(10);
/// How often it looks.
const PACK_GRACE_STEP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests;
