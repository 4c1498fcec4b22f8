//! `export`: writes the events of a workspace to a file or to standard output, or with `--proof` a
//! bundle that an auditor verifies without us.

use std::io::Read as _;
use std::path::{Path, PathBuf};

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
  proofbook export --workspace acme --proof --out acme-bundle
  proofbook export --workspace acme --proof --from-seq 100 --to-seq 200 --out part.tar.zst

A file appears only when it is whole. A bundle with a filter proves that each event in it is in the log,
and nothing about others; without one it proves that nothing is left out. `proofbook verify` checks it.")]
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
    /// Write a bundle with everything that proves it
    #[arg(long, requires = "out", conflicts_with_all = ["format", "output"])]
    proof: bool,
    /// Where the bundle goes: a directory that does not exist yet, or a file named *.tar.zst
    #[arg(long, value_name = "DIR", requires = "proof")]
    out: Option<PathBuf>,
    /// First event of the bundle, by its number
    #[arg(long, value_name = "N", requires = "proof")]
    from_seq: Option<u64>,
    /// Number behind the last event of the bundle
    #[arg(long, value_name = "N", requires = "proof")]
    to_seq: Option<u64>,
    /// Events recorded from this moment on
    #[arg(long, value_name = "TIME", requires = "proof")]
    recorded_from: Option<String>,
    /// Events recorded before this moment
    #[arg(long, value_name = "TIME", requires = "proof")]
    recorded_to: Option<String>,
    /// Parts that stay shut, such as actor,context
    #[arg(long, value_name = "PARTS", requires = "proof")]
    withhold: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    if let Some(out) = &arguments.out {
        return bundle(&arguments, out, output);
    }
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

/// Fetches a bundle and unpacks it, or keeps it as an archive.
fn bundle(arguments: &Arguments, out: &Path, output: &mut Output) -> Result<(), Failure> {
    let client = arguments.remote.client()?;
    let numbers = [("from_seq", arguments.from_seq), ("to_seq", arguments.to_seq)];
    let numbers = numbers.map(|(name, number)| (name, number.map(|number| number.to_string())));
    let texts = [
        ("q", arguments.filter.clone()),
        ("recorded_from", arguments.recorded_from.clone()),
        ("recorded_to", arguments.recorded_to.clone()),
        ("withhold", arguments.withhold.clone()),
    ];
    let given: Vec<(&str, String)> =
        numbers.into_iter().chain(texts).filter_map(|(name, value)| Some((name, value?))).collect();
    let query: Vec<(&str, &str)> =
        given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let is_archive = out.as_os_str().to_string_lossy().ends_with(".tar.zst");
    if !is_archive && files::exists(out) {
        let message = format!("{} is there already", out.display());
        return Err(Failure::usage(message).hint("name a directory that does not exist yet"));
    }
    let mut stream = client.stream(&arguments.within.path("log/bundle"), &query, &[])?;
    let progress = Progress::of_bytes(output, None);
    let mut total = 0_u64;
    let mut counted = Counting {
        inner: &mut stream,
        at: &mut |count| {
            total += count as u64;
            progress.at(total, format!("{} KiB", total / 1024));
        },
    };
    if is_archive {
        let mut file = files::NewFile::create(out)?;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match counted.read(&mut chunk).map_err(broken)? {
                0 => break,
                count => file.write(&chunk[..count])?,
            }
        }
        file.finish()?;
    } else {
        files::unpack(&mut counted, out)?;
    }
    progress.clear();
    if output.is_json() {
        return output.value(&serde_json::json!({"bundle": out, "bytes": total}));
    }
    output.line(&format!("{total} bytes received, the bundle is in {}", out.display()))?;
    output.line(&format!("check it: proofbook verify {} --vkey vkey.txt", out.display()))
}

/// Reads and tells how much was read.
struct Counting<'a, R> {
    inner: R,
    at: &'a mut dyn FnMut(usize),
}

impl<R: std::io::Read> std::io::Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.at)(count);
        Ok(count)
    }
}
