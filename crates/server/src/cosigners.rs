//! Cosignatures for our own heads: carried to the witnesses of a policy (C2SP tlog-witness), and kept as
//! long as the head is a workspace's newest.
//!
//! Whoever reads a head waits for its cosignatures, all witnesses at once, no longer than [`DEADLINE`];
//! what has not come by then is missing from the note, and `verify --policy` says so. A witness that does
//! not answer is left alone for [`PAUSE`]. Nothing here is durable: after a restart the same heads are
//! carried again, which witnesses take. Nothing here delays ingest: only heads that are read are carried.
//!
//! Invariant: a line goes into a note only after the witness's own key verified it over that very head;
//! any other would spoil the note for everybody who knows the key.
//!
//! What stays out: what an answer is worth, which is [`proofbook_ledger::submission`].

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use proofbook_delivery::call::{CallError, Caller, tls_config};
use proofbook_delivery::guard::{AllowList, Guard, GuardError, SystemResolver, Target};
use proofbook_ledger::policy::{Policy, PolicyError};
use proofbook_ledger::submission::{Answer, Submission};
use proofbook_ledger::{Checkpoint, Hash, VerifierKey, WorkspaceUid};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::heads::SignedHead;
use crate::problem::Problem;

/// Longest time that a reader of a head waits for all of its witnesses together.
const DEADLINE: Duration = Duration::from_secs(5);
/// Least time that a witness is given; with less left it is not asked, since its silence would say
/// nothing.
const LEAST: Duration = Duration::from_secs(1);
/// How long a witness is left alone that did not answer, and a workspace's head by one that refused it.
const PAUSE: Duration = Duration::from_secs(60);
/// Workspaces whose cosignatures are kept; of more, those that were read last. A reader of another one
/// waits for its witnesses again. With three witnesses about a kilobyte each.
const HEADS_MAX: usize = 4096;
/// Witnesses with an address. The specification of policies asks for 32, and a note has room for 64 lines.
const WITNESSES_MAX: usize = 32;
/// Heads that are carried at once, over all workspaces, and so the connections that a witness sees. A
/// reader of a further one waits for a place.
const CARRIED_AT_ONCE: usize = 64;
/// Requests to one witness for one head: from the size that is remembered, from the size that it says,
/// and once more when somebody else was faster.
const REQUESTS_MAX: u32 = 3;
/// Bytes of a witness's answer: a few lines.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why a policy cannot be used by a server.
#[derive(Debug, thiserror::Error)]
pub enum CosignersError {
    /// It is no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A witness's address cannot be called.
    #[error("line {line_number}: {url} is no address of a witness")]
    Address {
        /// Which line, from 1.
        line_number: usize,
        /// What stands there.
        url: String,
        /// Why.
        #[source]
        source: GuardError,
    },
    /// Nobody to carry heads to, or too many.
    #[error("it has {found} witnesses with an address, and a server takes 1 to {WITNESSES_MAX}")]
    Count {
        /// How many it has.
        found: usize,
    },
}

/// The witnesses of a policy, and what they cosigned.
pub struct Cosigners {
    witnesses: Vec<Witness>,
    kept: Mutex<Kept>,
    seats: Arc<Semaphore>,
    counts: Counts,
}

/// One witness.
struct Witness {
    key: VerifierKey,
    caller: Caller,
    /// Set while it is not to be asked, and still after that until it answers.
    rests_until: Mutex<Option<Instant>>,
}

/// What is known by workspace, with the number of the last use.
#[derive(Default)]
struct Kept {
    by_workspace: HashMap<WorkspaceUid, (u64, Arc<Place>)>,
    uses: u64,
}

/// One workspace.
#[derive(Default)]
struct Place {
    /// Held while its head is signed and carried, so that readers of one head carry it once.
    turn: Arc<tokio::sync::Mutex<()>>,
    known: Mutex<Known>,
}

/// The newest head that was carried.
#[derive(Default)]
struct Known {
    origin: String,
    /// Its text; lines are over this one.
    text: String,
    /// In the order of the witnesses.
    standings: Vec<Standing>,
}

/// How a workspace's log stands with one witness.
#[derive(Clone, Default)]
struct Standing {
    /// The size that it cosigned last, as far as we know; 0 when we do not.
    size: u64,
    /// Its line under the newest head.
    line: Option<String>,
    /// When the head was published that the line was asked for. One that is published anew without
    /// having grown is carried anew, for the time that a cosignature tells.
    published_at: i64,
    /// Set when it refused this log.
    rests_until: Option<Instant>,
}

