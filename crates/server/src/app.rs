//! What every request shares: the store, the settings, and the places for what runs at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proofbook_delivery::engine::{self, Engine};
use proofbook_delivery::guard::{Guard, SystemResolver};
use proofbook_event::name::SYSTEM_WORKSPACE;
use proofbook_store::random::Random;
use proofbook_store::signing::Signer;
use proofbook_store::store::Store;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::body::{Memory, Patience};
use crate::config::Config;
use crate::console::Console;
use crate::cosigners::Cosigners;
use crate::heads::Heads;
use crate::metrics::Metrics;
use crate::problem::{Code, Problem};
use crate::sealed::Sealer;
use crate::views::Views;

/// The shared state of the server; cloning it is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// The parts of the state.
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) config: Config,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Metrics,
    pub(crate) memory: Memory,
    pub(crate) ingest: Places,
    /// Held while events are judged and packing lags: one request at a time.
    pub(crate) ingest_turn: Mutex<()>,
    pub(crate) queries: Places,
    pub(crate) exports: Places,
    pub(crate) tails: Places,
    /// Reads of tails, apart from queries, so that many tails cannot take the queries' places.
    pub(crate) tail_reads: Places,
    /// Cancelled when the server begins to stop: tails end, nothing new is taken.
    pub(crate) stopping: CancellationToken,
    /// Authenticates cursors, the same after a restart.
    pub(crate) cursor_key: [u8; 32],
    /// Seals tokens and links, the same after a restart.
    pub(crate) sealer: Sealer,
    /// Workspaces that keys brought into being lately.
    pub(crate) newcomers: Newcomers,
    /// Links that were mailed to owners lately, by workspace.
    pub(crate) link_mails: Newcomers,
    /// Changes of saved views lately, by reader.
    pub(crate) view_changes: Newcomers,
    /// Signs heads.
    pub(crate) heads: Heads,
    /// Carries heads to witnesses, when a policy names some.
    pub(crate) cosigners: Option<Cosigners>,
    /// Saved views, as far as they were read.
    pub(crate) views: Views,
    /// Operators' sessions and wrong passwords.
    pub(crate) console: Console,
    /// One password is hashed at a time: it takes much memory by design.
    pub(crate) sign_ins: Places,
    /// Held while an act of administration is judged and recorded: one at a time.
    administration: tokio::sync::Mutex<()>,
    /// Exports and sessions that were recorded lately.
    pub(crate) noted: Noted,
    /// What leaves the house on its own.
    pub(crate) delivery: Arc<Engine>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(
        config: Config,
        store: Arc<Store>,
        signer: Arc<Signer>,
        random: Arc<dyn Random>,
        cosigners: Option<Cosigners>,
    ) -> Self {
        let places = |name, count: u32| Places {
            name,
            count,
            free: Arc::new(Semaphore::new(count as usize)),
        };
        let cursor_key = derived_key(&store, &*random, b"proofbook/v1/cursor-key\0");
        let sealing_key = derived_key(&store, &*random, b"proofbook/v1/sealing-key\0");
        let settings = engine::Settings {
            public_url: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
            // Checked before; a mistake here would leave mail off and say so.
            mail: config.mail_settings().unwrap_or_default(),
            ..engine::Settings::default()
        };
        let guard = Guard::new(config.webhook_allow.clone(), Arc::new(SystemResolver));
        let delivery = Engine::new(store.clone(), random.clone(), settings, guard);
        Self(Arc::new(Shared {
            delivery: Arc::new(delivery),
            ingest: places("ingest", config.ingest_tasks),
            ingest_turn: Mutex::new(()),
            queries: places("queries", config.query_tasks),
            exports: places("exports", config.export_tasks),
            tails: places("tails", config.tails),
            tail_reads: places("reads of tails", TAIL_READS),
            memory: Memory::new(),
            metrics: Metrics::default(),
            stopping: CancellationToken::new(),
            newcomers: Newcomers::default(),
            link_mails: Newcomers::default(),
            view_changes: Newcomers::default(),
            heads: Heads::new(signer),
            cosigners,
            views: Views::default(),
            console: Console::begin(&store.view().config, &*random),
            sign_ins: places("sign-ins", 1),
            administration: tokio::sync::Mutex::new(()),
            noted: Noted::default(),
            cursor_key,
            sealer: Sealer::new(&sealing_key),
            store,
            config,
            random,
        }))
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience {
            queue: self.config.queue_timeout,
            whole: self.config.body_timeout,
            pause: self.config.body_idle_timeout,
        }
    }

    /// Waits for the turn to change the configuration.
    pub(crate) async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Problem> {
        let turn = tokio::time::timeout(self.config.queue_timeout, self.administration.lock());
        turn.await.map_err(|_| {
            let detail = "another act of administration is being recorded";
            Problem::new(Code::Overloaded, detail).retry_after(1)
        })
    }

    /// Runs blocking work on a thread of its own while holding a place.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        task.await.map_err(|_| Problem::new(Code::Internal, "the work for this request failed"))?
    }
}

