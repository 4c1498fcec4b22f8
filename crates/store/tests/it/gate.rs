//! A disk on which a test stops one thread in the middle of its work.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use proofbook_store::disk::{Disk, DiskFile, Lock, SimDisk};
use proofbook_store::names::SEGMENT_DIR;

/// How long a thread may take to come to the gate, or anything else that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A gate before a disk: once it is closed, who begins to write a segment waits there. It is opened when
/// a test ends, also by a panic: nobody could stop the store else.
pub(crate) struct Gate(Arc<GateDisk>);

/// A simulated disk with a gate.
struct GateDisk {
    disk: SimDisk,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether the next one who comes is to wait.
    is_closed: bool,
    /// Who waits.
    waiting: Option<Writer>,
    /// Who began to write a segment, in order.
    writers: Vec<Writer>,
}

/// A thread that began to write a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// Its name.
    pub(crate) thread: String,
    /// Its niceness.
    pub(crate) niceness: i32,
}

impl Gate {
    pub(crate) fn new(disk: &SimDisk) -> Self {
        let (disk, state, changed) = (disk.clone(), Mutex::default(), Condvar::new());
        Self(Arc::new(GateDisk { disk, state, changed }))
    }

    /// Returns the disk behind the gate.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        self.0.clone()
    }

    /// Lets the next one wait who begins to write a segment, and only that one.
    pub(crate) fn close(&self) {
        self.0.state.lock().unwrap().is_closed = true;
    }

    /// Waits until somebody stands at the gate.
    pub(crate) fn wait(&self) -> Writer {
        let state = self.0.state.lock().unwrap();
        let nobody = |state: &mut State| state.waiting.is_none();
        let (state, _) = self.0.changed.wait_timeout_while(state, PATIENCE, nobody).unwrap();
        let waiting = state.waiting.clone();
        drop(state);
        waiting.expect("somebody comes to the gate")
    }

    /// Lets go on who waits.
    pub(crate) fn open(&self) {
        let mut state = self.0.state.lock().unwrap();
        (state.is_closed, state.waiting) = (false, None);
        self.0.changed.notify_all();
    }

    /// Returns who began to write a segment so far.
    pub(crate) fn writers(&self) -> Vec<Writer> {
        self.0.state.lock().unwrap().writers.clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl GateDisk {
    fn pass(&self) {
        let writer = Writer {
            thread: thread::current().name().unwrap_or_default().to_owned(),
            niceness: niceness(),
        };
        let mut state = self.state.lock().unwrap();
        state.writers.push(writer.clone());
        if !std::mem::take(&mut state.is_closed) {
            return;
        }
        state.waiting = Some(writer);
        self.changed.notify_all();
        let waits = |state: &mut State| state.waiting.is_some();
        drop(self.changed.wait_while(state, waits).unwrap());
    }
}

/// Returns the calling thread's niceness.
pub(crate) fn niceness() -> i32 {
    rustix::process::getpriority_process(None).unwrap()
}

impl Disk for GateDisk {
    fn create_new(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        // A segment is two files, and its index comes first.
        if path.starts_with(SEGMENT_DIR) && path.contains(".idx") {
            self.pass();
        }
        self.disk.create_new(path)
    }

    fn open_read(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_read(path)
    }

    fn open_write(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_write(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &str) -> io::Result<Lock> {
        self.disk.lock(path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}