/// The right to sign and carry a workspace's head.
pub(crate) struct Turn {
    place: Arc<Place>,
    /// `None` when it did not come in time; then what others found is used.
    held: Option<OwnedMutexGuard<()>>,
    deadline: Instant,
}

/// What became of the submissions, for the metrics.
#[derive(Debug, Default)]
struct Counts([AtomicU64; OUTCOMES.len()]);

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Cosigned,
    Unreachable,
    Refused,
    Invalid,
    Ahead,
    Forked,
    /// For a reason of our own: too many heads, a newer one was faster, no proof could be made.
    PutOff,
}

/// The outcomes in the order of the enum, as the metrics name them.
const OUTCOMES: [&str; 7] =
    ["cosigned", "unreachable", "refused", "invalid", "ahead", "forked", "put_off"];

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Unreachable(#[from] CallError),
    #[error("the witness did not answer within {} s", DEADLINE.as_secs())]
    Late,
    #[error("the witness answers {status}")]
    Refused { status: u16 },
    #[error("the witness answers no cosignature of its key over this head")]
    Invalid,
    #[error("the witness cosigned a head of size {size}, and this store published {published}")]
    Ahead { size: u64, published: u64 },
    #[error("the witness says that this log was forked")]
    Forked,
    #[error("a newer head was carried to the witness meanwhile")]
    Overtaken,
    #[error("the head's proof cannot be made: {}", .0.detail)]
    Unproved(Problem),
}

/// Returns until when a request that begins now waits for witnesses, however many heads it reads.
pub(crate) fn deadline() -> Instant {
    Instant::now() + DEADLINE
}

impl Cosigners {
    /// Takes the witnesses of a policy that have an address; nobody is called yet. The quorum and the
    /// logs in it are for verifiers.
    ///
    /// # Errors
    /// See [`CosignersError`].
    pub fn new(policy: &[u8]) -> Result<Self, CosignersError> {
        let text = policy;
        let policy = Policy::parse(text)?;
        let mut witnesses = Vec::new();
        let tls = tls_config();
        for (index, key) in policy.witnesses().iter().enumerate() {
            let Some(url) = policy.witness_url(index) else { continue };
            let url = String::from_utf8_lossy(url).into_owned();
            let target = target_of(&url).map_err(|source| {
                let line_number = line_number_of(text, &key.to_string());
                CosignersError::Address { line_number, url, source }
            })?;
            let guard = Guard::new(AllowList::only(&target), Arc::new(SystemResolver));
            witnesses.push(Witness {
                key: key.clone(),
                caller: Caller::new(target, guard, tls.clone()),
                rests_until: Mutex::default(),
            });
        }
        match witnesses.len() {
            1..=WITNESSES_MAX => Ok(Self {
                witnesses,
                kept: Mutex::default(),
                seats: Arc::new(Semaphore::new(CARRIED_AT_ONCE)),
                counts: Counts::default(),
            }),
            found => Err(CosignersError::Count { found }),
        }
    }

