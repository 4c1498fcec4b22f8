//! `import`: brings in events from a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use proofbook_catalog::mapping::{Mapping, SHIPPED};
use proofbook_event::name;
use proofbook_store::open::Options;
use serde_json::json;

use crate::client::Remote;
use crate::data_dir;
use crate::failure::{ExitKind, Failure};
use crate::files::{self, Input};
use crate::import::resume::{Place, Progress as Reached};
use crate::import::sink::Sink;
use crate::import::source::{self, Entry, Rules};
use crate::import::{Item, LineError, Verdict};
use crate::output::{Output, visible};
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proofbook import --map cloudtrail trail.ndjson.gz --workspace acme --data ./proofbook-data
  proofbook import events.ndjson --workspace acme --url http://127.0.0.1:7676 --key pb_…
  cat events.ndjson | proofbook import - --workspace acme

Plain, gzip and zstd are told apart by content. A line that cannot be imported is named and costs
only itself; the exit code is then 3. Importing a file again adds nothing; an interrupted import goes on
where it was when the same command is given again.")]
pub(crate) struct Arguments {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// The workspace of events that name none themselves
    #[arg(long, short, value_name = "NAME")]
    workspace: Option<String>,
    /// How foreign records become events: a shipped mapping (cloudtrail, github, okta, kubernetes,
    /// workos, retraced) or a mapping file. Without it each line is an event of ours
    #[arg(long, value_name = "NAME|FILE")]
    map: Option<String>,
    /// Let each foreign record go to the workspace that the mapping finds in it
    #[arg(long, requires = "map")]
    workspace_from_record: bool,
    /// Record straight into the data directory of a stopped store, which is made when missing
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin at the first line, also when an earlier import of this file was interrupted
    #[arg(long)]
    from_start: bool,
    /// Write every line that was not imported to this file as JSON, one a line
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

/// Events of one batch.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of one batch.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Batches read ahead.
const READ_AHEAD: usize = 4;
/// Errors printed one by one; the others are counted.
const ERRORS_SHOWN_MAX: u64 = 20;
/// Errors listed in JSON output.
const ERRORS_LISTED_MAX: usize = 1_000;
/// How often progress is remembered.
const REMEMBER_EVERY: Duration = Duration::from_secs(1);

/// Entries of the input in their order, and how many there were up to the last of them.
struct Batch {
    entries: Vec<Entry>,
    through: u64,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let rules = rules(&arguments)?;
    let input = files::open_input(&arguments.file)?;
    let place = place(&arguments, &input);
    let reached = match &place {
        Some(place) if !arguments.from_start => place.read(),
        _ => Reached::default(),
    };
    let sink = match &arguments.data {
        Some(data) => {
            let options = Options::default();
            Sink::Local(Box::new(data_dir::start_store(data, options, data_dir::on_fatal())?))
        }
        None => Sink::Remote(arguments.remote.client()?),
    };
    let progress = Progress::of_bytes(output, input.length);
    if reached.entries > 0 {
        output.note(&format!(
            "an earlier import of this file was interrupted; going on behind {} records",
            reached.entries
        ));
    }
    let mut import = Import {
        sink,
        reached,
        place,
        remembered: Instant::now(),
        errors: Vec::new(),
        error_count: 0,
        errors_file: arguments.errors.as_deref().map(|path| (path, String::new())),
    };
    let taken = input.taken.clone();
    let skipped = import.reached.entries;
    let (sender, batches) = mpsc::sync_channel(READ_AHEAD);
    let reader = std::thread::scope(|scope| {
        let rules = &rules;
        let reader = scope.spawn(move || read_batches(input, rules, skipped, &sender));
        let mut result = Ok(());
        for batch in batches {
            result = import.take(batch, output, &progress);
            progress.at(taken.load(Ordering::Relaxed), import.reached.summary());
            if result.is_err() {
                break;
            }
        }
        (result, reader.join())
    });
    progress.clear();
    let (result, read) = reader;
    import.remember();
    result?;
    match read {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let message = format!("cannot read {} to its end", arguments.file);
            return Err(Failure::failed(message).because(error));
        }
        Err(_) => return Err(Failure::failed("reading stopped by a fault of ours")),
    }
    import.finish(output)
}

fn rules(arguments: &Arguments) -> Result<Rules, Failure> {
    if let Some(workspace) = &arguments.workspace
        && !name::is_workspace_name(workspace)
    {
        return Err(Failure::usage(format!("`{}` is no name of a workspace", visible(workspace)))
            .hint("1 to 128 of A-Z a-z 0-9 _ . : -, beginning with a letter or digit"));
    }
    let mapping = arguments.map.as_deref().map(mapping).transpose()?;
    let workspace = arguments.workspace.clone();
    Ok(Rules { mapping, workspace, workspace_from_record: arguments.workspace_from_record })
}

