//! Which columns of an event a file has, in which order, under which headings, in which zone.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proofbook_catalog::Preset;
use proofbook_event::{Event, Timestamp};

use super::flat;
use crate::problem::Problem;
use crate::sight::Sight;
use crate::tongue::Tongue;

/// The columns of a file.
pub(crate) struct Columns {
    /// Places in [`flat::COLUMNS`] with their headings.
    chosen: Vec<(usize, String)>,
    zone: TimeZone,
    sight: Arc<Sight>,
}

impl Columns {
    /// Takes the columns named in `asked`, separated by commas, else every one that may be seen.
    ///
    /// Times are in `zone`. With a preset the headings are the product's words, and where it has none
    /// those of `tongue`.
    pub(crate) fn choose(
        asked: Option<&str>,
        zone: TimeZone,
        sight: Arc<Sight>,
        words: Option<(&Preset, Tongue)>,
    ) -> Result<Self, Problem> {
        let heading = |name: &str| {
            words.map_or_else(|| name.to_owned(), |(own, tongue)| label(own, tongue, name))
        };
        let every = || flat::COLUMNS.iter().copied().filter(|name| sight.shows_column(name));
        let names: Vec<&str> = match asked {
            None => every().collect(),
            Some(list) => list.split(',').collect(),
        };
        let mut chosen: Vec<(usize, String)> = Vec::with_capacity(names.len());
        for name in names {
            let index = flat::COLUMNS.iter().position(|known| *known == name);
            let index = index.filter(|_| sight.shows_column(name)).ok_or_else(|| {
                let all: Vec<&str> = every().collect();
                let list = all.join(", ");
                let detail = format!("`columns` takes names out of {list}, separated by commas");
                Problem::parameter("columns", detail)
            })?;
            if chosen.iter().any(|(known, _)| *known == index) {
                let detail = format!("the column `{name}` is named twice");
                return Err(Problem::parameter("columns", detail));
            }
            chosen.push((index, heading(name)));
        }
        Ok(Self { chosen, zone, sight })
    }

    /// Returns the headings in their order.
    pub(crate) fn headings(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(|(_, heading)| heading.as_str())
    }

    /// Tells whether a column may be seen at all.
    pub(super) fn may_show(&self, name: &str) -> bool {
        self.sight.shows_column(name)
    }

    /// Returns the cells of one event in the order of the headings.
    pub(super) fn cells<'e>(
        &self,
        event: &'e Event<'_>,
        leaf: Option<&'e str>,
    ) -> Vec<Cow<'e, str>> {
        let mut cells = flat::cells(event, leaf);
        let chosen = self.chosen.iter().map(|(index, _)| match flat::COLUMNS[*index] {
            "occurred_at" => self.time(event.clear.occurred_at).into(),
            "recorded_at" => self.time(event.clear.recorded_at).into(),
            _ => std::mem::take(&mut cells[*index]),
        });
        chosen.collect()
    }

    /// Writes a moment with six fraction digits and the zone's offset; `Z` in UTC.
    fn time(&self, moment: Timestamp) -> String {
        if self.zone == TimeZone::UTC {
            return moment.to_string();
        }
        moment.in_zone(&self.zone).strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string()
    }
}

/// Returns a preset's word for a column: its label for the field, else its heading in the list, else
/// our own word.
fn label(preset: &Preset, tongue: Tongue, name: &str) -> String {
    let fields: &[&str] = match name {
        "actor_name" => &["actor", "actor.name", "performed_by"],
        "actor_email" => &["actor.email"],
        "target_type" => &["target.type"],
        "target_id" => &["target.id", "workspace_target"],
        "target_name" => &["target", "target.name", "what_changed"],
        "ip" => &["context.ip"],
        "before" => &["changes.before"],
        "after" => &["changes.after"],
        other => &[other],
    };
    let columns = &preset.viewer.columns;
    let heading =
        fields.iter().find_map(|field| columns.iter().find(|column| column.field == *field));
    let own = preset.labels.field.get(name);
    own.cloned()
        .or_else(|| heading.map(|column| column.label.clone()))
        .or_else(|| tongue.words().columns.get(name).cloned())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests;
