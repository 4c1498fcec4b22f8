//! `watch`: pulls the heads of a workspace's log, keeps the last, and raises the alarm when the log did
//! not only grow. It needs no port of its own.
//!
//! The kept head is the file `<state>/<workspace>.checkpoint`; it is replaced only by one that continues
//! it. What contradicts it is kept beside it, since two signed heads that exclude each other are proof.

use std::path::PathBuf;
use std::time::Duration;

use proofbook_ledger::consistency::ConsistencyLines;
use proofbook_ledger::policy::Policy;
use proofbook_ledger::submission::{Answer, Submission};
use proofbook_ledger::{Checkpoint, Note, VerifierKey};
use serde_json::json;

use crate::client::{Client, part};
use crate::failure::{ExitKind, Failure};
use crate::files;
use crate::output::Output;
use crate::trusted;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook watch --workspace acme --vkey acme.vkey
  proofbook watch --workspace acme --vkey acme.vkey --every 10m --policy witnesses.txt

Ends with code 9 when the log was forked, rolled back or rewritten since the last time, and keeps both heads as
evidence. With --policy it also carries the head to the witnesses that have a URL there, and ends with code 4
when their cosignatures do not suffice. Run it from a timer, or with --every.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: crate::client::Remote,
    /// Name of the workspace
    #[arg(short, long, value_name = "NAME")]
    workspace: String,
    /// The log's public keys, one vkey a line
    #[arg(long, value_name = "FILE")]
    vkey: PathBuf,
    /// Where the last head is kept
    #[arg(long, value_name = "DIR", default_value = "./proofbook-watch")]
    state: PathBuf,
    /// Go on, and look again after this time, such as 10m
    #[arg(long, value_name = "D", value_parser = trusted::duration)]
    every: Option<i64>,
    /// Witnesses to carry the head to, and how many must cosign (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let keys = trusted::keys(&arguments.vkey)?;
    let policy = arguments.policy.as_deref().map(trusted::policy).transpose()?;
    let watch = Watch {
        client: arguments.remote.client()?,
        path: format!("/v1/workspaces/{}/log", part(&arguments.workspace)),
        kept: arguments.state.join(format!("{}.checkpoint", part(&arguments.workspace))),
        keys,
        policy,
    };
    loop {
        match (watch.look(output), arguments.every) {
            (Ok(()), None) => return Ok(()),
            (Ok(()), Some(_)) => {}
            // A server that is away is no fork: the next look may find it.
            (Err(failure), Some(_)) if failure.kind == ExitKind::Unreachable => {
                output.warning(&format!("warning: {}", failure.chain()));
            }
            (Err(failure), _) => return Err(failure),
        }
        let micros = u64::try_from(arguments.every.unwrap_or_default()).unwrap_or_default();
        std::thread::sleep(Duration::from_micros(micros.max(1_000_000)));
    }
}

struct Watch {
    client: Client,
    path: String,
    kept: PathBuf,
    keys: Vec<VerifierKey>,
    policy: Option<Policy>,
}

