//! From a thread's debts to readings: what each is matched by, when its clock stood still, and who owes it.

use jiff::Timestamp;

use super::{
    Entry,
    rules::{Rules, zone_name},
};
use crate::{
    court::Ruling,
    domain::{Event, Metric, Moment, Obligation, ObligationKind, Thread},
    sla::{Assessment, Case, Goal, Pause, Subject, assess::assess_thread, pause::pauses},
    time::{Calendar, WorkClock},
};

/// A stretch in which it was somebody else's turn; without an end it lasts.
type Turn = (Timestamp, Option<Timestamp>);

/// What one of its owners makes of an obligation: a policy may be theirs alone, and so may the hours.
struct Reading<'a> {
    /// Index of the obligation.
    of: usize,
    goal: Option<Goal<'a>>,
    pauses: Vec<Pause>,
    owner: Option<&'a Calendar>,
}

/// Every obligation that was opened by `now`, read at `now`. Where several people owe one thing, the earliest deadline and
/// the earliest warning among them count.
pub(super) fn entries(thread: &Thread, ruling: &Ruling, rules: &Rules, now: Timestamp) -> Vec<Entry> {
    let mut obligations: Vec<Obligation> =
        ruling.debts.iter().filter_map(|debt| debt.obligation(thread)).filter(|o| o.opened_at <= now).collect();
    let happened: Vec<Event> = thread.events.iter().filter(|event| by(event.at, now)).cloned().collect();
    let (labels, priority) = (labels(&happened), priority(&happened));
    let people = |obligation: &Obligation| -> Vec<Vec<String>> {
        let named = obligation.owed_by.iter().map(|owner| aliases(thread, rules, owner));
        let named: Vec<Vec<String>> = named.collect();
        if named.is_empty() { vec![Vec::new()] } else { named }
    };
    let base = Subject {
        source: &thread.source,
        channel: thread.channel.as_deref(),
        kind: thread.kind.as_str(),
        labels: &labels,
        priority: priority.as_deref(),
        people: &[],
    };
    for obligation in obligations.iter_mut().filter(|o| o.kind == ObligationKind::Decision) {
        if let Some(quiet_at) = ruling.quiet_at {
            obligation.stated_due = Some(document_due(rules, &base, obligation.opened_at).unwrap_or(quiet_at));
        }
    }
    let mut readings = Vec::new();
    for (of, obligation) in obligations.iter().enumerate() {
        let turns = askers_turns(obligation, &obligations);
        for people in people(obligation) {
            let subject = Subject { people: &people, ..base };
            let goal = rules.policies.goal(&subject, obligation.metric);
            let goal = goal.or_else(|| obligation.stated_due.map(|_| rules.stated(obligation.metric)));
            let conditions = rules.policies.pause_conditions(&subject, obligation.metric);
            let owner = people.iter().find_map(|name| rules.person(name)).map(|person| &person.calendar);
            readings.push(Reading { of, goal, pauses: pauses(conditions, &happened, &turns), owner });
        }
    }
    read(obligations, &readings, rules, now)
}

