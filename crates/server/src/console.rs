//! The operator's console: who may sign in, sessions, and guessing made slow.
//!
//! An operator is a key of the store whose public half is `operator-<name>` and whose stored hash is an
//! argon2id string (PHC form, 12 MiB, three passes, one lane) of a password instead of the hash of a
//! key's text: no bearer token ever matches it. So operators are listed and revoked like keys, and
//! every act of theirs is in `_system`.
//!
//! The first operator is made through a setup link that the server shows at its start while there is
//! none; it works once, and a restart makes another. Sessions live in memory, twelve hours at most and
//! one hour without use; their cookie is `__Host-`, `HttpOnly`, `SameSite=Strict`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proofbook_store::config::{Config, Key};
use proofbook_store::random::Random;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::cors::is_same_site;
use crate::problem::{Code, Problem};

/// What the public half of an operator's key begins with.
pub(crate) const OPERATOR_PREFIX: &str = "operator-";
/// The cookie of a session.
pub(crate) const COOKIE: &str = "__Host-proofbook";
/// Longest life of a session, in seconds.
pub(crate) const SESSION_SECONDS: i64 = 12 * 3600;
/// Longest pause in a session, in microseconds.
const IDLE_MICROS: i64 = 3600 * 1_000_000;
/// Sessions at once; beyond it the one that was longest unused ends.
const SESSIONS_MAX: usize = 200;
/// Wrong passwords for one name in [`WINDOW_MICROS`]; the next attempt is refused unheard.
const WRONG_MAX: usize = 10;
/// Wrong passwords for all names together in the same time.
const WRONG_MAX_ALL: usize = 100;
/// The time in which wrong passwords are counted, in microseconds.
const WINDOW_MICROS: i64 = 60 * 1_000_000;
/// Fewest characters of a password (NIST SP 800-63B asks for 15 where it is the only factor).
pub(crate) const PASSWORD_CHARS_MIN: usize = 15;
/// Most bytes of a password.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;
/// Memory of a hash, in KiB; with three passes the same strength as 19 MiB with two (OWASP).
const MEMORY_KIB: u32 = 12 * 1024;
const PASSES: u32 = 3;

/// Sessions, wrong passwords and the setup link.
pub(crate) struct Console {
    /// Hash of the setup link's secret, while it works.
    setup: Mutex<Option<[u8; 32]>>,
    /// The secret itself, until it was shown.
    to_show: Mutex<Option<String>>,
    sessions: Mutex<HashMap<[u8; 32], Session>>,
    /// When passwords were wrong, by name, microseconds UTC.
    wrong: Mutex<Vec<(String, i64)>>,
}

#[derive(Clone, Debug)]
struct Session {
    operator: String,
    began: i64,
    used: i64,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console(…)")
    }
}

