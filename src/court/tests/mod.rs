//! Whose turn it is, by the design's vectors and by small histories of each kind.

mod document;
mod review;
mod talk;

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
fn decisions_promises_blockers_and_things_nobody_has() {
    check(&[("ana", Proposal, "Let us move."), ("bo", Proposal, "Or stay.")], &[(Decision, &[], None)]);
    let decided =
        [("ana", Proposal, "Let us move."), ("bo", SpeechAct::Decision, "We move."), ("cy", Commitment, "I'll do it.")];
    check(&decided, &[(Decision, &[], Some(How::Met)), (Owner, &[], Some(How::Met)), (Promise, &["cy"], None)]);
    let kept =
        [("bo", Proposal, "Perhaps you have it?"), ("ana", Commitment, "I'll send it."), ("ana", Status, "Sent.")];
    check(&kept, &[(Promise, &["ana"], Some(How::Met))]);
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

#[test]
fn what_is_put_as_a_question_may_ask_nobody() {
    let asks = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|text| ("ana", Ask, *text)).collect();
        let (thread, acts) = thread(Kind::Chat, &lines[..1]);
        debts(&thread, &acts).iter().any(|debt| debt.kind == Reply)
    };
    for text in [
        "• fix(export): keep the header by @bo in #94",
        "feat: a second printer",
        "If so, let me know so that I can order it",
        "Feel free to take any of them",
        "Call me old fashioned.",
        "(See my notes of last week)",
    ] {
        assert!(!asks(&[text]), "{text}");
    }
    for text in ["Please look at fix 94", "Call me tomorrow about the printer", "Can you let me know the price?"] {
        assert!(asks(&[text]), "{text}");
    }
    let (mut thread, mut acts) =
        thread(Kind::Chat, &[("ana", Question, "Doesn't it have a cache? Maybe not a big one.")]);
    acts.sentences[0].span = Span::new(0, 0..24);
    assert_eq!(debts(&thread, &acts).len(), 1);
    let answer = Sentence { span: Span::new(0, 25..44), act: Other, ..acts.sentences[0].clone() };
    acts.sentences.push(answer);
    assert!(debts(&thread, &acts).is_empty(), "it answers itself");
    thread.messages[0].text.replace_range(25..30, "Which");
    assert_eq!(debts(&thread, &acts).len(), 1);
}

#[test]
fn a_promise_and_a_proposal_are_meant() {
    let found = |act, text: &str| {
        let (thread, acts) = thread(Kind::Chat, &[("bo", Proposal, "Perhaps with a lid."), ("ana", act, text)]);
        debts(&thread, &acts).len()
    };
    assert_eq!((found(Commitment, "I'll add it."), found(Commitment, "I'll add it when I have time.")), (1, 0));
    assert_eq!(found(Commitment, "I'll let the others decide on it."), 0);
    assert_eq!(found(Commitment, "I really think I'll add it."), 0);
    let proposals = [
        "I propose two printers.",
        "Proposal: we order two printers.",
        "We should order two printers.",
        "We should really have a cake contest, we have the ovens after all",
    ];
    assert_eq!(proposals.map(|text| found(Proposal, text)), [1, 1, 0, 0]);
}

#[test]
fn a_suggestion_waits_for_a_decision_where_it_opens_or_somebody_argues() {
    let suggests = ("ana", Proposal, "We should order two printers.");
    let waits = |lines: &[(&str, SpeechAct, &str)]| {
        let (thread, acts) = thread(Kind::Chat, lines);
        debts(&thread, &acts).iter().any(|debt| debt.kind == Decision)
    };
    let found = |reaction: &str| waits(&[("cy", Other, "The old one is loud."), suggests, ("bo", Other, reaction)]);
    assert!(found("I'd rather keep the old one."));
    assert!(!found("Nice pictures!") && !found("> I'd rather keep the old one.\nAh."));
    assert!(waits(&[suggests]) && waits(&[suggests, ("bo", Other, "Nice pictures!")]));
}