fn mapping(name_or_file: &str) -> Result<Mapping, Failure> {
    if let Some(mapping) = Mapping::shipped(name_or_file) {
        return Ok(mapping);
    }
    let text = files::read_text(Path::new(name_or_file)).map_err(|error| {
        let names = SHIPPED.iter().map(|(name, _)| *name);
        let hint = match name::nearest(name_or_file, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("shipped are {}", names.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{name_or_file}` is neither a shipped mapping nor a readable file");
        Failure::usage(message).because(error).hint(hint)
    })?;
    Mapping::parse(&text)
        .map_err(|error| Failure::usage(format!("the mapping {name_or_file}")).because(error))
}

/// The place where the progress of this very import is kept; none for standard input.
fn place(arguments: &Arguments, input: &Input) -> Option<Place> {
    let file = Path::new(&arguments.file).canonicalize().ok()?;
    let destination = match &arguments.data {
        Some(data) => std::path::absolute(data).ok()?.to_string_lossy().into_owned(),
        None => arguments.remote.url().to_owned(),
    };
    let length = input.length?.to_string();
    Place::of(&[
        &file.to_string_lossy(),
        &length,
        arguments.map.as_deref().unwrap_or_default(),
        arguments.workspace.as_deref().unwrap_or_default(),
        &destination,
    ])
}

fn read_batches(
    input: Input,
    rules: &Rules,
    skip: u64,
    sender: &mpsc::SyncSender<Batch>,
) -> std::io::Result<()> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut count = 0;
    source::read(input.bytes, rules, &mut |entry| {
        count += 1;
        if count <= skip {
            return true;
        }
        bytes += entry.as_ref().map_or(0, |item| item.event.len());
        entries.push(entry);
        if entries.len() < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX {
            return true;
        }
        bytes = 0;
        // Nobody listens any more when recording failed.
        sender.send(Batch { entries: std::mem::take(&mut entries), through: count }).is_ok()
    })?;
    // As above.
    let _ = sender.send(Batch { entries, through: count });
    Ok(())
}

struct Import<'a> {
    sink: Sink,
    reached: Reached,
    place: Option<Place>,
    remembered: Instant,
    errors: Vec<LineError>,
    error_count: u64,
    errors_file: Option<(&'a Path, String)>,
}

impl Import<'_> {
    fn take(
        &mut self,
        batch: Batch,
        output: &mut Output,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let mut items: Vec<Item> = Vec::with_capacity(batch.entries.len());
        let mut errors: Vec<LineError> = Vec::new();
        for entry in batch.entries {
            match entry {
                Ok(item) => items.push(item),
                Err(error) => errors.push(error),
            }
        }
        let verdicts = if items.is_empty() { Vec::new() } else { self.sink.record(&items)? };
        for (item, verdict) in items.iter().zip(verdicts) {
            match verdict {
                Verdict::Created => self.reached.created += 1,
                Verdict::Duplicate => self.reached.duplicates += 1,
                Verdict::Refused { pointer, reason } => {
                    errors.push(LineError { line: item.line, pointer, reason });
                }
            }
        }
        errors.sort_by_key(|error| error.line);
        for error in errors {
            self.refuse(error, output, progress);
        }
        self.reached.entries = batch.through;
        if self.remembered.elapsed() >= REMEMBER_EVERY {
            self.remember();
        }
        Ok(())
    }

    fn refuse(&mut self, error: LineError, output: &mut Output, progress: &Progress) {
        self.reached.refused += 1;
        self.error_count += 1;
        if self.error_count <= ERRORS_SHOWN_MAX && !output.is_json() {
            let place = if error.pointer.is_empty() {
                String::new()
            } else {
                format!("{}: ", error.pointer)
            };
            let text =
                format!("line {}: {}", error.line, visible(&format!("{place}{}", error.reason)));
            progress.above(|| output.warning(&text));
        }
        if let Some((_, text)) = &mut self.errors_file {
            text.push_str(&json!(error).to_string());
            text.push('\n');
        }
        if output.is_json() && self.errors.len() < ERRORS_LISTED_MAX {
            self.errors.push(error);
        }
    }

    fn remember(&mut self) {
        if let Some(place) = &self.place {
            place.write(&self.reached);
        }
        self.remembered = Instant::now();
    }

    fn finish(self, output: &mut Output) -> Result<(), Failure> {
        self.sink.finish();
        if let Some(place) = &self.place {
            place.remove();
        }
        if let Some((path, text)) = &self.errors_file {
            files::replace(path, text).map_err(|error| {
                Failure::failed(format!("cannot write {}", path.display())).because(error)
            })?;
        }
        let Reached { entries, created, duplicates, refused } = self.reached;
        if output.is_json() {
            output.value(&json!({
                "records": entries, "created": created, "duplicates": duplicates,
                "refused": refused, "errors": self.errors,
            }))?;
        } else {
            let left_out = self.error_count.saturating_sub(ERRORS_SHOWN_MAX);
            if left_out > 0 {
                output.warning(&format!("… and {left_out} more lines; --errors FILE writes all"));
            }
            output.line(&self.reached.summary())?;
        }
        match refused {
            0 => Ok(()),
            count => Err(Failure::new(
                ExitKind::Partly,
                format!("{count} of {entries} records were not imported"),
            )),
        }
    }
}
