//! One page of a list, with its exact total and the cursors to the pages around it.

use proofbook_filter::ResolvedFilter;

use crate::budget::Budget;
use crate::cursor::Cursor;
use crate::error::QueryError;
use crate::found::Found;
use crate::limits;
use crate::merge::Merge;
use crate::order::{Order, Sort};
use crate::reader::Reader;

/// What a page is asked for with.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The filter, with the reader's access rule and time range already in it.
    pub filter: ResolvedFilter,
    /// Hash of the filter's text, the time range and the zone; a cursor goes on with this one only.
    pub filter_hash: u64,
    /// The order.
    pub sort: Sort,
    /// Events on the page; at least 1 and at most [`limits::PAGE_EVENTS_MAX`].
    pub limit: usize,
    /// Where to go on; wins over `page`.
    pub cursor: Option<Cursor>,
    /// 1-based number of the page.
    pub page: Option<u64>,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The events in the order asked for.
    pub events: Vec<Found>,
    /// Where the next page begins; none on the last page.
    pub next: Option<Cursor>,
    /// Where the page before ends; none on the first page.
    pub prev: Option<Cursor>,
    /// How many events pass, on all pages; none when it is not exact.
    pub total: Option<u64>,
    /// How many of Proofbook's own events would pass, but were not asked for by name.
    pub left_out: u64,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    pub unread: Vec<String>,
    /// Only events with a smaller seq are on this page and in the total.
    pub as_of_seq: u64,
    /// The page's number, when it was asked for by number or is the first.
    pub page: Option<u64>,
    /// How many pages there are, when the total is known.
    pub pages: Option<u64>,
}

impl Reader {
    /// Returns one page of a list.
    ///
    /// # Errors
    /// The cursor belongs to another query, page numbers do not reach that far, or the budget ran out
    /// before the page was full. When it runs out later, the page has no total.
    pub fn list(&self, request: &ListRequest, budget: &Budget<'_>) -> Result<Page, QueryError> {
        let limit = request.limit.clamp(1, limits::PAGE_EVENTS_MAX);
        let cursor = request.cursor;
        if let Some(cursor) = cursor
            && (cursor.filter_hash != request.filter_hash || cursor.sort != request.sort)
        {
            return Err(QueryError::CursorForAnotherQuery);
        }
        let number = if cursor.is_some() { None } else { Some(request.page.unwrap_or(1).max(1)) };
        let skip = number.map_or(0, |number| (number - 1).saturating_mul(limit as u64));
        if skip >= limits::PAGE_ROWS_MAX {
            let page = number.unwrap_or(1);
            return Err(QueryError::PageTooFar { page, rows_max: limits::PAGE_ROWS_MAX });
        }
        let size = self.head().size;
        let as_of_seq = cursor.map_or(size, |cursor| cursor.as_of_seq.min(size));
        let backwards = cursor.is_some_and(|cursor| cursor.backwards);
        let order = Order::new(request.sort, backwards);
        let question = self.question(&request.filter, as_of_seq);
        let selection = self.select(question, 0, budget).remembering();
        let after = cursor.map(|cursor| order.key(cursor.occurred_at, cursor.seq));

        // The total asks for all of them.
        selection.judge_all(order);
        let mut merge = Merge::new(&selection, order, after);
        let mut skipped = 0;
        while skipped < skip && merge.next()?.is_some() {
            skipped += 1;
        }
        let mut places = Vec::with_capacity(limit + 1);
        while places.len() <= limit
            && let Some(place) = merge.next()?
        {
            places.push(place);
        }
        drop(merge);
        let more = places.len() > limit;
        places.truncate(limit);
        if backwards {
            places.reverse();
        }
        let edges = (places.first().copied(), places.last().copied());
        let events: Vec<Found> = selection.fetch_page(&places).into_iter().flatten().collect();

        let (total, left_out) = match selection.count() {
            Ok(counted) => (counted.total, counted.left_out),
            Err(QueryError::OverBudget { .. }) => (None, 0),
            Err(error) => return Err(error),
        };
        let at = |edge: Option<crate::merge::Place>, backwards: bool| {
            let (occurred_at, seq) = edge.map(|edge| order.unkey(edge.key))?;
            let filter_hash = request.filter_hash;
            Some(Cursor { filter_hash, sort: request.sort, as_of_seq, occurred_at, seq, backwards })
        };
        let has_next = if backwards { !places.is_empty() } else { more };
        let has_prev = if backwards { more } else { cursor.is_some() || skip > 0 };
        Ok(Page {
            events,
            next: at(edges.1, false).filter(|_| has_next),
            prev: at(edges.0, true).filter(|_| has_prev),
            total,
            left_out,
            complete: selection.is_complete(),
            unread: selection.unread_names(),
            as_of_seq,
            page: number,
            pages: total.map(|total| total.div_ceil(limit as u64)),
        })
    }
}
