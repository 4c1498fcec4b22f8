//! The languages of our documents: what stands in them is in `lang/en.json` and `lang/de.json`.
//!
//! The texts are read into one type, so that no language lacks one or has one too many.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use serde::Deserialize;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    German,
}

/// Everything that our documents say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) link_unknown: String,
    pub(crate) link_unknown_why: String,
    pub(crate) link_gone: String,
    pub(crate) link_gone_why: String,
    pub(crate) link_ask: String,
    pub(crate) link_ask_button: String,
    pub(crate) link_mailed: String,
    pub(crate) link_mailed_why: String,
    pub(crate) print_title: String,
    pub(crate) print_workspace: String,
    pub(crate) print_filter: String,
    pub(crate) print_everything: String,
    pub(crate) print_range: String,
    pub(crate) print_from_start: String,
    pub(crate) print_to_now: String,
    pub(crate) print_zone: String,
    pub(crate) print_made: String,
    pub(crate) print_reader: String,
    pub(crate) print_head: String,
    pub(crate) print_event: String,
    pub(crate) print_events: String,
    pub(crate) print_cut: String,
    pub(crate) print_incomplete: String,
    pub(crate) print_time: String,
    pub(crate) print_who: String,
    pub(crate) print_what: String,
    pub(crate) print_changes: String,
    pub(crate) print_address: String,
    pub(crate) print_number: String,
    pub(crate) print_failed: String,
    pub(crate) print_denied: String,
    pub(crate) print_ended: String,
    pub(crate) print_ended_why: String,
    pub(crate) home_runs: String,
    pub(crate) home_described: String,
    pub(crate) home_title: String,
    pub(crate) home_inside: String,
    pub(crate) home_workspaces: String,
    pub(crate) home_search: String,
    pub(crate) home_total_unknown: String,
    pub(crate) home_incomplete: String,
    pub(crate) home_action: String,
    pub(crate) home_from: String,
    pub(crate) home_system: String,
    pub(crate) home_event_unreadable: String,
    pub(crate) demo_page: String,
    pub(crate) demo_signed_in: String,
    pub(crate) demo_switch: String,
    pub(crate) demo_products: String,
    pub(crate) demo_stands: String,
    /// Headings of an export's columns, by our names of them.
    pub(crate) columns: BTreeMap<String, String>,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../lang/en.json")).expect("a test reads it")
});
static GERMAN: LazyLock<Words> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../lang/de.json")).expect("a test reads it")
});

impl Tongue {
    /// Finds a language by its tag, such as `de-CH`.
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let base = tag.split(['-', '_', ';']).next().unwrap_or_default().trim();
        match base.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// Takes the first language of `Accept-Language` that we have; English when there is none.
    pub(crate) fn asked(headers: &HeaderMap) -> Self {
        let list = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        list.unwrap_or_default().split(',').find_map(Self::parse).unwrap_or(Self::English)
    }

    /// Returns the tag for `lang`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Returns the texts.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

#[cfg(test)]
mod tests;
