//! The process under test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The admin key of the server under test.
pub(super) const KEY: &str = "crash-test-key-of-no-other-use";

/// A server process, killed when this is dropped.
pub(super) struct Server {
    child: Child,
    /// `host:port`, once it listens.
    pub(super) address: String,
}

impl Server {
    /// Starts the binary on a data directory, on any free port.
    pub(super) fn spawn(binary: &Path, data: &Path) -> Result<Self, String> {
        let child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("PROOFBOOK_ADMIN_KEY", KEY)
            .env("PROOFBOOK_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        Ok(Self { child, address: String::new() })
    }

    /// Waits until it says where it listens.
    pub(super) fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let output = self.child.stdout.take().ok_or("it has no output")?;
        let mut lines = BufReader::new(output).lines();
        let Some(Ok(first)) = lines.next() else {
            return Err("the server did not start".to_owned());
        };
        let (_, address) =
            first.split_once("http://").ok_or_else(|| format!("it said `{first}`"))?;
        self.address = address.trim().to_owned();
        // What else it says is read away, so that it never waits for us.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(())
    }

    /// Sends SIGKILL and waits for the end.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        // On Unix this is SIGKILL; it fails when the process has ended by itself.
        self.child.kill().map_err(|error| format!("cannot kill the server: {error}"))?;
        let status = self.child.wait().map_err(|error| format!("cannot wait for it: {error}"))?;
        if status.code().is_some() {
            return Err(format!("the server ended by itself with {status}"));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the binary as tests are built, and returns its path.
pub(super) fn build() -> Result<PathBuf, String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(&root)
        .args(["build", "--quiet", "--package", "proofbook-cli"])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err("the binary does not build".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(target.join("debug").join("proofbook"))
}
