//! Dockets of threads written for the purpose: every kind opens, warns, is late, stands still and ends.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Docket, Entry, Person, Rules, docket};
use crate::{
    domain::{
        Event, Health, Kind, Message, Metric, Moment, ObligationKind, Sentence, Span, SpeechAct, Thread, ThreadActs,
    },
    sla::{Policies, PolicyConfig},
    time::{Calendar, PersonHours},
};

use SpeechAct::{Answer, Ask, Blocker, Commitment, Decision, Other, Proposal, Question, Status};

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// A thread of (when, author, act, text).
fn thread(kind: Kind, lines: &[(&str, &str, SpeechAct, &str)]) -> (Thread, ThreadActs) {
    let mut participants: Vec<String> = Vec::new();
    let (mut messages, mut acts) = (Vec::new(), ThreadActs::default());
    for (i, (when, author, act, text)) in lines.iter().enumerate() {
        if !participants.iter().any(|known| known == author) {
            participants.push(author.to_string());
        }
        messages.push(Message {
            id: format!("m{i}"),
            author: Some(author.to_string()),
            sent_at: Some(Moment::utc(at(when))),
            text: text.to_string(),
            ..Message::default()
        });
        acts.sentences.push(Sentence {
            span: Span::new(i, 0..text.len()),
            act: *act,
            probability: 1.0,
            acts: [0.0; 11],
            salience: 0.5,
            decision: 0.0,
            action: 1.0,
            addressee: None,
            due: None,
            words: text.split_whitespace().count(),
        });
    }
    let thread = Thread {
        source: "team".to_string(),
        kind,
        id: "t".to_string(),
        title: String::new(),
        url: None,
        channel: None,
        participants,
        messages,
        events: Vec::new(),
        as_of: None,
    };
    (thread, acts)
}

fn event(when: &str, kind: &str, subject: &str) -> Event {
    Event { at: Some(Moment::utc(at(when))), kind: kind.to_string(), actor: None, subject: Some(subject.to_string()) }
}

fn shipped() -> Rules {
    Rules::shipped(TimeZone::UTC)
}

/// Rules with policies as the configuration has them, and with Bo in Tokyo.
fn written(policies: &[(&str, &str)]) -> Rules {
    let read = |(name, text): &(&str, &str)| (name.to_string(), toml::from_str::<PolicyConfig>(text).expect(text));
    let office = Calendar::office(TimeZone::UTC);
    let hours = PersonHours { zone: Some("Asia/Tokyo".to_string()), ..PersonHours::default() };
    let bo = Person {
        name: "bo".to_string(),
        handles: vec!["chat:U2".to_string()],
        calendar: hours.of(&office).expect("open"),
    };
    let policies = Policies::new(policies.iter().map(read).collect(), BTreeMap::new(), office).expect("sound");
    Rules::new(policies, vec![bo], TimeZone::UTC)
}

fn only(docket: &Docket, kind: ObligationKind) -> &Entry {
    let mut found = docket.entries.iter().filter(|entry| entry.obligation.kind == kind);
    let entry = found.next().expect("one of this kind");
    assert!(found.next().is_none(), "{docket:#?}");
    entry
}

/// Health and flags of the only obligation of a kind at several instants.
#[track_caller]
fn course(thread: &(Thread, ThreadActs), rules: &Rules, kind: ObligationKind, expected: &[(&str, Health, &[&str])]) {
    for (when, health, flags) in expected {
        let docket = docket(&thread.0, &thread.1, rules, at(when));
        assert_eq!(only(&docket, kind).assessment.health, *health, "{when}");
        let found: Vec<&str> = docket.flags.iter().map(|flag| flag.kind).collect();
        assert_eq!(&found, flags, "{when}");
        for cite in docket.flags.iter().flat_map(|flag| &flag.cites) {
            let message = thread.0.messages.iter().find(|message| message.id == cite.message_id).expect("a message");
            assert_eq!(message.text.get(cite.start..cite.end), Some(cite.quote.as_str()));
        }
    }
}

const ASKED: (&str, &str, SpeechAct, &str) = ("2026-11-16T09:00Z", "ana", Question, "Which quota applies?");

