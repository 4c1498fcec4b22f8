//! P6 with a clock that the test moves: each warning once, and once when it is over, also across a
//! restart. What is expected is written down in each test; nothing of the watch's own is asked.

use proofbook_filter::Filter;
use proofbook_store::config::{Destination, Hold, WorkspaceSettings};
use proofbook_store::disk::SimDisk;
use proofbook_testkit::{EventBuilder, START_MICROS as START, TestStore};

use super::*;
use crate::destination::WEBHOOK;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A store and what watches it.
struct Watched {
    world: Option<TestStore>,
    board: Arc<Board>,
    sources: Arc<Sources>,
    watch: Option<Watch>,
}

impl Watched {
    fn start(seed: u64) -> Self {
        let world = TestStore::in_memory(seed, &SimDisk::new(seed));
        let mut watched = Self {
            world: Some(world),
            board: Arc::default(),
            sources: Arc::default(),
            watch: None,
        };
        watched.begin();
        watched
    }

    fn world(&self) -> &TestStore {
        self.world.as_ref().expect("a store")
    }

    fn begin(&mut self) {
        let (store, sources) = (self.world().store.clone(), self.sources.clone());
        self.watch = Some(Watch::new(store, self.board.clone(), sources, false));
    }

    /// Ends the process and begins anew on the same disk.
    fn restart(&mut self) {
        self.watch = None;
        self.board = Arc::default();
        self.sources = Arc::default();
        self.world = self.world.take().map(TestStore::restart);
        self.begin();
    }

    /// Moves the clock and looks, more often than a watch needs to come round once.
    fn pass(&mut self, micros: i64) {
        self.world().clock.advance(micros.unsigned_abs());
        for _ in 0..5 {
            self.watch.as_mut().expect("a watch").tick();
        }
    }

    fn change(&self, change: ConfigChange) {
        let draft = EventDraft::internal("audit_log.changed");
        let prepared =
            self.world().store.prepare_change(change, Wanted { workspace: "_system", draft });
        self.world().store.commit(prepared).expect("recorded");
    }

    fn put(&self, name: &str, retention: &str) {
        let settings = WorkspaceSettings {
            retention: Some(retention.to_owned()),
            ..WorkspaceSettings::default()
        };
        self.change(ConfigChange::PutWorkspace { name: name.to_owned(), settings });
    }

    /// Sends an event that happened a while before the start.
    fn send(&self, workspace: &str, age: i64) {
        let event = EventBuilder::new("thing.update").occurred_at(START - age).json();
        self.world().send(workspace, &[event]).remove(0).expect("taken");
    }

    /// Returns what the log of a workspace tells of warnings: `+kind` and `-kind`, in order.
    fn told(&self, workspace: &str) -> Vec<String> {
        self.events(workspace)
            .iter()
            .map(|event| {
                let sign = if event["action"] == RAISED { "+" } else { "-" };
                format!("{sign}{}", event["metadata"]["kind"].as_str().expect("a kind"))
            })
            .collect()
    }

    fn events(&self, workspace: &str) -> Vec<Value> {
        use proofbook_query::{Budget, Reader};
        let store = &self.world().store;
        let Some(reader) = Reader::open(store, workspace) else { return Vec::new() };
        let context = ResolveContext { now: store.now(), zone: TimeZone::UTC };
        let text = format!("action:{RAISED} OR action:{OVER}");
        let filter = Filter::parse(&text).expect("a filter").resolve(&context);
        let found = reader.after_seq(&filter, None, 100, &Budget::unlimited()).expect("read");
        let json = |found: &proofbook_query::Found| {
            let text = found.event().expect("an event").to_json(None).to_string();
            serde_json::from_str(&text).expect("JSON")
        };
        found.iter().map(json).collect()
    }
}

#[test]
fn p6_who_has_no_export_is_told_a_week_and_a_day_before_the_first_event_ends() {
    let mut watched = Watched::start(1);
    watched.put("acme", "30d");
    // Ends 30 days after it happened: in ten days, and the second one a day later.
    watched.send("acme", 20 * DAY);
    watched.send("acme", 19 * DAY);
    watched.pass(SECOND);
    watched.pass(3 * DAY - 2 * SECOND);
    assert_eq!(watched.told("acme"), [""; 0], "a second before the week");
    watched.pass(10 * 60 * SECOND);
    assert_eq!(watched.told("acme"), ["+expiring_7d"]);
    let told = &watched.events("acme")[0];
    assert_eq!(told["metadata"]["count"], 1);
    assert_eq!(told["metadata"]["first_at"], "2026-11-02T00:00:00.000000Z");
    assert_eq!(told["metadata"]["ends_at"], "2026-12-02T00:00:00.000001Z");
    assert_eq!(told["severity"], "warning");
    let text = told["description"].as_str().expect("a sentence");
    assert!(text.contains("holds: 1, the first at 2026-12-02"), "{text}");
    assert!(!text.contains('{'), "every place is filled: {text}");
    for _ in 0..5 {
        watched.pass(DAY);
    }
    assert_eq!(watched.told("acme"), ["+expiring_7d"], "once");
    watched.restart();
    watched.pass(DAY - HOUR);
    assert_eq!(watched.told("acme"), ["+expiring_7d"], "also after a restart");
    watched.pass(HOUR);
    assert_eq!(watched.told("acme"), ["+expiring_7d", "+expiring_1d"]);
    watched.change(ConfigChange::Exported { workspace: "acme".to_owned(), below_seq: 2 });
    watched.pass(SECOND);
    let all = ["+expiring_7d", "+expiring_1d", "-expiring_7d", "-expiring_1d"];
    assert_eq!(watched.told("acme"), all, "an export is noticed at once");
    watched.pass(3 * DAY);
    assert_eq!(watched.told("acme"), all);
}

