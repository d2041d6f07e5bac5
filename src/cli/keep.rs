//! Verbs that look after the daemon's database: copies of it, what is brought into it and taken out, and who may read it.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::json;

use super::{
    BadInput, Call, Exit,
    held::open,
    input::{Chosen, format},
    place,
};
use crate::{
    domain::{Item, Page},
    render::json,
    source::{Input, connector::push},
    store::{
        self, Store, summary,
        thread::{self, Filter},
        token::{self, Scope},
    },
    time::{Clock, SystemClock},
};

/// Items of an import that are kept in one transaction.
const ITEMS_AT_ONCE: usize = 200;
/// Threads of an export that are read in one transaction.
const THREADS_AT_ONCE: usize = 200;

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// A file or folder of threads, or - for standard input
    pub path: PathBuf,
    /// What PATH holds; see `bluf summarize --help`
    #[arg(long, value_parser = format, default_value = "auto", hide_default_value = true)]
    pub format: Chosen,
    /// The source that the threads are kept under
    #[arg(long, value_name = "NAME", default_value = "import")]
    pub source: String,
}

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A file that `bluf backup` wrote
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The file to write; standard output without it
    pub file: Option<PathBuf>,
    /// Only of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum TokenArgs {
    /// Make a token and print it, once
    Create {
        /// What it is for
        name: String,
        /// read: look; act: also bring threads in and have them read again; admin: everything
        #[arg(long, value_parser = scope, default_value = "read")]
        scope: Scope,
        /// Only this source (may be given more than once); all without it
        #[arg(long, value_name = "NAME")]
        source: Vec<String>,
        /// Good for so many days; for ever without it
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List the tokens, without their words
    List {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// Take a token back
    Revoke { name: String },
}

/// `bluf import`
pub fn import(args: &ImportArgs, call: &Call) -> Result<Exit> {
    let mut bytes = Vec::new();
    let input = if args.path.as_os_str() == "-" {
        io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes).context("cannot read standard input")?;
        Input::Bytes { bytes: &bytes, name: "standard input" }
    } else {
        Input::Path(&args.path)
    };
    let pushed = push::import(input, args.format.0)
        .map_err(|e| BadInput(anyhow!(e).context("nothing was imported; check the path, or name the --format")))?;
    pushed.faults.iter().for_each(|fault| call.terminal.fault(fault));
    let store = to_write(call)?;
    let (mut added, mut threads) = (0, 0);
    for items in pushed.items.chunks(ITEMS_AT_ONCE) {
        let page = Page { items: items.iter().map(|item| renamed(item, &args.source)).collect(), ..Page::default() };
        let taken = store.take(&args.source, &page, SystemClock.now())?;
        added += taken.added + taken.edited;
        threads += taken.threads;
    }
    call.terminal.note(&format!("{threads} threads with {added} new messages are kept; `bluf serve` reads them."));
    Ok(if pushed.faults.is_empty() { Exit::Fine } else { Exit::Degraded })
}

/// An item whose thread says that it is of `source`.
fn renamed(item: &Item, source: &str) -> Item {
    let mut item = item.clone();
    if let Item::Whole { thread, .. } | Item::Part { thread, .. } = &mut item {
        source.clone_into(&mut thread.source);
    }
    item
}

/// `bluf backup`
pub fn backup(args: &BackupArgs, call: &Call) -> Result<Exit> {
    open(call)?.backup(&args.file)?;
    call.terminal.note(&format!("{} is a whole copy of the database.", args.file.display()));
    Ok(Exit::Fine)
}

/// `bluf restore`
pub fn restore(args: &RestoreArgs, call: &Call) -> Result<Exit> {
    let database = place::database(&call.effective.config)?;
    if !args.file.exists() {
        return Err(BadInput(anyhow!("there is no file {}", args.file.display())).into());
    }
    let _claim = place::claim(&database)?;
    match store::restore(&args.file, &database, SystemClock.now())? {
        Some(aside) => call.terminal.note(&format!("Restored. What was there before is now {}.", aside.display())),
        None => call.terminal.note("Restored."),
    }
    Ok(Exit::Fine)
}

