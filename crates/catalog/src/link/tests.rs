use super::*;

#[test]
fn patterns_are_filled_and_values_encoded() {
    let values = LinkValues {
        app_url: Some("https://app.acme.example/"),
        workspace: Some("acme"),
        target_id: Some("a b/../c?d"),
    };
    for (pattern, expected) in [
        (
            "{app_url}/projects/{target.id}",
            Some("https://app.acme.example/projects/a%20b%2F..%2Fc%3Fd"),
        ),
        ("{app_url}/w/{workspace}/x", Some("https://app.acme.example/w/acme/x")),
        ("https://docs.example/", Some("https://docs.example/")),
        ("{app_url}/{nothing}", None),
    ] {
        assert_eq!(fill(pattern, values).as_deref(), expected, "{pattern}");
    }
}

#[test]
fn a_link_needs_its_values_and_an_http_address() {
    let values = LinkValues { app_url: Some("javascript:alert(1)"), ..LinkValues::default() };
    assert_eq!(fill("{app_url}/x", values), None);
    assert_eq!(fill("{app_url}/x", LinkValues::default()), None);
    assert_eq!(fill("https://a.example/{target.id}", LinkValues::default()), None);
}

#[test]
fn patterns_are_checked() {
    for (pattern, part) in [
        ("{app_url}/{target.name}", "is not known"),
        ("{app_url", "never closed"),
        ("/projects", "begins with"),
        ("javascript:{target.id}", "begins with"),
    ] {
        let error = check(pattern).expect_err(pattern);
        assert!(error.contains(part), "{pattern}: {error}");
    }
    assert_eq!(check("{app_url}/projects/{target.id}"), Ok(()));
}
