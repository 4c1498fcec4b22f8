//! What a destination says of itself: its kind's settings and secrets, read from the configuration.

use proofbook_filter::Filter;
use proofbook_store::config::Destination;
use proofbook_store::random::Random;
use proofbook_store::store_key::StoreKey;
use serde::{Deserialize, Serialize};

use crate::guard::Target;
use crate::secrets;
use crate::sign::Secret;

/// The kind of destination that is called over HTTP.
pub const WEBHOOK: &str = "webhook";
/// The kind of destination that is written to by e-mail: a rule.
pub const MAIL: &str = "mail";

/// The form that events have on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The event as the API shows it, in the frame of Standard Webhooks.
    Native,
    /// CloudEvents 1.0, structured mode.
    CloudEvents,
    /// A message of Slack.
    Slack,
    /// A message of Microsoft Teams.
    Teams,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Native, Self::CloudEvents, Self::Slack, Self::Teams];

    /// Returns its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::CloudEvents => "cloudevents",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }
}

/// Settings of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where it is called, without the query, which may be a secret.
    pub url: String,
    /// The form of the events.
    pub format: Format,
}

/// What must not be known of a webhook; sealed in the log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSecrets {
    /// The whole address.
    pub url: String,
    /// Signing secrets, the newest first; two while they are rotated.
    pub signing: Vec<String>,
}

/// Why a destination cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Another version wrote it, or it was damaged.
    #[error("its settings cannot be read")]
    Settings,
    /// The store's key is another one.
    #[error(
        "its secrets cannot be opened: the store's key is another one; set the address and the secrets again"
    )]
    Sealed,
    /// The filter cannot be read.
    #[error("its filter cannot be read")]
    Filter,
    /// Its address is none.
    #[error("its address cannot be used")]
    Url,
    /// No such kind is known.
    #[error("this version knows no destinations of the kind {0}")]
    Kind(String),
    /// No workspace that a rule is about has an owner with an address.
    #[error("nobody would get it: no workspace of this rule has an owner with an address")]
    NoRecipient,
    /// E-mail is not set up.
    #[error("e-mail is not set up: PROOFBOOK_SMTP_URL and PROOFBOOK_MAIL_FROM are needed")]
    NoMail,
}

impl WebhookSecrets {
    /// Seals the secrets for a destination.
    pub fn seal(&self, key: &StoreKey, destination: &str, random: &dyn Random) -> String {
        // Texts and lists of them always become JSON.
        let text = serde_json::to_string(self).unwrap_or_default();
        secrets::seal(key, destination, &text, random)
    }

    /// Opens the secrets of a destination.
    ///
    /// # Errors
    /// [`SettingsError::Sealed`].
    pub fn open(key: &StoreKey, destination: &Destination) -> Result<Self, SettingsError> {
        let sealed = destination.sealed.as_deref().ok_or(SettingsError::Sealed)?;
        let text = secrets::open(key, &destination.id, sealed).ok_or(SettingsError::Sealed)?;
        serde_json::from_str(&text).map_err(|_| SettingsError::Sealed)
    }

    /// Returns the address and the secrets, ready for use.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn ready(&self) -> Result<(Target, Vec<Secret>), SettingsError> {
        let target = Target::parse(&self.url).map_err(|_| SettingsError::Url)?;
        let secrets: Option<Vec<Secret>> =
            self.signing.iter().map(|text| Secret::parse(text)).collect();
        Ok((target, secrets.ok_or(SettingsError::Sealed)?))
    }
}

/// Reads the settings of a webhook.
///
/// # Errors
/// [`SettingsError::Settings`].
pub fn webhook_settings(destination: &Destination) -> Result<WebhookSettings, SettingsError> {
    serde_json::from_value(destination.settings.clone()).map_err(|_| SettingsError::Settings)
}

/// Reads a destination's filter.
///
/// # Errors
/// [`SettingsError::Filter`]; the API takes none that cannot be read.
pub fn filter(destination: &Destination) -> Result<Filter, SettingsError> {
    Filter::parse(&destination.filter).map_err(|_| SettingsError::Filter)
}
