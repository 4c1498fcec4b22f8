//! What a look at one segment chooses; whole purges are tested from outside (`tests/it/p1_purge.rs`).

use std::sync::{Arc, Mutex};

use super::*;
use crate::clock::SimClock;
use crate::commit::{Batch, Committer};
use crate::config::{ConfigChange, Hold, WorkspaceSettings};
use crate::disk::SimDisk;
use crate::open::{Machine, Opened, Options, open};
use crate::random::SimRandom;

const START: i64 = 1_800_000_000_000_000;
const DAY: i64 = 86_400_000_000;

fn commit(committer: &mut Committer, prepared: Prepared) {
    let Prepared { records, events, record_count, wanted, hits, sealed, pack_epoch, .. } = prepared;
    let answer = Arc::new(Mutex::new(None));
    let slot = answer.clone();
    let reply = Box::new(move |outcomes| *slot.lock().expect("no holder panics") = Some(outcomes));
    let (heads, outcome_lists) = (Vec::new(), 1);
    let batch = Batch {
        records,
        events,
        record_count,
        wanted,
        hits,
        sealed,
        heads,
        pack_epoch,
        outcome_lists,
        reply,
    };
    committer.commit(vec![batch]).expect("it is committed");
    let answer = answer.lock().expect("no holder panics").take();
    answer.expect("an answer").expect("it is recorded");
}

#[test]
fn p2_held_rows_do_not_take_the_room_of_those_behind_them() {
    let machine = Machine {
        disk: Arc::new(SimDisk::new(1)),
        clock: Arc::new(SimClock::new(START)),
        random: Arc::new(SimRandom::new(1)),
    };
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let Opened { mut committer, mut packer, preparer, published, .. } =
        open(&machine, options).expect("it opens");
    let now = Timestamp::from_micros(START);
    let settings =
        WorkspaceSettings { retention: Some("30d".to_owned()), ..WorkspaceSettings::default() };
    let hold = Hold {
        id: "h".to_owned(),
        workspace: "acme".to_owned(),
        filter: "actor.id:u_held".to_owned(),
        reason: "case 7".to_owned(),
        owner: "Legal".to_owned(),
        placed_at: START,
    };
    let name = "acme".to_owned();
    for change in [ConfigChange::PutWorkspace { name, settings }, ConfigChange::PutHold { hold }] {
        let draft = EventDraft::internal("audit_log.changed");
        let event = Wanted { workspace: "_system", draft };
        let prepared = preparer.prepare_change(&published, now, change, event);
        commit(&mut committer, prepared);
    }
    // Five old ones are held, and behind them come three that are not.
    let texts: Vec<String> = (0..8)
        .map(|number| {
            let actor = if number < 5 { "u_held" } else { "u_free" };
            let at = Timestamp::from_micros(START - 29 * DAY + number);
            format!(
                r#"{{"action":"a.b","occurred_at":"{at}","actor":{{"type":"user","id":"{actor}"}}}}"#
            )
        })
        .collect();
    let events = texts.iter().map(|text| {
        let draft = EventDraft::parse(text.as_bytes()).expect("a draft");
        Ok(Wanted { workspace: "acme", draft })
    });
    let prepared = preparer.prepare(&published, now, true, events.collect());
    commit(&mut committer, prepared);
    committer.freeze_now();
    let job = committer.take_pack_job().expect("it is frozen");
    let segment = packer.pack(&job).expect("it is packed").segment;

    let later = START + 5 * DAY;
    let uid = published.directory.by_name("acme").expect("it is there").uid;
    let range = segment.range(uid).expect("its rows");
    for (room, expected) in [(2, vec![5, 6]), (usize::MAX, vec![5, 6, 7])] {
        let mut books = Books::new(&published, &preparer, later);
        let mut rows = RowSet::new(segment.rows());
        books.choose_of(&segment, uid, &range, room, &mut rows).expect("it is read");
        let chosen: Vec<u32> = range
            .rows
            .clone()
            .filter(|row| rows.contains(*row))
            .map(|row| row - range.rows.start)
            .collect();
        assert_eq!(chosen, expected, "room for {room}");
    }
}
