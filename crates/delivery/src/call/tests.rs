//! Somebody on loopback who answers, pours for ever, breaks off, or sends elsewhere.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::guard::{AllowList, SystemResolver};

/// Answers one request with these bytes and goes on with `x` for ever when told so.
async fn somebody(answer: &'static str, pours: bool) -> Caller {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/in", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let count = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).to_lowercase();
            for line in ["post /in http/1.1\r\n", "content-type: text/plain", "\r\n\r\nold 0"] {
                assert!(request.contains(line), "{line:?} in {request}");
            }
            let _ = stream.write_all(answer.as_bytes()).await;
            while pours && stream.write_all(&[b'x'; 8192]).await.is_ok() {}
        }
    });
    let target = Target::parse(&url).expect("a target");
    let guard = Guard::new(AllowList::only(&target), Arc::new(SystemResolver));
    Caller::new(target, guard, tls_config())
}

#[tokio::test]
async fn b5_an_answer_is_read_to_its_end_and_no_further_than_it_may_go() {
    let post = async |answer, pours| {
        let caller = somebody(answer, pours).await;
        caller.post_text("old 0".to_owned(), 100).await
    };
    let good = post("HTTP/1.1 409 Conflict\r\ncontent-length: 3\r\n\r\n12\n", false).await;
    assert_eq!(good.expect("an answer"), (409, b"12\n".to_vec()));
    let closed = post("HTTP/1.1 200 OK\r\n\r\nline\n", false).await;
    assert_eq!(closed.expect("an answer"), (200, b"line\n".to_vec()));
    let long = post("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", true).await;
    assert_eq!(long.expect("as long as it may be").1.len(), 100);
    let endless = post("HTTP/1.1 200 OK\r\n\r\n", true).await;
    assert!(matches!(endless, Err(CallError::Long { bytes_max: 100 })), "{endless:?}");
    let broken = post("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nline", false).await;
    assert!(matches!(broken, Err(CallError::Body(_))), "{broken:?}");
    let head = post("HTTP/1.1 200 OK\r\nx: ", true).await;
    assert!(matches!(head, Err(CallError::Http(_))), "{head:?}");
    let away = "HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(post(away, false).await.expect("an answer"), (307, Vec::new()));
}
