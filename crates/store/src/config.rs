//! The configuration that lives in the log: workspaces' settings, keys, catalogs.
//!
//! A change is one record together with the `_system` event that tells of it; the fold derives both.
//! Changes are rare and read by people, so they are JSON. Secrets are never in it: a key is known by
//! the hash of its secret half.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::fold::SeedId;
use crate::warned::{Warned, Warning};
use crate::withheld::ErasureStep;

/// Settings of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceSettings {
    /// What people call it; its name when absent.
    pub title: Option<String>,
    /// The preset it follows; `default` when absent.
    pub preset: Option<String>,
    /// The plan that decides its retention.
    pub plan: Option<String>,
    /// The owner's name.
    pub owner_name: Option<String>,
    /// The owner's e-mail address.
    pub owner_email: Option<String>,
    /// Base address of the product, for links.
    pub app_url: Option<String>,
    /// Where its people open the viewer.
    pub viewer_url: Option<String>,
    /// How long its events are kept, such as `90d`, whatever its plan says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// How long events of single actions are kept, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub retention_actions: BTreeMap<String, String>,
}

impl WorkspaceSettings {
    /// Tells whether other settings keep the same events as these.
    pub(crate) fn keeps_as(&self, other: &Self) -> bool {
        self.preset == other.preset
            && self.plan == other.plan
            && self.retention == other.retention
            && self.retention_actions == other.retention_actions
    }

    /// Returns the settings of a workspace of which nothing was said, one object for all of them.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<WorkspaceSettings>> = LazyLock::new(Arc::default);
        NONE.clone()
    }
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events.
    Write,
    /// Read events.
    Read,
    /// Send events of any age.
    Import,
    /// Everything, administration included.
    Admin,
}

/// A key as the store knows it; the secret itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Public half, by which it is found and listed.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What the secret is checked against: of a key, hex of SHA-256 of all of it, which is as good as
    /// the key is long; of an operator's password, an argon2id hash in the PHC string format.
    pub secret_sha256: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Workspaces it is bound to; `["*"]` for all.
    pub workspaces: Vec<String>,
    /// When it was made, microseconds UTC.
    pub created_at: i64,
    /// When it ceases to work, microseconds UTC.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// When it was revoked, microseconds UTC.
    #[serde(default)]
    pub revoked_at: Option<i64>,
}

/// Stands for the destination that every workspace has: its owner's mailbox.
pub const OWNER: &str = "owner";

/// Where events are told to on their own: a filter, a form, and a way.
///
/// The store keeps it and does not read it; `delivery` gives `kind` and `settings` their meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its id, never used again.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it is told: `webhook`, `mail`.
    pub kind: String,
    /// Workspaces whose events it is told of; `["*"]` for all.
    pub workspaces: Vec<String>,
    /// The filter that an event must pass, as it was typed.
    pub filter: String,
    /// What its kind needs to know.
    pub settings: serde_json::Value,
    /// What must not be known, sealed with the store's key.
    #[serde(default)]
    pub sealed: Option<String>,
    /// When it was made, microseconds UTC.
    pub created_at: i64,
    /// Since when it is paused, microseconds UTC.
    #[serde(default)]
    pub paused_at: Option<i64>,
    /// From where it is told: by workspace, `*` for those that are not named.
    pub starts: BTreeMap<String, Start>,
}

/// From where a destination is told of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Counts the replays of the destination; progress of an older one is void.
    pub generation: u32,
    /// The place.
    pub from: StartAt,
}

/// A place in a workspace's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// This event and all behind it.
    Seq(u64),
    /// What was recorded at this time or later, microseconds UTC.
    RecordedAt(i64),
}

impl Destination {
    /// Returns from where it is told of a workspace: the newest word on it.
    pub fn start_of(&self, workspace: &str) -> Start {
        let everywhere = self.starts.get("*").copied();
        let here = self.starts.get(workspace).copied();
        let from = StartAt::RecordedAt(self.created_at);
        here.into_iter()
            .chain(everywhere)
            .max_by_key(|start| start.generation)
            .unwrap_or(Start { generation: 0, from })
    }

    /// Tells whether it is told of a workspace. Proofbook's own workspace must be named.
    pub fn covers(&self, workspace: &str) -> bool {
        let is_own = workspace.starts_with('_');
        self.workspaces.iter().any(|name| name == workspace || name == "*" && !is_own)
    }
}

