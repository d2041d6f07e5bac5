//! Maildir: one file a message, folders in folders.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::message;

/// Whether `folder` holds a Maildir, itself or one folder down.
pub fn is_maildir(folder: &Path) -> bool {
    let holds = |folder: &Path| folder.join("cur").is_dir() || folder.join("new").is_dir();
    holds(folder) || fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|e| holds(&e.path())))
}

/// A file that may be a message, or a folder that cannot be listed.
pub(super) struct Found {
    /// Its path below the Maildir.
    pub shown: String,
    what: io::Result<File>,
}

struct File {
    path: PathBuf,
    /// Whether it lies in `cur` or `new`.
    delivered: bool,
}

impl Found {
    /// The bytes of the message, or why they cannot be read; `None` for what is no message. Outside `cur` and `new` lie
    /// indexes and state of mail programs too; there only what looks like mail is mail.
    pub fn read(&self) -> Option<Result<Vec<u8>, String>> {
        let cannot = |error: &io::Error| format!("cannot be read: {error}");
        let file = match &self.what {
            Ok(file) => file,
            Err(error) => return Some(Err(cannot(error))),
        };
        match fs::read(&file.path) {
            Ok(bytes) if file.delivered || message::is_eml(&bytes) => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(cannot(&error))),
        }
    }
}

/// Everything under `folder` that may be a message, in the order of names.
pub(super) fn find(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), entries(folder)?)];
    while let Some((here, inside)) = folders.pop() {
        let delivered = here.file_name().is_some_and(|n| n == "cur" || n == "new");
        let mut below = Vec::new();
        for path in inside {
            let shown = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            // A link to a folder could lead round in a circle, so links are followed to files alone.
            if path.is_symlink() && path.is_dir() {
                continue;
            }
            if !path.is_dir() {
                found.push(Found { shown, what: Ok(File { path, delivered }) });
            } else if path.file_name().is_some_and(|n| n != "tmp") {
                match entries(&path) {
                    Ok(inside) => below.push((path, inside)),
                    Err(error) => found.push(Found { shown, what: Err(error) }),
                }
            }
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(found)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
