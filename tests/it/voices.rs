//! Whose words a sentence is, and where people just talk: from the messages of a thread to what may head it.

use bluf::{
    classify::Classifier,
    domain::{Kind, Message, Thread, ThreadActs},
    summarize::{settled::is_talk, view::View, voice::is_own},
};

fn thread(kind: Kind, said: &[(&str, &str)]) -> Thread {
    let message = |(author, text): &(&str, &str)| Message {
        author: Some((*author).to_owned()),
        text: (*text).to_owned(),
        ..Message::default()
    };
    Thread {
        source: "test".to_owned(),
        kind,
        id: "t1".to_owned(),
        title: "Depot".to_owned(),
        url: None,
        channel: None,
        participants: Vec::new(),
        messages: said.iter().map(message).collect(),
        events: Vec::new(),
        as_of: None,
    }
}

fn acts(thread: &Thread) -> ThreadActs {
    Classifier::without_heads().classify(thread, None, &|| false).expect("cues need no model")
}

/// Whether the last unit that has `words` is beyond doubt its sender's.
#[track_caller]
fn own(kind: Kind, said: &[(&str, &str)], words: &str) -> bool {
    let thread = thread(kind, said);
    let view = View::new(&thread, acts(&thread), None).expect("without an encoder nothing fails");
    let n = (0..view.units.len()).rev().find(|&n| view.units[n].shown.contains(words)).expect("somebody says so");
    is_own(&view, n)
}

#[test]
fn what_another_wrote_before_is_not_the_senders() {
    let first = ("Ana", "The northern depot prints its labels on the old laser printer. Who has the key?");
    let copied = "The northern depot prints its labels on the old laser printer.\nI have the key of that printer.";
    assert!(!own(Kind::Email, &[first, ("Raj", copied)], "northern depot"));
    assert!(own(Kind::Email, &[first, ("Raj", copied)], "I have the key"));
    assert!(own(Kind::Email, &[first, ("Ana", copied)], "northern depot"), "she repeats herself");
    assert!(own(Kind::Email, &[("Raj", copied), first], "Who has the key"));
    let other = "The northern depot prints its invoices in colour since the move to the harbour.";
    assert!(own(Kind::Email, &[first, ("Raj", other)], "northern depot"), "some words are everybody's");
}

#[test]
fn a_turn_inside_a_turn_is_not_its_authors() {
    let turn = "* We move the depot to the harbour.\n**Ines | Harbour**\n* The pumps stay where they are for a year.";
    let said = [("Ana", turn), ("Raj", "Okay.")];
    assert!(own(Kind::Transcript, &said, "depot") && !own(Kind::Transcript, &said, "pumps"));
}

#[test]
fn talk_has_short_turns_of_several_and_no_formula() {
    let talks = |said: &[(&str, &str)]| {
        let thread = thread(Kind::Transcript, said);
        is_talk(&View::new(&thread, acts(&thread), None).expect("without an encoder nothing fails"))
    };
    let talk = [("Ana", "So the pumps will be green then."), ("Raj", "Okay.")];
    assert!(talks(&talk));
    assert!(!talks(&talk[..1]), "one alone");
    assert!(!talks(&[("Ana", "Proposed: the pumps are green."), ("Raj", "+1")]));
    assert!(!talks(&[("[topic]", "Pumps"), ("Ana", "The pumps will be green then."), ("Raj", "Okay.")]));
    let long = "We went to the depot and looked at all of the pumps that are there. ".repeat(3);
    assert!(!talks(&[("Ana", &long), ("Raj", &long)]), "they report");
}
