//! Whose turn it is, by the design's vectors and by small histories of each kind.

use jiff::Timestamp;

use super::{Debt, debts, obligations, ruling};
use crate::domain::{Event, How, Kind, Message, Moment, ObligationKind, Sentence, Span, SpeechAct, Thread, ThreadActs};

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// A thread of (author, act, text), a message a minute.
fn thread(kind: Kind, lines: &[(&str, SpeechAct, &str)]) -> (Thread, ThreadActs) {
    let mut participants: Vec<String> = Vec::new();
    let (mut messages, mut acts) = (Vec::new(), ThreadActs::default());
    for (i, (author, act, text)) in lines.iter().enumerate() {
        if !participants.iter().any(|p| p == author) {
            participants.push(author.to_string());
        }
        let sent_at =
            Some(Moment::utc(crate::court::tests::at("2026-11-16T09:00Z") + jiff::SignedDuration::from_mins(i as i64)));
        messages.push(Message {
            id: format!("m{i}"),
            author: Some(author.to_string()),
            sent_at,
            text: text.to_string(),
            ..Default::default()
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
    let text = |text: &str| text.to_string();
    let (source, id, title) = (text("test"), text("t"), text(""));
    let thread = Thread {
        source,
        kind,
        id,
        title,
        url: None,
        channel: None,
        participants,
        messages,
        events: vec![],
        as_of: None,
    };
    (thread, acts)
}

#[track_caller]
fn check(lines: &[(&str, SpeechAct, &str)], expected: &[(ObligationKind, &[&str], Option<How>)]) {
    let (thread, acts) = thread(Kind::Chat, lines);
    let found = debts(&thread, &acts);
    let found: Vec<_> = found
        .iter()
        .map(|d| (d.kind, d.owed_by.iter().map(String::as_str).collect(), d.ended.map(|e| e.how)))
        .collect();
    let expected: Vec<(ObligationKind, Vec<&str>, Option<How>)> =
        expected.iter().map(|(k, by, how)| (*k, by.to_vec(), *how)).collect();
    assert_eq!(found, expected);
}

use ObligationKind::{Decision, Owner, Promise, Reply, Review, Unblock};
use SpeechAct::{Acknowledgement, Answer, Ask, Blocker, Commitment, Other, Proposal, Question, Status};

#[test]
fn vector_10_thanks_opens_nothing_and_restarts_nothing() {
    check(
        &[("ana", Acknowledgement, "Thanks!"), ("bo", Acknowledgement, "LGTM, merging"), ("cy", Acknowledgement, "👍")],
        &[],
    );
    let answered = [
        ("ana", Question, "Which quota applies?"),
        ("bo", Answer, "The regional one."),
        ("ana", Acknowledgement, "Thanks!"),
    ];
    check(&answered, &[(Reply, &["bo"], Some(How::Met))]);
    check(&[("ana", Question, "Which quota?"), ("bo", Acknowledgement, "thanks")], &[(Reply, &["bo"], None)]);
}

#[test]
fn vector_12_bots_the_asker_and_absence_notes_answer_nothing() {
    let asked = ("ana", Question, "Which quota applies?");
    for reply in [
        ("helper[bot]", Answer, "See the documentation."),
        ("ana", Other, "Anybody?"),
        ("bo", Status, "Out of office until Monday. Write to the list."),
    ] {
        let (thread, acts) = thread(Kind::Email, &[asked, reply]);
        assert!(debts(&thread, &acts)[0].is_open(), "{reply:?}");
    }
    // A deleted answer is not in the history, so the question is open again; an edit keeps what the debt is called by.
    let (with, acts) = thread(Kind::Email, &[asked, ("bo", Answer, "The regional one.")]);
    let mut without = with.clone();
    without.messages.pop();
    assert!(!debts(&with, &acts)[0].is_open());
    let kept = ThreadActs { sentences: acts.sentences[..1].to_vec(), ..acts.clone() };
    let reopened = obligations(&without, &kept);
    assert!(reopened[0].closed.is_none());
    assert_eq!(reopened[0].id, obligations(&with, &acts)[0].id);
    let mut edited = without.clone();
    edited.messages[0].text.push_str(" Please.");
    assert_eq!(
        (&obligations(&edited, &kept)[0].id, obligations(&edited, &kept)[0].opened_at),
        (&reopened[0].id, reopened[0].opened_at)
    );
}

#[test]
fn a_question_is_withdrawn_by_its_asker_and_ends_with_its_thread() {
    check(&[("ana", Question, "Why?"), ("ana", Other, "Never mind, found it")], &[(Reply, &[], Some(How::Withdrawn))]);
    let (mut thread, acts) = thread(Kind::Issue, &[("ana", Question, "Why?")]);
    thread.events.push(Event {
        at: Some(Moment::utc(at("2026-11-17T09:00Z"))),
        kind: "closed".into(),
        actor: None,
        subject: None,
    });
    let ended = obligations(&thread, &acts)[0].closed.clone().expect("closed");
    assert_eq!((ended.how, ended.at), (How::Superseded, at("2026-11-17T09:00Z")));
}

#[test]
fn vector_06_a_thread_opened_again_is_a_new_debt() {
    let (mut thread, acts) = thread(Kind::Issue, &[("ana", Question, "Why?")]);
    for (when, kind) in [("2024-01-09T09:00Z", "closed"), ("2026-11-16T10:00Z", "reopened")] {
        let at = Some(Moment::utc(at(when)));
        thread.events.push(Event { at, kind: kind.into(), actor: None, subject: None });
    }
    thread.messages[0].sent_at = Some(Moment::utc(at("2024-01-08T09:00Z")));
    let found = obligations(&thread, &acts);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].closed.as_ref().map(|closed| closed.how), Some(How::Superseded));
    let again = (found[1].opened_at, found[1].first_opened_at, found[1].closed.is_none());
    assert_eq!(again, (at("2026-11-16T10:00Z"), Some(at("2024-01-08T09:00Z")), true));
    assert_ne!(found[0].id, found[1].id);
}

#[test]
fn in_a_room_where_talks_run_through_each_other_only_a_name_answers() {
    let noise = [
        ("bo", Other, "cy: yes"),
        ("cy", Other, "bo: no"),
        ("di", Other, "ed, look"),
        ("ed", Other, "fi: ok"),
        ("fi", Other, "di: so"),
    ];
    let mut lines = vec![("[[ana]]", Question, "Which driver?")];
    lines.extend(noise);
    let stalled = |lines: &[(&str, SpeechAct, &str)]| {
        let (thread, acts) = thread(Kind::Chat, lines);
        ruling(&thread, &acts, at("2026-11-17T09:00Z")).stalled
    };
    assert!(stalled(&lines));
    lines.push(("bo", Answer, "ana: the second one"));
    assert!(!stalled(&lines));
}

#[test]
fn whose_turn_it_is_in_a_review() {
    let turn = |lines: &[(&str, &str)]| {
        let lines: Vec<_> = lines.iter().map(|(who, text)| (*who, Other, *text)).collect();
        let (thread, acts) = thread(Kind::Review, &lines);
        let ruling = ruling(&thread, &acts, at("2026-11-17T09:00Z"));
        let kind = ruling.open().next().map(|debt| debt.kind);
        (kind, ruling.waiting_on)
    };
    let none: Vec<String> = Vec::new();
    let author = vec!["ana".to_string()];
    let opened = ("ana", "# Count bytes, not characters");
    assert_eq!(turn(&[opened]), (Some(Review), none.clone()));
    assert_eq!(turn(&[opened, ("bo", "[inline review] This wants a test.")]), (Some(Reply), author.clone()));
    assert_eq!(turn(&[opened, ("bo", "Needs a test, please."), ("Ana A.", "[event] commit: test")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "[review: approved] ACK 1234")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "Looks good, but please squash.")]), (Some(Reply), author.clone()));
    assert_eq!(turn(&[opened, ("bo", "@cy what do you think?")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "I'll take another look tomorrow.")]).0, Some(Review));
    assert_eq!(turn(&[opened, ("bo", "Looks good; nit: could be shorter?")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "[event] merged"), ("cyd", "Could this go into the notes?")]).0, None);
    assert_eq!(turn(&[opened, ("bo", "ACK 515e7953ca, I had doubts about the tests, but they hold.")]).0, None);
    // Reviewers among themselves: by name, and by whose words are quoted.
    let asks = ("bo", "Should the limit be a setting of the server?");
    assert_eq!(turn(&[opened, ("cyd", "I'll look."), ("bo", "cyd, should we wait for the release?")]).0, Some(Review));
    let quotes = ("cyd", "> Should the limit be a setting of the server?\nNo, why should it?");
    assert_eq!(turn(&[opened, ("bo", "@cyd should the limit be a setting of the server?"), quotes]).0, Some(Review));
    assert_eq!(turn(&[opened, asks]).0, Some(Reply));
    assert_eq!(
        turn(&[opened, ("ana", "[event] convert to draft"), ("ana", "[event] commit: more")]),
        (Some(Reply), author)
    );
}

