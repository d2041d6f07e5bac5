//! A thread that is read again, with what is known from before, is read as if for the first time.

use bluf::{
    classify::{self, Classifier},
    docket::{Rules, docket},
    domain::{Kind, Message, Moment, Thread, ThreadActs, summary::Summary},
    model::{Embedder, ModelError},
    summarize::{self, Models, Options, Summarizer},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

/// What people say here; much of it several times.
const SAID: [&str; 20] = [
    "Raj, could you send the pump figures by Friday?",
    "We decided to keep the north yard open on Mondays.",
    "I will write to the ferry office tomorrow and ask for the keys.",
    "That is blocked by the missing signature from the archive.",
    "Where shall the crates be delivered?",
    "Done, the labels were sent this morning.",
    "PROPOSED: move the meeting to Tuesday",
    "+1",
    "ok",
    "Thanks, that helps.",
    "Never mind, I found it myself.",
    "The invoice says 710 and the delivery note says 19, so one of them is wrong.",
    "My proposal is to return the valves and to ask for newer ones",
    "@Ana what about the 14th?",
    "Nobody has taken the lanterns yet, and the driver waits.",
    "RESOLVED: we agreed to paint the depot green.",
    "It rained again, and",
    "so the cellar has water in it",
    "> The labels were wet.\nThey are dry by now, as far as I can see.",
    "They are to the left of the stairs.",
];
const PEOPLE: [&str; 4] = ["Ana Quintero", "Raj Bhandari", "Lotte Visser", "Ivo Marchetti"];

/// Places a text by its words among as many numbers as the heads were trained on.
struct Words;

impl Embedder for Words {
    fn dim(&self) -> usize {
        classify::features::DIM
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let vector = |text: &&str| {
            let mut vector = vec![0.01; classify::features::DIM];
            for word in text.split_whitespace() {
                let hash = word.bytes().fold(2_166_136_261u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
                vector[hash as usize % classify::features::DIM] += 1.0;
            }
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// What happens to a thread between two readings. Places are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Say(usize, Vec<usize>),
    SayBetween(usize, usize, Vec<usize>),
    Edit(usize, Vec<usize>),
    Delete(usize),
    DeleteMany(usize),
    Rename(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let said = || prop::collection::vec(0..SAID.len(), 0..4);
    prop_oneof![
        4 => (0..PEOPLE.len(), said()).prop_map(|(who, said)| Change::Say(who, said)),
        1 => (any::<usize>(), 0..PEOPLE.len(), said()).prop_map(|(at, who, said)| Change::SayBetween(at, who, said)),
        1 => (any::<usize>(), said()).prop_map(|(at, said)| Change::Edit(at, said)),
        1 => any::<usize>().prop_map(Change::Delete),
        1 => any::<usize>().prop_map(Change::DeleteMany),
        1 => any::<usize>().prop_map(Change::Rename),
    ]
}

fn text(said: &[usize]) -> String {
    said.iter().map(|at| SAID[*at]).collect::<Vec<_>>().join("\n")
}

fn message(number: usize, who: usize, said: &[usize]) -> Message {
    let sent = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(7 * number as i64);
    Message {
        id: number.to_string(),
        author: Some(PEOPLE[who].to_owned()),
        sent_at: Some(Moment::utc(sent)),
        text: text(said),
        ..Message::default()
    }
}

fn apply(thread: &mut Thread, number: usize, change: &Change) {
    let count = thread.messages.len().max(1);
    match change {
        Change::Say(who, said) => thread.messages.push(message(number, *who, said)),
        Change::SayBetween(at, who, said) => {
            thread.messages.insert((at % count).min(thread.messages.len()), message(number, *who, said));
        }
        Change::Edit(at, said) => {
            if let Some(edited) = thread.messages.get_mut(at % count) {
                edited.text = text(said);
            }
        }
        Change::Delete(at) => {
            let from = (at % count).min(thread.messages.len());
            thread.messages.drain(from..(from + 1).min(thread.messages.len()));
        }
        Change::DeleteMany(at) => {
            let from = (at % count).min(thread.messages.len());
            let to = (from + 9).min(thread.messages.len());
            thread.messages.drain(from..to);
        }
        Change::Rename(at) => match thread.messages.get_mut(at % count) {
            Some(message) => message.author = Some(format!("Guest {number}")),
            None => thread.title.push('!'),
        },
    }
    thread.participants = PEOPLE.iter().map(|name| (*name).to_owned()).collect();
}

/// A reading without what differs from one to the next: how long it took.
fn timeless(mut summary: Summary) -> String {
    summary.provenance = Default::default();
    serde_json::to_string(&summary).expect("it serializes")
}

struct Desk {
    classifier: Classifier,
    summarizer: Summarizer,
    rules: Rules,
    now: Timestamp,
}

impl Desk {
    fn new() -> Desk {
        Desk {
            classifier: Classifier::embedded().expect("the heads that ship"),
            summarizer: Summarizer::new(Options::default()).expect("the ranker that ships"),
            rules: Rules::shipped(TimeZone::UTC),
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(40),
        }
    }

    fn read(
        &self,
        thread: &Thread,
        sentences: &mut classify::Memo,
        units: &mut summarize::Memo,
    ) -> (ThreadActs, String, String) {
        let acts =
            self.classifier.classify_again(thread, Some(&mut Words), sentences, &|| false).expect("nothing can fail");
        let mut encoder = Words;
        let models = Models { encoder: Some(&mut encoder), ..Models::default() };
        let summary = self.summarizer.summarize_again(thread, &acts, models, units, self.now, &|| false);
        let owed = format!("{:?}", docket(thread, &acts, &self.rules, self.now));
        (acts, timeless(summary.expect("nothing can fail")), owed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_thread_that_grew_was_edited_and_lost_messages_is_read_as_if_for_the_first_time(
        kind in prop::sample::select(vec![Kind::Chat, Kind::Email, Kind::Review, Kind::Document, Kind::Transcript]),
        first in prop::collection::vec((0..PEOPLE.len(), prop::collection::vec(0..SAID.len(), 0..4)), 0..60),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let desk = Desk::new();
        let messages = first.iter().enumerate().map(|(number, (who, said))| message(number, *who, said)).collect();
        let mut thread = Thread {
            source: "test".into(), kind, id: "1".into(), title: "The labels of the pumps".into(), url: None, channel: None,
            participants: PEOPLE.iter().map(|name| (*name).to_owned()).collect(), messages, events: Vec::new(), as_of: None,
        };
        let (mut sentences, mut units) = (classify::Memo::default(), summarize::Memo::default());
        desk.read(&thread, &mut sentences, &mut units);
        for (at, change) in changes.iter().enumerate() {
            apply(&mut thread, 1_000 + at, change);
            let again = desk.read(&thread, &mut sentences, &mut units);
            let anew = desk.read(&thread, &mut classify::Memo::default(), &mut summarize::Memo::default());
            prop_assert_eq!(&again.0, &anew.0);
            prop_assert_eq!(&again.1, &anew.1);
            prop_assert_eq!(&again.2, &anew.2);
        }
    }
}
