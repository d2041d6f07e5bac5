//! The folder in which models lie on this machine, and whether what lies there is what was asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::ModelError;
use super::checksum::Checksum;
use super::fetch::FetchError;
use super::manifest::{Manifest, ModelFile};
use super::progress::Progress;

/// What was found good, in a model's folder; without it every start would hash all the weights.
const STAMP: &str = ".verified.json";
/// Half-fetched things, in a model's folder. Hidden, so that no manifest can name them.
pub(super) const HUB_WORK: &str = ".hub";
pub(super) const PACKAGE_WORK: &str = ".wheels";
/// How long to wait before asking for another process's lock again.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// `root/NAME/FILE` for every file of every model.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

/// What a file on the shelf turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    Good,
    Missing,
    WrongSize { bytes: u64 },
    WrongChecksum { sha256: Checksum },
}

impl Shelf {
    pub fn new(root: impl Into<PathBuf>) -> Shelf {
        Shelf { root: root.into() }
    }

    /// The folder of one model, whether or not it exists.
    pub fn folder(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(&manifest.name)
    }

    /// Where one file of a model lies, or would.
    pub fn file(&self, manifest: &Manifest, file: &ModelFile) -> PathBuf {
        self.folder(manifest).join(&file.path)
    }

    /// Whether every file is there and of the right size. Says nothing of its bytes: see `ready`.
    pub fn present(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|f| fs::metadata(self.file(manifest, f)).is_ok_and(|m| m.len() == f.bytes))
    }

    /// The folder of a model whose every file has the right checksum, for loading. Files that have not changed since
    /// they were last found good are not hashed again.
    ///
    /// # Errors
    /// `Missing` when a file is not there, `BadFile` when it is not what the manifest names.
    pub fn ready(&self, manifest: &Manifest, progress: &dyn Progress) -> Result<PathBuf, ModelError> {
        let folder = self.folder(manifest);
        for (file, state) in
            settled_states(&folder, manifest, progress).map_err(|e| bad_file(&folder, e.to_string()))?
        {
            match state {
                FileState::Good => {}
                FileState::Missing => return Err(ModelError::Missing { name: manifest.name.clone() }),
                wrong => {
                    let why = format!(
                        "{wrong}, but the manifest names {} bytes with sha256 {}; run `bluf models pull {}`",
                        file.bytes, file.sha256, manifest.name
                    );
                    return Err(bad_file(&folder.join(&file.path), why));
                }
            }
        }
        Ok(folder)
    }

    /// Hashes every file, whatever was found before, in the manifest's order.
    ///
    /// # Errors
    /// `Shelf` when a file cannot be read, `Cancelled`.
    pub fn verify<'m>(
        &self,
        manifest: &'m Manifest,
        progress: &dyn Progress,
    ) -> Result<Vec<(&'m ModelFile, FileState)>, FetchError> {
        let folder = self.folder(manifest);
        Stamp::default().write(&folder);
        settled_states(&folder, manifest, progress)
    }

    /// Takes a model off the shelf, with anything half-fetched, and leaves other people's files alone. Returns the
    /// bytes set free.
    ///
    /// # Errors
    /// `Shelf` when something cannot be removed, `Cancelled` while another process holds the model.
    pub fn remove(&self, manifest: &Manifest, progress: &dyn Progress) -> Result<u64, FetchError> {
        let folder = self.folder(manifest);
        if !folder.exists() {
            return Ok(0);
        }
        let _lock = self.lock(manifest, progress)?;
        let mut freed = 0;
        for file in &manifest.files {
            let path = folder.join(&file.path);
            freed += remove(&path)? + remove(&part_of(&path))? + remove(&part_note_of(&path))?;
        }
        for own in [STAMP, HUB_WORK, PACKAGE_WORK] {
            freed += remove(&folder.join(own))?;
        }
        for file in &manifest.files {
            // Fails, as it should, on a folder that still holds something.
            let inner = Path::new(&file.path).ancestors().skip(1);
            inner.for_each(|inner| drop(fs::remove_dir(folder.join(inner))));
        }
        Ok(freed)
    }

    /// Held while a model's folder is changed; ends with the process at the latest.
    pub(super) fn lock(&self, manifest: &Manifest, progress: &dyn Progress) -> Result<File, FetchError> {
        let folder = self.root.join(".locks");
        let path = folder.join(&manifest.name);
        let failed = |why| FetchError::Shelf { path: path.clone(), why };
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::Error(why)) => return Err(failed(why)),
                Err(fs::TryLockError::WouldBlock) => {}
            }
            if progress.cancelled() {
                return Err(FetchError::Cancelled { name: manifest.name.clone() });
            }
            if !told {
                progress.note(&format!("another process is working on {}; waiting for it", manifest.name));
                told = true;
            }
            std::thread::sleep(LOCK_POLL);
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileState::Good => f.write_str("good"),
            FileState::Missing => f.write_str("missing"),
            FileState::WrongSize { bytes } => write!(f, "has {bytes} bytes"),
            FileState::WrongChecksum { sha256 } => write!(f, "has sha256 {sha256}"),
        }
    }
}

