//! The languages of letters: what stands in them is in `lang/en.json` and `lang/de.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// Everything that letters say. One type for both, so that no language lacks a text or has one too many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) by: String,
    pub(crate) failed: String,
    pub(crate) denied: String,
    pub(crate) status: String,
    pub(crate) status_success: String,
    pub(crate) status_failure: String,
    pub(crate) status_denied: String,
    pub(crate) actor: String,
    pub(crate) target: String,
    pub(crate) ip: String,
    pub(crate) time: String,
    pub(crate) changed: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) open: String,
    pub(crate) why: String,
    pub(crate) change: String,
    pub(crate) digest_subject_one: String,
    pub(crate) digest_subject: String,
    pub(crate) digest_title: String,
    pub(crate) throttled_title: String,
    pub(crate) actions: String,
    pub(crate) addresses: String,
    pub(crate) flagged: String,
    pub(crate) events: String,
    pub(crate) more: String,
    pub(crate) test_subject: String,
    pub(crate) test_text: String,
    pub(crate) link_subject: String,
    pub(crate) link_text: String,
    pub(crate) export: String,
    /// By the word of the kind.
    pub(crate) warnings: BTreeMap<String, WarningWords>,
}

/// What is said of one kind of warning; names in braces stand for its facts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WarningWords {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) over_title: String,
    pub(crate) over: String,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| read(include_str!("../lang/en.json")));
static GERMAN: LazyLock<Words> = LazyLock::new(|| read(include_str!("../lang/de.json")));

fn read(text: &str) -> Words {
    serde_json::from_str(text).expect("the texts are compiled in and a test reads them")
}

impl Tongue {
    /// Finds a language by its code.
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// Returns the language's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p4_every_text_stands_in_both_languages() {
        for tongue in [Tongue::English, Tongue::German] {
            assert_eq!(Tongue::parse(tongue.code()), Some(tongue));
            assert!(!tongue.words().why.is_empty());
        }
        assert_eq!(Tongue::parse("fr"), None);
    }
}
