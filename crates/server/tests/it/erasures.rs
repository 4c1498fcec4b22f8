//! B6: erasure over HTTP, as an operator asks for it and an auditor sees it afterwards.

use std::sync::Arc;

use proofbook_event::EventDraft;
use proofbook_ledger::bundle::{Report, Status, Verdict};
use proofbook_server::erase_again;
use proofbook_store::clock::SimClock;
use proofbook_store::config::{ConfigChange, Erasure};
use proofbook_store::disk::SimDisk;
use proofbook_store::disk::sim::CrashMode;
use proofbook_store::erase::targets_of;
use proofbook_store::open::{Machine, Options};
use proofbook_store::prepare::Wanted;
use proofbook_store::random::SimRandom;
use proofbook_store::segment::{GroupSet, SegmentError};
use proofbook_store::signing::Signer;
use proofbook_store::store::Store;
use serde_json::{Value, json};

use crate::bundles::{bundle, key_and_head, report};
use crate::world::{NOW, PATIENCE, World};

const ADA: &str = "ada.erased@acme.example";

fn record(world: &World, event: &Value) -> Value {
    let answer = world.post("/v1/workspaces/acme/events", &event.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["results"][0].clone()
}

/// What Ada did, what was done to her, what names her, and what has nothing to do with her.
fn story(world: &World) -> Vec<Value> {
    let ada = json!({"type": "user", "id": "u_7", "name": "Ada Erased", "email": ADA});
    let bo = json!({"type": "user", "id": "u_8", "name": "Bo Kept", "email": "bo@acme.example"});
    let events = [
        json!({"id": "e0", "action": "user.login", "actor": ada, "context": {"ip": "203.0.113.77"}}),
        json!({"id": "e1", "action": "user.invite", "actor": bo, "context": {"ip": "203.0.113.8"},
               "targets": [{"type": "user", "id": "u_7", "name": "Ada Erased"}]}),
        json!({"id": "e2", "action": "note.create", "actor": bo,
               "metadata": {"cc": format!("Ada <{}>", ADA.to_uppercase())}}),
        json!({"id": "e3", "action": "note.create", "actor": bo, "metadata": {"cc": "nobody"}}),
        json!({"id": "e4", "action": "note.delete", "actor": bo,
               "on_behalf_of": {"type": "user", "id": "u_7"}, "context": {"ip": "203.0.113.8"}}),
    ];
    events.iter().map(|event| record(world, event)).collect()
}

fn order(more: Value) -> String {
    let mut order = json!({
        "workspace": "acme",
        "ground": "GDPR Art. 17(1)(b)",
        "person": {"id": "u_7", "email": ADA, "name": "Ada Erased"},
    });
    for (key, value) in more.as_object().expect("an object") {
        order[key] = value.clone();
    }
    order.to_string()
}

fn complete(world: &World, id: &str) -> Value {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let erasure = world.get(&format!("/v1/erasures/{id}")).json();
        if erasure["state"] == "complete" {
            return erasure;
        }
        assert!(std::time::Instant::now() < until, "{erasure}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn erase(world: &World, order: &str) -> Value {
    let answer = world.post("/v1/erasures", order);
    assert_eq!(answer.status, 202, "{}", answer.text());
    complete(world, answer.json()["id"].as_str().expect("an id"))
}

#[test]
fn b6_a_dry_run_says_what_would_go_and_changes_nothing() {
    let world = World::start();
    story(&world);
    let would = world.post("/v1/erasures", &order(json!({"dry_run": true}))).json();
    assert_eq!(would["events"], 4, "{would}");
    assert_eq!(would["sample"], json!([0, 1, 2, 4]));
    assert_eq!(
        would["groups"],
        json!({"/actor": 2, "/context": 2, "/description": 3, "/metadata": 1, "/targets": 1})
    );
    assert_eq!((&would["held"], &would["remaining"]), (&json!([]), &json!(0)));
    let list = world.get("/v1/erasures").json();
    assert_eq!(list["data"], json!([]));
    let none = order(json!({"person": {"email": "nobody@acme.example"}}));
    world.post("/v1/erasures", &none).problem(404, "not_found");
    // A window of time narrows it.
    let early = order(json!({"dry_run": true, "occurred_to": "2020-01-01T00:00:00Z"}));
    assert_eq!(world.post("/v1/erasures", &early).json()["events"], 0);
}

#[test]
fn b6_what_a_person_left_is_found_nowhere_and_everything_else_stays() {
    let world = World::start();
    let receipts = story(&world);
    let before = world.get("/v1/workspaces/acme/events?sort=oldest").json();
    let erasure = erase(&world, &order(json!({})));
    assert_eq!((&erasure["events"], &erasure["values"]), (&json!(4), &json!(9)), "{erasure}");
    let by = erasure["recorded_by"][0].as_u64().expect("a number");
    for (q, total) in [(ADA, 0), ("Erased", 0), ("203.0.113.77", 0), ("nobody", 1), ("Kept", 3)] {
        let path = format!("/v1/workspaces/acme/events?q=%22{}%22", q.replace('@', "%40"));
        assert_eq!(world.get(&path).json()["total"], total, "{q}");
    }
    let after = world.get("/v1/workspaces/acme/events?sort=oldest").json();
    assert_eq!(after["total"], 5);
    let text = after.to_string().to_lowercase();
    assert!(!text.contains("ada ") && !text.contains("ada.") && !text.contains("u_7"), "{text}");
    assert_eq!(after["data"][3], before["data"][3], "what is not hers is as it was");
    for (seq, receipt) in receipts.iter().enumerate() {
        assert_eq!(after["data"][seq]["leaf"], receipt["leaf"], "event {seq}");
        assert_eq!(after["data"][seq]["id"], receipt["id"], "event {seq}");
    }
    let gone = json!({"/actor": by, "/context": by, "/description": by});
    assert_eq!(after["data"][0]["erased"], gone);
    assert_eq!(after["data"][2]["erased"], json!({"/metadata": by}));
    assert_eq!(after["data"][3]["erased"], Value::Null);
    // The log's own word on it says how much and why, and not of whom.
    let said = world.get("/v1/workspaces/acme/events?q=action:audit_log.erased").json();
    let metadata = &said["data"][0]["metadata"];
    assert_eq!((&said["data"][0]["seq"], &metadata["count"]), (&json!(by), &json!(4)));
    assert_eq!(metadata["ground"], "GDPR Art. 17(1)(b)");
    let acts = world.get("/v1/workspaces/_system/events?q=action:audit_log.erasure*&sort=seq");
    let text = acts.text().to_lowercase();
    assert!(text.contains("erasure_requested") && text.contains("erasure_completed"), "{text}");
    assert!(!text.contains("ada ") && !text.contains("ada.") && !text.contains("u_7"), "{text}");
    // Every way to read still reads.
    for path in [
        "facets?field=actor",
        "facets?field=ip",
        "histogram?interval=hour",
        "events/e0",
        "events/e0/context",
        "events/seq/4",
        "export?format=csv",
        "export?format=ndjson",
        "export?format=parquet",
        "viewer",
        "log/openings",
    ] {
        let answer = world.get(&format!("/v1/workspaces/acme/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(!String::from_utf8_lossy(&answer.body).contains(ADA), "{path}");
    }
    // The same event again is known, and does not come back.
    let again = json!({"id": "e0", "action": "user.login", "context": {"ip": "203.0.113.77"},
        "actor": {"type": "user", "id": "u_7", "name": "Ada Erased", "email": ADA}});
    let answer = world.post("/v1/workspaces/acme/events", &again.to_string());
    assert_eq!(answer.json()["results"][0]["status"], "duplicate", "{}", answer.text());
    assert_eq!(world.get("/v1/workspaces/acme/events").json()["total"], 5);
}

fn erased_check(report: &Report) -> (Status, String) {
    let check = report.check("erased").expect("something was erased");
    (check.status, check.detail.clone())
}

#[test]
fn b6_every_bundle_says_erased_by_which_leaf_and_verifies() {
    let world = World::start();
    story(&world);
    for n in 0..300 {
        let actor = json!({"type": "user", "id": format!("v{n}")});
        record(&world, &json!({"action": "note.create", "actor": actor}));
    }
    let (key, old) = key_and_head(&world);
    let early = bundle(&world, "");
    let erasure = erase(&world, &order(json!({})));
    let by = erasure["recorded_by"][0].as_u64().expect("a number");
    assert!(by > 300, "not among the events of the range");
    world.clock.advance(60_000_000);
    let cases = ["", "?from_seq=0&to_seq=5", "?q=seq:0..4"];
    for query in cases {
        let files = bundle(&world, query);
        let report = report(&files, &key, &old);
        assert_eq!(report.verdict(), Verdict::Ok, "{query}: {report:#?}");
        let (status, detail) = erased_check(&report);
        assert_eq!(status, Status::Notice);
        assert!(detail.ends_with(&format!("erased by leaf {by}")), "{query}: {detail}");
        let texts = files.0.values().map(|bytes| String::from_utf8_lossy(bytes).to_lowercase());
        assert!(texts.into_iter().all(|text| !text.contains("ada.erased")), "{query}");
    }
    // What was given out before still verifies.
    assert_eq!(report(&early, &key, &old).verdict(), Verdict::Ok);
    let proof = world.get("/v1/workspaces/acme/events/seq/0/proof");
    assert_eq!(proof.status, 200, "{}", proof.text());
    let opened = world.get("/v1/workspaces/acme/events/seq/0/leaf").json();
    assert_eq!(opened["erased"]["/actor"], by);
    let pointers: Vec<&Value> =
        opened["openings"].as_array().expect("openings").iter().map(|o| &o["pointer"]).collect();
    assert_eq!(pointers, [&json!("/id")]);
}

#[test]
fn b6_a_hold_refuses_an_erasure() {
    let world = World::start();
    story(&world);
    let hold = json!({"workspace": "acme", "filter": "actor.id:u_7", "reason": "case 7",
        "owner": "Legal"});
    let hold = world.post("/v1/holds", &hold.to_string()).json();
    assert_eq!(
        world.post("/v1/erasures", &order(json!({"dry_run": true}))).json()["held"],
        json!([0])
    );
    world.post("/v1/erasures", &order(json!({}))).problem(409, "held");
    let path = format!("/v1/holds/{}", hold["id"].as_str().expect("an id"));
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    erase(&world, &order(json!({})));
}

#[test]
fn b6_a_second_person_approves_and_the_same_one_twice_is_refused() {
    let world = World::with(&[("erase_needs_second", "true")]);
    story(&world);
    let asked = world.post("/v1/erasures", &order(json!({}))).json();
    assert_eq!(asked["state"], "waiting_for_second_person");
    let path = format!("/v1/erasures/{}", asked["id"].as_str().expect("an id"));
    let approve = format!("{path}/approve");
    world.post(&approve, "").problem(403, "forbidden");
    let key = json!({"name": "second", "scopes": ["admin"], "workspaces": ["*"]});
    let second = world.post("/v1/keys", &key.to_string()).json();
    let second = second["key"].as_str().expect("a key").to_owned();
    let approved = world.send("POST", &approve, &second, "");
    assert_eq!(approved.status, 200, "{}", approved.text());
    complete(&world, asked["id"].as_str().expect("an id"));
    // What has begun cannot be withdrawn; what waits can.
    world.send("DELETE", &path, &world.admin, "").problem(410, "gone");
    let named = json!({"workspace": "acme", "ground": "a mistake", "events": [{"id": "e3"}]});
    let other = world.post("/v1/erasures", &named.to_string()).json();
    let path = format!("/v1/erasures/{}", other["id"].as_str().expect("an id"));
    assert_eq!(world.send("DELETE", &path, &world.admin, "").status, 200);
    world.get(&path).problem(404, "not_found");
}

#[test]
fn b6_named_groups_of_named_events_go_and_nothing_else() {
    let world = World::start();
    story(&world);
    let named = json!({"workspace": "acme", "ground": "a mistake", "events": [
        {"id": "e3", "groups": ["metadata"]}, {"seq": 1, "groups": ["/context", "/targets"]}]});
    erase(&world, &named.to_string());
    let list = world.get("/v1/workspaces/acme/events?sort=oldest").json();
    assert_eq!(list["data"][3]["metadata"], Value::Null);
    assert_eq!(list["data"][3]["actor"]["id"], "u_8");
    assert_eq!(
        (&list["data"][1]["targets"], &list["data"][1]["context"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(list["data"][0]["actor"]["id"], "u_7");
    let unknown = json!({"workspace": "acme", "ground": "x", "events": [{"id": "e9"}]});
    world.post("/v1/erasures", &unknown.to_string()).problem(404, "not_found");
    for (wrong, code) in [
        (json!({"workspace": "acme", "ground": "x"}), "missing"),
        (json!({"workspace": "acme", "events": [{"id": "e1"}]}), "missing"),
        (json!({"workspace": "acme", "ground": "x", "events": [{}]}), "invalid"),
        (
            json!({"workspace": "acme", "ground": "x", "events": [{"id": "e1", "group": []}]}),
            "unknown_field",
        ),
        (
            json!({"workspace": "acme", "ground": "x", "events": [{"id": "e1", "groups": ["ip"]}]}),
            "invalid",
        ),
        (json!({"workspace": "acme", "ground": "x", "person": {"id": "7"}}), "invalid"),
        (json!({"workspace": "nowhere", "ground": "x", "person": {"id": "u_7"}}), "invalid"),
    ] {
        world.post("/v1/erasures", &wrong.to_string()).problem(400, code);
    }
}

#[test]
fn b6_the_time_in_which_it_ends_is_stated() {
    let world = World::with(&[("erase_within", "2h"), ("erase_needs_second", "true")]);
    story(&world);
    let asked = world.post("/v1/erasures", &order(json!({}))).json();
    assert_eq!(asked["due_at"], Value::Null, "it has not begun");
    let world = World::with(&[("erase_within", "2h")]);
    story(&world);
    let begun = world.post("/v1/erasures", &order(json!({}))).json();
    assert_eq!(begun["due_at"], "2026-11-22T11:30:00.000000Z");
    assert_eq!(world.get("/v1/erasures").json()["overdue"], 0);
    assert_eq!(NOW, 1_795_339_800_000_000);
}

#[test]
fn b6_an_erasure_that_is_late_is_counted_as_overdue() {
    let world = World::with(&[("erase_within", "2h")]);
    story(&world);
    let figure = |state: &str| {
        let line = format!("proofbook_erasures{{state=\"{state}\"}} ");
        let text = world.get("/metrics").text();
        let found = text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {line} in {text}"))
    };
    assert_eq!((figure("overdue"), figure("running")), ("0".to_owned(), "0".to_owned()));
    // What a hold keeps cannot be asked for; a hold that came right behind the request makes it wait.
    let hold = json!({"workspace": "acme", "filter": "", "reason": "case 7", "owner": "Legal"});
    assert!(world.post("/v1/holds", &hold.to_string()).status < 300);
    let erasure = Erasure {
        id: 7,
        workspace: "acme".to_owned(),
        ground: "Art. 17".to_owned(),
        requested_by: "key_a".to_owned(),
        requested_at: NOW,
        needs_second: false,
        approved_by: None,
        begun_at: Some(NOW),
        within_micros: 2 * 3_600_000_000,
        targets: targets_of([(0, GroupSet::ALL)]),
        event_count: 1,
        value_count: 4,
        leaves: Vec::new(),
        completed_at: None,
        aside: Vec::new(),
    };
    let change = ConfigChange::PutErasure { erasure: Box::new(erasure) };
    let draft = EventDraft::parse(br#"{"action": "probe.erasure"}"#).expect("an event");
    let wanted = Wanted { workspace: "_system", draft };
    world.store.commit(world.store.prepare_change(change, wanted)).expect("recorded");
    let state = || world.get("/v1/erasures/erasure_0000000000000007").json()["state"].clone();
    assert_eq!((state(), figure("running")), (json!("running"), "1".to_owned()));
    world.clock.advance(3 * 3_600_000_000);
    assert_eq!((state(), figure("overdue")), (json!("overdue"), "1".to_owned()));
    assert_eq!(world.get("/v1/erasures").json()["overdue"], 1);
}

/// Returns how many packed events hold a text.
fn packed_with(store: &Store, text: &str) -> usize {
    let mut count = 0;
    for segment in store.view().segments.iter() {
        segment
            .for_each_row(GroupSet::ALL, |row| {
                let mut groups = row.groups.present();
                let holds = groups.any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text));
                count += usize::from(holds);
                Ok::<_, SegmentError>(())
            })
            .expect("reads");
    }
    count
}

#[test]
fn b6_data_that_is_put_back_from_before_an_erasure_loses_the_same_again() {
    let world = World::start();
    story(&world);
    let copy = world.disk.after_crash(CrashMode::KeepAll, 7);
    // After the copy the log goes on, so it has other events under the numbers behind.
    let erasure = erase(&world, &order(json!({})));
    let clock = SimClock::new(NOW + 3_600_000_000);
    let machine = Machine {
        disk: Arc::new(copy),
        clock: Arc::new(clock),
        random: Arc::new(SimRandom::new(9)),
    };
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let store = Store::start(&machine, options, Box::new(|_| {})).expect("the store starts");
    assert_eq!(erase_again(&store, &world.signer).expect("it is remembered"), 1);
    assert_eq!(erase_again(&store, &world.signer).expect("it is known now"), 0);
    let until = std::time::Instant::now() + PATIENCE;
    while !store.view().config.erasures.values().all(|one| one.completed_at.is_some()) {
        assert!(std::time::Instant::now() < until);
        store.tend_soon();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let view = store.view();
    let again = view.config.erasures.values().next().expect("one");
    assert_eq!(proofbook_store::erase::name_of(again.id), erasure["id"].as_str().expect("an id"));
    assert_eq!((packed_with(&store, ADA), packed_with(&store, "Ada Erased")), (0, 0));
    assert!(packed_with(&store, "Bo Kept") > 0);
    store.stop();
}

/// Dies between the record of an erasure and its memory, after which the erasure is complete before anybody
/// looks: the start that finds it remembers it all the same, from what is left of the events.
#[test]
fn b6_a_complete_erasure_that_nobody_remembered_is_remembered_at_the_next_start() {
    let world = World::start();
    story(&world);
    let copy = world.disk.after_crash(CrashMode::KeepAll, 8);
    erase(&world, &order(json!({})));
    let uid = world.store.uid();
    let disk = Arc::new(SimDisk::new(3));
    let forgetful = Signer::open(disk, &SimRandom::new(3), uid, None);
    let forgetful = forgetful.expect("a signing directory of its own");
    assert!(forgetful.erasures().expect("reads").is_empty());
    let start = |disk: SimDisk, seed: u64| {
        let machine = Machine {
            disk: Arc::new(disk),
            clock: Arc::new(SimClock::new(NOW + 3_600_000_000)),
            random: Arc::new(SimRandom::new(seed)),
        };
        let options = Options { reserve_bytes: 0, ..Options::default() };
        Store::start(&machine, options, Box::new(|_| {})).expect("the store starts")
    };
    let after = start(world.disk.after_crash(CrashMode::KeepAll, 9), 10);
    assert_eq!(erase_again(&after, &forgetful).expect("it is remembered"), 0);
    after.stop();
    let (here, there) = (forgetful.erasures(), world.signer.erasures());
    assert_eq!(here.expect("reads"), there.expect("reads"), "as if it had been at the time");
    // A copy from before loses the same again.
    let before = start(copy, 11);
    assert_eq!(erase_again(&before, &forgetful).expect("it is asked for"), 1);
    before.stop();
}
