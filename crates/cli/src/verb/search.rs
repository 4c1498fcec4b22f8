//! `search`: finds events of a workspace at a running server.

use serde_json::Value;

use crate::client::{Remote, part};
use crate::event_text;
use crate::failure::{ExitKind, Failure};
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook search --workspace acme 'actor:ada changed:/plan'
  proofbook search --workspace acme 'outcome:failure ip:10.0.0.0/8' --from now-7d --limit 100

The filter language is described in docs/guide/filter.md. With --json each page is one line, as the
server answers it. When something could not be read the answer says so, and the exit code is 3.")]
pub(crate) struct Arguments {
    /// What to look for; everything when absent
    #[arg(value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<String>,
    #[command(flatten)]
    pub(crate) within: Within,
    /// Most events
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Order: by time with the newest or the oldest first, or by number
    #[arg(long, value_name = "ORDER", default_value = "newest", value_parser = ["newest", "oldest", "seq"])]
    sort: String,
    /// Only say how many there are
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Which workspace, and from when to when.
#[derive(Debug, clap::Args)]
pub(crate) struct Within {
    /// The workspace
    #[arg(long, short, value_name = "NAME", env = "PROOFBOOK_WORKSPACE")]
    pub(crate) workspace: String,
    /// Only events that happened at or after this time, such as 2026-11-01 or now-7d
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Only events that happened before this time; a date includes its day
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

impl Within {
    /// Returns the path of something in the workspace.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/workspaces/{}/{rest}", part(&self.workspace))
    }

    /// Returns filter and times as parameters.
    pub(crate) fn query<'a>(&'a self, filter: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
        let given = [("q", filter), ("from", self.from.as_deref()), ("to", self.to.as_deref())];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Events of one page; the server bounds it too.
const PAGE_EVENTS: usize = 200;

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let path = arguments.within.path("events");
    let mut left = if arguments.count { 1 } else { arguments.limit.max(1) };
    let mut cursor: Option<String> = None;
    let mut rows = Vec::new();
    let mut last = Value::Null;
    while left > 0 {
        let limit = left.min(PAGE_EVENTS).to_string();
        let mut query = arguments.within.query(arguments.filter.as_deref());
        query.extend([("limit", limit.as_str()), ("sort", arguments.sort.as_str())]);
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page = client.get(&path, &query)?;
        if output.is_json() && !arguments.count {
            output.value(&page)?;
        }
        let data = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.extend(data.iter().map(event_text::columns));
        left = left.saturating_sub(data.len().max(1));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        last = page;
        if cursor.is_none() || arguments.count {
            break;
        }
    }
    if output.is_json() && arguments.count {
        output.value(&serde_json::json!({
            "total": last["total"], "left_out": last["left_out"],
            "complete": last["complete"], "unread": last["unread"],
        }))?;
    } else if arguments.count {
        output.line(&total(&last))?;
    } else if !output.is_json() {
        output.table(event_text::TITLES, &rows)?;
        output.note(&format!("{} of {}{}", rows.len(), total(&last), left_out(&last)));
    }
    complete(&last)
}

fn total(page: &Value) -> String {
    page["total"].as_u64().map_or_else(|| "an unknown number".to_owned(), |total| total.to_string())
}

fn left_out(page: &Value) -> String {
    match page["left_out"].as_u64() {
        Some(0) | None => String::new(),
        Some(count) => {
            format!("; {count} of Proofbook's own left out (action:audit_log.* shows them)")
        }
    }
}

/// Fails when the server says that it did not read everything.
fn complete(page: &Value) -> Result<(), Failure> {
    if page["complete"] != Value::Bool(false) {
        return Ok(());
    }
    let unread: Vec<&str> =
        page["unread"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let message = format!("this is not all: {} could not be read", unread.join(", "));
    Err(Failure::new(ExitKind::Partly, message).hint("`proofbook verify` names what is damaged"))
}
