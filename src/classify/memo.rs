//! What is known of a thread's sentences from reading it before. Everything is kept by all that it was made from, so that what
//! is known is what reading would find, and what a thread no longer says is forgotten with the next reading.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{cues::Cues, features::Surroundings, heads::Local};
use crate::{
    domain::{Kind, Thread},
    model::{Embedder, ModelError},
    text::{due_phrase, person_mention::Roll, quote, sentence},
};

/// What has gone from a thread is looked past for so many sentences. Where more has gone at once, what follows is made anew.
const LOOKED_PAST: usize = 256;

/// A thread's sentences as they were read last, by one encoder and one set of heads.
#[derive(Default)]
pub struct Memo {
    kind: Option<Kind>,
    /// What mentions were looked up in.
    people: Vec<String>,
    /// How many texts have had a number: no number is given twice.
    numbers: u32,
    /// By the text of a message.
    messages: HashMap<Arc<str>, Arc<Said>>,
    /// The messages as they followed one another.
    order: Vec<(Arc<str>, Arc<Said>)>,
    texts: HashMap<Box<str>, Arc<Text>>,
    /// In the order of the thread.
    locals: Vec<(Surroundings, Box<Local>)>,
}

/// The sentences of a message's own words.
struct Said {
    sentences: Vec<(Range<usize>, Arc<Text>)>,
}

/// What the words of a sentence say by themselves.
pub(super) struct Text {
    /// Tells it from every other text.
    pub number: u32,
    pub words: usize,
    pub cues: Cues,
    /// By the encoder, where there is one.
    vector: OnceLock<Arc<[f32]>>,
    /// Whom it names.
    named: OnceLock<Option<String>>,
    due: OnceLock<Option<Range<usize>>>,
}

/// A sentence of a thread, before it is read.
pub(super) struct Piece {
    pub message: usize,
    pub range: Range<usize>,
    pub text: Arc<Text>,
}

impl Text {
    fn of(text: &str, number: u32) -> Text {
        let (words, cues) = (text.split_whitespace().count(), Cues::of(text));
        let (vector, named, due) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Text { number, words, cues, vector, named, due }
    }

    /// Whom it names among the people of the thread that it is kept for; `text` is what it was made of, like `due`'s.
    pub fn named(&self, text: &str, roll: &Roll) -> Option<&str> {
        self.named.get_or_init(|| roll.find(text).map(|mention| mention.who)).as_deref()
    }

    /// The words that say by when.
    pub fn due(&self, text: &str) -> Option<Range<usize>> {
        self.due.get_or_init(|| due_phrase::find(text)).clone()
    }
}

