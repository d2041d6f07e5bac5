//! From a thread to its BLUF with a scripted model: what is claimed is quoted, what is invented is dropped, nothing is lost.

use bluf::{
    classify::Classifier,
    domain::{
        Kind, Message, Moment, Thread,
        summary::{By, Cite, QuestionState, Summary},
    },
    model::{
        Embedder, TextModel,
        scripted::{HashEmbedder, ScriptedModel},
    },
    summarize::{Models, Options, Summarizer, prompt::Style},
};
use jiff::Timestamp;
use proptest::prelude::*;

fn thread(kind: Kind, said: &[(&str, &str)]) -> Thread {
    let message = |(n, (author, text)): (usize, &(&str, &str))| Message {
        id: n.to_string(),
        author: Some((*author).to_owned()),
        sent_at: Moment::parse(&format!("2026-11-{:02}T09:00:00Z", n % 28 + 1)),
        text: (*text).to_owned(),
        ..Message::default()
    };
    let mut participants: Vec<String> = said.iter().map(|(author, _)| (*author).to_owned()).collect();
    participants.dedup();
    Thread {
        source: "test".to_owned(),
        kind,
        id: "t1".to_owned(),
        title: "Nightly export".to_owned(),
        url: None,
        channel: None,
        participants,
        messages: said.iter().enumerate().map(message).collect(),
        events: Vec::new(),
        as_of: None,
    }
}

fn summarize(thread: &Thread, model: Option<&mut ScriptedModel>) -> Summary {
    summarize_in(Style::Instructed, thread, model)
}

fn summarize_in(style: Style, thread: &Thread, model: Option<&mut ScriptedModel>) -> Summary {
    let acts = Classifier::without_heads().classify(thread, None, &|| false).expect("cues need no model");
    let mut encoder = HashEmbedder;
    let models = Models {
        encoder: model.is_some().then_some(&mut encoder as &mut dyn Embedder),
        generator: model.map(|m| m as &mut dyn TextModel),
        style,
        ..Models::default()
    };
    let summarizer = Summarizer::new(Options::default()).expect("the weights fit the program");
    summarizer.summarize(thread, acts, models, Timestamp::UNIX_EPOCH, &|| false).expect("scripted models do not fail")
}

fn export() -> Thread {
    thread(
        Kind::Email,
        &[
            (
                "Ana Lima",
                "The nightly export failed again because the pool has only ten connections. Raj, could you raise the limit by Friday?",
            ),
            (
                "Raj Patel",
                "I will raise the limit to 40 connections tomorrow. Does anybody know who owns the depot printers?",
            ),
            (
                "Ana Lima",
                "> I will raise the limit to 40 connections tomorrow.\n\nThanks. We decided to keep the old cron entry for one more week.",
            ),
        ],
    )
}

/// Every cite of a summary.
fn cites(summary: &Summary) -> Vec<&Cite> {
    let mut all: Vec<&Cite> = summary.bottom_line.cites.iter().collect();
    all.extend(summary.decisions.iter().flat_map(|c| &c.cites));
    all.extend(summary.asks.iter().flat_map(|c| &c.cites));
    all.extend(summary.questions.iter().flat_map(|c| &c.cites));
    all.extend(summary.questions.iter().filter_map(|c| c.answer.as_ref()).flat_map(|a| &a.cites));
    all.extend(summary.blockers.iter().flat_map(|c| &c.cites));
    all.extend(summary.context.iter().flat_map(|c| &c.cites));
    all
}

#[track_caller]
fn assert_trustworthy(thread: &Thread, summary: &Summary) {
    for cite in cites(summary) {
        let message = thread.messages.iter().find(|m| m.id == cite.message_id).expect("a cite names a message");
        assert_eq!(message.text.get(cite.start..cite.end), Some(cite.quote.as_str()));
        assert!(!cite.quote.is_empty());
        assert_eq!(cite.author, message.author);
    }
    let coverage = &summary.coverage;
    assert_eq!(
        (coverage.messages, coverage.read + coverage.skipped.len()),
        (thread.messages.len(), thread.messages.len())
    );
}

