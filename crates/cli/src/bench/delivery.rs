//! What deliveries come to, and what they cost ingest: events drained to a healthy receiver on loopback,
//! and the same workload taken in with four destinations at work and with none.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::baseline::percentile;
use super::child::ChildServer;
use super::measure::{Bound, Measure};
use super::over_http;
use super::run::{INGEST_GATE, INGEST_GOAL};
use super::workload::Workload;
use crate::failure::Failure;

/// Destinations that are at work while events are taken in.
const DESTINATIONS: usize = 4;
/// Times that events are taken in with destinations, and as often without.
const TURNS: usize = 5;
/// Events that are drained; more say nothing more.
const DRAINED_EVENTS_MAX: u64 = 200_000;
/// How long nothing may arrive until draining counts as stuck.
const STUCK: Duration = Duration::from_secs(30);
/// Events a second that a healthy receiver gets (issue 4).
const DRAIN_GATE: f64 = 5_000.0;

/// A receiver that takes everything and counts it.
struct Receiver {
    url: String,
    taken: Arc<AtomicU64>,
}

impl Receiver {
    fn open() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/", listener.local_addr()?);
        let taken = Arc::new(AtomicU64::new(0));
        let count = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = count.clone();
                // A connection that breaks is opened again by who sends.
                std::thread::spawn(move || serve(stream, &count));
            }
        });
        Ok(Self { url, taken })
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Answers one connection's requests to its end.
fn serve(stream: TcpStream, count: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        count.fetch_add(1, Ordering::Relaxed);
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// Measures in fresh directories: first with and without destinations in turns, so that both see the
/// same moods of the machine, then what a healthy receiver gets.
pub(crate) fn measure(
    place: &dyn Fn(&str) -> PathBuf,
    workload: &Workload,
    connections: usize,
    tick: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Measure>, Failure> {
    let flags = ["--webhook-allow", "127.0.0.1"];
    let start = |name: String| ChildServer::start_with(&place(&name), &flags);
    let receiver = || Receiver::open().map_err(|error| lost().because(error));
    let (mut without, mut with, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        // Whoever goes first finds another disk cache: each does so as often as it can.
        for goes_with in if turn % 2 == 0 { [true, false] } else { [false, true] } {
            let (count, name, rates) = match goes_with {
                true => (DESTINATIONS, format!("with-destinations-{turn}"), &mut with),
                false => (0, format!("without-destinations-{turn}"), &mut without),
            };
            let server = start(name)?;
            let fed = receiver()?;
            for _ in 0..count {
                destination(&server, &fed, "now")?;
            }
            let sent = over_http::send_all(&server, workload, connections, tick)?;
            rates.push(workload.events() as f64 / sent.seconds);
            if goes_with {
                told.push(fed.taken() as f64 / sent.seconds);
            }
            server.stop()?;
        }
    }

    let server = start(String::from("drained"))?;
    over_http::ingest(&server, workload, connections, tick)?;
    let drained = receiver()?;
    let events = workload.events().min(DRAINED_EVENTS_MAX);
    let begin = Instant::now();
    let before = server.usage();
    destination(&server, &drained, "beginning")?;
    until(&drained, events)?;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_us = server.usage().cpu_us - before.cpu_us;
    server.stop()?;

    let least = with.iter().copied().fold(f64::INFINITY, f64::min);
    let (without, with) = (median(without), median(with));
    Ok(vec![
        Measure::new("events drained to one receiver", events as f64 / seconds, "/s")
            .bounds(Bound::AtLeast(DRAIN_GATE), Bound::AtLeast(2.0 * DRAIN_GATE)),
        Measure::new("  CPU of the server an event", cpu_us as f64 / events.max(1) as f64, "µs"),
        Measure::new("events acknowledged without destinations, p50", without, "/s"),
        Measure::new("events acknowledged with four, p50", with, "/s")
            .bounds(Bound::AtLeast(INGEST_GATE), Bound::AtLeast(INGEST_GOAL)),
        Measure::new("  of what it is without", with * 100.0 / without, "%")
            .bounds(Bound::AtLeast(90.0), Bound::AtLeast(95.0)),
        Measure::new("  in the slowest turn", least, "/s"),
        Measure::new("  messages taken meanwhile, p50", median(told), "/s"),
    ])
}

/// Returns the one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 50.0)
}

/// Makes a destination of all workspaces.
fn destination(server: &ChildServer, receiver: &Receiver, start: &str) -> Result<(), Failure> {
    let body = json!({"name": "bench", "url": receiver.url, "start": start}).to_string();
    let mut answer = Vec::new();
    let mut wire = server.connect()?;
    let status = wire
        .post("/v1/destinations", body.as_bytes(), &mut answer)
        .map_err(|error| lost().because(error))?;
    if status == 201 {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer);
    Err(Failure::failed(format!("no destination was made: {status} {answer}")))
}

/// Waits until so many messages were taken.
fn until(receiver: &Receiver, count: u64) -> Result<(), Failure> {
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let taken = receiver.taken();
        if taken >= count {
            return Ok(());
        }
        if taken != last {
            (last, moved) = (taken, Instant::now());
        } else if moved.elapsed() > STUCK {
            return Err(Failure::failed(format!("{taken} of {count} messages arrived")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lost() -> Failure {
    Failure::failed("the receiver or the server cannot be reached")
}
