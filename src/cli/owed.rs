//! Verbs about what is owed: obligations and alerts are shown; `ack`, `snooze`, `waive` and `silence` do something.

use anyhow::{Result, anyhow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BadInput, Call, Exit, ask, held, place};
use crate::{
    alert::RouteMatch,
    docket::line::shown,
    domain::{Health, ObligationKind, Patterns},
    render::{json, plain},
    store::{
        Store,
        hold::{self, Act},
        obligation::{self, Kept, Which},
        outbox::{self, Alert},
        thread::Filter,
    },
    time::{Clock, Span, SystemClock},
    web::OwedView,
};

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only in this channel, mailbox, list or repository
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only what is owed by somebody of this name
    #[arg(long, value_name = "NAME")]
    pub owed_by: Option<String>,
    /// Only this kind: reply, decision, review, promise, unblock, owner
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub kind: Option<ObligationKind>,
    /// Only what is late
    #[arg(long)]
    pub late: bool,
    /// Also what has ended
    #[arg(long)]
    pub closed: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// One object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct AlertsArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// One object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct AckArgs {
    /// An obligation's identifier, from `bluf obligations`
    pub id: String,
}

#[derive(Debug, clap::Args)]
pub struct SnoozeArgs {
    /// An obligation's identifier, from `bluf obligations`
    pub id: String,
    /// Until when: an instant (RFC 3339), or 4h, 4bh (business hours), 1bd (business days) from now
    pub until: String,
}

#[derive(Debug, clap::Args)]
pub struct WaiveArgs {
    /// An obligation's identifier, from `bluf obligations`
    pub id: String,
    /// Why it need not be done; it is kept with the obligation
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, clap::Args)]
pub struct SilenceArgs {
    #[command(subcommand)]
    pub verb: SilenceVerb,
}

#[derive(Debug, clap::Subcommand)]
pub enum SilenceVerb {
    /// Have nothing told for a while of what fits every pattern that is given; * stands for anything
    Add(SilenceAddArgs),
    /// Silences that have not ended
    List {
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// End a silence now
    End { id: i64 },
}

#[derive(Debug, clap::Args)]
pub struct SilenceAddArgs {
    #[arg(long, value_name = "PATTERN")]
    pub source: Option<String>,
    #[arg(long, value_name = "PATTERN")]
    pub channel: Option<String>,
    /// What is owed: reply, decision, review, promise, unblock, owner
    #[arg(long, value_name = "PATTERN")]
    pub kind: Option<String>,
    #[arg(long, value_name = "PATTERN")]
    pub policy: Option<String>,
    /// Who owes it
    #[arg(long, value_name = "PATTERN")]
    pub owed_by: Option<String>,
    /// Until when: an instant (RFC 3339), or 4h, 4bh, 1bd from now
    #[arg(long)]
    pub until: String,
    #[arg(long)]
    pub reason: String,
}

/// `bluf obligations`
pub fn obligations(args: &ListArgs, call: &Call) -> Result<Exit> {
    let now = SystemClock.now();
    let which = Which {
        threads: Filter { source: args.source.clone(), channel: args.channel.clone(), ..Filter::default() },
        thread: None,
        kind: args.kind,
        closed: args.closed,
        due_before: args.late.then_some(now),
        owed_by: args.owed_by.clone(),
    };
    let owed = held::open(call)?.read(|on| obligation::list(on, &which, None, args.limit))?;
    if owed.is_empty() && !args.json {
        call.terminal.note("Nobody owes anybody anything that bluf knows of.");
    }
    for kept in &owed {
        call.terminal.out(&if args.json {
            json::line(&OwedView::of(kept.clone(), now))
        } else {
            line_of(kept, now)
        })?;
    }
    let late = owed.iter().any(|kept| kept.health(now) == Health::Breached);
    Ok(if late { Exit::Trouble } else { Exit::Fine })
}

/// `bluf alerts`
pub fn alerts(args: &AlertsArgs, call: &Call) -> Result<Exit> {
    let alerts = held::open(call)?.read(|on| outbox::alerts(on, None, None, args.limit))?;
    if alerts.is_empty() && !args.json {
        call.terminal.note("Nobody was told anything yet.");
    }
    for alert in &alerts {
        call.terminal.out(&if args.json { json::line(alert) } else { told(alert) })?;
    }
    Ok(Exit::Fine)
}

/// `bluf ack`
pub fn ack(args: &AckArgs, call: &Call) -> Result<Exit> {
    act(&args.id, Act::Acknowledge, json!({}), call)
}

/// `bluf snooze`
pub fn snooze(args: &SnoozeArgs, call: &Call) -> Result<Exit> {
    let until = until(&args.until, call)?;
    act(&args.id, Act::Snooze { until }, json!({ "until": until.to_string() }), call)
}

/// `bluf waive`
pub fn waive(args: &WaiveArgs, call: &Call) -> Result<Exit> {
    let reason = given(&args.reason, "--reason")?;
    act(&args.id, Act::Waive { reason: reason.clone() }, json!({ "reason": reason }), call)
}

/// `bluf silence`
pub fn silence(args: &SilenceArgs, call: &Call) -> Result<Exit> {
    let now = SystemClock.now();
    match &args.verb {
        SilenceVerb::List { json } => {
            let silences = held::open(call)?.read(|on| hold::silences(on, now))?;
            if silences.is_empty() && !json {
                call.terminal.note("There is no silence.");
            }
            for s in &silences {
                let matches = serde_json::to_string(&s.matches)?;
                let (by, why) = (plain::line(&s.by), plain::line(&s.why));
                let line = format!("{}  until {:.0}  {matches}  {by}: {why}", s.id, s.until);
                call.terminal.out(&if *json { json::line(s) } else { line })?;
            }
        }
        SilenceVerb::Add(args) => {
            let one = |pattern: &Option<String>| pattern.clone().map(Patterns::One);
            let matches = RouteMatch {
                source: one(&args.source),
                channel: one(&args.channel),
                kind: None,
                obligation: one(&args.kind),
                policy: one(&args.policy),
                people: one(&args.owed_by),
            };
            if matches == RouteMatch::default() {
                return Err(BadInput(anyhow!("name what to silence; --source '*' covers everything")).into());
            }
            let (until, reason) = (until(&args.until, call)?, given(&args.reason, "--reason")?);
            let id = writable(call)?.silence(&matches, until, &who(), &reason, now)?;
            call.terminal.note(&format!("Silence {id} holds until {until:.0}; `bluf silence end {id}` ends it."));
        }
        SilenceVerb::End { id } => {
            if !writable(call)?.end_silence(*id, &who(), now)? {
                return Err(BadInput(anyhow!("there is no silence {id} that still holds")).into());
            }
        }
    }
    Ok(Exit::Fine)
}

/// Does it through the daemon where one runs, so that it is known at once; else in the database, where the next one finds it.
fn act(id: &str, what: Act, body: Value, call: &Call) -> Result<Exit> {
    let database = place::database(&call.effective.config)?;
    let word = what.as_str();
    if place::is_claimed(&database) && place::socket(&call.effective.config)?.is_some() {
        ask::post(call, &format!("obligations/{id}/{word}"), Some(&body))?;
    } else if !writable(call)?.act(id, &what, &who(), SystemClock.now())? {
        return Err(BadInput(anyhow!("there is no obligation '{id}'; `bluf obligations` lists them")).into());
    }
    call.terminal.note(&match what {
        Act::Acknowledge => "Noted: somebody sees to it, and nobody else is told.".to_owned(),
        Act::Snooze { until } => format!("Noted: nothing is told of it until {until:.0}."),
        Act::Waive { .. } => "Noted: it need not be done.".to_owned(),
    });
    Ok(Exit::Fine)
}

/// The database, to write what a person wants. SQLite lets a daemon that runs write beside it.
fn writable(call: &Call) -> Result<Store> {
    let path = place::database(&call.effective.config)?;
    if !path.exists() {
        return held::open(call);
    }
    Ok(Store::open(&path)?)
}

fn until(written: &str, call: &Call) -> Result<Timestamp> {
    let now = SystemClock.now();
    let at = match written.parse::<Span>() {
        Ok(span) => call.effective.config.routes.after(now, span),
        Err(_) => written.parse().ok(),
    };
    let advice =
        || BadInput(anyhow!("'{written}' is no time to come; write 2026-11-12T14:00:00+01:00, 4h, 4bh or 1bd"));
    Ok(at.filter(|at| *at > now).ok_or_else(advice)?)
}

fn given(text: &str, what: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadInput(anyhow!("{what} is empty; say why in a few words")).into());
    }
    Ok(text.to_owned())
}

