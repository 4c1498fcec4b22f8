//! Every event that passes, in order and in bounded memory: what exports read.

use std::ops::ControlFlow;

use proofbook_filter::ResolvedFilter;

use crate::budget::Budget;
use crate::error::QueryError;
use crate::found::Found;
use crate::merge::Merge;
use crate::order::{Order, Sort};
use crate::reader::Reader;

/// Events that are read at once.
const CHUNK_EVENTS: usize = 512;

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanEnd {
    /// Events that were visited.
    pub visited: u64,
    /// Whether the visitor stopped it.
    pub stopped: bool,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    pub unread: Vec<String>,
}

impl Reader {
    /// Visits every event that passes, in order, until the visitor breaks.
    ///
    /// # Errors
    /// The budget ran out; events before that were visited.
    pub fn scan(
        &self,
        filter: &ResolvedFilter,
        sort: Sort,
        as_of_seq: u64,
        visit: &mut dyn FnMut(Found) -> ControlFlow<()>,
        budget: &Budget<'_>,
    ) -> Result<ScanEnd, QueryError> {
        let order = Order::new(sort, false);
        let selection = self.select(self.question(filter, as_of_seq), 0, budget);
        let mut merge = Merge::new(&selection, order, None);
        let (mut visited, mut stopped) = (0, false);
        let mut places = Vec::with_capacity(CHUNK_EVENTS);
        'walk: loop {
            places.clear();
            while places.len() < CHUNK_EVENTS
                && let Some(place) = merge.next()?
            {
                places.push(place);
            }
            for found in selection.fetch(&places).into_iter().flatten() {
                visited += 1;
                if visit(found).is_break() {
                    stopped = true;
                    break 'walk;
                }
            }
            if places.len() < CHUNK_EVENTS {
                break;
            }
        }
        let (complete, unread) = (selection.is_complete(), selection.unread_names());
        Ok(ScanEnd { visited, stopped, complete, unread })
    }
}
