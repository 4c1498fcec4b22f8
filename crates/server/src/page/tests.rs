use super::*;

#[test]
fn no_text_becomes_markup() {
    for payload in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='x",
        "</textarea><svg/onload=x>",
        "&lt;b&gt;",
    ] {
        let mut html = Html::default();
        html.text(payload);
        let out = html.finish();
        assert!(!out.contains(['<', '>', '"', '\'']), "{out}");
    }
}

#[test]
fn hidden_characters_are_shown_by_number() {
    let mut html = Html::default();
    html.text("safe\u{202e}exe.txt\u{200b}\u{0}");
    assert_eq!(html.finish(), "safe⟨U+202E⟩exe.txt⟨U+200B⟩⟨U+0000⟩");
}

#[test]
fn query_values_are_encoded() {
    let mut html = Html::default();
    html.query_value("a b&c=\"é\"");
    assert_eq!(html.finish(), "a%20b%26c%3D%22%C3%A9%22");
}
