//! Brings a database's schema up to date, one numbered step after another, each in a transaction.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{Error, M, MigrationDefinitionError, Migrations};

use super::StoreError;

/// A step that has been released is never changed; the next one is added.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("schema/0001_begin.sql")),
    M::up(include_str!("schema/0002_obligation.sql")),
    M::up(include_str!("schema/0003_print.sql")),
    M::up(include_str!("schema/0004_place.sql")),
    M::up(include_str!("schema/0005_failures.sql")),
];
const ALL: Migrations<'static> = Migrations::from_slice(STEPS);

pub(super) fn up(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    ALL.to_latest(connection).map_err(|error| told(path, error))
}

/// Refuses a database whose schema is not the one that this program knows.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match ALL.pending_migrations(connection).map_err(|error| told(path, error))? {
        0 => Ok(()),
        n if n < 0 => Err(StoreError::Newer { path: path.to_path_buf() }),
        _ => Err(StoreError::Open {
            path: path.to_path_buf(),
            why: "it was written by an older bluf; start `bluf serve` once to bring it up to date".to_owned(),
        }),
    }
}

/// Refuses a database that a newer program wrote.
pub(super) fn check_no_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match ALL.pending_migrations(connection).map_err(|error| told(path, error))? {
        n if n < 0 => Err(StoreError::Newer { path: path.to_path_buf() }),
        _ => Ok(()),
    }
}

fn told(path: &Path, error: Error) -> StoreError {
    match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer { path: path.to_path_buf() }
        }
        Error::RusqliteError { err, .. } => StoreError::of(path, err),
        other => StoreError::Open { path: path.to_path_buf(), why: other.to_string() },
    }
}
