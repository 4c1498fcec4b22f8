use super::*;

fn read(query: &str) -> Result<Params, Problem> {
    let uri: Uri = format!("/x?{query}").parse().expect("a URI");
    Params::read(&uri, &["q", "limit", "sort"])
}

#[test]
fn texts_are_decoded_once() {
    let params = read("q=actor%3Aada+%22two%2520words%22&limit=").expect("reads");
    assert_eq!(params.text("q"), Some("actor:ada \"two%20words\""));
    assert_eq!(params.text("limit"), None);
}

#[test]
fn unknown_and_repeated_parameters_are_refused() {
    let problem = read("limt=5").expect_err("unknown");
    assert_eq!(problem.detail, "there is no parameter `limt`; did you mean `limit`?");
    assert_eq!(problem.faults[0].suggestion.as_deref(), Some("limit"));
    let problem = read("q=a&q=b").expect_err("twice");
    assert_eq!(problem.faults[0].parameter, Some("q"));
}

#[test]
fn numbers_and_words_say_what_they_take() {
    let params = read("limit=1001&sort=up").expect("reads");
    let problem = params.number("limit", 1..=1000_u32).expect_err("too many");
    assert_eq!(problem.faults[0].limit, Some(1000));
    assert_eq!(problem.detail, "`limit` takes a whole number from 1 to 1000");
    let problem = params.word("sort", &[("newest", 1), ("oldest", 2)]).expect_err("no such word");
    assert_eq!(problem.detail, "`sort` takes one of newest, oldest");
    for text in ["-1", "1.5", "1e3", "99999999999999999999", " 5", "٥"] {
        let uri: Uri = format!("/x?limit={}", text.replace(' ', "%20").replace('٥', "%D9%A5"))
            .parse()
            .expect("a URI");
        let params = Params::read(&uri, &["limit"]).expect("reads");
        assert!(params.number("limit", 1..=1000_u32).is_err(), "{text}");
    }
}