#[test]
fn whoever_says_that_it_is_brought_has_kept_the_promise() {
    let open = |who, text| {
        let lines = [("ana", Ask, "Please turn the plan."), ("bo", Commitment, "I'll turn it."), (who, Other, text)];
        let (thread, acts) = thread(Kind::Review, &lines);
        debts(&thread, &acts).iter().any(|debt| debt.kind == Promise && debt.is_open())
    };
    assert!(!open("bo", "Updated! It has its feet down.") && !open("bo", "I have just pushed it."));
    assert!(open("ana", "Updated!") && open("bo", "The page was updated in May."));
}

#[test]
fn a_promise_without_a_date_is_one_where_somebody_wanted_it() {
    let found = |before: SpeechAct, text: &str| {
        let (thread, acts) = thread(Kind::Chat, &[("bo", before, "It has no index."), ("ana", Commitment, text)]);
        debts(&thread, &acts).iter().any(|debt| debt.kind == Promise)
    };
    assert!(found(Proposal, "I'll add one.") && found(Blocker, "I'll add one."));
    for (before, text) in [
        (Status, "I'll add one."),
        (Proposal, "I'll be back on Friday."),
        (Proposal, "All that will do is to make it longer."),
    ] {
        assert!(!found(before, text), "{text}");
    }
}

#[test]
fn a_question_in_the_middle_of_a_talk_asks_somebody() {
    let found = |text: &str| {
        let lines = [("ana", Status, "The shelf is up."), ("bo", Status, "It leans."), ("cy", Question, text)];
        let (mut thread, acts) = thread(Kind::Chat, &lines);
        thread.messages[2].reply_to = Some("m1".to_string());
        debts(&thread, &acts).iter().any(|debt| debt.kind == Reply)
    };
    assert!(found("Could you send a picture?"));
    for text in [
        "Did I order that one?",
        "Have you looked at the manual?",
        "Is that the old one?",
        "When the shop opens it is full of people.",
        "let shelf: Vec<Board> = Vec::new()",
    ] {
        assert!(!found(text), "{text}");
    }
}

#[test]
fn only_who_says_so_is_held_up() {
    let found = |text: &str| {
        let (thread, acts) = thread(Kind::Chat, &[("ana", Blocker, text)]);
        debts(&thread, &acts).iter().any(|debt| debt.kind == Unblock)
    };
    for text in ["We're blocked until the key is here", "This is blocking us", "I can't go on without access"] {
        assert!(found(text), "{text}");
    }
    for text in [
        "A rejected block is sent again",
        "It was slow today",
        "I do not intend to block this",
        "No longer blocked on it",
        "I was waiting for the key until noon",
    ] {
        assert!(!found(text), "{text}");
    }
}

#[test]
fn a_closed_matter_waits_for_nothing_and_a_closed_talk_for_what_was_promised_by_a_date() {
    let lines = [
        ("ana", Blocker, "Blocked on the key."),
        ("bo", Commitment, "I'll bring it by Friday."),
        ("cy", Commitment, "I'll help."),
    ];
    let (mut thread, mut acts) = thread(Kind::Issue, &lines);
    acts.sentences[1].due = Some(Span::new(1, 14..23));
    let at = Some(Moment::utc(at("2026-11-17T09:00Z")));
    thread.events.push(Event { at, kind: "closed".into(), actor: None, subject: None });
    let open = |thread: &Thread| {
        debts(thread, &acts).into_iter().filter(Debt::is_open).map(|debt| debt.kind).collect::<Vec<_>>()
    };
    assert_eq!(open(&thread), []);
    thread.kind = Kind::Chat;
    assert_eq!(open(&thread), [Promise]);
}

#[test]
fn a_thread_without_times_has_debts_and_no_obligations() {
    let (mut thread, acts) = thread(Kind::Chat, &[("ana", Ask, "Please look.")]);
    thread.messages[0].sent_at = None;
    assert_eq!((debts(&thread, &acts).len(), obligations(&thread, &acts).len()), (1, 0));
    assert!(ruling(&thread, &acts, at("2026-11-17T09:00Z")).stalled);
}
