//! Progress on standard error, drawn only for somebody who watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::print::Terminal;
use crate::{model::progress::Progress, render::plain};

/// Slower than this a spinner looks stuck.
const TICK: Duration = Duration::from_millis(120);

/// Letters of a title that fit beside the counter.
const TITLE_LETTERS: usize = 48;

/// Which thread is being read.
pub struct Reading {
    bar: ProgressBar,
}

/// How far a pull has come.
pub struct Pulling {
    bar: ProgressBar,
    terminal: Terminal,
}

impl Reading {
    pub fn begin(threads: usize, terminal: Terminal) -> Reading {
        let bar = bar(terminal, "{spinner} {pos}/{len} {msg} {elapsed}");
        bar.set_length(threads as u64);
        Reading { bar }
    }

    pub fn reading(&self, title: &str) {
        let title: String = plain::line(title).chars().take(TITLE_LETTERS).collect();
        self.bar.inc(1);
        self.bar.set_message(title);
    }

    /// Runs `print` with the progress out of its way.
    pub fn apart<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Pulling {
    pub fn new(terminal: Terminal) -> Pulling {
        Pulling { bar: bar(terminal, "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}"), terminal }
    }
}

impl Progress for Pulling {
    fn begin(&self, what: &str, bytes: Option<u64>) {
        self.bar.reset();
        self.bar.set_length(bytes.unwrap_or(0));
        self.bar.set_message(what.to_owned());
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| self.terminal.note(text));
    }
}

fn bar(terminal: Terminal, template: &str) -> ProgressBar {
    if !terminal.draws_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("=> ");
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}
