//! Threads from the command line: which input, as what, which of its threads, and as of when.

use std::{io, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{BadInput, Call};
use crate::{
    domain::{Moment, Thread},
    source::{self, Format, Input, Reading},
};

/// Identifiers that are named when the one asked for is not there.
const IDS_NAMED: usize = 8;
/// An input in which something was said so lately is still going on, and is judged as of now.
const STILL_GOING_ON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is read, and what of it.
#[derive(Debug, clap::Args)]
pub struct Given {
    /// A file or folder of threads, or - for standard input
    pub path: PathBuf,
    /// What PATH holds: auto, jsonl, mbox, maildir, eml, slack-export, github-json, vtt, srt, otter, zoom-chat, markdown,
    /// rst, irc or text
    #[arg(long, value_parser = format, default_value = "auto", hide_default_value = true)]
    pub format: Chosen,
    /// Only the thread with this identifier (may be given more than once)
    #[arg(long, value_name = "ID")]
    pub thread: Vec<String>,
    /// Only threads with something said at or after TS (a date is read as midnight UTC)
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub since: Option<Timestamp>,
    /// As the threads stood at TS: what came later is left out
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub as_of: Option<Timestamp>,
}

/// A format, or none to find out by looking.
#[derive(Clone, Copy, Debug)]
pub struct Chosen(pub(super) Option<Format>);

/// Threads that were asked for, and whether anything of the input could not be read.
pub(super) struct Taken {
    pub threads: Vec<Thread>,
    pub skipped: bool,
}

impl Given {
    /// Everything that a path holds.
    pub(super) fn whole(path: PathBuf) -> Given {
        Given { path, format: Chosen(None), thread: Vec::new(), since: None, as_of: None }
    }

    /// Reads the threads that the flags leave, each as it stood at `--as-of`, and tells what could not be read.
    pub(super) fn threads(&self, call: &Call) -> Result<Taken> {
        let mut bytes = Vec::new();
        let input = if self.path.as_os_str() == "-" {
            let read = io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes);
            read.map_err(|e| BadInput(anyhow!(e).context("cannot read standard input")))?;
            Input::Bytes { bytes: &bytes, name: "standard input" }
        } else {
            Input::Path(&self.path)
        };
        let reading = read(input, self.format.0)?;
        let skipped = !reading.faults.is_empty();
        for fault in &reading.faults {
            call.terminal.fault(fault);
        }
        let threads = self.chosen(reading)?;
        if threads.is_empty() {
            call.terminal.note("No thread has anything in that time; try an earlier --since.");
        }
        Ok(Taken { threads, skipped })
    }

    /// By which instant each of the threads is judged: `--as-of`, else the one that the input states with it, else the end
    /// of the recording, else `now`. A line of JSON is a recording of its own; other inputs are recorded as a whole, and
    /// are still going on where something was said in them lately.
    pub(super) fn judged_at(&self, threads: &[Thread], now: Timestamp) -> Vec<Timestamp> {
        let newest = threads.iter().filter_map(last_instant).max().filter(|at| *at <= now);
        let end = newest.filter(|at| now.duration_since(*at) > STILL_GOING_ON).unwrap_or(now);
        let own = |thread: &Thread| last_instant(thread).filter(|_| self.is_of_lines());
        let stated = |thread: &Thread| thread.as_of.and_then(Moment::instant);
        threads.iter().map(|t| self.as_of.or(stated(t)).or_else(|| own(t)).unwrap_or(end)).collect()
    }

    fn is_of_lines(&self) -> bool {
        let named = || self.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jsonl"));
        self.format.0.map_or_else(|| self.path.as_os_str() == "-" || named(), |format| format == Format::Jsonl)
    }

    fn chosen(&self, reading: Reading) -> Result<Vec<Thread>> {
        if reading.threads.is_empty() {
            return Err(BadInput(anyhow!("every item was skipped; is --format right?")).into());
        }
        for id in &self.thread {
            if !reading.threads.iter().any(|t| t.id == *id) {
                let ids: Vec<&str> = reading.threads.iter().map(|t| t.id.as_str()).take(IDS_NAMED).collect();
                let more = if reading.threads.len() > IDS_NAMED { ", …" } else { "" };
                return Err(BadInput(anyhow!("no thread is called '{id}'; there are {}{more}", ids.join(", "))).into());
            }
        }
        let mut threads = reading.threads;
        threads.retain(|t| self.thread.is_empty() || self.thread.contains(&t.id));
        if let Some(at) = self.as_of {
            threads.iter_mut().for_each(|t| rewind(t, at));
            threads.retain(|t| !t.messages.is_empty());
        }
        if let Some(since) = self.since {
            threads.retain(|t| last_instant(t).is_none_or(|last| last >= since));
        }
        Ok(threads)
    }
}

