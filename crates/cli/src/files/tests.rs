use super::*;

fn read_all(bytes: Vec<u8>) -> Vec<u8> {
    let mut text = Vec::new();
    decompressed(io::Cursor::new(bytes)).expect("opens").read_to_end(&mut text).expect("reads");
    text
}

#[test]
fn compression_is_told_by_the_first_bytes() {
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    };
    assert_eq!(read_all(b"plain".to_vec()), b"plain");
    assert_eq!(read_all(Vec::new()), b"");
    assert_eq!(read_all([gzip(b"two "), gzip(b"members")].concat()), b"two members");
    let zstd = zstd::stream::encode_all(&b"zstd"[..], 1).expect("in memory");
    assert_eq!(read_all(zstd), b"zstd");
}
