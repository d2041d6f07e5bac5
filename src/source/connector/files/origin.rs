//! Reading one origin: the same readers as one-shot, with names that are relative to the folder.

use std::{collections::HashMap, fs, path::Path};

use super::scan::{self, Kind};
use crate::{
    domain::Fault,
    source::{
        Format, Input, ReadError, Reading, assemble, bytes, detect, folder, github_json::Repository, load, mail, read,
        slack_export,
    },
};

/// Where the threads of every GitHub JSON file below the folder come from: an issue's comments and events may lie in
/// several files, as `bluf summarize FOLDER` has it too.
pub(super) const GITHUB: &str = "GitHub JSON";

/// Reads what lies at `origin` below `root`. Bytes that are no text, or without words, hold no thread.
///
/// # Errors
/// Why it cannot be read now, whatever it holds.
pub(super) fn reading(root: &Path, origin: &str, kind: Kind, format: Option<Format>) -> Result<Reading, Fault> {
    let path = at(root, origin);
    let read = match kind {
        Kind::File => load(&path).and_then(|bytes| {
            let reading = read(Input::Bytes { bytes: &bytes, name: origin }, format)?;
            Ok(named_by_path(reading, origin))
        }),
        Kind::Maildir => {
            mail::read_maildir(&path).map_err(|source| ReadError::Failed { path: origin.to_owned(), source })
        }
        Kind::SlackExport => Ok(slack_export::read_folder(&path)),
    };
    match read {
        Ok(reading) => Ok(distinct(reading)),
        Err(error) if is_for_now(&error) => Err(unreadable(root, origin, &error)),
        Err(error) => Ok(refused(origin, &error)),
    }
}

/// Reads the files of the GitHub origin.
///
/// # Errors
/// Which file cannot be read now: without it, threads would lack a part.
pub(super) fn github(root: &Path, members: &[String]) -> Result<Reading, Fault> {
    let mut repository = Repository::default();
    for member in members {
        let bytes = load(&at(root, member)).map_err(|error| unreadable(root, member, &error))?;
        repository.add(&bytes, member);
    }
    Ok(distinct(repository.finish()))
}

/// Whether a file holds GitHub's JSON; `None` where it cannot be read now.
pub(super) fn is_github(root: &Path, origin: &str, format: Option<Format>) -> Option<bool> {
    if let Some(format) = format {
        return Some(format == Format::GithubJson);
    }
    if !matches!(assemble::extension(origin).as_str(), "json" | "jsonl" | "ndjson") {
        return Some(false);
    }
    let bytes = load(&at(root, origin)).ok()?;
    Some(detect::format(&bytes, origin).is_ok_and(|format| format == Format::GithubJson))
}

/// The stamp of a file as it is now.
pub(super) fn stamp_now(root: &Path, origin: &str) -> Option<u64> {
    fs::metadata(at(root, origin)).ok().map(|metadata| scan::stamp(&metadata))
}

fn at(root: &Path, origin: &str) -> std::path::PathBuf {
    if origin == "." || root.is_file() { root.to_owned() } else { root.join(origin) }
}

/// A file without words holds no thread, and nothing is wrong with it.
pub(super) fn refused(origin: &str, error: &ReadError) -> Reading {
    let faults = match error {
        ReadError::Empty { .. } => Vec::new(),
        _ => vec![Fault::new(bytes::file(origin), folder::without_name(&error.to_string(), origin))],
    };
    Reading { threads: Vec::new(), faults }
}

/// Whether it is the disk that refuses, and not what lies on it.
fn is_for_now(error: &ReadError) -> bool {
    matches!(error, ReadError::Failed { .. } | ReadError::Permission { .. } | ReadError::NotFound { .. })
}

fn unreadable(root: &Path, origin: &str, error: &ReadError) -> Fault {
    let said = error.to_string();
    Fault::new(bytes::file(origin), folder::without_name(&said, &at(root, origin).to_string_lossy()))
}

/// What a reader named after the file alone is named after its path and ending: `a/call.vtt` and `a/call.srt` are two.
fn named_by_path(mut reading: Reading, origin: &str) -> Reading {
    let stem = assemble::stem(origin);
    let rename = |id: &mut String| {
        let rest = id.strip_prefix(stem).filter(|rest| {
            let number = rest.strip_prefix([':', '#']);
            rest.is_empty() || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        });
        if let Some(rest) = rest {
            *id = format!("{origin}{rest}");
        }
    };
    for thread in &mut reading.threads {
        rename(&mut thread.id);
        for message in thread.messages.iter_mut().filter(|m| m.id.starts_with(stem)) {
            rename(&mut message.id);
        }
        thread.messages.iter_mut().filter_map(|m| m.reply_to.as_mut()).for_each(rename);
    }
    reading
}

/// Threads of one id, and messages of one id in a thread, are told apart by a number: kept under one id, the second would
/// replace the first.
pub(super) fn distinct(mut reading: Reading) -> Reading {
    let mut threads = HashMap::new();
    for thread in &mut reading.threads {
        number(&mut thread.id, &mut threads);
        let mut messages = HashMap::new();
        for message in &mut thread.messages {
            number(&mut message.id, &mut messages);
        }
    }
    reading
}

fn number(id: &mut String, seen: &mut HashMap<String, usize>) {
    let times = seen.entry(id.clone()).or_insert(0);
    *times += 1;
    if *times > 1 {
        *id = format!("{id}#{times}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::thread_jsonl;

    #[test]
    fn what_has_one_id_twice_is_kept_twice() {
        let line = r#"{"id":"t","messages":[{"id":"a","text":"one"},{"id":"a","text":"two"}]}"#;
        let reading = distinct(thread_jsonl::read(format!("{line}\n{line}").as_bytes(), "x"));
        assert_eq!(reading.threads.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["t", "t#2"]);
        assert_eq!(reading.threads[1].messages.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["a", "a#2"]);
    }
}
