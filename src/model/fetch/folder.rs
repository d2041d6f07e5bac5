//! Files that somebody has put in a folder on this machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::manifest::ModelFile;
use super::place::Delivery;
use super::{Errand, FetchError};

/// Copies what `folder` has of `wanted`.
///
/// # Errors
/// `TryAnother` naming the first file that it does not have.
pub(super) fn fetch(errand: &Errand, source: &str, folder: &Path, wanted: &[&ModelFile]) -> Result<(), FetchError> {
    let another = |why: String| FetchError::TryAnother { source_name: source.to_owned(), why };
    if !folder.is_dir() {
        return Err(another("there is no such folder".to_owned()));
    }
    let mut missing = None;
    for file in wanted {
        match candidate(folder, file) {
            Ok(path) => bring(errand, source, &path, file)?,
            Err(why) => missing = missing.or(Some(another(why))),
        }
    }
    missing.map_or(Ok(()), Err)
}

/// Copies one file and checks it.
pub(super) fn bring(errand: &Errand, source: &str, path: &Path, file: &ModelFile) -> Result<(), FetchError> {
    let from = File::open(path).map_err(|why| FetchError::TryAnother {
        source_name: source.to_owned(),
        why: format!("{}: {why}", path.display()),
    })?;
    let delivery = Delivery::new(errand, file);
    let mut part = delivery.open_part(0)?;
    errand.progress.begin(&format!("copying {}", file.path), Some(file.bytes));
    let filled = delivery.fill(&mut part, from, source);
    errand.progress.done();
    filled?;
    delivery.settle(source)
}

/// The file by its path, by its bare name, or else the only file of its size, whatever it is called: the checksum will
/// tell.
fn candidate(folder: &Path, file: &ModelFile) -> Result<PathBuf, String> {
    let bare = Path::new(&file.path).file_name().map(|name| folder.join(name));
    let mut other = None;
    for path in std::iter::once(folder.join(&file.path)).chain(bare) {
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.len() == file.bytes => return Ok(path),
            Ok(found) if found.is_file() => other = Some(found.len()),
            _ => {}
        }
    }
    let same_size = |path: &PathBuf| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() == file.bytes);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut alike = entries.map(|entry| entry.path()).filter(same_size);
    match (alike.next(), alike.next(), other) {
        (Some(path), None, _) => Ok(path),
        (_, _, Some(bytes)) => Err(format!("its {} has {bytes} bytes, not {}", file.path, file.bytes)),
        _ => Err(format!("it has no {} of {} bytes", file.path, file.bytes)),
    }
}
