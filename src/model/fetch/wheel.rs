//! A wheel is a zip archive: takes one member out of it.

use std::fs::File;
use std::path::Path;

use zip::ZipArchive;

use super::super::checksum::Checksum;
use super::super::manifest::Wheel;
use super::place::Delivery;
use super::{Errand, FetchError};

/// A wheel that has been fetched and is the one that was asked for.
pub(super) struct OpenWheel<'a> {
    name: String,
    source: &'a str,
    archive: ZipArchive<File>,
}

impl<'a> OpenWheel<'a> {
    /// Opens the wheel at `path`, after its checksum where the manifest has one: an archive by a stranger is not even
    /// parsed unless it is the known one.
    pub(super) fn open(errand: &Errand, source: &'a str, wheel: &Wheel, path: &Path) -> Result<Self, FetchError> {
        let unreadable = |why: String| FetchError::TryAnother { source_name: source.to_owned(), why };
        let file = File::open(path).map_err(|e| unreadable(format!("{wheel}: {e}")))?;
        if let Some(expected) = wheel.sha256 {
            let sum = Checksum::of(&file, |_| !errand.progress.cancelled());
            let sum = sum.map_err(|e| unreadable(format!("{wheel}: {e}")))?.ok_or_else(|| errand.stopped())?;
            if sum != expected {
                return Err(FetchError::WrongBytes {
                    source_name: source.to_owned(),
                    file: wheel.to_string(),
                    expected: format!("sha256 {expected}"),
                    actual: format!("sha256 {sum}"),
                });
            }
        }
        let archive = ZipArchive::new(file).map_err(|e| unreadable(format!("{wheel} is not a wheel: {e}")))?;
        Ok(OpenWheel { name: wheel.to_string(), source, archive })
    }

    /// Adds the member to the part, which holds `before` bytes. Returns the bytes it then holds.
    pub(super) fn unpack(
        &mut self,
        errand: &Errand,
        member: &str,
        to: &Delivery,
        before: u64,
    ) -> Result<u64, FetchError> {
        let found = self.archive.by_name(member).map_err(|e| FetchError::TryAnother {
            source_name: self.source.to_owned(),
            why: format!("{} has no usable {member}: {e}", self.name),
        })?;
        let mut part = to.open_part(before)?;
        errand.progress.begin(&format!("unpacking {}", to.file.path), Some(found.size()));
        let filled = to.fill(&mut part, found, self.source);
        errand.progress.done();
        filled?;
        part.sync_all().map_err(|e| to.write_failed(e))?;
        Ok(to.part_bytes())
    }
}
