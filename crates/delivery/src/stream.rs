//! One destination at work: its loop, which finds what is due and sends it, workspace by workspace.
//!
//! Within a workspace one message follows the other, and the next is sent when the one before was
//! taken. When the receiver fails, the whole destination pauses, longer each time; when it refuses one
//! message, that workspace alone waits, and after [`limits::REFUSALS_MAX`] times the message is a dead
//! letter. Other destinations have loops of their own and notice nothing.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use proofbook_filter::Filter;
use proofbook_ledger::WorkspaceUid;
use proofbook_query::{Found, Reader};
use proofbook_store::config::{Destination, StartAt};
use proofbook_store::delivered::Cursor;
use proofbook_store::fold::Workspace;
use proofbook_store::log::Position;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::board::{AfterRefusal, short};
use crate::encode::Encoder;
use crate::engine::Shared;
use crate::letters::Letters;
use crate::limits;
use crate::link;
use crate::message::{Gap, Message, Told, event_id, gap_id};
use crate::reading::{self, Due, Wanted};
use crate::transport::{Answer, Transport};

/// A destination with what it needs to work.
pub(crate) struct Stream {
    pub(crate) destination: Destination,
    pub(crate) work: Work,
    pub(crate) transport: Arc<dyn Transport>,
}

/// What messages are made of events.
pub(crate) enum Work {
    /// One an event, in some form.
    Each { filter: Filter, encoder: Box<dyn Encoder> },
    /// E-mail.
    Letters(Box<Letters>),
}

/// A workspace in which something is due.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) cursor: Cursor,
    pub(crate) from: StartAt,
}

/// A failure that concerns every message.
pub(crate) struct Broken {
    why: String,
    retry_after: Option<Duration>,
}

impl Stream {
    pub(crate) fn id(&self) -> &str {
        &self.destination.id
    }

    /// Tells whether anything of a workspace can be told.
    fn covers(&self, shared: &Shared, workspace: &Workspace) -> bool {
        if !self.destination.covers(&workspace.name) {
            return false;
        }
        match &self.work {
            // The owner's rule concerns workspaces that have an owner or a preset that names actions.
            Work::Letters(letters) if letters.rule.is_none() => {
                let settings = &workspace.settings;
                settings.owner_email.is_some()
                    || settings.preset.is_some()
                        && shared
                            .store
                            .catalog_of(settings)
                            .preset()
                            .actions
                            .iter()
                            .any(|a| a.notify)
            }
            _ => true,
        }
    }

    /// Works until it is stopped.
    pub(crate) async fn run(self, shared: Arc<Shared>, stop: CancellationToken) {
        let mut seen = None;
        let mut failures = 0;
        while !stop.is_cancelled() {
            let position = shared.store.view().position;
            let lanes = if seen == Some(position) { Vec::new() } else { self.lanes(&shared) };
            if lanes.is_empty() {
                // A wait that ends makes a lane due without any news in the log.
                seen = self.may_rest(&shared, position);
                pause(shared.settings.look_every, &stop).await;
                continue;
            }
            match self.serve(&shared, lanes, &stop).await {
                Ok(()) => {
                    if failures > 0 {
                        failures = 0;
                        shared.board.health(self.id(), |health| {
                            (health.failures, health.failing_since) = (0, None);
                            health.retry_at = None;
                        });
                    }
                }
                Err(broken) => {
                    failures += 1;
                    let wait = backoff::pause(failures, broken.retry_after, &*shared.random);
                    let now = shared.store.now().micros();
                    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
                    shared.board.health(self.id(), |health| {
                        health.failed += 1;
                        health.failures = failures;
                        health.failing_since.get_or_insert(now);
                        health.last_error = Some((now, short(&broken.why)));
                        health.retry_at = Some(now.saturating_add(micros));
                    });
                    tracing::debug!(destination = self.id(), why = broken.why, "delivery failed");
                    pause(wait, &stop).await;
                }
            }
        }
    }

    /// Says up to where nothing is due; `None` while some place waits for its time.
    fn may_rest(&self, shared: &Shared, position: Position) -> Option<Position> {
        (!shared.board.is_waiting(self.id())).then_some(position)
    }

