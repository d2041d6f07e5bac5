//! Documents that propose something: what their history says of where they stand, and how long they may be silent.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::{
    debt::{Debt, Ended, Mark},
    decision::waits,
    history::{History, Move, Step},
};
use crate::{
    domain::{How, Kind},
    pattern::compiled,
    time::interval::shifted,
};

const DAY_SECS: i64 = 86_400;
/// Changes that follow each other so closely are one piece of work.
const ONE_WORK_SECS: i64 = 3 * DAY_SECS;
/// A document is too quiet when it has been so for a week and twice the longest that it ever was before, and at the latest
/// after five months; one that never changed counts as if it had rested for a month. Chosen on the training threads.
const QUIET_DAYS: i64 = 7;
const OF_LONGEST_REST: i64 = 2;
const MOST_QUIET_DAYS: i64 = 150;
const REST_OF_NEW_SECS: i64 = 30 * DAY_SECS;

/// Changes that say nothing of where a document stands: wording, form, many documents at once.
static FORMAL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(typos?|spelling|codespell|lint|format(ting)?|whitespace|highlighting|links?|urls?|https|header|markup|reflow|grammar|editorial|tweaks?|nits?|clean ?up|metadata|discussions?-to|post-history|e-?mails?|address(es)?|author header|copyright|licen[cs]e|sphinx|rst|roles|toc|tables? of contents|template|convert|rename|move|redirect|relative path|minor|bulk|many|various|several|across|all (pep|eip|kep)s?)\b|\b(PEP|EIP|KEP)s \d",
    )
});
static DECIDES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(accept(ed|ing|ances?|s)?|approv(ed?|al)|final(ize[sd]?)?|last call|implemented|implementable|(as|to|is) provisional(ly)?|provisional(ly)? accept\w*|provisional status|graduat\w+|promot\w+|ga|stable|pronouncement|rejection of|superseded|as rejected)\b|: rejected\b|\breject (pep|eip|kep|rfc)",
    )
});
/// A change of where links lead promotes nothing.
static LINKS: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\b(links? to https|https links?)\b"));
static PUTS_OFF: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(defer(red|s|ral)?|withdraw\w*|postpone[ds]?|stagnant|abandon(ed)?|inactive|stale|on hold|shelved?|up for grabs)\b",
    )
});
/// Who proposed it and rejects it gives it up.
static REJECTS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\breject(ed|s|ing)?\b( (pep|eip|kep|rfc)|[^a-z]*$|[.:] )"));
static TAKES_UP: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(revive[ds]?|un-?defer\w*|reactivat\w*|resurrect\w*|un-?reject\w*)\b"));
/// What a document says of itself while it waits for a decision, and once it has one.
static UNDECIDED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(draft|propos(al|ed)|open|(in|under) (review|discussion)|review|discussion|rfc|wip|in progress|pending)\b",
    )
});
static DECIDED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b(accepted|approved|adopted|final|active|living|implement(ed|able)|done|provisional|published|rejected|superseded|replaced|obsolete)\b",
    )
});
static GIVEN_UP: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)\b(withdrawn|abandoned|cancell?ed)\b"));

/// Clauses about other documents of the same sort: "Mark 342 and 343 as accepted. Mark 254 as abandoned."
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(?:(?:pep|eip|kep|rfc|bip)s?[ -]?|mark |and )0*(\d+)\b"));
/// Many documents that have been put off, or what a proposal does with such.
static OF_OTHERS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)^ (pep|eip|kep|rfc|proposal|item|feature|issue)s\b"));
/// What records or plans a course of events is not itself waiting for a decision.
static RECORDS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?i)\b((release|development) schedule|roadmap|(council|board|committee) elections?)\b")
});

/// Where a document stands by its own history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It waits for a decision.
    Open,
    PutOff(Mark),
    Ended(Ended),
}

