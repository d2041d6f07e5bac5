//! The owner of the models: one thread, a bounded queue, handles for everybody else.
//!
//! A full queue refuses rather than waits (`Busy`). Requests are answered several at a time, a token each in turn. There
//! are two lanes: while a person waits, background work stands still, from the next layer of the network on, and loses at
//! most the token that it was at. A request whose caller has gone ends in the same way. Weights are loaded on this
//! thread, so starting costs the caller nothing.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender, TryRecvError},
    },
    thread,
};

use super::{BatchTextModel, Embedder, Generation, ModelError, Request, TextModel};

/// What makes a model, run on the worker's thread.
pub type Load<M> = Box<dyn FnOnce() -> Result<M, ModelError> + Send>;

/// Requests that are answered at one time.
const BATCH: usize = 8;
/// Texts of each lane embedded before the worker looks up again: a person's search waits for no more of the background's.
const EMBED_AT_ONCE: [usize; 2] = [32, 8];

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person.
    Interactive,
    /// Nobody in particular.
    Background,
}

/// A handle on a generator that another thread owns.
#[derive(Clone)]
pub struct ModelHandle {
    queue: Sender<(Lane, Job)>,
    waiting: Arc<Waiting>,
    facts: Facts,
    lane: Lane,
}

/// A handle on an encoder that another thread owns.
#[derive(Clone)]
pub struct EmbedHandle(ModelHandle);

#[derive(Clone, Copy)]
struct Facts {
    context_tokens: usize,
    dim: usize,
}

/// How many requests of each lane nobody has begun, and how many may.
struct Waiting {
    interactive: AtomicUsize,
    background: AtomicUsize,
    most: usize,
}

enum Job {
    Generate(Generate),
    Count { text: String, reply: SyncSender<usize> },
    Embed(Embed),
}

struct Generate {
    request: Request,
    gone: Arc<AtomicBool>,
    reply: SyncSender<Result<Generation, ModelError>>,
}

struct Embed {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
    reply: SyncSender<Result<Vec<Vec<f32>>, ModelError>>,
}

/// Sets its flag when the caller stops waiting, however that comes about.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Waiting {
    fn of(&self, lane: Lane) -> &AtomicUsize {
        match lane {
            Lane::Interactive => &self.interactive,
            Lane::Background => &self.background,
        }
    }
}

/// Starts the thread, loads both models on it, and returns their handles once they are loaded. `queue`: how many requests
/// of each lane may wait.
///
/// # Errors
/// Whatever loading says.
pub fn start<G: BatchTextModel + 'static, E: Embedder + 'static>(
    generator: Option<Load<G>>,
    encoder: Option<Load<E>>,
    queue: usize,
) -> Result<(Option<ModelHandle>, Option<EmbedHandle>), ModelError> {
    let (jobs, inbox) = mpsc::channel();
    let (loaded, ready) = mpsc::sync_channel(1);
    let waiting =
        Arc::new(Waiting { interactive: AtomicUsize::new(0), background: AtomicUsize::new(0), most: queue.max(1) });
    let left = Arc::clone(&waiting);
    let (has_generator, has_encoder) = (generator.is_some(), encoder.is_some());
    let spawned = thread::Builder::new().name("model".to_owned()).spawn(move || {
        let models =
            generator.map(|load| load()).transpose().and_then(|g| Ok((g, encoder.map(|load| load()).transpose()?)));
        match models {
            Ok((generator, encoder)) => {
                let facts = Facts {
                    context_tokens: generator.as_ref().map_or(0, |g| g.context_tokens()),
                    dim: encoder.as_ref().map_or(0, |e| e.dim()),
                };
                if loaded.send(Ok(facts)).is_ok() {
                    let lanes = [Work::default(), Work::default()];
                    Worker { inbox, waiting: left, generator, encoder, lanes }.serve();
                }
            }
            // Nobody left to tell: the caller has gone before the weights were read.
            Err(error) => drop(loaded.send(Err(error))),
        }
    });
    spawned.map_err(|e| candle_core::Error::Msg(format!("cannot start the model's thread: {e}")))?;
    let facts = ready.recv().map_err(|_| ModelError::Stopped)??;
    let handle = ModelHandle { queue: jobs, waiting, facts, lane: Lane::Interactive };
    Ok((has_generator.then(|| handle.clone()), has_encoder.then_some(EmbedHandle(handle))))
}

