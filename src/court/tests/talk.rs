//! Questions in mail and in a channel's talk: who is asked, and what asks nobody or is answered elsewhere.

use super::{at, thread};
use crate::{
    court::{Debt, debts},
    domain::{Event, How, Kind, Moment, ObligationKind, SpeechAct, WENT_ON},
};

use ObligationKind::{Decision, Unblock};
use SpeechAct::{Answer, Ask, Blocker, Other, Proposal, Question, Status};

/// What is open at the end of a talk.
fn open(kind: Kind, lines: &[(&str, SpeechAct, &str)]) -> Vec<Debt> {
    let (thread, acts) = thread(kind, lines);
    debts(&thread, &acts).into_iter().filter(Debt::is_open).collect()
}

fn owed_by(kind: Kind, lines: &[(&str, SpeechAct, &str)]) -> Vec<Vec<String>> {
    open(kind, lines).into_iter().map(|debt| debt.owed_by).collect()
}

#[test]
fn a_mail_that_begins_with_an_answer_asks_only_whom_it_turns_to() {
    let alone = |kind, before: &str| {
        let text = format!("{before}Does the pump run on 24 volts?");
        let (thread, mut acts) = thread(kind, &[("ana", Question, &text)]);
        acts.sentences[0].span.start = before.len();
        debts(&thread, &acts).len()
    };
    assert_eq!((alone(Kind::Email, ""), alone(Kind::Email, "I bought it.\n")), (1, 1));
    assert_eq!(alone(Kind::Email, "> It hums all night.\n"), 0);
    assert_eq!(alone(Kind::Email, "It does.\n-----Original Message-----\nFrom: Bo\n"), 0);
    assert_eq!(alone(Kind::Email, "Bo Muster wrote:\nIt hums.\n"), 0);
    // In a chat a quote is no sign of a mail that is missing.
    assert_eq!(alone(Kind::Chat, "> It hums all night.\n"), 1);
    let lines = [("ana", Status, "> It hums.\nSo it does."), ("bo", Question, "Did you oil it?")];
    assert_eq!(owed_by(Kind::Email, &lines), [["ana"]]);
}

#[test]
fn a_greeting_names_who_is_asked_and_anybody_is_nobody_in_particular() {
    let lines = |text| {
        [("Ana Example", Status, "The pump is in."), ("Bo Muster", Status, "Seen."), ("Cy Probe", Question, text)]
    };
    let asked = |text| owed_by(Kind::Email, &lines(text));
    assert_eq!(asked("Hi Bo,\ncould you measure it?"), [["Bo Muster"]]);
    assert_eq!(asked("Dear Ana Example:\ncould you measure it?"), [["Ana Example"]]);
    assert!(asked("Hi all,\ncould you measure it?").is_empty(), "the thread is not theirs, and no one is asked");
    let begun = [("Ana Example", Status, "The pump is in."), ("Bo Muster", Question, "Has anybody a manual for it?")];
    let asks_both = "Did you oil it? Has anybody a manual?";
    let (mut thread, mut acts) = thread(Kind::Email, &[begun[0], ("Bo Muster", Question, asks_both)]);
    acts.sentences[1].span.end = "Did you oil it?".len();
    thread.messages[1].reply_to = Some("m0".to_string());
    let owed = |acts: &crate::domain::ThreadActs| {
        debts(&thread, acts).into_iter().map(|debt| debt.owed_by).collect::<Vec<_>>()
    };
    assert_eq!(owed(&acts), [["Ana Example"]]);
    acts.sentences[1].span = crate::domain::Span::new(1, "Did you oil it? ".len()..asks_both.len());
    assert!(owed(&acts).is_empty());
    assert!(owed_by(Kind::Email, &begun).is_empty(), "whoever is answered is not who is asked");
}

#[test]
fn a_part_of_an_answer_is_no_question() {
    let asks = |kind, text| !open(kind, &[("ana", Status, "It hums."), ("bo", Question, text)]).is_empty();
    assert!(asks(Kind::Email, "Where did you put it?"));
    assert!(!asks(Kind::Email, "Where you put it matters to your neighbours."));
    assert!(!asks(Kind::Email, "You might have to move it\nto the yard?"));
    assert!(asks(Kind::Email, "Which of them could you need to move?"));
    assert!(!asks(Kind::Chat, "I guess you can turn it off at night?") && asks(Kind::Chat, "Can you turn it off?"));
    assert!(!asks(Kind::Chat, "It could hum for a year (really?)"));
    assert!(!asks(Kind::Email, "Somebody should build a better one."));
    assert!(asks(Kind::Email, "Should they build you a better one?"));
    assert!(
        !asks(Kind::Chat, "has a chapter on how you could oil it") && asks(Kind::Chat, "has anybody oiled it, bo?")
    );
}

