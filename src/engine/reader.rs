//! Reads threads: sentences to acts, evidence to a summary, with models that are loaded when they are first needed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    classify::Classifier,
    docket::{Docket, Rules, docket},
    domain::{Thread, ThreadActs, summary::Summary},
    model::{
        Embedder, ModelError, TextModel,
        worker::{EmbedHandle, Lane, ModelHandle},
    },
    store::Vectors,
    summarize::{Models, Summarizer, prompt::Style},
    time::{Clock, Stopwatch},
};

use super::{
    recall::{Memos, Recall},
    vectors::{Known, Remembering},
};

/// Models that are loaded.
#[derive(Clone)]
pub struct Loaded {
    pub encoder: EmbedHandle,
    /// Of the encoder's weights and whatever is laid beside them.
    pub encoder_sha256: String,
    pub generator: ModelHandle,
    pub named: Named,
}

/// What the provenance of a summary says of the generator.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub weights_sha256: String,
    pub adapter_sha256: Option<String>,
    pub style: Style,
}

/// Loads the models; the reason as a person should read it where it cannot.
pub type Load = Box<dyn Fn() -> Result<Loaded, String> + Send + Sync>;

/// Why a thread could not be read, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// Try again later.
    #[error("the model is busy: {waiting} requests are waiting")]
    Busy { waiting: usize },
    /// The caller withdrew.
    #[error("withdrawn")]
    Cancelled,
    /// Models that are not here, or not whole: every thread fails alike.
    #[error("{0}")]
    NoModel(String),
    /// This thread.
    #[error("{0}")]
    Failed(String),
}

/// What reading a thread made.
#[derive(Debug)]
pub struct Reading {
    pub summary: Summary,
    pub acts: ThreadActs,
    /// What it leaves owing, with its flags.
    pub docket: Docket,
    /// Vectors that were not known before, and those that were used.
    pub new: Vectors,
    pub used: HashSet<[u8; 32]>,
}

/// Where the models stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// Configured without: quotes speak.
    None,
    /// Not needed so far, or not for a while.
    #[default]
    Resting,
    Ready,
    Failed(String),
}

/// Reads threads. Shared by everybody; the models answer one lane before the other.
pub struct Reader {
    classifier: Classifier,
    summarizer: Summarizer,
    load: Option<Load>,
    /// Held while models are loaded.
    shelf: Mutex<Shelf>,
    /// Held for no longer than it takes to look, so that whoever answers a request may ask.
    state: Mutex<ModelState>,
    recall: Recall,
    /// What people searched for lately, encoded.
    sought: Mutex<HashMap<String, Vec<f32>>>,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

/// Searches that are remembered: about 400 kB.
const SOUGHT: usize = 256;

#[derive(Default)]
struct Shelf {
    loaded: Option<Loaded>,
    used_at: Option<Timestamp>,
}

impl Reader {
    /// Without `load` cue words choose and quotes speak.
    pub fn new(classifier: Classifier, summarizer: Summarizer, load: Option<Load>, clock: Arc<dyn Clock>) -> Reader {
        let state = if load.is_some() { ModelState::Resting } else { ModelState::None };
        Reader {
            classifier,
            summarizer,
            load,
            shelf: Mutex::default(),
            state: Mutex::new(state),
            recall: Recall::default(),
            sought: Mutex::default(),
            rules: Rules::shipped(TimeZone::UTC),
            clock,
        }
    }

    /// With other rules for what is late than those we ship.
    pub fn with_rules(self, rules: Rules) -> Reader {
        Reader { rules, ..self }
    }

