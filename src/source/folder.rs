//! A folder: a Maildir, an unpacked Slack export, or files each in its own format.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Format, MOST_INPUT_BYTES, ReadError, Reading, assemble, bytes, detect, failure, from_bytes,
    github_json::Repository, load, mail, slack_export,
};
use crate::domain::Fault;

/// A folder with more files is more likely the wrong folder.
const MOST_FILES: usize = 100_000;
/// Deeper folders are not looked into.
const DEEPEST: usize = 32;

/// Reads every file under `path`. A file that cannot be read is a fault, and the others are read.
pub(super) fn read(path: &Path, format: Option<Format>) -> Result<Reading, ReadError> {
    match format {
        Some(Format::Maildir) => return maildir(path),
        Some(Format::SlackExport) => return Ok(slack_export::read_folder(path)),
        None if mail::is_maildir(path) => return maildir(path),
        None if slack_export::is_folder(path) => return Ok(slack_export::read_folder(path)),
        _ => {}
    }
    let mut out = Reading::default();
    let mut files = Vec::new();
    walk(path, format, 0, &mut files, &mut out)?;
    read_files(path, &files, format, &mut out);
    if out.threads.is_empty() && out.faults.is_empty() {
        return Err(ReadError::Empty { name: path.to_string_lossy().into_owned() });
    }
    Ok(out)
}

fn maildir(path: &Path) -> Result<Reading, ReadError> {
    mail::read_maildir(path).map_err(|error| failure(path, error))
}

/// Files in the order of their names; Maildirs on the way are read at once. Hidden files and links are passed over: a link
/// may lead out of the folder, or round in a circle.
fn walk(
    folder: &Path,
    format: Option<Format>,
    depth: usize,
    files: &mut Vec<PathBuf>,
    out: &mut Reading,
) -> Result<(), ReadError> {
    let entries = fs::read_dir(folder).map_err(|error| failure(folder, error))?;
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_file() {
            if files.len() == MOST_FILES {
                let what = format!("more than {MOST_FILES} files: the rest is left out");
                out.faults.push(Fault::new(bytes::file(&folder.to_string_lossy()), what));
                return Ok(());
            }
            files.push(path);
        } else if kind.is_dir() {
            subfolder(&path, format, depth, files, out);
        }
    }
    Ok(())
}

fn subfolder(path: &Path, format: Option<Format>, depth: usize, files: &mut Vec<PathBuf>, out: &mut Reading) {
    let result = if format.is_none() && mail::is_maildir(path) {
        maildir(path).map(|reading| out.take(reading))
    } else if depth < DEEPEST {
        walk(path, format, depth + 1, files, out)
    } else {
        out.faults.push(Fault::new(bytes::file(&path.to_string_lossy()), "nested too deep: left out"));
        Ok(())
    };
    if let Err(error) = result {
        out.faults.push(Fault::new(bytes::file(&path.to_string_lossy()), error.to_string()));
    }
}

fn read_files(root: &Path, files: &[PathBuf], format: Option<Format>, out: &mut Reading) {
    let mut repository = Repository::default();
    let mut total: u64 = 0;
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        let bytes = match load(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                out.faults.push(Fault::new(bytes::file(&name), error.to_string()));
                continue;
            }
        };
        total += bytes.len() as u64;
        if total > MOST_INPUT_BYTES {
            let what = format!("this folder holds more than {MOST_INPUT_BYTES} bytes: read from here on in parts");
            out.faults.push(Fault::new(bytes::file(&name), what));
            break;
        }
        // Comments, reviews and events of one issue may lie in several files.
        if format.or_else(|| detect::format(&bytes, &name).ok()) == Some(Format::GithubJson) {
            repository.add(&bytes, &name);
            continue;
        }
        match from_bytes(&bytes, &name, format) {
            Ok(reading) => out.take(named_by_path(reading, &name)),
            Err(error) => out.faults.push(Fault::new(bytes::file(&name), without_name(&error.to_string(), &name))),
        }
    }
    out.take(repository.finish());
}

/// A thread named after its file is named after its path instead: `a/call.vtt` and `b/call.vtt` are two calls.
fn named_by_path(mut reading: Reading, name: &str) -> Reading {
    let stem = assemble::stem(name);
    let folders = name.rfind(['/', '\\']).and_then(|at| name.get(..=at)).unwrap_or("");
    for thread in reading.threads.iter_mut().filter(|thread| thread.id == stem) {
        thread.id = format!("{folders}{stem}");
    }
    reading
}

/// The place of a fault already names the file.
pub(super) fn without_name(said: &str, name: &str) -> String {
    said.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(said).to_owned()
}

impl Reading {
    fn take(&mut self, other: Reading) {
        self.threads.extend(other.threads);
        self.faults.extend(other.faults);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::source::{Input, ReadError, read};

    #[test]
    fn every_file_is_read_by_its_own_format_and_the_unreadable_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put("a.md", b"# Plan\n\nWe move it.\n");
        put("calls/b.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n");
        put("gh/3.json", include_bytes!("../../tests/fixtures/source/github-json/issues.json"));
        put("gh/comments.json", include_bytes!("../../tests/fixtures/source/github-json/comments.json"));
        put("photo.bin", b"\0\x01\x02");
        put("empty.txt", b"");
        put(".git/config", b"words");
        let reading = read(Input::Path(folder.path()), None).unwrap();
        let found: Vec<_> = reading.threads.iter().map(|t| (t.source.as_str(), t.messages.len())).collect();
        assert_eq!(found, [("markdown", 1), ("vtt", 1), ("github", 2), ("github", 1)]);
        assert_eq!(reading.threads[1].id, "calls/b");
        let said: Vec<_> = reading.faults.iter().map(|f| f.place.file.as_deref().unwrap()).collect();
        assert_eq!(said, ["empty.txt", "photo.bin"]);
    }

    #[test]
    fn what_cannot_be_read_at_all_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(Input::Path(folder.path()), None), Err(ReadError::Empty { .. })));
        assert!(matches!(read(Input::Path(&folder.path().join("none")), None), Err(ReadError::NotFound { .. })));
        let blank = Input::Bytes { bytes: b" \n", name: "-" };
        assert!(matches!(read(blank, None), Err(ReadError::Empty { .. })));
    }
}
