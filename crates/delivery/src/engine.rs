//! The engine: it keeps a loop running for every destination that is configured, and puts progress
//! into the log.
//!
//! It runs on threads of its own with a lower priority, so that ingest comes first. Changes of the
//! configuration are noticed by looking; a destination that changed is stopped and begun anew where it
//! stood.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use proofbook_query::Reader;
use proofbook_store::config::{Config, Destination, Notifications, OWNER, WorkspaceSettings};
use proofbook_store::priority::{self, ProcessorTime, give_way};
use proofbook_store::random::Random;
use proofbook_store::store::Store;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::call::tls_config;
use crate::destination::{self, MAIL, SettingsError, WEBHOOK, WebhookSecrets};
use crate::encode;
use crate::guard::Guard;
use crate::letter::{self, Frame};
use crate::letters::Letters;
use crate::limits;
use crate::message::{Message, Payload};
use crate::pace::Pace;
use crate::rule::{RuleSettings, owners_manner};
use crate::stream::{self, Stream, Work};
use crate::transport::mail::{Mail, MailSettings};
use crate::transport::webhook::Webhook;
use crate::transport::{Answer, Transport};
use crate::warnings::{Sources, Watch};

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where our own pages are reached, for links.
    pub public_url: Option<String>,
    /// How e-mail is sent; without it no rule works.
    pub mail: Option<MailSettings>,
    /// How often destinations look for something new.
    pub look_every: Duration,
    /// How often progress goes into the log.
    pub flush_every: Duration,
    /// How often it is looked for what is to be warned of.
    pub watch_every: Duration,
    /// Tells how the thread that delivers fares; deliveries rest while others need its processor.
    pub processor_time: fn() -> Option<ProcessorTime>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: None,
            mail: None,
            look_every: limits::LOOK_EVERY,
            flush_every: limits::FLUSH_EVERY,
            watch_every: limits::WATCH_EVERY,
            processor_time: priority::processor_time,
        }
    }
}

/// Makes the transport of a destination: the real ones, or a test's.
pub type MakeTransport =
    Box<dyn Fn(&Destination) -> Result<Arc<dyn Transport>, SettingsError> + Send + Sync>;

/// What all loops share.
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) settings: Settings,
    pub(crate) board: Arc<Board>,
    pub(crate) reads: Arc<Semaphore>,
    pub(crate) pace: Pace,
}

/// Everything that leaves the house.
pub struct Engine {
    shared: Arc<Shared>,
    make_transport: MakeTransport,
    sources: Arc<Sources>,
}

/// Why an event cannot be sent once more.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The destination cannot be used as it is configured.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its retention ended, or there never was one.
    #[error("the event is not there any more")]
    Gone,
    /// It is there and cannot be written.
    #[error("the event cannot be read")]
    Unreadable,
}

/// A loop that runs.
struct Running {
    destination: Destination,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Engine {
    /// Makes an engine with the real transports.
    pub fn new(
        store: Arc<Store>,
        random: Arc<dyn Random>,
        settings: Settings,
        guard: Guard,
    ) -> Self {
        let key = *store.key();
        let tls = std::sync::OnceLock::new();
        let mail = settings.mail.as_ref().map(Mail::new);
        let make: MakeTransport = Box::new(move |destination| {
            if destination.kind == MAIL {
                return match &mail {
                    Some(Ok(mail)) => Ok(mail.clone()),
                    _ => Err(SettingsError::NoMail),
                };
            }
            let (target, secrets) = WebhookSecrets::open(&key, destination)?.ready()?;
            let tls = tls.get_or_init(tls_config).clone();
            Ok(Arc::new(Webhook::new(target, secrets, guard.clone(), tls)))
        });
        Self::with_transports(store, random, settings, make)
    }

    /// Makes an engine with transports of the caller's.
    pub fn with_transports(
        store: Arc<Store>,
        random: Arc<dyn Random>,
        settings: Settings,
        make_transport: MakeTransport,
    ) -> Self {
        let reads = Arc::new(Semaphore::new(limits::READS_MAX));
        let board = Arc::default();
        let pace = Pace::new(settings.processor_time);
        let shared = Arc::new(Shared { store, random, settings, board, reads, pace });
        Self { shared, make_transport, sources: Arc::default() }
    }

    /// Returns where producers' numbers are to be noted that were acknowledged.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the board, which says how it goes.
    pub fn board(&self) -> Arc<Board> {
        self.shared.board.clone()
    }

    /// Starts working on a thread of its own, which the system serves after those of ingest.
    ///
    /// # Errors
    /// There is no thread or no runtime to be had.
    pub fn start(self: &Arc<Self>) -> io::Result<Working> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("delivery-read")
            .on_thread_start(|| give_way(NICENESS))
            .build()?;
        let (engine, stop) = (self.clone(), CancellationToken::new());
        let token = stop.clone();
        let thread = thread::Builder::new().name("delivery".to_owned()).spawn(move || {
            give_way(NICENESS);
            runtime.block_on(engine.run(token));
        })?;
        Ok(Working { stop, thread: Some(thread) })
    }

