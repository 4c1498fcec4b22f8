//! Every setting of the server, in one table: each is a flag, an environment variable and a key of
//! `proofbook.toml` at once.
//!
//! A setting `listen` is `--listen`, `PROOFBOOK_LISTEN` and `listen = …`. Later ones win: defaults,
//! file, environment, flags. A name that is not known is refused with the nearest one that is, except
//! in the environment, where container platforms put variables of their own: there it is reported.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use proofbook_delivery::guard::AllowList;
use proofbook_delivery::transport::mail::MailSettings;
use proofbook_event::name::nearest;
use proofbook_store::store_key::StoreKey;

use crate::keys::SecretKey;

/// Prefix of the environment variables.
pub const ENV_PREFIX: &str = "PROOFBOOK_";
/// Variables with the prefix that other parts of the program read.
const OTHER_VARIABLES: &[&str] = &["URL", "KEY", "CONFIG", "LOG", "PYTHON"];

/// One setting, for help texts and for building flags.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the file, with underscores.
    pub name: &'static str,
    /// Its value when nothing is set, as text; empty for none.
    pub default: &'static str,
    /// What it does, with its unit.
    pub help: &'static str,
}

impl Setting {
    /// Returns the flag, such as `--drain-timeout`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// Returns the environment variable, such as `PROOFBOOK_DRAIN_TIMEOUT`.
    pub fn variable(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.to_uppercase())
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("the configuration file cannot be read: {0}")]
    Toml(String),
    /// No setting has this name.
    #[error("{place}: there is no setting `{name}`{hint}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// The name.
        name: String,
        /// The nearest name, as a sentence.
        hint: String,
    },
    /// The setting does not take this value.
    #[error("{place}: `{name}` {reason}")]
    Value {
        /// Where it stands.
        place: String,
        /// The setting.
        name: &'static str,
        /// What it takes instead.
        reason: String,
    },
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

macro_rules! settings {
    ($($name:ident : $type:ty = $default:literal, $help:literal;)*) => {
        /// The server's settings.
        #[derive(Clone, Debug)]
        pub struct Config { $(#[doc = $help] pub $name: $type,)* }

        /// Every setting, in the order of the help.
        pub static SETTINGS: &[Setting] = &[
            $(Setting { name: stringify!($name), default: $default, help: $help },)*
        ];

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: Read::read($default).expect("a test reads every default"),)* }
            }
        }

        impl Config {
            /// Sets one setting from its text; `place` is where the text stands, for the error.
            ///
            /// # Errors
            /// The name is not known or the value is not taken.
            pub fn set(&mut self, place: &str, name: &str, text: &str) -> Result<(), ConfigError> {
                match name {
                    $(stringify!($name) => {
                        self.$name = Read::read(text).map_err(|reason| ConfigError::Value {
                            place: place.to_owned(),
                            name: stringify!($name),
                            reason,
                        })?;
                    })*
                    _ => return Err(unknown(place, name)),
                }
                Ok(())
            }
        }
    };
}

