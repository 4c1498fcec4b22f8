//! Who is told of what, from the command line: the owner's switches, rules, destinations with what they
//! would not take, and warnings.

use serde_json::json;

use crate::support::{Directory, Ran, Server};

#[test]
fn p8_switches_rules_destinations_and_warnings_have_verbs() {
    let directory = Directory::new();
    let server = Server::start(&directory, &directory.join("data"));
    let ask = |arguments: &[&str]| -> Ran {
        let flags = server.flags();
        let all: Vec<&str> = arguments.iter().chain(&flags).copied().collect();
        directory.run(&all)
    };
    let done = |arguments: &[&str]| {
        let ran = ask(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    };
    let owner = ["--preset", "clienwork", "--plan", "free", "--owner-email", "o@acme.example"];
    done(&[&["workspace", "put", "acme"], &owner[..]].concat());

    let set = ["--on", "project.update", "--mode", "daily", "--language", "de", "--enabled", "no"];
    let set = done(&[&["notifications", "set", "acme"], &set[..], &["--json"]].concat()).json();
    assert_eq!((&set["mode"], &set["language"]), (&json!("daily"), &json!("de")));
    assert_eq!(set["enabled"], false);
    let shown = done(&["notifications", "show", "acme"]).out;
    assert!(shown.contains("mails     none"), "{shown}");
    let line = shown.lines().find(|line| line.starts_with("project.update ")).expect("the action");
    assert!(line.contains(" on "), "{line}");
    assert_ne!(ask(&["notifications", "set", "acme", "--on", "no.such"]).code, 0);

    let made =
        done(&["destination", "create", "siem", "--to", "https://siem.example/hook", "--json"]);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(done(&["destination", "dead-letters", &id, "--json"]).out, "");
    let missing = ask(&["destination", "resend", &id, "--workspace", "acme", "--seq", "7"]);
    assert_ne!(missing.code, 0);
    assert!(missing.err.contains("no dead letter"), "{missing:?}");

    let old = format!("{{\"action\":\"project.read\",\"occurred_at\":\"{}\"}}", days_ago(25));
    let file = directory.write("old.ndjson", old);
    done(&["import", &file, "--workspace", "acme"]);
    // A workspace is looked at once a minute, so this may take one.
    for _ in 0..900 {
        if !done(&["warnings", "--workspace", "acme", "--json"]).out.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let warned = done(&["warnings", "--json"]).json();
    assert_eq!((&warned["workspace"], &warned["kind"]), (&json!("acme"), &json!("expiring_7d")));
    let table = done(&["warnings"]).out;
    assert!(table.contains("Within 7 days"), "{table}");
    done(&["export", "--workspace", "acme", "--output", "all.ndjson"]);
    for _ in 0..300 {
        if done(&["warnings", "--json"]).out.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("a complete export ends the warning");
}

fn days_ago(days: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = i64::try_from(now.expect("after 1970").as_micros()).expect("not so far");
    proofbook_event::Timestamp::from_micros(micros - days * 86_400_000_000).to_string()
}