    /// Finds the workspaces in which something is due, in the order in which segments hold them: who is
    /// read after the other then finds what both need still in memory.
    fn lanes(&self, shared: &Shared) -> Vec<Lane> {
        let logged = shared.store.view().delivered.of(self.id()).cloned();
        let workspaces = shared.store.directory().all();
        let now = Instant::now();
        shared.board.with_places(self.id(), |place_of| {
            let lane = |workspace: Arc<Workspace>| {
                let start = self.destination.start_of(&workspace.name);
                let (known, wait_until) = match place_of(workspace.uid) {
                    Some((cursor, wait_until)) => (Some(cursor), wait_until),
                    None => (None, None),
                };
                if wait_until.is_some_and(|until| until > now) {
                    return None;
                }
                let logged = logged.as_ref().and_then(|logged| logged.cursors.get(&workspace.uid));
                let cursor = [known, logged.copied()]
                    .into_iter()
                    .flatten()
                    .filter(|cursor| cursor.generation == start.generation)
                    .max_by_key(|cursor| cursor.next);
                let cursor = cursor.unwrap_or(Cursor { generation: start.generation, next: 0 });
                let is_due = cursor.next < workspace.edge.size() && self.covers(shared, &workspace);
                is_due.then_some(Lane { workspace, cursor, from: start.from })
            };
            let mut lanes: Vec<Lane> = workspaces.into_iter().filter_map(lane).collect();
            lanes.sort_unstable_by_key(|lane| lane.workspace.uid);
            lanes
        })
    }

    /// Serves the lanes, some at once; ends early when the receiver fails.
    async fn serve(
        &self,
        shared: &Arc<Shared>,
        lanes: Vec<Lane>,
        stop: &CancellationToken,
    ) -> Result<(), Broken> {
        let halt = AtomicBool::new(false);
        let serve = |lane: Lane| {
            let halt = &halt;
            async move {
                if halt.load(Ordering::Relaxed) || stop.is_cancelled() {
                    return Ok(());
                }
                let end = self.serve_lane(shared, &lane, halt, stop).await;
                if end.is_err() {
                    // What is on its way in other lanes comes to its end; nothing new is begun.
                    halt.store(true, Ordering::Relaxed);
                }
                end
            }
        };
        let mut ends = futures_util::stream::iter(lanes.into_iter().map(serve))
            .buffer_unordered(limits::LANES);
        let mut result = Ok(());
        while let Some(end) = ends.next().await {
            result = result.and(end);
        }
        result
    }

    /// Sends what is due in one workspace, up to one reading.
    async fn serve_lane(
        &self,
        shared: &Arc<Shared>,
        lane: &Lane,
        halt: &AtomicBool,
        stop: &CancellationToken,
    ) -> Result<(), Broken> {
        let uid = lane.workspace.uid;
        let (filter, encoder) = match &self.work {
            Work::Each { filter, encoder } => (filter, encoder),
            Work::Letters(letters) => {
                return letters.serve_lane(self, shared, lane, halt, stop).await;
            }
        };
        let wanted = Wanted { filter: Some(filter.clone()), ..self.wanted(lane) };
        let Some(due) = self.read(shared, wanted).await? else { return Ok(()) };
        let generation = lane.cursor.generation;
        let at = |next| Cursor { generation, next };
        let mut gaps = due.gaps.iter().peekable();
        for found in due.events.iter().map(Some).chain([None]) {
            // What expired before an event is told before it.
            let seq = found.map_or(due.reached, Found::seq);
            while let Some(gap) = gaps.next_if(|gap| gap.start < seq) {
                if halt.load(Ordering::Relaxed) || stop.is_cancelled() {
                    return Ok(());
                }
                let message = gap_message(&**encoder, shared, &due, uid, gap);
                if !self.send(shared, uid, at(gap.start), &message).await? {
                    return Ok(());
                }
                shared.board.moved(self.id(), uid, at(gap.end), true);
            }
            let Some(found) = found else { break };
            shared.pace.turn().await;
            if halt.load(Ordering::Relaxed) || stop.is_cancelled() {
                return Ok(());
            }
            let Some(message) = message(&**encoder, shared, &due.reader, found) else {
                let why = "the event cannot be read".to_owned();
                return Err(Broken { why, retry_after: None });
            };
            if !self.send(shared, uid, at(seq), &message).await? {
                return Ok(());
            }
            shared.board.moved(self.id(), uid, at(seq + 1), true);
        }
        shared.board.moved(self.id(), uid, at(due.reached), false);
        Ok(())
    }

