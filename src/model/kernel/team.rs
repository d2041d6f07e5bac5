//! A few threads that share one piece of work after another, and sleep between them.
//!
//! Waiting blocks: on a machine that others use too, a thread that spins takes the time of the thread it waits for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Work of which `run(item)` does one item.
type Work = dyn Fn(usize) + Sync;

/// The caller and `threads - 1` others.
pub(super) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// Held by the caller whose work the helpers do.
    turn: Mutex<()>,
}

struct Shared {
    state: Mutex<State>,
    begin: Condvar,
    done: Condvar,
    /// The next item that nobody has taken.
    next: AtomicUsize,
}

#[derive(Default)]
struct State {
    job: Option<Job>,
    /// Counts jobs, so that a helper takes each at most once.
    number: u64,
    busy: usize,
    panicked: bool,
    ended: bool,
}

#[derive(Clone, Copy)]
struct Job {
    work: *const Work,
    items: usize,
}

// SAFETY: the work is `Sync`, and `Team::run` does not return before every helper has let go of it.
unsafe impl Send for Job {}

impl Team {
    pub fn new(threads: usize) -> Team {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            begin: Condvar::new(),
            done: Condvar::new(),
            next: AtomicUsize::new(0),
        });
        let helpers = (1..threads).map_while(|n| {
            let shared = Arc::clone(&shared);
            // A machine that gives no more threads has the work done by those there are.
            thread::Builder::new().name(format!("kernel-{n}")).spawn(move || help(&shared)).ok()
        });
        Team { helpers: helpers.collect(), shared, turn: Mutex::new(()) }
    }

    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Does every item of `0..items`, in any order, on all threads; on the caller's alone while the others do another
    /// caller's work, or when `work` itself calls.
    ///
    /// # Panics
    /// When `work` does, once nobody works any more.
    pub fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // Work that panicked has ended all the same.
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..items).for_each(work),
        };
        // SAFETY: only the lifetime changes. Helpers reach `work` through `state.job` alone, which is taken away below
        // before this function returns, after all of them have finished.
        let work: &'static Work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static Work>(work) };
        let mut state = self.shared.lock();
        self.shared.next.store(0, Ordering::Relaxed);
        state.job = Some(Job { work, items });
        state.number += 1;
        drop(state);
        self.shared.begin.notify_all();
        let mine = catch_unwind(AssertUnwindSafe(|| self.shared.work(work, items)));
        let mut state = self.shared.lock();
        state.job = None;
        while state.busy > 0 {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let panicked = std::mem::take(&mut state.panicked);
        drop(state);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        assert!(!panicked, "a kernel thread panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.begin.notify_all();
        for helper in self.helpers.drain(..) {
            // A helper catches every panic, so joining it cannot fail in a way that anybody could act on.
            drop(helper.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, work: &(dyn Fn(usize) + Sync), items: usize) {
        loop {
            let item = self.next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                return;
            }
            work(item);
        }
    }
}

fn help(shared: &Shared) {
    let mut seen = 0;
    let mut state = shared.lock();
    while !state.ended {
        match state.job.filter(|_| state.number != seen) {
            None => state = shared.begin.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(job) => {
                seen = state.number;
                state.busy += 1;
                drop(state);
                // SAFETY: `busy` keeps `Team::run`, and with it the borrow, alive until it is lowered again.
                let done = catch_unwind(AssertUnwindSafe(|| shared.work(unsafe { &*job.work }, job.items)));
                state = shared.lock();
                state.busy -= 1;
                state.panicked |= done.is_err();
                if state.busy == 0 {
                    shared.done.notify_one();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_whatever_the_number_of_threads() {
        for threads in 1..4 {
            let team = Team::new(threads);
            for items in [0, 1, 2, 7, 1000] {
                let done: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                team.run(items, &|i| {
                    done[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1), "{threads} threads, {items} items");
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(2);
        let failed = catch_unwind(AssertUnwindSafe(|| team.run(8, &|i| assert!(i != 5, "five"))));
        assert!(failed.is_err());
        let count = AtomicUsize::new(0);
        team.run(8, &|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 8);
    }
}
