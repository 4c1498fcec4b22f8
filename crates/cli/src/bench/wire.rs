//! A small HTTP/1.1 client of one connection, so that the load generator costs little on a machine that it
//! shares with the server. It knows what our server sends and no more: a status line, headers, and a
//! body by length or in chunks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection that is kept open.
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
    head: String,
}

/// An answer: its status and its body, which stays in the caller's buffer.
pub(crate) type Status = u16;

const TIMEOUT: Duration = Duration::from_secs(120);

impl Wire {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr, key: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let head = format!("Host: {address}\r\nAuthorization: Bearer {key}\r\n");
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), head })
    }

    /// Asks with GET; the body replaces what is in `body`.
    pub(crate) fn get(&mut self, path: &str, body: &mut Vec<u8>) -> io::Result<Status> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer(body)
    }

    /// Sends NDJSON with POST; the answer's body replaces what is in `body`.
    pub(crate) fn post(
        &mut self,
        path: &str,
        ndjson: &[u8],
        body: &mut Vec<u8>,
    ) -> io::Result<Status> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\n{}Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            self.head,
            ndjson.len()
        )
        .into_bytes();
        // One write for small requests: a second would be a packet of its own.
        if ndjson.len() <= 64 * 1024 {
            request.extend_from_slice(ndjson);
            self.stream.get_mut().write_all(&request)?;
        } else {
            self.stream.get_mut().write_all(&request)?;
            self.stream.get_mut().write_all(ndjson)?;
        }
        self.answer(body)
    }

    fn answer(&mut self, body: &mut Vec<u8>) -> io::Result<Status> {
        read_answer(&mut self.stream, body)
    }
}

fn read_answer(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<Status> {
    body.clear();
    let first = read_line(stream)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| odd("the status line"))?;
    let mut length: u64 = 0;
    let mut chunked = false;
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| odd("a length"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.trim().eq_ignore_ascii_case("chunked");
        }
    }
    if chunked {
        read_chunks(stream, body)?;
    } else if stream.take(length).read_to_end(body)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(status)
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(stream)?;
        let length = line.split(';').next().unwrap_or_default();
        let length = u64::from_str_radix(length.trim(), 16).map_err(|_| odd("a chunk's length"))?;
        if stream.take(length).read_to_end(body)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = read_line(stream)?;
        if length == 0 {
            // Trailers are read over up to the empty line, which may be this one.
            let mut line = end;
            while !line.is_empty() {
                line = read_line(stream)?;
            }
            return Ok(());
        }
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be read"))
}

#[cfg(test)]
mod tests;