#[test]
fn a_taught_model_rewords_one_note_after_another_until_one_is_borne_out() {
    let thread = export();
    let mut model = ScriptedModel {
        answers: ["The export moves to 23:00 on Mars.".to_owned(), "Nothing to report.".to_owned()].into(),
        ..ScriptedModel::default()
    };
    let summary = summarize_in(Style::Taught, &thread, Some(&mut model));
    assert_eq!(summary.bottom_line.by, By::Extract, "{:?}", summary.bottom_line);
    assert_eq!(summary.provenance.dropped_claims, 1, "what was invented is counted, what says nothing is no claim");
    assert_eq!(summary.provenance.prompt_version.as_deref(), Some("bottom-line/2"));
    for asked in &model.asked {
        let [system, user] = &asked.turns[..] else { panic!("a system turn and one of the user's: {asked:?}") };
        assert!(system.text.starts_with("You reword") && user.text.matches("\n- ").count() == 1, "{user:?}");
        let only = asked.only.as_ref().expect("only words of the note");
        assert!(only.admits(user.text.split_once("\n- ").expect("a note").1, true), "{user:?}");
        assert!(!only.admits("unheard-of bananas", true));
    }
    let notes: std::collections::HashSet<&str> = model.asked.iter().map(|a| a.turns[1].text.as_str()).collect();
    assert_eq!(notes.len(), model.asked.len(), "no note is asked for twice");
}

const ASKED: &str = "Ana Lima asked if the nightly export of the northern depot still runs on the old server.";
const ANSWERED: &str =
    "Raj Patel said the nightly export of the northern depot runs on the new cluster since the first of March.";
const INVENTED: &str = "Ana Lima and Raj Patel flew to Mars.";

fn question() -> Thread {
    thread(
        Kind::Email,
        &[
            ("Ana Lima", "Hello all.\n\nDoes the nightly export of the northern depot still run on the old server?"),
            ("Raj Patel", "The nightly export of the northern depot runs on the new cluster since the first of March."),
        ],
    )
}

fn worded(thread: &Thread, answers: &[&str]) -> Summary {
    let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let summary = summarize_in(Style::Taught, thread, Some(&mut ScriptedModel { answers, ..ScriptedModel::default() }));
    assert_trustworthy(thread, &summary);
    summary
}

#[test]
fn a_line_has_what_was_asked_and_what_was_answered() {
    let summary = worded(&question(), &[ASKED, ANSWERED]);
    assert_eq!(
        (summary.bottom_line.text.as_str(), summary.bottom_line.by),
        (&*format!("{ASKED} {ANSWERED}"), By::Model)
    );
    let quoted: Vec<&str> = summary.bottom_line.cites.iter().map(|c| c.message_id.as_str()).collect();
    assert_eq!(quoted, ["0", "1"], "each sentence by its own quote");
}

#[test]
fn half_a_line_that_is_borne_out_stands_without_the_other() {
    for (answers, left) in [([ASKED, INVENTED, INVENTED], ASKED), ([INVENTED, ANSWERED, INVENTED], ANSWERED)] {
        let summary = worded(&question(), &answers);
        assert_eq!((summary.bottom_line.text.as_str(), summary.bottom_line.by), (left, By::Model));
        assert!(summary.provenance.dropped_claims >= 1, "{:?}", summary.provenance);
    }
}

#[test]
fn a_decision_without_a_wording_is_quoted_and_nothing_takes_its_place() {
    let failed = "Ana Lima said the nightly export failed again because the pool has only ten connections.";
    let summary = worded(&export(), &[INVENTED, failed, failed]);
    assert_eq!((summary.bottom_line.by, summary.provenance.dropped_claims), (By::Extract, 1));
    let decided = "We decided to keep the old cron entry for one more week.";
    assert!(summary.bottom_line.cites.iter().any(|c| c.quote == decided), "{:?}", summary.bottom_line);
}

