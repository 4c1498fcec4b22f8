//! `completions`: a script by which a shell completes verbs and flags.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::Output;
use crate::verb::Proofbook;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  proofbook completions bash > ~/.local/share/bash-completion/completions/proofbook")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Proofbook::command(), "proofbook", &mut script);
    output.bytes(&script)
}
