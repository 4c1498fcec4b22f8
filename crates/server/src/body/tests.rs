use super::*;

fn patience() -> Patience {
    let short = Duration::from_millis(50);
    Patience { queue: short, whole: short, pause: short }
}

async fn read_plain(memory: &Memory, bytes: Vec<u8>, bytes_max: usize) -> Result<Payload, Problem> {
    read(memory, &HeaderMap::new(), Body::from(bytes), bytes_max, patience()).await
}

#[tokio::test]
async fn a_body_holds_its_share_until_it_is_dropped() {
    let memory = Memory::new();
    let payload = read_plain(&memory, vec![7; 100_000], 1 << 20).await.expect("reads");
    assert_eq!(payload.bytes.len(), 100_000);
    assert!(memory.held_bytes() >= 100_000 * limits::SHARE_PER_BYTE);
    drop(payload);
    assert_eq!(memory.held_bytes(), 0);
}

#[tokio::test]
async fn a_share_grows_only_within_the_memory() {
    let memory = Memory::new();
    let mut share = memory.take(PERMIT_BYTES, patience().queue).await.expect("free");
    share.grow_to(IN_FLIGHT_BYTES).expect("all of it");
    assert_eq!(memory.held_bytes(), IN_FLIGHT_BYTES);
    assert_eq!(share.grow_to(IN_FLIGHT_BYTES + PERMIT_BYTES).expect_err("more").code, Code::Busy);
    let refused = memory.take(1, patience().queue).await.expect_err("nothing is left");
    assert_eq!(refused.retry_after_seconds, Some(1));
    drop(share);
    assert_eq!(memory.held_bytes(), 0);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_as_it_arrives() {
    let memory = Memory::new();
    let pieces = (0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1000])));
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let problem = read(&memory, &HeaderMap::new(), body, 50_000, patience()).await;
    let problem = problem.expect_err("too large");
    assert_eq!((problem.code, problem.faults[0].limit), (Code::TooLarge, Some(50_000)));
    assert_eq!(memory.held_bytes(), 0);
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let memory = Memory::new();
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let problem = read(&memory, &HeaderMap::new(), body, 50_000, patience()).await;
    assert_eq!(problem.expect_err("late").code, Code::Timeout);
    assert_eq!(memory.held_bytes(), 0);
}
