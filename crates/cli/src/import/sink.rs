//! Where imported events go: straight into a stopped store, or to a running server.

use std::collections::BTreeMap;
use std::time::Duration;

use proofbook_catalog::Rejected;
use proofbook_event::{EventDraft, name};
use proofbook_store::commit::CommitError;
use proofbook_store::fold::Outcome;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::{Receipt, Store};
use serde_json::Value;

use super::{Item, Verdict};
use crate::client::{Client, part};
use crate::failure::Failure;

/// Records batches of events.
pub(crate) enum Sink {
    /// A store that this process opened.
    Local(Box<Store>),
    /// A running server.
    Remote(Client),
}

/// How long to wait when the store is busy packing.
const BUSY_WAIT: Duration = Duration::from_millis(20);

impl Sink {
    /// Records a batch; a verdict an event, in order.
    ///
    /// # Errors
    /// Nothing more can be recorded. Of this batch, all or nothing was.
    pub(crate) fn record(&mut self, items: &[Item]) -> Result<Vec<Verdict>, Failure> {
        match self {
            Self::Local(store) => record_locally(store, items),
            Self::Remote(client) => record_remotely(client, items),
        }
    }

    /// Ends it; what was recorded is durable already.
    pub(crate) fn finish(self) {
        match self {
            Self::Local(store) => store.stop(),
            Self::Remote(_) => {}
        }
    }
}

fn record_locally(store: &Store, items: &[Item]) -> Result<Vec<Verdict>, Failure> {
    loop {
        let wanted = items
            .iter()
            .map(|item| {
                let draft = EventDraft::parse(&item.event).map_err(Rejected::from)?;
                check_workspace(&item.workspace)?;
                Ok(Wanted { workspace: &item.workspace, draft })
            })
            .collect();
        match store.commit(store.prepare(true, wanted)) {
            Ok(receipts) => return Ok(receipts.into_iter().map(verdict).collect()),
            Err(CommitError::Busy) => std::thread::sleep(BUSY_WAIT),
            Err(error) => return Err(Failure::failed("the store took no more").because(error)),
        }
    }
}

fn check_workspace(workspace: &str) -> Result<(), Rejected> {
    if name::is_workspace_name(workspace) {
        return Ok(());
    }
    Err(Rejected {
        code: "invalid",
        pointer: "/workspace".to_owned(),
        offset: None,
        reason: format!("`{workspace}` is no name of a workspace"),
        limit: None,
    })
}

fn verdict(receipt: Result<Receipt, Rejected>) -> Verdict {
    match receipt {
        Ok(Receipt { outcome: Outcome::Created { .. }, .. }) => Verdict::Created,
        Ok(Receipt { outcome: Outcome::Duplicate { .. }, .. }) => Verdict::Duplicate,
        Ok(Receipt { outcome: Outcome::Conflict { seq }, id, .. }) => Verdict::Refused {
            pointer: "/id".to_owned(),
            reason: format!("the id {id} belongs to event {seq}, which is another"),
        },
        Ok(Receipt { outcome: Outcome::Lost, .. }) => Verdict::Refused {
            pointer: String::new(),
            reason: "it may not have been recorded; import it again".to_owned(),
        },
        Err(rejected) => Verdict::Refused { pointer: rejected.pointer, reason: rejected.reason },
    }
}

/// Sends a batch, one request a workspace; results come back in the order of the request.
fn record_remotely(client: &Client, items: &[Item]) -> Result<Vec<Verdict>, Failure> {
    let mut by_workspace: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        by_workspace.entry(&item.workspace).or_default().push(index);
    }
    let mut verdicts: Vec<Option<Verdict>> = vec![None; items.len()];
    for (workspace, indexes) in by_workspace {
        let mut body = Vec::new();
        for index in &indexes {
            // A line feed within an event would end its line; JSON has it only between tokens.
            body.extend(items[*index].event.iter().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                other => *other,
            }));
            body.push(b'\n');
        }
        let path = format!("/v1/workspaces/{}/events", part(workspace));
        let answer = client.send_patiently("POST", &path, "application/x-ndjson", &body)?;
        let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        if results.len() != indexes.len() {
            return Err(Failure::failed("the server answered for another number of events"));
        }
        for (index, result) in indexes.into_iter().zip(results) {
            verdicts[index] = Some(remote_verdict(result));
        }
    }
    Ok(verdicts.into_iter().flatten().collect())
}

fn remote_verdict(result: &Value) -> Verdict {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match result["status"].as_str() {
        Some("created") => Verdict::Created,
        Some("duplicate") => Verdict::Duplicate,
        _ => {
            let error = &result["error"];
            let reason = ["detail", "reason", "code"].map(|key| text(&error[key]));
            let reason = reason.into_iter().find(|reason| !reason.is_empty());
            Verdict::Refused {
                pointer: text(&error["pointer"]),
                reason: reason.unwrap_or_else(|| "the server gave no reason".to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
