//! `rule`: who is told of which events by e-mail, beside each workspace's owner.

use serde_json::json;

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;
use crate::verb::destination::{list, tested};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook rule create security --filter 'severity:>=warning' --recipient sec@acme.example
  proofbook rule list")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List all with how it goes
    #[command(after_help = "Example:\n  proofbook rule list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one in full
    #[command(after_help = "Example:\n  proofbook rule show rule_1f…")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make one
    #[command(after_help = "Example:
  proofbook rule create security --filter 'severity:>=warning' --recipient sec@acme.example --mode daily")]
    Create {
        /// What people call it
        name: String,
        /// Events that it tells of; all without it
        #[arg(long, short, value_name = "QUERY", default_value = "")]
        filter: String,
        /// Who is written to; may be given several times; each workspace's owner without it
        #[arg(long, value_name = "ADDRESS")]
        recipient: Vec<String>,
        /// A workspace, or * for all; may be given several times
        #[arg(long, short, value_name = "NAME", default_value = "*")]
        workspace: Vec<String>,
        /// When mails are sent
        #[arg(long, default_value = "instant", value_parser = ["instant", "hourly", "daily", "weekly"])]
        mode: String,
        /// Instant mails in an hour for one workspace; what is more comes in one
        #[arg(long, default_value_t = 60, value_name = "COUNT")]
        per_hour: u32,
        /// Language of the mails
        #[arg(long, default_value = "en", value_parser = ["en", "de"])]
        language: String,
        /// Zone of the times in them
        #[arg(long, default_value = "UTC")]
        zone: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Send one test mail now
    #[command(after_help = "Example:\n  proofbook rule test rule_1f…")]
    Test {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Remove it
    #[command(after_help = "Example:\n  proofbook rule remove rule_1f…")]
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

const PATH: &str = "/v1/rules";

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => list(&remote.client()?.get(PATH, &[])?["data"], output),
        Act::Show { id, remote } => {
            let shown = remote.client()?.get(&format!("{PATH}/{}", part(&id)), &[])?;
            output.value(&shown)
        }
        Act::Create {
            name,
            filter,
            recipient,
            workspace,
            mode,
            per_hour,
            language,
            zone,
            remote,
        } => {
            let body = json!({
                "name": name, "filter": filter, "recipients": recipient, "workspaces": workspace,
                "mode": mode, "per_hour": per_hour, "language": language, "zone": zone,
            });
            let body = body.to_string();
            let made = remote.client()?.send("POST", PATH, "application/json", body.as_bytes())?;
            if output.is_json() {
                return output.value(&made);
            }
            output.line(&format!("{} is made", made["id"].as_str().unwrap_or_default()))
        }
        Act::Test { id, remote } => {
            let path = format!("{PATH}/{}/test", part(&id));
            tested(&remote.client()?.send("POST", &path, "application/json", b"{}")?, output)
        }
        Act::Remove { id, remote } => {
            let path = format!("{PATH}/{}", part(&id));
            remote.client()?.send("DELETE", &path, "application/json", b"")?;
            output.line(&format!("{id} is removed"))
        }
    }
}
