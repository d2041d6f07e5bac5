//! `bluf sla`: why something is due when it is, what policies would have told, and how channels keep their goals.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Serialize;

use super::{
    BadInput, Call, Exit,
    acts::ActReader,
    held,
    input::{Given, Taken, instant, rewind},
    progress::Reading as Drawn,
};
use crate::{
    config::{ConfigError, rules::rules},
    docket::{Docket, Matters, Rules, docket},
    domain::{Metric, Moment, Thread, ThreadActs},
    render::{json, sla as paper},
    sla::{
        Case, Goal, Pause, explain,
        first_reply::{FirstReplies, first_replies},
        report::{self, Entry},
        simulate::simulate,
    },
    store::thread::{self, Filter},
    time::{Clock, Span, SystemClock},
};

/// Share of obligations that should keep their goal, in percent, where nobody says another.
const OBJECTIVE_PERCENT: f64 = 90.0;
/// Share of a goal after which a warning is due, in percent.
const WARN_AT_PERCENT: u8 = 75;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Say when something is due, when a warning is, and which time counted
    Explain(ExplainArgs),
    /// Say what policies would have told about recorded threads
    Simulate(SimulateArgs),
    /// Say how channels keep their goals; nothing is told of persons
    Report(ReportArgs),
}

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A calendar of the configuration; goals like 4h need none
    #[arg(long, value_name = "NAME")]
    pub calendar: Option<String>,
    /// 90m, 4h or 2d round the clock, 4bh in business hours, 3bd in business days
    #[arg(long, value_name = "SPAN")]
    pub goal: Span,
    /// When it was opened; a time without an offset is the calendar's
    #[arg(long, value_name = "TS")]
    pub opened: String,
    /// A stretch in which the clock stood still (may be given more than once); TS.. for one that lasts
    #[arg(long, value_name = "TS..TS")]
    pub pause: Vec<String>,
    /// As of TS instead of now
    #[arg(long, value_name = "TS")]
    pub now: Option<String>,
    /// Share of the goal after which a warning is due
    #[arg(long, value_name = "N", default_value_t = WARN_AT_PERCENT, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub warn_at_percent: u8,
    /// One object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// A file or folder of threads, or - for standard input; without it, what the daemon holds
    pub path: Option<PathBuf>,
    /// From TS on (a date is read as midnight UTC)
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub since: Timestamp,
    /// Up to TS instead of now
    #[arg(long, value_name = "TS", value_parser = instant)]
    pub until: Option<Timestamp>,
    /// With the calendars, people and policies of FILE instead of the configuration's
    #[arg(long, value_name = "FILE")]
    pub policies: Option<PathBuf>,
    /// One object
    #[arg(long)]
    pub json: bool,
    /// Load no model: cue words tell who asks, promises and decides
    #[arg(long)]
    pub no_model: bool,
}

#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub given: Given,
    /// Share of obligations that should keep their goal
    #[arg(long, value_name = "PERCENT", default_value_t = OBJECTIVE_PERCENT)]
    pub objective: f64,
    /// One object
    #[arg(long)]
    pub json: bool,
    /// Load no model: cue words tell who asks, promises and decides
    #[arg(long)]
    pub no_model: bool,
}

pub fn run(args: &Args, call: &Call) -> Result<Exit> {
    match args {
        Args::Explain(args) => explained(args, call),
        Args::Simulate(args) => simulated(args, call),
        Args::Report(args) => reported(args, call),
    }
}

fn explained(args: &ExplainArgs, call: &Call) -> Result<Exit> {
    let rules = &call.effective.config.rules;
    let calendar = match &args.calendar {
        None if args.goal.needs_calendar() => {
            let what = anyhow!("{} counts business time: name a --calendar, one of {}", args.goal, known(rules));
            return Err(BadInput(what).into());
        }
        None => None,
        Some(name) => {
            let found = rules.policies.calendar(name);
            Some(found.ok_or_else(|| BadInput(anyhow!("there is no calendar '{name}'; there are {}", known(rules))))?)
        }
    };
    let zone = calendar.map_or(TimeZone::UTC, |calendar| calendar.zone().clone());
    let at = |text: &str| in_zone(text, &zone).map_err(|why| BadInput(anyhow!("'{text}' is no instant: {why}")));
    let pause = |text: &String| {
        let (from, to) = text.split_once("..").ok_or_else(|| {
            BadInput(anyhow!("'{text}' is no stretch of time: write it as 2026-11-20T09:00..2026-11-20T12:00"))
        })?;
        let to = Some(to).filter(|to| !to.is_empty()).map(at).transpose()?;
        Ok::<Pause, BadInput>(Pause { from: at(from)?, to, why: String::new() })
    };
    let pauses: Vec<Pause> = args.pause.iter().map(pause).collect::<Result<_, _>>()?;
    let now = args.now.as_deref().map(at).transpose()?.unwrap_or_else(|| SystemClock.now());
    let goal = Goal {
        policy: "",
        metric: Metric::FirstResponse,
        span: args.goal,
        calendar,
        warn_at_percent: args.warn_at_percent,
        resumes_when_reopened: false,
    };
    let explanation = explain(&goal, at(&args.opened)?, &pauses, now);
    let text = if args.json { json::line(&explanation) } else { paper::explanation(&explanation) };
    call.terminal.out(&text)?;
    Ok(Exit::Fine)
}