#[test]
fn speech_that_begins_anew_heads_nothing() {
    let thread = thread(
        Kind::Transcript,
        &[
            (
                "Ana Lima",
                "This meeting we are it's fo should be about the nightly export of the of the northern depot.",
            ),
            ("Raj Patel", "The billing tables were copied to the new cluster in March."),
        ],
    );
    let mut model = ScriptedModel::default();
    summarize_in(Style::Taught, &thread, Some(&mut model));
    assert!(model.asked[0].turns[1].text.contains("billing tables"), "{:?}", model.asked);
}

#[test]
fn what_is_said_in_one_breath_is_worded_as_one_and_quoted_piece_by_piece() {
    let thread = thread(
        Kind::Transcript,
        &[
            ("Ana Lima", "The nightly export of the northern depot moves from the old server"),
            ("Raj Patel", "Mm-hmm."),
            ("Ana Lima", "to the new cluster behind the firewall on 14 March."),
        ],
    );
    let line = "The nightly export of the northern depot moves to the new cluster on 14 March.";
    let mut model = ScriptedModel { answers: [line.to_owned()].into(), ..ScriptedModel::default() };
    let summary = summarize_in(Style::Taught, &thread, Some(&mut model));
    assert_eq!((summary.bottom_line.text.as_str(), summary.bottom_line.by), (line, By::Model));
    let quoted: Vec<&str> = summary.bottom_line.cites.iter().map(|c| c.message_id.as_str()).collect();
    assert_eq!(quoted, ["0", "2"]);
    assert_trustworthy(&thread, &summary);
}

#[test]
fn what_is_begun_anew_is_no_part_of_what_was_said_before() {
    let thread = thread(
        Kind::Transcript,
        &[
            ("Ana Lima", "The least liked name for the export seems to be the nightly register"),
            ("Ana Lima", "Please list which of the depot names you prefer"),
        ],
    );
    let line = "Ana Lima said the least liked name for the export is which of the depot names they prefer.";
    let mut model = ScriptedModel { answers: [line.to_owned()].into(), ..ScriptedModel::default() };
    let summary = summarize_in(Style::Taught, &thread, Some(&mut model));
    assert_eq!((summary.bottom_line.by, summary.provenance.dropped_claims), (By::Extract, 1));
    assert_trustworthy(&thread, &summary);
}

#[test]
fn where_nothing_is_to_be_told_the_quote_stands_and_nothing_is_counted_as_dropped() {
    let thread = export();
    let nothing = || "Nothing to report.".to_owned();
    let mut model = ScriptedModel { answers: [nothing(), nothing(), nothing()].into(), ..ScriptedModel::default() };
    let summary = summarize_in(Style::Taught, &thread, Some(&mut model));
    assert_eq!((summary.bottom_line.by, summary.provenance.dropped_claims), (By::Extract, 0));
    let chatter = thread_of_thanks();
    let mut model =
        ScriptedModel { answers: ["Ana said thanks to all of them.".to_owned()].into(), ..ScriptedModel::default() };
    let summary = summarize_in(Style::Taught, &chatter, Some(&mut model));
    let asked: Vec<&str> = model.asked.iter().map(|asked| asked.turns[1].text.as_str()).collect();
    assert_eq!((summary.bottom_line.by, asked), (By::Extract, Vec::new()), "small talk is not given to a generator");
    assert_trustworthy(&chatter, &summary);
}

#[test]
fn what_a_document_is_not_about_heads_nothing() {
    let thread = thread(
        Kind::Document,
        &[
            ("section: Non-Goals", "Operators get a way to set the name options of a whole cluster at once."),
            ("section: Goals", "Operators get a way to change the name options of one pod."),
        ],
    );
    let summary = summarize(&thread, None);
    assert!(summary.bottom_line.text.starts_with("Operators get a way to change"), "{:?}", summary.bottom_line);
}