impl Watch {
    fn look(&self, output: &mut Output) -> Result<(), Failure> {
        let note = self.client.text(&format!("{}/checkpoint", self.path), &[])?;
        let head = self.open(&note)?;
        let before = match files::read_text(&self.kept) {
            Ok(text) => Some(self.open(&text).map_err(|_| {
                Failure::failed(format!("{} is damaged", self.kept.display()))
                    .hint("look why; removing it would accept whatever the server shows next")
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("cannot read {}", self.kept.display());
                return Err(Failure::failed(message).because(error));
            }
        };
        if let Some(before) = &before {
            self.continues(before, &head, &note)?;
        }
        let note = self.cosigned(&head, note, output)?;
        files::replace_durably(&self.kept, &note).map_err(|error| {
            Failure::failed(format!("cannot keep the head in {}", self.kept.display()))
                .because(error)
        })?;
        let size_before = before.map(|before| before.size);
        if output.is_json() {
            output.value(&json!({
                "origin": head.origin, "size": head.size, "root": head.root.to_string(),
                "size_before": size_before,
            }))?;
        } else {
            let size = head.size;
            output.line(&match size_before {
                None => format!("size {size}; the first head that is kept, taken on trust"),
                Some(before) if before == size => format!("size {size}; nothing new"),
                Some(before) => format!("size {size}; continues the kept head of size {before}"),
            })?;
        }
        self.check_policy(&note)
    }

    fn open(&self, note: &str) -> Result<Checkpoint, Failure> {
        let text = Note::parse(note.as_bytes()).map(|note| note.text().to_owned());
        let origin = text.ok().and_then(|text| Some(Checkpoint::parse(&text).ok()?.origin));
        let key = self.keys.iter().find(|key| Some(key.name()) == origin.as_deref());
        let key = key.ok_or_else(|| Failure::failed("the server shows the head of another log"))?;
        // Any of the log's keys will do, as while it goes over from one to the next.
        let mut last = None;
        for key in self.keys.iter().filter(|other| other.name() == key.name()) {
            match Checkpoint::open(note.as_bytes(), key) {
                Ok(head) => return Ok(head),
                Err(error) => last = Some(error),
            }
        }
        let failure = Failure::failed("the head is not signed by a key given");
        Err(match last {
            Some(error) => failure.because(error),
            None => failure,
        })
    }

    /// Checks that the head continues the one that was kept; keeps the evidence if it does not.
    fn continues(&self, old: &Checkpoint, new: &Checkpoint, note: &str) -> Result<(), Failure> {
        let alarm = |what: String| {
            let evidence = self.kept.with_extension(format!("evidence-{}", new.size));
            let kept = files::replace_durably(&evidence, note);
            let failure = Failure::new(ExitKind::Forked, what);
            Err(match kept {
                Ok(()) => failure.hint(format!(
                    "the two signed heads are {} and {}",
                    self.kept.display(),
                    evidence.display()
                )),
                Err(error) => failure.because(error),
            })
        };
        if old.origin != new.origin {
            return alarm(format!("the log goes on under another origin, {}", new.origin));
        }
        if new.size < old.size {
            return alarm(format!(
                "the log was rolled back: it had {} events and shows {}",
                old.size, new.size
            ));
        }
        if new.size == old.size {
            return match new.root == old.root {
                true => Ok(()),
                false => alarm(format!("the log was forked: two heads of size {}", new.size)),
            };
        }
        let lines = self.lines(old.size)?;
        let Ok(lines) = ConsistencyLines::parse(lines.as_bytes()) else {
            return Err(Failure::failed("the server's consistency lines are none"));
        };
        // The server may have grown since the head was fetched; what counts is a head that it signed.
        let later = self.open(&lines.checkpoint)?;
        let verified = self
            .keys
            .iter()
            .any(|key| later.origin == key.name() && lines.verify(old, key).is_ok());
        if !verified {
            return alarm(format!("the log does not continue its head of size {}", old.size));
        }
        if later.size != new.size {
            // Both must be of one history.
            let between = self.lines(new.size)?;
            let between = ConsistencyLines::parse(between.as_bytes()).ok();
            let verified = between.is_some_and(|lines| {
                self.keys
                    .iter()
                    .any(|key| new.origin == key.name() && lines.verify(new, key).is_ok())
            });
            if !verified {
                return alarm(format!("the server signed two histories at size {}", new.size));
            }
        } else if later.root != new.root {
            return alarm(format!("the log was forked: two heads of size {}", new.size));
        }
        Ok(())
    }

    fn lines(&self, from: u64) -> Result<String, Failure> {
        let path = format!("{}/consistency", self.path);
        self.client.text(&path, &[("from", &from.to_string())])
    }

    /// Carries the head to the policy's witnesses and adds their cosignatures to the note.
    fn cosigned(
        &self,
        head: &Checkpoint,
        note: String,
        output: &mut Output,
    ) -> Result<String, Failure> {
        let Some(policy) = &self.policy else { return Ok(note) };
        let submission = Submission::new(&note)
            .map_err(|error| Failure::failed("the head is no checkpoint").because(error))?;
        let mut lines: Vec<String> = Vec::new();
        for (index, witness) in policy.witnesses().iter().enumerate() {
            let url = policy.witness_url(index).and_then(|url| std::str::from_utf8(url).ok());
            let Some(url) = url else { continue };
            match self.ask_witness(url, witness, head, &submission) {
                Ok(line) => lines.push(line),
                Err(failure) => {
                    output.warning(&format!("warning: {}: {}", witness.name(), failure.chain()))
                }
            }
        }
        Ok(submission.cosigned(lines.iter().map(String::as_str)))
    }

    /// Submits a head, from the size that the witness says it knows; returns the line of the cosignature.
    fn ask_witness(
        &self,
        url: &str,
        witness: &VerifierKey,
        head: &Checkpoint,
        submission: &Submission<'_>,
    ) -> Result<String, Failure> {
        let address = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let first = submission.body(0, Vec::new());
        let (status, answer) = self.client.post_elsewhere(&address, first.as_bytes())?;
        let judged = submission.judge(witness, 0, status, answer.as_bytes());
        let Answer::Knows { size: old } = judged else { return cosignature(judged, status) };
        let lines = ConsistencyLines::parse(self.lines(old)?.as_bytes()).map_err(|error| {
            Failure::failed("the server's consistency lines are none").because(error)
        })?;
        // The proof must end at the very head that is to be cosigned.
        if self.open(&lines.checkpoint)? != *head {
            return Err(Failure::failed("the log grew meanwhile; the next look goes on"));
        }
        let again = submission.body(old, lines.proof);
        let (status, answer) = self.client.post_elsewhere(&address, again.as_bytes())?;
        cosignature(submission.judge(witness, old, status, answer.as_bytes()), status)
    }

    fn check_policy(&self, note: &str) -> Result<(), Failure> {
        let Some(policy) = &self.policy else { return Ok(()) };
        let standing = Note::parse(note.as_bytes())
            .and_then(|note| policy.evaluate(&note))
            .map_err(|error| Failure::failed("a cosignature does not hold").because(error))?;
        match standing.is_met {
            true => Ok(()),
            false => Err(Failure::new(ExitKind::NotMet, "too few witnesses cosigned the head")),
        }
    }
}

/// Returns the line of a cosignature, or says why there is none.
fn cosignature(answer: Answer<'_>, status: u16) -> Result<String, Failure> {
    let forked = |message: &str| Err(Failure::new(ExitKind::Forked, message));
    match answer {
        Answer::Cosigned(line) => Ok(line.to_owned()),
        Answer::Ahead { size } => {
            forked(&format!("the witness saw size {size}, greater than this head"))
        }
        Answer::Forked => forked("the witness says that the log was forked"),
        Answer::Unsigned => Err(Failure::failed("the witness's answer does not cosign this head")),
        Answer::Knows { .. } | Answer::Refused => {
            Err(Failure::failed(format!("the witness answers {status}")))
        }
    }
}