#[test]
fn p6_only_what_an_export_left_out_is_told_and_a_hold_keeps() {
    let mut watched = Watched::start(2);
    for name in ["exported", "held", "unlimited", "short", "longer"] {
        watched.put(name, if name == "unlimited" { "unlimited" } else { "30d" });
        watched.send(name, 24 * DAY);
    }
    watched.put("short", "7d");
    watched.change(ConfigChange::Exported { workspace: "exported".to_owned(), below_seq: 1 });
    watched.change(ConfigChange::PutHold {
        hold: Hold {
            id: "h_1".to_owned(),
            workspace: "held".to_owned(),
            filter: String::new(),
            reason: "case".to_owned(),
            owner: "Legal".to_owned(),
            placed_at: START,
        },
    });
    watched.pass(SECOND);
    for name in ["exported", "held", "unlimited", "short"] {
        assert_eq!(watched.told(name), [""; 0], "{name}");
    }
    assert_eq!(watched.told("longer"), ["+expiring_7d"]);
    watched.put("longer", "90d");
    watched.pass(HOUR);
    assert_eq!(watched.told("longer"), ["+expiring_7d", "-expiring_7d"], "it is kept longer now");
    watched.change(ConfigChange::LiftHold { id: "h_1".to_owned(), workspace: "held".to_owned() });
    watched.pass(HOUR);
    assert_eq!(watched.told("held"), ["+expiring_7d"], "no hold keeps it any more");
    watched.send("exported", 23 * DAY);
    watched.pass(HOUR);
    assert_eq!(watched.told("exported"), ["+expiring_7d"], "the export was before this event");
}

fn destination(id: &str, workspaces: &[&str]) -> Destination {
    Destination {
        id: id.to_owned(),
        name: format!("The {id}"),
        kind: WEBHOOK.to_owned(),
        workspaces: workspaces.iter().map(|name| (*name).to_owned()).collect(),
        filter: String::new(),
        settings: json!({"url": "https://hooks.example", "format": "native"}),
        sealed: None,
        created_at: 0,
        paused_at: None,
        starts: std::collections::BTreeMap::new(),
    }
}

#[test]
fn p6_a_destination_that_fails_for_half_an_hour_is_told_and_so_is_its_recovery() {
    let mut watched = Watched::start(3);
    watched.send("acme", 0);
    watched.send("other", 0);
    for (id, workspaces) in [("dst_own", ["acme"]), ("dst_all", ["*"]), ("dst_other", ["other"])] {
        let destination = Box::new(destination(id, &workspaces));
        watched.change(ConfigChange::PutDestination { destination });
    }
    let fails = |watched: &Watched, id: &str| {
        let now = watched.world().store.now().micros();
        watched.board.health(id, |health| {
            health.failing_since.get_or_insert(now);
            let why =
                if id == "dst_own" { "answered 503" } else { "cannot connect to 10.1.2.3:443" };
            health.last_error = Some((now, why.to_owned()));
        });
    };
    fails(&watched, "dst_own");
    fails(&watched, "dst_all");
    fails(&watched, "dst_other");
    watched.pass(30 * 60 * SECOND - 1);
    assert_eq!(watched.told("acme"), [""; 0]);
    watched.pass(1);
    assert_eq!(watched.told("acme"), ["+destination_failing"]);
    assert_eq!(watched.told("_system"), ["+destination_failing"], "everybody's is the operator's");
    let told = &watched.events("acme")[0];
    assert_eq!(told["metadata"]["destination"], "dst_own");
    assert!(told["description"].as_str().is_some_and(|text| text.contains("answered 503")));
    let of_network =
        |workspace: &str| watched.events(workspace)[0].to_string().contains("10.1.2.3");
    assert!(of_network("_system") && !of_network("other"), "our network is nobody else's business");
    watched.restart();
    watched.pass(HOUR);
    assert_eq!(watched.told("acme"), ["+destination_failing"], "nothing was taken yet");
    let now = watched.world().store.now().micros();
    watched.board.health("dst_own", |health| health.sent_at = Some(now));
    watched.change(ConfigChange::RemoveDestination { id: "dst_all".to_owned() });
    watched.pass(SECOND);
    let both = ["+destination_failing", "-destination_failing"];
    assert_eq!(watched.told("acme"), both, "it took something");
    assert_eq!(watched.told("_system"), both, "it is no more");
    watched.pass(DAY);
    assert_eq!(watched.told("acme"), both);
}

