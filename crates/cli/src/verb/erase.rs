//! `erase`: values that somebody has a right to see gone leave a workspace's log.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Remote, part};
use crate::failure::Failure;
use crate::files;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook erase request acme --email ada@acme.example --ground 'GDPR Art. 17(1)(b)' --dry-run
  proofbook erase request acme --email ada@acme.example --ground 'GDPR Art. 17(1)(b)' --wait
  proofbook erase approve erasure_0123456789abcdef")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Erase what a person left, or groups of single events
    #[command(after_help = "Examples:
  proofbook erase request acme --id u_7 --email ada@acme.example --name 'Ada Park' --ground 'Art. 17' --dry-run
  proofbook erase request acme --event 0193a7b0-1111-7222-8333-444455556666 --group context --ground 'a mistake'

Leaves, proofs and receipts stay valid. At most 10,000 events go at once; with --wait the request is sent again
until nothing is left of it. Do not name the person in --ground: it is recorded.")]
    Request(Box<RequestArguments>),
    /// List erasures
    #[command(after_help = "Example:\n  proofbook erase list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show an erasure and how far it is
    #[command(after_help = "Example:\n  proofbook erase show erasure_0123456789abcdef")]
    Show {
        /// Its id, as `erase list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Approve an erasure as the second person
    #[command(after_help = "Example:\n  proofbook erase approve erasure_0123456789abcdef")]
    Approve {
        /// Its id, as `erase list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Withdraw an erasure that waits for a second person
    #[command(after_help = "Example:\n  proofbook erase withdraw erasure_0123456789abcdef")]
    Withdraw {
        /// Its id, as `erase list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, clap::Args)]
struct RequestArguments {
    /// The workspace
    workspace: String,
    /// The person's id, looked for as a whole text
    #[arg(long)]
    id: Option<String>,
    /// The person's e-mail address, looked for anywhere
    #[arg(long)]
    email: Option<String>,
    /// The person's name, looked for as whole words
    #[arg(long)]
    name: Option<String>,
    /// An event by its id instead of a person; may be repeated
    #[arg(long = "event", value_name = "ID", conflicts_with_all = ["id", "email", "name"])]
    events: Vec<String>,
    /// A group of the events to erase, such as context; all when absent; may be repeated
    #[arg(long = "group", value_name = "GROUP", requires = "events")]
    groups: Vec<String>,
    /// A request as JSON, as `POST /v1/erasures` takes it, instead of all of these
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "email", "name", "events"])]
    file: Option<PathBuf>,
    /// The legal ground, which is recorded
    #[arg(long, required_unless_present = "file")]
    ground: Option<String>,
    /// Only what happened at or after this time
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait until it is complete, at most this many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "3600", require_equals = true)]
    wait: Option<u64>,
    #[command(flatten)]
    remote: Remote,
}

/// How often it is asked how far an erasure is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::Request(arguments) => request(*arguments, output),
        Act::List { remote } => {
            let answer = remote.client()?.get("/v1/erasures", &[])?;
            list(answer["data"].as_array().map(Vec::as_slice).unwrap_or_default(), output)
        }
        Act::Show { id, remote } => {
            let erasure = remote.client()?.get(&format!("/v1/erasures/{}", part(&id)), &[])?;
            show(&erasure, output)
        }
        Act::Approve { id, remote } => {
            let path = format!("/v1/erasures/{}/approve", part(&id));
            show(&remote.client()?.send("POST", &path, "application/json", b"")?, output)
        }
        Act::Withdraw { id, remote } => {
            let path = format!("/v1/erasures/{}", part(&id));
            let erasure = remote.client()?.send("DELETE", &path, "application/json", b"")?;
            if output.is_json() {
                return output.value(&erasure);
            }
            output.line(&format!("{id} is withdrawn"))
        }
    }
}

fn request(arguments: RequestArguments, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let body = body_of(&arguments)?.to_string();
    let post = || client.send("POST", "/v1/erasures", "application/json", body.as_bytes());
    if arguments.dry_run {
        let found = post()?;
        return would(&found, output);
    }
    let until = Instant::now() + Duration::from_secs(arguments.wait.unwrap_or(0));
    loop {
        let begun = post()?;
        let remaining = begun["remaining"].as_u64().unwrap_or(0);
        if arguments.wait.is_none() {
            show(&begun, output)?;
            if remaining > 0 && !output.is_json() {
                let text = format!(
                    "{remaining} more events hold something of it: ask again when this one is complete"
                );
                output.line(&text)?;
            }
            return Ok(());
        }
        let complete = wait_for(&client, &begun, until)?;
        show(&complete, output)?;
        if remaining == 0 {
            return Ok(());
        }
    }
}

