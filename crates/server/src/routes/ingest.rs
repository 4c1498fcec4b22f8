//! `POST /v1/events` and `POST /v1/workspaces/{ws}/events`: from a body to receipts.
//!
//! 201 when everything was recorded (or had been before), 207 when something was refused; either way
//! `{results, created, duplicates, rejected}` with one result per event, in the order of the request.
//! `?wait=head` waits until a signed head covers the events, and answers each one's `.tlog-proof`.
//! One event sent alone that is refused gets a problem document instead. 429, 503 and 507 mean that
//! nothing was recorded, except 503 `may_be_recorded`, which says so.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use proofbook_catalog::admit::Rejected;
use proofbook_event::EventDraft;
use proofbook_store::commit::CommitError;
use proofbook_store::limits::{RECENT_BYTES, RECENT_LAG_BYTES};
use proofbook_store::prepare::Wanted;
use proofbook_store::store::Receipt;
use tokio::sync::oneshot;

use crate::access::{Grant, InWorkspace};
use crate::app::App;
use crate::body::{self, Payload};
use crate::cosigners;
use crate::heads::{self, Freshness, SignedHead};
use crate::limits;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::producers::Producers;
use crate::receipts::{Done, Proofs, answer, recorded, refused};
use crate::routes::ledger;
use crate::split::{Form, Split, split};

/// Takes events that name their workspaces themselves.
pub(crate) async fn send(
    State(app): State<App>,
    grant: Grant,
    request: Request,
) -> Result<Response, Problem> {
    take_in(app, grant, None, request).await
}

/// Takes events of the workspace in the path.
pub(crate) async fn send_to_workspace(
    State(app): State<App>,
    place: InWorkspace,
    request: Request,
) -> Result<Response, Problem> {
    let grant = place.grant().clone();
    grant.check_write(place.name())?;
    take_in(app, grant, Some(place.name().to_owned()), request).await
}

async fn take_in(
    app: App,
    grant: Grant,
    workspace: Option<String>,
    request: Request,
) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Code::Stopping, "the server is stopping").retry_after(1));
    }
    let (parts, body) = request.into_parts();
    let params = Params::read(&parts.uri, &["wait"])?;
    let wants_proofs = params.word("wait", &[("head", true)])?.unwrap_or(false);
    let form = form_of(&parts.headers)?;
    let payload = receive(&app, &parts.headers, body).await?;
    let place = app
        .ingest
        .enter(app.config.queue_timeout)
        .await
        .map_err(|problem| Problem { code: Code::Busy, ..problem })?;
    let deadline = tokio::time::Instant::now() + app.config.receipt_timeout;
    let is_small = payload.bytes.len() <= limits::JUDGED_HERE_BYTES_MAX;
    let mut job = Job { app: app.clone(), grant, workspace, form, payload, wants_proofs };
    let sent = match is_small.then(|| job.run(WhenBusy::Answer)).transpose()? {
        Some(sent) if !sent.is_busy() => {
            drop((place, job));
            sent
        }
        _ => app.blocking(place, move || job.run(WhenBusy::Wait)).await?,
    };
    let mut steps = Vec::with_capacity(sent.steps.len());
    for step in sent.steps {
        steps.push(match step {
            Step::Waits { count, receipts } => {
                match tokio::time::timeout_at(deadline, receipts).await {
                    Ok(Ok(Ok(receipts))) => {
                        app.metrics.no_space.store(false, Ordering::Relaxed);
                        Done::Receipts(receipts)
                    }
                    Ok(Ok(Err(error))) => {
                        let is_full = error == CommitError::NoSpace;
                        app.metrics.no_space.fetch_or(is_full, Ordering::Relaxed);
                        Done::Failed(count, error)
                    }
                    Ok(Err(_)) | Err(_) => Done::Failed(count, CommitError::Unknown),
                }
            }
            Step::Refused { count, error } => Done::Failed(count, error),
        });
    }
    let proofs = match wants_proofs {
        true => Some(prove(&app, recorded(&steps)).await),
        false => None,
    };
    answer(&app, sent.is_alone, steps, proofs)
}

/// Heads of one request that wait for witnesses at once.
const HEADS_AT_ONCE: usize = 4;

/// Publishes and signs the heads that cover some events, and proves each event against its head.
async fn prove(app: &App, places: Vec<(String, u64)>) -> Proofs {
    let names: BTreeSet<String> = places.iter().map(|(workspace, _)| workspace.clone()).collect();
    let deadline = cosigners::deadline();
    let heads = names.into_iter().map(|workspace| {
        let app = app.clone();
        async move {
            let head = heads::signed(&app, &workspace, Freshness::Everything, deadline).await?;
            Ok::<_, Problem>((workspace, head))
        }
    });
    // One request signs one head at a time; while it waits for witnesses it may go on with others.
    let at_once = if app.cosigners.is_some() { HEADS_AT_ONCE } else { 1 };
    let heads: HashMap<String, SignedHead> =
        stream::iter(heads).buffer_unordered(at_once).try_collect().await?;
    let seat = app.queries.enter(app.config.queue_timeout).await?;
    app.blocking(seat, move || {
        let prove = |(workspace, seq): (String, u64)| {
            let head = heads.get(&workspace)?;
            let proof = ledger::proof_text(head, seq);
            Some(proof.map(|proof| ((workspace, seq), proof)))
        };
        places.into_iter().filter_map(prove).collect()
    })
    .await
}

