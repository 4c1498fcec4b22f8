//! `witness`: cosigns heads of logs that only grow (C2SP tlog-witness).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use proofbook_server::config::LogFormat;
use proofbook_server::witness::{Witness, serve};
use proofbook_store::clock::RealClock;
use proofbook_store::disk::{Disk as _, RealDisk};
use proofbook_store::random::SystemRandom;
use serde_json::json;
use tokio::net::TcpListener;

use crate::failure::{ExitKind, Failure};
use crate::output::Output;
use crate::{logging, trusted};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  proofbook witness --name witness.example/w1 --logs logs.vkey --state ./witness --listen 127.0.0.1:7680

It answers POST /add-checkpoint with a cosignature when the head continues the last one that it cosigned for
that log, and keeps the last head of each log in its directory. Its own key is made there the first time.
Run it where the log's operator has no hand: one that he runs himself proves nothing.")]
pub(crate) struct Arguments {
    /// The name that it cosigns under, such as witness.example/w1
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The logs that it knows, one vkey a line
    #[arg(long, value_name = "FILE")]
    logs: PathBuf,
    /// Its directory, with its key and the last heads
    #[arg(long, value_name = "DIR", default_value = "./proofbook-witness")]
    state: PathBuf,
    /// Where it listens; put TLS in front of it for others
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7680")]
    listen: SocketAddr,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    logging::start(LogFormat::Text, "info")?;
    let logs = trusted::keys(&arguments.logs)?;
    let cannot = |what: &str| format!("cannot {what} {}", arguments.state.display());
    let disk = RealDisk::create(&arguments.state)
        .map_err(|error| Failure::usage(cannot("open or make")).because(error))?;
    let _lock = disk.lock("lock").map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => Failure::new(ExitKind::InUse, cannot("share")),
        _ => Failure::failed(cannot("lock")).because(error),
    })?;
    let witness =
        Witness::open(Arc::new(disk), Arc::new(RealClock), &SystemRandom, &arguments.name, logs)
            .map_err(|error| Failure::failed("the witness cannot start").because(error))?;
    let vkey = witness.verifier().to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start threads").because(error))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
            Failure::failed(format!("cannot listen on {}", arguments.listen)).because(error)
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::failed("cannot listen").because(error))?;
        if output.is_json() {
            output.value(&json!({"url": format!("http://{address}"), "vkey": vkey}))?;
        } else {
            output.line(&format!("witness at http://{address}"))?;
            output.line(&format!("vkey {vkey}"))?;
        }
        let stop = async {
            // Without signals it runs until it is killed, which loses nothing.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        serve(listener, Arc::new(witness), stop)
            .await
            .map_err(|error| Failure::failed("the witness cannot go on").because(error))
    })
}
