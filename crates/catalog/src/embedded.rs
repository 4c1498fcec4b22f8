//! The presets that are part of the binary: the five products, the default, and the actions that
//! every workspace has.

use std::sync::LazyLock;

use crate::preset::Preset;

/// The preset of a workspace that names none.
pub const DEFAULT: &str = "default";

/// Names and texts, in the order in which they are offered.
pub const PRESETS: [(&str, &str); 6] = [
    (DEFAULT, include_str!("../../../presets/default.toml")),
    ("clickfunnels-workspace", include_str!("../../../presets/clickfunnels-workspace.toml")),
    ("messagehub", include_str!("../../../presets/messagehub.toml")),
    ("cloudfon-cx", include_str!("../../../presets/cloudfon-cx.toml")),
    ("freshsales", include_str!("../../../presets/freshsales.toml")),
    ("clienwork", include_str!("../../../presets/clienwork.toml")),
];

/// The text of the actions named `audit_log.*`.
const BUILT_IN: &str = include_str!("../../../presets/_built_in.toml");

/// Returns the text of an embedded preset.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Returns an embedded preset, read anew.
pub fn preset(name: &str) -> Option<Preset> {
    let text = text(name)?;
    Some(Preset::parse(text).expect("a test reads every embedded preset"))
}

/// Returns the actions and the module that every workspace has.
pub fn built_in() -> &'static Preset {
    static PARSED: LazyLock<Preset> =
        LazyLock::new(|| Preset::parse(BUILT_IN).expect("a test reads the built-in actions"));
    &PARSED
}

#[cfg(test)]
mod tests;