#[test]
fn decisions_promises_blockers_and_things_nobody_has() {
    check(&[("ana", Proposal, "Let us move."), ("bo", Proposal, "Or stay.")], &[(Decision, &[], None)]);
    let decided =
        [("ana", Proposal, "Let us move."), ("bo", SpeechAct::Decision, "We move."), ("cy", Commitment, "I'll do it.")];
    check(&decided, &[(Decision, &[], Some(How::Met)), (Owner, &[], Some(How::Met)), (Promise, &["cy"], None)]);
    check(&[("ana", Commitment, "I'll send it."), ("ana", Status, "Sent.")], &[(Promise, &["ana"], Some(How::Met))]);
    check(&[("ana", Blocker, "Blocked on the key."), ("bo", Status, "The key is not fixed")], &[(Unblock, &[], None)]);
}

#[test]
fn a_promise_is_due_when_its_words_say() {
    let said = "I'll send it by Friday.";
    let (thread, mut acts) = thread(Kind::Email, &[("ana", Commitment, said)]);
    acts.sentences[0].due = Some(Span::new(0, 13..22));
    // 2026-11-16 is a Monday.
    assert_eq!(obligations(&thread, &acts)[0].stated_due, Some(at("2026-11-20T17:00Z")));
}

/// A document of (when, what a change says), proposed in January.
fn document(changes: &[(&str, &str)]) -> (Thread, ThreadActs) {
    let proposed = [("2026-01-05T09:00Z", "[document as proposed] A cache for routes.")];
    let changes: Vec<_> = changes.iter().map(|(when, text)| (*when, format!("[commit] {text}"))).collect();
    let all = proposed.iter().map(|(when, text)| (*when, text.to_string())).chain(changes);
    let all: Vec<(&str, String)> = all.collect();
    let lines: Vec<_> = all.iter().map(|(_, text)| ("ana", Other, text.as_str())).collect();
    let (mut thread, acts) = thread(Kind::Issue, &lines);
    for (message, (when, _)) in thread.messages.iter_mut().zip(&all) {
        message.sent_at = Some(Moment::utc(at(when)));
    }
    (thread, acts)
}

