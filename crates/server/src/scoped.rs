//! A reader of one workspace that sees no more than its holder may.
//!
//! The only door to [`Reader`]: every question goes through here and is narrowed, and every event that
//! comes back is stripped of what is hidden. A handler cannot forget either.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proofbook_catalog::link::{LinkValues, fill};
use proofbook_catalog::{Catalog, change_label};
use proofbook_event::{Event, Value};
use proofbook_filter::{Field, ResolvedFilter};
use proofbook_query::{
    Budget, ContextFacts, Facets, Found, Head, Histogram, Interval, ListRequest, Page, QueryError,
    Reader, ScanEnd, Sort,
};
use serde_json::value::RawValue;

use crate::access::Granted;
use crate::app::App;
use crate::problem::{Code, Problem};
use crate::sight::{Part, Sight};

/// A reader and what it may see.
pub(crate) struct Scoped {
    reader: Reader,
    sight: Arc<Sight>,
    catalog: Arc<Catalog>,
}

impl Scoped {
    /// Opens a workspace that was granted; `None` when there is none.
    pub(crate) fn open(app: &App, workspace: &Granted) -> Option<Self> {
        let reader = Reader::open(&app.store, workspace.name())?;
        let catalog = app.store.catalog_of(&reader.workspace().settings);
        Some(Self { reader, sight: workspace.sight().clone(), catalog })
    }

    /// Returns what it may see.
    pub(crate) fn sight(&self) -> &Arc<Sight> {
        &self.sight
    }

    /// Returns the catalog of the workspace.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Returns size and root of the tree, which bound every answer.
    pub(crate) fn head(&self) -> Head {
        self.reader.head()
    }

    /// Returns the moment before which events are not kept, microseconds UTC.
    pub(crate) fn kept_since(&self) -> Option<i64> {
        self.reader.kept_since()
    }

    pub(crate) fn list(
        &self,
        mut request: ListRequest,
        budget: &Budget<'_>,
    ) -> Result<Page, QueryError> {
        request.filter = self.sight.narrow(&request.filter);
        // A cursor goes on for the same sight only.
        request.filter_hash ^= self.sight.hash();
        self.reader.list(&request, budget)
    }

    pub(crate) fn facets(
        &self,
        filter: &ResolvedFilter,
        field: &Field,
        prefix: Option<&str>,
        limit: usize,
        budget: &Budget<'_>,
    ) -> Result<Facets, QueryError> {
        self.reader.facets(&self.sight.narrow(filter), field, prefix, limit, budget)
    }

    pub(crate) fn histogram(
        &self,
        filter: &ResolvedFilter,
        interval: Interval,
        zone: &TimeZone,
        split: Option<&Field>,
        budget: &Budget<'_>,
    ) -> Result<Histogram, QueryError> {
        self.reader.histogram(&self.sight.narrow(filter), interval, zone, split, budget)
    }

    pub(crate) fn after_seq(
        &self,
        filter: &ResolvedFilter,
        after: Option<u64>,
        limit: usize,
        budget: &Budget<'_>,
    ) -> Result<Vec<Found>, QueryError> {
        self.reader.after_seq(&self.sight.narrow(filter), after, limit, budget)
    }

    pub(crate) fn scan(
        &self,
        filter: &ResolvedFilter,
        sort: Sort,
        visit: &mut dyn FnMut(Found) -> ControlFlow<()>,
        budget: &Budget<'_>,
    ) -> Result<ScanEnd, QueryError> {
        let size = self.reader.head().size;
        self.reader.scan(&self.sight.narrow(filter), sort, size, visit, budget)
    }

    pub(crate) fn by_id(&self, id: &str) -> Result<Option<Found>, QueryError> {
        Ok(self.reader.by_id(id)?.filter(|found| self.may_show(found)))
    }

    pub(crate) fn by_seq(&self, seq: u64) -> Result<Option<Found>, QueryError> {
        Ok(self.reader.by_seq(seq)?.filter(|found| self.may_show(found)))
    }