    /// Returns how many numbers a destination has not dealt with yet, over all its workspaces.
    ///
    /// Events that its filter does not take count until it has passed them over.
    pub fn lag(&self, destination: &Destination) -> u64 {
        let shared = &self.shared;
        let logged = shared.store.view().delivered.of(&destination.id).cloned();
        let mut lag = 0;
        for workspace in shared.store.directory().all() {
            if !destination.covers(&workspace.name) {
                continue;
            }
            let generation = destination.start_of(&workspace.name).generation;
            let known = shared.board.cursor(&destination.id, workspace.uid);
            let logged = logged.as_ref().and_then(|logged| logged.cursors.get(&workspace.uid));
            let cursors = known.into_iter().chain(logged.copied());
            let next =
                cursors.filter(|cursor| cursor.generation == generation).map(|c| c.next).max();
            lag += workspace.edge.size().saturating_sub(next.unwrap_or(0));
        }
        lag
    }

    /// Sends one message to a destination, now and outside of its order, and returns what became of it.
    ///
    /// # Errors
    /// The destination cannot be used as it is configured.
    pub async fn test(&self, destination: &Destination) -> Result<Answer, SettingsError> {
        let stream = self.stream(destination)?;
        let mut number = [0; 8];
        self.shared.random.fill(&mut number);
        let id = format!("test_{:016x}", u64::from_be_bytes(number));
        let now = self.shared.store.now();
        let payload = match &stream.work {
            Work::Each { encoder, .. } => encoder.test(&now.to_string()),
            Work::Letters(letters) => {
                let letter = letters.test(&self.shared, &stream);
                Payload::Letter(Box::new(letter.ok_or(SettingsError::NoRecipient)?))
            }
        };
        let message = Message { id, payload };
        let answer = stream.transport.send(&message, now.micros().div_euclid(1_000_000)).await;
        Ok(answer)
    }

