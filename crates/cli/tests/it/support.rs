//! An empty directory, a way to run the binary in it, and a server that is gone after the test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The admin key of every server in these tests.
pub(crate) const KEY: &str = "a-key-for-tests-on-this-machine";

/// A directory that is removed when the test ends.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("proofbook-it-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.join(name), bytes).expect("writable");
        name.to_owned()
    }

    /// Runs the binary here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("the binary runs");
        Ran {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Prepares a run with nothing of the tester's own settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofbook"));
        for name in ["PROOFBOOK_URL", "PROOFBOOK_KEY", "PROOFBOOK_ADMIN_KEY", "PROOFBOOK_LOG"] {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(&self.0).env("XDG_STATE_HOME", self.join("state"));
        command
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Below the system's directory for such files; left-overs harm nothing.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The last line of the output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A server in a child process, killed at the end of the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(directory: &Directory, data: &Path) -> Self {
        Self::start_with(directory, data, &[])
    }

    /// Starts with some flags more.
    pub(crate) fn start_with(directory: &Directory, data: &Path, flags: &[&str]) -> Self {
        let mut child = directory
            .command(&["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .env("PROOFBOOK_ADMIN_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        Self { child, url: told["url"].as_str().expect("an address").to_owned() }
    }

    /// Asks it to stop and returns its exit code; `None` when a signal ended it.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends").code()
    }

    /// Flags by which a client verb reaches it.
    pub(crate) fn flags(&self) -> [&str; 4] {
        ["--url", &self.url, "--key", KEY]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
