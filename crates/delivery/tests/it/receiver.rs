//! A receiver as a test wants it, and an engine that sends to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proofbook_delivery::destination::{Format, WEBHOOK};
use proofbook_delivery::engine::{Engine, Settings};
use proofbook_delivery::message::{Message, Payload};
use proofbook_delivery::transport::{Answer, Sending, Transport};
use proofbook_store::config::{ConfigChange, Destination};
use proofbook_store::prepare::Wanted;
use proofbook_store::priority::ProcessorTime;
use proofbook_store::random::SimRandom;
use proofbook_testkit::TestStore;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What a receiver does with its n-th message (0, 1, 2 …).
pub(crate) type Mood = Box<dyn FnMut(u64, &Message) -> Reply + Send>;

/// What a receiver does with one message.
pub(crate) enum Reply {
    /// It takes it.
    Take,
    /// It takes it after a while.
    TakeAfter(Duration),
    /// It takes it, and its answer is lost.
    TakeAndFail,
    /// It fails.
    Fail,
    /// It refuses it.
    Refuse,
    /// It answers nothing until the deadline.
    Hang,
}

/// A receiver that remembers what it took.
#[derive(Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    mood: Option<Mood>,
    calls: u64,
    /// Delivery id and body of everything taken, in order.
    taken: Vec<(String, Value)>,
}

impl Receiver {
    pub(crate) fn moody(mood: impl FnMut(u64, &Message) -> Reply + Send + 'static) -> Self {
        let receiver = Self::default();
        receiver.lock().mood = Some(Box::new(mood));
        receiver
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Returns everything taken: delivery id and body.
    pub(crate) fn taken(&self) -> Vec<(String, Value)> {
        self.lock().taken.clone()
    }

    /// Returns the numbers of the events of a workspace, as they came.
    pub(crate) fn seqs(&self, workspace: &str) -> Vec<u64> {
        let inner = self.lock();
        let own = inner.taken.iter().filter(|(_, body)| body["data"]["workspace"] == workspace);
        own.filter_map(|(_, body)| body["data"]["seq"].as_u64()).collect()
    }
}

impl Transport for Receiver {
    fn send<'a>(&'a self, message: &'a Message, _: i64) -> Sending<'a> {
        Box::pin(async move {
            let reply = {
                let mut inner = self.lock();
                let call = inner.calls;
                inner.calls += 1;
                match &mut inner.mood {
                    Some(mood) => mood(call, message),
                    None => Reply::Take,
                }
            };
            let failed = |why: &str| Answer::Failed { why: why.to_owned(), retry_after: None };
            match reply {
                Reply::Take | Reply::TakeAfter(_) | Reply::TakeAndFail => {
                    if let Reply::TakeAfter(time) = reply {
                        tokio::time::sleep(time).await;
                    }
                    let Payload::Body { bytes, .. } = &message.payload else { panic!("no body") };
                    let body = serde_json::from_slice(bytes).expect("JSON");
                    self.lock().taken.push((message.id.clone(), body));
                    match reply {
                        Reply::TakeAndFail => failed("the answer was lost"),
                        _ => Answer::Taken,
                    }
                }
                Reply::Fail => failed("down"),
                Reply::Refuse => Answer::Refused { why: "answered 400".to_owned() },
                Reply::Hang => {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    failed("no answer")
                }
            }
        })
    }
}

/// An engine at work on the test's runtime.
pub(crate) struct Working {
    pub(crate) engine: Arc<Engine>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Working {
    /// Starts an engine whose destinations are these receivers, by destination id. Nobody else needs the
    /// machine, whatever else runs on it.
    pub(crate) fn start(world: &TestStore, receivers: &BTreeMap<String, Receiver>) -> Self {
        Self::start_among_others(world, receivers, || None)
    }

    /// The same on a machine that others need, too.
    pub(crate) fn start_among_others(
        world: &TestStore,
        receivers: &BTreeMap<String, Receiver>,
        processor_time: fn() -> Option<ProcessorTime>,
    ) -> Self {
        let receivers = receivers.clone();
        let make = move |destination: &Destination| {
            let receiver: Arc<dyn Transport> = Arc::new(receivers[&destination.id].clone());
            Ok(receiver)
        };
        let settings = Settings {
            public_url: Some("https://log.example".to_owned()),
            watch_every: Duration::from_secs(60),
            processor_time,
            ..Settings::default()
        };
        let random = Arc::new(SimRandom::new(9));
        let engine = Arc::new(Engine::with_transports(
            world.store.clone(),
            random,
            settings,
            Box::new(make),
        ));
        let stop = CancellationToken::new();
        let task = tokio::spawn(engine.clone().run(stop.clone()));
        Self { engine, stop, task }
    }

    /// Stops in order: what was told is recorded.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }

    /// Ends as in a crash: nothing is recorded any more.
    pub(crate) async fn crash(self, world: &TestStore) {
        self.task.abort();
        let _ = self.task.await;
        drop(self.engine);
        // Its loops end at their next step.
        until("all let go of the store", 1, || Arc::strong_count(&world.store) == 1).await;
    }
}

/// A webhook destination of all workspaces that begins with the first event.
pub(crate) fn destination(id: &str) -> Destination {
    Destination {
        id: id.to_owned(),
        name: id.to_owned(),
        kind: WEBHOOK.to_owned(),
        workspaces: vec!["*".to_owned()],
        filter: String::new(),
        settings: json!({"url": "https://hooks.example", "format": Format::Native}),
        sealed: None,
        created_at: 0,
        paused_at: None,
        starts: BTreeMap::new(),
    }
}

/// Puts a change of the configuration into the log, with an event that tells of it.
pub(crate) fn configure(world: &TestStore, change: ConfigChange) {
    let draft = proofbook_event::EventDraft::internal("audit_log.destination_changed");
    let event = Wanted { workspace: "_system", draft };
    let prepared = world.store.prepare_change(change, event);
    for receipt in world.store.commit(prepared).expect("recorded") {
        receipt.expect("taken");
    }
}

pub(crate) fn put(world: &TestStore, destination: Destination) {
    configure(world, ConfigChange::PutDestination { destination: Box::new(destination) });
}

/// Sends events to a workspace, one request each.
pub(crate) fn send(world: &TestStore, workspace: &str, count: usize) {
    let events: Vec<String> = (0..count)
        .map(|number| json!({"action": "thing.update", "metadata": {"number": number}}).to_string())
        .collect();
    for receipt in world.send(workspace, &events) {
        receipt.expect("taken");
    }
}

/// Waits, in simulated time, until something holds.
pub(crate) async fn until(what: &str, hours: u64, mut holds: impl FnMut() -> bool) {
    let steps = hours * 3600 * 2;
    for _ in 0..steps {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{what}: not within {hours} hours");
}
