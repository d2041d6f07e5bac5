//! The owner of the models: one thread, a bounded queue, handles for everybody else.
//!
//! A full queue refuses rather than waits (`Busy`). A request whose caller has gone is not begun, and one that is being
//! decoded ends before its next token. Weights are loaded on this thread, so starting costs the caller nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread,
};

use super::{Embedder, Generation, ModelError, Request, TextModel};

/// What makes a model, run on the worker's thread.
pub type Load<M> = Box<dyn FnOnce() -> Result<M, ModelError> + Send>;

/// A handle on a generator that another thread owns.
#[derive(Clone)]
pub struct ModelHandle {
    queue: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
    facts: Facts,
}

/// A handle on an encoder that another thread owns.
#[derive(Clone)]
pub struct EmbedHandle(ModelHandle);

#[derive(Clone, Copy)]
struct Facts {
    context_tokens: usize,
    dim: usize,
}

enum Job {
    Generate { request: Request, gone: Arc<AtomicBool>, reply: SyncSender<Result<Generation, ModelError>> },
    Count { text: String, reply: SyncSender<usize> },
    Embed { texts: Vec<String>, reply: SyncSender<Result<Vec<Vec<f32>>, ModelError>> },
}

/// Sets its flag when the caller stops waiting, however that comes about.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts the thread, loads both models on it, and returns their handles once they are loaded.
///
/// # Errors
/// Whatever loading says.
pub fn start(
    generator: Option<Load<Box<dyn TextModel>>>,
    encoder: Option<Load<Box<dyn Embedder>>>,
    queue: usize,
) -> Result<(Option<ModelHandle>, Option<EmbedHandle>), ModelError> {
    let (jobs, inbox) = mpsc::sync_channel(queue.max(1));
    let (loaded, ready) = mpsc::sync_channel(1);
    let waiting = Arc::new(AtomicUsize::new(0));
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
                    serve(&inbox, generator, encoder, &left);
                }
            }
            // Nobody left to tell: the caller has gone before the weights were read.
            Err(error) => drop(loaded.send(Err(error))),
        }
    });
    spawned.map_err(|e| candle_core::Error::Msg(format!("cannot start the model's thread: {e}")))?;
    let facts = ready.recv().map_err(|_| ModelError::Stopped)??;
    let handle = ModelHandle { queue: jobs, waiting, facts };
    Ok((has_generator.then(|| handle.clone()), has_encoder.then_some(EmbedHandle(handle))))
}

fn serve(
    inbox: &Receiver<Job>,
    mut generator: Option<Box<dyn TextModel>>,
    mut encoder: Option<Box<dyn Embedder>>,
    waiting: &AtomicUsize,
) {
    while let Ok(job) = inbox.recv() {
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A reply that nobody takes is a caller that stopped waiting; the work is simply dropped.
        match job {
            Job::Generate { request, gone, reply } => {
                let cancelled = || gone.load(Ordering::Relaxed);
                if let (Some(model), false) = (generator.as_mut(), cancelled()) {
                    drop(reply.send(model.generate(&request, &cancelled)));
                }
            }
            Job::Count { text, reply } => drop(reply.send(generator.as_ref().map_or(0, |m| m.count(&text)))),
            Job::Embed { texts, reply } => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                if let Some(encoder) = encoder.as_mut() {
                    drop(reply.send(encoder.embed(&texts)));
                }
            }
        }
    }
}