#[test]
fn a_question_warns_is_late_and_is_answered() {
    let asked = [ASKED, ("2026-11-16T09:01Z", "bo", SpeechAct::Acknowledgement, "hm")];
    let open = thread(Kind::Chat, &asked);
    course(
        &open,
        &shipped(),
        ObligationKind::Reply,
        &[
            ("2026-11-16T10:00Z", Health::OnTrack, &["unanswered"][..0]),
            ("2026-11-16T12:00Z", Health::AtRisk, &["unanswered"]),
            ("2026-11-16T13:00Z", Health::Breached, &["unanswered"]),
        ],
    );
    let late = docket(&open.0, &open.1, &shipped(), at("2026-11-18T09:00Z"));
    let flag = &late.flags[0];
    assert_eq!(
        (flag.severity, flag.health, flag.due_at.as_deref()),
        ("high", "breached", Some("2026-11-16T13:00:00+00:00"))
    );
    assert_eq!((&flag.owed_by[..], &flag.owed_to[..]), (&["bo".to_string()][..], &["ana".to_string()][..]));
    assert_eq!(flag.reason, "ana waits for an answer from bo.");
    assert_eq!(late.entries[0].assessment.policy.as_deref(), Some("chat"));
    let answered = thread(Kind::Chat, &[ASKED, ("2026-11-16T10:00Z", "bo", Answer, "The regional one.")]);
    course(&answered, &shipped(), ObligationKind::Reply, &[("2026-11-17T09:00Z", Health::Met, &[])]);
}

#[test]
fn the_next_instant_is_the_warning_then_the_deadline_then_none() {
    let (thread, acts) = thread(Kind::Chat, &[ASKED]);
    let next = |now: &str| docket(&thread, &acts, &shipped(), at(now)).entries[0].next_ms(at(now));
    let ms = |when: &str| Some(at(when).as_millisecond());
    assert_eq!(next("2026-11-16T09:00Z"), ms("2026-11-16T12:00Z"));
    assert_eq!(next("2026-11-16T12:00Z"), ms("2026-11-16T13:00Z"));
    assert_eq!(next("2026-11-16T13:00Z"), None);
    // Before it was asked there is nothing on the docket.
    assert!(docket(&thread, &acts, &shipped(), at("2026-11-16T08:00Z")).entries.is_empty());
}

#[test]
fn a_label_stops_the_clock_until_it_is_taken_off() {
    let mut held = thread(Kind::Chat, &[ASKED]);
    held.0.events.push(event("2026-11-16T10:00Z", "labelled", "on-hold"));
    let now = at("2026-11-16T15:00Z");
    let paused = docket(&held.0, &held.1, &shipped(), now);
    let entry = &paused.entries[0];
    assert_eq!((entry.assessment.health, entry.next_ms(now)), (Health::OnTrack, None));
    assert_eq!(entry.assessment.paused.as_deref(), Some("label:on-hold"));
    held.0.events.push(event("2026-11-16T14:00Z", "unlabelled", "on-hold"));
    let again = docket(&held.0, &held.1, &shipped(), now);
    assert_eq!(again.entries[0].assessment.due_at, Some(at("2026-11-16T17:00Z")));
}

#[test]
fn the_clock_stands_still_while_the_asker_is_asked_back() {
    let rules = written(&[("d", "calendar = 'office'\ndecision = '8bh'\npause = ['waiting-on-asker']")]);
    let asked_back = thread(
        Kind::Email,
        &[
            ("2026-11-16T09:00Z", "ana", Proposal, "Let us move the job."),
            ("2026-11-16T11:00Z", "bo", Question, "Which job?"),
            ("2026-11-16T15:00Z", "ana", Answer, "The export."),
        ],
    );
    let docket = docket(&asked_back.0, &asked_back.1, &rules, at("2026-11-16T16:00Z"));
    let entry = only(&docket, ObligationKind::Decision);
    assert_eq!(entry.pauses.len(), 1, "{entry:?}");
    assert_eq!(entry.assessment.due_at, Some(at("2026-11-17T13:00Z")));
}

