//! The stories as a reader meets them: judged by their catalogs and asked with their own filters.

use proofbook_catalog::{AdmitContext, Admitted, Catalog, EventKeys, Identity, admit};
use proofbook_event::Event;
use proofbook_filter::{Filter, ResolveContext};
use proofbook_ledger::prf::{NonceKey, RunSeed, Slot, event_key, nonce};

use super::*;

/// Judges every event of a story on a plan; the refused ones as their codes.
fn judged(story: &Story, plan: &str) -> (Vec<Admitted>, Vec<&'static str>) {
    let catalog = Catalog::embedded(story.preset).unwrap();
    let kept_since = catalog.preset().retention.plans[plan].cutoff(now());
    let slot = Slot::new(1).unwrap();
    let keys = EventKeys {
        run: 1,
        slot,
        event_key: event_key(&RunSeed::from_bytes([1; 32]), slot),
        nonce: nonce(&NonceKey::from_bytes([2; 32]), slot),
    };
    let mut admitted = Vec::new();
    let mut refused = Vec::new();
    for mut draft in drafts(story) {
        let identity = Identity::take(&mut draft, b"fingerprint key!", String::new);
        let context = AdmitContext {
            catalog: &catalog,
            now: now(),
            kept_since,
            may_import: true,
            mask_key: b"masking test key",
        };
        let mut event = Admitted::blank();
        match admit(&mut draft, &identity, &context, &keys, &mut event) {
            Ok(()) => admitted.push(event),
            Err(error) => refused.push(error.code),
        }
    }
    (admitted, refused)
}

fn loaded(story: &Story) -> Vec<Admitted> {
    let (admitted, refused) = judged(story, story.plan_while_loading.unwrap_or(story.plan));
    assert!(refused.is_empty(), "{}: {refused:?}", story.workspace);
    admitted
}

fn read(admitted: &Admitted) -> Event<'_> {
    admitted.to_event("", 0, now()).unwrap()
}

#[test]
fn a10_every_event_is_taken_and_nothing_in_it_is_a_secret() {
    for story in told() {
        let admitted = loaded(story);
        assert_eq!(admitted.len(), story.events.len());
        for event in &admitted {
            assert_eq!(event.masked, 0, "{}", event.action());
        }
    }
}

#[test]
fn a10_the_plan_pro_keeps_a_year_of_the_400_days() {
    let story = &told()[4];
    let (kept, refused) = judged(story, story.plan);
    assert!(refused.iter().all(|code| *code == "outside_retention"));
    assert!((25..150).contains(&refused.len()), "{}", refused.len());
    assert_eq!(kept.len() + refused.len(), story.events.len());
}

#[test]
fn a10_every_question_has_an_answer() {
    let context = ResolveContext { now: now(), zone: jiff::tz::TimeZone::UTC };
    for story in told() {
        let admitted = loaded(story);
        for Try { question, query } in story.tries {
            let filter = Filter::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            let filter = filter.resolve(&context);
            let hits = admitted.iter().filter(|event| filter.matches(&read(event))).count();
            assert!(
                (1..=story.events.len() / 4).contains(&hits),
                "{question} {query}: {hits} hits"
            );
        }
    }
}

#[test]
fn a10_one_of_the_three_members_causes_a_mail() {
    let admitted = loaded(&told()[0]);
    let today = |event: &&Admitted| event.occurred_at.micros() > now().micros() - DAY / 4;
    let mailed: Vec<&str> =
        admitted.iter().filter(today).filter(|event| event.notify).map(Admitted::action).collect();
    assert_eq!(mailed, ["payment_method.update"]);
}

#[test]
fn a10_sentences_read_well() {
    let sentence = |story: usize, action: &str| {
        let admitted = loaded(&told()[story]);
        let last = admitted.iter().rfind(|event| event.action() == action).unwrap();
        read(last).described("description").unwrap().to_owned()
    };
    let rows = [
        (0, "product.update", "Jonas Weber updated product Five Day Reset: price 49.00 → 59.00"),
        (0, "payment_method.update", "Priya Nair updated payment methods"),
        (4, "integration.disconnect", "System disconnected Dropbox"),
        (
            3,
            "plan.downgrade",
            "Beatrix Lang downgraded the plan from Pro to Growth, 3 user licenses removed, billed annually",
        ),
    ];
    for (story, action, expected) in rows {
        let found = sentence(story, action);
        assert_eq!(found, expected);
    }
}
