//! What the clients of a life ask for: events, new and repeated, and changes of what the store is told to
//! do.

use proofbook_event::Group;
use proofbook_store::clock::Clock;
use proofbook_store::config::{ConfigChange, Erasure, Hold, Key, Scope, WorkspaceSettings};
use proofbook_store::disk::{Disk as _, join};
use proofbook_store::erase::targets_of;
use proofbook_store::fold::SeedId;
use proofbook_store::names::ASIDE_DIR;
use proofbook_store::segment::GroupSet;

use super::{Life, WORKSPACES};
use crate::traces::marker;

/// Erasures that a life has under way at once.
const ERASURES_RUNNING_MAX: usize = 3;

impl Life {
    /// Makes a request of one to five events: new ones, repeated ones, and others under known ids.
    pub(super) fn request(&mut self) -> Vec<(String, String)> {
        let count = self.dice.below(5) + 1;
        (0..count).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> (String, String) {
        let workspace = self.dice.pick(&WORKSPACES).to_owned();
        let known = self.next_id;
        let number = match self.dice.below(8) {
            0 if known > 0 => self.dice.below(known),
            _ => {
                self.next_id += 1;
                known
            }
        };
        // A known number makes the same text, unless this one is to be another event of that id.
        let other = number != known && self.dice.once_in(3);
        let mark = |group| marker(group, number);
        let text = match number % 5 {
            0 => format!(
                r#"{{"action":"note.create","metadata":{{"n":"{}"}}}}"#,
                mark(Group::Metadata)
            ),
            1 => format!(
                r#"{{"id":"e{number}","action":"project.update","actor":{{"type":"user","id":"{}"}},"before":{{"name":"Old {number}"}},"after":{{"name":"{}"}}}}"#,
                mark(Group::Actor),
                mark(Group::Changes)
            ),
            2 => format!(
                r#"{{"id":"e{number}","action":"member.add","occurred_at":"2026-11-2{}T09:30:00Z","context":{{"session_id":"{}"}}}}"#,
                number % 9,
                mark(Group::Context)
            ),
            3 => format!(
                r#"{{"id":"e{number}","action":"file.read","targets":[{{"type":"file","id":"{}","name":"{}"}}]}}"#,
                mark(Group::Targets),
                "x".repeat((number % 97) as usize)
            ),
            _ => format!(r#"{{"id":"e{number}","action":"login.fail","outcome":"failure"}}"#),
        };
        let text = if other {
            text.replacen("\"action\"", "\"reason\":\"other\",\"action\"", 1)
        } else {
            text
        };
        let marked = format!("\"description\":\"{}\",\"action\"", mark(Group::Description));
        let text = text.replacen("\"action\"", &marked, 1);
        (workspace, text)
    }

    pub(super) fn change(&mut self) -> (ConfigChange, (String, String)) {
        let number = self.dice.below(1_000);
        let workspace = self.dice.pick(&WORKSPACES).to_owned();
        let held: Vec<(String, String)> = {
            let journal = self.side.journal();
            let held = journal.model.holds.iter();
            held.map(|(id, (workspace, _))| (id.clone(), workspace.clone())).collect()
        };
        let kind = self.dice.below(20);
        if kind > 9
            && let Some(erasure) = self.erasure(&workspace)
        {
            self.tally.erasures += 1;
            if self.dice.once_in(3) {
                self.set_aside(number);
            }
            return (erasure, telling(number));
        }
        let change = match kind {
            5 if !held.is_empty() => {
                let (id, workspace) = held[self.dice.below(held.len() as u64) as usize].clone();
                ConfigChange::LiftHold { id, workspace }
            }
            5..10 => ConfigChange::PutHold {
                hold: Hold {
                    id: format!("h{number}"),
                    workspace,
                    filter: self.dice.pick(&["", "action:note.create", "action:file.read"]).into(),
                    reason: "case 7".to_owned(),
                    owner: "Legal".to_owned(),
                    placed_at: self.clock.wall_micros(),
                },
            },
            3 | 4 => ConfigChange::SigningSeed { seed: SeedId([7; 8]) },
            0 | 1 => ConfigChange::PutWorkspace {
                name: workspace,
                settings: WorkspaceSettings {
                    title: Some(format!("title {number}")),
                    retention: self.dice.pick(&[None, Some("1s"), Some("2s")]).map(str::to_owned),
                    ..WorkspaceSettings::default()
                },
            },
            _ => ConfigChange::PutKey {
                key: Key {
                    id: format!("key{}", number % 4),
                    name: format!("name {number}"),
                    secret_sha256: String::new(),
                    scopes: vec![Scope::Write],
                    workspaces: vec!["*".to_owned()],
                    created_at: self.clock.wall_micros(),
                    expires_at: None,
                    revoked_at: None,
                },
            },
        };
        (change, telling(number))
    }

    /// Leaves a file as a start sets it aside, which is rare by itself; a disk that refuses leaves none.
    fn set_aside(&self, number: u64) {
        let write = || {
            let name = format!("{number:016x}-0000-0000000000000000.torn");
            let file = self.disk.create_new(&join(ASIDE_DIR, &name))?;
            file.write_at(b"bytes of an append that did not complete", 0)?;
            file.sync_data()?;
            self.disk.sync_dir(ASIDE_DIR)
        };
        let _: std::io::Result<()> = write();
    }

    /// Asks for some values of some events of a workspace to go, or of none if there are too few.
    fn erasure(&mut self, workspace: &str) -> Option<ConfigChange> {
        let (size, running) = {
            let model = &self.side.journal().model;
            let size = model.spaces.get(workspace).map_or(0, |space| space.events.len() as u64);
            (size, model.erasures.values().filter(|erasing| !erasing.is_complete).count())
        };
        if size < 4 || running >= ERASURES_RUNNING_MAX {
            return None;
        }
        let count = self.dice.below(6) + 1;
        let events: Vec<(u64, GroupSet)> = (0..count)
            .map(|_| {
                let groups = match self.dice.below(4) {
                    0 => GroupSet::ALL,
                    1 => GroupSet::of([Group::Description]),
                    _ => GroupSet::from_bits(self.dice.below(127) as u8 + 1),
                };
                (self.dice.below(size), groups)
            })
            .collect();
        let now = self.clock.wall_micros();
        let targets = targets_of(events);
        Some(ConfigChange::PutErasure {
            erasure: Box::new(Erasure {
                id: self.dice.any() >> 11,
                workspace: workspace.to_owned(),
                ground: "Art. 17".to_owned(),
                requested_by: "key1".to_owned(),
                requested_at: now,
                needs_second: false,
                approved_by: None,
                begun_at: Some(now),
                within_micros: 0,
                event_count: targets.iter().map(|target| target.count).sum(),
                value_count: 0,
                targets,
                leaves: Vec::new(),
                completed_at: None,
                aside: Vec::new(),
            }),
        })
    }
}

/// The event that tells of a change.
fn telling(number: u64) -> (String, String) {
    let text = format!(r#"{{"action":"config.put","metadata":{{"n":{number}}}}}"#);
    ("_system".to_owned(), text)
}
