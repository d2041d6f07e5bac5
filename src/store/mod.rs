//! One SQLite file that holds everything: threads, what was made of them, and what is left to do.
//!
//! One connection writes, others read (WAL). The work that is undone is whatever a `SELECT` finds undone (`work`), so a
//! lost wake-up costs time and nothing else. Callers are blocking; the engine keeps them off its runtime.

pub mod audit;
mod change;
pub mod hold;
pub mod idempotency;
mod ingest;
mod join;
mod keep;
mod migrate;
pub mod obligation;
pub mod outbox;
mod print;
pub mod report;
pub mod search;
mod shown;
pub mod summary;
pub mod thread;
pub mod token;
mod vector;
pub mod work;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

pub use change::Change;
pub use ingest::Taken;
pub use keep::{Look, restore};
pub use shown::{Showing, Shown};
pub use vector::Vectors;

/// Connections that read at one time.
const READERS: u32 = 8;
/// How long a connection waits for another's lock, or a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// A reading connection that nobody needed for so long is closed, and its memory is free again.
const READER_IDLE: Duration = Duration::from_secs(60);
/// Memory for pages of the database, KiB: of the connection that writes, and of each that reads. Every write makes readers forget
/// what they hold, and the kernel keeps it anyway.
const WRITER_CACHE_KIB: i64 = 8192;
const READER_CACHE_KIB: i64 = 2048;
/// As much of the database as readers take from the kernel's memory rather than copy, bytes. A reader that is closed lets go of it.
const MAPPED: i64 = 1 << 28;
/// More than one page of a disk.
const PROBE_BYTES: usize = 1 << 16;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;

/// What goes wrong with the store, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Try again later: somebody else has it locked.
    #[error("the database is busy")]
    Busy,
    /// Make room; nothing was lost, and it goes on by itself once there is some.
    #[error("the disk is full")]
    Full,
    /// Allow writing; what is there can still be read.
    #[error("{path} cannot be written; check its owner, its mode, and whether the disk is mounted read-only", path = path.display())]
    ReadOnly { path: PathBuf },
    /// Restore a backup.
    #[error("{path} is damaged: {why}; run `bluf restore` with a backup", path = path.display())]
    Corrupt { path: PathBuf, why: String },
    /// Update bluf.
    #[error("{path} was written by a newer bluf; update this one", path = path.display())]
    Newer { path: PathBuf },
    /// Give it a place that can be opened.
    #[error("cannot open the database {path}: {why}", path = path.display())]
    Open { path: PathBuf, why: String },
    #[error("the database: {0}")]
    Failed(String),
}

/// The store. Cheap to share behind an `Arc`.
pub struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: r2d2::Pool<SqliteConnectionManager>,
    showing: Showing,
}

impl Store {
    /// Opens the database at `path`, makes it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// `Newer`, `Corrupt`, `ReadOnly` or `Open`.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let failed = |error| StoreError::of(path, error);
        let mut writer = Connection::open(path).map_err(failed)?;
        prepare(&writer, WRITER_CACHE_KIB).map_err(failed)?;
        writer.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        // Words that were deleted are overwritten, not only forgotten.
        writer.pragma_update(None, "secure_delete", true).map_err(failed)?;
        writer.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        migrate::up(&mut writer, path)?;
        Ok(Store {
            path: path.to_path_buf(),
            writer: Mutex::new(writer),
            readers: readers(path)?,
            showing: Showing::default(),
        })
    }

    /// Opens a database that is there, for reading alone; the daemon may have it open as well.
    ///
    /// # Errors
    /// `Open` where there is none.
    pub fn open_to_read(path: &Path) -> Result<Store, StoreError> {
        let failed = |error| StoreError::of(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let writer = Connection::open_with_flags(path, flags).map_err(failed)?;
        prepare(&writer, READER_CACHE_KIB).map_err(failed)?;
        migrate::check(&writer, path)?;
        Ok(Store {
            path: path.to_path_buf(),
            writer: Mutex::new(writer),
            readers: readers(path)?,
            showing: Showing::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `body` on a connection that only reads, all of it at one state of the database.
    ///
    /// # Errors
    /// `Busy` when every reader is taken for too long; whatever the database says.
    pub fn read<T>(&self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.readers.get().map_err(|_| StoreError::Busy)?;
        let one_state = connection.transaction().map_err(|e| StoreError::of(&self.path, e))?;
        body(&one_state).map_err(|e| StoreError::of(&self.path, e))
    }

    /// When what lists and searches show last changed.
    pub fn showing(&self) -> &Showing {
        &self.showing
    }

    /// Runs `body` in a transaction of the one connection that writes. Nothing of it is kept when it fails.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let done = self.write_aside(body);
        // Not before it can be read: whoever knows of the change must not read what was before it.
        self.showing.changed();
        done
    }

    /// As `write`, for what no list of threads and no search shows.
    fn write_aside<T>(&self, body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let failed = |error| StoreError::of(&self.path, error);
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = body(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// Moves everything from the write-ahead log into the database, so that what was deleted is gone from both.
    ///
    /// # Errors
    /// Whatever the database says; that readers were in the way is none.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let failed = |error| StoreError::of(&self.path, error);
        self.writer().query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(failed)
    }

    /// Frees the pages that the writing connection holds in memory; readers that nobody needs are closed by themselves.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn rest(&self) -> Result<(), StoreError> {
        self.writer().execute_batch("PRAGMA shrink_memory").map_err(|e| StoreError::of(&self.path, e))
    }

    /// A caller that panicked left its transaction rolled back, so the connection is whole.
    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every connection needs.
fn prepare(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)
}

fn readers(path: &Path) -> Result<r2d2::Pool<SqliteConnectionManager>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let manager = SqliteConnectionManager::file(path).with_flags(flags).with_init(|connection| {
        prepare(connection, READER_CACHE_KIB)?;
        connection.pragma_update(None, "mmap_size", MAPPED)?;
        connection.pragma_update(None, "query_only", true)
    });
    r2d2::Pool::builder()
        .max_size(READERS)
        .min_idle(Some(0))
        .idle_timeout(Some(READER_IDLE))
        .connection_timeout(PATIENCE)
        .build(manager)
        .map_err(|error| StoreError::Open { path: path.to_path_buf(), why: error.to_string() })
}

impl StoreError {
    fn of(path: &Path, error: rusqlite::Error) -> StoreError {
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt { path, why: error.to_string() }
            }
            Some(ErrorCode::SystemIoFailure) => {
                of_the_disk(&path).unwrap_or_else(|| StoreError::Failed(error.to_string()))
            }
            Some(ErrorCode::CannotOpen) => StoreError::Open { path, why: error.to_string() },
            _ => StoreError::Failed(error.to_string()),
        }
    }
}

/// What the disk says, where SQLite says no more than that writing failed: a small file is tried beside the database.
fn of_the_disk(database: &Path) -> Option<StoreError> {
    let beside = database.with_extension("probe");
    let tried = fs::write(&beside, [0; PROBE_BYTES]);
    // Where it could not be made there is nothing to remove.
    let _ = fs::remove_file(&beside);
    match tried.err()?.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some(StoreError::ReadOnly { path: database.to_path_buf() })
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(StoreError::Full),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod owed_tests;