    /// Returns how many submissions came to each outcome.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.counts.0.iter().map(|count| count.load(Ordering::Relaxed));
        OUTCOMES.into_iter().zip(counts)
    }

    /// Waits for the turn to sign and carry a workspace's head, no longer than the reader's deadline.
    pub(crate) async fn turn(&self, workspace: WorkspaceUid, deadline: Instant) -> Turn {
        let place = lock(&self.kept).place(workspace);
        let held = timeout_at(deadline, place.turn.clone().lock_owned()).await.ok();
        Turn { place, held, deadline }
    }

    /// Carries a head to the witnesses whose cosignatures it lacks, and puts into its note what there is
    /// when all answered or the deadline is over.
    pub(crate) async fn cosign(&self, app: &App, signed: &mut SignedHead, turn: Turn) {
        let Turn { place, held, deadline } = turn;
        let own = signed.clone();
        let submission = match Submission::new(&own.note) {
            Ok(submission) => submission,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(error, "a head of our own is no checkpoint; it is not carried");
                return;
            }
        };
        if let Some(held) = held {
            let due = place.turn_to(submission.head(), own.head.at, self.witnesses.len());
            let has_time = deadline.saturating_duration_since(Instant::now()) >= LEAST;
            if has_time && !due.is_empty() {
                self.carry(app, &own, &place, due, deadline, held).await;
            }
        }
        let lines = place.lines(submission.text());
        signed.note = submission.cosigned(lines.iter().map(String::as_str));
    }

    /// Carries a head to the witnesses that are due, all at once.
    ///
    /// It is a task of its own: a reader who goes away early must not keep us from learning that a
    /// witness is slow. It ends at the deadline.
    async fn carry(
        &self,
        app: &App,
        signed: &SignedHead,
        place: &Arc<Place>,
        due: Vec<(usize, u64)>,
        deadline: Instant,
        held: OwnedMutexGuard<()>,
    ) {
        let seat = timeout_at(deadline - LEAST, self.seats.clone().acquire_owned()).await;
        let Ok(Ok(seat)) = seat else {
            self.counts.count(Outcome::PutOff);
            tracing::warn!("too many heads wait for witnesses; one is served without them");
            return;
        };
        let (app, signed, place) = (app.clone(), signed.clone(), place.clone());
        let carried = tokio::spawn(async move {
            if let (Some(all), Ok(submission)) = (&app.cosigners, Submission::new(&signed.note)) {
                let round = Round { app: &app, signed: &signed, submission, place, deadline };
                join_all(due.into_iter().map(|(index, size)| all.carry_to(&round, index, size)))
                    .await;
            }
            drop((held, seat));
        });
        // A panic there was reported where it happened.
        let _ = carried.await;
    }

    /// Carries a head to one witness, and remembers what became of it.
    async fn carry_to(&self, round: &Round<'_>, index: usize, size: u64) {
        let Some(witness) = self.witnesses.get(index).filter(|witness| witness.is_awake()) else {
            return;
        };
        let head = round.submission.head();
        let asked = timeout_at(round.deadline, witness.ask(round, size)).await;
        let asked = asked.unwrap_or(Err(Failure::Late));
        self.counts.count(asked.as_ref().map_or_else(Failure::outcome, |_| Outcome::Cosigned));
        witness.heard(asked.as_ref().err());
        if let Err(failure) = &asked {
            failure.tell(witness.key.name(), &head.origin);
        }
        round.place.remember(round.submission.text(), index, |standing| match asked {
            Ok(line) => {
                let published_at = round.signed.head.at;
                let line = Some(line);
                *standing = Standing { size: head.size, line, published_at, rests_until: None };
            }
            Err(failure) if failure.is_about_the_log() => {
                standing.rests_until = Some(Instant::now() + PAUSE);
            }
            Err(_) => {}
        });
    }
}

/// One head on its way to its witnesses.
struct Round<'a> {
    app: &'a App,
    signed: &'a SignedHead,
    submission: Submission<'a>,
    place: Arc<Place>,
    deadline: Instant,
}

impl Round<'_> {
    /// Makes the proof that the head continues the tree of an older size.
    async fn proof(&self, old_size: u64) -> Result<Vec<Hash>, Problem> {
        let size = self.signed.head.size;
        if old_size == 0 || old_size == size {
            return Ok(Vec::new());
        }
        let reader = self.signed.reader.clone();
        let place = self.app.queries.enter(self.app.config.queue_timeout).await?;
        self.app.blocking(place, move || Ok(reader.consistency_proof(old_size, size)?)).await
    }

    /// A witness knows a head that is greater than this one: is it ours too?
    fn ahead(&self, size: u64) -> Failure {
        let workspace = self.app.store.directory().by_uid(self.signed.reader.workspace().uid);
        let newest =
            workspace.and_then(|workspace| Some(workspace.signing.as_ref()?.newest()?.size));
        match newest.unwrap_or_default() {
            // Whoever reads that one has its cosignature.
            published if size <= published => Failure::Overtaken,
            published => Failure::Ahead { size, published },
        }
    }
}

impl Witness {
    /// Submits a head, at first from the size that is remembered; returns the line of the cosignature.
    async fn ask(&self, round: &Round<'_>, size: u64) -> Result<String, Failure> {
        let submission = &round.submission;
        let mut old_size = size;
        let mut last = 409;
        for _ in 0..REQUESTS_MAX {
            let proof = round.proof(old_size).await.map_err(Failure::Unproved)?;
            let body = submission.body(old_size, proof);
            let (status, answer) = self.caller.post_text(body, ANSWER_BYTES_MAX).await?;
            last = status;
            match submission.judge(&self.key, old_size, status, &answer) {
                Answer::Cosigned(line) => return Ok(line.to_owned()),
                Answer::Knows { size } => old_size = size,
                Answer::Ahead { size } => return Err(round.ahead(size)),
                Answer::Forked => return Err(Failure::Forked),
                Answer::Unsigned => return Err(Failure::Invalid),
                Answer::Refused => break,
            }
        }
        Err(Failure::Refused { status: last })
    }

    /// Tells whether it may be asked. When its pause is over, one may try it, and the others wait for
    /// what he finds.
    fn is_awake(&self) -> bool {
        let mut rests_until = lock(&self.rests_until);
        let now = Instant::now();
        let is_awake = rests_until.is_none_or(|until| now >= until);
        if is_awake && rests_until.is_some() {
            *rests_until = Some(now + PAUSE);
        }
        is_awake
    }

