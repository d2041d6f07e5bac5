//! Vectors of text that was read before, so that one more message costs one more message.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};

/// A thread's vectors by the sha256 of what they were made from.
pub type Vectors = HashMap<[u8; 32], Vec<f32>>;

/// So many are looked up one by one; for more of them all are read.
const FEW: usize = 64;

impl Store {
    /// Those of a thread's vectors that were made from what has one of the sums `wanted`; more of them may come with them.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn vectors(&self, thread: i64, wanted: &[[u8; 32]]) -> Result<Vectors, StoreError> {
        self.read(|on| if wanted.len() > FEW { of_thread(on, thread) } else { some(on, thread, wanted) })
    }

    /// Adds `new` to a thread's vectors and drops those that are not in `used`.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn keep_vectors(&self, thread: i64, new: &Vectors, used: &HashSet<[u8; 32]>) -> Result<(), StoreError> {
        self.write_aside(|on| {
            let here: bool =
                on.query_row("SELECT EXISTS (SELECT 1 FROM thread WHERE id = ?1)", [thread], |row| row.get(0))?;
            if !here {
                return Ok(());
            }
            let mut stale: Vec<i64> = Vec::new();
            let mut find = on.prepare_cached("SELECT id, hash FROM vector WHERE thread_id = ?1")?;
            let mut rows = find.query([thread])?;
            while let Some(row) = rows.next()? {
                let hash: [u8; 32] = row.get(1)?;
                if !used.contains(&hash) {
                    stale.push(row.get(0)?);
                }
            }
            for id in stale {
                on.prepare_cached("DELETE FROM vector WHERE id = ?1")?.execute([id])?;
            }
            let sql = "INSERT OR IGNORE INTO vector (thread_id, hash, data) VALUES (?1, ?2, ?3)";
            for (hash, vector) in new {
                let data: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                on.prepare_cached(sql)?.execute(params![thread, hash, data])?;
            }
            Ok(())
        })
    }
}

fn of_thread(on: &Connection, thread: i64) -> rusqlite::Result<Vectors> {
    let mut find = on.prepare_cached("SELECT hash, data FROM vector WHERE thread_id = ?1")?;
    find.query_map([thread], vector)?.collect()
}

fn some(on: &Connection, thread: i64, wanted: &[[u8; 32]]) -> rusqlite::Result<Vectors> {
    let mut find = on.prepare_cached("SELECT hash, data FROM vector WHERE thread_id = ?1 AND hash = ?2")?;
    let one = |hash: &[u8; 32]| find.query_row(params![thread, hash], vector).optional().transpose();
    wanted.iter().filter_map(one).collect()
}

fn vector(row: &rusqlite::Row<'_>) -> rusqlite::Result<([u8; 32], Vec<f32>)> {
    let data = row.get_ref(1)?.as_blob()?;
    let (numbers, _) = data.as_chunks::<4>();
    Ok((row.get(0)?, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
}