/// What a workspace's owner is told of by e-mail, as far as it differs from the preset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    /// Actions that were switched on or off.
    pub switches: BTreeMap<String, bool>,
    /// Whether nothing is mailed at all.
    pub off: bool,
    /// `instant`, `hourly`, `daily` or `weekly`; instant when absent.
    pub mode: Option<String>,
    /// Language of the mails: `en`, `de`; `en` when absent.
    pub language: Option<String>,
    /// Zone of the times in the mails; UTC when absent.
    pub zone: Option<String>,
}

/// A legal hold in force; what its filter means is said in [`crate::hold`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// The workspace whose events it holds.
    pub workspace: String,
    /// Which of them, in the filter language; empty for all.
    pub filter: String,
    /// Why, for instance a file number.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was placed, microseconds UTC; relative times in the filter count from here.
    pub placed_at: i64,
}

/// An erasure: which groups of which events go, and how far that is.
///
/// It says nothing of the person that it is about: events are named by number, and what asked for them
/// was forgotten when they were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Its id.
    pub id: u64,
    /// The workspace whose events it takes from.
    pub workspace: String,
    /// The legal ground, such as `GDPR Art. 17(1)(b)`.
    pub ground: String,
    /// Who asked for it: a key's or an operator's id.
    pub requested_by: String,
    /// When, microseconds UTC.
    pub requested_at: i64,
    /// Whether a second person has to approve it first.
    pub needs_second: bool,
    /// Who approved it.
    #[serde(default)]
    pub approved_by: Option<String>,
    /// When it began: when it was asked for, or approved. Microseconds UTC.
    #[serde(default)]
    pub begun_at: Option<i64>,
    /// How long it may take from then on, in microseconds.
    pub within_micros: i64,
    /// What goes, by ascending seq; empty once all of it is gone.
    pub targets: Vec<ErasureTarget>,
    /// How many events lose something.
    pub event_count: u64,
    /// How many groups go.
    pub value_count: u64,
    /// The seqs of the events that tell of its steps, in their order.
    #[serde(default)]
    pub leaves: Vec<u64>,
    /// When it was complete, microseconds UTC.
    #[serde(default)]
    pub completed_at: Option<i64>,
    /// What recovery had set aside and goes with it, since it may hold values of any event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<AsideFile>,
}

/// A file that recovery set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsideFile {
    /// Its name in `aside/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it as 64 hex digits; `None` when it could not be read.
    pub sha256: Option<String>,
}

/// Neighbouring events that lose the same groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureTarget {
    /// Number of the first.
    pub seq: u64,
    /// How many they are.
    pub count: u64,
    /// The groups, as bits: bit n for the group with index n.
    pub groups: u8,
}

impl Erasure {
    /// Returns whether there is something to be done for it.
    pub fn is_running(&self) -> bool {
        self.begun_at.is_some() && self.completed_at.is_none()
    }

    /// Returns until when it must be complete, microseconds UTC.
    pub fn due_at(&self) -> Option<i64> {
        self.begun_at.map(|begun| begun.saturating_add(self.within_micros))
    }
}