    /// Takes note of how it went. Who refuses one log is there all the same for the others.
    fn heard(&self, failure: Option<&Failure>) {
        match failure {
            Some(failure) if failure.is_about_the_witness() => {
                *lock(&self.rests_until) = Some(Instant::now() + PAUSE);
            }
            Some(failure) if !failure.is_about_the_log() => {}
            Some(_) | None => *lock(&self.rests_until) = None,
        }
    }
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable(_) | Self::Late => Outcome::Unreachable,
            Self::Refused { .. } => Outcome::Refused,
            Self::Invalid => Outcome::Invalid,
            Self::Ahead { .. } => Outcome::Ahead,
            Self::Forked => Outcome::Forked,
            Self::Overtaken | Self::Unproved(_) => Outcome::PutOff,
        }
    }

    /// Tells whether other logs would fare no better.
    fn is_about_the_witness(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Late => true,
            Self::Refused { status } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    fn is_about_the_log(&self) -> bool {
        match self {
            Self::Refused { .. } => !self.is_about_the_witness(),
            Self::Invalid | Self::Ahead { .. } | Self::Forked => true,
            _ => false,
        }
    }

    /// Says it in the log: what may be a second history loudly, what is missing for a while not.
    fn tell(&self, witness: &str, origin: &str) {
        let error = self as &dyn Error;
        match self {
            Self::Ahead { .. } | Self::Forked => {
                tracing::error!(error, witness, origin, "a witness knows another history");
            }
            _ => tracing::warn!(error, witness, origin, "a head was not cosigned"),
        }
    }
}

impl Kept {
    /// Returns what is known of a workspace; beyond the bound, what was used longest ago is forgotten.
    fn place(&mut self, workspace: WorkspaceUid) -> Arc<Place> {
        self.uses += 1;
        let is_full = self.by_workspace.len() >= HEADS_MAX;
        if is_full && !self.by_workspace.contains_key(&workspace) {
            let oldest = self.by_workspace.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(workspace, _)| *workspace) {
                self.by_workspace.remove(&oldest);
            }
        }
        let (used, place) = self.by_workspace.entry(workspace).or_default();
        *used = self.uses;
        place.clone()
    }
}

impl Place {
    /// Turns to a head; returns the witnesses that are to be asked, and from which size.
    fn turn_to(&self, head: &Checkpoint, published_at: i64, count: usize) -> Vec<(usize, u64)> {
        let mut known = lock(&self.known);
        let text = head.text();
        if known.origin != head.origin {
            let standings = vec![Standing::default(); count];
            *known = Known { origin: head.origin.clone(), text: String::new(), standings };
        }
        if known.text != text {
            known.text = text;
            known.standings.iter_mut().for_each(|standing| standing.line = None);
        }
        let now = Instant::now();
        let is_due = |standing: &Standing| {
            (standing.line.is_none() || standing.published_at != published_at)
                && standing.size <= head.size
                && standing.rests_until.is_none_or(|until| now >= until)
        };
        let standings = known.standings.iter().enumerate();
        standings
            .filter(|(_, standing)| is_due(standing))
            .map(|(index, standing)| (index, standing.size))
            .collect()
    }

    /// Changes what is known of a witness, if this head is still the one that is carried.
    fn remember(&self, text: &str, index: usize, change: impl FnOnce(&mut Standing)) {
        let mut known = lock(&self.known);
        if known.text == text
            && let Some(standing) = known.standings.get_mut(index)
        {
            change(standing);
        }
    }

    /// Returns the cosignatures of a head.
    fn lines(&self, text: &str) -> Vec<String> {
        let known = lock(&self.known);
        if known.text != text {
            return Vec::new();
        }
        known.standings.iter().filter_map(|standing| standing.line.clone()).collect()
    }
}

impl Counts {
    fn count(&self, outcome: Outcome) {
        if let Some(count) = self.0.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Returns where heads are submitted to.
fn target_of(url: &str) -> Result<Target, GuardError> {
    if url.contains(['?', '#']) {
        return Err(GuardError::Url("an address of a witness ends with its path"));
    }
    Target::parse(&format!("{}/add-checkpoint", url.trim_end_matches('/')))
}

/// Finds the line of a policy that has this key, from 1.
fn line_number_of(policy: &[u8], vkey: &str) -> usize {
    let mut lines = policy.split(|byte| *byte == b'\n');
    let has_key =
        |line: &[u8]| line.split(u8::is_ascii_whitespace).any(|item| item == vkey.as_bytes());
    lines.position(has_key).map_or(0, |index| index + 1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
