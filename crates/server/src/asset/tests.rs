use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{FILES, File, serve};

fn asked(name: header::HeaderName, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_str(value).expect("a header"));
    headers
}

#[test]
fn the_table_is_sorted_so_that_every_file_is_found() {
    assert!(FILES.windows(2).all(|pair| pair[0].path < pair[1].path));
    for File { path, .. } in FILES {
        assert_eq!(serve(path, &HeaderMap::new()).status(), StatusCode::OK, "{path}");
    }
}

#[test]
fn a_file_that_did_not_change_is_not_sent_again() {
    let path = FILES[0].path;
    let plain = serve(path, &HeaderMap::new());
    let packed = serve(path, &asked(header::ACCEPT_ENCODING, "br, gzip"));
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    assert_ne!(plain.headers()[header::ETAG], packed.headers()[header::ETAG]);
    let tag = plain.headers()[header::ETAG].to_str().expect("ASCII").to_owned();
    let again = serve(path, &asked(header::IF_NONE_MATCH, &tag));
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[test]
fn no_path_leads_out_of_the_table() {
    for path in ["../Cargo.toml", "viewer/../../Cargo.toml", "/etc/passwd", "", "viewer"] {
        assert_eq!(serve(path, &HeaderMap::new()).status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn what_is_compressed_is_what_is_sent_plain() {
    use std::io::Read as _;
    for file in FILES {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(file.gzip).read_to_end(&mut plain).expect("gzip");
        assert!(plain == file.wire, "{}", file.path);
    }
}
