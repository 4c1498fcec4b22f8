//! Viewers: who a viewer token speaks for, and what it lets them see.
//!
//! A token is `pbv_` and a [sealed](crate::sealed) [`Viewer`]. It lives an hour at most, and dies
//! earlier when the key that made it is revoked or its role may not read any more: both are looked up
//! at every request. Whoever holds a token can read nothing in it.

use proofbook_catalog::Catalog;
use proofbook_store::random::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::keys::is_live;
use crate::problem::{Code, Problem, Refusal};
use crate::sealed::{Purpose, Sealer};

/// What every viewer token begins with, so that scanners for leaked secrets know it.
pub(crate) const PREFIX: &str = "pbv_";
/// Longest life of a token, in seconds; also that of a portal link.
pub(crate) const TTL_SECONDS_MAX: u32 = 3600;

/// On whose word a token stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Warrant {
    /// A key's, which has this public half.
    Key(String),
    /// An operator's who is signed in at the console: any role, also where the preset lets nobody in.
    Operator(String),
    /// The owner's, who got a link by e-mail at this address; as long as it is the owner's.
    Owner(String),
    /// The demo's, as long as the server shows everything to this machine.
    Demo,
}

/// A person who reads one workspace through the viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Viewer {
    /// The workspace.
    #[serde(rename = "w")]
    pub(crate) workspace: String,
    /// Who reads, as the product knows them.
    #[serde(rename = "i")]
    pub(crate) id: String,
    /// Their name.
    #[serde(rename = "n")]
    pub(crate) name: String,
    /// Their address.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// Their role in the product.
    #[serde(rename = "r")]
    pub(crate) role: String,
    /// What they see at most, in the filter language.
    #[serde(rename = "f", default, skip_serializing_if = "String::is_empty")]
    pub(crate) filter: String,
    /// The fields that they see; empty for all.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<String>,
    /// The sites whose pages may use the token; with none it serves our own pages alone.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) origins: Vec<String>,
    /// Whether they may share views with everybody.
    #[serde(rename = "m", default)]
    pub(crate) manage: bool,
    /// On whose word.
    #[serde(rename = "k")]
    pub(crate) warrant: Warrant,
    /// When it ends, microseconds UTC.
    #[serde(rename = "x")]
    pub(crate) expires_at: i64,
}

impl Viewer {
    /// Makes the token's text.
    pub(crate) fn seal(&self, sealer: &Sealer, random: &dyn Random) -> String {
        format!("{PREFIX}{}", sealer.seal(Purpose::Viewer, self, random))
    }

    /// Reads a token; `None` when we did not make it.
    pub(crate) fn open(sealer: &Sealer, token: &str) -> Option<Self> {
        sealer.open(Purpose::Viewer, token.strip_prefix(PREFIX)?)
    }

    /// Tells whether the token works now: it has not ended, and who vouched for it still can.
    pub(crate) fn is_live(&self, app: &App) -> bool {
        let now = app.store.now().micros();
        let vouched = match &self.warrant {
            Warrant::Key(id) | Warrant::Operator(id) => {
                let view = app.store.view();
                view.config.keys.get(id).is_some_and(|key| is_live(key, now))
            }
            Warrant::Owner(address) => {
                let workspace = app.store.directory().by_name(&self.workspace);
                workspace.is_some_and(|known| known.settings.owner_email.as_ref() == Some(address))
            }
            Warrant::Demo => app.config.open_page,
        };
        vouched && self.expires_at > now
    }

    /// Tells whether the role may read a log with this catalog.
    pub(crate) fn may_view(&self, catalog: &Catalog) -> bool {
        self.is_operator() || catalog.preset().access.may_view(&self.role)
    }

    /// Tells whether it is the operator who reads.
    pub(crate) fn is_operator(&self) -> bool {
        matches!(self.warrant, Warrant::Operator(_))
    }

    /// Returns who acts, for events of the viewer's own deeds.
    pub(crate) fn actor(&self) -> Value {
        let kind = if self.is_operator() { "support" } else { "user" };
        let mut actor = json!({"type": kind, "id": self.id, "name": self.name});
        if let Some(email) = &self.email {
            actor["email"] = json!(email);
        }
        if !self.role.is_empty() {
            actor["roles"] = json!([self.role]);
        }
        actor
    }
}

/// Says that a role may not read: who may, and as whom the reader is signed in.
pub(crate) fn refusal(catalog: &Catalog, role: &str) -> Problem {
    let preset = catalog.preset();
    let label = role_label(catalog, role);
    let detail = format!("{} You are signed in as {label}.", preset.access.refused_sentence());
    let may = preset.access.view.iter().map(|role| role_label(catalog, role)).collect();
    let mut problem = Problem::new(Code::RoleRefused, detail);
    problem.refusal = Some(Box::new(Refusal { role: role.to_owned(), label, may }));
    problem
}

/// Returns a role in the product's words; "account_admin" is "Account Admin" where it has none.
pub(crate) fn role_label(catalog: &Catalog, role: &str) -> String {
    let own = catalog.preset().labels.role.get(role);
    own.cloned().unwrap_or_else(|| proofbook_catalog::catalog::title_of(role))
}

#[cfg(test)]
mod tests;
