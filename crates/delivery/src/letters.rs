//! How mails are told of a workspace: one by one, many in one, and never too many in an hour.
//!
//! The cursor moves as it does for every destination. A digest moves it once for all events that were
//! recorded before the hour at which it is due, so a crash sends the same digest under the same id.
//! What lies more than a week back, or happened more than a day before it was recorded (history that
//! is moved in), is not mailed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proofbook_filter::Filter;
use proofbook_ledger::WorkspaceUid;
use proofbook_store::config::StartAt;
use proofbook_store::delivered::Cursor;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::letter::{self, Digest, Frame};
use crate::link;
use crate::message::{Letter, Message, Payload, Told, event_id, hex};
use crate::reading::{Due, Wanted, first_at_address};
use crate::rule::{Manner, RuleSettings, filter_of, owners_actions, owners_manner};
use crate::stream::{Broken, Lane, Stream};
use crate::transport::mail::MailSettings;

/// Events that lie further back are not mailed, microseconds.
const AGE_MAX_MICROS: i64 = 8 * 24 * 3_600_000_000;
/// Events that were recorded this much later than they happened are history that is moved in.
const HISTORY_MICROS: i64 = 24 * 3_600_000_000;
/// The span in which mails are counted.
const HOUR_MICROS: i64 = 3_600_000_000;
/// Events that one digest counts.
const DIGEST_EVENTS_MAX: u64 = 50_000;
/// How often a workspace without an address is looked at again.
const HELD_FOR: Duration = Duration::from_secs(10);

/// A rule of e-mail at work.
pub(crate) struct Letters {
    /// The rule's settings; `None` for the rule that every workspace's owner has.
    pub(crate) rule: Option<(RuleSettings, Filter)>,
    pub(crate) mail: MailSettings,
    sent: Mutex<HashMap<WorkspaceUid, Sent>>,
}

/// Mails of one workspace in one hour.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    hour: i64,
    count: u32,
    /// Whether some had to wait.
    is_over: bool,
}

/// What a place in the hour's count allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowance {
    /// One more.
    Go,
    /// Some waited for the hour to end: they come in one.
    Together,
    /// None before this moment, microseconds UTC.
    Wait(i64),
}

impl Letters {
    pub(crate) fn new(rule: Option<(RuleSettings, Filter)>, mail: MailSettings) -> Self {
        Self { rule, mail, sent: Mutex::default() }
    }

    /// Says how letters about a lane's workspace are written and which events they tell of; `None`
    /// when nobody is told of anything.
    fn plan(&self, shared: &Shared, lane: &Lane) -> Option<(Manner, Filter)> {
        let settings = &lane.workspace.settings;
        if let Some((rule, filter)) = &self.rule {
            return Some((rule.manner(settings), filter.clone()));
        }
        let view = shared.store.view();
        let own = view.config.notifications.get(&*lane.workspace.name);
        let catalog = shared.store.catalog_of(settings);
        let filter = filter_of(&owners_actions(&catalog, own))?;
        Some((owners_manner(settings, own), Filter::parse(&filter).ok()?))
    }

    /// Sends what is due in one workspace.
    pub(crate) async fn serve_lane(
        &self,
        stream: &Stream,
        shared: &Arc<Shared>,
        lane: &Lane,
        halt: &AtomicBool,
        stop: &CancellationToken,
    ) -> Result<(), Broken> {
        let uid = lane.workspace.uid;
        let now = shared.store.now().micros();
        let Some((manner, filter)) = self.plan(shared, lane) else {
            let next = lane.workspace.edge.size();
            shared.board.moved(stream.id(), uid, Cursor { next, ..lane.cursor }, false);
            return Ok(());
        };
        if let Some((last, next)) = manner.mode.boundaries(now, &manner.zone) {
            let told = self.digest(stream, shared, lane, &manner, &filter, Some(last)).await?;
            if told {
                self.wait_until(stream, shared, lane, now, next);
            }
            return Ok(());
        }
        match self.allowance(uid, now, manner.per_hour) {
            Allowance::Go => {}
            Allowance::Together => {
                if self.digest(stream, shared, lane, &manner, &filter, None).await? {
                    self.count(uid, now);
                }
                return Ok(());
            }
            Allowance::Wait(until) => {
                self.wait_until(stream, shared, lane, now, until);
                return Ok(());
            }
        }
        let from = not_before(lane.from, now);
        let wanted = Wanted { filter: Some(filter), from, ..stream.wanted(lane) };
        let Some(due) = stream.read(shared, wanted).await? else { return Ok(()) };
        let at = |next| Cursor { next, ..lane.cursor };
        for found in &due.events {
            if halt.load(Ordering::Relaxed) || stop.is_cancelled() {
                return Ok(());
            }
            let seq = found.seq();
            let Some(message) = self.of_event(stream, shared, &due, found, &manner) else {
                shared.board.moved(stream.id(), uid, at(seq + 1), false);
                continue;
            };
            if manner.recipients.is_empty() {
                self.hold(stream, shared, uid, at(seq));
                return Ok(());
            }
            if let Allowance::Wait(until) = self.allowance(uid, now, manner.per_hour) {
                self.wait_until(
                    stream,
                    shared,
                    &Lane { cursor: at(seq), ..lane.clone() },
                    now,
                    until,
                );
                return Ok(());
            }
            if !stream.send(shared, uid, at(seq), &message).await? {
                return Ok(());
            }
            self.count(uid, now);
            shared.board.moved(stream.id(), uid, at(seq + 1), true);
        }
        shared.board.moved(stream.id(), uid, at(due.reached), false);
        Ok(())
    }