/// One change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfigChange {
    /// Settings of a workspace are replaced; the workspace exists already.
    PutWorkspace {
        /// Its name.
        name: String,
        /// Its new settings.
        settings: WorkspaceSettings,
    },
    /// A key is made or replaced.
    PutKey {
        /// The key.
        key: Key,
    },
    /// A key ceases to work.
    RevokeKey {
        /// Its public half.
        id: String,
        /// When, microseconds UTC.
        at: i64,
    },
    /// A version of a catalog comes into force. Every version ever used stays in the log.
    PutCatalog {
        /// The preset's name.
        name: String,
        /// The preset's TOML text.
        text: String,
    },
    /// A master seed is in use from here on; signing keys are derived from it.
    SigningSeed {
        /// Its id.
        seed: SeedId,
    },
    /// A workspace's tree is signed with another key, or under another origin.
    NewEra {
        /// Its name.
        workspace: String,
        /// Whether the origin is another one too.
        new_origin: bool,
        /// The master seed of the key.
        seed: SeedId,
        /// Until when the key before signs too, microseconds UTC.
        overlap_until: i64,
    },
    /// A destination is made or replaced.
    PutDestination {
        /// The destination.
        destination: Box<Destination>,
    },
    /// A destination is no more.
    RemoveDestination {
        /// Its id.
        id: String,
    },
    /// What a workspace's owner is told of is replaced.
    PutNotifications {
        /// The workspace's name.
        workspace: String,
        /// What the owner is told of.
        notifications: Notifications,
    },
    /// A legal hold is placed.
    PutHold {
        /// The hold.
        hold: Hold,
    },
    /// A legal hold ends; what it kept is subject to retention again.
    LiftHold {
        /// Its id.
        id: String,
        /// The workspace that it was placed in.
        workspace: String,
    },
    /// An erasure is asked for.
    PutErasure {
        /// The erasure.
        erasure: Box<Erasure>,
    },
    /// A second person agrees to an erasure; it begins.
    ApproveErasure {
        /// The erasure.
        id: u64,
        /// Who.
        by: String,
        /// When, microseconds UTC.
        at: i64,
    },
    /// An erasure that had not begun is withdrawn.
    WithdrawErasure {
        /// The erasure.
        id: u64,
    },
    /// Files that were set aside go with an erasure.
    RemoveAside {
        /// The erasure.
        erasure: u64,
        /// The files.
        files: Vec<AsideFile>,
    },
    /// What an erasure took is in no file any more.
    CompleteErasure {
        /// The erasure.
        id: u64,
        /// When, microseconds UTC.
        at: i64,
    },
    /// A warning is raised, or what is known of it is replaced.
    RaiseWarning {
        /// The warning.
        warning: Box<Warning>,
    },
    /// A warning is over.
    EndWarning {
        /// The workspace that it is about.
        workspace: String,
        /// Its kind.
        warning_kind: String,
        /// What in the workspace it is about.
        subject: String,
    },
    /// Every event of a workspace below a number was exported, none left out.
    Exported {
        /// The workspace.
        workspace: String,
        /// The number behind the last of them.
        below_seq: u64,
    },
    /// The guarded clock noticed something.
    ClockObserved {
        /// Nothing may be purged before this stamp, microseconds UTC.
        purge_from: Option<i64>,
    },
}

impl ConfigChange {
    /// Returns the JSON bytes of the change.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a change; `None` for one that this version does not know.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A catalog text and how many versions of it there were before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogText {
    /// 1, 2, 3 …
    pub version: u32,
    /// The preset's TOML text.
    pub text: String,
}