struct Worker<G: BatchTextModel, E> {
    inbox: Receiver<(Lane, Job)>,
    waiting: Arc<Waiting>,
    generator: Option<G>,
    encoder: Option<E>,
    /// Interactive, background.
    lanes: [Work<G::Draft>; 2],
}

/// What one lane has in hand.
struct Work<D> {
    requests: VecDeque<Generate>,
    drafts: Vec<Open<D>>,
    embeds: VecDeque<Embed>,
}

/// A draft and who waits for it.
struct Open<D> {
    draft: D,
    gone: Arc<AtomicBool>,
    reply: SyncSender<Result<Generation, ModelError>>,
}

impl<D> Default for Work<D> {
    fn default() -> Self {
        Work { requests: VecDeque::new(), drafts: Vec::new(), embeds: VecDeque::new() }
    }
}

impl<D> Work<D> {
    fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.drafts.is_empty() && self.embeds.is_empty()
    }
}

impl<G: BatchTextModel, E: Embedder> Worker<G, E> {
    /// Works until every handle is gone and nothing is left to do.
    fn serve(mut self) {
        while self.take_in() {
            let lane = if self.lanes[0].is_empty() { Lane::Background } else { Lane::Interactive };
            self.embed(lane);
            self.begin(lane);
            self.write(lane);
        }
    }

    /// Sorts what has come into its lane; waits for something when there is nothing to do. `false` when nothing will come.
    fn take_in(&mut self) -> bool {
        loop {
            let idle = self.lanes.iter().all(Work::is_empty);
            let came = match idle {
                true => self.inbox.recv().map_err(|_| TryRecvError::Disconnected),
                false => self.inbox.try_recv(),
            };
            match came {
                // A reply that nobody takes is a caller that stopped waiting; the work is simply dropped.
                Ok((lane, Job::Count { text, reply })) => {
                    self.waiting.of(lane).fetch_sub(1, Ordering::Relaxed);
                    let count = self.generator.as_ref().map_or(0, |g| g.count(&text));
                    let _nobody_waits = reply.send(count);
                }
                Ok((lane, Job::Generate(job))) => self.lanes[lane as usize].requests.push_back(job),
                Ok((lane, Job::Embed(job))) => self.lanes[lane as usize].embeds.push_back(job),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return !idle,
            }
        }
    }

    /// Embeds a few texts of the lane's first such job.
    fn embed(&mut self, lane: Lane) {
        let (Some(encoder), Some(mut job)) = (&mut self.encoder, self.lanes[lane as usize].embeds.pop_front()) else {
            return;
        };
        if job.vectors.is_empty() {
            self.waiting.of(lane).fetch_sub(1, Ordering::Relaxed);
        }
        let done = job.vectors.len();
        let texts: Vec<&str> =
            job.texts[done..].iter().take(EMBED_AT_ONCE[lane as usize]).map(String::as_str).collect();
        match encoder.embed(&texts) {
            Err(error) => drop(job.reply.send(Err(error))),
            Ok(vectors) => {
                job.vectors.extend(vectors);
                if job.vectors.len() == job.texts.len() {
                    drop(job.reply.send(Ok(job.vectors)));
                } else {
                    self.lanes[lane as usize].embeds.push_front(job);
                }
            }
        }
    }

    /// Makes drafts of the lane's requests while there is room.
    fn begin(&mut self, lane: Lane) {
        let (Some(generator), work) = (&mut self.generator, &mut self.lanes[lane as usize]) else { return };
        while work.drafts.len() < BATCH {
            let Some(Generate { request, gone, reply }) = work.requests.pop_front() else { return };
            self.waiting.of(lane).fetch_sub(1, Ordering::Relaxed);
            match generator.begin(&request) {
                Ok(draft) => work.drafts.push(Open { draft, gone, reply }),
                Err(error) => drop(reply.send(Err(error))),
            }
        }
    }

