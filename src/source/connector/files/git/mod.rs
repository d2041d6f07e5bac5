//! Documents of a git repository: what was committed, with who wrote it and when. The work tree is not looked at, so that
//! nothing half written is read, and a bare repository does as well.

mod document;
mod history;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use gix::{ObjectId, bstr::ByteSlice};

pub(super) use self::history::Cache;
use self::history::History;
use super::{
    glob::Globs,
    manifest::{Manifest, Print, UNFINISHED},
};
use crate::{
    domain::Fault,
    source::{Format, Reading, assemble, bytes},
};

/// The documents of a folder at the repository's `HEAD`; none where the folder is in no repository.
pub(super) struct Documents {
    opened: Option<Opened>,
}

/// A repository of gix cannot go from thread to thread, so it is opened anew for each use.
struct Opened {
    top: PathBuf,
    head: ObjectId,
    scope: Scope,
    /// Blobs at `HEAD`, by path below the folder.
    blobs: BTreeMap<String, ObjectId>,
    history: OnceCell<History>,
    /// The thread's id of each document.
    ids: OnceCell<HashMap<String, String>>,
    cache: Arc<Mutex<Cache>>,
}

/// Which files of the repository are documents of the folder.
#[derive(Clone)]
struct Scope {
    /// The folder within the repository, with a `/` at its end; empty for the whole of it.
    prefix: String,
    globs: Arc<Globs>,
}

impl Scope {
    /// The path below the folder, where it is that of a document.
    fn document<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = path.strip_prefix(&self.prefix)?;
        let hidden = below.split('/').any(|name| name.starts_with('.'));
        (!hidden && format_of(below).is_some() && self.globs.take(below)).then_some(below)
    }
}

fn format_of(path: &str) -> Option<Format> {
    match assemble::extension(path).as_str() {
        "md" | "markdown" | "mdown" | "mkd" => Some(Format::Markdown),
        "rst" | "rest" => Some(Format::Rst),
        _ => None,
    }
}

impl Documents {
    pub(super) fn none() -> Documents {
        Documents { opened: None }
    }