    /// Sends an event once more that a destination would not take, now and outside of its order, under
    /// the id that it had. When it is taken, it is a dead letter no longer; that goes into the log with
    /// the next progress.
    ///
    /// # Errors
    /// It cannot be sent at all; see [`ResendError`].
    pub async fn resend(
        &self,
        destination: &Destination,
        workspace: &str,
        seq: u64,
    ) -> Result<Answer, ResendError> {
        let stream = self.stream(destination)?;
        let Work::Each { encoder, .. } = &stream.work else { return Err(ResendError::Unreadable) };
        let (store, name) = (self.shared.store.clone(), workspace.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            let reader = Reader::open(&store, &name)?;
            let found = reader.by_seq(seq).ok()??;
            Some((reader, found))
        });
        let (reader, found) = found.await.ok().flatten().ok_or(ResendError::Gone)?;
        let message = stream::message(&**encoder, &self.shared, &reader, &found);
        let message = message.ok_or(ResendError::Unreadable)?;
        let now = self.shared.store.now().micros().div_euclid(1_000_000);
        let answer = stream.transport.send(&message, now).await;
        if answer == Answer::Taken {
            self.shared.board.settled(&destination.id, reader.workspace().uid, seq);
        }
        Ok(answer)
    }

    /// Mails a workspace's owner a link of ours that somebody asked for; `path` is its path.
    ///
    /// # Errors
    /// Why it was not sent, in words.
    pub async fn mail_link(
        &self,
        workspace: &str,
        settings: &WorkspaceSettings,
        language: &str,
        path: &str,
    ) -> Result<(), String> {
        let public = self.shared.settings.public_url.as_deref();
        let public = public.ok_or("public_url is not set, so there is no address to mail")?;
        let transport = (self.make_transport)(&owners_rule()).map_err(|error| error.to_string())?;
        let language = Some(language.to_owned());
        let own = Notifications { language, ..Notifications::default() };
        let manner = owners_manner(settings, Some(&own));
        let frame = Frame {
            workspace,
            settings,
            log_link: None,
            export_link: None,
            settings_link: None,
            unsubscribe: None,
        };
        let letter = letter::of_link(&frame, &manner, &format!("{public}{path}"));
        let mut number = [0; 8];
        self.shared.random.fill(&mut number);
        let id = format!("link_{:016x}", u64::from_be_bytes(number));
        let message = Message { id, payload: Payload::Letter(Box::new(letter)) };
        let now = self.shared.store.now().micros().div_euclid(1_000_000);
        match transport.send(&message, now).await {
            Answer::Taken => Ok(()),
            Answer::Refused { why } | Answer::Failed { why, .. } => Err(why),
        }
    }

    /// Lets a destination be tried at once, whatever it waits for.
    pub fn hurry(&self, destination: &str) {
        self.shared.board.hurry(destination);
    }

    /// Works until it is stopped; then what was told is put into the log.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        futures_util::future::join(self.deliver(&stop), self.watch(&stop)).await;
    }

    /// Looks for what is to be warned of, until it is stopped.
    async fn watch(&self, stop: &CancellationToken) {
        let Shared { store, board, settings, .. } = &*self.shared;
        let (sources, has_mail) = (self.sources.clone(), settings.mail.is_some());
        let mut watch = Watch::new(store.clone(), board.clone(), sources, has_mail);
        loop {
            tokio::select! {
                () = tokio::time::sleep(settings.watch_every) => {}
                () = stop.cancelled() => return,
            }
            let ticked = tokio::task::spawn_blocking(move || {
                watch.tick();
                watch
            });
            match ticked.await {
                Ok(ticked) => watch = ticked,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "nothing is warned of any more");
                    return;
                }
            }
        }
    }

    async fn deliver(&self, stop: &CancellationToken) {
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        let mut known: Option<Arc<Config>> = None;
        let mut idle_flush = Instant::now();
        let mut flush = Instant::now();
        while !stop.is_cancelled() {
            let config = self.shared.store.view().config.clone();
            if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &config)) {
                self.follow(&config, &mut running).await;
                known = Some(config);
            }
            if flush.elapsed() >= self.shared.settings.flush_every {
                let all = idle_flush.elapsed() >= limits::FLUSH_IDLE_EVERY;
                self.flush(all).await;
                flush = Instant::now();
                if all {
                    idle_flush = flush;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.shared.settings.look_every) => {}
                () = stop.cancelled() => {}
            }
        }
        for running in running.values() {
            running.stop.cancel();
        }
        futures_util::future::join_all(running.into_values().map(Running::end)).await;
        self.flush(true).await;
    }

    /// Begins, ends and begins anew what the configuration says.
    async fn follow(&self, config: &Config, running: &mut BTreeMap<String, Running>) {
        let mut ended = Vec::new();
        let owner = owners_rule();
        running.retain(|id, own| {
            if id == OWNER {
                return true;
            }
            if config.destinations.get(id) == Some(&own.destination) {
                return true;
            }
            own.stop.cancel();
            let (destination, stop) = (own.destination.clone(), own.stop.clone());
            ended.push((id.clone(), Running { destination, stop, task: own.task.take() }));
            false
        });
        for (id, own) in ended {
            // Its last message comes to its end first, so that no two loops serve one destination.
            own.end().await;
            if !config.destinations.contains_key(&id) {
                self.shared.board.forget(&id);
            }
        }
        let has_mail = self.shared.settings.mail.is_some();
        let owner = has_mail.then_some((&owner.id, &owner));
        for (id, destination) in config.destinations.iter().chain(owner) {
            if !running.contains_key(id) {
                running.insert(id.clone(), self.begin(destination));
            }
        }
    }

    fn begin(&self, destination: &Destination) -> Running {
        let stop = CancellationToken::new();
        let mut running = Running { destination: destination.clone(), stop, task: None };
        let made = self.stream(destination);
        let unusable = made.as_ref().err().map(SettingsError::to_string);
        self.shared.board.health(&destination.id, |health| health.unusable = unusable);
        if let (Ok(stream), None) = (made, destination.paused_at) {
            let run = stream.run(self.shared.clone(), running.stop.clone());
            running.task = Some(tokio::spawn(run));
        }
        running
    }

    fn stream(&self, destination: &Destination) -> Result<Stream, SettingsError> {
        let filter = destination::filter(destination)?;
        let work = match destination.kind.as_str() {
            WEBHOOK => {
                let settings = destination::webhook_settings(destination)?;
                Work::Each { filter, encoder: encode::encoder(settings.format) }
            }
            MAIL => {
                let mail = self.shared.settings.mail.clone().ok_or(SettingsError::NoMail)?;
                let rule = match destination.id.as_str() {
                    OWNER => None,
                    _ => Some((RuleSettings::of(destination)?, filter)),
                };
                Work::Letters(Box::new(Letters::new(rule, mail)))
            }
            other => return Err(SettingsError::Kind(other.to_owned())),
        };
        let transport = (self.make_transport)(destination)?;
        Ok(Stream { work, transport, destination: destination.clone() })
    }

    /// Puts what was told into the log.
    async fn flush(&self, all: bool) {
        let news = self.shared.board.take_news(all);
        if news.is_empty() {
            return;
        }
        let store = self.shared.store.clone();
        let recorded = tokio::task::spawn_blocking(move || {
            let result = store.record_progress(&news);
            (result, news)
        });
        let Ok((result, news)) = recorded.await else { return };
        if let Err(error) = result {
            // It is tried again; a crash until then sends some messages twice.
            tracing::warn!(error = &error as &dyn std::error::Error, "progress was not recorded");
            self.shared.board.give_back(news);
        }
    }
}

impl Running {
    /// Lets the message that is under way come to its end, for a while.
    async fn end(mut self) {
        let Some(mut task) = self.task.take() else { return };
        if tokio::time::timeout(limits::LAST_MESSAGE, &mut task).await.is_err() {
            // Whether it was taken nobody knows; it is sent again under the same id.
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    /// An engine that ends early takes its loops with it.
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// An engine at work on its thread. Dropping it stops the engine and waits for it.
pub struct Working {
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
}

impl Working {
    /// Stops, and waits until what was told is in the log. Blocks for a few seconds at most.
    pub fn stop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the rule that every workspace has: its owner is told.
pub fn owners_rule() -> Destination {
    Destination {
        id: OWNER.to_owned(),
        name: "Owners".to_owned(),
        kind: MAIL.to_owned(),
        workspaces: vec!["*".to_owned()],
        filter: String::new(),
        settings: serde_json::Value::Null,
        sealed: None,
        created_at: 0,
        paused_at: None,
        starts: BTreeMap::new(),
    }
}

/// How much deliveries give way, from 0 (not at all) to 19.
const NICENESS: i32 = 15;
