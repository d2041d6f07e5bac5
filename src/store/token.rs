//! Tokens that let somebody in: shown once, kept as a sha256.

use std::fmt::Write as _;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};
use crate::secret::Secret;

/// What every token begins with, so that it is known for one where it turns up.
const PREFIX: &str = "bluf_";
/// Bytes of chance in a token.
const BYTES: usize = 32;

/// What a token allows; each allows what those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look.
    Read,
    /// Bring threads in, have something read again.
    Act,
    /// Everything.
    Admin,
}

/// A token, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub id: i64,
    pub name: String,
    pub scope: Scope,
    /// The only sources that it may see; `None`: all.
    pub sources: Option<Vec<String>>,
    /// Unix milliseconds, as the others.
    pub created_ms: i64,
    pub expires_ms: Option<i64>,
    pub used_ms: Option<i64>,
}

const COLUMNS: &str = "id, name, scope, sources, created_ms, expires_ms, used_ms";

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Act => "act",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(word: &str) -> Option<Scope> {
        [Scope::Read, Scope::Act, Scope::Admin].into_iter().find(|s| s.as_str() == word)
    }
}

impl Store {
    /// Makes a token. Its words are in the answer and nowhere else; `None` where one of that name is there already.
    ///
    /// # Errors
    /// Whatever the database says, and `Failed` where the system has no chance to give.
    pub fn create_token(
        &self,
        name: &str,
        scope: Scope,
        sources: Option<&[String]>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Secret>, StoreError> {
        let mut chance = [0; BYTES];
        getrandom::fill(&mut chance).map_err(|e| StoreError::Failed(format!("no random numbers: {e}")))?;
        let words = chance.iter().fold(PREFIX.to_owned(), |mut words, byte| {
            // Writing to a string cannot fail.
            let _ = write!(words, "{byte:02x}");
            words
        });
        let sources = sources.map(|names| serde_json::Value::from(names).to_string());
        let sql = "INSERT OR IGNORE INTO token (name, hash, scope, sources, created_ms, expires_ms) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let expires_ms = expires.map(Timestamp::as_millisecond);
        let row = params![name, hash(&words), scope.as_str(), sources, now.as_millisecond(), expires_ms];
        let added = self.write(|on| on.execute(sql, row))?;
        Ok((added > 0).then(|| Secret::new(words)))
    }

    /// Takes a token back; whether there was one of that name.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        self.write(|on| on.execute("DELETE FROM token WHERE name = ?1", [name]).map(|n| n > 0))
    }
}

/// The token with these words, unless it has expired by `now`.
pub fn find(on: &Connection, words: &str, now: Timestamp) -> rusqlite::Result<Option<Token>> {
    if !words.starts_with(PREFIX) {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM token WHERE hash = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)");
    on.prepare_cached(&sql)?.query_row(params![hash(words), now.as_millisecond()], token).optional()
}

/// Whether the token in this row still stands at `now`.
pub fn stands(on: &Connection, id: i64, now: Timestamp) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM token WHERE id = ?1 AND (expires_ms IS NULL OR expires_ms > ?2))";
    on.prepare_cached(sql)?.query_row([id, now.as_millisecond()], |row| row.get(0))
}

/// Every token, by name.
pub fn all(on: &Connection) -> rusqlite::Result<Vec<Token>> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY name");
    on.prepare_cached(&sql)?.query_map((), token)?.collect()
}

fn hash(words: &str) -> Vec<u8> {
    Sha256::digest(words.as_bytes()).to_vec()
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    let scope: String = row.get(2)?;
    let sources: Option<String> = row.get(3)?;
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        // What cannot be read allows the least.
        scope: Scope::parse(&scope).unwrap_or(Scope::Read),
        sources: sources.map(|names| serde_json::from_str(&names).unwrap_or_default()),
        created_ms: row.get(4)?,
        expires_ms: row.get(5)?,
        used_ms: row.get(6)?,
    })
}
