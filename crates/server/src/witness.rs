//! A witness (C2SP tlog-witness v1): `POST /add-checkpoint`, and what was cosigned last at
//! `GET /<hex of SHA-256 of the origin>/checkpoint`.
//!
//! It has a directory of its own and no store: `witness.key` (the seed, 64 hex digits), and one file a
//! log with the last note that was cosigned. One request is decided at a time: what is accepted is
//! durable before its cosignature leaves, so that no crash and no race lets it cosign two histories.
//!
//! What stays out: the decision, which is [`proofbook_ledger::witness`].

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use proofbook_ledger::note::{KeyError, write_note};
use proofbook_ledger::witness::{Refusal, decide, origin_of};
use proofbook_ledger::{Checkpoint, Note, SigningKey, VerifierKey, consistency};
use proofbook_store::clock::Clock;
use proofbook_store::disk::{Disk, ROOT, durable_write, read_file};
use proofbook_store::random::Random;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const KEY_FILE: &str = "witness.key";
/// Longest note that is kept, in bytes.
const NOTE_BYTES_MAX: u64 = 1 << 20;

/// Why a witness cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The directory cannot be read or written.
    #[error("cannot use the file {file} of the witness")]
    Io {
        /// The file.
        file: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("the file {file} of the witness is damaged; restore it, or ask for a new key")]
    Damaged {
        /// The file.
        file: String,
    },
    /// No key can have the name.
    #[error("the name of the witness cannot be a key's")]
    Name(#[from] KeyError),
}

/// A witness for some logs.
pub struct Witness {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    key: SigningKey,
    logs: Vec<VerifierKey>,
    /// By origin: the head that was cosigned last, and its note with the cosignature.
    last: Mutex<HashMap<String, (Checkpoint, String)>>,
}

impl Witness {
    /// Opens a witness's directory; its key is made when there is none.
    ///
    /// # Errors
    /// The disk refuses, a file is damaged, or the name cannot be a key's.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        name: &str,
        logs: Vec<VerifierKey>,
    ) -> Result<Self, WitnessError> {
        let key = SigningKey::cosigner_from_seed(name, &seed(&*disk, random)?)?;
        let mut last = HashMap::new();
        for log in &logs {
            let file = file_of(log.name());
            let note = match read_file(&*disk, &file, NOTE_BYTES_MAX) {
                Ok(note) => note,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(WitnessError::Io { file, source }),
            };
            let damaged = || WitnessError::Damaged { file: file.clone() };
            let parsed = Note::parse(&note).map_err(|_| damaged())?;
            // It must be what this witness signed; then no other program wrote it.
            parsed.verify(std::slice::from_ref(key.verifier())).map_err(|_| damaged())?;
            let head = Checkpoint::parse(parsed.text()).map_err(|_| damaged())?;
            let text = String::from_utf8(note.clone()).map_err(|_| damaged())?;
            last.insert(log.name().to_owned(), (head, text));
        }
        Ok(Self { disk, clock, key, logs, last: Mutex::new(last) })
    }

    /// Returns the key by which its cosignatures are known.
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Answers one request to add a checkpoint: the signature line, durable before it is returned.
    ///
    /// # Errors
    /// The protocol's refusal, or `None` when the disk failed and nothing was cosigned.
    fn add_checkpoint(&self, request: &[u8]) -> Result<String, Option<Refusal>> {
        let origin = origin_of(request).map_err(Some)?;
        let mut kept = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.get(&origin).map(|(head, _)| head);
        let accepted = decide(request, &self.logs, last).map_err(Some)?;
        let time_s = u64::try_from(self.clock.wall_micros() / 1_000_000).unwrap_or_default();
        let line = self.key.cosign(&accepted.text, time_s);
        // The log's own lines are kept; what else was submitted is no concern of ours.
        let of_log = format!("\u{2014} {origin} ");
        let lines = accepted.note.lines().filter(|line| line.starts_with(&of_log)).take(8);
        let note = write_note(&accepted.text, lines.chain([line.as_str()]));
        let file = file_of(&origin);
        let kept_now =
            durable_write(&*self.disk, ROOT, &format!("{file}.tmp"), &file, note.as_bytes());
        if let Err(error) = kept_now {
            tracing::error!(error = &error as &dyn std::error::Error, "a head cannot be kept");
            return Err(None);
        }
        kept.insert(origin, (accepted.head, note));
        Ok(format!("{line}\n"))
    }

    fn checkpoint(&self, hash: &str) -> Option<String> {
        let kept = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(origin, _)| file_of(origin) == hash).map(|(_, (_, note))| note.clone())
    }
}

/// Serves until `shutdown` is ready.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    witness: Arc<Witness>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .layer(DefaultBodyLimit::max(consistency::BYTES_MAX))
        .with_state(witness);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let answer = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match answer {
        Ok(Ok(line)) => line.into_response(),
        Ok(Err(Some(refusal))) => {
            let status = StatusCode::from_u16(refusal.status());
            let status = status.unwrap_or(StatusCode::BAD_REQUEST);
            match refusal {
                Refusal::Stale { size } => {
                    let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
                    (status, kind, format!("{size}\n")).into_response()
                }
                refusal => (status, format!("{refusal}\n")).into_response(),
            }
        }
        Ok(Err(None)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(origin): Path<String>) -> Response {
    match witness.checkpoint(&origin) {
        Some(note) => note.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The name of a log's file, and its name in the monitoring address.
fn file_of(origin: &str) -> String {
    Sha256::digest(origin).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn seed(disk: &dyn Disk, random: &dyn Random) -> Result<[u8; 32], WitnessError> {
    let io_error = |source| WitnessError::Io { file: KEY_FILE.to_owned(), source };
    let damaged = || WitnessError::Damaged { file: KEY_FILE.to_owned() };
    let mut seed = [0; 32];
    match read_file(disk, KEY_FILE, 128) {
        Ok(text) => {
            let text = std::str::from_utf8(&text).map_err(|_| damaged())?.trim_end();
            if text.len() != 64 {
                return Err(damaged());
            }
            for (index, byte) in seed.iter_mut().enumerate() {
                let digits = text.get(2 * index..2 * index + 2).ok_or_else(damaged)?;
                *byte = u8::from_str_radix(digits, 16).map_err(|_| damaged())?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            random.fill(&mut seed);
            let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
            durable_write(disk, ROOT, "witness.key.tmp", KEY_FILE, format!("{hex}\n").as_bytes())
                .map_err(io_error)?;
        }
        Err(source) => return Err(io_error(source)),
    }
    Ok(seed)
}
