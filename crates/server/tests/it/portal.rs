//! V12: links that open the viewer once, and frames.

use serde_json::json;

use crate::mailbox::Mailbox;
use crate::world::World;

fn world() -> World {
    let world = World::start();
    world.record("acme", &json!({"action": "x.y"}));
    world
}

#[test]
fn v12_a_portal_link_opens_once_and_is_gone_the_second_time() {
    let world = world();
    let url =
        world.mint("acme", "owner", &json!({})).json()["url"].as_str().expect("a link").to_owned();
    // Looking ahead does not use it up.
    let ahead = [("sec-purpose", "prefetch".to_owned())];
    assert_eq!(world.send_with("GET", &url, &ahead, b"").status, 503);
    let first = world.send("GET", &url, "", "");
    assert_eq!(first.status, 303, "{}", first.text());
    let to = first.header("location").expect("an address").to_owned();
    let token = to.strip_prefix("/w/acme#token=").expect("the token stands in the fragment");
    let list = world.send("GET", "/v1/workspaces/acme/events", token, "");
    assert_eq!(list.json()["total"], 1);
    for _ in 0..2 {
        let again = world.send("GET", &url, "", "");
        assert_eq!(again.status, 410);
        assert!(again.text().contains("This link was used or has ended"));
        assert!(again.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    }
    let german = [("accept-language", "de-DE,en;q=0.5".to_owned())];
    assert!(world.send_with("GET", &url, &german, b"").text().contains("abgelaufen"));
    assert_eq!(world.events_of("_system", "audit_log.portal_opened", 1).len(), 1);
}

#[test]
fn v12_of_many_at_once_a_link_lets_one_in() {
    let world = world();
    let url =
        world.mint("acme", "owner", &json!({})).json()["url"].as_str().expect("a link").to_owned();
    let let_in = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| world.send("GET", &url, "", "").status)).collect();
        tries
            .into_iter()
            .filter(|_| true)
            .map(|one| one.join().expect("an answer"))
            .filter(|status| *status == 303)
            .count()
    });
    assert_eq!(let_in, 1);
}

#[test]
fn v12_a_portal_link_ends_after_an_hour() {
    let world = world();
    let url =
        world.mint("acme", "owner", &json!({})).json()["url"].as_str().expect("a link").to_owned();
    world.clock.advance(3600 * 1_000_000);
    assert_eq!(world.send("GET", &url, "", "").status, 410);
    assert_eq!(world.send("GET", "/portal/AAAA", "", "").status, 404);
}

