//! Queries: lists, totals, facets, histograms, exports and single events of one workspace.
//!
//! What lives here: [`Reader`] (one workspace at one moment), the plan that decides blocks of rows by
//! their dictionaries before it reads a value, the merge that gives the newest first and stops
//! early, [`Cursor`]s that stay true while events arrive, and [`Budget`]s.
//!
//! What stays out: writing, rendering, request parameters, who may see what (an access rule comes in
//! as part of the filter). Nothing here touches a file or a clock: segments read themselves, and
//! time is asked of the [`Budget`] and of the store's guarded clock.
//!
//! Invariants: an answer is over the whole retained history, or says what it did not read (I7); a
//! plan or an index never answers differently than [`proofbook_filter::ResolvedFilter::matches`].
#![forbid(unsafe_code)]

mod block;
mod budget;
mod context;
mod count;
mod cursor;
mod error;
mod facets;
mod found;
mod histogram;
mod judge;
pub mod leaf;
pub mod limits;
mod list;
mod merge;
mod order;
mod page_filter;
mod plan;
mod question;
mod reader;
mod reading;
mod recent;
mod rowset;
mod scan;
mod selection;
mod source;
mod threads;
mod tree;
mod values;

pub use budget::Budget;
pub use context::{ContextFact, ContextFacts};
pub use count::Counted;
pub use cursor::{Cursor, CursorError};
pub use error::QueryError;
pub use facets::{FacetValue, Facets};
pub use found::Found;
pub use histogram::{Bucket, Histogram, Interval};
pub use list::{ListRequest, Page};
pub use order::Sort;
pub use reader::{Head, Reader};
pub use scan::ScanEnd;
pub use tree::Leaf;