    /// What deadlines are reckoned by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The BLUF of `thread`, of which `known` has what was encoded before. Blocks.
    ///
    /// # Errors
    /// By what to do; see [`ReadingError`].
    pub fn read(
        &self,
        thread: &Thread,
        known: &Known<'_>,
        lane: Lane,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reading, ReadingError> {
        let loaded = self.models()?;
        let sha256 = loaded.as_ref().map_or("", |l| l.encoder_sha256.as_str());
        let mut memos = self.recall.take(thread, sha256);
        let reading = self.read_again(thread, loaded.as_ref(), known, &mut memos, lane, cancelled)?;
        self.recall.keep(thread, sha256, memos);
        Ok(reading)
    }

    fn read_again(
        &self,
        thread: &Thread,
        loaded: Option<&Loaded>,
        known: &Known<'_>,
        memos: &mut Memos,
        lane: Lane,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Reading, ReadingError> {
        let watch = Stopwatch::start();
        let mut handles = loaded.map(|l| (l.encoder.in_lane(lane), l.generator.in_lane(lane)));
        let mut models = Models::default();
        let mut remembering = None;
        if let (Some((encoder, generator)), Some(loaded)) = (handles.as_mut(), loaded) {
            remembering = Some(Remembering::new(encoder, &loaded.encoder_sha256, known));
            models.generator = Some(generator as &mut dyn TextModel);
            models.generator_name = Some(loaded.named.name.clone());
            models.weights_sha256 = Some(loaded.named.weights_sha256.clone());
            models.adapter_sha256 = loaded.named.adapter_sha256.clone();
            models.style = loaded.named.style;
        }
        let encoder = remembering.as_mut().map(|r| r as &mut dyn Embedder);
        let acts = self.classifier.classify_again(thread, encoder, &mut memos.sentences, cancelled)?;
        let classify_ms = watch.elapsed_ms();
        if cancelled() {
            return Err(ReadingError::Cancelled);
        }
        models.encoder = remembering.as_mut().map(|r| r as &mut dyn Embedder);
        let now = self.clock.now();
        let units = &mut memos.units;
        let mut summary = self.summarizer.summarize_again(thread, &acts, models, units, now, cancelled)?;
        let docket = docket(thread, &acts, &self.rules, seen(thread, now));
        summary.flags.clone_from(&docket.flags);
        summary.provenance.read_ms += classify_ms;
        if cancelled() {
            return Err(ReadingError::Cancelled);
        }
        let (new, used) = remembering.map_or_else(Default::default, |mut remembering| {
            // Texts that were in mind nobody asked for.
            let keys: Vec<[u8; 32]> = memos.sentences.texts().map(|text| remembering.key(text)).collect();
            remembering.used.extend(keys);
            (remembering.new, remembering.used)
        });
        Ok(Reading { summary, acts, docket, new, used })
    }

    /// What is remembered of threads.
    pub(super) fn recall(&self) -> &Recall {
        &self.recall
    }

    /// The vector of a search's words, where models are loaded already: a search does not wait for weights.
    pub fn vector(&self, words: &str) -> Option<Vec<f32>> {
        let mut encoder = self.shelf().loaded.as_ref()?.encoder.in_lane(Lane::Interactive);
        let vector = encoder.embed(&[words]).ok()?.pop()?;
        let mut sought = self.sought.lock().unwrap_or_else(PoisonError::into_inner);
        if sought.len() >= SOUGHT {
            sought.clear();
        }
        sought.insert(words.to_owned(), vector.clone());
        Some(vector)
    }

    /// The vector of words that were searched for lately, whether models are loaded or not.
    pub fn sought(&self, words: &str) -> Option<Vec<f32>> {
        self.sought.lock().unwrap_or_else(PoisonError::into_inner).get(words).cloned()
    }

    pub fn state(&self) -> ModelState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn becomes(&self, state: ModelState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Lets go of models that nobody has used for `idle`, and of what is remembered of threads; their memory is free again.
    /// Whether none is loaded now.
    pub fn rest(&self, idle: Duration) -> bool {
        let mut shelf = self.shelf();
        let now = self.clock.now();
        let idle = i64::try_from(idle.as_secs()).unwrap_or(i64::MAX);
        if shelf.used_at.is_some_and(|at| now.as_second() - at.as_second() >= idle) {
            shelf.loaded = None;
            shelf.used_at = None;
            if self.load.is_some() {
                self.becomes(ModelState::Resting);
            }
            self.recall.rest();
        }
        shelf.loaded.is_none()
    }

    /// The models, loaded if they are not. Whoever comes meanwhile waits for the same loading.
    fn models(&self) -> Result<Option<Loaded>, ReadingError> {
        let mut shelf = self.shelf();
        shelf.used_at = Some(self.clock.now());
        let Some(load) = &self.load else { return Ok(None) };
        if let Some(loaded) = &shelf.loaded {
            return Ok(Some(loaded.clone()));
        }
        match load() {
            Ok(loaded) => {
                shelf.loaded = Some(loaded.clone());
                self.becomes(ModelState::Ready);
                Ok(Some(loaded))
            }
            Err(why) => {
                self.becomes(ModelState::Failed(why.clone()));
                Err(ReadingError::NoModel(why))
            }
        }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The instant by which a thread's docket is worked out: what a source dates later than our clock has been said all the same.
pub fn seen(thread: &Thread, now: Timestamp) -> Timestamp {
    let last = thread.messages.iter().filter_map(|message| message.sent_at?.instant()).max();
    last.map_or(now, |last| last.max(now))
}

impl From<ModelError> for ReadingError {
    fn from(error: ModelError) -> ReadingError {
        match error {
            ModelError::Busy { waiting } => ReadingError::Busy { waiting },
            ModelError::Missing { .. } | ModelError::BadFile { .. } | ModelError::Stopped => {
                ReadingError::NoModel(error.to_string())
            }
            other => ReadingError::Failed(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::{
        domain::{Kind, Message},
        summarize::Options,
    };

    /// A clock that is set by hand.
    struct Hands(Mutex<Timestamp>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            *self.0.lock().expect("nobody panicked")
        }
    }

    fn reader(load: Option<Load>) -> (Reader, Arc<Hands>) {
        let clock = Arc::new(Hands(Mutex::new("2026-11-16T09:00:00Z".parse().expect("an instant"))));
        let summarizer = Summarizer::new(Options::default()).expect("the weights fit the program");
        (Reader::new(Classifier::without_heads(), summarizer, load, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn thread() -> Thread {
        let text = "We decided to keep the old pump. Raj, could you order the valve?".to_owned();
        Thread {
            source: "test".to_owned(),
            kind: Kind::Chat,
            id: "t".to_owned(),
            title: "Pump".to_owned(),
            url: None,
            channel: None,
            participants: Vec::new(),
            messages: vec![Message { id: "0".to_owned(), author: Some("Ana".to_owned()), text, ..Message::default() }],
            events: Vec::new(),
            as_of: None,
        }
    }

    #[test]
    fn what_is_remembered_is_put_away_without_models_as_well() {
        let (reader, clock) = reader(None);
        let remembered = || {
            let memos = reader.recall().take(&thread(), "");
            let bytes = memos.sentences.bytes() + memos.units.bytes();
            reader.recall().keep(&thread(), "", memos);
            bytes
        };
        let nothing = remembered();
        reader.read(&thread(), &|_| Vectors::new(), Lane::Background, &|| false).expect("cues need no model");
        assert!(reader.rest(Duration::from_secs(60)) && remembered() > nothing, "nobody was away for a minute");
        *clock.0.lock().expect("nobody panicked") += Duration::from_secs(61);
        assert!(reader.rest(Duration::from_secs(60)));
        assert_eq!(remembered(), nothing);
        assert_eq!(reader.state(), ModelState::None);
    }

    #[test]
    fn how_models_stand_is_told_while_they_are_loaded() {
        let ((begun, begins), (end, ends)) = (mpsc::channel(), mpsc::channel::<()>());
        let (begun, ends) = (Mutex::new(begun), Mutex::new(ends));
        let load: Load = Box::new(move || {
            begun.lock().expect("one thread").send(()).expect("somebody listens");
            // Whoever asks meanwhile must not wait for this.
            let _ = ends.lock().expect("one thread").recv_timeout(Duration::from_secs(10));
            Err("there are none".to_owned())
        });
        let (reader, _) = reader(Some(load));
        std::thread::scope(|threads| {
            let reading = threads.spawn(|| reader.read(&thread(), &|_| Vectors::new(), Lane::Background, &|| false));
            begins.recv().expect("it is loading");
            assert_eq!(reader.state(), ModelState::Resting);
            end.send(()).expect("it waits");
            assert!(matches!(reading.join().expect("no panic"), Err(ReadingError::NoModel(_))));
        });
        assert_eq!(reader.state(), ModelState::Failed("there are none".to_owned()));
    }
}