    /// Sends everything that was recorded before a moment in one letter; false when it was refused and
    /// is tried again.
    async fn digest(
        &self,
        stream: &Stream,
        shared: &Arc<Shared>,
        lane: &Lane,
        manner: &Manner,
        filter: &Filter,
        before: Option<i64>,
    ) -> Result<bool, Broken> {
        let uid = lane.workspace.uid;
        let now = shared.store.now().micros();
        let head = lane.workspace.edge.size();
        let at = |next| Cursor { next, ..lane.cursor };
        let (mut digest, mut range, mut cursor) = (Digest::default(), None, lane.cursor);
        while cursor.next < head && digest.count < DIGEST_EVENTS_MAX {
            let from = not_before(lane.from, now);
            let filter = Some(filter.clone());
            let wanted = Wanted { filter, from, before, cursor, ..stream.wanted(lane) };
            let Some(due) = stream.read(shared, wanted).await? else { break };
            for found in &due.events {
                let Ok(event) = found.event() else { continue };
                if is_history(&event) {
                    continue;
                }
                digest.add(&event, manner);
                let (first, _) = range.unwrap_or((found.seq(), found.seq()));
                range = Some((first, found.seq()));
            }
            cursor.next = due.reached.max(cursor.next + 1);
        }
        let Some((first, last)) = range else {
            // Of what was recorded later the next digest tells, so the cursor stays before it.
            if before.is_none() {
                shared.board.moved(stream.id(), uid, at(cursor.next), false);
            }
            return Ok(true);
        };
        if manner.recipients.is_empty() {
            self.hold(stream, shared, uid, lane.cursor);
            return Ok(false);
        }
        let addresses = self.new_addresses(shared, lane, &digest, first).await;
        let links = Links::of(self, shared, lane);
        let letter = digest.letter(&addresses, before.is_none(), &links.frame(lane), manner);
        let id = format!("digest_{}_{first}_{last}.{}", hex(uid), stream.id());
        let message = Message { id, payload: Payload::Letter(Box::new(letter)) };
        if !stream.send(shared, uid, at(first), &message).await? {
            return Ok(false);
        }
        shared.board.moved(stream.id(), uid, at(last + 1), true);
        Ok(true)
    }

    /// Returns the addresses of a digest that no event before it has.
    async fn new_addresses(
        &self,
        shared: &Arc<Shared>,
        lane: &Lane,
        digest: &Digest,
        first: u64,
    ) -> Vec<String> {
        let (store, name) = (shared.store.clone(), lane.workspace.name.clone());
        let asked = digest.addresses.clone();
        let found = tokio::task::spawn_blocking(move || {
            let is_new =
                |ip: &String| first_at_address(&store, &name, ip).is_some_and(|seq| seq >= first);
            asked.into_iter().filter(is_new).collect()
        });
        found.await.unwrap_or_default()
    }

    /// Writes the letter of one event; `None` for history that is moved in.
    fn of_event(
        &self,
        stream: &Stream,
        shared: &Shared,
        due: &Due,
        found: &proofbook_query::Found,
        manner: &Manner,
    ) -> Option<Message> {
        let event = found.event().ok()?;
        if is_history(&event) {
            return None;
        }
        let workspace = due.reader.workspace();
        let public = shared.settings.public_url.as_deref();
        let link = link::to_event(public, &workspace.settings, &workspace.name, event.id());
        let told = Told {
            event: &event,
            leaf: None,
            workspace: &workspace.name,
            settings: &workspace.settings,
            link: link.as_deref(),
        };
        let links = Links::new(self, shared, &workspace.name, &workspace.settings);
        let frame = Frame {
            workspace: &workspace.name,
            settings: &workspace.settings,
            log_link: links.log.as_deref(),
            export_link: links.export.as_deref(),
            settings_link: links.settings.as_deref(),
            unsubscribe: links.unsubscribe.as_deref(),
        };
        let letter = letter::of_event(&told, &frame, manner);
        let id = format!("{}.{}", event_id(workspace.uid, found.seq()), stream.id());
        Some(Message { id, payload: Payload::Letter(Box::new(letter)) })
    }

