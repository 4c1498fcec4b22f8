//! Versions, features and lints stand once, in the root manifest; every crate inherits them and
//! forbids unsafe code in its own text.

use super::Problem;
use super::tree::Tree;

/// Checks the manifests and crate roots of `crates/*` and `xtask`.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut packages: Vec<String> =
        tree.rooms().iter().map(|room| format!("crates/{room}")).collect();
    packages.push("xtask".to_owned());
    for package in packages {
        let path = format!("{package}/Cargo.toml");
        let manifest = tree.text(&path).and_then(|text| text.parse::<toml::Table>().ok());
        let Some(manifest) = manifest else {
            problems.push(Problem::new(path, "is missing or is not TOML"));
            continue;
        };
        for message in check_manifest(&manifest) {
            problems.push(Problem::new(&path, message));
        }
        for root in ["src/lib.rs", "src/main.rs"] {
            let path = format!("{package}/{root}");
            if tree.text(&path).is_some_and(|text| !forbids_unsafe(text)) {
                problems.push(Problem::new(path, "lacks the line #![forbid(unsafe_code)]"));
            }
        }
    }
    problems
}

fn forbids_unsafe(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]")
}

fn check_manifest(manifest: &toml::Table) -> Vec<String> {
    let inherits = |value: Option<&toml::Value>| {
        value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let mut messages = Vec::new();
    if !inherits(manifest.get("lints")) {
        messages.push("does not inherit the lints: add [lints] workspace = true".to_owned());
    }
    let package = manifest.get("package");
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        if !inherits(package.and_then(|package| package.get(key))) {
            messages.push(format!("does not inherit `{key}`: write {key}.workspace = true"));
        }
    }
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(table) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
        for (name, value) in table {
            if !inherits(Some(value)) {
                messages.push(format!("`{name}` has a version of its own: move it to the root"));
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests;
