//! `demo`: a server on this machine with the stories of five products in it.

use std::net::SocketAddr;
use std::path::PathBuf;

use proofbook_event::Timestamp;
use proofbook_server::Config;
use proofbook_server::keys::SecretKey;
use proofbook_store::random::SystemRandom;
use serde_json::json;

use crate::client::{Client, Remote};
use crate::demo::{Story, stories};
use crate::failure::Failure;
use crate::logging;
use crate::output::Output;
use crate::progress::Progress;
use crate::running::{self, Running};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  proofbook demo

Open the printed address. Everything is on this machine only; the data is removed in the end unless
--data says where to keep it.")]
pub(crate) struct Arguments {
    /// Address and port on this machine; another port is taken when this one is not free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7676")]
    listen: SocketAddr,
    /// Keep the data here instead of in a temporary directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Load the stories, print what there is, and end
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::usage("the demo shows everything without a key")
            .hint("it listens on 127.0.0.1 only; `proofbook serve` is for more"));
    }
    // Removed when this function ends, after the store in it was stopped.
    let temporary = Temporary::new();
    let data = arguments.data.unwrap_or_else(|| temporary.0.clone());
    let key = SecretKey::generate(&SystemRandom);
    let config = Config {
        data,
        listen: free_or_any(arguments.listen),
        admin_key: Some(key.clone()),
        open_page: true,
        ..Config::default()
    };
    logging::start(config.log_format, "warn")?;
    let running = running::start(config)?;
    let remote = Remote::new(running.url(), key.reveal());
    let told = tell(&running, &remote.client()?, output)?;
    announce(&running, &key, &told, output)?;
    if arguments.once {
        running.stop();
        return Ok(());
    }
    running.until_asked_to_stop(output);
    Ok(())
}

/// A directory that goes with the demo.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("proofbook-demo-{}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left over lies where the system cleans up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The address when it is free, else any port of it.
fn free_or_any(listen: SocketAddr) -> SocketAddr {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => listen,
        Err(_) => SocketAddr::new(listen.ip(), 0),
    }
}

/// Events of one request.
const BATCH_EVENTS: usize = 500;

/// Sends every story, as a product would.
fn tell(running: &Running, client: &Client, output: &Output) -> Result<Vec<Story>, Failure> {
    let stories = stories(Timestamp::from_micros(running.store().now().micros()));
    let events: usize = stories.iter().map(|story| story.events.len()).sum();
    let progress = Progress::of_items(output, events as u64);
    let mut sent = 0;
    for story in &stories {
        put(client, story, story.plan_while_loading.unwrap_or(story.plan))?;
        let path = format!("/v1/workspaces/{}/events", story.workspace);
        for batch in story.events.chunks(BATCH_EVENTS) {
            let body = batch.join("\n");
            let answer =
                client.send_patiently("POST", &path, "application/x-ndjson", body.as_bytes())?;
            if answer["rejected"].as_u64().unwrap_or(0) > 0 {
                let message = format!("an event of the story of {} was refused", story.workspace);
                return Err(Failure::failed(message).hint(answer.to_string()));
            }
            sent += batch.len() as u64;
            progress.at(sent, story.title);
        }
        if story.plan_while_loading.is_some() {
            put(client, story, story.plan)?;
        }
    }
    progress.clear();
    Ok(stories)
}

fn put(client: &Client, story: &Story, plan: &str) -> Result<(), Failure> {
    let settings = json!({
        "name": story.title, "preset": story.preset, "plan": plan,
        "owner": {"name": story.owner.name, "email": story.owner.email},
        "app_url": story.app_url,
    });
    let path = format!("/v1/workspaces/{}", story.workspace);
    client.send("PUT", &path, "application/json", settings.to_string().as_bytes())?;
    Ok(())
}

/// What a visitor records first.
const OWN_EVENT: &str = r#"{"action": "product.update", "actor": {"type": "user", "id": "me", "name": "My Name"}, "targets": [{"type": "product", "id": "p_1", "name": "My First Product"}], "before": {"price": "49.00"}, "after": {"price": "59.00"}}"#;

fn announce(
    running: &Running,
    key: &SecretKey,
    stories: &[Story],
    output: &mut Output,
) -> Result<(), Failure> {
    let url = running.url();
    if output.is_json() {
        let workspaces: Vec<_> = stories
            .iter()
            .map(|story| {
                let page = format!("{url}/demo/{}", story.preset);
                json!({"workspace": story.workspace, "events": story.events.len(), "page": page})
            })
            .collect();
        let key = key.reveal();
        return output.value(&json!({"url": url, "admin_key": key, "workspaces": workspaces}));
    }
    output.line(&format!("Proofbook's demo is at  {url}"))?;
    output.line("")?;
    output.line("In it, for example:")?;
    for story in stories {
        output.line("")?;
        let count = story.events.len();
        output.line(&format!("  {} ({}), {count} events", story.title, story.workspace))?;
        output.line(&format!("  {url}/demo/{}", story.preset))?;
        for one in story.tries {
            output.line(&format!("    {}", one.question))?;
            output.line(&format!("      {}", one.query))?;
        }
    }
    output.line("")?;
    output.line("The same from a shell:")?;
    output.line("")?;
    output.line(&format!("  export PROOFBOOK_URL={url}"))?;
    output.line(&format!("  export PROOFBOOK_KEY={}", key.reveal()))?;
    if let Some((story, one)) = stories.iter().find_map(|story| Some((story, story.tries.first()?)))
    {
        let workspace = story.workspace;
        let query = one.query.replace('\'', "'\\''");
        output.line(&format!("  proofbook search --workspace {workspace} '{query}'"))?;
        output.line(&format!(
            "  curl -sG \"$PROOFBOOK_URL/v1/workspaces/{workspace}/events\" \\\n    -H \"Authorization: \
             Bearer $PROOFBOOK_KEY\" --data-urlencode 'q={query}'"
        ))?;
    }
    if let Some(story) = stories.first() {
        output.line("")?;
        output.line(&format!("Add an event of your own to {}:", story.title))?;
        output.line("")?;
        output.line(&format!("  curl -s {url}/v1/workspaces/{}/events \\", story.workspace))?;
        output.line(&format!("    -H 'Authorization: Bearer {}' \\", key.reveal()))?;
        output.line(&format!("    -d '{OWN_EVENT}'"))?;
    }
    output.line("")?;
    output.line(&format!("and find it at the top of the list: {url}"))?;
    output.note("Ctrl-C ends the demo.");
    Ok(())
}
