//! Which numbers of which producers a request brings (`source.seq`), so that missing ones are noticed.
//!
//! Taken down before the events are judged, and handed on for those that were acknowledged.

use std::collections::HashMap;

use proofbook_catalog::admit::Rejected;
use proofbook_delivery::warnings::Heard;
use proofbook_event::{EventDraft, Value};
use proofbook_store::fold::Outcome;
use proofbook_store::store::Receipt;

/// What the events of one request say of their producers.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    /// By workspace, name and instance, with a zero byte between them.
    places: HashMap<String, usize>,
    heard: Vec<Heard>,
    /// Each counted event's place in the request, its producer and its number.
    numbers: Vec<(usize, usize, u64)>,
}

impl Producers {
    /// Takes down what an event says; `index` is its place in the request.
    pub(crate) fn note(&mut self, index: usize, workspace: &str, draft: &EventDraft<'_>) {
        let Some(source) = &draft.source else { return };
        let number = source.get("seq").and_then(Value::as_int);
        let Some(number) = number.and_then(|number| u64::try_from(number).ok()) else { return };
        let text = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, instance) = (text("name"), text("instance"));
        let key = [workspace, name, instance].join("\0");
        let place = *self.places.entry(key).or_insert_with(|| {
            self.heard.push(Heard {
                workspace: workspace.to_owned(),
                source: name.to_owned(),
                instance: instance.to_owned(),
                numbers: Vec::new(),
                first_event: u64::MAX,
                at: i64::MIN,
            });
            self.heard.len() - 1
        });
        self.numbers.push((index, place, number));
    }

    /// Returns the numbers of the events that were acknowledged.
    pub(crate) fn acknowledged(mut self, receipts: &[Result<Receipt, Rejected>]) -> Vec<Heard> {
        for (index, place, number) in self.numbers {
            let (Some(Ok(receipt)), Some(heard)) = (receipts.get(index), self.heard.get_mut(place))
            else {
                continue;
            };
            let (seq, is_new) = match receipt.outcome {
                Outcome::Created { seq, recorded_at, .. } => {
                    heard.at = heard.at.max(recorded_at);
                    (seq, true)
                }
                Outcome::Duplicate { seq } => (seq, false),
                Outcome::Conflict { .. } | Outcome::Lost => continue,
            };
            heard.numbers.push((number, is_new));
            heard.first_event = heard.first_event.min(seq);
        }
        self.heard.retain(|heard| !heard.numbers.is_empty());
        self.heard
    }
}
