//! `bluf summarize`: one BLUF a thread, no daemon and no database.

use std::{io, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use jiff::{Timestamp, tz::TimeZone};

use super::{BadInput, Call, Exit, progress::Reading as Drawn, workshop::Workshop};
use crate::{
    domain::{Moment, Thread},
    render::{self, Out},
    source::{self, Format, Input, Reading},
    time::{Clock, FixedClock, SystemClock},
};

/// Identifiers that are named when the one asked for is not there.
const IDS_NAMED: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file or folder of threads, or - for standard input
    pub path: PathBuf,
    /// What PATH holds: auto, jsonl, mbox, maildir, eml, slack-export, github-json, vtt, srt, otter, zoom-chat, markdown,
    /// rst, irc or text
    #[arg(long, value_parser = format, default_value = "auto", hide_default_value = true)]
    pub format: Chosen,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub out: Out,
    /// The same as --out json
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
    /// Only the thread with this identifier (may be given more than once)
    #[arg(long, value_name = "ID")]
    pub thread: Vec<String>,
    /// Only threads with something said at or after TS (a date is read as midnight UTC)
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub since: Option<Timestamp>,
    /// As the threads stood at TS: what came later is left out
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub as_of: Option<Timestamp>,
    /// Word the bottom lines with this model, by name or by the path of a GGUF file
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Lay this adapter beside the model's weights: a safetensors file, or none
    #[arg(long, value_name = "FILE")]
    pub adapter: Option<String>,
    /// Load no model: choose and quote, and word nothing
    #[arg(long, conflicts_with_all = ["model", "adapter"])]
    pub no_model: bool,
}

/// A format, or none to find out by looking.
#[derive(Clone, Copy, Debug)]
pub struct Chosen(pub(super) Option<Format>);

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    let mut bytes = Vec::new();
    let input = if args.path.as_os_str() == "-" {
        let read = io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes);
        read.map_err(|e| BadInput(anyhow!(e).context("cannot read standard input")))?;
        Input::Bytes { bytes: &bytes, name: "standard input" }
    } else {
        Input::Path(&args.path)
    };
    let reading = read(input, args.format.0)?;
    let skipped = !reading.faults.is_empty();
    for fault in &reading.faults {
        call.terminal.fault(fault);
    }
    let threads = chosen(reading, args)?;
    if threads.is_empty() {
        call.terminal.note("No thread has anything in that time; try an earlier --since.");
    }
    let out = if args.json { Out::Json } else { args.out };
    print_all(&threads, out, args, call, skipped)
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

fn print_all(threads: &[Thread], out: Out, args: &Args, call: &Call, mut skipped: bool) -> Result<Exit> {
    if threads.is_empty() {
        return Ok(if skipped { Exit::Degraded } else { Exit::Fine });
    }
    let mut workshop = Workshop::open(&call.effective.config, !args.no_model)
        .context("cannot load the models; --no-model goes without")?;
    let clock: &dyn Clock = match &args.as_of {
        Some(at) => &FixedClock(*at),
        None => &SystemClock,
    };
    let page = call.terminal.page();
    let drawn = Drawn::begin(threads.len(), call.terminal);
    for thread in threads {
        drawn.reading(&thread.title);
        let summary = workshop.summarize(thread, clock).with_context(|| format!("cannot summarise '{}'", thread.id))?;
        skipped |= !summary.coverage.skipped.is_empty();
        drawn.apart(|| call.terminal.out(&render::render(&summary, out, page)))?;
    }
    drawn.end();
    Ok(if skipped { Exit::Degraded } else { Exit::Fine })
}

/// The threads that the flags leave, each as it stood at `--as-of`.
fn chosen(reading: Reading, args: &Args) -> Result<Vec<Thread>> {
    if reading.threads.is_empty() {
        return Err(BadInput(anyhow!("every item was skipped; is --format right?")).into());
    }
    for id in &args.thread {
        if !reading.threads.iter().any(|t| t.id == *id) {
            let ids: Vec<&str> = reading.threads.iter().map(|t| t.id.as_str()).take(IDS_NAMED).collect();
            let more = if reading.threads.len() > IDS_NAMED { ", …" } else { "" };
            return Err(BadInput(anyhow!("no thread is called '{id}'; there are {}{more}", ids.join(", "))).into());
        }
    }
    let mut threads = reading.threads;
    threads.retain(|t| args.thread.is_empty() || args.thread.contains(&t.id));
    if let Some(at) = args.as_of {
        threads.iter_mut().for_each(|t| rewind(t, at));
        threads.retain(|t| !t.messages.is_empty());
    }
    if let Some(since) = args.since {
        threads.retain(|t| last_instant(t).is_none_or(|last| last >= since));
    }
    Ok(threads)
}

/// The thread as it stood at `at`. What has no instant cannot be said to be later.
fn rewind(thread: &mut Thread, at: Timestamp) {
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
