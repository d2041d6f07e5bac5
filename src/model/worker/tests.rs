//! The worker with a model that the test leads by the hand.

use std::{sync::mpsc, time::Duration};

use super::*;
use crate::model::{Role, Sampling, Stop, Turn, scripted::HashEmbedder};

/// Writes its request's text letter by letter, one a step, each time that the test lets it.
struct Typist {
    steps: mpsc::Sender<Vec<String>>,
    go: mpsc::Receiver<()>,
    /// How often it looks up within a step.
    looks: usize,
}

#[derive(Clone)]
struct Typed {
    request: String,
    letters: usize,
}

impl TextModel for Typist {
    fn context_tokens(&self) -> usize {
        64
    }

    fn count(&self, text: &str) -> usize {
        text.len()
    }

    fn generate(&mut self, _: &Request, _: &dyn Fn() -> bool) -> Result<Generation, ModelError> {
        unreachable!("the worker goes by drafts")
    }
}

impl BatchTextModel for Typist {
    type Draft = Typed;

    fn begin(&mut self, request: &Request) -> Result<Typed, ModelError> {
        Ok(Typed { request: request.turns[0].text.clone(), letters: 0 })
    }

    fn step(&mut self, drafts: &mut [&mut Typed], stop: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        self.steps.send(drafts.iter().map(|d| d.request.clone()).collect()).expect("the test listens");
        self.go.recv().expect("the test speaks");
        for _ in 0..self.looks {
            if stop() {
                return Ok(false);
            }
        }
        drafts.iter_mut().for_each(|d| d.letters += 1);
        Ok(true)
    }

    fn stop(draft: &Typed) -> Option<Stop> {
        (draft.letters == draft.request.len()).then_some(Stop::EndOfTurn)
    }

    fn finish(draft: Typed) -> Generation {
        Generation {
            text: draft.request,
            stop: Stop::EndOfTurn,
            prompt_tokens: 0,
            reused_tokens: 0,
            new_tokens: draft.letters,
            prefill_ms: 0,
            decode_ms: 0,
        }
    }
}

struct Desk {
    handle: ModelHandle,
    steps: mpsc::Receiver<Vec<String>>,
    go: mpsc::Sender<()>,
}

fn desk(queue: usize) -> Desk {
    let ((steps, seen), (go, may_go)) = (mpsc::channel(), mpsc::channel());
    let load: Load<Typist> = Box::new(move || Ok(Typist { steps, go: may_go, looks: 1 }));
    let (handle, _) = start::<_, HashEmbedder>(Some(load), None, queue).expect("it starts");
    Desk { handle: handle.expect("a generator was loaded"), steps: seen, go }
}

impl Desk {
    /// What the model works on in its next step, once it has begun it.
    fn works_on(&self) -> Vec<String> {
        self.steps.recv_timeout(Duration::from_secs(10)).expect("the model works")
    }

    fn let_go(&self) {
        self.go.send(()).expect("the model waits");
    }

    fn wait_for(&self, lane: Lane, count: usize) {
        while self.handle.waiting.of(lane).load(Ordering::Relaxed) != count {
            thread::yield_now();
        }
    }
}

fn request(text: &str) -> Request {
    Request {
        turns: vec![Turn { role: Role::User, text: text.to_owned() }],
        answer_start: String::new(),
        max_new_tokens: 1,
        sampling: Sampling::Greedy,
        stop: Vec::new(),
        only: None,
    }
}

#[test]
fn a_full_queue_refuses_at_once() {
    let desk = desk(1);
    thread::scope(|scope| {
        let ask = |text: &'static str| {
            let mut handle = desk.handle.clone();
            scope.spawn(move || handle.generate(&request(text), &|| false).map(|g| g.text))
        };
        let first = ask("a");
        assert_eq!(desk.works_on(), ["a"]);
        let second = ask("b");
        desk.wait_for(Lane::Interactive, 1);
        let refused = desk.handle.clone().generate(&request("c"), &|| false);
        assert!(matches!(refused, Err(ModelError::Busy { waiting: 1 })), "{refused:?}");
        desk.let_go();
        assert_eq!(first.join().expect("no panic").expect("an answer"), "a");
        assert_eq!(desk.works_on(), ["b"]);
        desk.let_go();
        assert_eq!(second.join().expect("no panic").expect("an answer"), "b");
    });
}