    /// Brings the lane's drafts one step further and answers those that have ended.
    fn write(&mut self, lane: Lane) {
        let (Some(generator), work) = (&mut self.generator, &mut self.lanes[lane as usize]) else { return };
        for Open { draft, reply, .. } in work.drafts.extract_if(.., |open| open.gone.load(Ordering::Relaxed)) {
            drop(reply.send(Ok(G::finish(draft))));
        }
        if work.drafts.is_empty() {
            return;
        }
        let gone: Vec<Arc<AtomicBool>> = work.drafts.iter().map(|open| Arc::clone(&open.gone)).collect();
        let stop = || {
            let person_waits = lane == Lane::Background && self.waiting.interactive.load(Ordering::Relaxed) > 0;
            person_waits || gone.iter().all(|gone| gone.load(Ordering::Relaxed))
        };
        let mut drafts: Vec<&mut G::Draft> = work.drafts.iter_mut().map(|open| &mut open.draft).collect();
        if let Err(error) = generator.step(&mut drafts, &stop) {
            let why = error.to_string();
            for open in work.drafts.drain(..) {
                drop(open.reply.send(Err(candle_core::Error::Msg(why.clone()).into())));
            }
            return;
        }
        for Open { draft, reply, .. } in work.drafts.extract_if(.., |open| G::stop(&open.draft).is_some()) {
            drop(reply.send(Ok(G::finish(draft))));
        }
    }
}

impl ModelHandle {
    /// The same model, asked in another lane.
    pub fn in_lane(&self, lane: Lane) -> ModelHandle {
        ModelHandle { lane, ..self.clone() }
    }

    fn submit<T>(&self, job: impl FnOnce(SyncSender<T>) -> Job) -> Result<Receiver<T>, ModelError> {
        let (reply, answer) = mpsc::sync_channel(1);
        let waiting = self.waiting.of(self.lane);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        if before >= self.waiting.most {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(ModelError::Busy { waiting: before });
        }
        match self.queue.send((self.lane, job(reply))) {
            Ok(()) => Ok(answer),
            Err(_) => Err(ModelError::Stopped),
        }
    }
}

impl TextModel for ModelHandle {
    fn context_tokens(&self) -> usize {
        self.facts.context_tokens
    }

    fn count(&self, text: &str) -> usize {
        let answer = self.submit(|reply| Job::Count { text: text.to_owned(), reply });
        // A model that cannot be asked must not make a prompt look short.
        answer.ok().and_then(|a| a.recv().ok()).unwrap_or(usize::MAX)
    }

    fn generate(&mut self, request: &Request, cancelled: &dyn Fn() -> bool) -> Result<Generation, ModelError> {
        let gone = Gone(Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&gone.0);
        let request = request.clone();
        let answer = self.submit(|reply| Job::Generate(Generate { request, gone: flag, reply }))?;
        loop {
            match answer.recv_timeout(LOOK_EVERY) {
                Ok(result) => return result,
                Err(mpsc::RecvTimeoutError::Timeout) if cancelled() => gone.0.store(true, Ordering::Relaxed),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(ModelError::Stopped),
            }
        }
    }
}

/// How often a waiting caller looks whether it was cancelled.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(20);

impl EmbedHandle {
    /// The same model, asked in another lane.
    pub fn in_lane(&self, lane: Lane) -> EmbedHandle {
        EmbedHandle(self.0.in_lane(lane))
    }
}

impl Embedder for EmbedHandle {
    fn dim(&self) -> usize {
        self.0.facts.dim
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let texts = texts.iter().map(|t| (*t).to_owned()).collect();
        let job = |reply| Job::Embed(Embed { texts, vectors: Vec::new(), reply });
        self.0.submit(job)?.recv().map_err(|_| ModelError::Stopped)?
    }
}

#[cfg(test)]
mod tests;
