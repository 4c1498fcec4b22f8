use super::*;

#[test]
fn messages_are_read_as_the_standard_says() {
    let stream = ": hello\n\nid: 7\nevent: event\ndata: {\"a\":\ndata: 1}\n\ndata\n\nid: 8\n\ndata:x\n\ndata: cut off";
    let mut found = Vec::new();
    read_messages(stream.as_bytes(), &mut |message| {
        found.push((message.id, message.name, message.data));
        Ok(())
    })
    .expect("in memory");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            (text("7"), text("event"), text("{\"a\":\n1}")),
            (None, None, text("")),
            (text("8"), None, None),
            (None, None, text("x")),
        ]
    );
}