async fn receive(app: &App, headers: &HeaderMap, body: Body) -> Result<Payload, Problem> {
    body::read(&app.memory, headers, body, limits::BODY_BYTES_MAX, app.patience()).await
}

fn form_of(headers: &HeaderMap) -> Result<Form, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Form::Any) };
    let text = value.to_str().unwrap_or("?");
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines" => Ok(Form::Lines),
        // The last is what curl says of --data when nobody tells it better.
        "application/json"
        | "text/plain"
        | "application/octet-stream"
        | "application/x-www-form-urlencoded" => Ok(Form::Any),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "events are application/json (one or an array) or application/x-ndjson",
        )),
    }
}

/// The part that takes the processor's time: split, check, judge, hand over.
struct Job {
    app: App,
    grant: Grant,
    workspace: Option<String>,
    form: Form,
    payload: Payload,
    wants_proofs: bool,
}

struct Sent {
    steps: Vec<Step>,
    is_alone: bool,
}

impl Sent {
    /// Tells whether nothing was recorded because the store takes nothing at the moment.
    fn is_busy(&self) -> bool {
        let is_busy = |step: &Step| matches!(step, Step::Refused { error: CommitError::Busy, .. });
        !self.steps.is_empty() && self.steps.iter().all(is_busy)
    }
}

/// What is done when the store takes nothing at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenBusy {
    /// That is the answer: this thread must not stand still.
    Answer,
    /// It is waited for, as long as the settings say.
    Wait,
}

type Receipts = Result<Vec<Result<Receipt, Rejected>>, CommitError>;

/// The workspaces that a request named, and what keeps it from writing to them.
#[derive(Default)]
struct Named {
    numbers: HashMap<String, usize>,
    all: Vec<(String, Option<Rejected>)>,
}

/// Some events of the request that were handed over together.
enum Step {
    Waits { count: usize, receipts: oneshot::Receiver<Receipts> },
    Refused { count: usize, error: CommitError },
}

/// How long a full store is left alone before it is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Estimates the memory of an event once it is parsed: each value but the first has a comma before it.
fn parsed_bytes(text: &[u8]) -> usize {
    // No part has more commas than a byte can count, and bytes are counted sixteen at a time.
    let commas = |part: &[u8]| part.iter().map(|byte| u8::from(*byte == b',')).sum::<u8>();
    let parts = text.chunks(usize::from(u8::MAX));
    text.len() + limits::VALUE_BYTES * parts.map(|part| usize::from(commas(part))).sum::<usize>()
}

impl Job {
    fn run(&mut self, when_busy: WhenBusy) -> Result<Sent, Problem> {
        let text = self.payload.bytes.clone();
        let (ranges, is_alone) = match split(&text, self.form)? {
            Split::One(range) => (vec![range], true),
            Split::Many(ranges) => (ranges, false),
        };
        if self.wants_proofs && ranges.len() > limits::PROOFS_MAX {
            let max = limits::PROOFS_MAX as u64;
            let detail = format!("at most {max} events are proved in one answer");
            return Err(Problem::too_large(0, max, detail));
        }
        let events_bytes = ranges.len() * limits::SHARE_PER_EVENT;
        self.payload.share.grow_to(text.len() * limits::SHARE_PER_BYTE + events_bytes)?;
        let mut named = Named::default();
        let mut steps = Vec::new();
        let mut from = 0;
        while from < ranges.len() {
            let mut to = from;
            let mut bytes = 0;
            while to < ranges.len() && to - from < limits::STEP_EVENTS {
                bytes += parsed_bytes(&text[ranges[to].clone()]);
                if to > from && bytes > limits::STEP_BYTES {
                    break;
                }
                to += 1;
            }
            let texts: Vec<&[u8]> = ranges[from..to].iter().map(|at| &text[at.clone()]).collect();
            steps.push(self.step(&texts, &mut named, when_busy));
            from = to;
        }
        Ok(Sent { steps, is_alone })
    }

    /// Judges some events and hands them to the log.
    fn step(&self, texts: &[&[u8]], named: &mut Named, when_busy: WhenBusy) -> Step {
        let count = texts.len();
        let until = Instant::now() + self.app.config.queue_timeout;
        loop {
            let error = match self.step_now(texts, named, when_busy) {
                Ok(receipts) => return Step::Waits { count, receipts },
                Err(error) => error,
            };
            let is_over = when_busy == WhenBusy::Answer
                || Instant::now() >= until
                || self.app.stopping.is_cancelled();
            if error != CommitError::Busy || is_over {
                return Step::Refused { count, error };
            }
            std::thread::sleep(BUSY_PAUSE);
        }
    }

