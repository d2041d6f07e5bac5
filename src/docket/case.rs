//! From a thread's debts to readings: what each is matched by, when its clock stood still, and who owes it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    Entry,
    owner::{Measure, Owners},
    rules::{Rules, zone_name},
    turn::Turns,
};
use crate::{
    court::{self, Ruling},
    domain::{Event, Metric, Moment, Obligation, ObligationKind, Thread, ThreadActs},
    sla::{
        Assessment, Case, Goal, Pause, Subject,
        assess::assess_thread,
        pause::{PauseWhen, pauses},
    },
    time::{Calendar, WorkClock},
};

/// What one of its owners makes of an obligation: a policy may be theirs alone, and so may the hours.
#[derive(Debug)]
struct Reading<'a> {
    /// Index of the obligation.
    of: usize,
    goal: Option<Goal<'a>>,
    pauses: Vec<Pause>,
    owner: Option<&'a Calendar>,
}

/// Everything that a thread left somebody owing by an instant, with what decides on its deadline.
#[derive(Debug)]
pub struct Matters<'a> {
    obligations: Vec<Obligation>,
    readings: Vec<Reading<'a>>,
    now: Timestamp,
}

impl<'a> Matters<'a> {
    /// Of `thread`, whose sentences are read as `acts`, by `now`.
    pub fn of(thread: &Thread, acts: &ThreadActs, rules: &'a Rules, now: Timestamp) -> Matters<'a> {
        Matters::ruled(thread, &court::ruling(thread, acts, now), rules, now)
    }

    pub(super) fn ruled(thread: &Thread, ruling: &Ruling, rules: &'a Rules, now: Timestamp) -> Matters<'a> {
        let mut obligations: Vec<Obligation> =
            ruling.debts.iter().filter_map(|debt| debt.obligation(thread)).filter(|o| o.opened_at <= now).collect();
        let happened: Vec<Event> = thread.events.iter().filter(|event| by(event.at, now)).cloned().collect();
        let (labels, priority) = (labels(&happened), priority(&happened));
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
                // A stall that is over has a deadline of its own.
                let quiet_at = obligation.stated_due.unwrap_or(quiet_at);
                obligation.stated_due = Some(document_due(rules, &base, obligation.opened_at).unwrap_or(quiet_at));
            }
        }
        let turns = Turns::of(&obligations);
        let mut owners = Owners::of(thread, rules, base);
        let mut readings = Vec::with_capacity(obligations.len());
        for (of, obligation) in obligations.iter().enumerate() {
            let mut asked_back = None;
            let named = obligation.owed_by.iter().map(|name| Some(name.as_str()));
            let nobody = obligation.owed_by.is_empty().then_some(None);
            for owner in named.chain(nobody) {
                let Measure { goal, conditions, owner } = owners.measure(owner, obligation.metric);
                let goal = goal.or_else(|| obligation.stated_due.map(|_| rules.stated(obligation.metric)));
                let waits = conditions.contains(&PauseWhen::WaitingOnAsker);
                let turns = if waits { asked_back.get_or_insert_with(|| turns.of_asker(obligation)) } else { &[][..] };
                readings.push(Reading { of, goal, pauses: pauses(conditions, &happened, turns), owner });
            }
        }
        Matters { obligations, readings, now }
    }

    /// One case an obligation: where several people owe one thing, that of the earliest deadline, and then of the earliest
    /// warning, among them.
    pub fn cases(&self) -> Vec<Case<'_>> {
        self.best().into_iter().map(|(_, reading, _)| self.case(reading)).collect()
    }

    pub(super) fn entries(mut self, rules: &Rules) -> Vec<Entry> {
        let best: Vec<(usize, Assessment)> = self.best().into_iter().map(|(at, _, found)| (at, found)).collect();
        let mut zones: HashMap<*const Calendar, String> = HashMap::new();
        let mut obligations: Vec<Option<Obligation>> = self.obligations.drain(..).map(Some).collect();
        let mut entries = Vec::with_capacity(best.len());
        for (at, assessment) in best {
            let Reading { of, goal, pauses, owner } = &mut self.readings[at];
            // Every obligation has one best reading.
            let Some(obligation) = obligations[*of].take() else { continue };
            let calendar = owner.or(goal.and_then(|goal| goal.calendar));
            let zone = zones.entry(calendar.map_or(std::ptr::null(), std::ptr::from_ref));
            let zone = zone.or_insert_with(|| zone_name(calendar.map_or(&rules.zone, Calendar::zone))).clone();
            let round_the_clock = goal.is_some_and(|goal| goal.calendar.is_none());
            entries.push(Entry { obligation, assessment, pauses: std::mem::take(pauses), zone, round_the_clock });
        }
        entries
    }

    /// The place of each obligation's best reading, it, and what comes of it.
    fn best(&self) -> Vec<(usize, &Reading<'a>, Assessment)> {
        let cases: Vec<Case<'_>> = self.readings.iter().map(|reading| self.case(reading)).collect();
        let mut best: Vec<(usize, &Reading<'a>, Assessment)> = Vec::with_capacity(self.obligations.len());
        for (at, (reading, found)) in self.readings.iter().zip(assess_thread(&cases, self.now)).enumerate() {
            match best.last_mut().filter(|(_, held, _)| held.of == reading.of) {
                Some(held) if sooner(&found) < sooner(&held.2) => *held = (at, reading, found),
                Some(_) => {}
                None => best.push((at, reading, found)),
            }
        }
        best
    }

    fn case<'m>(&'m self, reading: &'m Reading<'a>) -> Case<'m> {
        let Reading { of, goal, pauses, owner } = reading;
        Case { obligation: &self.obligations[*of], goal: *goal, pauses, owner: *owner }
    }
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
