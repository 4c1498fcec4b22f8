//! What is remembered of witnesses, and for how long. How they are asked is in `tests/it/cosigners.rs`.

use proofbook_ledger::SigningKey;

use super::*;

/// A policy with this many witnesses, none of which listens.
fn cosigners(count: u8) -> Cosigners {
    let mut policy = String::new();
    for number in 0..count {
        let key = SigningKey::cosigner_from_seed(&format!("w{number}.example"), &[number; 32]);
        let vkey = key.expect("a key").verifier().to_string();
        policy.push_str(&format!("witness w{number} {vkey} http://127.0.0.1:1\n"));
    }
    Cosigners::new(format!("{policy}quorum none\n").as_bytes()).expect("a policy")
}

fn head(origin: &str, size: u64) -> Checkpoint {
    Checkpoint { origin: origin.to_owned(), size, root: proofbook_ledger::EMPTY_ROOT }
}

#[tokio::test(start_paused = true)]
async fn b5_a_witness_that_failed_is_left_alone_and_then_tried_by_one() {
    let cosigners = cosigners(1);
    let witness = &cosigners.witnesses[0];
    assert!(witness.is_awake() && witness.is_awake());
    witness.heard(Some(&Failure::Late));
    assert!(!witness.is_awake());
    tokio::time::advance(PAUSE - Duration::from_millis(1)).await;
    assert!(!witness.is_awake());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(witness.is_awake(), "one tries");
    assert!(!witness.is_awake(), "the others wait for what he finds");
    tokio::time::advance(PAUSE).await;
    assert!(witness.is_awake(), "he was never heard of again, and another one tries");
    witness.heard(Some(&Failure::Overtaken));
    assert!(!witness.is_awake(), "that was no word of his");
    witness.heard(Some(&Failure::Refused { status: 404 }));
    assert!(witness.is_awake() && witness.is_awake(), "he is there, though not for this log");
    witness.heard(Some(&Failure::Refused { status: 503 }));
    assert!(!witness.is_awake());
    witness.heard(None);
    assert!(witness.is_awake() && witness.is_awake());
}

#[tokio::test(start_paused = true)]
async fn b5_a_head_is_carried_to_whom_it_lacks_from_where_he_is() {
    let place = Place::default();
    let due = |head: &Checkpoint| place.turn_to(head, 7, 3);
    let (first, second) = (head("log", 5), head("log", 8));
    assert_eq!(due(&first), [(0, 0), (1, 0), (2, 0)]);
    let cosigned = |size, line: &str| {
        let line = Some(line.to_owned());
        move |standing: &mut Standing| {
            *standing = Standing { size, line, published_at: 7, rests_until: None }
        }
    };
    place.remember(&first.text(), 1, cosigned(5, "one"));
    let refused = |standing: &mut Standing| standing.rests_until = Some(Instant::now() + PAUSE);
    place.remember(&first.text(), 2, refused);
    assert_eq!(due(&first), [(0, 0)], "one has it, one refused it");
    assert_eq!(place.lines(&first.text()), ["one"]);
    // Published anew, a day later and not grown: asked anew, and the old line does meanwhile.
    assert_eq!(place.turn_to(&first, 8, 3), [(0, 0), (1, 5)]);
    assert_eq!(place.lines(&first.text()), ["one"]);
    // Grown.
    assert_eq!(due(&second), [(0, 0), (1, 5)]);
    assert!(place.lines(&second.text()).is_empty(), "the line was over the older head");
    assert!(place.lines(&first.text()).is_empty());
    place.remember(&first.text(), 0, cosigned(5, "late"));
    assert!(place.lines(&second.text()).is_empty(), "what comes late is of no use");
    tokio::time::advance(PAUSE).await;
    assert_eq!(due(&second), [(0, 0), (1, 5), (2, 0)]);
    // Another origin is another log, of which nobody knows a size.
    assert_eq!(due(&head("log/e2", 8)), [(0, 0), (1, 0), (2, 0)]);
    // A head older than what he cosigned is not carried.
    place.remember(&head("log/e2", 8).text(), 0, cosigned(8, "two"));
    assert_eq!(due(&head("log/e2", 7)), [(1, 0), (2, 0)]);
}

#[test]
fn i10_what_is_kept_of_workspaces_is_bounded_and_the_last_read_stay() {
    let uid = |number: u32| WorkspaceUid(u128::from(number).to_be_bytes());
    let mut kept = Kept::default();
    let first = kept.place(uid(0));
    let second = kept.place(uid(1));
    for number in 2..HEADS_MAX as u32 {
        kept.place(uid(number));
    }
    assert!(Arc::ptr_eq(&kept.place(uid(0)), &first), "all fit");
    kept.place(uid(u32::MAX));
    assert_eq!(kept.by_workspace.len(), HEADS_MAX);
    assert!(Arc::ptr_eq(&kept.place(uid(0)), &first), "it was read lately");
    assert!(!Arc::ptr_eq(&kept.place(uid(1)), &second), "this one was read longest ago");
    assert_eq!(kept.by_workspace.len(), HEADS_MAX);
}

#[test]
fn b5_a_policy_has_a_witness_to_call_and_not_too_many() {
    let count = |count: u8| std::panic::catch_unwind(|| cosigners(count)).is_ok();
    assert!(count(1) && count(WITNESSES_MAX as u8));
    assert!(!count(0) && !count(WITNESSES_MAX as u8 + 1));
}

#[test]
fn b5_what_failed_is_blamed_on_whom_it_concerns() {
    let rows = [
        (Failure::Late, true, false),
        (Failure::Overtaken, false, false),
        (Failure::Refused { status: 503 }, true, false),
        (Failure::Refused { status: 429 }, true, false),
        (Failure::Refused { status: 404 }, false, true),
        (Failure::Refused { status: 302 }, false, true),
        (Failure::Invalid, false, true),
        (Failure::Forked, false, true),
        (Failure::Ahead { size: 2, published: 1 }, false, true),
    ];
    for (failure, witness, log) in rows {
        let found = (failure.is_about_the_witness(), failure.is_about_the_log());
        assert_eq!(found, (witness, log), "{failure}");
        assert!(failure.outcome() != Outcome::Cosigned);
    }
    assert_eq!(OUTCOMES[Outcome::PutOff as usize], "put_off", "the last of the enum");
}