#[test]
fn a_proposal_waits_for_a_decision() {
    let proposed = ("2026-11-16T09:00Z", "ana", Proposal, "Let us move the export to the queue.");
    let open = thread(Kind::Email, &[proposed]);
    course(
        &open,
        &shipped(),
        ObligationKind::Decision,
        &[("2026-11-17T09:00Z", Health::OnTrack, &[]), ("2026-11-20T09:00Z", Health::Breached, &["undecided"])],
    );
    let decided = thread(Kind::Email, &[proposed, ("2026-11-17T09:00Z", "bo", Decision, "We move it.")]);
    let docket = docket(&decided.0, &decided.1, &shipped(), at("2026-11-17T10:00Z"));
    assert_eq!(only(&docket, ObligationKind::Decision).assessment.health, Health::Met);
}

#[test]
fn a_change_waits_for_a_review_and_a_draft_does_not() {
    let opened = ("2026-11-16T09:00Z", "ana", Other, "# Count bytes, not characters");
    let open = thread(Kind::Review, &[opened]);
    course(
        &open,
        &shipped(),
        ObligationKind::Review,
        &[("2026-11-16T10:00Z", Health::OnTrack, &[]), ("2026-11-17T10:00Z", Health::Breached, &["awaiting_review"])],
    );
    let reviewed = thread(Kind::Review, &[opened, ("2026-11-16T10:00Z", "bo", Other, "This needs a test, please.")]);
    let docket = docket(&reviewed.0, &reviewed.1, &shipped(), at("2026-11-18T09:00Z"));
    assert_eq!(only(&docket, ObligationKind::Review).assessment.health, Health::Met);
    assert_eq!(docket.waiting_on, ["ana"]);
    assert_eq!(docket.flags[0].reason, "A review from bo waits for the author ana.");
}

#[test]
fn a_promise_is_overdue_by_its_own_words_alone() {
    let said = ("2026-11-16T09:00Z", "ana", Commitment, "I'll send it by Friday.");
    let mut open = thread(Kind::Email, &[said]);
    open.1.sentences[0].due = Some(Span::new(0, 13..22));
    course(
        &open,
        &shipped(),
        ObligationKind::Promise,
        &[
            ("2026-11-17T09:00Z", Health::OnTrack, &[]),
            ("2026-11-20T10:00Z", Health::AtRisk, &[]),
            ("2026-11-20T17:00Z", Health::Breached, &["promise_overdue"]),
        ],
    );
    let mut kept = thread(Kind::Email, &[said, ("2026-11-19T09:00Z", "ana", Status, "Sent.")]);
    kept.1.sentences[0].due = Some(Span::new(0, 13..22));
    course(&kept, &shipped(), ObligationKind::Promise, &[("2026-11-24T09:00Z", Health::Met, &[])]);
    let undated = thread(
        Kind::Email,
        &[
            ("2026-11-16T08:00Z", "bo", Proposal, "Perhaps you have it."),
            ("2026-11-16T09:00Z", "ana", Commitment, "I'll send it."),
        ],
    );
    course(
        &undated,
        &shipped(),
        ObligationKind::Promise,
        &[("2026-11-17T09:00Z", Health::OnTrack, &[]), ("2026-11-23T09:00Z", Health::OnTrack, &["no_deadline"])],
    );
}

#[test]
fn a_date_that_somebody_made_up_is_no_deadline() {
    let mut open = thread(Kind::Email, &[("2026-11-16T09:00Z", "ana", Commitment, "I'll send it by 9999-12-30.")]);
    open.1.sentences[0].due = Some(Span::new(0, 13..26));
    let docket = docket(&open.0, &open.1, &shipped(), at("2026-11-17T09:00Z"));
    let entry = only(&docket, ObligationKind::Promise);
    assert!(entry.obligation.stated_due.is_some() && entry.assessment.due_at.is_none());
    assert_eq!(entry.next_ms(at("2026-11-17T09:00Z")), None);
}

