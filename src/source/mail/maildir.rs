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

/// Hands over every message under `folder`, by its path relative to it, in the order of names.
pub(super) fn visit(folder: &Path, hand: &mut impl FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()> {
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
                read(&path, delivered, &shown, hand);
            } else if path.file_name().is_some_and(|n| n != "tmp") {
                match entries(&path) {
                    Ok(inside) => below.push((path, inside)),
                    Err(error) => hand(shown, Err(error)),
                }
            }
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Outside `cur` and `new` lie indexes and state of mail programs too; there only what looks like mail is mail.
fn read(path: &Path, delivered: bool, shown: &str, hand: &mut impl FnMut(String, io::Result<Vec<u8>>)) {
    match fs::read(path) {
        Ok(bytes) if delivered || message::is_eml(&bytes) => hand(shown.to_owned(), Ok(bytes)),
        Ok(_) => {}
        Err(error) => hand(shown.to_owned(), Err(error)),
    }
}
