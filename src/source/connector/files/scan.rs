//! What lies in the folder: each origin with a stamp that changes when it does. Nothing is read here but names and times.

use std::{
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{glob::Globs, manifest::Print};
use crate::source::{Format, mail, slack_export};

/// Deeper folders are not looked into.
const DEEPEST: usize = 32;
/// A folder with more files is more likely the wrong folder; the rest is left out and said.
pub(super) const MOST_FILES: usize = 200_000;

/// One thing that is read in one go.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The path below the folder, `/` between folders. `.` is the folder itself.
    pub origin: String,
    pub kind: Kind,
    pub stamp: u64,
    /// When it was last written to, in nanoseconds since 1970. 0 where nothing is ever half written (a Maildir).
    pub written_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Maildir,
    SlackExport,
}

/// What a scan saw.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub found: Vec<Found>,
    /// Folders that could not be looked into, and why: what was in them may still be there.
    pub closed: Vec<(String, String)>,
    /// Whether there were more files than are taken.
    pub overflowed: bool,
}

/// Looks through `root`, a folder or a single file.
pub(super) fn scan(root: &Path, format: Option<Format>, globs: &Globs) -> Scan {
    let mut walk = Walk { root, format, globs, out: Scan::default() };
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_file() => {
            let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
            walk.file(name, &metadata);
        }
        _ => walk.folder(root, ".", 0),
    }
    walk.out.found.sort_by(|a, b| a.origin.cmp(&b.origin));
    walk.out
}

/// A stamp of a file: when and how it was last written, and how long it is. The time of its last change of any kind finds
/// a file that was put in another's place with the old one's times.
pub(super) fn stamp(metadata: &Metadata) -> u64 {
    let print = Print::default().number(written_ns(metadata)).number(metadata.len());
    changed(print, metadata).finish()
}

pub(super) fn written_ns(metadata: &Metadata) -> u64 {
    let written = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    written.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(unix)]
fn changed(print: Print, metadata: &Metadata) -> Print {
    use std::os::unix::fs::MetadataExt;
    print.number(metadata.ctime().unsigned_abs()).number(metadata.ctime_nsec().unsigned_abs())
}

#[cfg(not(unix))]
fn changed(print: Print, _: &Metadata) -> Print {
    print
}

struct Walk<'a> {
    root: &'a Path,
    format: Option<Format>,
    globs: &'a Globs,
    out: Scan,
}

impl Walk<'_> {
    /// Hidden files and links are passed over: a link may lead out of the folder, or round in a circle.
    fn folder(&mut self, path: &Path, origin: &str, depth: usize) {
        if depth > DEEPEST {
            self.out.closed.push((origin.to_owned(), "nested too deep: left out".to_owned()));
            return;
        }
        if let Some(kind) = self.whole(path) {
            let (print, written_ns) = self.inside(path, kind);
            self.out.found.push(Found { origin: origin.to_owned(), kind, stamp: print.finish(), written_ns });
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.out.closed.push((origin.to_owned(), error.to_string())),
        };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let origin = if origin == "." { name } else { format!("{origin}/{name}") };
            if kind.is_dir() {
                self.folder(&entry.path(), &origin, depth + 1);
            } else if kind.is_file()
                && let Ok(metadata) = entry.metadata()
            {
                self.file(origin, &metadata);
            }
        }
    }

    fn file(&mut self, origin: String, metadata: &Metadata) {
        if !self.globs.take(&origin) {
            return;
        }
        if self.out.found.len() == MOST_FILES {
            self.out.overflowed = true;
            return;
        }
        let (stamp, written_ns) = (stamp(metadata), written_ns(metadata));
        self.out.found.push(Found { origin, kind: Kind::File, stamp, written_ns });
    }

    /// What a folder is when it is one origin as a whole.
    fn whole(&self, path: &Path) -> Option<Kind> {
        match self.format {
            Some(Format::Maildir) => (path == self.root).then_some(Kind::Maildir),
            Some(Format::SlackExport) if path == self.root => {
                slack_export::is_folder(path).then_some(Kind::SlackExport)
            }
            Some(_) => None,
            None if is_mail(path) => Some(Kind::Maildir),
            None => slack_export::is_folder(path).then_some(Kind::SlackExport),
        }
    }

    /// The names below a folder that is one origin. A letter of a Maildir never changes but for its flags, which are the
    /// end of its name, and for moving from `new` to `cur`; neither is a change of what it says.
    fn inside(&self, path: &Path, kind: Kind) -> (Print, u64) {
        let mut names = Vec::new();
        let mut folders = vec![(path.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(sort) = entry.file_type() else { continue };
                if sort.is_dir() && depth < DEEPEST && entry.file_name() != "tmp" {
                    folders.push((entry.path(), depth + 1));
                } else if sort.is_file() {
                    names.push((named(path, &entry.path(), kind), entry.metadata().ok()));
                }
            }
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        let mut print = Print::default();
        let mut newest = 0;
        for (name, metadata) in names {
            print = print.text(&name);
            if let Some(metadata) = metadata.filter(|_| kind == Kind::SlackExport) {
                print = print.number(stamp(&metadata));
                newest = newest.max(written_ns(&metadata));
            }
        }
        (print, newest)
    }
}

/// Whether a folder is a Maildir, or holds nothing but Maildirs.
fn is_mail(path: &Path) -> bool {
    let holds = |folder: &Path| folder.join("cur").is_dir() || folder.join("new").is_dir();
    if holds(path) {
        return true;
    }
    if !mail::is_maildir(path) {
        return false;
    }
    let visible = fs::read_dir(path).into_iter().flatten().flatten();
    let mut visible = visible.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    visible.all(|entry| holds(&entry.path()))
}

fn named(root: &Path, path: &Path, kind: Kind) -> String {
    let below: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    let name = below.to_string_lossy().into_owned();
    if kind != Kind::Maildir {
        return name;
    }
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
    let folder = folder.strip_suffix("new").or_else(|| folder.strip_suffix("cur")).unwrap_or(folder);
    let file = file.split(":2,").next().unwrap_or(file);
    format!("{folder}{file}")
}