impl Memo {
    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let messages = self.messages.iter().map(|(text, said)| text.len() + 120 + 40 * said.sentences.len());
        let vector = |text: &Text| text.vector.get().map_or(0, |vector| size_of_val(&**vector));
        let texts = self.texts.iter().map(|(words, text)| words.len() + 250 + vector(text));
        messages.chain(texts).sum::<usize>() + self.locals.len() * (size_of::<Local>() + size_of::<Surroundings>() + 32)
    }

    /// The texts of all sentences of the thread as it was last read.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(AsRef::as_ref)
    }

    /// Begins a reading of `thread`, in which `people` may be named.
    pub(super) fn begin(&mut self, thread: &Thread, people: &[String]) {
        if self.kind != Some(thread.kind) {
            *self = Memo { kind: Some(thread.kind), ..Memo::default() };
        }
        if self.people != people {
            self.people = people.to_vec();
            // Texts are shared with messages, so each is made anew; what it says by itself is taken over.
            self.messages.clear();
            self.order.clear();
            for known in self.texts.values_mut() {
                *known = Arc::new(Text {
                    number: known.number,
                    words: known.words,
                    cues: known.cues.clone(),
                    vector: known.vector.clone(),
                    named: OnceLock::new(),
                    due: known.due.clone(),
                });
            }
        }
    }

    /// The sentences of the people's own words.
    pub(super) fn pieces(&mut self, thread: &Thread) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(self.locals.len());
        for (message, said) in thread.messages.iter().enumerate() {
            // Most of a thread is as it was.
            if self.order.get(message).is_none_or(|(text, _)| **text != *said.text) {
                let found = self.said(&said.text, thread.kind);
                match self.order.get_mut(message) {
                    Some(there) => *there = found,
                    None => self.order.push(found),
                }
            }
            let piece =
                |(range, text): &(Range<usize>, Arc<Text>)| Piece { message, range: range.clone(), text: text.clone() };
            pieces.extend(self.order[message].1.sentences.iter().map(piece));
        }
        self.order.truncate(thread.messages.len());
        pieces
    }

    /// The sentences of a message, by its text.
    fn said(&mut self, said: &str, kind: Kind) -> (Arc<str>, Arc<Said>) {
        if let Some((text, known)) = self.messages.get_key_value(said) {
            return (text.clone(), known.clone());
        }
        let own = quote::own(said, kind).into_iter();
        let split = own.flat_map(|range| sentence::split(said, range)).collect::<Vec<_>>();
        let sentences = split.into_iter().map(|range| (range.clone(), self.text(&said[range]))).collect();
        let made: (Arc<str>, Arc<Said>) = (said.into(), Arc::new(Said { sentences }));
        self.messages.insert(made.0.clone(), made.1.clone());
        made
    }

    fn text(&mut self, text: &str) -> Arc<Text> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let read = Arc::new(Text::of(text, self.numbers));
        self.numbers += 1;
        self.texts.insert(text.into(), read.clone());
        read
    }

    /// Has `encoder` read what it has not, `most` texts between two looks at whether the caller still wants them; the vector
    /// of each piece, up to the first that a withdrawn caller left without.
    pub(super) fn embed(
        &mut self,
        pieces: &[(&Piece, &str)],
        encoder: &mut dyn Embedder,
        most: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Arc<[f32]>>, ModelError> {
        let mut asked = HashSet::new();
        let unread = |piece: &&(&Piece, &str)| piece.0.text.vector.get().is_none() && asked.insert(piece.0.text.number);
        let unread: Vec<&(&Piece, &str)> = pieces.iter().filter(unread).collect();
        for chunk in unread.chunks(most) {
            if cancelled() {
                break;
            }
            let texts: Vec<&str> = chunk.iter().map(|piece| piece.1).collect();
            for (piece, vector) in chunk.iter().zip(encoder.embed(&texts)?) {
                piece.0.text.vector.get_or_init(|| vector.into());
            }
        }
        Ok(pieces.iter().map_while(|piece| piece.0.text.vector.get().cloned()).collect())
    }

    /// What the heads make of every sentence but for its place in the whole thread, by what that hangs on; `make` makes what is
    /// not known.
    pub(super) fn locals(
        &mut self,
        around: &[Surroundings],
        make: impl Fn(&[usize]) -> Result<Vec<Local>, ModelError>,
    ) -> Result<impl Iterator<Item = &Local>, ModelError> {
        let same = self.locals.iter().zip(around).take_while(|((key, _), now)| key == *now).count();
        let mut before: VecDeque<_> = self.locals.split_off(same).into();
        let mut find = |now: &Surroundings| {
            let at = before.iter().take(LOOKED_PAST).position(|(key, _)| key == now)?;
            before.drain(..at);
            before.pop_front().map(|(_, local)| local)
        };
        let mut found: Vec<Option<Box<Local>>> = around[same..].iter().map(&mut find).collect();
        let unknown: Vec<usize> = (same..around.len()).filter(|at| found[at - same].is_none()).collect();
        for (at, local) in unknown.iter().zip(make(&unknown)?) {
            found[at - same] = Some(Box::new(local));
        }
        self.locals.extend(around[same..].iter().zip(found).filter_map(|(key, local)| Some((*key, local?))));
        Ok(self.locals.iter().map(|(_, local)| &**local))
    }

    /// Forgets what this reading had no use for.
    pub(super) fn end(&mut self) {
        // What the thread does not have any more is held by these maps alone.
        self.messages.retain(|_, said| Arc::strong_count(said) > 1);
        self.texts.retain(|_, text| Arc::strong_count(text) > 1);
    }
}
