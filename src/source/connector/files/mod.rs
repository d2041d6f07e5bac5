//! A folder: every format of `bluf summarize`, watched and looked through again, documents of a git repository with their
//! history.

mod git;
mod glob;
mod manifest;
mod origin;
mod round;
mod scan;
mod watch;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::time;

use self::{
    git::{Cache, Documents},
    glob::Globs,
    manifest::Manifest,
    round::{Place, Round},
    watch::Watch,
};
use super::{Source, SourceError, Whoami};
use crate::{
    domain::{Cursor, Page},
    source::Format,
};

/// A folder to read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A folder, or a single file.
    pub path: PathBuf,
    /// What the files are: `auto`, or a word of `bluf summarize --format`.
    #[serde(default = "auto")]
    pub format: String,
    /// Files to read, as patterns; all where there are none.
    #[serde(default)]
    pub include: Vec<String>,
    /// Files not to read.
    #[serde(default)]
    pub exclude: Vec<String>,
    #[serde(default)]
    pub git: Git,
    /// The folder is looked through this often even if nothing was heard of a change; network disks tell nothing. Seconds.
    #[serde(default = "rescan_secs")]
    pub rescan_secs: u64,
    /// A file written to more recently than this is left for the next round, since it may be half written. Seconds; 0
    /// reads it at once.
    #[serde(default = "settle_secs")]
    pub settle_secs: u64,
}

/// Whether Markdown and reStructuredText are read from a git repository's commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Git {
    /// Where the folder is in a repository that has such documents.
    #[default]
    Auto,
    Always,
    Never,
}

impl<'de> Deserialize<'de> for Git {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Git, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Word {
            Flag(bool),
            Text(String),
        }
        match Word::deserialize(from)? {
            Word::Flag(true) => Ok(Git::Always),
            Word::Flag(false) => Ok(Git::Never),
            Word::Text(word) if word == "auto" => Ok(Git::Auto),
            Word::Text(word) => Err(serde::de::Error::custom(format!("{word:?}: write \"auto\", true or false"))),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            path: PathBuf::new(),
            format: auto(),
            include: Vec::new(),
            exclude: Vec::new(),
            git: Git::default(),
            rescan_secs: rescan_secs(),
            settle_secs: settle_secs(),
        }
    }
}

fn auto() -> String {
    "auto".to_owned()
}

fn rescan_secs() -> u64 {
    300
}

fn settle_secs() -> u64 {
    2
}

/// A running source over a folder.
pub struct Files {
    name: String,
    rescan: Duration,
    watch: Mutex<Option<Watch>>,
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    git: Git,
    globs: Arc<Globs>,
    round: Mutex<Option<Round>>,
    commits: Arc<Mutex<Cache>>,
    unsettled: AtomicBool,
}

impl Files {
    /// # Errors
    /// What in the configuration cannot be meant.
    pub fn new(name: impl Into<String>, config: Config) -> Result<Files, SourceError> {
        let wrong = |what: String| SourceError::Permanent(what);
        let globs = Arc::new(Globs::new(&config.include, &config.exclude).map_err(wrong)?);
        let format = Format::chosen(&config.format).map_err(|error| wrong(error.to_string()))?;
        let root = config.path;
        let place = Place { root, format, globs: Arc::clone(&globs), settle_secs: config.settle_secs };
        let inner = Inner {
            place,
            git: config.git,
            globs,
            round: Mutex::new(None),
            commits: Arc::default(),
            unsettled: AtomicBool::new(false),
        };
        let rescan = Duration::from_secs(config.rescan_secs.max(1));
        Ok(Files { name: name.into(), rescan, watch: Mutex::new(None), inner: Arc::new(inner) })
    }

    /// The bell of the folder, from the first time on that somebody asks. Where nothing watches, only looking again helps.
    fn bell(&self) -> Option<Arc<tokio::sync::Notify>> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_none() {
            match Watch::new(&self.inner.place.root, git::beside(&self.inner.place.root).as_deref()) {
                Ok(new) => *watch = Some(new),
                Err(error) => {
                    tracing::warn!(source = %self.name, "the folder cannot be watched, only looked through: {error}")
                }
            }
        }
        watch.as_ref().map(Watch::bell)
    }

    async fn off_the_runtime<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(SourceError::Transient(format!("reading stopped: {error}"))))
    }
}

#[async_trait]
impl Source for Files {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        // Before the folder is looked through, so that nothing changes unseen between the two.
        self.bell();
        let cursor = cursor.cloned();
        self.off_the_runtime(move |inner| inner.page(cursor.as_ref())).await
    }

    async fn check(&self) -> Result<Whoami, SourceError> {
        self.off_the_runtime(Inner::check).await
    }

    async fn changed(&self, _cursor: Option<&Cursor>) {
        if self.inner.unsettled.load(Ordering::Relaxed) {
            return time::sleep(Duration::from_secs(self.inner.place.settle_secs.max(1))).await;
        }
        match self.bell() {
            Some(bell) => _ = time::timeout(self.rescan, watch::settled(&bell)).await,
            None => time::sleep(self.rescan).await,
        }
    }
}

impl Inner {
    fn page(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        let mut manifest = Manifest::of(cursor);
        let mut kept = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let mut round = match kept.take().filter(|round| Some(&round.after) == cursor) {
            Some(round) => round,
            None => {
                let documents = self.documents()?;
                Round::new(&self.place, documents, &mut manifest)
            }
        };
        let (page, over) = round.page(&self.place, &mut manifest);
        self.unsettled.store(round.unsettled, Ordering::Relaxed);
        *kept = (!over).then_some(round);
        Ok(page)
    }

    /// The documents in git. A folder that is not there is an error: taken for empty, all of it would be gone.
    fn documents(&self) -> Result<Documents, SourceError> {
        let root = &self.place.root;
        if let Err(error) = root.metadata() {
            let what = format!("{}: {error}; mount or create it, or correct the source's path", root.display());
            return Err(SourceError::Permanent(what));
        }
        if self.git == Git::Never || self.place.format.is_some() {
            return Ok(Documents::none());
        }
        let documents = Documents::open(root, Arc::clone(&self.globs), Arc::clone(&self.commits));
        match (documents, self.git) {
            (Ok(documents), Git::Always) if documents.head().is_none() => {
                let what = format!("{} is in no git repository with a commit, and git is true", root.display());
                Err(SourceError::Permanent(what))
            }
            (Ok(documents), _) => Ok(documents),
            (Err(what), _) => Err(SourceError::Permanent(format!("{}: {what}", root.display()))),
        }
    }

    fn check(&self) -> Result<Whoami, SourceError> {
        let documents = self.documents()?;
        let mut facts = Vec::new();
        if let Some(head) = documents.head().filter(|_| !documents.is_empty()) {
            let short = head.get(..12).unwrap_or(&head);
            facts.push(format!("{} documents in git at {short}", documents.len()));
        }
        if documents.is_empty() || self.globs.is_chosen() {
            let scan = scan::scan(&self.place.root, self.place.format, &self.globs);
            facts.push(format!("{} files and archives", scan.found.len()));
            facts.extend(scan.closed.iter().map(|(folder, what)| format!("{folder} cannot be looked into: {what}")));
        }
        Ok(Whoami { account: display(&self.place.root), facts })
    }
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