    /// Returns the reader of the whole tree. It knows of no sight: what it reads is shown to who sees
    /// everything, or is an event that was found to be seen.
    pub(crate) fn tree(&self) -> &Reader {
        &self.reader
    }

    /// Tells whether an event of the tree is still kept.
    pub(crate) fn keeps(&self, found: &Found) -> bool {
        self.reader.keeps(found)
    }

    fn may_show(&self, found: &Found) -> bool {
        found.event().is_ok_and(|event| self.sight.takes(&event))
    }

    /// Says what the log knows of an event's address and country, as far as both may be seen.
    pub(crate) fn context(
        &self,
        event: &Event<'_>,
        budget: &Budget<'_>,
    ) -> Result<ContextFacts, QueryError> {
        let mut facts = self.reader.context(event, self.sight.filter(), budget)?;
        let actor = self.sight.shows(Part::Actor);
        facts.ip = facts.ip.filter(|_| actor && self.sight.shows(Part::Address));
        facts.country = facts.country.filter(|_| actor && self.sight.shows(Part::Context));
        Ok(facts)
    }

    /// Writes an event for a reader: in the form of the contract, with a label at each change and the
    /// address of what it was about.
    pub(crate) fn written(&self, found: &Found) -> Result<Box<RawValue>, Problem> {
        let event = found.event().map_err(|_| unreadable())?;
        let leaf = found.leaf().map(|leaf| leaf.to_string());
        let mut value = event.to_json(leaf.as_deref());
        let link = self.link(&event);
        if let Value::Object(members) = &mut value {
            for (key, member) in members.iter_mut() {
                if key == "changes" {
                    change_label::label_all(member);
                }
            }
            let erased = self.erased(found);
            if !erased.is_empty() {
                let by = |(pointer, by): (String, serde_json::Value)| {
                    (pointer.into(), Value::Int(by.as_i64().unwrap_or_default()))
                };
                members
                    .push(("erased".into(), Value::Object(erased.into_iter().map(by).collect())));
            }
            if let Some((url, of)) = link {
                let link = vec![("url".into(), url.into()), ("of".into(), Value::from(of))];
                members.push(("link".into(), Value::Object(link)));
            }
        }
        self.sight.strip(&mut value);
        serde_json::value::to_raw_value(&value).map_err(|_| unreadable())
    }

    /// Returns the groups of an event that were erased, each with the number of the event that says so.
    pub(crate) fn erased(&self, found: &Found) -> serde_json::Map<String, serde_json::Value> {
        let erased = self.reader.erased_of(found).into_iter();
        erased.map(|(group, by)| (group.pointer().to_owned(), by.into())).collect()
    }

    /// Writes an event for a file: in the form of the contract and nothing else, so that it can be sent
    /// again.
    pub(crate) fn exported(&self, found: &Found) -> Result<Box<RawValue>, Problem> {
        let event = found.event().map_err(|_| unreadable())?;
        let leaf = found.leaf().map(|leaf| leaf.to_string());
        let mut value = event.to_json(leaf.as_deref());
        self.sight.strip(&mut value);
        serde_json::value::to_raw_value(&value).map_err(|_| unreadable())
    }

    /// Returns where an event's thing is in the product: the target's own address, else its module's.
    fn link(&self, event: &Event<'_>) -> Option<(String, &'static str)> {
        let target = event.targets().first();
        let own = target.and_then(|target| target.get("url")).and_then(Value::as_str);
        let is_page = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        let own = own.filter(is_page).filter(|_| self.sight.shows(Part::Targets));
        if let Some(url) = own {
            return Some((url.to_owned(), "target"));
        }
        let pattern = self.catalog.module(event.module_id()?)?.url.as_deref()?;
        let workspace = self.reader.workspace();
        let target_id = target.and_then(|target| target.get("id")).and_then(Value::as_str);
        let values = LinkValues {
            app_url: workspace.settings.app_url.as_deref(),
            workspace: Some(&workspace.name),
            target_id: target_id.filter(|_| self.sight.shows(Part::Targets)),
        };
        Some((fill(pattern, values)?, "module"))
    }
}

fn unreadable() -> Problem {
    Problem::new(Code::Unavailable, "an event could not be read")
}