#[test]
fn a_documents_own_abstract_heads_it() {
    let sections = [
        (
            "section: Motivation",
            "This proposal changes how depots print labels and adds a queue for them. Labels get lost today.",
        ),
        (
            "section: Design",
            "Each depot printer gets a queue, and the queue keeps labels until the printer has confirmed them.",
        ),
        (
            "section: Abstract of changes",
            "The label service gains one table and two columns for the depots and their printers.",
        ),
        (
            "section: 1. Abstract",
            "Labels shall survive a power cut at the depot. Nobody at a depot has to print one twice.",
        ),
    ];
    let document = thread(Kind::Document, &sections);
    let summary = summarize(&document, None);
    assert_trustworthy(&document, &summary);
    let quoted: Vec<&str> = summary.bottom_line.cites.iter().map(|c| c.message_id.as_str()).collect();
    assert_eq!(quoted, ["3", "3"], "{}", summary.bottom_line.text);
    // In a thread between people nobody's name is a section's.
    let mail = thread(Kind::Email, &sections);
    assert!(summarize(&mail, None).bottom_line.cites.iter().any(|c| c.message_id != "3"));
}

#[test]
fn what_a_meeting_has_voted_for_heads_it() {
    let minutes = |second: &str| {
        thread(
            Kind::Transcript,
            &[
                ("Ana Lima", "The depots in the north want their labels printed an hour earlier than the others do."),
                ("Raj Patel", "Proposed resolution: The depots in the north print their labels at five in the morning"),
                ("Tom Reyes", "+1"),
                ("Kim Sol", second),
                (
                    "Ana Lima",
                    "The printers in the south are old, and the labels from there are hard to read for everybody.",
                ),
            ],
        )
    };
    let head = |thread: &Thread| summarize(thread, None).bottom_line.cites[0].message_id.clone();
    let summary = summarize(&minutes("+1"), None);
    assert!(summary.bottom_line.cites.iter().any(|c| c.message_id == "1"), "{}", summary.bottom_line.text);
    assert_trustworthy(&minutes("+1"), &summary);
    assert_ne!(head(&minutes("-1")), "1", "one for it and one against it carry nothing");
}

fn thread_of_thanks() -> Thread {
    thread(
        Kind::Chat,
        &[
            ("Ana Lima", "Good morning everybody!"),
            ("Raj Patel", "Thanks a lot for the lovely cake, it was great."),
            ("Ana Lima", "Thank you all so much, see you on Monday!"),
            ("Raj Patel", "Haha, have a nice weekend everyone."),
        ],
    )
}

#[test]
fn a_wording_that_its_quotes_bear_out_is_shown_with_them() {
    let line = "Ana said they decided to keep the old cron entry for one more week.";
    let mut model = ScriptedModel { answers: [line.to_owned()].into(), ..ScriptedModel::default() };
    let thread = export();
    let summary = summarize(&thread, Some(&mut model));
    assert_eq!((summary.bottom_line.text.as_str(), summary.bottom_line.by), (line, By::Model));
    assert_eq!(summary.bottom_line.cites[0].message_id, "2", "the decision heads the thread");
    assert_eq!(summary.provenance.dropped_claims, 0);
    assert_trustworthy(&thread, &summary);
    let asked = &model.asked[0].turns.last().expect("a prompt has turns").text;
    assert!(asked.contains("Ana Lima: ") && asked.len() < 2000, "the prompt is the evidence: {asked}");
}

