//! Verbs that show what the daemon holds. They read its database, whether it runs or not.

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BadInput, Call, Exit, input::instant, place};
use crate::{
    domain::{Kind, summary::Summary},
    render::{Out, json, plain, render},
    store::{
        Store,
        outbox::{self, SinkState},
        search::{self, Centroids, Query, Words},
        summary,
        thread::{self, Filter, Listed},
        work,
    },
};

/// Which threads are meant.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Only of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only in this channel, mailbox, list or repository
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only of this kind
    #[arg(long, value_enum)]
    pub kind: Option<Sort>,
    /// Only with something said at or after TS (a date is read as midnight UTC)
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub since: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// One object a line
    #[arg(long)]
    pub json: bool,
}

/// A kind of thread, as the command line has it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Sort {
    Chat,
    Email,
    Issue,
    Review,
    Document,
    Transcript,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A thread's identifier, from `bluf threads`, or its source's own
    pub id: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub out: Out,
    /// The same as --out json
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// Words, "a phrase", or -word for what must not be there
    #[arg(required = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, clap::Args)]
pub struct DigestArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub out: Out,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// One object
    #[arg(long)]
    pub json: bool,
}

impl Which {
    fn filter(&self) -> Filter {
        Filter {
            visible: None,
            source: self.source.clone(),
            kind: self.kind.map(Sort::kind),
            channel: self.channel.clone(),
            since: self.since,
        }
    }
}

impl Sort {
    fn kind(self) -> Kind {
        match self {
            Sort::Chat => Kind::Chat,
            Sort::Email => Kind::Email,
            Sort::Issue => Kind::Issue,
            Sort::Review => Kind::Review,
            Sort::Document => Kind::Document,
            Sort::Transcript => Kind::Transcript,
        }
    }
}

/// The daemon's database, to read.
pub(super) fn open(call: &Call) -> Result<Store> {
    let path = place::database(&call.effective.config)?;
    if !path.exists() {
        let what =
            anyhow!("there is no database at {}; start `bluf serve`, or `bluf import` something", path.display());
        return Err(BadInput(what).into());
    }
    Ok(Store::open_to_read(&path)?)
}

/// `bluf threads`
pub fn threads(args: &Which, call: &Call) -> Result<Exit> {
    let filter = args.filter();
    let listed = open(call)?.read(|on| thread::page(on, &filter, None, args.limit))?;
    print(&listed.iter().map(|l| (line_of(l), object_of(l))).collect::<Vec<_>>(), args.json, "No thread.", call)
}

/// `bluf show`
pub fn show(args: &ShowArgs, call: &Call) -> Result<Exit> {
    let store = open(call)?;
    let found = store.read(|on| match thread::find(on, &args.id)? {
        Some(listed) => Ok(Some(listed)),
        None => thread::find_external(on, &args.id),
    })?;
    let Some(listed) = found else {
        return Err(BadInput(anyhow!("there is no thread '{}'; `bluf threads` lists them", args.id)).into());
    };
    let Some(made) = store.read(|on| summary::newest(on, listed.id))? else {
        let why = listed.read_error.unwrap_or_else(|| "it waits to be read".to_owned());
        call.terminal.note(&format!("There is no summary of '{}' yet: {why}.", listed.title));
        return Ok(Exit::Degraded);
    };
    let read: Summary = serde_json::from_str(&made.json).context("the summary that is kept cannot be read")?;
    let out = if args.json { Out::Json } else { args.out };
    call.terminal.out(&render(&read, out, call.terminal.page()))?;
    if !listed.is_read {
        call.terminal.note("Something was said since; it waits to be read.");
    }
    Ok(if read.coverage.skipped.is_empty() { Exit::Fine } else { Exit::Degraded })
}

/// `bluf search`
pub fn search(args: &SearchArgs, call: &Call) -> Result<Exit> {
    let words = Words::parse(&args.words.join(" "));
    if words.is_empty() {
        return Err(BadInput(anyhow!("there is no word to look for")).into());
    }
    // Meaning needs an encoder that is loaded: the daemon has one, and its page and API search by meaning as well.
    let query = Query { words, vector: None, filter: args.which.filter(), most: args.which.limit };
    let found = open(call)?.read(|on| search::search(on, &Centroids::default(), &query))?;
    let hits = found.hits.iter().map(|hit| {
        let mut text = line_of(&hit.thread);
        let mut object = object_of(&hit.thread);
        for message in &hit.messages {
            let author = message.author.as_deref().unwrap_or("somebody");
            text.push_str(&format!("\n    {}: {}", plain::line(author), plain::line(&message.text)));
        }
        let messages = hit.messages.iter().map(|m| json!({ "id": m.id, "author": m.author, "text": m.text }));
        object["messages"] = messages.collect();
        (text, object)
    });
    print(&hits.collect::<Vec<_>>(), args.which.json, "Nothing was found.", call)
}

