//! A data directory that this process opens itself: for a stopped store.

use std::path::Path;
use std::sync::Arc;

use proofbook_server::Config;
use proofbook_store::clock::RealClock;
use proofbook_store::disk::{Disk, Lock, RealDisk};
use proofbook_store::names;
use proofbook_store::open::{OpenError, Options};
use proofbook_store::random::SystemRandom;
use proofbook_store::signing::Signer;
use proofbook_store::store::{Machine, OnFatal, Store};

use crate::failure::{ExitKind, Failure};
use crate::files;

/// Opens an existing data directory for reading and keeps other processes out of it.
pub(crate) fn hold(data: &Path) -> Result<(Arc<dyn Disk>, Lock), Failure> {
    let disk = RealDisk::open(data).map_err(|error| {
        Failure::usage(format!("cannot open the data directory {}", data.display())).because(error)
    })?;
    // Before the lock is made: a mistyped path is some directory, and gets no file from us.
    if disk.open_read(names::STORE_ID).is_err() {
        let message = format!("{} is no data directory of Proofbook", data.display());
        return Err(Failure::usage(message).hint("it has no file `store.id`"));
    }
    let lock = disk.lock(names::LOCK).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => in_use(data),
        _ => Failure::failed(format!("cannot lock {}", data.display())).because(error),
    })?;
    Ok((Arc::new(disk), lock))
}

/// Opens a data directory, or makes it, and starts a store in it.
pub(crate) fn start_store(
    data: &Path,
    options: Options,
    on_fatal: OnFatal,
) -> Result<Store, Failure> {
    let disk = RealDisk::create(data).map_err(|error| {
        Failure::usage(format!("cannot open or make the data directory {}", data.display()))
            .because(error)
    })?;
    let machine = Machine {
        disk: Arc::new(disk),
        clock: Arc::new(RealClock),
        random: Arc::new(SystemRandom),
    };
    Store::start(&machine, options, on_fatal).map_err(|error| match error {
        OpenError::InUse => in_use(data),
        error => {
            Failure::new(ExitKind::Damage, format!("cannot open the store in {}", data.display()))
                .because(error)
        }
    })
}

/// Opens the signing directory, or makes it, and takes up the head that somebody holds.
pub(crate) fn start_signer(config: &Config, store: &Store) -> Result<Arc<Signer>, Failure> {
    let dir = config.signing.clone().unwrap_or_else(|| config.data.join("signing"));
    let cannot = || Failure::failed(format!("cannot use the signing directory {}", dir.display()));
    let disk = RealDisk::create(&dir).map_err(|error| cannot().because(error))?;
    let seed_in_use = store.view().config.signing_seed;
    let signer = Signer::open(Arc::new(disk), &SystemRandom, store.uid(), seed_in_use)
        .map_err(|error| cannot().because(error))?;
    if let Some(path) = &config.known_head {
        let failed =
            || Failure::usage(format!("cannot take up the known head in {}", path.display()));
        let note = files::read_text(path).map_err(|error| failed().because(error))?;
        signer.take_known_head(note.as_bytes()).map_err(|error| failed().because(error))?;
    }
    Ok(Arc::new(signer))
}

/// Returns what a verb lets the store call when it cannot go on: the verb's next commit fails, and that
/// is what is reported.
pub(crate) fn on_fatal() -> OnFatal {
    Box::new(|fatal| {
        tracing::error!(error = fatal as &dyn std::error::Error, "the store stopped");
    })
}

fn in_use(data: &Path) -> Failure {
    Failure::new(ExitKind::InUse, format!("{} is open in another process", data.display()))
        .hint("stop the server first, or ask it with --url instead of --data")
}
