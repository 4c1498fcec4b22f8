//! A progress bar on a terminal, and nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// A bar that is only drawn when a person watches.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins a bar of `length` bytes; without a length it only counts.
    pub(crate) fn of_bytes(output: &Output, length: Option<u64>) -> Self {
        let bar = match length {
            Some(length) => ProgressBar::new(length).with_style(style(
                "{bar:30} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta} left",
            )),
            None => ProgressBar::no_length().with_style(style("{spinner} {msg}  {elapsed}")),
        };
        Self::drawn(output, bar)
    }

    /// Begins a bar of `length` items.
    pub(crate) fn of_items(output: &Output, length: u64) -> Self {
        let bar = ProgressBar::new(length)
            .with_style(style("{bar:30} {human_pos}/{human_len}  {per_sec}  {msg}"));
        Self::drawn(output, bar)
    }

    fn drawn(output: &Output, bar: ProgressBar) -> Self {
        if !output.is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self(bar)
    }

    /// Says how far it is.
    pub(crate) fn at(&self, position: u64, message: impl Into<String>) {
        self.0.set_position(position);
        self.0.set_message(message.into());
    }

    /// Takes the bar away, to print something else.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }

    /// Prints above the bar.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