fn read(obligations: Vec<Obligation>, readings: &[Reading<'_>], rules: &Rules, now: Timestamp) -> Vec<Entry> {
    let cases: Vec<Case<'_>> = readings
        .iter()
        .map(|r| Case { obligation: &obligations[r.of], goal: r.goal, pauses: &r.pauses, owner: r.owner })
        .collect();
    let mut best: Vec<Option<(Assessment, &Reading<'_>)>> = obligations.iter().map(|_| None).collect();
    for (reading, assessment) in readings.iter().zip(assess_thread(&cases, now)) {
        let slot = &mut best[reading.of];
        if slot.as_ref().is_none_or(|(held, _)| sooner(&assessment) < sooner(held)) {
            *slot = Some((assessment, reading));
        }
    }
    let with_reading = obligations.iter().zip(best).filter_map(|(obligation, best)| Some((obligation, best?)));
    with_reading
        .map(|(obligation, (assessment, reading))| {
            let calendar = reading.owner.or(reading.goal.and_then(|goal| goal.calendar));
            let zone = zone_name(calendar.map_or(&rules.zone, Calendar::zone));
            let round_the_clock = reading.goal.is_some_and(|goal| goal.calendar.is_none());
            let (obligation, pauses) = (obligation.clone(), reading.pauses.clone());
            Entry { obligation, assessment, pauses, zone, round_the_clock }
        })
        .collect()
}

/// Orders readings of one obligation: the first deadline, then the first warning.
fn sooner(assessment: &Assessment) -> (Timestamp, Timestamp) {
    (assessment.due_at.unwrap_or(Timestamp::MAX), assessment.warn_at.unwrap_or(Timestamp::MAX))
}

/// When a document's decision is due by the configuration: its goal, after the review window where there is one. `None`
/// where only what we ship would say: then the document's own silence tells.
fn document_due(rules: &Rules, subject: &Subject<'_>, opened: Timestamp) -> Option<Timestamp> {
    let decision = rules.policies.written_goal(subject, Metric::Decision)?;
    let review = rules.policies.written_goal(subject, Metric::Review);
    let after = |goal: &Goal<'_>, from| WorkClock::of(goal.span, goal.calendar, Vec::new()).due(from, goal.span);
    let reviewed = review.map_or(Some(opened), |review| after(&review, opened))?;
    after(&decision, reviewed)
}

/// The turns that were the asker's: whoever is owed was asked something back by whoever owes, and had not answered.
fn askers_turns(obligation: &Obligation, all: &[Obligation]) -> Vec<Turn> {
    let meet = |one: &[String], other: &[String]| one.iter().any(|who| other.contains(who));
    let asked_back = |other: &&Obligation| {
        other.kind == ObligationKind::Reply
            && other.id != obligation.id
            && other.opened_at > obligation.opened_at
            && meet(&other.owed_by, &obligation.owed_to)
            && (obligation.owed_by.is_empty() || meet(&other.owed_to, &obligation.owed_by))
    };
    let span = |other: &Obligation| (other.opened_at, other.closed.as_ref().map(|closed| closed.at));
    all.iter().filter(asked_back).map(span).collect()
}

/// Every name that somebody goes by in this thread and in the configuration.
fn aliases(thread: &Thread, rules: &Rules, owner: &str) -> Vec<String> {
    let mut names = vec![owner.to_string()];
    let accounts = thread.messages.iter().filter(|message| message.author.as_deref() == Some(owner));
    names.extend(accounts.filter_map(|message| message.author_id.clone()).take(1));
    let person = names.iter().find_map(|name| rules.person(name));
    names.extend(person.map(|person| person.name.clone()));
    names
}

/// Labels that a thread bears after its events.
fn labels(events: &[Event]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for event in events {
        let Some(label) = event.subject.as_deref() else { continue };
        match event.kind.as_str() {
            "labelled" | "labeled" => labels.push(label.to_string()),
            "unlabelled" | "unlabeled" => labels.retain(|known| !known.eq_ignore_ascii_case(label)),
            _ => {}
        }
    }
    labels
}

/// The priority that was set last: by an event of its own, or by a label such as `priority:high` or `P1`.
fn priority(events: &[Event]) -> Option<String> {
    events.iter().rev().find_map(|event| {
        let subject = event.subject.as_deref()?.trim();
        match event.kind.as_str() {
            "priority" | "priority_changed" => Some(subject.to_string()),
            "labelled" | "labeled" => priority_label(subject),
            _ => None,
        }
    })
}

fn priority_label(label: &str) -> Option<String> {
    let lower = label.to_lowercase();
    let named = lower.strip_prefix("priority").map(|rest| rest.trim_start_matches([':', '/', '-', ' ']));
    let short = || lower.strip_prefix('p').filter(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    named.filter(|word| !word.is_empty()).map(str::to_string).or_else(|| short().map(|_| lower.clone()))
}

/// Whether something had happened; what states no instant is taken to have.
fn by(at: Option<Moment>, now: Timestamp) -> bool {
    at.and_then(Moment::instant).is_none_or(|at| at <= now)
}