settings! {
    data: PathBuf = "./proofbook-data", "Directory of the data";
    signing: Option<PathBuf> = "", "Directory of the signing seed and of the memory of what was signed; DATA/signing when empty. Keep it on another disk, or in another backup, than the data";
    known_head: Option<PathBuf> = "", "A checkpoint of this store that somebody holds; a store that is older signs nothing";
    witness_policy: Option<PathBuf> = "", "File with a policy (C2SP tlog-policy): heads that are read are carried to its witnesses that have an address, and carry their cosignatures";
    listen: SocketAddr = "127.0.0.1:7676", "Address and port to listen on; port 0 takes a free one";
    allow_plain_http: bool = "false", "Listen beyond this machine without TLS, because something in front brings it";
    public_url: Option<PublicUrl> = "", "Address under which people reach these pages, such as `https://log.acme.example`; for links in notifications";
    smtp_url: Option<Secret> = "", "Mail server, such as smtps://user:password@mail.acme.example, smtp+starttls:// or smtp://; without it nothing is mailed";
    mail_from: Option<String> = "", "Who mails are from, such as Acme <audit@acme.example>";
    webhook_allow: AllowList = "", "Targets of webhooks that are not public and allowed all the same: addresses, blocks or names, with or without a port";
    store_key: Option<StoreKey> = "", "Key that seals secrets in the log, 64 hex digits; kept in the data directory when empty";
    admin_key: Option<SecretKey> = "", "First admin key; generated and shown once when empty";
    open_page: bool = "false", "Show every workspace on the page at / without a key; on this machine only";
    log_format: LogFormat = "text", "Log lines for people (text) or for machines (json)";
    connections: u32 = "1024", "Connections at once; one more is answered 503";
    head_timeout: Duration = "75s", "Time for a request's head to arrive, counted from the answer before; longer than the idle time of what stands in front";
    body_timeout: Duration = "30s", "Time for a request's body to arrive";
    body_idle_timeout: Duration = "10s", "Longest pause while a body arrives";
    write_timeout: Duration = "30s", "Longest time that a client may take nothing of an answer";
    queue_timeout: Duration = "2s", "Longest wait for a free place before 429 or 503";
    query_timeout: Duration = "10s", "Longest time of one query";
    receipt_timeout: Duration = "15s", "Longest wait for a receipt before 503 and \"may have been recorded\"";
    export_timeout: Duration = "1h", "Longest time of one export";
    drain_timeout: Duration = "10s", "Longest time to finish what runs when stopping";
    heartbeat_check: Duration = "10m", "How often it is looked for quiet logs whose heads are read; each gets a heartbeat a day";
    purge_within: Duration = "168h", "Longest time that the values of an event stay in a file after its retention ended; until about five sevenths of it a longer plan brings them back";
    erase_within: Duration = "24h", "Time in which an erasure is complete, counted from when it begins; after it, it is called overdue";
    erase_needs_second: bool = "false", "An erasure begins when a second person approves it";
    ingest_tasks: u32 = "4", "Requests judged and sealed at once; further ones wait";
    query_tasks: u32 = "4", "Queries at once; further ones wait";
    export_tasks: u32 = "2", "Exports at once; one more is answered 503";
    tails: u32 = "256", "Open tails at once; one more is answered 503";
    query_bytes: u64 = "1GiB", "Bytes that one query may read";
    new_workspaces: u32 = "1000", "Workspaces that a key may bring into being with events in an hour; admin keys are not bound";
}

impl Config {
    /// Puts the settings together from file, environment and flags, and checks them.
    ///
    /// `file` is the text of `proofbook.toml`; `flags` are names with underscores and their texts.
    /// Returns the settings and what to tell the operator about unknown variables.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(
        file: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut config = Self::default();
        let mut warnings = Vec::new();
        if let Some(text) = file {
            config.take_file(text)?;
        }
        // In the order of names, so that the first complaint is always the same.
        let variables: BTreeMap<String, String> = environment.into_iter().collect();
        for (variable, text) in &variables {
            let Some(upper) = variable.strip_prefix(ENV_PREFIX) else { continue };
            let name = upper.to_lowercase();
            if SETTINGS.iter().any(|setting| setting.name == name) {
                config.set(variable, &name, text)?;
            } else if !OTHER_VARIABLES.contains(&upper) {
                warnings.push(unknown(variable, &name).to_string());
            }
        }
        for (name, text) in flags {
            config.set(&format!("--{}", name.replace('_', "-")), &name, &text)?;
        }
        config.check()?;
        Ok((config, warnings))
    }

    fn take_file(&mut self, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| ConfigError::Toml(error.to_string()))?;
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => return Err(not_a_scalar(&name)),
            };
            self.set("proofbook.toml", &name, &text)?;
        }
        Ok(())
    }

    /// Checks what no single setting can tell.
    ///
    /// # Errors
    /// The server would be reachable in a way that nobody asked for.
    pub fn check(&self) -> Result<(), ConfigError> {
        let is_loopback = self.listen.ip().is_loopback();
        if !is_loopback && !self.allow_plain_http {
            return Err(ConfigError::Contradiction(format!(
                "{} can be reached from other machines, and keys and events would travel \
                 unencrypted. Put something in front that brings TLS and say --allow-plain-http, or \
                 listen on 127.0.0.1",
                self.listen
            )));
        }
        self.mail_settings().map_err(ConfigError::Contradiction)?;
        if self.open_page && !is_loopback {
            return Err(ConfigError::Contradiction(format!(
                "--open-page shows every workspace without a key; it goes with 127.0.0.1 only, \
                 not with {}",
                self.listen
            )));
        }
        Ok(())
    }
}

