//! The one thread on which threads are read in the background.
//!
//! A regex keeps working memory for every system thread that ever used it, for as long as the process lives. On the runtime's own
//! threads, which come and go, that would grow to many times what is needed. And where the processors are few, this one gives
//! way to those that answer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Sender, channel},
    thread,
};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Where work is left. Its thread ends with it.
pub struct Study {
    to: Sender<Work>,
}

/// The work panicked, which it has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl Study {
    pub fn open() -> Study {
        let (to, from) = channel::<Work>();
        thread::spawn(move || {
            give_way();
            from.into_iter().for_each(|work| work());
        });
        Study { to }
    }

    /// Runs `body` after whatever was left before it.
    pub async fn run<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> Result<T, Panicked> {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            // Who waits learns of a panic by the answer that does not come; nobody may wait any more.
            if let Ok(done) = catch_unwind(AssertUnwindSafe(body)) {
                let _ = answer.send(done);
            }
        };
        self.to.send(Box::new(work)).map_err(|_| Panicked)?;
        answered.await.map_err(|_| Panicked)
    }
}

/// How much later than others this thread is given a processor, from 0 (as they) to 19.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 15;

/// On Linux a thread has a niceness of its own; elsewhere it would be the whole daemon's.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "reading in the background is as important as answering");
    }
}

#[cfg(test)]
mod tests {
    use super::{Panicked, Study};

    #[tokio::test]
    async fn a_panic_ends_its_work_alone() {
        let study = Study::open();
        assert_eq!(study.run(|| panic!("as a test wants it")).await, Err::<(), _>(Panicked));
        let first = study.run(|| std::thread::current().id()).await.expect("it runs");
        assert_eq!(study.run(|| std::thread::current().id()).await, Ok(first));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_nobody_else_does() {
        let niceness = || rustix::process::nice(0).expect("it can be asked");
        let before = niceness();
        let inside = Study::open().run(niceness).await.expect("it runs");
        assert_eq!((inside, niceness()), ((before + super::NICENESS).min(19), before));
    }
}