#[test]
fn p6_a_day_without_events_after_a_week_with_some_every_day_is_told() {
    let mut watched = Watched::start(4);
    for day in 0..7 {
        watched.send("daily", day * DAY + HOUR);
        if day != 3 {
            watched.send("irregular", day * DAY + HOUR);
        }
    }
    watched.pass(22 * HOUR);
    assert_eq!(watched.told("daily"), [""; 0], "the last one is 23 hours old");
    watched.pass(HOUR);
    assert_eq!(watched.told("daily"), ["+no_events"]);
    let told = &watched.events("daily")[0];
    assert_eq!(told["metadata"]["last_at"], "2026-11-21T23:00:00.000000Z");
    watched.pass(DAY);
    watched.restart();
    watched.pass(2 * HOUR);
    assert_eq!(watched.told("daily"), ["+no_events"], "once, and its own event is no sign of life");
    assert_eq!(watched.told("irregular"), [""; 0]);
    watched.send("daily", -49 * HOUR);
    watched.pass(60 * SECOND);
    assert_eq!(watched.told("daily"), ["+no_events", "-no_events"]);
}

#[test]
fn p6_numbers_of_a_producer_missing_for_five_minutes_are_told_and_their_arrival() {
    let mut watched = Watched::start(5);
    let number = |watched: &Watched, numbers: &[u64]| {
        let mut heard = Vec::new();
        for seq in numbers {
            let source = json!({"name": "billing", "instance": "a", "seq": seq});
            let event = EventBuilder::new("thing.update").field("source", source).json();
            let receipt = watched.world().send("acme", &[event]).remove(0).expect("taken");
            let proofbook_store::fold::Outcome::Created { seq: event, .. } = receipt.outcome else {
                panic!("{receipt:?}")
            };
            heard.push(Heard {
                workspace: "acme".to_owned(),
                source: "billing".to_owned(),
                instance: "a".to_owned(),
                numbers: vec![(*seq, true)],
                first_event: event,
                at: watched.world().store.now().micros(),
            });
        }
        watched.sources.hear(heard);
    };
    number(&watched, &[7, 8, 12, 10]);
    watched.pass(SECOND);
    watched.pass(5 * 60 * SECOND - SECOND - 1);
    assert_eq!(watched.told("acme"), [""; 0]);
    number(&watched, &[9]);
    watched.pass(1);
    assert_eq!(watched.told("acme"), ["+source_gap"]);
    let told = &watched.events("acme")[0];
    assert_eq!(told["metadata"]["missing"], json!([[11, 11]]), "nine and ten came");
    assert_eq!(told["metadata"]["source"], "billing");
    watched.restart();
    watched.pass(HOUR);
    assert_eq!(watched.told("acme"), ["+source_gap"]);
    number(&watched, &[11]);
    watched.pass(SECOND);
    assert_eq!(watched.told("acme"), ["+source_gap", "-source_gap"]);
    // What nobody saw of a process that ended shows in the log, or with the next number.
    number(&watched, &[13, 15]);
    watched.restart();
    number(&watched, &[17]);
    watched.pass(SECOND);
    watched.pass(5 * 60 * SECOND);
    let told = watched.events("acme");
    assert_eq!(told.len(), 3);
    assert_eq!(told[2]["metadata"]["missing"], json!([[14, 14], [16, 16]]));
}

#[test]
fn p6_one_look_does_little_however_many_workspaces_there_are() {
    let mut watched = Watched::start(6);
    for number in 0..200 {
        let name = format!("ws-{number}");
        watched.put(&name, "30d");
        watched.send(&name, 29 * DAY + HOUR);
    }
    let watch = watched.watch.as_mut().expect("a watch");
    let mut told = Vec::new();
    for _ in 0..20 {
        told.push(watch.tick());
    }
    assert!(told.iter().all(|told| *told <= TOLD_PER_TICK_MAX), "{told:?}");
    watched.pass(11 * 60 * SECOND);
    watched.pass(SECOND);
    watched.pass(SECOND);
    for number in 0..200 {
        assert_eq!(watched.told(&format!("ws-{number}")), ["+expiring_1d"], "{number}");
    }
}

#[test]
fn p6_every_kind_has_words_in_both_languages() {
    for tongue in [Tongue::English, Tongue::German] {
        for (word, kind) in Kind::ALL {
            assert_eq!(Kind::parse(word), Some(kind));
            for is_over in [false, true] {
                assert!(!title(kind, is_over, tongue).is_empty(), "{word}");
                let text = sentence(kind, is_over, &json!({}), tongue, &TimeZone::UTC);
                assert!(!text.is_empty(), "{word}");
            }
        }
        assert_eq!(tongue.words().warnings.len(), Kind::ALL.len());
    }
    assert_eq!(Kind::parse("weather"), None);
}
