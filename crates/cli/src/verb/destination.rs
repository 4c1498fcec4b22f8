//! `destination`: where events are told to on their own, over HTTP.

use serde_json::{Value, json};

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook destination create siem --to https://siem.example/hook
  proofbook destination list
  proofbook destination replay dst_1f… --since 2026-11-22T00:00:00Z")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List all with how it goes
    #[command(after_help = "Example:\n  proofbook destination list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one in full
    #[command(after_help = "Example:\n  proofbook destination show dst_1f…")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make one; its signing secrets are shown this once
    #[command(after_help = "Example:
  proofbook destination create siem --to https://siem.example/hook --format cloudevents")]
    Create {
        /// What people call it
        name: String,
        /// The address that is called
        #[arg(long = "to", value_name = "URL")]
        address: String,
        /// The form of the messages
        #[arg(long, default_value = "native", value_parser = ["native", "cloudevents", "slack", "teams"])]
        format: String,
        /// A workspace, or * for all; may be given several times
        #[arg(long, short, value_name = "NAME", default_value = "*")]
        workspace: Vec<String>,
        /// Events that it is told of; all without it
        #[arg(long, short, value_name = "QUERY", default_value = "")]
        filter: String,
        /// How messages are signed; may be given twice
        #[arg(long, default_value = "hmac", value_parser = ["hmac", "ed25519"])]
        signature: Vec<String>,
        /// From where: now, beginning, or a time
        #[arg(long, default_value = "now", value_name = "TIME")]
        start: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Stop telling one; nothing is lost as long as events are kept
    #[command(after_help = "Example:\n  proofbook destination pause dst_1f…")]
    Pause {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Go on where it stood
    #[command(after_help = "Example:\n  proofbook destination resume dst_1f…")]
    Resume {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Tell it again: from a number in one workspace, or from a time
    #[command(after_help = "Example:
  proofbook destination replay dst_1f… --workspace acme --seq 4711")]
    Replay {
        /// Its id
        id: String,
        /// One workspace alone
        #[arg(long, short, value_name = "NAME")]
        workspace: Option<String>,
        /// From this number
        #[arg(long, conflicts_with = "since", requires = "workspace")]
        seq: Option<u64>,
        /// From this time
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a new signing secret; the one before signs too until --finish
    #[command(after_help = "Example:\n  proofbook destination rotate dst_1f…")]
    Rotate {
        /// Its id
        id: String,
        /// Which signature
        #[arg(long, default_value = "hmac", value_parser = ["hmac", "ed25519"])]
        signature: String,
        /// Keep the newest secret alone
        #[arg(long)]
        finish: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Send one test message now
    #[command(after_help = "Example:\n  proofbook destination test dst_1f…")]
    Test {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List what it would not take
    #[command(after_help = "Example:\n  proofbook destination dead-letters dst_1f…")]
    DeadLetters {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Send one event once more that it would not take
    #[command(
        after_help = "Example:\n  proofbook destination resend dst_1f… --workspace acme --seq 4711"
    )]
    Resend {
        /// Its id
        id: String,
        /// The event's workspace
        #[arg(long, short, value_name = "NAME")]
        workspace: String,
        /// The event's number
        #[arg(long)]
        seq: u64,
        #[command(flatten)]
        remote: Remote,
    },
    /// Remove it with where it stood
    #[command(after_help = "Example:\n  proofbook destination remove dst_1f…")]
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

const PATH: &str = "/v1/destinations";

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => list(&remote.client()?.get(PATH, &[])?["data"], output),
        Act::Show { id, remote } => {
            let shown = remote.client()?.get(&format!("{PATH}/{}", part(&id)), &[])?;
            output.value(&shown)
        }
        Act::Create { name, address, format, workspace, filter, signature, start, remote } => {
            let body = json!({
                "name": name, "url": address, "format": format, "workspaces": workspace,
                "filter": filter, "signatures": signature, "start": start,
            });
            let made = send(&remote, "POST", PATH, &body)?;
            if output.is_json() {
                return output.value(&made);
            }
            output.line(&format!("{} is made", made["id"].as_str().unwrap_or_default()))?;
            secrets(&made, output)
        }
        Act::Pause { id, remote } => act(&remote, &id, "pause", &json!({}), "is paused", output),
        Act::Resume { id, remote } => act(&remote, &id, "resume", &json!({}), "goes on", output),
        Act::Replay { id, workspace, seq, since, remote } => {
            let body = json!({"workspace": workspace, "seq": seq, "since": since});
            act(&remote, &id, "replay", &body, "is told again", output)
        }
        Act::Rotate { id, signature, finish, remote } => {
            let body = json!({"signature": signature, "finish": finish});
            let path = format!("{PATH}/{}/rotate", part(&id));
            let rotated = send(&remote, "POST", &path, &body)?;
            if output.is_json() {
                return output.value(&rotated);
            }
            secrets(&rotated, output)
        }
        Act::Test { id, remote } => {
            let path = format!("{PATH}/{}/test", part(&id));
            tested(&send(&remote, "POST", &path, &json!({}))?, output)
        }
        Act::Resend { id, workspace, seq, remote } => {
            let path = format!("{PATH}/{}/dead-letters/resend", part(&id));
            let body = json!({"workspace": workspace, "seq": seq});
            tested(&send(&remote, "POST", &path, &body)?, output)
        }
        Act::DeadLetters { id, remote } => {
            let path = format!("{PATH}/{}/dead-letters", part(&id));
            dead_letters(&remote.client()?.get(&path, &[])?["data"], output)
        }
        Act::Remove { id, remote } => {
            let path = format!("{PATH}/{}", part(&id));
            remote.client()?.send("DELETE", &path, "application/json", b"")?;
            output.line(&format!("{id} is removed"))
        }
    }
}

fn send(remote: &Remote, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
    remote.client()?.send(method, path, "application/json", body.to_string().as_bytes())
}

fn act(
    remote: &Remote,
    id: &str,
    verb: &str,
    body: &Value,
    done: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let answer = send(remote, "POST", &format!("{PATH}/{}/{verb}", part(id)), body)?;
    if output.is_json() {
        return output.value(&answer);
    }
    output.line(&format!("{id} {done}"))
}

fn secrets(answer: &Value, output: &mut Output) -> Result<(), Failure> {
    let secrets = answer["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !secrets.is_empty() {
        output.note("What the receiver checks signatures with, shown this once:");
    }
    secrets.iter().try_for_each(|secret| output.line(secret.as_str().unwrap_or_default()))
}

/// Says what became of a test message; fails unless it was taken.
pub(crate) fn tested(answer: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        output.value(answer)?;
    } else if answer["result"] == "taken" {
        output.line("taken")?;
    }
    match answer["result"].as_str() {
        Some("taken") => Ok(()),
        result => {
            let detail = answer["detail"].as_str().unwrap_or_default();
            Err(Failure::failed(format!("{}: {detail}", result.unwrap_or("failed"))))
        }
    }
}

/// Lists destinations or rules with how it goes.
pub(crate) fn list(found: &Value, output: &mut Output) -> Result<(), Failure> {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if output.is_json() {
        return found.iter().try_for_each(|one| output.value(one));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |one: &Value| {
        let workspaces = one["workspaces"].as_array().into_iter().flatten();
        let workspaces: Vec<&str> = workspaces.filter_map(Value::as_str).collect();
        let status = &one["status"];
        vec![
            text(&one["id"]),
            text(&one["name"]),
            workspaces.join(" "),
            text(&status["state"]),
            status["behind"].to_string(),
            text(&status["last_error"]["detail"]),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output.table(&["ID", "NAME", "WORKSPACES", "STATE", "BEHIND", "LAST ERROR"], &rows)
}

fn dead_letters(found: &Value, output: &mut Output) -> Result<(), Failure> {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if output.is_json() {
        return found.iter().try_for_each(|one| output.value(one));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |one: &Value| {
        vec![
            text(&one["workspace"]),
            one["seq"].to_string(),
            text(&one["at"]),
            text(&one["reason"]),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output.table(&["WORKSPACE", "SEQ", "GIVEN UP AT", "REASON"], &rows)
}