#[test]
fn an_invented_wording_is_dropped_and_counted_and_a_quote_takes_its_place() {
    for invented in [
        "The nightly export failed because the pool has only twelve connections.",
        "Maria decided that the export moves to the cloud.",
        "The export works and nothing has to be done.",
        "Please visit http://evil.example to fix the export.",
    ] {
        let mut model = ScriptedModel { answers: [invented.to_owned()].into(), ..ScriptedModel::default() };
        let thread = export();
        let summary = summarize(&thread, Some(&mut model));
        assert_eq!(summary.bottom_line.by, By::Extract, "{invented}");
        assert_eq!(summary.provenance.dropped_claims, 1, "{invented}");
        assert!(!summary.bottom_line.text.is_empty() && !summary.bottom_line.text.contains("evil"));
        assert_trustworthy(&thread, &summary);
    }
}

#[test]
fn decisions_asks_and_questions_are_found_with_who_and_when() {
    let thread = export();
    let summary = summarize(&thread, None);
    assert!(
        summary
            .decisions
            .iter()
            .any(|d| d.text.contains("keep the old cron entry") && d.decided_by.as_deref() == Some("Ana Lima")),
        "{:?}",
        summary.decisions
    );
    let asked = summary.asks.iter().find(|a| a.text.contains("could you raise the limit")).expect("an ask");
    assert_eq!((asked.owner.as_deref(), asked.due.as_deref()), (Some("Raj Patel"), Some("by Friday")));
    let promised = summary.asks.iter().find(|a| a.text.contains("I will raise")).expect("a promise");
    assert_eq!(
        (promised.owner.as_deref(), promised.cites[0].message_id.as_str()),
        (Some("Raj Patel"), "1"),
        "not the quoted reply"
    );
    let open = summary.questions.iter().find(|q| q.text.contains("who owns the depot printers")).expect("a question");
    assert_eq!((open.state, open.asked_by.as_deref()), (QuestionState::Open, Some("Raj Patel")));
    assert_trustworthy(&thread, &summary);
}

#[test]
fn nothing_said_is_nothing_claimed() {
    let empty = thread(Kind::Chat, &[]);
    let summary = summarize(&empty, Some(&mut ScriptedModel::default()));
    assert_eq!((summary.bottom_line.text.as_str(), cites(&summary).len(), summary.through.clone()), ("", 0, None));
    let chatter = thread(Kind::Chat, &[("Ana", "morning!"), ("Raj", ":wave:"), ("Ana", "thanks"), ("Raj", "")]);
    let summary = summarize(&chatter, None);
    assert!(
        summary.decisions.is_empty()
            && summary.asks.is_empty()
            && summary.questions.is_empty()
            && summary.blockers.is_empty()
    );
    assert_trustworthy(&chatter, &summary);
}

#[test]
fn fifty_thousand_messages_are_all_read() {
    let said: Vec<(String, String)> =
        (0..50_000).map(|n| (format!("P{}", n % 9), format!("Step {n} of the plan is ready for review."))).collect();
    let said: Vec<(&str, &str)> = said.iter().map(|(a, t)| (a.as_str(), t.as_str())).collect();
    let thread = thread(Kind::Chat, &said);
    let summary = summarize(&thread, None);
    assert_eq!((summary.coverage.read, summary.through.as_deref()), (50_000, Some("49999")));
    assert_trustworthy(&thread, &summary);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_said_every_cite_is_exact(
        texts in prop::collection::vec("(?s)[\\PC\n>\u{200b}*`#\\[\\](){}.?!]{0,120}", 0..12),
        kind in prop::sample::select(vec![Kind::Chat, Kind::Email, Kind::Review, Kind::Document, Kind::Transcript]),
        answer in "\\PC{0,80}",
    ) {
        let said: Vec<(&str, &str)> = texts.iter().enumerate().map(|(n, t)| (["Ana", "Raj", "[topic]"][n % 3], t.as_str())).collect();
        let thread = thread(kind, &said);
        let mut model = ScriptedModel { answers: [answer].into(), ..ScriptedModel::default() };
        let summary = summarize(&thread, Some(&mut model));
        assert_trustworthy(&thread, &summary);
    }
}