/// Derives a key of our own from a secret of the store that never changes and is never shown.
///
/// The nonce key of the first run of `_system` is random, durable in the log, and untouched by
/// erasure; the label keeps the uses apart. A store without `_system` gets a random key, so what it
/// made ends with the process.
fn derived_key(store: &Store, random: &dyn Random, label: &[u8]) -> [u8; 32] {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    if let Some(system) = store.directory().by_name(SYSTEM_WORKSPACE)
        && let Some(run) = system.runs.first()
    {
        seed.copy_from_slice(run.nonce_key.as_bytes());
    }
    let mut hasher = Sha256::new();
    hasher.update(label);
    hasher.update(seed);
    hasher.finalize().into()
}

/// Tails that read at once; others wait for their turn.
const TAIL_READS: u32 = 2;

/// A bounded number of places for one kind of work.
#[derive(Debug)]
pub(crate) struct Places {
    name: &'static str,
    count: u32,
    free: Arc<Semaphore>,
}

/// A place that is held; given back when dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Places {
    /// Waits for a place, in turn.
    pub(crate) async fn enter(&self, patience: Duration) -> Result<Place, Problem> {
        match tokio::time::timeout(patience, self.free.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.full()),
        }
    }

    /// Takes a place that is free now.
    pub(crate) fn try_enter(&self) -> Result<Place, Problem> {
        self.free.clone().try_acquire_owned().map_err(|_| self.full())
    }

    /// Returns how many places are taken.
    pub(crate) fn taken(&self) -> usize {
        (self.count as usize).saturating_sub(self.free.available_permits())
    }

    fn full(&self) -> Problem {
        let detail = format!("all {} places for {} are taken", self.count, self.name);
        Problem::new(Code::Overloaded, detail).retry_after(1)
    }
}

/// An hour in microseconds.
const HOUR_MICROS: i64 = 3600 * 1_000_000;

/// Counts, per key or reader and hour, what may be done a limited number of times: the workspaces that
/// events brought into being, the changes of saved views.
#[derive(Debug, Default)]
pub(crate) struct Newcomers(Mutex<HashMap<String, (i64, u32)>>);

impl Newcomers {
    /// Takes one of a key's places of this hour; false when none is left.
    pub(crate) fn take(&self, key_id: &str, now: i64, max: u32) -> bool {
        let hour = now.div_euclid(HOUR_MICROS);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys are few and this hour's entries fewer.
        counts.retain(|_, (known, _)| *known == hour);
        let (_, count) = counts.entry(key_id.to_owned()).or_insert((hour, 0));
        let free = *count < max;
        *count += u32::from(free);
        free
    }
}

/// A viewer's exports and sessions are recorded at most once in this time (15 min).
const NOTE_MICROS: i64 = 15 * 60 * 1_000_000;
/// Entries of [`Noted`] at most; beyond it the oldest knowledge is forgotten, and recorded again.
const NOTED_MAX: usize = 100_000;

/// Remembers what was recorded in the last 15 minutes.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<HashMap<(String, String), i64>>);

impl Noted {
    /// Tells whether a viewer's deed in a workspace is to be recorded now.
    pub(crate) fn is_due(&self, who: &str, workspace: &str, now: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= NOTED_MAX {
            noted.retain(|_, at| now - *at < NOTE_MICROS);
            if noted.len() >= NOTED_MAX {
                noted.clear();
            }
        }
        let at = noted.entry((who.to_owned(), workspace.to_owned())).or_insert(i64::MIN);
        let is_due = now.saturating_sub(*at) >= NOTE_MICROS;
        if is_due {
            *at = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
