//! Receivers on loopback that are slow, lie, and never end. The deadline of ten seconds is that of the
//! paused clock where nothing else moves.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::call::tls_config;
use crate::guard::{AllowList, SystemResolver};

fn message() -> Message {
    let bytes = Bytes::from_static(b"{\"a\":1}");
    Message {
        id: "evt_1_2".to_owned(),
        payload: Payload::Body { content_type: "application/json", bytes },
    }
}

fn webhook(url: &str, allowed: &str) -> Webhook {
    let guard = Guard::new(AllowList::parse(allowed).expect("a list"), Arc::new(SystemResolver));
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let target = Target::parse(url).expect("a target");
    Webhook::new(target, vec![secret], guard, tls_config())
}

/// A receiver that answers every request with these bytes and then does what `then` says.
struct Receiver {
    url: String,
    connections: Arc<AtomicU64>,
    heads: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Waits for the next request.
    Goes,
    /// Closes.
    Closes,
    /// Sends for ever.
    Pours,
    /// Sends nothing for ever.
    Hangs,
}

async fn receiver(answer: &'static str, then: Then) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/in?key=1", listener.local_addr().expect("an address"));
    let (connections, heads) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (count, seen) = (connections.clone(), heads.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 4096];
                loop {
                    let mut text = String::new();
                    while !text.ends_with("{\"a\":1}") {
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
                        }
                    }
                    seen.lock().expect("whole").push(text);
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                    match then {
                        Then::Goes => {}
                        Then::Closes => return,
                        Then::Pours => {
                            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
                            return;
                        }
                        Then::Hangs => std::future::pending().await,
                    }
                }
            });
        }
    });
    Receiver { url, connections, heads }
}

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn p7_a_message_is_one_signed_post_and_the_connection_is_kept() {
    let receiver = receiver(OK, Then::Goes).await;
    let webhook = webhook(&receiver.url, "127.0.0.1");
    for _ in 0..5 {
        assert_eq!(webhook.send(&message(), 1_700_000_000).await, Answer::Taken);
    }
    assert_eq!(receiver.connections.load(Ordering::Relaxed), 1);
    let heads = receiver.heads.lock().expect("whole").clone();
    assert_eq!(heads.len(), 5);
    let head = heads[0].to_lowercase();
    for line in [
        "post /in?key=1 http/1.1\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\nwebhook-id: evt_1_2\r\n",
        "\r\nwebhook-timestamp: 1700000000\r\n",
        "\r\nwebhook-signature: v1,",
        "\r\ncontent-length: 7\r\n",
    ] {
        assert!(head.contains(line), "{line:?} in {head}");
    }
}

#[tokio::test]
async fn p7_a_kept_connection_that_was_closed_is_replaced() {
    let receiver = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Closes).await;
    let webhook = webhook(&receiver.url, "127.0.0.1");
    for _ in 0..3 {
        assert_eq!(webhook.send(&message(), 1).await, Answer::Taken);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(receiver.connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn p7_what_receivers_answer_is_understood() {
    // The answer, and what it means: taken, refused, or failed.
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "taken"),
        ("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", "taken"),
        (
            "HTTP/1.1 301 Moved\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
            "failed",
        ),
        (
            "HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "failed",
        ),
        ("HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "failed"),
        ("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", "failed"),
        ("HTTP/1.1 413 Big\r\ncontent-length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1 429 Slow\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n", "failed"),
        ("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "failed"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "failed"),
        ("HTTP/1.1 99 What\r\n\r\n", "failed"),
    ] {
        let receiver = receiver(answer, Then::Closes).await;
        let got = webhook(&receiver.url, "127.0.0.1").send(&message(), 1).await;
        let word = match &got {
            Answer::Taken => "taken",
            Answer::Refused { .. } => "refused",
            Answer::Failed { .. } => "failed",
        };
        assert_eq!(word, expected, "{answer:?}: {got:?}");
        let asked = answer.contains("retry-after").then(|| Duration::from_secs(30));
        if let Answer::Failed { retry_after, .. } = got {
            assert_eq!(retry_after, asked);
        }
        let heads = receiver.heads.lock().expect("whole").len();
        assert_eq!(heads, 1, "{answer:?}: nothing is followed and nothing repeated");
    }
}

#[tokio::test]
async fn p7_an_endless_answer_is_not_read_to_its_end() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n", true),
        // A head that does not end.
        ("HTTP/1.1 200 OK\r\nx: ", false),
    ] {
        let receiver = receiver(answer, Then::Pours).await;
        let webhook = webhook(&receiver.url, "127.0.0.1");
        let started = Instant::now();
        let got = webhook.send(&message(), 1).await;
        assert_eq!(got == Answer::Taken, expected, "{answer:?}: {got:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{answer:?}");
        assert!(webhook.take_idle().is_none(), "the connection is not used again");
    }
}

#[tokio::test(start_paused = true)]
async fn p7_ten_seconds_are_all_that_a_message_takes() {
    // The system's resolver is not asked for an address, so nothing but the clock moves.
    let receiver = receiver("", Then::Hangs).await;
    let webhook = webhook(&receiver.url, "127.0.0.1");
    let started = Instant::now();
    let got = webhook.send(&message(), 1).await;
    assert_eq!(got, Answer::Failed { why: "no answer within 10 s".to_owned(), retry_after: None });
    let took = started.elapsed();
    assert!((9_900..10_500).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn p7_no_proxy_of_the_environment_is_asked() {
    // This crate reads no environment at all; the source says so.
    let source = include_str!("../webhook.rs");
    assert!(!source.to_lowercase().contains("proxy("));
    assert!(!source.contains("env::var"));
}

#[tokio::test]
async fn ssrf_a_target_inside_is_not_connected_to() {
    let receiver = receiver(OK, Then::Goes).await;
    let got = webhook(&receiver.url, "").send(&message(), 1).await;
    assert!(matches!(&got, Answer::Failed { why, .. } if why.contains("127.0.0.1")), "{got:?}");
    assert_eq!(receiver.connections.load(Ordering::Relaxed), 0);
}