/// Whom the audit names for what is done at a terminal.
fn who() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "terminal".to_owned())
}

fn kind(word: &str) -> Result<ObligationKind, String> {
    let found = ObligationKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    found.ok_or_else(|| "write reply, decision, review, promise, unblock or owner".to_owned())
}

fn line_of(kept: &Kept, now: Timestamp) -> String {
    let owed = &kept.reckoned.obligation;
    let names =
        |names: &[String]| if names.is_empty() { "nobody named".to_owned() } else { plain::line(&names.join(", ")) };
    let at = |at: Timestamp| shown(at, &kept.reckoned.zone).get(..16).unwrap_or_default().replace('T', " ");
    let due = kept.reckoned.due_at.map_or("no deadline".to_owned(), |due| format!("due {}", at(due)));
    let mut text = format!(
        "{}  {:8}  {}  {due}\n    {} by {}, to {}, since {}",
        owed.id,
        kept.health(now).as_str().replace('_', " "),
        plain::line(&kept.thread.title),
        owed.kind.as_str(),
        names(&owed.owed_by),
        names(&owed.owed_to),
        at(owed.opened_at),
    );
    if let crate::domain::Evidence::Words { quote, .. } = &owed.opened_by {
        text.push_str(&format!("\n    \u{201c}{}\u{201d}", plain::line(quote)));
    }
    text
}

fn told(alert: &Alert) -> String {
    let how = match (alert.sent_at, &alert.ended, &alert.last_error) {
        (Some(at), ..) => format!("sent {at:.0}"),
        (None, Some(why), _) => plain::line(why),
        (None, None, Some(error)) => format!("tried {} times: {}", alert.attempts, plain::line(error)),
        (None, None, None) => "waits to be sent".to_owned(),
    };
    let title = alert.title.as_deref().map(plain::line).unwrap_or_default();
    format!("{:.0}  {:9}  {}  {}  {how}\n    {title}", alert.at, alert.stage.as_str(), alert.obligation, alert.sink)
}