/// Whether a thread is a document with its changes, not a talk.
pub(super) fn is_document(history: &History<'_>) -> bool {
    let pushed = history.steps.iter().filter(|step| step.does == Move::Pushes).count();
    let first = history.thread.messages.first().map_or("", |message| &message.text);
    let talk = history.steps.iter().filter(|step| step.message.is_some()).count() - written(history).count();
    match history.thread.kind {
        Kind::Review => false,
        Kind::Document => true,
        _ => first.starts_with("[document") || (pushed > 0 && talk <= 1),
    }
}

/// What a document owes: whoever proposed it waits for a decision. One that says nothing of where it stands, as a page of a
/// handbook does, proposes nothing. A change after too long a silence begins the wait anew, so each stall is one of its own.
pub(super) fn debts(history: &History<'_>) -> Vec<Debt> {
    let states = || history.steps.iter().filter(|step| step.does == Move::States);
    let states_it = history.thread.kind != Kind::Document || states().any(|step| UNDECIDED.is_match(step.text));
    let proposes = states_it && !RECORDS.is_match(&history.thread.title);
    let written = history.steps.first().filter(|_| history.thread.kind != Kind::Document);
    let Some(first) = written.or_else(|| changes(history).next()).filter(|_| proposes) else { return Vec::new() };
    let wait = |opened: Mark| waits(vec![first.who.to_string()], first.who.to_string(), opened);
    let mut open = wait(first.mark);
    let mut debts = Vec::new();
    for Stall { quiet_at, broken_by } in stalls(history) {
        let ended = Some(Ended { by: broken_by, how: How::Superseded });
        debts.push(Debt { ended, stated_due: Some(quiet_at), ..open });
        open = wait(broken_by);
    }
    open.ended = match standing(history) {
        Standing::Ended(ended) => Some(ended),
        Standing::Open | Standing::PutOff(_) => None,
    };
    debts.push(open);
    debts
}

/// Where the last change that says anything of it leaves it.
pub(super) fn standing(history: &History<'_>) -> Standing {
    let mut standing = Standing::Open;
    for step in &history.steps {
        standing = after(history, standing, step);
        if step.does == Move::Closes {
            break;
        }
    }
    standing
}

fn after(history: &History<'_>, before: Standing, step: &Step<'_>) -> Standing {
    let ended = |how| Standing::Ended(Ended { by: step.mark, how });
    let by_author = || changes(history).next().is_some_and(|first| first.who == step.who);
    match step.does {
        Move::Closes => ended(How::Met),
        Move::States if GIVEN_UP.is_match(step.text) => ended(How::Withdrawn),
        Move::States if DECIDED.is_match(step.text) => ended(How::Met),
        Move::States if PUTS_OFF.is_match(step.text) => Standing::PutOff(step.mark),
        Move::States if UNDECIDED.is_match(step.text) => Standing::Open,
        Move::Pushes if says(history, &TAKES_UP, step) => Standing::Open,
        Move::Pushes if says(history, &PUTS_OFF, step) => Standing::PutOff(step.mark),
        Move::Pushes if says(history, &REJECTS, step) && by_author() => Standing::PutOff(step.mark),
        Move::Pushes if says(history, &DECIDES, step) && !LINKS.is_match(step.text) => ended(How::Met),
        _ => before,
    }
}

/// A silence that was too long, or a putting-off, and the step that broke it.
struct Stall {
    quiet_at: Timestamp,
    broken_by: Mark,
}

/// The stalls that are over.
fn stalls(history: &History<'_>) -> Vec<Stall> {
    let substance: Vec<(Mark, Timestamp)> = substance(history);
    let mut rhythm = Rhythm::default();
    let (mut standing, mut stalls) = (Standing::Open, Vec::new());
    for step in &history.steps {
        let before = standing;
        standing = after(history, before, step);
        if step.does == Move::Closes {
            break;
        }
        let quiet_at = match before {
            Standing::Open => rhythm.quiet_at(),
            Standing::PutOff(mark) => mark.at(history.thread),
            Standing::Ended(_) => None,
        };
        let changed = substance.iter().find(|(mark, _)| *mark == step.mark).map(|(_, at)| *at);
        let broken = match before {
            Standing::PutOff(_) => standing == Standing::Open,
            _ => standing == Standing::Open && changed > quiet_at,
        };
        if let Some(quiet_at) = quiet_at.filter(|_| broken) {
            stalls.push(Stall { quiet_at, broken_by: step.mark });
        }
        if let Some(at) = changed {
            rhythm.add(at);
        }
    }
    stalls
}