/// Everything configured that is not of one workspace. Immutable; a change makes a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Keys by their public half, revoked ones included.
    pub keys: BTreeMap<String, Key>,
    /// Catalogs put by an administrator, by name; they override the embedded presets.
    pub catalogs: BTreeMap<String, CatalogText>,
    /// Destinations of deliveries by their id, rules of e-mail among them.
    #[serde(default)]
    pub destinations: BTreeMap<String, Destination>,
    /// What owners are told of, by workspace, where it was said.
    #[serde(default)]
    pub notifications: BTreeMap<String, Notifications>,
    /// Nothing may be purged before this stamp, microseconds UTC; the clock's memory over a restart.
    #[serde(default)]
    pub purge_from: Option<i64>,
    /// The master seed that signing keys are derived from.
    #[serde(default)]
    pub signing_seed: Option<SeedId>,
    /// Legal holds that are in force, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<String, Hold>,
    /// Erasures by id, complete ones included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub erasures: BTreeMap<u64, Erasure>,
    /// Warnings that are not over, and how far each workspace was exported.
    #[serde(default, skip_serializing_if = "Warned::is_empty")]
    pub warned: Warned,
    /// The newest frame that changed what is kept in more than one workspace.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rules_changed: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Config {
    /// Applies a change; settings of workspaces are applied by the fold itself.
    pub fn apply(self: &mut Arc<Self>, change: &ConfigChange) {
        match change {
            ConfigChange::PutKey { key } => {
                Arc::make_mut(self).keys.insert(key.id.clone(), key.clone());
            }
            ConfigChange::RevokeKey { id, at } => {
                if let Some(key) = Arc::make_mut(self).keys.get_mut(id) {
                    key.revoked_at.get_or_insert(*at);
                }
            }
            ConfigChange::PutCatalog { name, text } => {
                let catalogs = &mut Arc::make_mut(self).catalogs;
                let version = catalogs.get(name).map_or(1, |catalog| catalog.version + 1);
                catalogs.insert(name.clone(), CatalogText { version, text: text.clone() });
            }
            ConfigChange::PutDestination { destination } => {
                let destinations = &mut Arc::make_mut(self).destinations;
                destinations.insert(destination.id.clone(), (**destination).clone());
            }
            ConfigChange::RemoveDestination { id } => {
                Arc::make_mut(self).destinations.remove(id);
            }
            ConfigChange::PutNotifications { workspace, notifications } => {
                let known = &mut Arc::make_mut(self).notifications;
                known.insert(workspace.clone(), notifications.clone());
            }
            ConfigChange::ClockObserved { purge_from } => {
                if self.purge_from != *purge_from {
                    Arc::make_mut(self).purge_from = *purge_from;
                }
            }
            ConfigChange::SigningSeed { seed } => {
                Arc::make_mut(self).signing_seed = Some(*seed);
            }
            ConfigChange::PutHold { hold } => {
                Arc::make_mut(self).holds.insert(hold.id.clone(), hold.clone());
            }
            ConfigChange::LiftHold { id, .. } => {
                Arc::make_mut(self).holds.remove(id);
            }
            ConfigChange::PutErasure { erasure } => {
                // Asking twice changes nothing: what it did so far is not forgotten.
                let known = &mut Arc::make_mut(self).erasures;
                known.entry(erasure.id).or_insert_with(|| (**erasure).clone());
            }
            ConfigChange::ApproveErasure { id, by, at } => {
                let known = Arc::make_mut(self).erasures.get_mut(id);
                let waits = |erasure: &&mut Erasure| {
                    erasure.begun_at.is_none() && erasure.requested_by != *by
                };
                if let Some(erasure) = known.filter(waits) {
                    erasure.approved_by = Some(by.clone());
                    erasure.begun_at = Some(*at);
                }
            }
            ConfigChange::WithdrawErasure { id } => {
                let waits = self.erasures.get(id).is_some_and(|known| known.begun_at.is_none());
                if waits {
                    Arc::make_mut(self).erasures.remove(id);
                }
            }
            ConfigChange::RemoveAside { erasure, files } => {
                if let Some(erasure) = Arc::make_mut(self).erasures.get_mut(erasure) {
                    erasure.aside.extend(files.iter().cloned());
                }
            }
            ConfigChange::CompleteErasure { id, at } => {
                if let Some(erasure) = Arc::make_mut(self).erasures.get_mut(id) {
                    erasure.completed_at.get_or_insert(*at);
                    erasure.targets = Vec::new();
                }
            }
            ConfigChange::RaiseWarning { warning } => {
                Arc::make_mut(self).warned.raise((**warning).clone());
            }
            ConfigChange::EndWarning { workspace, warning_kind, subject } => {
                Arc::make_mut(self).warned.end(workspace, warning_kind, subject);
            }
            ConfigChange::Exported { workspace, below_seq } => {
                if self.warned.exported_below(workspace) < *below_seq {
                    Arc::make_mut(self).warned.exported(workspace, *below_seq);
                }
            }
            ConfigChange::PutWorkspace { .. } | ConfigChange::NewEra { .. } => {}
        }
    }

    /// Tells whether a step of an erasure is the one that comes next.
    pub(crate) fn is_next_step(&self, by: ErasureStep) -> bool {
        let known = self.erasures.get(&by.erasure).filter(|erasure| erasure.is_running());
        known.is_some_and(|erasure| erasure.leaves.len() == usize::from(by.step))
    }

    /// Notes that a step of an erasure was taken, and which leaf tells of it.
    pub(crate) fn step_erasure(&mut self, by: ErasureStep, leaf: Option<u64>) {
        if let (Some(erasure), Some(leaf)) = (self.erasures.get_mut(&by.erasure), leaf) {
            erasure.leaves.push(leaf);
        }
    }

    /// Returns the seq of the event that tells of a step of an erasure.
    pub fn leaf_of(&self, by: ErasureStep) -> Option<u64> {
        self.erasures.get(&by.erasure)?.leaves.get(usize::from(by.step)).copied()
    }
}
