//! What the classifier promises whoever calls it, with an encoder that needs no weights.

use std::cell::Cell;

use crate::domain::{Message, SpeechAct};

use super::*;

/// Gives each different text a vector of its own and counts what it was asked.
struct Scripted {
    dim: usize,
    asked: Vec<String>,
}

impl Embedder for Scripted {
    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.asked.extend(texts.iter().map(|t| t.to_string()));
        let vector = |text: &&str| {
            let mut vector = vec![0.0; self.dim];
            vector[text.len() % self.dim] = 1.0;
            vector
        };
        Ok(texts.iter().map(vector).collect())
    }
}

fn thread(kind: Kind, messages: &[(&str, &str)]) -> Thread {
    let message = |(at, (author, text)): (usize, &(&str, &str))| Message {
        id: at.to_string(),
        author: Some(author.to_string()),
        text: text.to_string(),
        ..Message::default()
    };
    Thread {
        source: "test".into(),
        kind,
        id: "1".into(),
        title: "Pumps".into(),
        url: None,
        channel: None,
        participants: vec!["Ana Petrova".into(), "Raj Iyer".into()],
        messages: messages.iter().enumerate().map(message).collect(),
        events: Vec::new(),
        as_of: None,
    }
}

fn never() -> bool {
    false
}

#[test]
fn a_request_has_its_act_its_addressee_and_its_due_phrase() {
    let thread = thread(Kind::Email, &[("Ana Petrova", "Hello.\nRaj, could you send the pump figures by Friday?")]);
    let read = Classifier::without_heads().classify(&thread, None, &never).expect("no encoder can fail");
    let last = read.sentences.last().expect("two sentences");
    assert_eq!((last.act, last.addressee.as_deref()), (SpeechAct::Ask, Some("Raj Iyer")));
    assert_eq!(last.due.map(|due| thread.quote(due)), Some("by Friday"));
    assert_eq!(thread.quote(last.span), "Raj, could you send the pump figures by Friday?");
    assert!(read.embeddings.is_empty() && read.skipped.is_empty());
}

#[test]
fn a_carried_proposal_bears_out_a_decision_and_a_disputed_one_does_not() {
    let decision = |votes: [&str; 3]| {
        let said: Vec<(&str, &str)> =
            [("Ana", "PROPOSED: keep the orchard open")].into_iter().chain(votes.map(|vote| ("Raj", vote))).collect();
        let read = Classifier::without_heads().classify(&thread(Kind::Transcript, &said), None, &never);
        read.expect("no encoder can fail").sentences[0].decision
    };
    assert!(decision(["+1", "+1", "fine"]) > 0.8);
    assert!(decision(["+1", "-1", "+1"]) < 0.5);
    assert!(decision(["ok", "hm", "next topic"]) < 0.5);
}

#[test]
fn equal_sentences_are_embedded_once() {
    let thread = thread(Kind::Chat, &[("Ana", "ok. ok."), ("Raj", "ok."), ("Raj", "")]);
    let mut encoder = Scripted { dim: DIM, asked: Vec::new() };
    let classifier = Classifier::embedded().expect("the shipped heads are readable");
    let read = classifier.classify(&thread, Some(&mut encoder), &never).expect("the encoder is scripted");
    assert_eq!(encoder.asked, ["ok."]);
    assert_eq!((read.sentences.len(), read.embeddings.len()), (3, 3));
    assert!(read.sentences.iter().all(|s| s.acts.iter().all(|p| (0.0..=1.0).contains(p))));
}

#[test]
fn a_withdrawn_caller_is_told_which_messages_were_not_read() {
    let many: Vec<String> = (0..2 * CHUNK).map(|n| format!("Pump {n} is here.")).collect();
    let said: Vec<(&str, &str)> = many.iter().map(|text| ("Ana", text.as_str())).collect();
    let thread = thread(Kind::Chat, &said);
    let looks = Cell::new(0);
    let cancelled = || looks.replace(looks.get() + 1) > 0;
    let mut encoder = Scripted { dim: DIM, asked: Vec::new() };
    let classifier = Classifier::embedded().expect("the shipped heads are readable");
    let read = classifier.classify(&thread, Some(&mut encoder), &cancelled).expect("the encoder is scripted");
    assert_eq!(read.sentences.len(), CHUNK);
    assert_eq!(read.skipped.len(), CHUNK);
    assert_eq!(read.skipped.first(), Some(&(CHUNK, CANCELLED)));
}

#[test]
fn an_encoder_that_does_not_fit_is_refused() {
    let classifier = Classifier::embedded().expect("the shipped heads are readable");
    let mut small = Scripted { dim: 8, asked: Vec::new() };
    let refused = classifier.classify(&thread(Kind::Chat, &[("Ana", "ok")]), Some(&mut small), &never);
    assert!(matches!(refused, Err(ModelError::BadFile { .. })));
    assert!(classifier.check_encoder("0000").is_err());
}

#[test]
fn a_file_that_is_not_ours_is_refused() {
    for bytes in [&b""[..], b"12345678", &[0xff; 64], &EMBEDDED[..4096]] {
        assert!(matches!(Heads::read(bytes, "heads"), Err(ModelError::BadFile { .. })));
    }
    let shipped = String::from_utf8_lossy(&EMBEDDED[..512]).into_owned();
    let at = shipped.find("\"feature_version\":\"").expect("the header names the version") + 19;
    let mut other = EMBEDDED.to_vec();
    other[at] = b'0';
    let refused = Heads::read(&other, "heads").err().map(|e| e.to_string()).unwrap_or_default();
    assert!(refused.contains("trained on features 0"), "{refused}");
}

#[test]
fn a_thread_of_nothing_is_read() {
    let read = Classifier::without_heads().classify(&thread(Kind::Chat, &[]), None, &never).expect("nothing can fail");
    assert_eq!(read, ThreadActs::default());
}