#[test]
fn what_is_laid_before_everybody_asks_nobody() {
    let asks = |text| !open(Kind::Email, &[("ana", Ask, text)]).is_empty();
    assert!(asks("Please send me your comments by Friday."));
    assert!(!asks("Comments and corrections are very welcome."));
    assert!(!asks("Please let me know if you have any comments."));
    assert!(!asks("Please follow the guide on our page."));
    assert!(asks("Please let me know if anybody has an idea."));
}

#[test]
fn talk_that_goes_on_elsewhere_lifts_what_was_asked_here() {
    let left = |text, who: &str| {
        let (mut thread, mut acts) = thread(Kind::Chat, &[("bo", Status, "Here."), ("ana", Question, text)]);
        acts.sentences[1].addressee = text.starts_with('@').then(|| "bo".to_string());
        let at = Some(Moment::utc(at("2026-11-16T15:00Z")));
        thread.events.push(Event { at, kind: WENT_ON.to_string(), actor: Some(who.to_string()), subject: None });
        let debts = debts(&thread, &acts);
        debts.iter().map(|debt| debt.ended.map(|ended| ended.how)).collect::<Vec<_>>()
    };
    assert_eq!(left("@bo do you have the key?", "bo"), [Some(How::Superseded)]);
    assert_eq!(left("@bo do you have the key?", "ana"), [None]);
    assert_eq!(
        left("bo: do you have the key?", "cy"),
        [Some(How::Superseded)],
        "that it is bo who is asked is a guess"
    );
    assert_eq!(left("@bo do you have the key?", "cy"), [None]);
}

#[test]
fn an_asker_who_thanks_or_writes_on_waits_no_more() {
    let left = |kind, text, act| {
        let lines = [("ana", Question, "Which oil does it need?"), ("bo", Status, "Seen."), ("ana", act, text)];
        let (mut thread, acts) = thread(kind, &lines);
        // What was said between is not there.
        thread.messages[1].bot = true;
        debts(&thread, &acts).iter().filter(|debt| debt.is_open()).count()
    };
    assert_eq!(left(Kind::Email, "Thanks everyone for your help!", Status), 0);
    assert_eq!(left(Kind::Chat, "Thank you all for the quick answers.", Status), 0);
    assert_eq!(left(Kind::Email, "> The grey one.\nSo I ordered the grey one.", Status), 0);
    assert_eq!(left(Kind::Email, "I also looked into the manual.", Status), 1);
    assert_eq!(left(Kind::Email, "> Seen.\nWhich oil, I ask again?", Question), 1);
    assert_eq!(left(Kind::Chat, "> The grey one.\nSo I ordered the grey one.", Status), 1);
    assert_eq!(left(Kind::Email, "Thanks in advance for reading.", Status), 1);
}

#[test]
fn whoever_is_asked_and_says_yes_has_answered() {
    let left = |who, text| {
        let lines = [("bo", Status, "Here."), ("ana", Question, "@bo could you bring the key?"), (who, Other, text)];
        let (thread, mut acts) = thread(Kind::Chat, &lines);
        acts.sentences[1].addressee = Some("bo".to_string());
        acts.sentences[2].act = SpeechAct::Acknowledgement;
        debts(&thread, &acts).iter().filter(|debt| debt.is_open()).count()
    };
    assert_eq!((left("bo", "Yeah!"), left("bo", "No way"), left("bo", "Thanks!")), (0, 0, 1));
    assert_eq!(left("cy", "Yeah!"), 1, "who was not asked");
}

#[test]
fn an_answer_unblocks_where_people_talk() {
    let lines = [("ana", Blocker, "I am stuck on the valve."), ("bo", Answer, "It opens to the left.")];
    let blocked = |kind| open(kind, &lines).iter().any(|debt| debt.kind == Unblock);
    assert!(!blocked(Kind::Email) && blocked(Kind::Issue));
    assert!(open(Kind::Chat, &[lines[0], ("bo", Question, "Did you oil it?")]).iter().all(|debt| debt.kind != Unblock));
    let aside = [("ana", Blocker, "> It hums.\nSo do mine, and I am still waiting for the valve.")];
    assert!(open(Kind::Email, &aside).is_empty() && !open(Kind::Chat, &aside).is_empty());
    let again = [lines[0], lines[1], ("ana", Blocker, "I am still stuck on it.")];
    assert!(open(Kind::Email, &again).iter().any(|debt| debt.kind == Unblock));
    assert!(open(Kind::Email, &[lines[0], ("ana", Answer, "It is the left one.")]).iter().any(|d| d.kind == Unblock));
}

#[test]
fn what_is_expected_or_wished_for_is_no_proposal() {
    let proposes = |kind, text| open(kind, &[("ana", Proposal, text)]).iter().any(|debt| debt.kind == Decision);
    assert!(proposes(Kind::Email, "We should move the pump to the yard."));
    assert!(proposes(Kind::Issue, "Let's move the pump to the yard."));
    for text in ["The new valve lets us run it at night.", "We should be fine by then.", "Let's connect next week."] {
        assert!(!proposes(Kind::Email, text), "{text}");
    }
    assert!(!proposes(Kind::Issue, "It could also be red."));
}
