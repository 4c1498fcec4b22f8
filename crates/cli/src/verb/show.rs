//! `show`: one event in full.

use crate::client::{Remote, part};
use crate::event_text;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook show --workspace acme ev-1
  proofbook show --workspace acme --seq 0")]
pub(crate) struct Arguments {
    /// The event's id
    #[arg(value_name = "ID", required_unless_present = "seq", conflicts_with = "seq")]
    id: Option<String>,
    /// The event's number instead
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    /// The workspace
    #[arg(long, short, value_name = "NAME", env = "PROOFBOOK_WORKSPACE")]
    workspace: String,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let which = match (&arguments.id, arguments.seq) {
        (Some(id), _) => part(id),
        (None, seq) => format!("seq/{}", seq.unwrap_or_default()),
    };
    let path = format!("/v1/workspaces/{}/events/{which}", part(&arguments.workspace));
    let event = client.get(&path, &[])?;
    if output.is_json() {
        return output.value(&event);
    }
    event_text::lines(&event).iter().try_for_each(|line| output.line(line))
}
