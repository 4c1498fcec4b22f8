//! `hold`: lists, places and lifts legal holds.

use serde_json::{Value, json};

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook hold place acme --filter actor.id:u_7 --reason 'case 7' --owner Legal
  proofbook hold lift hold_0123456789abcdef")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List the holds in force
    #[command(after_help = "Example:\n  proofbook hold list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Keep events of a workspace whatever its retention says
    #[command(after_help = "Example:
  proofbook hold place acme --filter actor.id:u_7 --reason 'case 7' --owner Legal")]
    Place {
        /// The workspace
        workspace: String,
        /// Which events, by exact fields; all when absent
        #[arg(long, default_value = "")]
        filter: String,
        /// Why, for instance a file number
        #[arg(long)]
        reason: String,
        /// Who answers for it
        #[arg(long)]
        owner: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// End a hold; what it kept is subject to retention again
    #[command(after_help = "Example:\n  proofbook hold lift hold_0123456789abcdef")]
    Lift {
        /// Its id, as `hold list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => {
            let answer = remote.client()?.get("/v1/holds", &[])?;
            list(answer["data"].as_array().map(Vec::as_slice).unwrap_or_default(), output)
        }
        Act::Place { workspace, filter, reason, owner, remote } => {
            let body = json!({
                "workspace": workspace, "filter": filter, "reason": reason, "owner": owner,
            });
            let body = body.to_string();
            let hold =
                remote.client()?.send("POST", "/v1/holds", "application/json", body.as_bytes())?;
            if output.is_json() {
                return output.value(&hold);
            }
            output.line(hold["id"].as_str().unwrap_or_default())
        }
        Act::Lift { id, remote } => {
            let path = format!("/v1/holds/{}", part(&id));
            let hold = remote.client()?.send("DELETE", &path, "application/json", b"")?;
            if output.is_json() {
                return output.value(&hold);
            }
            output.line(&format!("{id} is lifted"))
        }
    }
}

fn list(holds: &[Value], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return holds.iter().try_for_each(|hold| output.value(hold));
    }
    const KEYS: [&str; 6] = ["id", "workspace", "filter", "reason", "owner", "placed_at"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |hold: &Value| KEYS.iter().map(|key| text(&hold[*key])).collect();
    let rows: Vec<Vec<String>> = holds.iter().map(row).collect();
    output.table(&["ID", "WORKSPACE", "FILTER", "REASON", "OWNER", "PLACED"], &rows)
}
