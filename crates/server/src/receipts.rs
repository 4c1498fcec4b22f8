//! What a client hears of its events: results in the order of the request, or the problem that kept
//! the whole request from being recorded.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use proofbook_catalog::admit::Rejected;
use proofbook_ledger::Hash;
use proofbook_store::commit::CommitError;
use proofbook_store::fold::Outcome;
use proofbook_store::store::Receipt;
use serde::Serialize;

use crate::app::App;
use crate::problem::{Code, Fault, Problem};

/// What became of one event.
#[derive(Serialize)]
struct Item<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    leaf: Option<Hash>,
    /// The `.tlog-proof`, when the client waited for the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
    /// Apart, since few have one and it is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<ItemError>>,
}

fn as_text<S: serde::Serializer>(leaf: &Option<Hash>, writer: S) -> Result<S::Ok, S::Error> {
    match leaf {
        Some(leaf) => writer.collect_str(leaf),
        None => writer.serialize_none(),
    }
}

#[derive(Serialize)]
struct ItemError {
    code: &'static str,
    #[serde(flatten)]
    fault: Fault,
}

#[derive(Serialize)]
struct Answer<'a> {
    results: Vec<Item<'a>>,
    created: u64,
    duplicates: u64,
    rejected: u64,
    /// Why recorded events have no proof, when the client waited for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_proof: Option<String>,
}

/// What became of some events that were handed over together.
pub(crate) enum Done {
    /// Each event's receipt or rejection.
    Receipts(Vec<Result<Receipt, Rejected>>),
    /// None of this many was recorded, or perhaps all.
    Failed(usize, CommitError),
}

/// The proofs that a client waited for, by workspace and number; or why there are none.
pub(crate) type Proofs = Result<HashMap<(String, u64), String>, Problem>;

/// Returns workspace and number of every event that is recorded now.
pub(crate) fn recorded(steps: &[Done]) -> Vec<(String, u64)> {
    let receipts = steps.iter().flat_map(|step| match step {
        Done::Receipts(receipts) => receipts.as_slice(),
        Done::Failed(..) => &[],
    });
    let place = |receipt: &Receipt| match receipt.outcome {
        Outcome::Created { seq, .. } | Outcome::Duplicate { seq } => {
            Some((receipt.workspace.to_string(), seq))
        }
        Outcome::Conflict { .. } | Outcome::Lost => None,
    };
    receipts.filter_map(|receipt| receipt.as_ref().ok().and_then(place)).collect()
}

/// Puts the answer together, or says what kept the whole request from being recorded.
pub(crate) fn answer(
    app: &App,
    is_alone: bool,
    steps: Vec<Done>,
    proofs: Option<Proofs>,
) -> Result<Response, Problem> {
    let failures = || {
        steps.iter().filter_map(|step| match step {
            Done::Failed(_, error) => Some(error),
            Done::Receipts(_) => None,
        })
    };
    // Honest in doubt: one step of unknown fate makes the whole answer unknown.
    if failures().any(|error| *error == CommitError::Unknown) {
        return Err(whole(&CommitError::Unknown));
    }
    if let Some(error) = failures().next()
        && failures().count() == steps.len()
    {
        return Err(whole(error));
    }
    let mut answer =
        Answer { results: Vec::new(), created: 0, duplicates: 0, rejected: 0, without_proof: None };
    for step in &steps {
        match step {
            Done::Receipts(receipts) => answer.results.extend(receipts.iter().map(item)),
            Done::Failed(count, error) => {
                let problem = whole(error);
                let rejected = refused(problem.code, "", problem.detail);
                answer.results.extend((0..*count).map(|_| rejection(&rejected)));
            }
        }
    }
    match proofs {
        Some(Ok(mut proofs)) => {
            for item in &mut answer.results {
                let place = item.workspace.map(str::to_owned).zip(item.seq);
                item.proof = place.and_then(|place| proofs.remove(&place));
            }
        }
        Some(Err(problem)) => answer.without_proof = Some(problem.detail),
        None => {}
    }
    for item in &answer.results {
        *match item.status {
            "created" => &mut answer.created,
            "duplicate" => &mut answer.duplicates,
            _ => &mut answer.rejected,
        } += 1;
    }
    app.metrics.created.fetch_add(answer.created, Ordering::Relaxed);
    app.metrics.duplicates.fetch_add(answer.duplicates, Ordering::Relaxed);
    app.metrics.rejected.fetch_add(answer.rejected, Ordering::Relaxed);
    if is_alone && answer.rejected > 0 {
        let alone = answer.results.pop().and_then(|item| Some((item.error?, item.seq)));
        if let Some((error, seq)) = alone {
            let code = Code::parse(error.code).unwrap_or(Code::Invalid);
            return Err(Problem { seq, ..Problem::at(code, error.fault) });
        }
    }
    let status = if answer.rejected == 0 { StatusCode::CREATED } else { StatusCode::MULTI_STATUS };
    Ok((status, Json(answer)).into_response())
}

