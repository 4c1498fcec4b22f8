//! A mail server that takes everything, and whose letters a test reads. Only what RFC 5321 asks of the
//! shortest conversation is in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::world::PATIENCE;

/// The letters that arrived, as text without the encoding of the way.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<String>>>);

impl Mailbox {
    /// Listens, and returns the address for `smtp_url`.
    pub(crate) fn open() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let mailbox = Self::default();
        let own = mailbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.converse(stream));
            }
        });
        (mailbox, url)
    }

    fn converse(&self, mut stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        stream.write_all(b"220 mailbox\r\n").ok()?;
        loop {
            let line = lines.next()?.ok()?;
            let answer = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").ok()?;
                    let body = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                    let letter: Vec<String> = body.collect();
                    let letter = letter.join("\n").replace("=\n", "").replace("=3D", "=");
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 yes",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        }
    }

    /// Waits for the letters whose subject contains a text, until there are so many.
    pub(crate) fn letters(&self, subject: &str, count: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let is_about = |letter: &&String| {
                letter.lines().any(|line| line.starts_with("Subject:") && line.contains(subject))
            };
            let found: Vec<String> = all.iter().filter(is_about).cloned().collect();
            if found.len() >= count {
                return found;
            }
            assert!(Instant::now() < until, "{subject}: {} of {count} in {all:#?}", found.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
