//! `export`: writes the events of a workspace to a file or to standard output.

use std::io::Read as _;
use std::path::PathBuf;

use crate::client::{Remote, broken};
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::progress::Progress;
use crate::verb::search::Within;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook export --workspace acme --format csv --output audit.csv
  proofbook export --workspace acme 'actor:ada' --from 2026-11-01 | jq .action

A file appears only when it is whole.")]
pub(crate) struct Arguments {
    /// Which events; all when absent
    #[arg(value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<String>,
    #[command(flatten)]
    within: Within,
    /// Form of the export
    #[arg(long, value_name = "FORMAT", default_value = "ndjson", value_parser = ["ndjson", "csv"])]
    format: String,
    /// File to write; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let mut query = arguments.within.query(arguments.filter.as_deref());
    query.push(("format", &arguments.format));
    let mut stream = client.stream(&arguments.within.path("export"), &query, &[])?;
    let progress = Progress::of_bytes(output, None);
    let mut file = arguments.output.as_deref().map(files::NewFile::create).transpose()?;
    let mut chunk = vec![0; 64 * 1024];
    let mut total = 0_u64;
    loop {
        let count = stream.read(&mut chunk).map_err(broken)?;
        if count == 0 {
            break;
        }
        total += count as u64;
        match &mut file {
            Some(file) => file.write(&chunk[..count])?,
            None => output.bytes(&chunk[..count])?,
        }
        progress.at(total, format!("{} KiB", total / 1024));
    }
    progress.clear();
    if let Some(file) = file {
        let path = file.finish()?;
        if output.is_json() {
            output.value(&serde_json::json!({"file": path, "bytes": total}))?;
        } else {
            output.line(&format!("{total} bytes in {}", path.display()))?;
        }
    }
    Ok(())
}
