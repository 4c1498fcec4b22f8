//! `catalog`: lists, shows, checks and puts catalogs of actions.

use std::path::{Path, PathBuf};

use proofbook_catalog::Preset;
use serde_json::{Value, json};

use crate::client::{Remote, part};
use crate::failure::Failure;
use crate::files;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook catalog check my-product.toml
  proofbook catalog put my-product.toml
  proofbook catalog show clienwork")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List the catalogs of a server
    #[command(after_help = "Example:\n  proofbook catalog list")]
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a catalog's actions
    #[command(after_help = "Example:\n  proofbook catalog show clienwork")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Check a catalog file on this machine; nothing is sent
    #[command(after_help = "Example:\n  proofbook catalog check my-product.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
    /// Put a catalog file into force
    #[command(after_help = "Example:\n  proofbook catalog put my-product.toml")]
    Put {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    match arguments.act {
        Act::List { remote } => {
            let answer = remote.client()?.get("/v1/catalogs", &[])?;
            list(answer["data"].as_array().map(Vec::as_slice).unwrap_or_default(), output)
        }
        Act::Show { name, remote } => {
            let catalog = remote.client()?.get(&format!("/v1/catalogs/{}", part(&name)), &[])?;
            show(&catalog, output)
        }
        Act::Check { file } => {
            let (preset, _) = read(&file)?;
            print_facts(&preset, None, output)
        }
        Act::Put { file, remote } => {
            let (preset, text) = read(&file)?;
            let path = format!("/v1/catalogs/{}", part(&preset.name));
            let put = remote.client()?.send("PUT", &path, "application/toml", text.as_bytes())?;
            print_facts(&preset, put["version"].as_u64(), output)
        }
    }
}

fn read(file: &Path) -> Result<(Preset, String), Failure> {
    let text = files::read_text(file).map_err(|error| {
        Failure::usage(format!("cannot read {}", file.display())).because(error)
    })?;
    let preset = Preset::parse(&text)
        .map_err(|error| Failure::usage(format!("{}", file.display())).because(error))?;
    Ok((preset, text))
}

fn print_facts(preset: &Preset, version: Option<u64>, output: &mut Output) -> Result<(), Failure> {
    let Preset { name, title, actions, .. } = preset;
    if output.is_json() {
        return output.value(&json!({
            "name": name, "title": title, "actions": actions.len(), "version": version,
        }));
    }
    let done = match version {
        Some(version) => format!("version {version} is in force"),
        None => "no mistakes".to_owned(),
    };
    output.line(&format!("{name}: {} actions, {done}", actions.len()))
}

fn list(catalogs: &[Value], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return catalogs.iter().try_for_each(|catalog| output.value(catalog));
    }
    let row = |catalog: &Value| {
        let text = |key: &str| catalog[key].as_str().unwrap_or_default().to_owned();
        let version = match catalog["version"].as_u64() {
            Some(0) | None => "built in".to_owned(),
            Some(version) => version.to_string(),
        };
        vec![text("name"), text("title"), version]
    };
    let rows: Vec<Vec<String>> = catalogs.iter().map(row).collect();
    output.table(&["NAME", "TITLE", "VERSION"], &rows)
}

fn show(catalog: &Value, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(catalog);
    }
    let actions = catalog["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |action: &Value| {
        ["name", "title", "module", "verb", "severity"]
            .map(|key| action[key].as_str().unwrap_or_default().to_owned())
            .to_vec()
    };
    let rows: Vec<Vec<String>> = actions.iter().map(row).collect();
    output.table(&["ACTION", "TITLE", "MODULE", "VERB", "SEVERITY"], &rows)
}