#[test]
fn several_requests_are_answered_at_one_time() {
    let desk = desk(4);
    thread::scope(|scope| {
        let ask = |text: &'static str| {
            let mut handle = desk.handle.clone();
            scope.spawn(move || handle.generate(&request(text), &|| false).map(|g| g.text))
        };
        let first = ask("aa");
        assert_eq!(desk.works_on(), ["aa"]);
        let second = ask("b");
        desk.wait_for(Lane::Interactive, 1);
        desk.let_go();
        assert_eq!(desk.works_on(), ["aa", "b"]);
        desk.let_go();
        for (asked, text) in [(first, "aa"), (second, "b")] {
            assert_eq!(asked.join().expect("no panic").expect("an answer"), text);
        }
    });
}

#[test]
fn background_work_stands_still_while_a_person_waits_and_then_goes_on() {
    let desk = desk(4);
    thread::scope(|scope| {
        let ask = |text: &'static str, lane| {
            let mut handle = desk.handle.in_lane(lane);
            scope.spawn(move || handle.generate(&request(text), &|| false).map(|g| (g.text, g.new_tokens)))
        };
        let slow = ask("background", Lane::Background);
        assert_eq!(desk.works_on(), ["background"]);
        let person = ask("me", Lane::Interactive);
        desk.wait_for(Lane::Interactive, 1);
        // The step that was under way ends early, and the person's comes next.
        desk.let_go();
        for _ in 0..2 {
            assert_eq!(desk.works_on(), ["me"]);
            desk.let_go();
        }
        assert_eq!(person.join().expect("no panic").expect("an answer"), ("me".to_owned(), 2));
        for _ in 0.."background".len() {
            assert_eq!(desk.works_on(), ["background"]);
            desk.let_go();
        }
        let text = slow.join().expect("no panic").expect("an answer");
        assert_eq!(text, ("background".to_owned(), 10), "the step that was cut short was done again");
    });
}

#[test]
fn cancelling_ends_a_step_that_is_under_way() {
    let desk = desk(4);
    let cancelled = AtomicBool::new(false);
    let text = thread::scope(|scope| {
        let mut handle = desk.handle.clone();
        let cancelled = &cancelled;
        let waits = scope.spawn(move || handle.generate(&request("aaaa"), &|| cancelled.load(Ordering::Relaxed)));
        assert_eq!(desk.works_on(), ["aaaa"]);
        cancelled.store(true, Ordering::Relaxed);
        // The caller looks every LOOK_EVERY; the model must hear of it before it is let go.
        thread::sleep(LOOK_EVERY * 5);
        desk.let_go();
        waits.join().expect("no panic")
    });
    assert_eq!(text.expect("what there was").new_tokens, 0);
    assert!(desk.steps.recv_timeout(LOOK_EVERY * 5).is_err(), "no further step");
}

#[test]
fn weights_that_cannot_be_read_are_told_to_the_caller() {
    let load: Load<Typist> = Box::new(|| Err(ModelError::Missing { name: "small".to_owned() }));
    let told = start::<_, HashEmbedder>(Some(load), None, 1).map(|_| ());
    assert!(matches!(&told, Err(ModelError::Missing { name }) if name == "small"), "{told:?}");
}

#[test]
fn an_encoder_alone_serves_more_texts_than_it_takes_at_once() {
    let load: Load<HashEmbedder> = Box::new(|| Ok(HashEmbedder));
    let (generator, encoder) = start::<Typist, _>(None, Some(load), 1).expect("it starts");
    assert!(generator.is_none());
    let mut encoder = encoder.expect("an encoder was loaded");
    let texts: Vec<String> = (0..EMBED_AT_ONCE.iter().sum::<usize>() * 2 + 1).map(|n| format!("text {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = encoder.embed(&texts).expect("vectors");
    assert_eq!(vectors, HashEmbedder.embed(&texts).expect("vectors"), "in order");
    assert_eq!(encoder.embed(&[]).expect("nothing of nothing"), Vec::<Vec<f32>>::new());
    assert_eq!(encoder.dim(), HashEmbedder.dim());
}
