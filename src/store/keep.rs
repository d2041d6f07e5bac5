//! Keeping the database: what is too old goes, copies are made and checked.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{Store, StoreError, change, migrate};

/// Pages copied before others may write.
const BACKUP_PAGES: std::ffi::c_int = 256;
/// How long they may.
const BACKUP_PAUSE: Duration = Duration::from_millis(5);
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What [`Store::look`] sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The last step of its schema.
    pub schema: i64,
    /// With what is not yet moved into it from its log.
    pub bytes: u64,
}

impl Store {
    /// Forgets the threads of `source` that have been still for more than `days` days; how many.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn forget_before(&self, source: &str, now: Timestamp, days: u32) -> Result<usize, StoreError> {
        let now_ms = now.as_millisecond();
        let old = "source_id = (SELECT id FROM source WHERE name = ?1) AND last_ms < ?2";
        let forgotten = self.write(|on| {
            let before_ms = now_ms - i64::from(days) * DAY_MS;
            let mut find = on.prepare(&format!("SELECT id, key, source_id FROM thread WHERE {old}"))?;
            let rows = find.query_map((source, before_ms), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let threads: Vec<(i64, String, i64)> = rows.collect::<rusqlite::Result<_>>()?;
            for (id, key, source) in &threads {
                on.execute("DELETE FROM summary WHERE thread_id = ?1", [id])?;
                on.execute("DELETE FROM thread WHERE id = ?1", [id])?;
                change::note(on, "thread.gone", *source, Some(key), now_ms)?;
            }
            Ok(threads.len())
        })?;
        if forgotten > 0 {
            self.checkpoint()?;
        }
        Ok(forgotten)
    }

    /// Writes a copy of the database, as it is at one moment, to a file that is not there yet. The daemon goes on meanwhile.
    ///
    /// # Errors
    /// `Open` where the file is there or cannot be made; whatever the database says.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::of(to, error);
        if to.exists() {
            return Err(StoreError::Open {
                path: to.to_path_buf(),
                why: "it is there already; name another".to_owned(),
            });
        }
        let from = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        let mut copy = Connection::open(to).map_err(failed)?;
        let backup = Backup::new(&from, &mut copy).map_err(failed)?;
        backup.run_to_completion(BACKUP_PAGES, BACKUP_PAUSE, None).map_err(failed)?;
        drop(backup);
        check_whole(&copy, to)
    }

    /// A look at every page, quicker than [`check`](Store::check), and at how large it all is.
    ///
    /// # Errors
    /// `Corrupt`, with the first fault.
    pub fn look(&self) -> Result<Look, StoreError> {
        let (says, schema): (String, i64) = self.read(|on| {
            let says = on.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
            Ok((says, on.query_row("PRAGMA user_version", (), |row| row.get(0))?))
        })?;
        if says != "ok" {
            return Err(StoreError::Corrupt { path: self.path.clone(), why: says });
        }
        let size = |ending| std::fs::metadata(with_ending(&self.path, ending)).map_or(0, |found| found.len());
        Ok(Look { schema, bytes: size("") + size("-wal") })
    }

    /// Checks every page and every index, and that the search index says what the messages say.
    ///
    /// # Errors
    /// `Corrupt`, with the first fault.
    pub fn check(&self) -> Result<(), StoreError> {
        let failed = |error| StoreError::of(&self.path, error);
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        check_whole(&connection, &self.path)
    }
}

/// Puts the backup `from` in the place of the database at `to`, which no daemon may have open. What was there before stays
/// beside it, under a name that is returned.
///
/// # Errors
/// `Corrupt` or `Newer` where the backup is not good: then nothing has changed.
pub fn restore(from: &Path, to: &Path, now: Timestamp) -> Result<Option<std::path::PathBuf>, StoreError> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |error: std::io::Error| StoreError::Open { path, why: error.to_string() }
    };
    let source =
        Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| StoreError::of(from, e))?;
    migrate::check_no_newer(&source, from)?;
    check_whole(&source, from)?;
    let fresh = beside(to, "restoring");
    if fresh.exists() {
        std::fs::remove_file(&fresh).map_err(io(&fresh))?;
    }
    let mut copy = Connection::open(&fresh).map_err(|e| StoreError::of(&fresh, e))?;
    let backup = Backup::new(&source, &mut copy).map_err(|e| StoreError::of(&fresh, e))?;
    backup.run_to_completion(BACKUP_PAGES, Duration::ZERO, None).map_err(|e| StoreError::of(&fresh, e))?;
    drop(backup);
    drop(copy);
    let mut aside = None;
    if to.exists() {
        let name = beside(to, &format!("before-{}", now.strftime("%Y%m%dT%H%M%SZ")));
        for ending in ["", "-wal", "-shm"] {
            let (old, new) = (with_ending(to, ending), with_ending(&name, ending));
            if old.exists() {
                std::fs::rename(&old, &new).map_err(io(&old))?;
            }
        }
        aside = Some(name);
    }
    std::fs::rename(&fresh, to).map_err(io(to))?;
    Ok(aside)
}

fn check_whole(on: &Connection, path: &Path) -> Result<(), StoreError> {
    let says: String =
        on.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0)).map_err(|e| StoreError::of(path, e))?;
    if says == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: path.to_path_buf(), why: says }) }
}

fn beside(path: &Path, word: &str) -> std::path::PathBuf {
    with_ending(path, &format!(".{word}"))
}

fn with_ending(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