    /// Sends one message; false when it was refused and waits, true when the next one is due.
    pub(crate) async fn send(
        &self,
        shared: &Shared,
        workspace: WorkspaceUid,
        cursor: Cursor,
        message: &Message,
    ) -> Result<bool, Broken> {
        let now = shared.store.now().micros();
        match self.transport.send(message, now.div_euclid(1_000_000)).await {
            Answer::Taken => {
                let now = shared.store.now().micros();
                shared.board.health(self.id(), |health| {
                    health.sent += 1;
                    health.sent_at = Some(now);
                    (health.failures, health.failing_since, health.retry_at) = (0, None, None);
                });
                Ok(true)
            }
            Answer::Failed { why, retry_after } => Err(Broken { why, retry_after }),
            Answer::Refused { why } => {
                match shared.board.refused(self.id(), workspace, cursor, now, &why) {
                    AfterRefusal::GivenUp => Ok(true),
                    AfterRefusal::Again(attempts) => {
                        let wait = backoff::pause(attempts, None, &*shared.random);
                        let until = Instant::now() + wait;
                        shared.board.wait(self.id(), workspace, cursor, until, None);
                        Ok(false)
                    }
                }
            }
        }
    }

    /// Says what is read of a lane, but for the filter.
    pub(crate) fn wanted(&self, lane: &Lane) -> Wanted {
        Wanted {
            workspace: lane.workspace.name.clone(),
            filter: None,
            cursor: lane.cursor,
            from: lane.from,
            before: None,
        }
    }

    /// Reads in turn with other destinations.
    pub(crate) async fn read(
        &self,
        shared: &Arc<Shared>,
        wanted: Wanted,
    ) -> Result<Option<Due>, Broken> {
        let broken = |why: String| Broken { why, retry_after: None };
        let turn = shared.reads.clone().acquire_owned().await;
        let store = shared.store.clone();
        let read = tokio::task::spawn_blocking(move || {
            let due = reading::read(&store, &wanted);
            drop(turn);
            due
        });
        match read.await {
            Ok(Ok(due)) => Ok(due),
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot read what is due"
                );
                Err(broken(error.to_string()))
            }
            Err(_) => Err(broken("reading what is due failed".to_owned())),
        }
    }
}

pub(crate) fn message(
    encoder: &dyn Encoder,
    shared: &Shared,
    reader: &Reader,
    found: &Found,
) -> Option<Message> {
    let event = found.event().ok()?;
    let leaf = found.leaf().map(|leaf| leaf.to_string());
    let workspace = reader.workspace();
    let public = shared.settings.public_url.as_deref();
    let link = link::to_event(public, &workspace.settings, &workspace.name, event.id());
    let told = Told {
        event: &event,
        leaf: leaf.as_deref(),
        workspace: &workspace.name,
        settings: &workspace.settings,
        link: link.as_deref(),
    };
    let id = event_id(workspace.uid, found.seq());
    Some(Message { id, payload: encoder.event(&told) })
}

fn gap_message(
    encoder: &dyn Encoder,
    shared: &Shared,
    due: &Due,
    uid: WorkspaceUid,
    gap: &Range<u64>,
) -> Message {
    let (from_seq, through_seq) = (gap.start, gap.end - 1);
    let at = shared.store.now().to_string();
    let workspace = &*due.reader.workspace().name;
    let gap = Gap { workspace, from_seq, through_seq, at: &at };
    Message { id: gap_id(uid, from_seq, through_seq), payload: encoder.gap(&gap) }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}