#[test]
fn what_blocks_and_what_nobody_has_is_told() {
    let blocked = thread(Kind::Issue, &[("2026-11-16T09:00Z", "ana", Blocker, "Blocked on the key.")]);
    course(&blocked, &shipped(), ObligationKind::Unblock, &[("2026-11-16T09:30Z", Health::OnTrack, &["blocked"])]);
    let decided = thread(Kind::Email, &[("2026-11-16T09:00Z", "ana", Decision, "We publish the notes.")]);
    course(
        &decided,
        &shipped(),
        ObligationKind::Owner,
        &[("2026-11-16T10:00Z", Health::OnTrack, &[]), ("2026-11-17T10:00Z", Health::OnTrack, &["no_owner"])],
    );
}

#[test]
fn a_thread_opened_again_is_told() {
    let (mut thread, acts) = thread(Kind::Issue, &[ASKED]);
    thread.events = vec![event("2026-11-16T09:30Z", "closed", ""), event("2026-11-16T10:00Z", "reopened", "")];
    let docket = docket(&thread, &acts, &shipped(), at("2026-11-16T10:30Z"));
    assert_eq!(docket.flags.iter().map(|flag| flag.kind).collect::<Vec<_>>(), ["reopened"]);
    assert_eq!(docket.entries.len(), 2);
    assert_ne!(docket.entries[0].obligation.id, docket.entries[1].obligation.id);
}

#[test]
fn policies_match_by_labels_priority_and_people_and_the_earliest_owner_counts() {
    let rules = written(&[
        ("urgent", "match = { priority = 'high' }\nfirst_response = '1h'"),
        ("bo", "match = { people = 'bo' }\nfirst_response = '2h'"),
    ]);
    let mut asked = thread(Kind::Chat, &[ASKED]);
    asked.1.sentences[0].addressee = Some("bo".to_string());
    let due = |asked: &(Thread, ThreadActs)| {
        let docket = docket(&asked.0, &asked.1, &rules, at("2026-11-16T09:00Z"));
        let entry = &docket.entries[0];
        (entry.assessment.policy.clone().unwrap_or_default(), entry.assessment.due_at, entry.zone.clone())
    };
    assert_eq!(due(&asked), ("bo".to_string(), Some(at("2026-11-16T11:00Z")), "Asia/Tokyo".to_string()));
    asked.0.events.push(event("2026-11-16T09:00Z", "labeled", "priority: high"));
    assert_eq!(due(&asked).0, "urgent");
}

#[test]
fn a_document_is_due_when_its_silence_is_too_long_or_when_a_policy_says() {
    let document = thread(
        Kind::Issue,
        &[
            ("2026-01-05T09:00Z", "ana", Other, "[document as proposed] A cache for routes."),
            ("2026-01-06T09:00Z", "ana", Other, "[commit] Describe the cache"),
        ],
    );
    let due = |rules: &Rules| {
        let docket = docket(&document.0, &document.1, rules, at("2026-01-07T09:00Z"));
        only(&docket, ObligationKind::Decision).assessment.due_at.expect("due")
    };
    assert!(due(&shipped()) > at("2026-02-06T09:00Z"));
    let policy = "match = { kind = 'issue' }\ncalendar = 'office'\nreview = '5bd'\ndecision = '3bd'";
    assert_eq!(due(&written(&[("rfc", policy)])), at("2026-01-15T09:00Z"));
}

#[test]
fn a_question_without_a_time_is_told_and_has_no_clock() {
    let (mut thread, acts) = thread(Kind::Chat, &[ASKED, ("2026-11-16T09:00Z", "ana", Ask, "Please look.")]);
    thread.messages.iter_mut().for_each(|message| message.sent_at = None);
    let docket = docket(&thread, &acts, &shipped(), at("2026-11-17T09:00Z"));
    assert!(docket.stalled && docket.entries.is_empty());
    assert_eq!(
        docket.flags.iter().map(|flag| (flag.kind, flag.since.clone())).collect::<Vec<_>>(),
        [("unanswered", None)]
    );
    assert_eq!(docket.flags[0].cites[0].quote, "Which quota applies?");
}