#[test]
fn v12_a_frame_is_allowed_on_the_sites_of_its_token_alone() {
    let world = world();
    let policy = |path: &str| {
        let answer = world.send("GET", path, "", "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("content-security-policy").expect("a policy").to_owned()
    };
    let origins = json!({"origins": ["https://app.acme.example", "http://localhost:3000"]});
    let minted = world.mint("acme", "owner", &origins).json();
    let embed = minted["embed_url"].as_str().expect("an address");
    let (address, fragment) = embed.split_once('#').expect("the token stands in the fragment");
    assert!(fragment.starts_with("token=pbv_"));
    let framed = policy(address);
    assert!(
        framed.ends_with("frame-ancestors https://app.acme.example http://localhost:3000"),
        "{framed}"
    );
    assert!(policy("/embed/acme").ends_with("frame-ancestors 'none'"));
    assert!(policy("/embed/acme?frame=AAAA").ends_with("frame-ancestors 'none'"));
    // Sealed for one workspace, it says nothing for another.
    assert!(policy(&address.replace("/embed/acme", "/embed/other")).ends_with("'none'"));
    assert!(policy("/w/acme").ends_with("frame-ancestors 'none'"));
}

#[test]
fn every_answer_has_a_policy_without_unsafe_words() {
    let world = World::with(&[("open_page", "true")]);
    world.record("acme", &json!({"action": "x.y"}));
    world.settle("acme", "clienwork", None);
    for path in [
        "/",
        "/w/acme",
        "/w/acme/e/e-1",
        "/embed/acme",
        "/portal/x",
        "/print/acme",
        "/console",
        "/console/setup",
        "/demo/clienwork",
        "/demo/clienwork?at=audit-log",
        "/viewer.js",
        "/page/shell.js",
        "/nowhere",
        "/v1/workspaces/acme/events",
        "/errors/gone",
        "/healthz",
    ] {
        let answer = world.send("GET", path, "", "");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        assert!(policy.contains("base-uri 'none'") && policy.contains("frame-ancestors"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        let body = answer.text();
        assert!(
            !body.contains("<script>") && !body.contains(" style=") && !body.contains(" onload="),
            "{path}"
        );
    }
}

#[test]
fn names_from_outside_never_become_markup_on_our_pages() {
    let world = World::with(&[("open_page", "true")]);
    let hostile = "<img src=x onerror=alert(1)>\u{202e}'\"&";
    let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
    world.record("acme", &json!({"action": "x.y", "description": hostile, "actor": {"type": "user", "id": hostile, "name": hostile, "email": hostile}, "targets": [{"type": hostile, "id": hostile}], "before": {"<b>": hostile}, "after": {"<b>": "x"}, "context": {"ip": hostile}}));
    world.settle("acme", "clienwork", Some("enterprise"));
    let token = world.token("acme", "owner", &json!({"viewer": {"id": "u", "name": hostile}}));
    let body = json!({"q": format!("actor:\"{}\"", hostile.replace('"', "\\\"")), "lang": "de"});
    let ordered = world.send("POST", "/v1/workspaces/acme/print", &token, &body.to_string());
    assert_eq!(ordered.status, 201, "{}", ordered.text());
    let printed = world.send("GET", ordered.json()["url"].as_str().expect("a link"), "", "").text();
    assert!(printed.contains("&lt;img") || printed.contains("&#60;img"), "{printed}");
    assert!(printed.contains("⟨U+202E⟩") && !printed.contains('\u{202e}'));
    let mut pages = printed;
    for path in
        ["/w/acme/e/", "/demo/clienwork?at=", "/demo/clienwork?lang=", "/demo/clienwork?theme="]
    {
        pages.push_str(&world.send("GET", &format!("{path}{encoded}"), "", "").text());
    }
    assert!(!pages.contains("<img") && !pages.contains("<b>:"), "{pages}");
}

/// A world whose mails arrive, with a workspace that has an owner and one event.
fn mailed() -> (World, Mailbox) {
    let (mailbox, smtp_url) = Mailbox::open();
    let world = World::with(&[
        ("public_url", "https://log.example"),
        ("smtp_url", &smtp_url),
        ("mail_from", "Acme <audit@acme.example>"),
    ]);
    let body = json!({"owner": {"email": "olga@acme.example"}, "retention": "1d"});
    let answer = world.send("PUT", "/v1/workspaces/acme", &world.admin, &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    world.record("acme", &json!({"id": "e-1", "action": "x.y"}));
    (world, mailbox)
}

/// Asks for a link as the page does, and returns the path that the mail leads to.
fn ask(world: &World, mailbox: &Mailbox, count: usize) -> String {
    let headers = [("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(world.send_with("POST", "/w/acme/e/e-1", &headers, b"").status, 200);
    let letters = mailbox.letters("Your link to the audit log", count);
    let letter = letters.last().expect("a letter");
    let at = letter.find("https://log.example/portal/").expect("a link");
    let path = &letter[at + "https://log.example".len()..];
    path[..path.find(|char: char| char.is_whitespace()).unwrap_or(path.len())].to_owned()
}

#[test]
fn p5_a_mailed_link_opens_the_event_within_fifteen_minutes_and_so_does_what_it_opens() {
    let (world, mailbox) = mailed();
    let minute = 60_000_000;
    let open = |path: &str| world.send("GET", path, "", "");
    let early = ask(&world, &mailbox, 1);
    world.clock.advance(15 * minute - 1);
    let opened = open(&early);
    assert_eq!(opened.status, 303, "{}", opened.text());
    let place = opened.header("location").expect("a place").to_owned();
    let (page, token) = place.split_once("#token=").expect("a token");
    assert_eq!(page, "/w/acme?e=e-1");
    let look = || world.send("GET", "/v1/workspaces/acme/events/e-1", token, "").status;
    assert_eq!(look(), 200, "what it opened lives as long as the link");
    world.clock.advance(1);
    assert_eq!(look(), 401);
    let late = ask(&world, &mailbox, 2);
    world.clock.advance(15 * minute);
    assert_eq!(open(&late).status, 410, "a quarter of an hour is over");
}

#[test]
fn p5_an_event_that_is_kept_no_longer_says_since_when_events_are() {
    let (world, _) = mailed();
    let path = "/v1/workspaces/acme/events/e-1";
    world.clock.advance(24 * 3_600_000_000);
    assert_eq!(world.get(path).status, 200, "kept to the second");
    world.clock.advance(1_000_000);
    let problem = world.get(path).problem(404, "not_found");
    assert_eq!(
        problem["detail"],
        "there is no such event in this workspace; its events are kept since \
         2026-11-22T09:30:01.000000Z"
    );
    let by_number = world.get("/v1/workspaces/acme/events/seq/0").problem(404, "not_found");
    assert_eq!(by_number["detail"], problem["detail"]);
    let boot = world.get("/v1/workspaces/acme/viewer").json();
    assert_eq!(boot["retention"]["since"], "2026-11-22T09:30:01.000000Z", "for the page's words");
    world.record("free", &json!({"id": "e-1", "action": "x.y"}));
    let other = world.get("/v1/workspaces/free/events/no").problem(404, "not_found");
    assert_eq!(other["detail"], "there is no such event in this workspace");
}
