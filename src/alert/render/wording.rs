//! One obligation in words, for every layout to take from.

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Value, context};

use super::{
    moment::{lasting, said, zone},
    phrase::{self, shell_word},
};
use crate::alert::waits::cut;
use crate::domain::{
    notice::{Stage, Told},
    obligation::{Closed, Evidence},
    plain,
};

/// The longest quote. Characters.
pub const QUOTE_CHARS: usize = 300;
/// The longest address that is made a link. Bytes.
const LINK_BYTES: usize = 2000;

/// What is told of one obligation. Every text is one line without control characters, and is escaped for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// "Past due: an answer to Ana – Retry budget".
    pub headline: String,
    /// Who waits for what from whom, since when.
    pub lead: String,
    /// By when, and how long that is; for what has ended: when and how.
    pub due: String,
    /// The words that opened it.
    pub quote: Quote,
    /// The words that ended it.
    pub ended_by: Option<Quote>,
    pub title: String,
    /// "#platform, chat, from slack-team".
    pub place: String,
    /// The thread at its source; only `http` and `https`.
    pub thread_url: Option<String>,
    /// Its page here.
    pub page: Option<String>,
    /// What shows the thread in a terminal.
    pub show: String,
    /// What to type to hear no more of it, and what that means. Empty once it has ended.
    pub silence: Vec<Command>,
    /// The policy that the deadline comes from.
    pub policy: Option<String>,
}

/// What somebody wrote, or what happened at the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub text: String,
    /// Whether these are somebody's words.
    pub is_words: bool,
    /// "Ana, Mon 16 Nov 2026, 10:00 +01:00"; empty where neither is known.
    pub by: String,
}

/// Something to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub line: String,
    pub means: &'static str,
}

impl Wording {
    /// `made_at` is when the envelope was made, which durations count to.
    pub fn of(told: &Told, made_at: Timestamp) -> Wording {
        let zone = zone(&told.zone);
        let closed = told.obligation.closed.as_ref().filter(|_| told.stage == Stage::Closed);
        let due = if told.stage == Stage::Closed { end(told, closed, &zone) } else { due(told, made_at, &zone) };
        let thread = &told.thread;
        let place = [thread.channel.as_deref().map(plain::line), Some(thread.kind.as_str().to_owned())];
        let place: Vec<String> = place.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        Wording {
            headline: phrase::subject(told),
            lead: phrase::lead(told, &zone),
            due,
            quote: quote(&told.obligation.opened_by, told.said_by.as_deref(), told.said_at, &zone),
            ended_by: closed.map(|closed| quote(&closed.by, told.ended_by.as_deref(), Some(closed.at), &zone)),
            title: phrase::title(told),
            place: cut(&format!("{}, from {}", place.join(", "), plain::line(&thread.source)), 120),
            thread_url: thread.url.as_deref().and_then(link),
            page: told.page.as_deref().and_then(link),
            show: format!("bluf show {}", shell_word(&plain::line(&thread.key))),
            silence: if told.stage == Stage::Closed { Vec::new() } else { silence(&told.obligation.id) },
            policy: told.policy.as_deref().map(plain::line),
        }
    }

    /// As the templates read it.
    pub(super) fn values(&self) -> Value {
        let command = |command: &Command| context! { line => command.line.as_str(), means => command.means };
        context! {
            headline => self.headline.as_str(),
            lead => self.lead.as_str(),
            due => self.due.as_str(),
            quote => self.quote.values(),
            ended_by => self.ended_by.as_ref().map(Quote::values),
            place => self.place.as_str(),
            thread_url => self.thread_url.as_deref(),
            page => self.page.as_deref(),
            show => self.show.as_str(),
            silence => self.silence.iter().map(command).collect::<Vec<_>>(),
            policy => self.policy.as_deref(),
        }
    }
}

impl Quote {
    fn values(&self) -> Value {
        context! { text => self.text.as_str(), is_words => self.is_words, by => self.by.as_str() }
    }
}

fn due(told: &Told, made_at: Timestamp, zone: &TimeZone) -> String {
    let Some(due) = told.due_at else { return "It has no deadline.".to_owned() };
    let (when, away) = (said(due, zone), lasting(due.duration_since(made_at)));
    let name = told.zone.as_str();
    let named = zone.iana_name().filter(|known| *known == name).map(|name| format!(" ({name})")).unwrap_or_default();
    if due > made_at {
        format!("It is due {when}{named}, in {away}.")
    } else {
        format!("It was due {when}{named}, {away} ago.")
    }
}

fn end(told: &Told, closed: Option<&Closed>, zone: &TimeZone) -> String {
    let Some(closed) = closed else { return "It has ended.".to_owned() };
    let how = phrase::ending(told.obligation.kind, closed.how);
    let against = told.due_at.map(|due| {
        let side = if closed.at > due { "after" } else { "before" };
        format!(", {} {side} it was due", lasting(closed.at.duration_since(due)))
    });
    format!("It ended on {}{}: {how}.", said(closed.at, zone), against.unwrap_or_default())
}

fn quote(evidence: &Evidence, by: Option<&str>, at: Option<Timestamp>, zone: &TimeZone) -> Quote {
    let signed = |by: Option<&str>, at: Option<Timestamp>| {
        let by = by.map(|by| cut(&plain::line(by), 60)).filter(|by| !by.is_empty());
        [by, at.map(|at| said(at, zone))].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    match evidence {
        Evidence::Words { quote, .. } => {
            Quote { text: cut(&plain::line(quote), QUOTE_CHARS), is_words: true, by: signed(by, at) }
        }
        Evidence::Event { kind, actor, subject, at } => {
            let what = plain::line(&kind.replace('_', " "));
            let of = subject.as_deref().map(|subject| format!(": {}", plain::line(subject))).unwrap_or_default();
            let text = cut(&format!("{what}{of}"), QUOTE_CHARS);
            Quote { text, is_words: false, by: signed(actor.as_deref().or(by), Some(*at)) }
        }
    }
}

fn silence(id: &str) -> Vec<Command> {
    let id = shell_word(&plain::line(id));
    vec![
        Command { line: format!("bluf ack {id}"), means: "it is being seen to" },
        Command { line: format!("bluf snooze {id} 1bd"), means: "remind again in one working day" },
        Command { line: format!("bluf waive {id} --reason \"…\""), means: "it is not needed any more" },
    ]
}

/// An address that is a link and can be nothing else, whatever markup it is put into.
fn link(address: &str) -> Option<String> {
    let known = address.starts_with("https://") || address.starts_with("http://");
    let plain = address.chars().all(|c| c.is_ascii_graphic() && !"<>\"'`|\\^{}".contains(c));
    (known && plain && address.len() <= LINK_BYTES).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_is_nothing_but_a_link() {
        assert!(link("https://a.example/x?y=1&z=(2)#f").is_some());
        for wrong in
            ["javascript:alert(1)", "https://a.example/|x", "http://a/>", "https://a/ b", "https://a/\u{202e}", "//a"]
        {
            assert_eq!(link(wrong), None, "{wrong}");
        }
    }
}