fn body_of(arguments: &RequestArguments) -> Result<Value, Failure> {
    let mut body = match &arguments.file {
        Some(path) => {
            let text = files::read_text(path).map_err(|error| {
                Failure::usage(format!("cannot read {}", path.display())).because(error)
            })?;
            serde_json::from_str(&text).map_err(|error| {
                Failure::usage(format!("{} is not JSON", path.display())).because(error)
            })?
        }
        None => json!({}),
    };
    let RequestArguments { id, email, name, events, groups, ground, from, to, .. } = arguments;
    body["workspace"] = json!(arguments.workspace);
    body["dry_run"] = json!(arguments.dry_run);
    if id.is_some() || email.is_some() || name.is_some() {
        body["person"] = json!({"id": id, "email": email, "name": name});
    }
    if !events.is_empty() {
        let event = |id: &String| json!({"id": id, "groups": groups});
        body["events"] = events.iter().map(event).collect();
    }
    for (key, value) in [("ground", ground), ("occurred_from", from), ("occurred_to", to)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    Ok(body)
}

fn wait_for(client: &Client, begun: &Value, until: Instant) -> Result<Value, Failure> {
    let id = begun["id"].as_str().unwrap_or_default();
    let path = format!("/v1/erasures/{}", part(id));
    loop {
        let erasure = client.get(&path, &[])?;
        if erasure["state"] == "complete" {
            return Ok(erasure);
        }
        if erasure["state"] == "waiting_for_second_person" || Instant::now() >= until {
            let state = erasure["state"].as_str().unwrap_or_default();
            return Err(Failure::failed(format!(
                "{id} is not complete: {}",
                state.replace('_', " ")
            )));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn would(found: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(found);
    }
    output.line(&format!("{} events would lose something", found["events"]))?;
    for (group, count) in found["groups"].as_object().into_iter().flatten() {
        output.line(&format!("{:<14} {count}", group.trim_start_matches('/')))?;
    }
    let held = found["held"].as_array().map_or(0, Vec::len);
    if held > 0 {
        output.line(&format!("a legal hold keeps {held} of them or more; it would be refused"))?;
    }
    Ok(())
}

fn show(erasure: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(erasure);
    }
    let text = |key: &str| erasure[key].as_str().unwrap_or("-").replace('_', " ");
    let id = erasure["id"].as_str().unwrap_or("-");
    output.line(&format!(
        "{id}  {}: {} values of {} events",
        text("state"),
        erasure["values"],
        erasure["events"],
    ))?;
    for (label, key) in [("due", "due_at"), ("complete", "completed_at")] {
        if let Some(time) = erasure[key].as_str() {
            output.line(&format!("{label:<9} {time}"))?;
        }
    }
    let leaves = erasure["recorded_by"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !leaves.is_empty() {
        let leaves: Vec<String> = leaves.iter().map(Value::to_string).collect();
        output.line(&format!("recorded by leaf {}", leaves.join(", ")))?;
    }
    for file in erasure["set_aside"].as_array().into_iter().flatten() {
        let file = file.as_str().unwrap_or_default();
        output.line(&format!("aside/{file} goes too: it may hold erased values"))?;
    }
    for file in erasure["aside_removed"].as_array().into_iter().flatten() {
        let name = file["name"].as_str().unwrap_or_default();
        let hash = file["sha256"].as_str().unwrap_or("unknown: it could not be read");
        output.line(&format!("aside/{name} went too, SHA-256 {hash}"))?;
    }
    Ok(())
}

fn list(erasures: &[Value], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return erasures.iter().try_for_each(|erasure| output.value(erasure));
    }
    const KEYS: [&str; 6] = ["id", "workspace", "state", "events", "ground", "requested_at"];
    let text = |value: &Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    let row = |erasure: &Value| KEYS.iter().map(|key| text(&erasure[*key])).collect();
    let rows: Vec<Vec<String>> = erasures.iter().map(row).collect();
    output.table(&["ID", "WORKSPACE", "STATE", "EVENTS", "GROUND", "REQUESTED"], &rows)
}