    /// Writes a test letter; `None` when nobody would get it.
    pub(crate) fn test(&self, shared: &Shared, stream: &Stream) -> Option<Letter> {
        let (rule, _) = self.rule.as_ref()?;
        let all = shared.store.directory().all();
        let mut covered = all.iter().filter(|known| stream.destination.covers(&known.name));
        let (name, settings) = match rule.recipients.is_empty() {
            true => {
                let own = covered.find(|known| known.settings.owner_email.is_some())?;
                (own.name.to_string(), own.settings.clone())
            }
            false => (stream.destination.name.clone(), Default::default()),
        };
        let links = Links::new(self, shared, &name, &settings);
        let frame = Frame {
            workspace: &name,
            settings: &settings,
            log_link: None,
            export_link: None,
            settings_link: links.settings.as_deref(),
            unsubscribe: links.unsubscribe.as_deref(),
        };
        Some(letter::of_test(&frame, &rule.manner(&settings)))
    }

    fn hold(&self, stream: &Stream, shared: &Shared, uid: WorkspaceUid, cursor: Cursor) {
        let why = "the workspace's owner has no e-mail address".to_owned();
        shared.board.wait(stream.id(), uid, cursor, Instant::now() + HELD_FOR, Some(why));
    }

    fn wait_until(&self, stream: &Stream, shared: &Shared, lane: &Lane, now: i64, until: i64) {
        let micros = u64::try_from(until.saturating_sub(now)).unwrap_or(0).max(1_000_000);
        let until = Instant::now() + Duration::from_micros(micros);
        shared.board.wait(stream.id(), lane.workspace.uid, lane.cursor, until, None);
    }

    fn allowance(&self, uid: WorkspaceUid, now: i64, per_hour: u32) -> Allowance {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.div_euclid(HOUR_MICROS);
        // What is left of earlier hours is forgotten once nothing waits for it.
        sent.retain(|_, sent| sent.hour == hour || sent.is_over);
        let own = sent.entry(uid).or_insert(Sent { hour, ..Sent::default() });
        if own.hour != hour {
            *own = Sent { hour, ..Sent::default() };
            return Allowance::Together;
        }
        if own.count < per_hour {
            return Allowance::Go;
        }
        own.is_over = true;
        Allowance::Wait((hour + 1) * HOUR_MICROS)
    }

    fn count(&self, uid: WorkspaceUid, now: i64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.div_euclid(HOUR_MICROS);
        sent.entry(uid).or_insert(Sent { hour, ..Sent::default() }).count += 1;
    }
}

/// The addresses that a letter leads to.
struct Links {
    log: Option<String>,
    export: Option<String>,
    settings: Option<String>,
    unsubscribe: Option<String>,
}

impl Links {
    fn of(letters: &Letters, shared: &Shared, lane: &Lane) -> Self {
        Self::new(letters, shared, &lane.workspace.name, &lane.workspace.settings)
    }

    fn new(
        letters: &Letters,
        shared: &Shared,
        workspace: &str,
        settings: &proofbook_store::config::WorkspaceSettings,
    ) -> Self {
        let public = shared.settings.public_url.as_deref();
        let log = link::to_log(public, settings, workspace);
        let export = link::to_export(public, settings, workspace);
        let to_settings = link::to_notifications(public, settings, workspace);
        let mailto = || format!("mailto:{}?subject=unsubscribe", letters.mail.address());
        let unsubscribe = Some(to_settings.clone().unwrap_or_else(mailto));
        Self { log, export, settings: to_settings, unsubscribe }
    }

    fn frame<'f>(&'f self, lane: &'f Lane) -> Frame<'f> {
        Frame {
            workspace: &lane.workspace.name,
            settings: &lane.workspace.settings,
            log_link: self.log.as_deref(),
            export_link: self.export.as_deref(),
            settings_link: self.settings.as_deref(),
            unsubscribe: self.unsubscribe.as_deref(),
        }
    }
}

/// Moves a start so far forward that nothing older than a week is mailed.
fn not_before(from: StartAt, now: i64) -> StartAt {
    let oldest = now.saturating_sub(AGE_MAX_MICROS);
    match from {
        StartAt::RecordedAt(at) => StartAt::RecordedAt(at.max(oldest)),
        StartAt::Seq(_) => StartAt::RecordedAt(oldest),
    }
}

/// Tells whether an event was recorded long after it happened.
fn is_history(event: &proofbook_event::Event<'_>) -> bool {
    let clear = &event.clear;
    clear.recorded_at.micros().saturating_sub(clear.occurred_at.micros()) > HISTORY_MICROS
}
