//! `notifications`: of what a workspace's owner is told by e-mail, a switch for each action.

use serde_json::{Value, json};

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook notifications show acme
  proofbook notifications set acme --on affiliate.ban --off mfa.enable --mode daily")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Show every action with its switch
    #[command(after_help = "Example:\n  proofbook notifications show acme")]
    Show {
        /// The workspace
        workspace: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Switch actions, and say when and how mails are written; what is not given stays
    #[command(after_help = "Example:
  proofbook notifications set acme --on affiliate.ban --language de --zone Europe/Berlin")]
    Set {
        /// The workspace
        workspace: String,
        /// An action that is told from now on; may be given several times
        #[arg(long, value_name = "ACTION")]
        on: Vec<String>,
        /// An action that is told no longer; may be given several times
        #[arg(long, value_name = "ACTION")]
        off: Vec<String>,
        /// Whether anything is mailed at all
        #[arg(long, value_name = "YES|NO", value_parser = ["yes", "no"])]
        enabled: Option<String>,
        /// When mails are sent
        #[arg(long, value_parser = ["instant", "hourly", "daily", "weekly"])]
        mode: Option<String>,
        /// Language of the mails
        #[arg(long, value_parser = ["en", "de"])]
        language: Option<String>,
        /// Zone of the times in them
        #[arg(long)]
        zone: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

fn path(workspace: &str) -> String {
    format!("/v1/workspaces/{}/notifications", part(workspace))
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::Show { workspace, remote } => {
            print(&remote.client()?.get(&path(&workspace), &[])?, output)
        }
        Act::Set { workspace, on, off, enabled, mode, language, zone, remote } => {
            let mut body = json!({"on": on, "off": off});
            let enabled = enabled.map(|word| json!(word == "yes"));
            let texts = [("mode", mode), ("language", language), ("zone", zone)];
            let texts = texts.into_iter().map(|(name, text)| (name, text.map(Value::from)));
            for (name, value) in texts.chain([("enabled", enabled)]) {
                if let Some(value) = value {
                    body[name] = value;
                }
            }
            let (client, body) = (remote.client()?, body.to_string());
            let shown =
                client.send("PUT", &path(&workspace), "application/json", body.as_bytes())?;
            print(&shown, output)
        }
    }
}

fn print(shown: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(shown);
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    output.line(&format!("owner     {}", text(&shown["owner"]["email"])))?;
    let mails = if shown["enabled"] == true { text(&shown["mode"]) } else { "none".to_owned() };
    output.line(&format!("mails     {mails}"))?;
    output.line(&format!("language  {}", text(&shown["language"])))?;
    output.line(&format!("zone      {}", text(&shown["zone"])))?;
    for warning in shown["warnings"].as_array().into_iter().flatten() {
        output.note(&text(warning));
    }
    let row = |one: &Value| {
        let switch = if one["on"] == true { "on" } else { "off" };
        vec![text(&one["action"]), switch.to_owned(), text(&one["title"])]
    };
    let rows: Vec<Vec<String>> =
        shown["actions"].as_array().into_iter().flatten().map(row).collect();
    output.table(&["ACTION", "TOLD", "TITLE"], &rows)
}