#[track_caller]
fn stands(changes: &[(&str, &str)], now: &str, stalled: bool) {
    let (thread, acts) = document(changes);
    let found = ruling(&thread, &acts, at(now));
    assert_eq!(found.stalled, stalled, "{}", found.why);
}

#[test]
fn a_documents_silence_is_judged_by_its_own_rhythm() {
    let lively = [("2026-01-06T09:00Z", "Describe the cache"), ("2026-01-16T09:00Z", "Answer the comments")];
    let slow = [("2026-01-06T09:00Z", "Describe the cache"), ("2026-03-06T09:00Z", "Answer the comments")];
    stands(&lively, "2026-02-10T09:00Z", false);
    stands(&lively, "2026-02-14T09:00Z", true);
    stands(&slow, "2026-06-10T09:00Z", false);
    stands(&slow, "2026-08-04T09:00Z", true);
}

#[test]
fn changes_of_form_break_no_silence_and_words_of_state_decide() {
    let first = ("2026-01-06T09:00Z", "Describe the cache");
    stands(&[first, ("2026-06-01T09:00Z", "Fix typos")], "2026-06-02T09:00Z", true);
    stands(&[first, ("2026-06-01T09:00Z", "Several RFCs: new headers")], "2026-06-02T09:00Z", true);
    stands(&[first, ("2026-01-20T09:00Z", "Mark as accepted")], "2027-06-02T09:00Z", false);
    stands(&[first, ("2026-01-20T09:00Z", "Defer to the next release")], "2026-01-21T09:00Z", true);
    let again = [first, ("2026-01-20T09:00Z", "Defer it"), ("2026-02-01T09:00Z", "Revive it with new numbers")];
    stands(&again, "2026-02-02T09:00Z", false);
    // Words of its own title say nothing of its state.
    let (mut thread, acts) = document(&[first, ("2026-01-20T09:00Z", "Say what stale routes are")]);
    assert!(ruling(&thread, &acts, at("2026-01-21T09:00Z")).stalled);
    thread.title = "A cache for stale routes".to_string();
    assert!(!ruling(&thread, &acts, at("2026-01-21T09:00Z")).stalled);
}

