//! Reading a request's body: bounded before it is read, while it is read, and while it is unpacked.
//!
//! A request takes its share of one memory budget first, so that any number of requests together
//! stay within it. A declared length is taken at once and in turn; a length that turns out later is
//! taken piece by piece without waiting, since two half-read requests must not wait for each other.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use proofbook_store::limits::IN_FLIGHT_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits;
use crate::problem::{Code, Problem};

/// One permit stands for this many bytes.
const PERMIT_BYTES: usize = 1024;
/// First share of a body whose length is not told, and the step by which a share grows.
const STEP_BYTES: usize = 256 * 1024;

/// The memory that bodies may hold together.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Semaphore>);

/// A part of the memory, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Memory,
    permit: OwnedSemaphorePermit,
    bytes: usize,
}

/// A body in memory with the share that it holds.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// How long the parts of reading may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) queue: Duration,
    pub(crate) whole: Duration,
    pub(crate) pause: Duration,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(IN_FLIGHT_BYTES / PERMIT_BYTES)))
    }

    /// Returns the bytes that are held.
    pub(crate) fn held_bytes(&self) -> usize {
        IN_FLIGHT_BYTES.saturating_sub(self.0.available_permits() * PERMIT_BYTES)
    }

    async fn take(&self, bytes: usize, patience: Duration) -> Result<Share, Problem> {
        let permits = permits(bytes);
        match timeout(patience, self.0.clone().acquire_many_owned(permits)).await {
            Ok(Ok(permit)) => Ok(Share { memory: self.clone(), permit, bytes }),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

impl Share {
    /// Grows to stand for `bytes` in all, without waiting.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let more = permits(bytes).saturating_sub(permits(self.bytes));
        if more > 0 {
            let permit = self.memory.0.clone().try_acquire_many_owned(more).map_err(|_| busy())?;
            self.permit.merge(permit);
            self.bytes = bytes;
        }
        Ok(())
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX)
}

fn busy() -> Problem {
    let detail = "the memory for requests is taken; nothing of this request was recorded";
    Problem::new(Code::Busy, detail).retry_after(1)
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

/// Reads and unpacks a body of at most `bytes_max` bytes, packed or not.
pub(crate) async fn read(
    memory: &Memory,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    patience: Patience,
) -> Result<Payload, Problem> {
    let encoding = encoding(headers)?;
    let declared = declared_length(headers)?;
    if let Some(length) = declared.filter(|length| *length > bytes_max as u64) {
        let detail = format!("a body of {length} bytes; at most {bytes_max} are taken");
        return Err(Problem::too_large(bytes_max as u64, bytes_max as u64, detail));
    }
    let first = declared.map_or(STEP_BYTES, |length| length as usize) * limits::SHARE_PER_BYTE;
    let mut share = memory.take(first.max(PERMIT_BYTES), patience.queue).await?;
    let packed = receive(body, declared, bytes_max, &mut share, patience).await?;
    if encoding == Encoding::Plain {
        return Ok(Payload { bytes: packed, share });
    }
    let unpacked = tokio::task::spawn_blocking(move || {
        let bytes = unpack(&packed, encoding, bytes_max, &mut share)?;
        Ok(Payload { bytes, share })
    });
    unpacked.await.map_err(|_| Problem::new(Code::Internal, "unpacking the body failed"))?
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let (first, second) = (values.next(), values.next());
    let name = first.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match (name.as_deref(), second) {
        (None | Some("" | "identity"), None) => Ok(Encoding::Plain),
        (Some("gzip" | "x-gzip"), None) => Ok(Encoding::Gzip),
        (Some("zstd"), None) => Ok(Encoding::Zstd),
        _ => Err(Problem::new(
            Code::UnsupportedEncoding,
            "Content-Encoding is gzip, zstd or nothing, and only one of them",
        )),
    }
}

fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Problem::new(Code::Malformed, "Content-Length is no number"))
}

/// Collects the body as it arrives.
async fn receive(
    body: Body,
    declared: Option<u64>,
    bytes_max: usize,
    share: &mut Share,
    patience: Patience,
) -> Result<Bytes, Problem> {
    let deadline = Instant::now() + patience.whole;
    let mut stream = body.into_data_stream();
    // The declared length is taken from the memory already; without one the buffer grows by steps.
    let mut received = Vec::with_capacity(declared.unwrap_or(0) as usize);
    loop {
        let until = deadline.min(Instant::now() + patience.pause);
        let piece = match timeout_at(until, stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => return Ok(received.into()),
            Ok(Some(Err(_))) => {
                return Err(Problem::new(Code::Malformed, "the body ended before its time"));
            }
            Err(_) => {
                let got = received.len();
                let detail = format!("after {got} bytes the rest of the body did not come in time");
                return Err(Problem::new(Code::Timeout, detail));
            }
        };
        let total = received.len() + piece.len();
        if total > bytes_max {
            let detail = format!("a body of more than {bytes_max} bytes");
            return Err(Problem::too_large(bytes_max as u64, bytes_max as u64, detail));
        }
        if declared.is_none() {
            let step = total.next_multiple_of(STEP_BYTES).min(bytes_max);
            share.grow_to(step * limits::SHARE_PER_BYTE)?;
        }
        received.extend_from_slice(&piece);
    }
}

/// Unpacks a body, growing the share before each piece.
fn unpack(
    packed: &[u8],
    encoding: Encoding,
    bytes_max: usize,
    share: &mut Share,
) -> Result<Bytes, Problem> {
    let broken = |offset: usize| {
        let detail = format!("the body cannot be unpacked after {offset} bytes of content");
        Problem::new(Code::Malformed, detail)
    };
    let mut reader: Box<dyn std::io::Read + '_> = match encoding {
        Encoding::Plain => Box::new(packed),
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        Encoding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| broken(0))?;
            decoder.window_log_max(limits::ZSTD_WINDOW_LOG_MAX).map_err(|_| broken(0))?;
            Box::new(decoder)
        }
    };
    let ratio_max = limits::RATIO_FREE_BYTES.max(packed.len().saturating_mul(limits::RATIO_MAX));
    let mut unpacked = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut piece).map_err(|_| broken(unpacked.len()))?;
        if count == 0 {
            return Ok(unpacked.into());
        }
        let total = unpacked.len() + count;
        if total > bytes_max {
            let detail = format!("the body unpacks to more than {bytes_max} bytes");
            return Err(Problem::too_large(bytes_max as u64, bytes_max as u64, detail));
        }
        if total > ratio_max {
            let detail =
                format!("the body unpacks to more than {} times its size", limits::RATIO_MAX);
            return Err(Problem::too_large(ratio_max as u64, limits::RATIO_MAX as u64, detail));
        }
        let step = total.next_multiple_of(STEP_BYTES).min(bytes_max);
        share.grow_to(packed.len() + step * limits::SHARE_PER_BYTE)?;
        unpacked.extend_from_slice(&piece[..count]);
    }
}

#[cfg(test)]
mod tests;
