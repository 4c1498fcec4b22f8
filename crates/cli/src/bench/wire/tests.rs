use super::*;

fn read(text: &str) -> io::Result<(Status, String)> {
    let mut body = b"old".to_vec();
    let status = read_answer(&mut text.as_bytes(), &mut body)?;
    Ok((status, String::from_utf8(body).expect("text")))
}

#[test]
fn a_body_ends_where_the_head_says() {
    let ok = |status, body: &str| (status, body.to_owned());
    let length = "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n";
    assert_eq!(read(length).expect("whole"), ok(201, "abc"));
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n";
    assert_eq!(read(chunks).expect("whole"), ok(200, "abc0123456789"));
    assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n").expect("whole"), ok(204, ""));
    for cut in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "junk\r\n\r\n",
    ] {
        assert!(read(cut).is_err(), "{cut:?}");
    }
}
