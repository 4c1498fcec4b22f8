//! A server that runs in this process: for `serve` and `demo`.
//!
//! It owns the store, the runtime and a thread that once a second puts what the guarded clock noticed
//! into the log. Stopping goes outside in: connections, then the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use proofbook_server::keys::SecretKey;
use proofbook_server::{
    Config, FirstKey, Server, ensure_admin_key, ensure_signing_seed, erase_again,
};
use proofbook_store::open::Options;
use proofbook_store::random::SystemRandom;
use proofbook_store::store::Store;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::data_dir;
use crate::failure::Failure;
use crate::output::Output;
use crate::trusted;

/// A running server.
pub(crate) struct Running {
    runtime: Runtime,
    server: Server,
    store: Arc<Store>,
    asked: Asked,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
    /// What became of the first admin key.
    pub(crate) first_key: FirstKey,
}

const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Opens the store, makes sure of an admin key, and begins to answer.
pub(crate) fn start(config: Config) -> Result<Running, Failure> {
    // Before the store, whose directory would be made for nothing.
    config.check().map_err(|error| Failure::usage("the server cannot start").because(error))?;
    let cosigners = config.witness_policy.as_deref().map(trusted::cosigners).transpose()?;
    let options = Options {
        store_key: config.store_key,
        purge_within_micros: i64::try_from(config.purge_within.as_micros()).unwrap_or(i64::MAX),
        ..Options::default()
    };
    let store =
        Arc::new(data_dir::start_store(&config.data, options, proofbook_server::on_fatal())?);
    // First of all: a process that dies before it said that its clock jumped would let the next one
    // take the jump for the right time.
    record_clock(&store);
    let first_key = ensure_admin_key(&store, config.admin_key.as_ref(), &SystemRandom)
        .map_err(|error| Failure::failed("the server cannot start").because(error))?;
    let signer = data_dir::start_signer(&config, &store)?;
    ensure_signing_seed(&store, &signer)
        .map_err(|error| Failure::failed("the server cannot start").because(error))?;
    erase_again(&store, &signer)
        .map_err(|error| Failure::failed("the server cannot start").because(error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start threads").because(error))?;
    let server = runtime
        .block_on(Server::start(config, store.clone(), signer, Arc::new(SystemRandom), cosigners))
        .map_err(|error| {
            Failure::failed("the server cannot start")
                .because(error)
                .hint("--listen 127.0.0.1:0 takes any free port")
        })?;
    // Before anybody is told that there is a server to be stopped.
    let asked = {
        let _within = runtime.enter();
        Asked::begin().map_err(|error| Failure::failed("cannot wait for signals").because(error))?
    };
    let ticker = tick(store.clone());
    Ok(Running { runtime, server, store, asked, ticker, first_key })
}

/// Asks once a second what the clock noticed, until the sender is gone.
fn tick(store: Arc<Store>) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let run = move || {
        while receiver.recv_timeout(CLOCK_EVERY) == Err(RecvTimeoutError::Timeout) {
            record_clock(&store);
        }
    };
    // Without the thread the clock is guarded all the same; only its events are missing.
    let thread = std::thread::Builder::new().name("clock".to_owned()).spawn(run).ok()?;
    Some((sender, thread))
}

fn record_clock(store: &Store) {
    if let Err(error) = store.record_clock_observations() {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "what the clock noticed was not recorded");
    }
}

impl Running {
    /// Returns the address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the store, for what is done without HTTP.
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Returns the link that makes the console's first operator; once, and only while there is none.
    pub(crate) fn take_setup_url(&self) -> Option<String> {
        Some(format!("{}{}", self.url(), self.server.take_setup_link()?))
    }

    /// Returns the admin key that is shown: the generated one.
    pub(crate) fn generated_key(&self) -> Option<&SecretKey> {
        match &self.first_key {
            FirstKey::Generated(key) => Some(key),
            _ => None,
        }
    }

    /// Serves until the process is asked to end, then stops in order.
    pub(crate) fn until_asked_to_stop(mut self, output: &mut Output) {
        self.runtime.block_on(self.asked.wait());
        output.note("stopping: what was begun is finished");
        self.stop();
    }

    /// Stops in order.
    pub(crate) fn stop(self) {
        if !self.runtime.block_on(self.server.stop()) {
            tracing::warn!("some requests took longer than the drain time and were cut");
        }
        if let Some((sender, thread)) = self.ticker {
            drop(sender);
            // A panic there was reported where it happened.
            let _ = thread.join();
        }
        self.store.stop();
    }
}

/// The signals that ask the process to end, taken from the moment this exists.
struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    fn begin() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
