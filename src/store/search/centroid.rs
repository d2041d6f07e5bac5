//! What each thread is about, in one vector: the mean of what the encoder made of it, kept in memory in eight bits.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use crate::store::{Change, Store, StoreError};

/// Changes that are looked at in one step of catching up.
const STEP: usize = 1000;
/// A thread further from the query than this says nothing about it.
const LEAST_COSINE: f32 = 0.25;

/// The threads' means. Empty until it has first caught up.
#[derive(Default)]
pub struct Centroids {
    kept: Mutex<Kept>,
    /// Held by whoever catches up.
    catching_up: Mutex<()>,
    state: AtomicU64,
}

#[derive(Default)]
struct Kept {
    /// The last change and the last vector that have been taken in.
    seen: i64,
    seen_vector: i64,
    threads: HashMap<i64, Centroid>,
}

/// A direction: eight bits a number.
struct Centroid {
    numbers: Box<[i8]>,
    /// 1 / length of `numbers`.
    scale: f32,
}

impl Centroids {
    /// Grows whenever something was taken in.
    pub fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }

    /// Takes in what has changed since the last time; everything at the first. Nothing, where another caller is at it.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn catch_up(&self, store: &Store) -> Result<(), StoreError> {
        let _alone = match self.catching_up.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        loop {
            let (seen, seen_vector) = {
                let kept = self.kept();
                (kept.seen, kept.seen_vector)
            };
            let news = store.read(|on| News::since(on, seen, seen_vector))?;
            let (last, last_vector, more) = (news.last, news.last_vector, news.more);
            if (last, last_vector) == (seen, seen_vector) && !news.all {
                return Ok(());
            }
            let threads = store.read(|on| news.centroids(on))?;
            let mut kept = self.kept();
            if news.all {
                kept.threads.clear();
            }
            for (thread, centroid) in threads {
                match centroid {
                    Some(centroid) => kept.threads.insert(thread, centroid),
                    None => kept.threads.remove(&thread),
                };
            }
            (kept.seen, kept.seen_vector) = (last, last_vector);
            self.state.fetch_add(1, Ordering::Release);
            if !more {
                return Ok(());
            }
        }
    }

    /// The threads nearest to `vector`, at most `most`, nearest first; only those in `allowed`, where it is given.
    pub(super) fn nearest(&self, vector: &[f32], allowed: Option<&HashSet<i64>>, most: usize) -> Vec<i64> {
        let Some(query) = Centroid::of(vector) else { return Vec::new() };
        let kept = self.kept();
        let mut near: Vec<(f32, i64)> = kept
            .threads
            .iter()
            .filter(|(thread, _)| allowed.is_none_or(|allowed| allowed.contains(thread)))
            .map(|(&thread, centroid)| (query.cosine(centroid), thread))
            .filter(|(cosine, _)| *cosine >= LEAST_COSINE)
            .collect();
        near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(most);
        near.into_iter().map(|(_, thread)| thread).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened since the last time.
struct News {
    last: i64,
    last_vector: i64,
    /// Threads to look at again.
    threads: HashSet<i64>,
    /// Everything is to be looked at again: too much has happened, or the database is another.
    all: bool,
    more: bool,
}

impl News {
    fn since(on: &Connection, seen: i64, seen_vector: i64) -> rusqlite::Result<News> {
        let (changes, lost) = Change::after(on, seen, STEP)?;
        let newest: i64 = Change::last(on)?;
        let last_vector: i64 = on.query_row("SELECT coalesce(max(id), 0) FROM vector", (), |row| row.get(0))?;
        let all = lost || seen == 0 || newest < seen;
        let mut threads = HashSet::new();
        if all {
            let mut find = on.prepare("SELECT DISTINCT thread_id FROM vector")?;
            threads = find.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            return Ok(News { last: newest, last_vector, threads, all, more: false });
        }
        let mut find = on.prepare_cached("SELECT id FROM thread WHERE key = ?1")?;
        for key in changes.iter().filter_map(|c| c.thread.as_deref()) {
            threads.extend(find.query_map([key], |row| row.get::<_, i64>(0))?.flatten());
        }
        let mut find = on.prepare_cached("SELECT DISTINCT thread_id FROM vector WHERE id > ?1")?;
        for thread in find.query_map([seen_vector], |row| row.get::<_, i64>(0))? {
            threads.insert(thread?);
        }
        let more = changes.len() == STEP;
        let last = if more { changes.last().map_or(newest, |c| c.seq) } else { newest };
        Ok(News { last, last_vector, threads, all, more })
    }

    fn centroids(&self, on: &Connection) -> rusqlite::Result<Vec<(i64, Option<Centroid>)>> {
        let mut find = on.prepare_cached("SELECT data FROM vector WHERE thread_id = ?1")?;
        let mut out = Vec::with_capacity(self.threads.len());
        for &thread in &self.threads {
            let mut sum: Vec<f32> = Vec::new();
            let mut rows = find.query([thread])?;
            while let Some(row) = rows.next()? {
                let (numbers, _) = row.get_ref(0)?.as_blob()?.as_chunks::<4>();
                sum.resize(sum.len().max(numbers.len()), 0.0);
                for (sum, bytes) in sum.iter_mut().zip(numbers) {
                    *sum += f32::from_le_bytes(*bytes);
                }
            }
            out.push((thread, Centroid::of(&sum)));
        }
        Ok(out)
    }
}

impl Centroid {
    /// `None` where `vector` has no direction.
    fn of(vector: &[f32]) -> Option<Centroid> {
        let most = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        if !(most.is_normal()) {
            return None;
        }
        let numbers: Box<[i8]> = vector.iter().map(|x| (x / most * 127.0).round() as i8).collect();
        let length = numbers.iter().map(|&x| f32::from(x) * f32::from(x)).sum::<f32>().sqrt();
        Some(Centroid { numbers, scale: 1.0 / length })
    }

    fn cosine(&self, other: &Centroid) -> f32 {
        let dot: i32 = self.numbers.iter().zip(&other.numbers).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
        dot as f32 * self.scale * other.scale
    }
}
