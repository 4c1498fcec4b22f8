//! `warnings`: what was warned of and is not over.

use serde_json::Value;

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofbook warnings --workspace acme")]
pub(crate) struct Arguments {
    /// One workspace alone; all of them without it, for an admin key
    #[arg(long, short, value_name = "NAME")]
    workspace: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let path = match &arguments.workspace {
        Some(name) => format!("/v1/workspaces/{}/warnings", part(name)),
        None => "/v1/warnings".to_owned(),
    };
    let answer = arguments.remote.client()?.get(&path, &[])?;
    let found = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if output.is_json() {
        return found.iter().try_for_each(|one| output.value(one));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row =
        |one: &Value| vec![text(&one["workspace"]), text(&one["raised_at"]), text(&one["text"])];
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output.table(&["WORKSPACE", "SINCE", "WARNING"], &rows)
}