fn known(rules: &Rules) -> String {
    rules.policies.calendar_names().collect::<Vec<_>>().join(", ")
}

/// An instant; a time without an offset is read on the clocks of `zone`.
fn in_zone(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    match Moment::parse(text) {
        Some(Moment::Local(at)) => on_clocks(at, zone),
        _ => instant(text),
    }
}

fn on_clocks(at: civil::DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    at.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string())
}

/// Threads with their acts, each as it stood when it is judged.
struct Read {
    threads: Vec<(Thread, ThreadActs, Timestamp)>,
    skipped: bool,
}

fn read(threads: Vec<Thread>, judged_at: Vec<Timestamp>, skipped: bool, models: bool, call: &Call) -> Result<Read> {
    let mut reader =
        ActReader::open(&call.effective.config, models).context("cannot load the encoder; --no-model goes without")?;
    let mut read = Read { threads: Vec::with_capacity(threads.len()), skipped };
    let drawn = Drawn::begin(threads.len(), call.terminal);
    for (mut thread, now) in threads.into_iter().zip(judged_at) {
        drawn.reading(&thread.title);
        rewind(&mut thread, now);
        let acts = reader.read(&thread)?;
        read.skipped |= !acts.skipped.is_empty();
        read.threads.push((thread, acts, now));
    }
    drawn.end();
    Ok(read)
}

fn simulated(args: &SimulateArgs, call: &Call) -> Result<Exit> {
    let until = args.until.unwrap_or_else(|| SystemClock.now());
    if until <= args.since {
        return Err(BadInput(anyhow!("--until is not after --since")).into());
    }
    let Taken { threads, skipped } = match &args.path {
        Some(path) => Given::whole(path.clone()).threads(call)?,
        None => from_the_daemon(call)?,
    };
    let judged_at = vec![until; threads.len()];
    let Read { threads, skipped } = read(threads, judged_at, skipped, !args.no_model, call)?;
    let other = args.policies.as_ref().map(policies_of).transpose()?;
    let rules = other.as_ref().unwrap_or(&call.effective.config.rules);
    let matters: Vec<Matters<'_>> =
        threads.iter().map(|(thread, acts, now)| Matters::of(thread, acts, rules, *now)).collect();
    let cases: Vec<Case<'_>> = matters.iter().flat_map(Matters::cases).collect();
    let simulation = simulate(&cases, args.since, until, &rules.zone);
    let text = if args.json { json::line(&simulation) } else { paper::simulation(&simulation, &rules.zone) };
    call.terminal.out(&text)?;
    Ok(if skipped { Exit::Degraded } else { Exit::Fine })
}

/// The JSON of `sla report`.
#[derive(Serialize)]
struct Reported<'a> {
    #[serde(flatten)]
    report: &'a report::Report,
    /// Over all threads of the input.
    first_replies: &'a FirstReplies,
}

fn policies_of(file: &PathBuf) -> Result<Rules> {
    let text = fs::read_to_string(file).map_err(|e| BadInput(anyhow!(e).context(file.display().to_string())))?;
    let (rules, faults) = rules(&file.display().to_string(), &text, TimeZone::system());
    if faults.is_empty() { Ok(rules) } else { Err(BadInput(ConfigError::Faulty(faults).into()).into()) }
}

fn from_the_daemon(call: &Call) -> Result<Taken> {
    let store = held::open(call)?;
    let all = Filter { visible: None, source: None, kind: None, channel: None, since: None };
    let threads = store.read(|on| {
        let listed = thread::page(on, &all, None, usize::MAX >> 1)?;
        listed.iter().filter_map(|l| thread::load(on, l.id).transpose()).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(Taken { threads: threads.into_iter().map(|(thread, ..)| thread).collect(), skipped: false })
}

fn reported(args: &ReportArgs, call: &Call) -> Result<Exit> {
    if !(0.0..=100.0).contains(&args.objective) {
        return Err(BadInput(anyhow!("--objective is a share in percent, from 0 to 100")).into());
    }
    let Taken { threads, skipped } = args.given.threads(call)?;
    let judged_at = args.given.judged_at(&threads, SystemClock.now());
    let latest = judged_at.iter().max().copied().unwrap_or_else(|| SystemClock.now());
    let Read { threads, skipped } = read(threads, judged_at, skipped, !args.no_model, call)?;
    let rules = &call.effective.config.rules;
    let dockets: Vec<Docket> = threads.iter().map(|(thread, acts, now)| docket(thread, acts, rules, *now)).collect();
    let entries: Vec<Entry<'_>> = threads
        .iter()
        .zip(&dockets)
        .flat_map(|((thread, ..), docket)| {
            let channel = thread.channel.as_deref().unwrap_or(&thread.source);
            let read = docket.entries.iter();
            read.map(move |e| Entry { channel, obligation: &e.obligation, assessment: &e.assessment })
        })
        .collect();
    let report = report::report(&entries, args.objective, latest);
    let replies = first_replies(threads.iter().map(|(thread, ..)| thread));
    let text = match args.json {
        true => json::line(&Reported { report: &report, first_replies: &replies }),
        false => paper::report(&report) + &paper::first_replies(&replies),
    };
    call.terminal.out(&text)?;
    Ok(if skipped { Exit::Degraded } else { Exit::Fine })
}
