//! Where imported events go: straight into a stopped store, or to a running server.

use std::time::Duration;

use proofbook_catalog::Rejected;
use proofbook_event::{EventDraft, name};
use proofbook_store::commit::CommitError;
use proofbook_store::fold::Outcome;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::{Receipt, Store};

use super::{Item, Verdict};
use crate::failure::Failure;

/// Records batches of events.
pub(crate) enum Sink {
    /// A store that this process opened.
    Local(Box<Store>),
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
        }
    }

    /// Ends it; what was recorded is durable already.
    pub(crate) fn finish(self) {
        match self {
            Self::Local(store) => store.stop(),
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