    /// As [`Job::step`], without waiting for a full store. Judging is the dear part, so such a store is not
    /// judged for.
    fn step_now(
        &self,
        texts: &[&[u8]],
        named: &mut Named,
        when_busy: WhenBusy,
    ) -> Result<oneshot::Receiver<Receipts>, CommitError> {
        let recent = self.app.store.recent_bytes();
        let packing_lags = recent >= RECENT_LAG_BYTES as u64;
        if recent >= RECENT_BYTES as u64 || packing_lags && when_busy == WhenBusy::Answer {
            return Err(CommitError::Busy);
        }
        // Before the store is full, packing gets a core of its own.
        let _turn = packing_lags.then(|| self.app.ingest_turn.lock());
        self.hand_over(texts, named)
    }

    fn hand_over(
        &self,
        texts: &[&[u8]],
        named: &mut Named,
    ) -> Result<oneshot::Receiver<Receipts>, CommitError> {
        let mut judging = self.app.store.begin(self.grant.may_import());
        judging.expect(texts.len(), texts.iter().map(|text| text.len()).sum());
        let mut producers = Producers::default();
        for (part, texts) in texts.chunks(limits::PARSED_EVENTS).enumerate() {
            let (mut wanted, numbers) = self.read(texts, named);
            let drafted = wanted.iter_mut().enumerate();
            let drafted = drafted.filter_map(|(at, one)| Some((at, one.as_mut().ok()?)));
            // Now that all are read, their workspaces' names stand still.
            for ((at, wanted), number) in drafted.zip(numbers) {
                wanted.workspace = &named.all[number].0;
                let index = part * limits::PARSED_EVENTS + at;
                producers.note(index, wanted.workspace, &wanted.draft);
            }
            judging.judge(wanted);
        }
        let prepared = judging.finish();
        let (sender, receiver) = oneshot::channel();
        let delivery = self.app.delivery.clone();
        self.app.store.submit(prepared, move |receipts| {
            if let Ok(receipts) = &receipts {
                let heard = producers.acknowledged(receipts);
                if !heard.is_empty() {
                    delivery.sources().hear(heard);
                }
            }
            // A client that went away does not need its receipts.
            let _ = sender.send(receipts);
        })?;
        Ok(receiver)
    }

    /// Reads events, and decides whose each one is: the numbers of their workspaces, of those that are not
    /// refused.
    fn read<'t>(
        &self,
        texts: &[&'t [u8]],
        named: &mut Named,
    ) -> (Vec<Result<Wanted<'t>, Rejected>>, Vec<usize>) {
        let mut wanted = Vec::with_capacity(texts.len());
        let mut numbers = Vec::with_capacity(texts.len());
        for text in texts {
            // A draft is large: it is read where it stays until it is judged.
            wanted.push(Ok(Wanted { workspace: "", draft: EventDraft::internal("") }));
            let Some(last) = wanted.last_mut() else { continue };
            let Ok(Wanted { draft, .. }) = last else { continue };
            let read = draft.read(text).map_err(Rejected::from);
            match read.and_then(|()| self.home_of(draft, named)) {
                Ok(number) => numbers.push(number),
                Err(rejected) => *last = Err(rejected),
            }
        }
        (wanted, numbers)
    }

    /// Decides whose an event is: the number of a workspace.
    fn home_of(&self, draft: &mut EventDraft<'_>, named: &mut Named) -> Result<usize, Rejected> {
        let own = draft.workspace.take();
        let name = match (&self.workspace, own) {
            (Some(path), Some(own)) if *path != own => {
                let detail = format!("the address names the workspace {path}, the event {own}");
                return Err(refused(Code::WorkspaceMismatch, "/workspace", detail));
            }
            (Some(path), _) => Cow::Borrowed(path.as_str()),
            (None, Some(own)) => own,
            (None, None) => {
                let detail = "the field `workspace` is missing; it says whose event this is";
                return Err(refused(Code::Missing, "/workspace", detail.to_owned()));
            }
        };
        let known = named.numbers.get(&*name).copied();
        let number = known.unwrap_or_else(|| {
            let name = name.into_owned();
            let verdict = self.check_workspace(&name).err();
            named.numbers.insert(name.clone(), named.all.len());
            named.all.push((name, verdict));
            named.all.len() - 1
        });
        match &named.all[number].1 {
            Some(verdict) => Err(verdict.clone()),
            None => Ok(number),
        }
    }

    /// Checks a workspace once a request: against the key, and whether it may come into being.
    fn check_workspace(&self, name: &str) -> Result<(), Rejected> {
        self.grant
            .check_write(name)
            .map_err(|problem| refused(problem.code, "/workspace", problem.detail))?;
        let store = &self.app.store;
        if self.grant.is_admin() || store.directory().by_name(name).is_some() {
            return Ok(());
        }
        let max = self.app.config.new_workspaces;
        if self.app.newcomers.take(self.grant.key_id(), store.now().micros(), max) {
            return Ok(());
        }
        let detail = format!("this key brought {max} workspaces into being in this hour already");
        let limit = Some(u64::from(max));
        Err(Rejected { limit, ..refused(Code::WorkspaceLimit, "/workspace", detail) })
    }
}
