//! Readers of foreign formats: bytes in, threads and faults out.
//!
//! [`read`] finds out what an input is and hands it to the one file that knows the format. Nothing here decides anything
//! about a thread; whatever could not be read is a [`Fault`](crate::domain::Fault), never a silence.

pub mod connector;
pub mod github_archive;
pub mod github_json;
pub mod irc;
pub mod mail;
pub mod markdown;
pub mod otter;
pub mod rst;
pub mod slack_export;
pub mod srt;
pub mod text;
pub mod thread_jsonl;
pub mod vtt;
pub mod zoom_chat;

mod assemble;
mod bytes;
mod cue;
mod detect;
mod document;
mod entity;
mod folder;
mod format;
mod front_matter;
mod github_draft;
mod slack_markup;
mod slack_message;
mod slack_people;
mod slack_talk;
mod speaker;
mod tree;
mod turn;
mod wire;

#[cfg(test)]
#[path = "tests/oracle.rs"]
mod oracle;
#[cfg(test)]
#[path = "tests/storm.rs"]
mod storm;

use std::{fs, io, path::Path};

pub use format::Format;

use crate::domain::{Fault, Thread};

/// Larger inputs are refused: their threads would not fit in an ordinary machine's memory. Bytes.
pub const MOST_INPUT_BYTES: u64 = 1 << 30;

/// What a reader made of an input: every thread it could read, and what it could not.
#[derive(Debug, Default)]
pub struct Reading {
    pub threads: Vec<Thread>,
    pub faults: Vec<Fault>,
}

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A file or a folder.
    Path(&'a Path),
    /// Standard input, or anything else already in memory. `name` is what faults call it.
    Bytes { bytes: &'a [u8], name: &'a str },
}

/// Why nothing could be read at all, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{path}: there is no such file or folder")]
    NotFound { path: String },
    #[error("{path}: permission denied; allow reading it, or run as somebody who may")]
    Permission { path: String },
    #[error("{path}: {source}")]
    Failed { path: String, source: io::Error },
    #[error("{name}: empty, there is nothing to read")]
    Empty { name: String },
    #[error("{name}: {what}")]
    Binary { name: String, what: &'static str },
    #[error("{word:?} is not a format; known are auto, {}", words())]
    UnknownFormat { word: String },
    #[error("{name}: {bytes} bytes are more than the {MOST_INPUT_BYTES} that are read at once; split it")]
    TooLarge { name: String, bytes: u64 },
    #[error("{name}: {format} is a folder, and this is a file")]
    NotAFolder { name: String, format: Format },
}

/// Reads `input` as `format`, or as what its content, and then its name, says it is.
pub fn read(input: Input<'_>, format: Option<Format>) -> Result<Reading, ReadError> {
    match input {
        Input::Path(path) if is_folder(path)? => folder::read(path, format),
        Input::Path(path) => from_bytes(&load(path)?, &path.to_string_lossy(), format),
        Input::Bytes { bytes, name } => from_bytes(bytes, name, format),
    }
}

/// A file's bytes, if they are not too many.
fn load(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |error| failure(path, error);
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MOST_INPUT_BYTES {
        return Err(ReadError::TooLarge { name: path.to_string_lossy().into_owned(), bytes: length });
    }
    fs::read(path).map_err(failed)
}

fn from_bytes(bytes: &[u8], name: &str, format: Option<Format>) -> Result<Reading, ReadError> {
    let length = bytes.len() as u64;
    if length > MOST_INPUT_BYTES {
        return Err(ReadError::TooLarge { name: name.to_owned(), bytes: length });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty { name: name.to_owned() });
    }
    let format = match format {
        Some(format) => format,
        None => detect::format(bytes, name)?,
    };
    reading(bytes, name, format)
}

fn reading(bytes: &[u8], name: &str, format: Format) -> Result<Reading, ReadError> {
    Ok(match format {
        Format::Jsonl => thread_jsonl::read(bytes, name),
        Format::Mbox => mail::read_mbox(bytes, name),
        Format::Maildir => return Err(ReadError::NotAFolder { name: name.to_owned(), format }),
        Format::Eml => mail::read_eml(bytes, name),
        Format::SlackExport => slack_export::read(bytes, name),
        Format::GithubJson => github_json::read(bytes, name),
        Format::Vtt => vtt::read(bytes, name),
        Format::Srt => srt::read(bytes, name),
        Format::Otter => otter::read(bytes, name),
        Format::ZoomChat => zoom_chat::read(bytes, name),
        Format::Markdown => markdown::read(bytes, name),
        Format::Rst => rst::read(bytes, name),
        Format::Irc => irc::read(bytes, name),
        Format::Text => text::read(bytes, name),
    })
}

fn is_folder(path: &Path) -> Result<bool, ReadError> {
    fs::metadata(path).map(|m| m.is_dir()).map_err(|error| failure(path, error))
}

fn failure(path: &Path, source: io::Error) -> ReadError {
    let path = path.to_string_lossy().into_owned();
    match source.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound { path },
        io::ErrorKind::PermissionDenied => ReadError::Permission { path },
        _ => ReadError::Failed { path, source },
    }
}

fn words() -> String {
    Format::ALL.map(Format::as_str).join(", ")
}
