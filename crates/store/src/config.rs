//! The configuration that lives in the log: workspaces' settings, keys, catalogs.
//!
//! A change is one record together with the `_system` event that tells of it; the fold derives both.
//! Changes are rare and read by people, so they are JSON. Secrets are never in it: a key is known by
//! the hash of its secret half.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::fold::SeedId;

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
}

impl WorkspaceSettings {
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
    /// Nothing may be purged before this stamp, microseconds UTC; the clock's memory over a restart.
    #[serde(default)]
    pub purge_from: Option<i64>,
    /// The master seed that signing keys are derived from.
    #[serde(default)]
    pub signing_seed: Option<SeedId>,
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
            ConfigChange::ClockObserved { purge_from } => {
                if self.purge_from != *purge_from {
                    Arc::make_mut(self).purge_from = *purge_from;
                }
            }
            ConfigChange::SigningSeed { seed } => {
                Arc::make_mut(self).signing_seed = Some(*seed);
            }
            ConfigChange::PutWorkspace { .. } | ConfigChange::NewEra { .. } => {}
        }
    }
}