/// `bluf export`: every thread with its newest summary, one object a line.
pub fn export(args: &ExportArgs, call: &Call) -> Result<Exit> {
    let store = open(call)?;
    let filter = Filter { source: args.source.clone(), ..Filter::default() };
    let mut file = match &args.file {
        Some(path) => {
            Some(BufWriter::new(File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?))
        }
        None => None,
    };
    let mut after = None;
    loop {
        let listed = store.read(|on| thread::page(on, &filter, after, THREADS_AT_ONCE))?;
        let Some(last) = listed.last() else { break };
        after = Some(thread::After { last_ms: last.last_ms, id: last.id });
        for one in &listed {
            let read =
                store.read(|on| Ok((thread::messages(on, one.id, 0, usize::MAX)?, summary::newest(on, one.id)?)))?;
            let messages = read.0.iter().map(|kept| {
                let m = &kept.message;
                json!({ "id": m.id, "author": m.author, "author_id": m.author_id, "ts": m.sent_at.map(|t| t.to_string()),
                        "text": m.text, "reply_to": m.reply_to, "edited_ts": m.edited_at.map(|t| t.to_string()), "bot": m.bot })
            });
            let summary = read.1.and_then(|made| serde_json::from_str::<serde_json::Value>(&made.json).ok());
            // A `bluf.thread/1` object, which `bluf import` and `bluf summarize` read again, with its summary beside it.
            let line = json::line(&json!({
                "source": one.source, "kind": one.kind.as_str(), "id": one.external_id, "title": one.title, "url": one.url,
                "channel": one.channel, "participants": one.participants, "whole": true,
                "messages": messages.collect::<Vec<_>>(), "summary": summary,
            }));
            match &mut file {
                Some(file) => file.write_all(line.as_bytes()).context("cannot write the export")?,
                None => call.terminal.out(&line)?,
            }
        }
    }
    if let Some(mut file) = file {
        file.flush().context("cannot write the export")?;
    }
    Ok(Exit::Fine)
}

/// `bluf token`
pub fn tokens(args: &TokenArgs, call: &Call) -> Result<Exit> {
    match args {
        TokenArgs::Create { name, scope, source, days } => {
            let now = SystemClock.now();
            let expires = days.map(|days| later(now, days)).transpose()?;
            let sources = (!source.is_empty()).then_some(source.as_slice());
            match to_write(call)?.create_token(name, *scope, sources, expires, now)? {
                Some(words) => call.terminal.out(words.reveal())?,
                None => return Err(BadInput(anyhow!("there is a token '{name}' already; revoke it first")).into()),
            }
        }
        TokenArgs::List { json: as_json } => {
            for token in open(call)?.read(token::all)? {
                let time = |ms: i64| Timestamp::from_millisecond(ms).map(|t| t.to_string()).unwrap_or_default();
                let sees = token.sources.as_ref().map_or("all sources".to_owned(), |names| names.join(", "));
                let text = format!("{}  {}  {sees}", token.name, token.scope.as_str());
                let object = json!({
                    "name": token.name, "scope": token.scope.as_str(), "sources": token.sources,
                    "created_at": time(token.created_ms), "expires_at": token.expires_ms.map(time),
                    "used_at": token.used_ms.map(time),
                });
                call.terminal.out(&if *as_json { json::line(&object) } else { text })?;
            }
        }
        TokenArgs::Revoke { name } => {
            if !to_write(call)?.revoke_token(name)? {
                return Err(BadInput(anyhow!("there is no token '{name}'; `bluf token list` lists them")).into());
            }
        }
    }
    Ok(Exit::Fine)
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| format!("{word:?} is no scope; known are read, act, admin"))
}

fn later(now: Timestamp, days: u32) -> Result<Timestamp> {
    let at = now.to_zoned(TimeZone::UTC).checked_add(Span::new().days(i64::from(days)));
    at.map(|at| at.timestamp()).map_err(|_| BadInput(anyhow!("{days} days are too many")).into())
}

/// The database, to write, beside the daemon or without it; made where there is none.
fn to_write(call: &Call) -> Result<Store> {
    let path = place::database(&call.effective.config)?;
    // Where no daemon runs, the folder may have to be made first; where one does, it has the claim, and SQLite's own locks
    // let us in between its transactions.
    let _claim = if place::is_claimed(&path) { None } else { Some(place::claim(&path)?) };
    Ok(Store::open(&path)?)
}
