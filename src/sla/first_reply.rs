//! How long threads wait for anybody's first word in reply, by the clock on the wall, asked or not.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::report::{FEWEST_PEOPLE, percentile};
use crate::domain::{Message, Moment, Thread};

/// What reviewers do without a word.
const VERDICTS: [&str; 3] = ["reviewed", "approved", "changes_requested"];

/// First replies of some threads. Seconds on the wall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FirstReplies {
    /// Fewer than five people take part, so no time is shown.
    pub hidden: bool,
    pub threads: usize,
    /// Those in which somebody else than whoever began wrote as well.
    pub answered: usize,
    pub median_wall_secs: Option<i64>,
    pub p90_wall_secs: Option<i64>,
    pub longest_wall_secs: Option<i64>,
}

/// The figures over `threads`.
pub fn first_replies<'t>(threads: impl Iterator<Item = &'t Thread>) -> FirstReplies {
    let mut found = FirstReplies::default();
    let (mut people, mut waits) = (BTreeSet::new(), Vec::new());
    for thread in threads {
        people.extend(thread.messages.iter().filter_map(who));
        found.threads += 1;
        waits.extend(first_reply_secs(thread));
    }
    found.answered = waits.len();
    found.hidden = people.len() < FEWEST_PEOPLE;
    if !found.hidden {
        found.median_wall_secs = percentile(&waits, 50.0);
        found.p90_wall_secs = percentile(&waits, 90.0);
        found.longest_wall_secs = waits.iter().copied().max();
    }
    found
}

/// From the first message to the first word of somebody else, in the order they came; a verdict on a change is one, said
/// or not.
pub fn first_reply_secs(thread: &Thread) -> Option<i64> {
    let sent = thread.messages.iter().filter_map(|message| Some((on_one_clock(message.sent_at?)?, message)));
    let mut sent: Vec<_> = sent.filter(|(_, message)| !message.bot).collect();
    sent.sort_by_key(|(at, _)| *at);
    let (began_at, first) = *sent.first()?;
    let said = sent.iter().find(|(_, message)| who(message).is_some() && who(message) != who(first));
    let judged = thread.events.iter().filter(|event| VERDICTS.contains(&event.kind.as_str()));
    let by_other = judged.filter(|event| event.actor.as_ref().is_some_and(|actor| is_other(actor, first)));
    let judged = by_other.filter_map(|event| on_one_clock(event.at?)).filter(|at| *at >= began_at).min();
    let at = said.map(|(at, _)| *at).into_iter().chain(judged).min()?;
    Some(at.as_second() - began_at.as_second())
}

/// Whether an event's actor is a person other than whoever wrote `first`.
fn is_other(actor: &str, first: &Message) -> bool {
    let wrote = [&first.author, &first.author_id].into_iter().flatten().any(|name| name == actor);
    !wrote && !actor.ends_with("[bot]")
}

/// Archives that name no zone tell how long something took all the same, but for a change of their clock.
fn on_one_clock(moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::Local(at) => at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()),
        moment => moment.instant(),
    }
}

/// An account where the source tells it, else a name.
fn who(message: &Message) -> Option<&str> {
    message.author_id.as_deref().or(message.author.as_deref())
}

#[cfg(test)]
mod tests {
    use super::{first_replies, first_reply_secs};
    use crate::domain::{Event, Kind, Message, Moment, Thread};

    fn thread(lines: &[(&str, &str)]) -> Thread {
        let message = |(at, author): &(&str, &str)| Message {
            author: Some(author.to_string()),
            sent_at: Moment::parse(at),
            bot: author.ends_with("[bot]"),
            ..Message::default()
        };
        Thread {
            source: String::new(),
            kind: Kind::Email,
            id: String::new(),
            title: String::new(),
            url: None,
            channel: None,
            participants: Vec::new(),
            messages: lines.iter().map(message).collect(),
            events: Vec::new(),
            as_of: None,
        }
    }

    #[test]
    fn a_verdict_without_a_word_is_a_reply() {
        let verdict = |actor: &str, kind: &str, at| Event {
            at: Moment::parse(at),
            kind: kind.to_string(),
            actor: Some(actor.to_string()),
            subject: None,
        };
        let mut change = thread(&[("2026-11-16T09:00:00Z", "ana"), ("2026-11-16T11:00:00Z", "bo")]);
        change.events = vec![
            verdict("ana", "reviewed", "2026-11-16T09:01:00Z"),
            verdict("x[bot]", "approved", "2026-11-16T09:02:00Z"),
            verdict("cy", "labelled", "2026-11-16T09:03:00Z"),
            verdict("cy", "approved", "2026-11-16T09:04:00Z"),
        ];
        assert_eq!(first_reply_secs(&change), Some(240));
    }

    #[test]
    fn only_somebody_elses_word_is_a_reply() {
        let threads = [
            thread(&[("2026-11-16T09:00:00Z", "ana"), ("2026-11-16T09:01:00Z", "ana"), ("2026-11-16T09:02:00Z", "bo")]),
            thread(&[
                ("2026-11-16T09:00:00Z", "cy"),
                ("2026-11-16T09:01:00Z", "x[bot]"),
                ("2026-11-16T10:00:00Z", "di"),
            ]),
            thread(&[("2026-11-16T09:00:00Z", "ed")]),
        ];
        let found = first_replies(threads.iter());
        assert_eq!((found.threads, found.answered, found.hidden), (3, 2, false));
        assert_eq!((found.median_wall_secs, found.longest_wall_secs), (Some(120), Some(3_600)));
        let few = first_replies(threads[..1].iter());
        assert_eq!((few.hidden, few.answered, few.median_wall_secs), (true, 1, None));
    }
}