/// Where the bytes of a file lie while they arrive.
pub(super) fn part_of(target: &Path) -> PathBuf {
    with_suffix(target, ".part")
}

/// What is known of a part that is made of several pieces.
pub(super) fn part_note_of(target: &Path) -> PathBuf {
    with_suffix(target, ".part.json")
}

/// The state of every file; those that turn out good are remembered.
pub(super) fn settled_states<'m>(
    folder: &Path,
    manifest: &'m Manifest,
    progress: &dyn Progress,
) -> Result<Vec<(&'m ModelFile, FileState)>, FetchError> {
    let before = Stamp::read(folder);
    let mut stamp = Stamp::default();
    let mut states = Vec::new();
    for file in &manifest.files {
        let path = folder.join(&file.path);
        let mark = Mark::of(&path, file.sha256);
        let state = if mark.is_some() && before.files.get(&file.path) == mark.as_ref() {
            FileState::Good
        } else {
            let state = state_of(&path, file, progress).map_err(|why| FetchError::Shelf { path, why })?;
            state.ok_or_else(|| FetchError::Cancelled { name: manifest.name.clone() })?
        };
        if let (FileState::Good, Some(mark)) = (state, mark) {
            stamp.files.insert(file.path.clone(), mark);
        }
        states.push((file, state));
    }
    if stamp != before {
        stamp.write(folder);
    }
    Ok(states)
}

/// A file that has just been found good: spares the next look at it.
pub(super) fn remember(folder: &Path, file: &ModelFile) {
    if let Some(mark) = Mark::of(&folder.join(&file.path), file.sha256) {
        let mut stamp = Stamp::read(folder);
        stamp.files.insert(file.path.clone(), mark);
        stamp.write(folder);
    }
}

/// `None` when it was told to stop before the file was read.
pub(super) fn state_of(path: &Path, file: &ModelFile, progress: &dyn Progress) -> io::Result<Option<FileState>> {
    let bytes = match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Some(FileState::Missing)),
        found => found?.len(),
    };
    if bytes != file.bytes {
        return Ok(Some(FileState::WrongSize { bytes }));
    }
    progress.begin(&format!("checking {}", file.path), Some(bytes));
    let sum = File::open(path).and_then(|from| {
        Checksum::of(from, |n| {
            progress.advance(n);
            !progress.cancelled()
        })
    });
    progress.done();
    Ok(sum?.map(|sha256| if sha256 == file.sha256 { FileState::Good } else { FileState::WrongChecksum { sha256 } }))
}

/// Files that were found good, as they were then.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Stamp {
    files: BTreeMap<String, Mark>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Mark {
    bytes: u64,
    modified_ns: u64,
    sha256: Checksum,
}

impl Stamp {
    /// A stamp that cannot be read is no stamp: the files are hashed again.
    fn read(folder: &Path) -> Stamp {
        let text = fs::read(folder.join(STAMP)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// A folder that cannot be written to (weights installed for everyone) only costs the next start a hash.
    fn write(&self, folder: &Path) {
        let (path, fresh) = (folder.join(STAMP), folder.join(format!("{STAMP}.{}", std::process::id())));
        let text = serde_json::to_vec_pretty(self).expect("strings and numbers are always JSON");
        if fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path)).is_err() {
            drop(fs::remove_file(&fresh));
        }
    }
}

impl Mark {
    /// Taken before a file is hashed, so that a change meanwhile shows.
    fn of(path: &Path, sha256: Checksum) -> Option<Mark> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Mark { bytes: metadata.len(), modified_ns: u64::try_from(modified.as_nanos()).ok()?, sha256 })
    }
}

/// The bytes set free; nothing there is nothing to do.
fn remove(path: &Path) -> Result<u64, FetchError> {
    let failed = |why| FetchError::Shelf { path: path.to_owned(), why };
    let bytes = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        found => found.map_err(failed)?,
    };
    if bytes.is_dir() {
        let freed = tree_bytes(path);
        fs::remove_dir_all(path).map_err(failed)?;
        return Ok(freed);
    }
    fs::remove_file(path).map_err(failed)?;
    Ok(bytes.len())
}

/// Bytes of all plain files under `folder`; what vanishes meanwhile counts for nothing.
pub(super) fn tree_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(m) if m.is_dir() => tree_bytes(&entry.path()),
            Ok(m) if m.is_file() => m.len(),
            _ => 0,
        })
        .sum()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn bad_file(path: &Path, why: String) -> ModelError {
    ModelError::BadFile { path: path.to_owned(), why }
}