/// Says why nothing of a step was recorded, or may have been.
pub(crate) fn whole(error: &CommitError) -> Problem {
    match error {
        CommitError::NoSpace => {
            Problem::new(Code::NoSpace, "the disk is full; nothing was recorded").retry_after(30)
        }
        CommitError::Busy => {
            Problem::new(Code::Busy, "too much waits to be recorded; nothing of this was")
                .retry_after(1)
        }
        CommitError::Unknown => {
            Problem::new(Code::MayBeRecorded, "it may have been recorded; retry with the same ids")
                .retry_after(1)
        }
        CommitError::Encode => {
            Problem::new(Code::Internal, "the events could not be encoded; nothing was recorded")
        }
        CommitError::Stopped => {
            Problem::new(Code::Stopping, "the store has stopped; nothing was recorded")
                .retry_after(5)
        }
    }
}

fn rejection(rejected: &Rejected) -> Item<'static> {
    Item {
        status: "rejected",
        id: None,
        workspace: None,
        seq: None,
        leaf: None,
        proof: None,
        error: Some(Box::new(ItemError {
            code: rejected.code,
            fault: Fault {
                pointer: Some(rejected.pointer.clone()),
                offset: rejected.offset.map(|offset| offset as u64),
                limit: rejected.limit,
                detail: rejected.reason.clone(),
                ..Fault::default()
            },
        })),
    }
}

fn item(receipt: &Result<Receipt, Rejected>) -> Item<'_> {
    match receipt {
        Err(rejected) => rejection(rejected),
        Ok(Receipt { id, workspace, outcome }) => {
            let mut item = Item {
                status: "created",
                id: Some(id),
                workspace: Some(workspace),
                seq: None,
                leaf: None,
                proof: None,
                error: None,
            };
            match *outcome {
                Outcome::Created { seq, leaf, .. } => {
                    item.seq = Some(seq);
                    item.leaf = Some(leaf);
                }
                Outcome::Duplicate { seq } => {
                    item.status = "duplicate";
                    item.seq = Some(seq);
                }
                Outcome::Conflict { seq } => {
                    item.status = "rejected";
                    item.seq = Some(seq);
                    let detail = format!(
                        "another event of this workspace, number {seq}, has this id; send a new \
                         event under a new id"
                    );
                    item.error = Some(of_id(Code::Conflict, detail));
                }
                Outcome::Lost => {
                    item.status = "rejected";
                    let detail = "it was not recorded; send it again";
                    item.error = Some(of_id(Code::Busy, detail.to_owned()));
                }
            }
            item
        }
    }
}

fn of_id(code: Code, detail: String) -> Box<ItemError> {
    let fault = Fault { pointer: Some("/id".to_owned()), detail, ..Fault::default() };
    Box::new(ItemError { code: code.as_str(), fault })
}

/// Refuses an event for a reason that its text alone does not tell.
pub(crate) fn refused(code: Code, pointer: &str, reason: String) -> Rejected {
    Rejected { code: code.as_str(), pointer: pointer.to_owned(), offset: None, reason, limit: None }
}
