//! Exports: every event that a filter lets through, as a stream of CSV or NDJSON.
//!
//! Written by a thread of its own through a short channel, so an export holds a few pieces in memory
//! however large it is, and waits for a slow client. An export that cannot be completed breaks off
//! with an error instead of an end, so that nobody takes a part for the whole.

use std::io;
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
use crate::problem::{Code, Problem};
use crate::routes::events::write_event;

mod csv;
pub(crate) mod flat;

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
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::RawCsv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Csv | Self::RawCsv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// What is exported.
pub(crate) struct Order {
    pub(crate) workspace: Granted,
    pub(crate) filter: ResolvedFilter,
    pub(crate) sort: Sort,
    pub(crate) format: Format,
}

type Piece = Result<Bytes, io::Error>;

/// Starts an export; the body ends with an error when it is not complete.
pub(crate) fn start(app: App, place: Place, order: Order) -> Body {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        if let Err(problem) = write(&app, &order, &sender) {
            tracing::warn!(code = problem.code.as_str(), detail = problem.detail, "export broke off");
            // A client that went away does not need the error.
            let _ = sender.blocking_send(Err(io::Error::other(problem.detail)));
        }
        drop(place);
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    Body::from_stream(pieces)
}

fn write(app: &App, order: &Order, sender: &mpsc::Sender<Piece>) -> Result<(), Problem> {
    let reader = open(app, &order.workspace)?;
    let mut out = Out { format: order.format, buffer: Vec::with_capacity(PIECE_BYTES * 2) };
    out.begin();
    // A client that went away shows at the channel, a stopping server at its token.
    let never = AtomicBool::new(false);
    let mut broken = None;
    let end = with_budget(app.config.export_timeout, u64::MAX, &never, |budget| {
        let mut visit = |found: Found| {
            if app.stopping.is_cancelled() {
                broken = Some(Problem::new(Code::Stopping, "the server is stopping"));
                return ControlFlow::Break(());
            }
            if let Err(problem) = out.event(&found) {
                broken = Some(problem);
                return ControlFlow::Break(());
            }
            if out.buffer.len() >= PIECE_BYTES {
                let piece = std::mem::take(&mut out.buffer);
                out.buffer.reserve(PIECE_BYTES * 2);
                if sender.blocking_send(Ok(piece.into())).is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        reader.scan(&order.filter, order.sort, reader.head().size, &mut visit, budget)
    })?;
    if let Some(problem) = broken {
        return Err(problem);
    }
    if !end.complete {
        let detail = format!("a part could not be read: {}", end.unread.join("; "));
        return Err(Problem::new(Code::Unavailable, detail));
    }
    if !end.stopped {
        // A client that went away does not need the end.
        let _ = sender.blocking_send(Ok(out.buffer.into()));
    }
    Ok(())
}

struct Out {
    format: Format,
    buffer: Vec<u8>,
}

impl Out {
    fn begin(&mut self) {
        if self.format != Format::Ndjson {
            csv::write_row(flat::COLUMNS.iter().copied(), false, &mut self.buffer);
        }
    }

    fn event(&mut self, found: &Found) -> Result<(), Problem> {
        match self.format {
            Format::Ndjson => {
                self.buffer.extend_from_slice(write_event(found)?.get().as_bytes());
                self.buffer.push(b'\n');
            }
            Format::Csv | Format::RawCsv => {
                let event = found
                    .event()
                    .map_err(|_| Problem::new(Code::Unavailable, "an event could not be read"))?;
                let leaf = found.leaf().map(|leaf| leaf.to_string());
                let cells = flat::cells(&event, leaf.as_deref());
                let defuse = self.format == Format::Csv;
                csv::write_row(cells.iter().map(AsRef::as_ref), defuse, &mut self.buffer);
            }
        }
        Ok(())
    }
}
