//! `tail`: prints events as they are recorded, and goes on where it was when the connection breaks.

use std::io::BufRead;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, Remote, broken};
use crate::event_text;
use crate::failure::{ExitKind, Failure};
use crate::output::{Output, visible};
use crate::verb::search::Within;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  proofbook tail --workspace acme 'severity:critical'

Ends with Ctrl-C. When the connection breaks it is made again, and no event is missed or shown twice.
With --json each event is one line.")]
pub(crate) struct Arguments {
    /// Which events; all when absent
    #[arg(value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<String>,
    /// The workspace
    #[arg(long, short, value_name = "NAME", env = "PROOFBOOK_WORKSPACE")]
    workspace: String,
    /// Begin behind this event instead of with the next one
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// End when the connection breaks instead of making it again
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    remote: Remote,
}

/// How long to wait before a broken connection is made again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let within = Within { workspace: arguments.workspace, from: None, to: None };
    let path = within.path("tail");
    let query = within.query(arguments.filter.as_deref());
    let mut last = arguments.after.map(|seq| seq.to_string());
    loop {
        match follow(&client, &path, &query, &mut last, output) {
            Err(failure) if failure.kind == ExitKind::Unreachable && !arguments.once => {
                output.note(&format!("{}; trying again", failure.chain()));
            }
            Ok(()) if !arguments.once => {}
            ended => return ended,
        }
        sleep(RETRY_AFTER);
    }
}

/// Prints events until the stream ends; `last` becomes the id of the last one.
fn follow(
    client: &Client,
    path: &str,
    query: &[(&str, &str)],
    last: &mut Option<String>,
    output: &mut Output,
) -> Result<(), Failure> {
    let resume = last.clone();
    let headers: Vec<(&str, &str)> =
        resume.iter().map(|id| ("Last-Event-ID", id.as_str())).collect();
    let stream = client.stream(path, query, &headers)?;
    read_messages(stream, &mut |message| {
        if let Some(id) = message.id {
            *last = Some(id);
        }
        match (message.name.as_deref(), message.data) {
            (None, Some(data)) => print(&data, output),
            (Some("end"), Some(data)) => Err(ended(&data)),
            _ => Ok(()),
        }
    })
}

/// Why the server ended the stream; it is asked again, and says for good when it may not be.
fn ended(data: &str) -> Failure {
    let value: Value = serde_json::from_str(data).unwrap_or(Value::Null);
    let reason = value["reason"].as_str().unwrap_or("the server ended the stream");
    Failure::new(ExitKind::Unreachable, reason)
}

fn print(data: &str, output: &mut Output) -> Result<(), Failure> {
    let Ok(event) = serde_json::from_str::<Value>(data) else { return Ok(()) };
    if output.is_json() {
        return output.value(&event);
    }
    let cells: Vec<String> = event_text::columns(&event);
    output.line(&cells.iter().map(|cell| visible(cell)).collect::<Vec<_>>().join("  "))
}

/// One message of a stream of server-sent events. An id without data only says how far it is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    name: Option<String>,
    id: Option<String>,
    data: Option<String>,
}

/// Reads server-sent events (HTML standard, section 9.2.6) as far as this server uses them.
fn read_messages(
    stream: impl BufRead,
    take: &mut dyn FnMut(Message) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut message = Message::default();
    for line in stream.lines() {
        let line = line.map_err(broken)?;
        if line.is_empty() {
            if message != Message::default() {
                take(std::mem::take(&mut message))?;
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut message.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            "id" => message.id = Some(value.to_owned()),
            "event" => message.name = Some(value.to_owned()),
            // Comments keep the connection open.
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