/// `bluf decisions`
pub fn decisions(args: &Which, call: &Call) -> Result<Exit> {
    let filter = args.filter();
    let decided = open(call)?.read(|on| summary::decisions(on, &filter, None, args.limit))?;
    let lines = decided.iter().map(|d| {
        let at = d.at.as_deref().and_then(|at| at.get(..10)).unwrap_or("undated");
        let by = d.decided_by.as_deref().map(|by| format!(" ({})", plain::line(by))).unwrap_or_default();
        let text =
            format!("{at:10}  {}{by}\n            in {}: {}", plain::line(&d.text), d.thread, plain::line(&d.title));
        (text, serde_json::to_value(d).unwrap_or_default())
    });
    print(&lines.collect::<Vec<_>>(), args.json, "No decision was found.", call)
}

/// `bluf digest`
pub fn digest(args: &DigestArgs, call: &Call) -> Result<Exit> {
    let filter = args.which.filter();
    let made = open(call)?.read(|on| summary::newest_of_all(on, &filter, args.which.limit))?;
    if made.is_empty() {
        call.terminal.note("No thread that has been read is of that time; try an earlier --since.");
    }
    let out = if args.which.json { Out::Json } else { args.out };
    for (_, made) in &made {
        let read: Summary = serde_json::from_str(&made.json).context("a summary that is kept cannot be read")?;
        call.terminal.out(&render(&read, out, call.terminal.page()))?;
    }
    Ok(Exit::Fine)
}

/// `bluf status`
pub fn status(args: &StatusArgs, call: &Call) -> Result<Exit> {
    let store = open(call)?;
    let (sources, sinks, unread) =
        store.read(|on| Ok((work::sources(on)?, outbox::sinks(on)?, work::unread_count(on)?)))?;
    let running = place::is_claimed(store.path());
    let waiting: usize = sinks.iter().map(|sink| sink.waiting).sum();
    let down = sources.iter().any(|s| s.failures > 0) || sinks.iter().any(|s| s.failing > 0);
    if args.json {
        let object = json!({ "running": running, "unread": unread, "sources": sources, "sinks": sinks, "notices_waiting": waiting });
        call.terminal.out(&json::line(&object))?;
    } else {
        let daemon = if running { "runs" } else { "does not run" };
        let mut text = format!(
            "The daemon {daemon}. Threads that wait to be read: {unread}. Notices that wait to be sent: {waiting}.\n"
        );
        for s in &sources {
            let pulled = s.pulled_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            let pulled = pulled.map_or("never pulled to its end".to_owned(), |at| format!("pulled {at:.0}"));
            text.push_str(&format!("{}: {} threads, {pulled}", s.name, s.threads));
            if s.quarantined > 0 {
                text.push_str(&format!(", {} items set aside", s.quarantined));
            }
            text.push_str(
                &s.last_error.as_deref().map(|e| format!("; failing: {}", plain::line(e))).unwrap_or_default(),
            );
            text.push('\n');
        }
        sinks.iter().for_each(|sink| text.push_str(&told(sink, call)));
        call.terminal.out(&text)?;
    }
    Ok(if down { Exit::Degraded } else { Exit::Fine })
}

/// How telling a sink goes, in a line.
fn told(sink: &SinkState, call: &Call) -> String {
    let sent = sink.sent_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let sent = sent.map_or("told nothing yet".to_owned(), |at| format!("told {at:.0}"));
    let mut text = format!("{}: {sent}, {} waiting", sink.name, sink.waiting);
    if let Some(error) = &sink.last_error {
        text.push_str(&format!("; failing: {}", plain::line(error)));
    }
    let is_known = call.effective.config.sinks.iter().any(|known| known.name == sink.name);
    if !is_known && sink.waiting > 0 {
        text.push_str("; it is not in the configuration any more, so nothing is sent to it");
    }
    text + "\n"
}

fn print(entries: &[(String, Value)], as_json: bool, none: &str, call: &Call) -> Result<Exit> {
    if entries.is_empty() && !as_json {
        call.terminal.note(none);
    }
    for (text, object) in entries {
        call.terminal.out(&if as_json { json::line(object) } else { text.clone() })?;
    }
    Ok(Exit::Fine)
}

fn line_of(listed: &Listed) -> String {
    let last = listed.last_at.as_deref().and_then(|at| at.get(..10)).unwrap_or("undated");
    let says = match (&listed.read_error, &listed.bottom_line) {
        (_, Some(line)) => plain::line(line),
        (Some(why), None) => format!("cannot be read: {}", plain::line(why)),
        (None, None) => "waits to be read".to_owned(),
    };
    format!("{}  {last:10}  {}\n    {says}", listed.key, plain::line(&listed.title))
}

fn object_of(listed: &Listed) -> Value {
    json!({
        "id": listed.key,
        "source": listed.source,
        "external_id": listed.external_id,
        "kind": listed.kind.as_str(),
        "channel": listed.channel,
        "title": listed.title,
        "url": listed.url,
        "messages": listed.messages,
        "participants": listed.participants,
        "opened_at": listed.opened_at,
        "last_activity_at": listed.last_at,
        "bottom_line": listed.bottom_line,
        "is_read": listed.is_read,
        "read_error": listed.read_error,
    })
}
