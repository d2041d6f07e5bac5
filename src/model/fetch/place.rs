//! A file on its way to its place: written beside it, checked, made durable, and only then named.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::super::manifest::ModelFile;
use super::super::shelf::{self, FileState};
use super::{Errand, FetchError};

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// One file of an errand.
pub(super) struct Delivery<'e> {
    errand: &'e Errand<'e>,
    pub(super) file: &'e ModelFile,
    target: PathBuf,
    part: PathBuf,
}

impl<'e> Delivery<'e> {
    pub(super) fn new(errand: &'e Errand<'e>, file: &'e ModelFile) -> Delivery<'e> {
        let target = errand.folder.join(&file.path);
        Delivery { errand, file, part: shelf::part_of(&target), target }
    }

    pub(super) fn part_bytes(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |m| m.len())
    }

    /// What is known of the part's pieces; for the source that made them.
    pub(super) fn part_note(&self) -> PathBuf {
        shelf::part_note_of(&self.target)
    }

    /// The part file, cut to its first `keep` bytes and ready for more. Kept bytes keep their note.
    pub(super) fn open_part(&self, keep: u64) -> Result<File, FetchError> {
        let open = || {
            if let Some(folder) = self.part.parent() {
                fs::create_dir_all(folder)?;
            }
            if keep == 0 {
                remove_if_there(&self.part_note())?;
            }
            let mut part = File::options().create(true).truncate(false).write(true).open(&self.part)?;
            part.set_len(keep)?;
            part.seek(SeekFrom::End(0))?;
            Ok(part)
        };
        open().map_err(|e| self.write_failed(e))
    }

    /// A whole file that lies on the same file system becomes the part.
    pub(super) fn adopt(&self, path: &Path) -> Result<(), FetchError> {
        self.open_part(0)?;
        fs::rename(path, &self.part).map_err(|e| self.write_failed(e))
    }

    /// Copies `from` to `part`, which must not grow beyond the file's size. Progress is told.
    pub(super) fn fill(&self, part: &mut File, mut from: impl Read, source: &str) -> Result<(), FetchError> {
        let room = self.file.bytes - self.part_bytes().min(self.file.bytes);
        let copied = copy(&mut from, part, room + 1, |n| {
            self.errand.progress.advance(n);
            self.errand.cancelled()
        });
        match copied {
            Ok(bytes) if bytes > room => {
                let actual = format!("more than {} bytes", self.file.bytes);
                Err(self.wrong(source, format!("{} bytes", self.file.bytes), actual))
            }
            Ok(_) => Ok(()),
            Err(CopyError::Read(why)) => Err(FetchError::TryAnother {
                source_name: source.to_owned(),
                why: format!("{}: {why}", self.file.path),
            }),
            Err(CopyError::Write(e)) => Err(self.write_failed(e)),
            Err(CopyError::Stopped(e)) => Err(e),
        }
    }

    /// Checks the part's size and checksum and moves it to its place. A part with other bytes is removed.
    pub(super) fn settle(&self, source: &str) -> Result<(), FetchError> {
        let state = shelf::state_of(&self.part, self.file, self.errand.progress).map_err(|e| self.write_failed(e))?;
        let (expected, actual) = match state.ok_or_else(|| self.errand.stopped())? {
            FileState::Good => return self.name().map_err(|e| self.write_failed(e)),
            FileState::Missing => (format!("{} bytes", self.file.bytes), "nothing".to_owned()),
            FileState::WrongSize { bytes } => (format!("{} bytes", self.file.bytes), format!("{bytes} bytes")),
            FileState::WrongChecksum { sha256 } => (format!("sha256 {}", self.file.sha256), format!("sha256 {sha256}")),
        };
        Err(self.wrong(source, expected, actual))
    }

    /// The disk is the caller's to mend; so is a folder that cannot be written to.
    pub(super) fn write_failed(&self, why: io::Error) -> FetchError {
        if is_disk_full(&why) {
            let (file, bytes) = (self.file.path.clone(), self.file.bytes);
            return FetchError::MakeRoom { path: self.errand.folder.clone(), file, bytes };
        }
        FetchError::Shelf { path: self.part.clone(), why }
    }

    /// Removes the part: bytes that are known to be wrong are no use to anybody.
    fn wrong(&self, source: &str, expected: String, actual: String) -> FetchError {
        let removed = remove_if_there(&self.part).and_then(|()| remove_if_there(&self.part_note()));
        match removed {
            Ok(()) => {
                let (source_name, file) = (source.to_owned(), self.file.path.clone());
                FetchError::WrongBytes { source_name, file, expected, actual }
            }
            Err(e) => self.write_failed(e),
        }
    }

    fn name(&self) -> io::Result<()> {
        File::options().write(true).open(&self.part)?.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        remove_if_there(&self.part_note())?;
        #[cfg(unix)]
        if let Some(folder) = self.target.parent() {
            File::open(folder)?.sync_all()?;
        }
        shelf::remember(&self.errand.folder, self.file);
        Ok(())
    }
}

pub(super) fn is_disk_full(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
    Stopped(FetchError),
}

/// At most `limit` bytes. Unlike `io::copy` it knows which side failed.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    limit: u64,
    mut seen: impl FnMut(u64) -> Result<(), FetchError>,
) -> Result<u64, CopyError> {
    let mut from = from.take(limit);
    let mut chunk = vec![0u8; CHUNK_BYTES];
    let mut copied = 0;
    loop {
        let n = match from.read(&mut chunk) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(CopyError::Read)?,
        };
        if n == 0 {
            return Ok(copied);
        }
        to.write_all(&chunk[..n]).map_err(CopyError::Write)?;
        copied += n as u64;
        seen(n as u64).map_err(CopyError::Stopped)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_the_writers_fault() {
        let copied = copy(&mut &b"bytes"[..], &mut Full, 10, |_| Ok(()));
        let Err(CopyError::Write(why)) = copied else { panic!("the writer fails") };
        assert!(is_disk_full(&why));
    }

    #[test]
    fn a_copy_ends_at_its_limit() {
        let mut to = Vec::new();
        assert!(matches!(copy(&mut io::repeat(7), &mut to, 9, |_| Ok(())), Ok(9)));
        assert_eq!(to, [7; 9]);
    }
}
