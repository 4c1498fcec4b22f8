//! `verify`: a bundle that somebody was given, or a stopped store.
//!
//! A bundle is checked against keys that its holder has from elsewhere; nothing is asked of a server.

use std::path::PathBuf;

use proofbook_event::Timestamp;
use proofbook_ledger::bundle::{Expectations, Report, Status, Verdict, verify};
use proofbook_ledger::{Checkpoint, VerifierKey};
use proofbook_store::clock::{Clock as _, RealClock};
use serde_json::{Value, json};

use crate::failure::{ExitKind, Failure};
use crate::output::{Output, visible};
use crate::{bundle, trusted};

mod store;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook verify ./audit-2026-11 --vkey acme.vkey
  proofbook verify audit.tar.zst --vkey acme.vkey --since checkpoint.last-year --max-age 2d
  proofbook verify --data ./proofbook-data

Exit codes for a bundle: 0 everything holds, 1 a proof fails, 2 the command line or a file given in it is
wrong, 3 something that is needed is missing, 4 the policy or the greatest age is not met. A stopped store
that is damaged ends with code 4, after every damaged file was named. Nothing is changed or sent anywhere.")]
pub(crate) struct Arguments {
    /// A bundle to check: a directory, or a .tar, .tar.zst or .tar.gz
    #[arg(value_name = "BUNDLE", requires = "vkey", conflicts_with = "data")]
    bundle: Option<PathBuf>,
    /// The log's public keys, one vkey a line, from somebody you trust and not from the bundle
    #[arg(long, value_name = "FILE", requires = "bundle")]
    vkey: Option<PathBuf>,
    /// A head (checkpoint) that you kept: the log must continue it; may be given several times
    #[arg(long, value_name = "HEAD", requires = "bundle")]
    since: Vec<PathBuf>,
    /// Whose cosignatures the head needs, and further keys of logs (C2SP tlog-policy)
    #[arg(long, value_name = "FILE", requires = "bundle")]
    policy: Option<PathBuf>,
    /// The greatest age of the newest event or cosignature, such as 36h or 2d
    #[arg(long, value_name = "D", requires = "bundle", value_parser = trusted::duration)]
    max_age: Option<i64>,
    /// The data directory of a stopped store
    #[arg(long, value_name = "DIR", default_value = "./proofbook-data")]
    data: PathBuf,
    /// How many threads derive a store's leaves; one a core when absent
    #[arg(long, value_name = "N", conflicts_with = "bundle")]
    threads: Option<usize>,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let (Some(path), Some(vkey)) = (&arguments.bundle, &arguments.vkey) else {
        return store::run(&arguments.data, arguments.threads, output);
    };
    let policy = arguments.policy.as_deref().map(trusted::policy).transpose()?;
    let mut keys = trusted::keys(vkey)?;
    keys.extend(policy.iter().flat_map(|policy| policy.logs()).map(|log| log.key.clone()));
    let since = kept(&arguments.since, &keys)?;
    let mut bundle = bundle::open(path)?;
    let expectations = Expectations {
        keys: &keys,
        since: &since,
        policy: policy.as_ref(),
        max_age_micros: arguments.max_age,
        now: Timestamp::from_micros(RealClock.wall_micros()),
    };
    let report = verify(&mut bundle, &expectations)
        .map_err(|error| Failure::failed("the bundle cannot be read").because(error))?;
    print(&report, output)?;
    let failure = |kind, message: &str| Err(Failure::new(kind, message));
    match report.verdict() {
        Verdict::Ok => Ok(()),
        Verdict::Fails => failure(ExitKind::Failed, "a proof fails, see above"),
        Verdict::Incomplete => failure(ExitKind::Partly, "something needed is missing, see above"),
        Verdict::PolicyNotMet => failure(ExitKind::NotMet, "your policy is not met, see above"),
    }
}

fn kept(paths: &[PathBuf], keys: &[VerifierKey]) -> Result<Vec<Checkpoint>, Failure> {
    paths.iter().map(|path| trusted::head(path, keys)).collect()
}

fn print(report: &Report, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&as_json(report));
    }
    for check in &report.checks {
        let line = format!("{:<11} {:<13} {}", check.status.as_str(), check.name, check.detail);
        output.line(&visible(&line))?;
    }
    let erased = report.erased.iter().take(20);
    for (seq, pointer, by) in erased {
        output.line(&format!("{:<11} event {seq}: {pointer} was erased by leaf {by}", ""))?;
    }
    if report.checks.iter().any(|check| check.name == "since" && check.status == Status::Skipped) {
        output.note("keep this bundle's `checkpoint`, and give it with --since the next time");
    }
    output.line(match report.verdict() {
        Verdict::Ok => "verified",
        Verdict::Fails => "NOT VERIFIED: a proof fails",
        Verdict::Incomplete => "NOT VERIFIED: incomplete",
        Verdict::PolicyNotMet => "NOT ACCEPTED: your policy is not met",
    })
}

fn as_json(report: &Report) -> Value {
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| {
            json!({"name": check.name, "status": check.status.as_str(), "detail": check.detail})
        })
        .collect();
    let erased: Vec<Value> = report
        .erased
        .iter()
        .map(|(seq, pointer, by)| json!({"seq": seq, "pointer": pointer, "by": by}))
        .collect();
    let head = report.head.as_ref().map(
        |head| json!({"origin": head.origin, "size": head.size, "root": head.root.to_string()}),
    );
    json!({
        "verdict": report.verdict().as_str(),
        "head": head,
        "checks": checks,
        "events": report.event_count,
        "openings": report.opening_count,
        "withheld": report.withheld_count,
        "erased_count": report.erased_count,
        "erased": erased,
        "purged": report.purged_count,
    })
}
