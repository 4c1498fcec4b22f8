use axum::http::{HeaderMap, HeaderValue, header};

use super::{is_origin, is_same_site};

#[test]
fn an_origin_is_what_browsers_write_and_nothing_else() {
    for text in [
        "https://app.acme.example",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "https://[2001:db8::1]:8443",
        "http://[::1]",
    ] {
        assert!(is_origin(text), "{text}");
    }
    for text in [
        "",
        "null",
        "*",
        "https://*.acme.example",
        "https://",
        "https://app.acme.example/",
        "https://App.acme.example",
        "https://app.acme.example:443",
        "http://app.acme.example:80",
        "https://app.acme.example:0443",
        "https://app.acme.example:99999",
        "https://a b",
        "https://a;script-src *",
        "https://a'b",
        "ftp://a",
        "app.acme.example",
        "https://[::1",
        "https://user@host",
    ] {
        assert!(!is_origin(text), "{text}");
    }
}

#[test]
fn a_page_is_ours_when_its_origin_is_the_host_that_was_asked() {
    let ours = |origin: &str, host: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).expect("a header"));
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a header"));
        is_same_site(&headers)
    };
    assert!(ours("https://audit.example", "audit.example"));
    assert!(ours("http://127.0.0.1:7676", "127.0.0.1:7676"));
    assert!(!ours("http://127.0.0.1:3000", "127.0.0.1:7676"));
    assert!(!ours("null", "audit.example"));
    assert!(!ours("https://audit.example.evil.example", "audit.example"));
    assert!(!is_same_site(&HeaderMap::new()));
}
