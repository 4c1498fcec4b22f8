//! Compressed bodies, honest and hostile.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::world::{Answer, World};

const PATH: &str = "/v1/workspaces/acme/events";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 19).expect("compresses")
}

fn send(world: &World, encoding: &str, body: &[u8]) -> Answer {
    let headers = [
        ("authorization", format!("Bearer {}", world.admin)),
        ("content-encoding", encoding.to_owned()),
    ];
    world.send_with("POST", PATH, &headers, body)
}

#[test]
fn gzip_and_zstd_bodies_are_read() {
    let world = World::start();
    let event = br#"{"action":"x.y"}"#;
    assert_eq!(send(&world, "gzip", &gzip(event)).status, 201);
    assert_eq!(send(&world, "zstd", &zstd(event)).status, 201);
    assert_eq!(send(&world, "identity", event).status, 201);
    // gzip of several members is one text (RFC 1952).
    let halves = [gzip(br#"[{"action":"x.y"},"#), gzip(br#"{"action":"x.y"}]"#)].concat();
    assert_eq!(send(&world, "gzip", &halves).status, 201);
    assert_eq!(world.get(PATH).json()["total"], 5);
}

#[test]
fn other_and_several_encodings_are_refused() {
    let world = World::start();
    for encoding in ["br", "deflate", "gzip, gzip", "gzip,zstd", "compress", "zstd;q=1"] {
        let answer = send(&world, encoding, b"x");
        answer.problem(415, "unsupported_encoding");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
    }
    let auth = ("authorization", format!("Bearer {}", world.admin));
    let twice = [auth, ("content-encoding", "gzip".into()), ("content-encoding", "gzip".into())];
    world.send_with("POST", PATH, &twice, b"x").problem(415, "unsupported_encoding");
}

#[test]
fn a_bomb_is_refused_and_holds_no_memory() {
    let world = World::start();
    let max = 16 * 1024 * 1024;
    for (name, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let over = pack(&vec![b' '; max + 1]);
        let document = send(&world, name, &over).problem(413, "too_large");
        // Spaces pack so well that the ratio is met before the size.
        assert!(document["errors"][0]["limit"].is_u64(), "{document}");
        let far_over = pack(&vec![0; 64 * 1024 * 1024]);
        assert!(far_over.len() < 100_000);
        send(&world, name, &far_over).problem(413, "too_large");
    }
    let held = "proofbook_http_body_memory_bytes 0";
    assert!(world.get("/metrics").text().contains(held), "every share was given back");
}

#[test]
fn a_zstd_window_larger_than_allowed_is_refused() {
    let world = World::start();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.window_log(27).expect("a window");
    encoder.write_all(&vec![b' '; 300_000]).expect("compresses");
    let wide = encoder.finish().expect("compresses");
    send(&world, "zstd", &wide).problem(400, "malformed");
}

#[test]
fn broken_streams_are_refused() {
    let world = World::start();
    let whole = gzip(br#"{"action":"x.y"}"#);
    send(&world, "gzip", &whole[..whole.len() - 5]).problem(400, "malformed");
    let mut flipped = whole.clone();
    let at = whole.len() - 6;
    flipped[at] ^= 1;
    send(&world, "gzip", &flipped).problem(400, "malformed");
    send(&world, "gzip", b"not gzip").problem(400, "malformed");
    send(&world, "zstd", b"not zstd").problem(400, "malformed");
    let whole = zstd(br#"{"action":"x.y"}"#);
    send(&world, "zstd", &whole[..whole.len() - 2]).problem(400, "malformed");
    assert!(world.store.directory().by_name("acme").is_none());
}
