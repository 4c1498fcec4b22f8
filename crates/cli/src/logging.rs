//! The process's own log: to standard error, filtered by `PROOFBOOK_LOG`.

use proofbook_server::config::LogFormat;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Begins to log; a second call in one process is left out.
pub(crate) fn start(format: LogFormat, default: &str) -> Result<(), Failure> {
    let text = std::env::var("PROOFBOOK_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::try_new(&text).map_err(|error| {
        Failure::usage(format!("PROOFBOOK_LOG={text} cannot be read"))
            .because(error)
            .hint("such as `info` or `warn,proofbook_store=debug`")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only the first subscriber of a process can be set; tests may come here twice.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}