impl ModelHandle {
    fn submit<T>(&self, job: impl FnOnce(SyncSender<T>) -> Job) -> Result<Receiver<T>, ModelError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        match self.queue.try_send(job(reply)) {
            Ok(()) => Ok(answer),
            Err(refused) => {
                let waiting = self.waiting.fetch_sub(1, Ordering::Relaxed) - 1;
                Err(match refused {
                    TrySendError::Full(_) => ModelError::Busy { waiting },
                    TrySendError::Disconnected(_) => ModelError::Stopped,
                })
            }
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
        let answer = self.submit(|reply| Job::Generate { request: request.clone(), gone: flag, reply })?;
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

impl Embedder for EmbedHandle {
    fn dim(&self) -> usize {
        self.0.facts.dim
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let texts = texts.iter().map(|t| (*t).to_owned()).collect();
        self.0.submit(|reply| Job::Embed { texts, reply })?.recv().map_err(|_| ModelError::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::model::{Role, Sampling, Stop, Turn, scripted::HashEmbedder};

    /// Waits for a word before it answers, and says whether it was still wanted.
    struct Held {
        begun: mpsc::Sender<()>,
        go: mpsc::Receiver<()>,
    }

    impl TextModel for Held {
        fn context_tokens(&self) -> usize {
            64
        }

        fn count(&self, text: &str) -> usize {
            text.len()
        }

        fn generate(&mut self, request: &Request, cancelled: &dyn Fn() -> bool) -> Result<Generation, ModelError> {
            self.begun.send(()).expect("the test listens");
            self.go.recv().expect("the test speaks");
            let text = format!("{} {}", request.turns[0].text, if cancelled() { "unwanted" } else { "wanted" });
            let stop = Stop::EndOfTurn;
            Ok(Generation {
                text,
                stop,
                prompt_tokens: 0,
                reused_tokens: 0,
                new_tokens: 0,
                prefill_ms: 0,
                decode_ms: 0,
            })
        }
    }

    fn held(queue: usize) -> (ModelHandle, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begun, has_begun), (go, may_go)) = (mpsc::channel(), mpsc::channel());
        let load: Load<Box<dyn TextModel>> = Box::new(move || Ok(Box::new(Held { begun, go: may_go })));
        let (handle, _) = start(Some(load), None, queue).expect("it starts");
        (handle.expect("a generator was loaded"), has_begun, go)
    }

    fn request(text: &str) -> Request {
        Request {
            turns: vec![Turn { role: Role::User, text: text.to_owned() }],
            answer_start: String::new(),
            max_new_tokens: 1,
            sampling: Sampling::Greedy,
            stop: Vec::new(),
        }
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let (handle, begun, go) = held(1);
        thread::scope(|scope| {
            let ask = |text: &'static str| {
                let mut handle = handle.clone();
                scope.spawn(move || handle.generate(&request(text), &|| false).map(|g| g.text))
            };
            let first = ask("first");
            begun.recv().expect("the first is being answered");
            let second = ask("second");
            while handle.waiting.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let refused = handle.clone().generate(&request("third"), &|| false);
            assert!(matches!(refused, Err(ModelError::Busy { waiting: 1 })), "{refused:?}");
            go.send(()).expect("the model waits");
            go.send(()).expect("the model waits");
            assert_eq!(first.join().expect("no panic").expect("an answer"), "first wanted");
            assert_eq!(second.join().expect("no panic").expect("an answer"), "second wanted");
        });
    }

    #[test]
    fn cancelling_reaches_the_model_while_it_works() {
        let (mut handle, begun, go) = held(1);
        let cancelled = AtomicBool::new(false);
        let text = thread::scope(|scope| {
            let waits = scope.spawn(|| handle.generate(&request("it is"), &|| cancelled.load(Ordering::Relaxed)));
            begun.recv().expect("it is being answered");
            cancelled.store(true, Ordering::Relaxed);
            // The caller looks every LOOK_EVERY; the model must hear of it before it is let go.
            thread::sleep(LOOK_EVERY * 5);
            go.send(()).expect("the model waits");
            waits.join().expect("no panic").expect("an answer").text
        });
        assert_eq!(text, "it is unwanted");
    }

    #[test]
    fn weights_that_cannot_be_read_are_told_to_the_caller() {
        let load: Load<Box<dyn TextModel>> = Box::new(|| Err(ModelError::Missing { name: "small".to_owned() }));
        let told = start(Some(load), None, 1).map(|_| ());
        assert!(matches!(&told, Err(ModelError::Missing { name }) if name == "small"), "{told:?}");
    }

    #[test]
    fn an_encoder_alone_serves() {
        let load: Load<Box<dyn Embedder>> = Box::new(|| Ok(Box::new(HashEmbedder)));
        let (generator, encoder) = start(None, Some(load), 1).expect("it starts");
        assert!(generator.is_none());
        let mut encoder = encoder.expect("an encoder was loaded");
        assert_eq!(encoder.embed(&["one", "two"]).expect("vectors").len(), 2);
        assert_eq!(encoder.dim(), HashEmbedder.dim());
    }
}
