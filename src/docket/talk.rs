//! When people go back and forth without a decision: a quarter of an hour together, with an agenda and common hours.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Entry, Rules, cite, line::shown};
use crate::{
    court::is_bot,
    domain::{
        Health, Kind, ObligationKind, SpeechAct, Thread, ThreadActs,
        summary::{Cite, Flag},
    },
    time::{Calendar, Interval, interval::common},
};

/// So many of a thread's last turns are looked at, of which so many must change the speaker.
const TURNS: usize = 10;
const CHANGES: usize = 7;
/// Between so many people, in so short a time, in so few words a turn (the middle one of them).
const MOST_PEOPLE: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
const MOST_WORDS: usize = 60;
/// Talks that are over are over: the last turn is at most so old.
const FRESH: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Items of an agenda.
const MOST_ITEMS: usize = 3;
/// What a talk takes, in seconds, and how far ahead people's common hours are looked for.
const TALK_SECS: i64 = 15 * 60;
const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Who should talk, about what, and when they are both at work.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Talk {
    pub people: Vec<String>,
    pub minutes: u32,
    /// The open matters, at most three, in the words that opened them.
    pub agenda: Vec<Cite>,
    /// The next hours that all of them have in common, where their calendars are known: RFC 3339, from and to.
    pub common_hours: Option<(String, String)>,
}

/// The talk that would settle a thread; `None` where nobody goes back and forth.
pub(super) fn talk(
    thread: &Thread,
    acts: &ThreadActs,
    entries: &[Entry],
    rules: &Rules,
    now: Timestamp,
) -> Option<Talk> {
    let people = back_and_forth(thread, acts, now)?;
    let open = entries.iter().filter(|entry| entry.is_open());
    let mut matters: Vec<&Entry> = open.filter(|entry| entry.obligation.kind != ObligationKind::Owner).collect();
    matters.sort_by_key(|entry| (entry.assessment.health != Health::Breached, entry.obligation.opened_at));
    let agenda: Vec<Cite> =
        matters.iter().filter_map(|entry| cite(thread, &entry.obligation.opened_by)).take(MOST_ITEMS).collect();
    if agenda.is_empty() {
        return None;
    }
    let common_hours = common_hours(&people, rules, now);
    Some(Talk { people, minutes: (TALK_SECS / 60) as u32, agenda, common_hours })
}

/// The flag that goes with it.
pub(super) fn flag(thread: &Thread, talk: &Talk) -> Flag {
    let last = thread.messages.iter().rev().filter(|message| !message.bot).take(TURNS).last();
    let names = match &talk.people[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        people => people.join(""),
    };
    Flag {
        kind: "ping_pong",
        severity: "low",
        since: last.and_then(|message| message.sent_at).map(|at| at.to_string()),
        owed_by: Vec::new(),
        owed_to: talk.people.clone(),
        due_at: None,
        health: Health::OnTrack.as_str(),
        reason: format!("{names} go back and forth without a decision; a short talk may settle it."),
        cites: talk.agenda.clone(),
    }
}

/// Who takes turns in short messages that bring no decision.
fn back_and_forth(thread: &Thread, acts: &ThreadActs, now: Timestamp) -> Option<Vec<String>> {
    if !matches!(thread.kind, Kind::Chat | Kind::Email | Kind::Issue | Kind::Review) {
        return None;
    }
    let spoken = thread.messages.iter().enumerate().rev();
    let turns: Vec<usize> = spoken
        .filter(|(_, m)| !m.bot && m.author.as_deref().is_some_and(|a| !is_bot(a)))
        .map(|(at, _)| at)
        .take(TURNS)
        .collect();
    if turns.len() < TURNS {
        return None;
    }
    let author = |at: &usize| thread.messages[*at].author.as_deref().unwrap_or_default();
    let mut people: Vec<String> = Vec::new();
    for who in turns.iter().rev().map(author) {
        if !people.iter().any(|known| known == who) {
            people.push(who.to_string());
        }
    }
    let changes = turns.windows(2).filter(|pair| author(&pair[0]) != author(&pair[1])).count();
    let mut words: Vec<usize> = turns.iter().map(|at| thread.messages[*at].text.split_whitespace().count()).collect();
    words.sort_unstable();
    let instant = |at: &usize| thread.messages[*at].sent_at.and_then(|sent| sent.instant());
    let (last, first) = (instant(turns.first()?)?, instant(turns.last()?)?);
    let decided = acts.sentences.iter().any(|s| turns.contains(&s.span.message) && s.act == SpeechAct::Decision);
    let closed = thread.events.iter().any(|event| matches!(event.kind.as_str(), "closed" | "merged"));
    let fits = (2..=MOST_PEOPLE).contains(&people.len())
        && changes >= CHANGES
        && words[words.len() / 2] <= MOST_WORDS
        && last.duration_since(first) <= WITHIN
        && now.duration_since(last) <= FRESH;
    (fits && !decided && !closed).then_some(people)
}

/// The next hours that everybody is at work in and that are long enough.
fn common_hours(people: &[String], rules: &Rules, now: Timestamp) -> Option<(String, String)> {
    let calendars: Vec<&Calendar> =
        people.iter().map(|who| rules.person(who).map(|person| &person.calendar)).collect::<Option<_>>()?;
    let until = now.checked_add(AHEAD).ok()?;
    let open = |calendar: &&Calendar| calendar.stretches_between(now, until).collect::<Vec<Interval>>();
    let shared = calendars.iter().map(open).reduce(|one, other| common(&one, &other))?;
    let next = shared.into_iter().find(|hours| hours.secs() >= TALK_SECS)?;
    let zone = super::rules::zone_name(&rules.zone);
    Some((shown(next.from, &zone), shown(next.to, &zone)))
}
