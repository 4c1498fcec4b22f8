//! `cargo xtask crash [--n N] [--binary PATH] [--seed S] [--ci]`: kills a real server under load and
//! checks every receipt after each start.
//!
//! Each cycle starts the binary on the same data directory, reads back what was acknowledged, loads it
//! from some threads over HTTP, and sends SIGKILL at a random moment; now and then it kills the start
//! itself. Some requests wait for a signed head. What was acknowledged and signed is kept here, in another process. The page cache survives a kill, so
//! this says nothing about power cuts; those are simulated (`cargo xtask sim`).

mod heads;
mod http;
mod journal;
mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journal::{Journal, Sent};
use server::Server;

/// The line in `cargo xtask help`.
pub(crate) const ABOUT: &str =
    "kills a server under load, starts it again and checks every receipt";
/// The command.
pub(crate) const RUN: Option<crate::Run> = Some(run);

/// Kills unless told otherwise, and in CI.
const KILLS: u64 = 100;
const THREADS: u64 = 4;
const WORKSPACES: u64 = 3;
/// Longest time under load before a kill, in milliseconds.
const LOAD_MILLIS_MAX: u64 = 250;

struct Asked {
    kills: u64,
    binary: Option<PathBuf>,
    seed: u64,
}

fn run(arguments: &[String]) -> Result<(), String> {
    let asked = parse(arguments)?;
    let binary = match asked.binary {
        Some(binary) => binary,
        None => server::build()?,
    };
    let data = std::env::temp_dir().join(format!("proofbook-crash-{}", std::process::id()));
    let begin = Instant::now();
    let mut journal = Journal::default();
    let mut dice = Dice(asked.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut killed_starts = 0;
    for cycle in 0..asked.kills {
        if cycle % 8 == 7 {
            // A start that never comes to its end.
            let mut server = Server::spawn(&binary, &data)?;
            std::thread::sleep(Duration::from_millis(dice.below(60)));
            server.kill()?;
            killed_starts += 1;
        }
        let mut server = Server::spawn(&binary, &data)?;
        server.wait_until_it_listens().map_err(|error| format!("cycle {cycle}: {error}"))?;
        journal.check(&server.address).map_err(|error| format!("cycle {cycle}: {error}"))?;
        let millis = dice.below(LOAD_MILLIS_MAX);
        load_and_kill(&mut server, &mut journal, &mut dice, cycle, millis)
            .map_err(|error| format!("cycle {cycle}: {error}"))?;
        if cycle % 10 == 9 {
            println!(
                "{} kills, {} events acknowledged, {} s",
                cycle + 1 + killed_starts,
                journal.acknowledged(),
                begin.elapsed().as_secs()
            );
        }
    }
    let mut server = Server::spawn(&binary, &data)?;
    server.wait_until_it_listens()?;
    let checked = journal.check_everything(&server.address)?;
    server.kill()?;
    let _ = std::fs::remove_dir_all(&data);
    println!(
        "{} kills ({killed_starts} of them during a start), {} events acknowledged, {} batches of \
         unknown outcome, {checked} events read back at the end, nothing lost, {} signed heads, none contradicted, {} s",
        asked.kills + killed_starts,
        journal.acknowledged(),
        journal.unknown_batches,
        journal.heads.count(),
        begin.elapsed().as_secs()
    );
    if journal.acknowledged() == 0 {
        return Err("nothing was ever acknowledged, so nothing was tested".to_owned());
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Asked, String> {
    let mut asked = Asked { kills: KILLS, binary: None, seed: 1 };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no whole number"));
        match argument.as_str() {
            "--n" => asked.kills = number(value()?)?,
            "--seed" => asked.seed = number(value()?)?,
            "--binary" => asked.binary = Some(PathBuf::from(value()?)),
            // The only kind there is, and the size that CI has time for.
            "--kill" | "--ci" => {}
            other => return Err(format!("`crash` does not know `{other}`")),
        }
    }
    Ok(asked)
}

/// Loads the server from some threads, kills it after some time, and takes over what they were told.
fn load_and_kill(
    server: &mut Server,
    journal: &mut Journal,
    dice: &mut Dice,
    cycle: u64,
    millis: u64,
) -> Result<(), String> {
    let stop = AtomicBool::new(false);
    let address = server.address.clone();
    let repeats = journal.some_known(dice);
    let results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (stop, address, repeats) = (&stop, &address, &repeats);
                let mut dice = dice.split();
                scope.spawn(move || journal::load(address, stop, cycle, thread, repeats, &mut dice))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(millis));
        let killed = server.kill();
        stop.store(true, Ordering::SeqCst);
        let sent: Vec<Vec<Sent>> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect();
        killed.map(|()| sent)
    })?;
    for sent in results.into_iter().flatten() {
        journal.take(sent)?;
    }
    journal.heads.next_life();
    Ok(())
}

/// Chance from a seed (xorshift64); the moments of the kills are the machine's all the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn split(&mut self) -> Self {
        Self(self.below(u64::MAX) | 1)
    }
}

#[cfg(test)]
mod tests;