#[test]
fn a_decision_on_record_ends_the_wait_for_one() {
    let (thread, acts) = document(&[("2026-01-20T09:00Z", "Accepted by the board")]);
    let found = obligations(&thread, &acts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].closed.as_ref().map(|c| (c.how, c.at)), Some((How::Met, at("2026-01-20T09:00Z"))));
}

#[test]
fn a_page_that_proposes_nothing_waits_for_nothing() {
    let (mut thread, acts) = thread(Kind::Document, &[("section: Use", SpeechAct::Question, "Why use it?")]);
    let event = |when: &str, kind: &str, subject: &str| Event {
        at: Some(Moment::utc(at(when))),
        kind: kind.into(),
        actor: Some("ana".into()),
        subject: Some(subject.into()),
    };
    thread.events.push(event("2025-01-06T09:00Z", "created", "A handbook"));
    let now = at("2026-11-17T09:00Z");
    assert!(!ruling(&thread, &acts, now).stalled && debts(&thread, &acts).is_empty());
    thread.events.push(event("2025-01-06T09:00Z", "status", "Draft"));
    let found = ruling(&thread, &acts, now);
    assert_eq!((found.stalled, found.waiting_on), (true, vec!["ana".to_string()]));
    thread.events.push(event("2025-03-06T09:00Z", "status", "Accepted"));
    assert!(!ruling(&thread, &acts, now).stalled);
}

#[test]
fn a_closed_thread_waits_for_nothing_but_its_promises() {
    let lines = [("ana", Blocker, "Blocked on the key."), ("bo", Commitment, "I'll bring it.")];
    let (mut thread, acts) = thread(Kind::Issue, &lines);
    let at = Some(Moment::utc(at("2026-11-17T09:00Z")));
    thread.events.push(Event { at, kind: "closed".into(), actor: None, subject: None });
    let open: Vec<_> = debts(&thread, &acts).into_iter().filter(Debt::is_open).map(|debt| debt.kind).collect();
    assert_eq!(open, [Promise]);
}

#[test]
fn a_thread_without_times_has_debts_and_no_obligations() {
    let (mut thread, acts) = thread(Kind::Chat, &[("ana", Ask, "Please look.")]);
    thread.messages[0].sent_at = None;
    assert_eq!((debts(&thread, &acts).len(), obligations(&thread, &acts).len()), (1, 0));
    assert!(ruling(&thread, &acts, at("2026-11-17T09:00Z")).stalled);
}
