//! The server that is measured: this same program as a child process, so that its processor time and
//! memory are its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::process::{Usage, usage};
use super::wire::Wire;
use crate::failure::Failure;

/// A running server.
pub(crate) struct ChildServer {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start until it answered, seconds.
    pub(crate) start_seconds: f64,
}

/// The admin key of a server that lives for a measurement, on this machine only.
pub(crate) const KEY: &str = "benchmark-key-of-this-machine-only";

impl ChildServer {
    /// Starts a server in a data directory and waits until it answers.
    pub(crate) fn start(data: &Path) -> Result<Self, Failure> {
        Self::start_with(data, &[])
    }

    /// Starts it with further flags.
    pub(crate) fn start_with(data: &Path, flags: &[&str]) -> Result<Self, Failure> {
        let failed = |error| Failure::failed("cannot start the server").because(error);
        let program = std::env::current_exe().map_err(failed)?;
        let begin = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .env("PROOFBOOK_ADMIN_KEY", KEY)
            .env("PROOFBOOK_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(failed)?;
        }
        let told: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let url = told["url"].as_str().and_then(|url| url.strip_prefix("http://"));
        let Some(address) = url.and_then(|address| address.parse().ok()) else {
            let _ = child.kill();
            return Err(Failure::failed("the server did not say where it listens"));
        };
        Ok(Self { child, address, start_seconds: begin.elapsed().as_secs_f64() })
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Result<Wire, Failure> {
        Wire::connect(self.address, KEY)
            .map_err(|error| Failure::failed("cannot reach the server").because(error))
    }

    /// Reads what the process has used.
    pub(crate) fn usage(&self) -> Usage {
        usage(Some(self.child.id()))
    }

    /// Waits until it does nothing any more: everything full is packed and compacted, and what merging
    /// replaced is gone.
    pub(crate) fn drain(&self) -> Usage {
        const STEP: Duration = Duration::from_millis(1_000);
        const QUIET_US: u64 = 20_000;
        let mut before = self.usage();
        loop {
            std::thread::sleep(STEP);
            let now = self.usage();
            if now.cpu_us - before.cpu_us <= QUIET_US {
                return now;
            }
            before = now;
        }
    }

    /// Ends it as a power cut ends a process: at once.
    pub(crate) fn kill(mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // When it is gone already the wait says so.
            let _ = kill_process(pid, Signal::TERM);
        }
        let status = self.child.wait();
        match status.map(|status| status.success()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::failed("the server did not end in order")),
            Err(error) => Err(Failure::failed("cannot wait for the server").because(error)),
        }
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // Nothing is left running when a measurement fails half-way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
