//! `key`: lists, makes and revokes keys.

use serde_json::{Value, json};

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook key create billing --scope write --workspace acme
  proofbook key revoke k7m2…")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List all keys, revoked ones too, without their secrets
    #[command(after_help = "Example:\n  proofbook key list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a key; its text is shown this once
    #[command(after_help = "Example:
  proofbook key create billing --scope write --workspace acme")]
    Create {
        /// What people call it
        name: String,
        /// What it may do; may be given several times
        #[arg(long, required = true, value_parser = ["write", "read", "import", "admin"])]
        scope: Vec<String>,
        /// A workspace it is for, or * for all; may be given several times
        #[arg(long, short, required = true, value_name = "NAME")]
        workspace: Vec<String>,
        /// When it ceases to work, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a key cease to work at once
    #[command(after_help = "Example:\n  proofbook key revoke k7m2…")]
    Revoke {
        /// Its public id, as `key list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => {
            let answer = remote.client()?.get("/v1/keys", &[])?;
            list(answer["data"].as_array().map(Vec::as_slice).unwrap_or_default(), output)
        }
        Act::Create { name, scope, workspace, expires_at, remote } => {
            let mut body = json!({"name": name, "scopes": scope, "workspaces": workspace});
            if let Some(expires_at) = expires_at {
                body["expires_at"] = json!(expires_at);
            }
            let body = body.to_string();
            let key =
                remote.client()?.send("POST", "/v1/keys", "application/json", body.as_bytes())?;
            if output.is_json() {
                return output.value(&key);
            }
            output.note("The key, shown this once:");
            output.line(key["key"].as_str().unwrap_or_default())
        }
        Act::Revoke { id, remote } => {
            let path = format!("/v1/keys/{}", part(&id));
            let key = remote.client()?.send("DELETE", &path, "application/json", b"")?;
            if output.is_json() {
                return output.value(&key);
            }
            output.line(&format!("{id} is revoked"))
        }
    }
}

fn list(keys: &[Value], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return keys.iter().try_for_each(|key| output.value(key));
    }
    let join = |value: &Value| {
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(" ")
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |key: &Value| {
        let state = match (key["revoked_at"].as_str(), key["expires_at"].as_str()) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "works".to_owned(),
        };
        vec![
            text(&key["id"]),
            text(&key["name"]),
            join(&key["scopes"]),
            join(&key["workspaces"]),
            state,
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    output.table(&["ID", "NAME", "SCOPES", "WORKSPACES", "STATE"], &rows)
}
