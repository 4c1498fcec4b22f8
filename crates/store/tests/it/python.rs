//! Runs the scripts that read our files with foreign tools or none.
//!
//! `PROOFBOOK_PYTHON` names an interpreter with `duckdb` and `zstandard`; `.ci/run` makes one. Without
//! it a test says so and checks less, since such an interpreter is not on every machine.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs a script and reads the JSON that it prints; `None`, with the reason printed, when there is
/// no interpreter for it.
///
/// Panics when the script fails: what it found is in the message.
pub(crate) fn run(script: &str, arguments: &[&Path], needs: &str) -> Option<Value> {
    let Some(python) = std::env::var_os("PROOFBOOK_PYTHON").filter(|name| !name.is_empty()) else {
        // Past the capture of passing tests: nobody should take a skipped check for one that passed.
        let line =
            format!("{script} skipped: PROOFBOOK_PYTHON names no interpreter with {needs}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let run = Command::new(&python).arg(&script).args(arguments).output();
    let run = run.unwrap_or_else(|error| panic!("{} cannot be run: {error}", python.display()));
    let failed = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {failed}", script.display());
    Some(serde_json::from_slice(&run.stdout).unwrap())
}