impl Config {
    /// Returns how e-mail is sent; `None` when it is not set up.
    ///
    /// # Errors
    /// One of the two settings is missing or cannot be used, in words.
    pub fn mail_settings(&self) -> Result<Option<MailSettings>, String> {
        match (&self.smtp_url, &self.mail_from) {
            (None, None) => Ok(None),
            (Some(Secret(url)), Some(from)) => {
                MailSettings::new(url, from).map(Some).map_err(|error| error.to_string())
            }
            _ => Err("e-mail takes two settings: smtp_url and mail_from".to_owned()),
        }
    }
}

fn unknown(place: &str, name: &str) -> ConfigError {
    let hint = match nearest(name, SETTINGS.iter().map(|setting| setting.name)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    ConfigError::Unknown { place: place.to_owned(), name: name.to_owned(), hint }
}

fn not_a_scalar(name: &str) -> ConfigError {
    match SETTINGS.iter().find(|setting| setting.name == name) {
        Some(setting) => ConfigError::Value {
            place: "proofbook.toml".to_owned(),
            name: setting.name,
            reason: "takes a text, a number or true or false".to_owned(),
        },
        None => unknown("proofbook.toml", name),
    }
}

/// A value that a setting can have.
trait Read: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl Read for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("takes a directory".to_owned()) } else { Ok(text.into()) }
    }
}

impl Read for Option<PathBuf> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

impl Read for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        named.as_deref().unwrap_or(text).parse().map_err(|_| {
            "takes an address and a port such as 127.0.0.1:7676 or [::1]:7676".to_owned()
        })
    }
}

impl Read for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err("takes true or false".to_owned()),
        }
    }
}

impl Read for Option<SecretKey> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        SecretKey::parse(text).map(Some).map_err(|error| format!("cannot be used: {error}"))
    }
}

/// A text that is not printed.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Read for Option<Secret> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| Secret(text.to_owned())))
    }
}

impl Read for Option<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

/// An address of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Returns the address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Read for Option<PublicUrl> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
        match rest {
            Some(rest) if is_plain && !rest.is_empty() && !rest.starts_with('/') => {
                Ok(Some(PublicUrl(text.trim_end_matches('/').to_owned())))
            }
            _ => Err("takes an address such as https://log.acme.example".to_owned()),
        }
    }
}

impl Read for AllowList {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|part| {
            format!("takes addresses, blocks and names such as 10.1.0.0/16 or hooks.corp:9000, not {part}")
        })
    }
}

impl Read for Option<StoreKey> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        StoreKey::parse(text).map(Some).ok_or_else(|| "takes 64 hex digits".to_owned())
    }
}

impl Read for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("takes text or json".to_owned()),
        }
    }
}

impl Read for u32 {
    fn read(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
        number.ok_or_else(|| "takes a whole number from 1 to 1000000".to_owned())
    }
}

impl Read for u64 {
    /// Bytes, with an optional KiB, MiB or GiB.
    fn read(text: &str) -> Result<Self, String> {
        let (digits, unit) = split_unit(text);
        let factor = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => 0,
        };
        let bytes = digits.parse::<Self>().ok().and_then(|number| number.checked_mul(factor));
        bytes
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| "takes a number of bytes such as 512MiB or 1GiB".to_owned())
    }
}

/// Longest duration of any setting.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

impl Read for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let (digits, unit) = split_unit(text);
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 3600 * 1000,
            _ => 0,
        };
        let total = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
        total
            .map(Self::from_millis)
            .filter(|time| !time.is_zero() && *time <= DURATION_MAX)
            .ok_or_else(|| "takes a time such as 500ms, 10s, 5m or 1h, at most 168h".to_owned())
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests;
