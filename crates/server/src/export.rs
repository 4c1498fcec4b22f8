//! Exports: every event that a filter lets through, as a stream of CSV, NDJSON or Parquet.
//!
//! Written by a thread of its own through a short channel, so an export holds a few pieces in memory
//! however large it is, and waits for a slow client. An export that cannot be completed breaks off
//! with an error instead of an end, so that nobody takes a part for the whole.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use proofbook_filter::ResolvedFilter;
use proofbook_query::{Found, Sort};
use tokio::sync::mpsc;

use crate::access::Granted;
use crate::app::{App, Place};
use crate::ask::{open, with_budget};
use crate::notes;
use crate::problem::{Code, Problem};
use crate::scoped::Scoped;

mod columns;
mod csv;
mod flat;
mod parquet;

pub(crate) use self::columns::Columns;
pub(crate) use self::flat::COLUMNS;
use self::parquet::ParquetOut;

/// Bytes of one piece of the stream.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the client.
const PIECES_WAITING: usize = 4;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 4180, cells that a spreadsheet would run as formulas defused.
    Csv,
    /// RFC 4180 with every cell as it is.
    RawCsv,
    /// One event a line, in the form of the API.
    Ndjson,
    /// Columns, for analysis.
    Parquet,
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::RawCsv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Csv | Self::RawCsv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// What is exported.
pub(crate) struct Order {
    pub(crate) workspace: Granted,
    pub(crate) filter: ResolvedFilter,
    pub(crate) sort: Sort,
    pub(crate) format: Format,
    /// What CSV shows, and how.
    pub(crate) columns: Columns,
}

/// How far an export came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Events that were written.
    pub(crate) count: u64,
    /// The number behind the last event of the workspace as it was read.
    pub(crate) below_seq: u64,
}

/// Starts an export; the body ends with an error when it is not complete.
pub(crate) fn start(app: App, place: Place, order: Order, note: notes::Export) -> Body {
    stream_of(place, note, move |sink, written| write(&app, &order, sink, written))
}

/// Runs work that writes into a stream, on a thread of its own that holds a place, and says in the log
/// how far it came, also when it breaks off.
pub(crate) fn stream_of(
    place: Place,
    note: notes::Export,
    work: impl FnOnce(Sink, &mut Written) -> Result<(), Stop> + Send + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        let mut written = Written::default();
        let end = work(Sink::new(sender.clone()), &mut written);
        note.end(written.count, written.below_seq, end.is_ok());
        match end {
            Ok(()) | Err(Stop::ClientGone) => {}
            Err(Stop::Problem(problem)) => {
                let (code, detail) = (problem.code.as_str(), problem.detail);
                tracing::warn!(code, detail, "an export broke off");
                // A client that went away meanwhile does not need the error.
                let _ = sender.blocking_send(Err(io::Error::other(detail)));
            }
        }
        drop(place);
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    Body::from_stream(pieces)
}

/// Why an export ends before its end.
pub(crate) enum Stop {
    /// Nobody takes the rest.
    ClientGone,
    /// It cannot be completed.
    Problem(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<io::Error> for Stop {
    /// The sink fails only when the client is gone.
    fn from(_: io::Error) -> Self {
        Self::ClientGone
    }
}

/// Writes every event.
fn write(app: &App, order: &Order, sink: Sink, written: &mut Written) -> Result<(), Stop> {
    let reader = open(app, &order.workspace)?;
    written.below_seq = reader.head().size;
    let mut out = Out::begin(order, sink)?;
    // A client that went away shows at the sink, a stopping server at its token.
    let never = AtomicBool::new(false);
    let mut stop = None;
    let end = with_budget(app.config.export_timeout, u64::MAX, &never, |budget| {
        let mut visit = |found: Found| {
            let done = if app.stopping.is_cancelled() {
                Err(Problem::new(Code::Stopping, "the server is stopping").into())
            } else {
                out.event(&reader, &order.columns, &found)
            };
            match done {
                Ok(()) => {
                    written.count += 1;
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    stop = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        reader.scan(&order.filter, order.sort, &mut visit, budget)
    });
    if let Some(stop) = stop {
        return Err(stop);
    }
    let end = end.map_err(Problem::from)?;
    if !end.complete {
        let detail = format!("a part could not be read: {}", end.unread.join("; "));
        return Err(Problem::new(Code::Unavailable, detail).into());
    }
    out.end()
}

/// The form being written.
enum Out {
    Text { format: Format, sink: Sink, line: Vec<u8> },
    Parquet(Box<ParquetOut>),
}

impl Out {
    fn begin(order: &Order, mut sink: Sink) -> Result<Self, Stop> {
        let mut line = Vec::new();
        match order.format {
            Format::Parquet => return Ok(Self::Parquet(Box::new(ParquetOut::begin(sink)?))),
            Format::Csv | Format::RawCsv => {
                let defuse = order.format == Format::Csv;
                csv::write_row(order.columns.headings(), defuse, &mut line);
                sink.write_all(&line)?;
            }
            Format::Ndjson => {}
        }
        Ok(Self::Text { format: order.format, sink, line })
    }

    fn event(&mut self, reader: &Scoped, columns: &Columns, found: &Found) -> Result<(), Stop> {
        let unreadable = |_| Problem::new(Code::Unavailable, "an event could not be read");
        match self {
            Self::Text { format: Format::Ndjson, sink, .. } => {
                sink.write_all(reader.exported(found)?.get().as_bytes())?;
                sink.write_all(b"\n")?;
            }
            Self::Text { format, sink, line } => {
                let event = found.event().map_err(unreadable)?;
                let leaf = found.leaf().map(|leaf| leaf.to_string());
                let cells = columns.cells(&event, leaf.as_deref());
                line.clear();
                csv::write_row(cells.iter().map(AsRef::as_ref), *format == Format::Csv, line);
                sink.write_all(line)?;
            }
            Self::Parquet(out) => {
                let event = found.event().map_err(unreadable)?;
                let leaf = found.leaf().map(|leaf| leaf.to_string());
                out.event(&event, leaf.as_deref(), columns)?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), Stop> {
        match self {
            Self::Text { mut sink, .. } => Ok(sink.flush()?),
            Self::Parquet(out) => out.end(),
        }
    }
}

type Piece = Result<Bytes, io::Error>;

/// Gathers bytes to pieces and hands them to the client; fails when it is gone.
pub(crate) struct Sink {
    sender: mpsc::Sender<Piece>,
    buffer: Vec<u8>,
}

impl Sink {
    fn new(sender: mpsc::Sender<Piece>) -> Self {
        Self { sender, buffer: Vec::with_capacity(PIECE_BYTES) }
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(piece.into())).map_err(gone)
    }
}