impl Console {
    /// Begins without sessions, with a setup link when there is no operator.
    pub(crate) fn begin(config: &Config, random: &dyn Random) -> Self {
        let secret = config.keys.values().all(|key| !is_operator(key)).then(|| secret(random));
        Self {
            setup: Mutex::new(secret.as_deref().map(hash)),
            to_show: Mutex::new(secret),
            sessions: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// Returns the setup link's secret, once.
    pub(crate) fn take_setup_secret(&self) -> Option<String> {
        self.to_show.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells whether the first operator is still to be made.
    pub(crate) fn awaits_setup(&self) -> bool {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Tells whether a secret is the setup link's.
    pub(crate) fn is_setup_secret(&self, given: &str) -> bool {
        let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        setup.is_some_and(|expected| bool::from(hash(given).ct_eq(&expected)))
    }

    /// Ends the setup link.
    pub(crate) fn end_setup(&self) {
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Begins a session and returns what its cookie says.
    pub(crate) fn sign_in(&self, operator: &str, now: i64, random: &dyn Random) -> String {
        let text = secret(random);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.is_live(now));
        if sessions.len() >= SESSIONS_MAX
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.used)
        {
            let oldest = *oldest.0;
            sessions.remove(&oldest);
        }
        let session = Session { operator: operator.to_owned(), began: now, used: now };
        sessions.insert(hash(&text), session);
        text
    }

    /// Returns whose session a cookie is, and counts it as used now.
    pub(crate) fn operator(&self, cookie: &str, now: i64) -> Option<String> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&hash(cookie)).filter(|session| session.is_live(now))?;
        session.used = now;
        Some(session.operator.clone())
    }

    /// Ends a session.
    pub(crate) fn sign_out(&self, cookie: &str) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(cookie));
    }

    /// Refuses an attempt when too many were wrong lately.
    pub(crate) fn check_attempt(&self, name: &str, now: i64) -> Result<(), Problem> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|(_, at)| now - at < WINDOW_MICROS);
        let own = wrong.iter().filter(|(known, _)| known == name);
        let first = match own.clone().count() {
            count if count >= WRONG_MAX => own.map(|(_, at)| *at).next(),
            _ if wrong.len() >= WRONG_MAX_ALL => wrong.first().map(|(_, at)| *at),
            _ => None,
        };
        let Some(first) = first else { return Ok(()) };
        let left = (first + WINDOW_MICROS - now).max(0) / 1_000_000 + 1;
        let detail = format!("too many wrong passwords; try again in {left} seconds");
        Err(Problem::new(Code::TooManyAttempts, detail).retry_after(left as u32))
    }

    /// Notes a wrong password.
    pub(crate) fn note_wrong(&self, name: &str, now: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.push((name.to_owned(), now));
    }
}

impl Session {
    fn is_live(&self, now: i64) -> bool {
        now - self.began < SESSION_SECONDS * 1_000_000 && now - self.used < IDLE_MICROS
    }
}

/// Tells whether a key is an operator's.
pub(crate) fn is_operator(key: &Key) -> bool {
    key.id.starts_with(OPERATOR_PREFIX) && key.revoked_at.is_none()
}

/// Tells whether a text can be an operator's name.
pub(crate) fn is_operator_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')
        })
}

/// The hash of a password that nobody has, for names that are not known: salt and hash are zeros.
const NOBODY: &str = "$argon2id$v=19$m=12288,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password, slowly on purpose; `None` when the hasher fails, which it does not with our bounds.
pub(crate) fn hash_password(password: &str, random: &dyn Random) -> Option<String> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hash = hasher()?.hash_password_with_salt(password.as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

/// Tells whether a password is the one of a stored hash; as slow for a name that is not known.
pub(crate) fn is_password(password: &str, stored: Option<&str>) -> bool {
    let Some(hasher) = hasher() else { return false };
    let stored_or_nobody = stored.unwrap_or(NOBODY);
    let fits = hasher.verify_password(password.as_bytes(), stored_or_nobody).is_ok();
    fits && stored.is_some()
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Returns what the session's cookie says, when there is one.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(header::COOKIE).iter().find_map(|value| {
        value.to_str().ok()?.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE && !value.is_empty()).then_some(value)
        })
    })
}

/// Refuses a request that a page of another site sent.
///
/// Browsers say where a request comes from (Fetch Metadata); older ones say it with `Origin` when
/// something changes. A request that changes something and comes with a session needs one of the two.
pub(crate) fn check_site(headers: &HeaderMap, is_safe: bool) -> Result<(), Problem> {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    let has_origin = headers.contains_key(header::ORIGIN);
    let is_ours = match site {
        Some(b"same-origin") => !has_origin || is_same_site(headers),
        Some(b"none") => is_safe,
        Some(_) => false,
        None if has_origin => is_same_site(headers),
        None => is_safe,
    };
    if is_ours {
        return Ok(());
    }
    let detail = "the console takes requests from its own pages alone";
    Err(Problem::new(Code::CrossSite, detail))
}

fn secret(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests;