/// Reads an input, or says what to do about it.
pub(super) fn read(input: Input, format: Option<Format>) -> Result<Reading> {
    let what = match input {
        Input::Path(path) => path.display().to_string(),
        Input::Bytes { name, .. } => name.to_owned(),
    };
    let reading = source::read(input, format)
        .with_context(|| format!("cannot read {what}"))
        .map_err(|e| BadInput(e.context("nothing was summarised; check the path, or name the --format")))?;
    if reading.threads.is_empty() && reading.faults.is_empty() {
        return Err(BadInput(anyhow!("there is no thread in it; is --format another?")).into());
    }
    Ok(reading)
}

/// The thread as it stood at `at`. What has no instant cannot be said to be later.
pub(super) fn rewind(thread: &mut Thread, at: Timestamp) {
    let by_then = |m: Option<Moment>| m.and_then(Moment::instant).is_none_or(|instant| instant <= at);
    thread.messages.retain(|m| by_then(m.sent_at));
    thread.events.retain(|e| by_then(e.at));
    thread.as_of = Some(Moment::utc(at));
}

/// When something was last said; `None` where the source gives no instants.
fn last_instant(thread: &Thread) -> Option<Timestamp> {
    thread.messages.iter().filter_map(|m| m.sent_at.and_then(Moment::instant)).max()
}

pub(super) fn format(word: &str) -> Result<Chosen, String> {
    Format::chosen(word).map(Chosen).map_err(|e| e.to_string())
}

pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let advice = || "write it as 2026-11-12 or 2026-11-12T14:00:00+01:00".to_string();
    match Moment::parse(text).ok_or_else(advice)? {
        Moment::At { instant, .. } => Ok(instant),
        Moment::Local(at) => at.to_zoned(TimeZone::UTC).map(|z| z.timestamp()).map_err(|_| advice()),
        Moment::Elapsed(_) | Moment::TimeOfDay(_) => Err(advice()),
    }
}

#[cfg(test)]
mod tests {
    use super::{instant, last_instant, rewind};
    use crate::domain::{Kind, Message, Moment, Thread};

    fn thread(times: &[Option<&str>]) -> Thread {
        let message = |at: &Option<&str>| Message { sent_at: at.and_then(Moment::parse), ..Message::default() };
        Thread {
            source: String::new(),
            kind: Kind::Chat,
            id: "t".to_string(),
            title: String::new(),
            url: None,
            channel: None,
            participants: Vec::new(),
            messages: times.iter().map(message).collect(),
            events: Vec::new(),
            as_of: None,
        }
    }

    #[test]
    fn a_date_is_midnight_utc_and_a_time_needs_its_date() {
        assert_eq!(instant("2026-11-12").map(|t| t.to_string()).as_deref(), Ok("2026-11-12T00:00:00Z"));
        assert_eq!(instant("2026-11-12T14:00:00+01:00").map(|t| t.to_string()).as_deref(), Ok("2026-11-12T13:00:00Z"));
        assert!(instant("14:00").is_err());
        assert!(instant("yesterday").is_err());
    }

    #[test]
    fn rewinding_keeps_what_was_said_by_then_and_what_has_no_time() {
        let mut thread = thread(&[Some("2026-11-01T10:00:00Z"), None, Some("2026-11-03T10:00:00Z")]);
        rewind(&mut thread, instant("2026-11-02").expect("a date"));
        assert_eq!(thread.messages.len(), 2);
        assert_eq!(last_instant(&thread), instant("2026-11-01T10:00:00Z").ok());
    }
}
