//! `retention`: how long a workspace keeps its events, and what the next purge would take.

use serde_json::Value;

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofbook retention acme")]
pub(crate) struct Arguments {
    /// The workspace
    workspace: String,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let path = format!("/v1/workspaces/{}/retention", part(&arguments.workspace));
    let answer = arguments.remote.client()?.get(&path, &[])?;
    if output.is_json() {
        return output.value(&answer);
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    output.line(&format!("kept          {}", text(&answer["keep"])))?;
    for (action, keep) in answer["actions"].as_object().into_iter().flatten() {
        output.line(&format!("kept          {} of {action}", text(keep)))?;
    }
    output.line(&format!("kept since    {}", text(&answer["since"])))?;
    let would = &answer["would_purge"];
    output.line(&format!("would go      {} events", would["events"]))?;
    output.line(&format!("held          {} events", would["held"]))?;
    if answer["last_purge"].is_object() {
        let last = &answer["last_purge"];
        let line = format!("last purge    {} events at {}", last["events"], text(&last["at"]));
        output.line(&line)?;
    }
    if answer["purge_waits_for_clock"] == true {
        output.line("Nothing is purged until the clock was steady for 24 hours.")?;
    }
    Ok(())
}
