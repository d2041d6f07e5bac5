//! Documents: where their changes leave them, and each of their silences.

use super::*;

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
fn changes_of_links_and_addresses_and_provisional_things_decide_nothing() {
    let first = ("2026-01-06T09:00Z", "Describe the cache");
    let decides = |text| {
        let (thread, acts) = document(&[first, ("2026-01-20T09:00Z", text)]);
        obligations(&thread, &acts)[0].closed.is_some()
    };
    assert!(decides("Promote the cache to stable") && decides("Mark as provisional"));
    assert!(decides("Provisional acceptance"));
    assert!(!decides("Promote our links to https") && !decides("Say what provisional interfaces cost"));
    stands(&[first, ("2026-06-01T09:00Z", "Update the emails of both")], "2026-06-02T09:00Z", true);
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
fn each_stall_of_a_document_is_one_of_its_own() {
    let changes = [
        ("2026-01-06T09:00Z", "Describe the cache"),
        ("2026-06-10T09:00Z", "Answer the comments"),
        ("2026-06-20T09:00Z", "Defer it"),
        ("2026-07-20T09:00Z", "Revive it with new numbers"),
    ];
    let (thread, acts) = document(&changes);
    let found = obligations(&thread, &acts);
    let ended: Vec<_> = found.iter().map(|o| o.closed.as_ref().map(|closed| (closed.how, closed.at))).collect();
    let broken = |when| Some((How::Superseded, at(when)));
    assert_eq!(ended, [broken("2026-06-10T09:00Z"), broken("2026-07-20T09:00Z"), None]);
    assert!(found[0].id != found[1].id && found[1].id != found[2].id);
    assert_eq!(found[1].stated_due, Some(at("2026-06-20T09:00Z")));
    // What was told of it keeps its name while nothing breaks the silence.
    let (thread, acts) = document(&changes[..2]);
    let earlier = obligations(&thread, &acts);
    assert_eq!((earlier.len(), &earlier[1].id), (2, &found[1].id));
    let (thread, acts) = document(&[changes[0], ("2026-06-10T09:00Z", "Fix typos")]);
    assert_eq!(obligations(&thread, &acts).len(), 1);
}

#[test]
fn a_change_that_names_several_documents_speaks_of_each_in_its_own_clause() {
    let changes = [
        ("2026-01-06T09:00Z", "Describe it"),
        ("2026-01-20T09:00Z", "Mark 12 and 13 as accepted. Mark 14 as abandoned."),
    ];
    let (mut thread, acts) = document(&changes);
    for (id, stalled) in [("rfc-0012", false), ("rfc-0014", true)] {
        thread.id = id.to_string();
        assert_eq!(ruling(&thread, &acts, at("2026-01-21T09:00Z")).stalled, stalled, "{id}");
    }
    let (mut thread, acts) = document(&changes[..1]);
    thread.title = "Version 4 Release Schedule".to_string();
    assert!(debts(&thread, &acts).is_empty(), "it records what was planned");
}

#[test]
fn who_proposed_it_and_rejects_it_gives_it_up() {
    let (mut thread, acts) = document(&[("2026-01-06T09:00Z", "Describe it"), ("2026-01-20T09:00Z", "Reject RFC 12.")]);
    let now = at("2026-01-21T09:00Z");
    assert!(ruling(&thread, &acts, now).stalled);
    thread.messages[2].author = Some("bo".to_string());
    assert!(!ruling(&thread, &acts, now).stalled);
}