#[test]
fn replaying_every_instant_gives_what_was_known_then() {
    let (thread, acts) = thread(Kind::Chat, &[ASKED, ("2026-11-16T14:00Z", "bo", Answer, "The regional one.")]);
    let mut now = at("2026-11-16T08:30Z");
    let mut seen = Vec::new();
    while now < at("2026-11-16T15:00Z") {
        let docket = docket(&thread, &acts, &shipped(), now);
        let health = docket.entries.first().map(|entry| entry.assessment.health);
        if seen.last() != Some(&health) {
            seen.push(health);
        }
        now += SignedDuration::from_mins(10);
    }
    let expected = [Health::OnTrack, Health::AtRisk, Health::Breached, Health::Missed];
    assert_eq!(seen, [None].into_iter().chain(expected.map(Some)).collect::<Vec<_>>());
    assert_eq!(docket(&thread, &acts, &shipped(), now).entries[0].obligation.metric, Metric::FirstResponse);
}

#[test]
fn whoever_goes_back_and_forth_is_offered_a_short_talk_in_hours_they_share() {
    let said: Vec<(String, &str)> =
        (0..12).map(|n| (format!("2026-11-16T{:02}:{:02}Z", 9 + n / 6, n % 6 * 10), ["ana", "bo"][n % 2])).collect();
    let turn = |n: usize| if n == 0 { (Question, "Which quota applies?") } else { (Other, "It depends on the store.") };
    let mut lines: Vec<(&str, &str, SpeechAct, &str)> = Vec::new();
    for (n, (when, who)) in said.iter().enumerate() {
        let (act, text) = turn(n);
        lines.push((when, who, act, text));
    }
    // A question was put at the end, and is open.
    let last = lines.last_mut().expect("turns");
    (last.2, last.3) = (Question, "Which store?");
    let now = at("2026-11-16T12:00Z");
    let (talking, acts) = thread(Kind::Chat, &lines);
    let talk = docket(&talking, &acts, &shipped(), now).talk.expect("a talk");
    assert_eq!((talk.people.clone(), talk.minutes, talk.common_hours), (vec!["ana".into(), "bo".into()], 15, None));
    assert_eq!(talk.agenda.len(), 1, "{:?}", talk.agenda);
    let mut rules = written(&[]);
    let paris = PersonHours { zone: Some("Europe/Paris".to_string()), ..PersonHours::default() };
    let calendar = paris.of(&Calendar::office(TimeZone::UTC)).expect("open");
    rules.people.push(Person { name: "ana".to_string(), handles: Vec::new(), calendar });
    let found = docket(&talking, &acts, &rules, now);
    // Nine to five in Paris and in Tokyo share nothing, and no hour is made up.
    assert_eq!(found.talk.expect("a talk").common_hours, None);
    assert!(found.flags.iter().any(|flag| flag.kind == "ping_pong"), "{:?}", found.flags);
    rules.people[0].calendar = rules.people[1].calendar.clone();
    let shared = docket(&talking, &acts, &rules, now).talk.expect("a talk").common_hours.expect("they share");
    assert_eq!(at(&shared.0), now, "both are at work");
    lines[5].2 = Decision;
    let (settled, acts) = thread(Kind::Chat, &lines);
    assert!(docket(&settled, &acts, &shipped(), now).talk.is_none());
    assert!(docket(&talking, &acts, &shipped(), at("2026-12-16T12:00Z")).talk.is_none(), "it is long over");
}

#[test]
fn who_promises_a_thing_twice_in_the_same_words_is_flagged_once() {
    let asked = ("2026-11-02T09:00Z", "ana", Ask, "Can you bring the key?");
    let line = |when, text| (when, "bo", Commitment, text);
    let flags = |again| {
        let lines = [asked, line("2026-11-02T10:00Z", "I will bring it then."), line("2026-11-02T10:00Z", again)];
        let (thread, acts) = thread(Kind::Chat, &lines);
        let found = docket(&thread, &acts, &shipped(), at("2026-11-20T12:00Z")).flags;
        found.iter().filter(|flag| flag.kind == "no_deadline").count()
    };
    assert_eq!(flags("I will bring it then."), 1);
    assert_eq!(flags("I will bring the lock then."), 2);
}