    /// The documents below `root` as they are at `HEAD`; nothing where there is no repository or no commit.
    ///
    /// # Errors
    /// What git's files say is wrong.
    pub(super) fn open(root: &Path, globs: Arc<Globs>, cache: Arc<Mutex<Cache>>) -> Result<Documents, String> {
        let Some(top) = top(root) else { return Ok(Documents::none()) };
        let repository = open(&top)?;
        // An empty repository has no commit yet; it will.
        let Ok(head) = repository.head_id().map(gix::Id::detach) else { return Ok(Documents::none()) };
        let scope = Scope { prefix: prefix(&repository, root), globs };
        let tree = repository.find_commit(head).and_then(|commit| commit.tree()).map_err(said)?;
        let files = tree.traverse().breadthfirst.files().map_err(said)?;
        let blobs = files
            .into_iter()
            .filter(|file| file.mode.is_blob())
            .filter_map(|file| Some((scope.document(file.filepath.to_str().ok()?)?.to_owned(), file.oid)))
            .collect();
        drop(tree);
        Ok(Documents {
            opened: Some(Opened { top, head, scope, blobs, history: OnceCell::new(), ids: OnceCell::new(), cache }),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.opened.as_ref().map_or(0, |opened| opened.blobs.len())
    }

    pub(super) fn head(&self) -> Option<String> {
        Some(self.opened.as_ref()?.head.to_string())
    }

    /// Each document with a stamp that changes with its history. As long as `HEAD` stands where it stood nobody need look.
    pub(super) fn stamps(&self, manifest: &Manifest) -> std::vec::IntoIter<(String, u64)> {
        let Some(opened) = &self.opened else { return Vec::new().into_iter() };
        let read_before = |name: &String| manifest.stamp(name) != UNFINISHED;
        let stamps: Vec<(String, u64)> = if self.head() == manifest.head && opened.blobs.keys().all(read_before) {
            opened.blobs.keys().map(|name| (name.clone(), manifest.stamp(name))).collect()
        } else {
            opened.blobs.iter().map(|(name, blob)| (name.clone(), opened.stamp(name, blob))).collect()
        };
        stamps.into_iter()
    }

    /// One document with its history.
    ///
    /// # Errors
    /// Why it cannot be read now.
    pub(super) fn read(&self, name: &str) -> Result<Reading, Fault> {
        let unreadable = |what: String| Fault::new(bytes::file(name), what);
        let missing = || unreadable("is not in the repository any more".to_owned());
        let opened = self.opened.as_ref().ok_or_else(missing)?;
        let blob = opened.blobs.get(name).ok_or_else(missing)?;
        let repository = open(&opened.top).map_err(unreadable)?;
        let versions = opened.history().versions(name);
        let mut reading = document::read(name, *blob, &versions, &|blob| {
            repository.find_blob(blob).map(|mut blob| blob.take_data()).map_err(|error| unreadable(said(error)))
        })?;
        if let Some(thread) = reading.threads.first_mut() {
            opened.id(name).clone_into(&mut thread.id);
        }
        Ok(reading)
    }
}

impl Opened {
    /// A rewritten history has other commits, and so other stamps.
    fn stamp(&self, name: &str, blob: &ObjectId) -> u64 {
        let print = Print::default().text(self.id(name)).text(&blob.to_string());
        self.history().versions(name).iter().fold(print, |print, v| print.text(&v.commit.id.to_string())).finish()
    }

    /// A document keeps the path it was born with, so that one that was renamed is still the same; unless another has
    /// that path now, or an earlier one by name was born with it too.
    fn id<'s>(&'s self, name: &'s str) -> &'s str {
        let ids = self.ids.get_or_init(|| {
            let mut taken: HashSet<String> = self.blobs.keys().cloned().collect();
            let born = |name: &String| Some(self.history().versions(name).last()?.path.clone());
            let mut id =
                |name: &String| born(name).filter(|path| taken.insert(path.clone())).unwrap_or_else(|| name.clone());
            self.blobs.keys().map(|name| (name.clone(), id(name))).collect()
        });
        ids.get(name).map_or(name, String::as_str)
    }

    fn history(&self) -> &History {
        self.history.get_or_init(|| {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            match open(&self.top) {
                Ok(repository) => History::walk(&repository, self.head, &self.scope, &mut cache),
                Err(_) => History::default(),
            }
        })
    }
}

/// The folder of the repository that holds `root`, or is `root`.
fn top(root: &Path) -> Option<PathBuf> {
    let is_bare = |folder: &Path| folder.join("HEAD").is_file() && folder.join("objects").is_dir();
    let holds = |folder: &&Path| folder.join(".git").exists() || is_bare(folder);
    root.ancestors().find(holds).map(Path::to_owned)
}

/// Without the settings of whoever runs this: only the repository's own count.
fn open(top: &Path) -> Result<gix::Repository, String> {
    let mut repository = gix::open_opts(top, gix::open::Options::isolated()).map_err(said)?;
    repository.object_cache_size_if_unset(32 << 20);
    Ok(repository)
}

/// Where a repository's references lie when the folder itself does not hold them.
pub(super) fn beside(root: &Path) -> Option<PathBuf> {
    let repository = open(&top(root)?).ok()?;
    let references = repository.git_dir().join("refs");
    (!references.starts_with(root) && references.is_dir()).then_some(references)
}

fn prefix(repository: &gix::Repository, root: &Path) -> String {
    let Some(top) = repository.workdir() else { return String::new() };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let below = real(root).strip_prefix(real(top)).map(Path::to_owned).unwrap_or_default();
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    names.iter().map(|name| format!("{name}/")).collect()
}

fn said(error: impl std::fmt::Display) -> String {
    format!("git: {error}")
}
