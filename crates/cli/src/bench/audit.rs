//! What an auditor waits for: a whole bundle of the largest workspace, from the directory it was unpacked
//! into, checked as `proofbook verify BUNDLE` checks it.

use std::path::Path;
use std::time::Instant;

use proofbook_event::Timestamp;
use proofbook_ledger::VerifierKey;
use proofbook_ledger::bundle::{Expectations, Verdict, verify};
use proofbook_store::clock::{Clock as _, RealClock};
use serde_json::Value;

use super::child::ChildServer;
use super::measure::{Bound, Measure};
use super::over_http::path;
use super::process::usage;
use super::workload::Workload;
use crate::failure::Failure;
use crate::{bundle, files};

/// Events a second and core that must be audited, and where we are going.
const GATE: f64 = 200_000.0;
const GOAL: f64 = 300_000.0;

/// Takes a bundle of the largest workspace out of a server, unpacks it into `dir` and audits it on one
/// thread.
pub(crate) fn measure(
    server: &ChildServer,
    workload: &Workload,
    dir: &Path,
) -> Result<Vec<Measure>, Failure> {
    let workspace = workload.queries().largest_workspace;
    let mut wire = server.connect()?;
    let mut get = |what: &str| {
        let failed = || Failure::failed(format!("the server does not give its {what}"));
        let mut body = Vec::new();
        match wire.get(&path(&workspace, what, &[]), &mut body) {
            Ok(200) => Ok(body),
            Ok(status) => Err(failed().hint(format!("it answered {status}"))),
            Err(error) => Err(failed().because(error)),
        }
    };
    files::unpack(get("log/bundle")?.as_slice(), dir)?;
    let told: Value = serde_json::from_slice(&get("log/keys")?).unwrap_or_default();
    let keys = told["data"].as_array().into_iter().flatten();
    let keys: Vec<VerifierKey> =
        keys.filter_map(|key| key["vkey"].as_str()?.parse().ok()).collect();
    let expectations = Expectations {
        keys: &keys,
        since: &[],
        policy: None,
        max_age_micros: None,
        now: Timestamp::from_micros(RealClock.wall_micros()),
    };
    let (begin, before) = (Instant::now(), usage(None).cpu_us);
    let report = verify(&mut bundle::open(dir)?, &expectations)
        .map_err(|error| Failure::failed("the bundle cannot be read").because(error))?;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_seconds = (usage(None).cpu_us - before) as f64 / 1e6;
    if report.verdict() != Verdict::Ok {
        let checks = report.checks.iter();
        let said = checks.map(|check| format!("{}: {}", check.name, check.detail));
        let said: Vec<String> = said.collect();
        return Err(Failure::failed("the bundle does not verify").hint(said.join("; ")));
    }
    let events = report.event_count as f64;
    Ok(vec![
        Measure::new("events of the bundle", events, ""),
        Measure::new("audit of a bundle, per core", events / cpu_seconds.max(0.01), "/s")
            .bounds(Bound::AtLeast(GATE), Bound::AtLeast(GOAL)),
        Measure::new("audit of a bundle, as it was waited for", events / seconds, "/s"),
    ])
}
