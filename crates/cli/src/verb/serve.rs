//! `serve`: the server. Without any setting it listens on loopback and keeps its data in
//! `./proofbook-data`.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};
use proofbook_server::config::SETTINGS;
use proofbook_server::{Config, FirstKey};
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::logging;
use crate::output::Output;
use crate::running::{self, Running};

/// What was given on the command line. Flags are made from the server's own table of settings.
#[derive(Debug)]
pub(crate) struct Arguments {
    config: Option<PathBuf>,
    flags: Vec<(String, String)>,
}

const EXAMPLES: &str = "\
Examples:
  proofbook serve
  proofbook serve --data /var/lib/proofbook --listen 127.0.0.1:7676
  PROOFBOOK_ADMIN_KEY=… proofbook serve --config /etc/proofbook.toml

Every setting is a flag, an environment variable (--drain-timeout is PROOFBOOK_DRAIN_TIMEOUT) and a key of
proofbook.toml (drain_timeout); a flag wins over the environment, and that over the file. PROOFBOOK_LOG
filters the log. Ends in order on Ctrl-C or SIGTERM; with code 70 when the disk fails it.";

/// The file that is read when none is named.
const CONFIG_FILE: &str = "proofbook.toml";

impl clap::Args for Arguments {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("PROOFBOOK_CONFIG")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Settings file; ./proofbook.toml when it is there");
        SETTINGS.iter().fold(command.after_help(EXAMPLES).arg(config), |command, setting| {
            // Once a process, for names that live as long as it.
            let long: &'static str = setting.name.replace('_', "-").leak();
            let mut help = setting.help.to_owned();
            if !setting.default.is_empty() && setting.default != "false" {
                help.push_str(&format!(" [default: {}]", setting.default));
            }
            let arg = Arg::new(setting.name).long(long).help(help);
            command.arg(match setting.default {
                "true" | "false" => arg
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true")
                    .hide_possible_values(true)
                    .value_name("BOOL"),
                _ => arg.value_name("VALUE"),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: &'static str| {
            Some((name.to_owned(), matches.get_one::<String>(name)?.to_owned()))
        };
        Ok(Self {
            config: matches.get_one::<PathBuf>("config").cloned(),
            flags: SETTINGS.iter().filter_map(|setting| given(setting.name)).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let config = load(arguments, output)?;
    logging::start(config.log_format, "info")?;
    let data = config.data.clone();
    let running = running::start(config)?;
    announce(&running, &data, output)?;
    running.until_asked_to_stop(output);
    Ok(())
}

/// Puts the settings together from file, environment and flags.
fn load(arguments: Arguments, output: &mut Output) -> Result<Config, Failure> {
    let file = match &arguments.config {
        Some(path) => Some(read(path)?),
        None if Path::new(CONFIG_FILE).exists() => Some(read(Path::new(CONFIG_FILE))?),
        None => None,
    };
    // A variable that is no text cannot be a setting.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (config, warnings) = Config::load(file.as_deref(), environment, arguments.flags)
        .map_err(|error| Failure::usage("the settings cannot be used").because(error))?;
    for warning in warnings {
        output.warning(&format!("warning: {warning}"));
    }
    Ok(config)
}

fn read(path: &Path) -> Result<String, Failure> {
    files::read_text(path)
        .map_err(|error| Failure::usage(format!("cannot read {}", path.display())).because(error))
}

fn announce(running: &Running, data: &Path, output: &mut Output) -> Result<(), Failure> {
    let url = running.url();
    let generated = running.generated_key().map(|key| key.reveal().to_owned());
    let setup = running.take_setup_url();
    if output.is_json() {
        let facts = json!({
            "url": url, "data": data, "admin_key": generated, "console_setup_url": setup,
        });
        return output.value(&facts);
    }
    output.line(&format!("Proofbook {} listens on {url}", env!("CARGO_PKG_VERSION")))?;
    output.line(&format!("data in {}", data.display()))?;
    if matches!(running.first_key, FirstKey::GivenButRevoked) {
        output.warning("warning: the admin key in the settings was revoked and stays revoked");
    }
    if let Some(key) = &generated {
        output.line("")?;
        output.line("The first admin key, shown this once:")?;
        output.line("")?;
        output.line(&format!("  export PROOFBOOK_URL={url}"))?;
        output.line(&format!("  export PROOFBOOK_KEY={key}"))?;
    }
    if let Some(setup) = &setup {
        output.line("")?;
        output.line("Set up the console in a browser; this link works once:")?;
        output.line("")?;
        output.line(&format!("  {setup}"))?;
    }
    let key = if generated.is_some() { "$PROOFBOOK_KEY" } else { "<your key>" };
    output.line("")?;
    output.line("Record an event:")?;
    output.line("")?;
    output.line(&format!("  curl -s {url}/v1/workspaces/acme/events \\"))?;
    output.line(&format!("    -H \"Authorization: Bearer {key}\" \\"))?;
    output.line(
        "    -d '{\"action\": \"project.update\", \"actor\": {\"type\": \"user\", \"id\": \"u_7\", \
         \"name\": \"Ada Park\"}, \"before\": {\"plan\": \"free\"}, \"after\": {\"plan\": \"pro\"}}'",
    )?;
    output.line("")?;
    output.line("Find it:")?;
    output.line("")?;
    output.line(&format!("  curl -sG {url}/v1/workspaces/acme/events \\"))?;
    output.line(&format!("    -H \"Authorization: Bearer {key}\" --data-urlencode 'q=actor:ada*'"))
}