/// Whether a change says one of these words of this document, other than as part of its title.
fn says(history: &History<'_>, words: &Regex, step: &Step<'_>) -> bool {
    let title = history.thread.title.to_lowercase();
    let named = |word: &str| title.contains(word.to_lowercase().trim_matches([':', ' ']));
    let own = number(&history.thread.id);
    let numbers = |text: &'_ str| {
        NUMBER.captures_iter(text).map(|found| found.extract::<1>().1[0].to_string()).collect::<Vec<_>>()
    };
    let is_own = |number: &String| own == Some(number);
    let names_own = numbers(step.text).iter().any(is_own);
    step.text.split_inclusive(". ").any(|clause| {
        let named_here = numbers(clause);
        let of_others = names_own && !named_here.is_empty() && !named_here.iter().any(is_own);
        let mut said = words.find_iter(clause).filter(|found| !OF_OTHERS.is_match(&clause[found.end()..]));
        !of_others && said.any(|found| !named(found.as_str()))
    })
}

/// The number that a document is known by: the first in `pep-0342` or `docs/0342-title.md`.
fn number(id: &str) -> Option<&str> {
    let digits = id.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?;
    Some(digits.trim_start_matches('0')).filter(|number| !number.is_empty())
}

/// When its last change of substance was, and when its silence since is longer than its own rhythm bears.
pub(super) fn silence(history: &History<'_>) -> Option<(Timestamp, Timestamp)> {
    let mut rhythm = Rhythm::default();
    substance(history).into_iter().for_each(|(_, at)| rhythm.add(at));
    Some((rhythm.last?, rhythm.quiet_at()?))
}

/// How often a document changed.
#[derive(Default)]
struct Rhythm {
    last: Option<Timestamp>,
    /// When the last piece of work was begun.
    work: Option<Timestamp>,
    /// From the beginning of a piece of work to that of the next. Seconds.
    longest_rest: Option<i64>,
}

impl Rhythm {
    fn add(&mut self, at: Timestamp) {
        let rest = self.work.map(|work| at.as_second() - work.as_second());
        if rest.is_none_or(|rest| rest > ONE_WORK_SECS) {
            self.work = Some(at);
            self.longest_rest = self.longest_rest.max(rest);
        }
        self.last = Some(at);
    }

    fn quiet_at(&self) -> Option<Timestamp> {
        let longest = self.longest_rest.unwrap_or(REST_OF_NEW_SECS);
        let bears = (QUIET_DAYS * DAY_SECS + OF_LONGEST_REST * longest).min(MOST_QUIET_DAYS * DAY_SECS);
        self.last.map(|last| shifted(last, bears))
    }
}

/// Its changes that are more than form, where their source says when.
fn substance(history: &History<'_>) -> Vec<(Mark, Timestamp)> {
    let of_substance = |(nth, step): &(usize, &Step<'_>)| *nth == 0 || !FORMAL.is_match(step.text);
    let changes = changes(history).enumerate().filter(of_substance);
    changes.filter_map(|(_, step)| Some((step.mark, step.mark.at(history.thread)?))).collect()
}

/// Its changes, or the document as it was proposed where nothing tells of changes.
fn changes<'h, 'a>(history: &'h History<'a>) -> impl Iterator<Item = &'h Step<'a>> {
    let pushed = history.steps.iter().any(|step| step.does == Move::Pushes);
    let of_document = history.thread.kind == Kind::Document;
    history.steps.iter().filter(move |step| match step.does {
        Move::Pushes => true,
        _ => !pushed && !of_document && step.message.is_some(),
    })
}

/// Changes that are told as messages.
fn written<'h, 'a>(history: &'h History<'a>) -> impl Iterator<Item = &'h Step<'a>> {
    history.steps.iter().filter(|step| step.does == Move::Pushes && step.message.is_some())
}
