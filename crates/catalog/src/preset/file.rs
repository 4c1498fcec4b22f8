//! The preset file as serde reads it: every key that may stand in it, and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use toml::Spanned;

use super::{Column, FilterControl, Order};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresetFile {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) path: Option<String>,
    pub(super) extends: Option<Spanned<String>>,
    pub(super) strict: Option<bool>,
    pub(super) access: Option<AccessFile>,
    pub(super) retention: Option<RetentionFile>,
    pub(super) viewer: Option<ViewerFile>,
    #[serde(default)]
    pub(super) labels: LabelsFile,
    #[serde(default)]
    pub(super) modules: Vec<ModuleFile>,
    #[serde(default)]
    pub(super) target_types: Vec<TargetTypeFile>,
    #[serde(default)]
    pub(super) actions: Vec<ActionFile>,
    #[serde(default)]
    pub(super) views: Vec<ViewFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewFile {
    pub(super) name: Spanned<String>,
    pub(super) query: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessFile {
    #[serde(default)]
    pub(super) view: Vec<String>,
    pub(super) refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionFile {
    pub(super) default: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) plans: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) actions: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewerFile {
    pub(super) page_size: Option<Spanned<u32>>,
    pub(super) order: Option<Order>,
    pub(super) default_range: Option<String>,
    pub(super) default_query: Option<String>,
    pub(super) columns: Option<Vec<Column>>,
    pub(super) filters: Option<Vec<FilterControl>>,
    pub(super) details: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LabelsFile {
    pub(super) verb: BTreeMap<Spanned<String>, String>,
    pub(super) outcome: BTreeMap<Spanned<String>, String>,
    pub(super) role: BTreeMap<String, String>,
    pub(super) field: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleFile {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    pub(super) url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetTypeFile {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    pub(super) explanation: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionFile {
    pub(super) name: Spanned<String>,
    pub(super) title: String,
    pub(super) explanation: Option<String>,
    pub(super) module: Spanned<String>,
    pub(super) verb: Spanned<String>,
    pub(super) severity: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) notify: bool,
    pub(super) description: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) secret: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) view: Vec<String>,
}

/// A filter is a field's name, or a table with its label and its word for no choice.
impl<'de> Deserialize<'de> for FilterControl {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            field: String,
            label: Option<String>,
            all: Option<String>,
        }
        struct FilterVisitor;
        impl<'de> Visitor<'de> for FilterVisitor {
            type Value = FilterControl;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name or { field, label, all }")
            }
            fn visit_str<E: serde::de::Error>(self, field: &str) -> Result<FilterControl, E> {
                Ok(FilterControl { field: field.to_owned(), label: None, all: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FilterControl, A::Error> {
                let Table { field, label, all } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FilterControl { field, label, all })
            }
        }
        reader.deserialize_any(FilterVisitor)
    }
}
