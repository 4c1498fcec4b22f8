//! `workspace`: lists workspaces, shows one, changes its settings.

use serde_json::{Value, json};

use crate::client::{Client, Remote, part};
use crate::failure::Failure;
use crate::output::{Output, visible};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook workspace list
  proofbook workspace put acme --preset clienwork --plan pro --owner-email ada@acme.example")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List the workspaces that the key may see
    #[command(after_help = "Example:\n  proofbook workspace list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one workspace
    #[command(after_help = "Example:\n  proofbook workspace show acme")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a workspace, or change those of its settings that are given
    #[command(after_help = "Example:
  proofbook workspace put acme --preset clienwork --plan pro")]
    Put {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Settings; what is not given stays as it is.
#[derive(Debug, clap::Args)]
struct Settings {
    /// What people call it
    #[arg(long)]
    title: Option<String>,
    /// The preset it follows
    #[arg(long)]
    preset: Option<String>,
    /// The plan that decides its retention
    #[arg(long)]
    plan: Option<String>,
    /// The owner's name
    #[arg(long)]
    owner_name: Option<String>,
    /// The owner's e-mail address
    #[arg(long)]
    owner_email: Option<String>,
    /// Base address of the product, for links
    #[arg(long, value_name = "URL")]
    app_url: Option<String>,
    /// Where its people open the viewer
    #[arg(long, value_name = "URL")]
    viewer_url: Option<String>,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => list(&remote.client()?, output),
        Act::Show { name, remote } => {
            let shown = remote.client()?.get(&path(&name), &[])?;
            print(&shown, output)
        }
        Act::Put { name, settings, remote } => put(&remote.client()?, &name, settings, output),
    }
}

fn path(name: &str) -> String {
    format!("/v1/workspaces/{}", part(name))
}

fn list(client: &Client, output: &mut Output) -> Result<(), Failure> {
    let mut after = String::new();
    let mut rows = Vec::new();
    loop {
        let page = client.get("/v1/workspaces", &[("after", &after), ("limit", "1000")])?;
        for workspace in page["data"].as_array().into_iter().flatten() {
            if output.is_json() {
                output.value(workspace)?;
            }
            let text = |key: &str| workspace[key].as_str().unwrap_or_default().to_owned();
            let size = workspace["head"]["size"].as_u64().unwrap_or(0).to_string();
            rows.push(vec![
                text("workspace"),
                text("name"),
                size,
                text("preset"),
                text("retention"),
            ]);
        }
        match page["next_after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    if output.is_json() {
        return Ok(());
    }
    output.table(&["WORKSPACE", "NAME", "EVENTS", "PRESET", "KEPT"], &rows)
}

/// The call replaces all settings, so those that are there are read first.
fn put(
    client: &Client,
    name: &str,
    settings: Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    use crate::failure::ExitKind;
    let before = match client.get(&path(name), &[]) {
        Err(failure) if failure.kind == ExitKind::NotFound => Value::Null,
        found => found?,
    };
    let choose = |given: Option<String>, before: &Value| match given {
        Some(text) => json!(text),
        None => before.clone(),
    };
    let body = json!({
        "name": choose(settings.title, &before["name"]),
        "preset": choose(settings.preset, &before["preset"]),
        "plan": choose(settings.plan, &before["plan"]),
        "owner": {
            "name": choose(settings.owner_name, &before["owner"]["name"]),
            "email": choose(settings.owner_email, &before["owner"]["email"]),
        },
        "app_url": choose(settings.app_url, &before["app_url"]),
        "viewer_url": choose(settings.viewer_url, &before["viewer_url"]),
    });
    let body = without_nulls(body).to_string();
    let after = client.send("PUT", &path(name), "application/json", body.as_bytes())?;
    print(&after, output)
}

/// Leaves out what has no value: a setting is absent, not null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .filter(|(_, value)| value.as_object().is_none_or(|object| !object.is_empty()))
                .collect(),
        ),
        other => other,
    }
}

fn print(workspace: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(workspace);
    }
    let rows = [
        ("workspace", &workspace["workspace"]),
        ("name", &workspace["name"]),
        ("preset", &workspace["preset"]),
        ("plan", &workspace["plan"]),
        ("kept", &workspace["retention"]),
        ("owner", &workspace["owner"]["name"]),
        ("owner's mail", &workspace["owner"]["email"]),
        ("product", &workspace["app_url"]),
        ("viewer", &workspace["viewer_url"]),
        ("events", &workspace["head"]["size"]),
        ("root", &workspace["head"]["root"]),
    ];
    for (label, value) in rows {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        output.line(&format!("{label:<14}{}", visible(&text)))?;
    }
    Ok(())
}
