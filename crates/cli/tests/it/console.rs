//! Every `console` block of the README and the guides, run as it stands, in an empty directory, with a
//! server beside it that knows nothing yet.
//!
//! A line that begins with `$ ` is a command for `sh`; what follows up to the next command is what it
//! prints. `…` in it stands for anything. Blocks of one page share directory and server, top to bottom.

use std::path::Path;
use std::process::Command;

use crate::support::{Directory, KEY, Server};

/// A command and what it should print.
struct Step {
    place: String,
    command: String,
    expected: String,
}

fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = Vec::new();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|extension| extension == "md") => {
                    pages.push(path)
                }
                _ => {}
            }
        }
    }
    pages.push(root.join("README.md"));
    pages.sort();
    pages
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a page");
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        })
        .collect()
}

fn steps(page: &str, text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside && language.trim() == "console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            let place = format!("{page}:{}", index + 1);
            steps.push(Step { place, command: command.to_owned(), expected: String::new() });
        } else if let (true, Some(step)) = (inside, steps.last_mut()) {
            step.expected.push_str(line);
            step.expected.push('\n');
        }
    }
    steps
}

/// Tells whether a text is what is expected, `…` standing for anything.
fn matches(expected: &str, found: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| found.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn every_console_block_prints_what_it_says() {
    let binary = Path::new(env!("CARGO_BIN_EXE_proofbook"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut count = 0;
    for (page, text) in pages() {
        let steps = steps(&page, &text);
        if steps.is_empty() {
            continue;
        }
        let directory = Directory::new();
        let server = Server::start(&directory, &directory.join("server-data"));
        for Step { place, command, expected } in steps {
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(&directory.0)
                .env("PATH", &path)
                .env("PROOFBOOK_URL", &server.url)
                .env("PROOFBOOK_KEY", KEY)
                .env("XDG_STATE_HOME", directory.join("state"))
                .output()
                .expect("sh runs");
            let found = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
            let notes = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches(expected.trim_end(), &found),
                "{place}: {command}\nprints\n{found}\n{notes}\ninstead of\n{expected}"
            );
            count += 1;
        }
    }
    assert!(count > 0, "there are examples");
}

#[test]
fn an_ellipsis_stands_for_anything() {
    let rows = [
        ("abc", "abc", true),
        ("a…c", "abbc", true),
        ("a…c", "abbcd", false),
        ("…b…", "abc", true),
        ("a…b…c", "acb", false),
        ("", "x", false),
    ];
    for (expected, found, fits) in rows {
        assert_eq!(matches(expected, found), fits, "{expected} {found}");
    }
}
