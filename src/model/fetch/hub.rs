//! Files of a model repository on a hub, through its own client.
//!
//! The client blocks without a limit, cannot be stopped and trusts what the hub calls a file. So it runs on a thread
//! of its own that is watched here, and the names the hub gives are looked at first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

use super::super::checksum::Checksum;
use super::super::manifest::ModelFile;
use super::super::shelf::HUB_WORK;
use super::place::{Delivery, is_disk_full, remove_if_there};
use super::{Errand, FetchError, folder};

/// How often a silent download is looked at.
const POLL: Duration = Duration::from_millis(100);
/// Attempts in a row that bring no byte before a file is given up.
const FRUITLESS_ATTEMPTS: u32 = 3;

/// How a hub is reached. Nothing of it is read from the environment here.
#[derive(Clone)]
pub struct HubAccess {
    /// Its address, when it is not the client's own default.
    pub endpoint: Option<String>,
    /// Sent to the endpoint as a bearer token.
    pub token: Option<String>,
    /// A cache of the hub's client that other programs share; files found there are copied, and files that are
    /// fetched stay there. Without one, nothing is kept but the model itself.
    pub cache: Option<PathBuf>,
    /// A download that brings nothing for so long is given up.
    pub stall: Duration,
    /// Between two attempts; doubled each time.
    pub retry_wait: Duration,
}

impl Default for HubAccess {
    fn default() -> HubAccess {
        let (stall, retry_wait) = (Duration::from_secs(30), Duration::from_secs(1));
        HubAccess { endpoint: None, token: None, cache: None, stall, retry_wait }
    }
}

/// One repository.
pub(super) struct Hub<'e> {
    errand: &'e Errand<'e>,
    source: &'e str,
    access: &'e HubAccess,
    repo: Repo,
    cache: Cache,
}

impl<'e> Hub<'e> {
    pub(super) fn new(
        errand: &'e Errand<'e>,
        source: &'e str,
        access: &'e HubAccess,
        repo: &str,
        revision: &str,
    ) -> Hub<'e> {
        let cache = access.cache.clone().unwrap_or_else(|| errand.folder.join(HUB_WORK));
        let repo = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
        Hub { errand, source, access, repo, cache: Cache::new(cache) }
    }

    /// Fetches what the repository has of `wanted`; `files` says what it is called there.
    ///
    /// # Errors
    /// `TryAnother` when the hub cannot be reached or refuses, `WrongBytes` when it has another file of that name.
    pub(super) fn fetch(&self, files: &BTreeMap<String, String>, wanted: &[&ModelFile]) -> Result<(), FetchError> {
        let api = ApiBuilder::from_cache(self.cache.clone()).with_progress(false).with_token(self.access.token.clone());
        let api = match &self.access.endpoint {
            Some(endpoint) => api.with_endpoint(endpoint.trim_end_matches('/').to_owned()),
            None => api,
        };
        let api = api.build().map_err(|e| self.another(e.to_string()))?;
        for file in wanted {
            let Some(remote) = files.get(&file.path) else { continue };
            if !self.take_from_cache(remote, file)? {
                self.fetch_file(&api, remote, file)?;
            }
        }
        Ok(())
    }

    /// Whether a cache that is shared with others had the right file.
    fn take_from_cache(&self, remote: &str, file: &ModelFile) -> Result<bool, FetchError> {
        let cached = self.access.cache.as_ref().and_then(|_| self.cache.repo(self.repo.clone()).get(remote));
        let Some(path) = cached else { return Ok(false) };
        match folder::bring(self.errand, self.source, &path, file) {
            Ok(()) => Ok(true),
            Err(e) if e.is_final() => Err(e),
            Err(e) => {
                self.errand.progress.note(&format!("the hub's cache is of no use: {e}"));
                Ok(false)
            }
        }
    }

    /// Downloads one file, taking up a connection that breaks for as long as each attempt brings something.
    fn fetch_file(&self, api: &Api, remote: &str, file: &ModelFile) -> Result<(), FetchError> {
        let mut fruitless = 0;
        let mut started_over = false;
        loop {
            let (trouble, gained) = match self.attempt(api, remote, file)? {
                Attempt::Whole { path, resumed } => match self.place(&path, file) {
                    // What was resumed may have been another file's beginning; from the start it cannot be.
                    Err(FetchError::WrongBytes { .. }) if resumed && !started_over => {
                        self.errand.progress.note("what an earlier run left behind does not fit; starting over");
                        started_over = true;
                        continue;
                    }
                    placed => return placed,
                },
                Attempt::Broken { why, gained } => (why, gained),
            };
            fruitless = if gained { 1 } else { fruitless + 1 };
            if fruitless >= FRUITLESS_ATTEMPTS {
                return Err(self.another(trouble));
            }
            self.errand.progress.note(&format!("{trouble}; trying again"));
            self.pause(self.access.retry_wait * 2u32.pow(fruitless - 1))?;
        }
    }

    fn attempt(&self, api: &Api, remote: &str, file: &ModelFile) -> Result<Attempt, FetchError> {
        let (to, events) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let reporter = Reporter { to: to.clone(), stop: Arc::clone(&stop) };
        let (api, repo, cache) = (api.clone(), self.repo.clone(), self.cache.clone());
        let (remote, file_wanted) = (remote.to_owned(), file.clone());
        let run = move || {
            let ended = download(&api, repo, &cache, &remote, &file_wanted, reporter);
            // Nobody listens after a stall or a stop.
            drop(to.send(Event::Ended(ended)));
        };
        thread::Builder::new()
            .name("hub".to_owned())
            .spawn(run)
            .map_err(|e| self.another(format!("no thread to download with: {e}")))?;
        let mut watch = Watch { errand: self.errand, file, begun: false, resumed: None, gained: false };
        let ended = watch.until_end(&events, self.access.stall);
        if watch.begun {
            self.errand.progress.done();
        }
        stop.store(true, Ordering::Relaxed);
        let (resumed, gained) = (watch.resumed.is_some_and(|bytes| bytes > 0), watch.gained);
        match ended {
            Ok(Ok(path)) => Ok(Attempt::Whole { path, resumed }),
            Ok(Err(Trouble::Again(why))) => Ok(Attempt::Broken { why, gained }),
            // Never a byte from this hub: it is out of reach, and waiting will not change that.
            Ok(Err(Trouble::Unreachable(why))) if resumed || gained => Ok(Attempt::Broken { why, gained }),
            Ok(Err(Trouble::Unreachable(why) | Trouble::Refused(why))) => Err(self.another(why)),
            Ok(Err(Trouble::Other { expected, actual })) => Err(self.other_file(file, expected, actual)),
            Ok(Err(Trouble::Disk(why))) => Err(Delivery::new(self.errand, file).write_failed(why)),
            Err(Ending::Stopped) => Err(self.errand.stopped()),
            Err(Ending::Stalled) => {
                Err(self.another(format!("nothing came for {} seconds", self.access.stall.as_secs())))
            }
            Err(Ending::Crashed) => Err(self.another("its answers cannot be read".to_owned())),
        }
    }

    fn place(&self, path: &Path, file: &ModelFile) -> Result<(), FetchError> {
        if self.access.cache.is_some() {
            return folder::bring(self.errand, self.source, path, file);
        }
        // What the client returns is a link to the file proper.
        let whole = fs::canonicalize(path).map_err(|e| self.another(format!("{}: {e}", path.display())))?;
        let delivery = Delivery::new(self.errand, file);
        delivery.adopt(&whole)?;
        delivery.settle(self.source)
    }

    fn pause(&self, wait: Duration) -> Result<(), FetchError> {
        let mut left = wait;
        while !left.is_zero() {
            self.errand.cancelled()?;
            let step = left.min(POLL);
            thread::sleep(step);
            left -= step;
        }
        Ok(())
    }

    fn other_file(&self, file: &ModelFile, expected: String, actual: String) -> FetchError {
        FetchError::WrongBytes { source_name: self.source.to_owned(), file: file.path.clone(), expected, actual }
    }

    fn another(&self, why: String) -> FetchError {
        FetchError::TryAnother { source_name: self.source.to_owned(), why }
    }
}

enum Attempt {
    Whole { path: PathBuf, resumed: bool },
    Broken { why: String, gained: bool },
}

/// Why a download did not end well, by what can be done about it.
enum Trouble {
    Again(String),
    Unreachable(String),
    Refused(String),
    Other { expected: String, actual: String },
    Disk(io::Error),
}

/// How the watch ended without the download's own word.
enum Ending {
    Stopped,
    Stalled,
    Crashed,
}

enum Event {
    Size(u64),
    Bytes(u64),
    Ended(Result<PathBuf, Trouble>),
}

/// The client's end of the channel.
struct Reporter {
    to: Sender<Event>,
    stop: Arc<AtomicBool>,
}

impl hf_hub::api::Progress for Reporter {
    fn init(&mut self, size: usize, _filename: &str) {
        drop(self.to.send(Event::Size(size as u64)));
    }

    fn update(&mut self, size: usize) {
        if self.stop.load(Ordering::Relaxed) {
            // The only way out of the client's copy loop. It ends this thread alone, without a message.
            panic::resume_unwind(Box::new("stopped"));
        }
        drop(self.to.send(Event::Bytes(size as u64)));
    }

    fn finish(&mut self) {}
}

/// This side's end.
struct Watch<'e> {
    errand: &'e Errand<'e>,
    file: &'e ModelFile,
    begun: bool,
    /// Bytes that were there before: the client tells them first.
    resumed: Option<u64>,
    gained: bool,
}

impl Watch<'_> {
    fn until_end(&mut self, events: &Receiver<Event>, stall: Duration) -> Result<Result<PathBuf, Trouble>, Ending> {
        let mut silent = Duration::ZERO;
        loop {
            match events.recv_timeout(POLL) {
                Ok(Event::Ended(ended)) => return Ok(ended),
                Ok(Event::Size(bytes)) if !self.begun => {
                    self.errand.progress.begin(&format!("downloading {}", self.file.path), Some(bytes));
                    self.begun = true;
                }
                Ok(Event::Size(_)) => {}
                Ok(Event::Bytes(bytes)) => {
                    silent = Duration::ZERO;
                    self.errand.progress.advance(bytes);
                    self.gained |= self.resumed.is_some() && bytes > 0;
                    self.resumed.get_or_insert(bytes);
                }
                Err(RecvTimeoutError::Timeout) => silent += POLL,
                Err(RecvTimeoutError::Disconnected) => return Err(Ending::Crashed),
            }
            if self.errand.progress.cancelled() {
                return Err(Ending::Stopped);
            }
            if silent >= stall {
                return Err(Ending::Stalled);
            }
        }
    }
}

/// Runs on the download's own thread.
fn download(
    api: &Api,
    repo: Repo,
    cache: &Cache,
    remote: &str,
    file: &ModelFile,
    reporter: Reporter,
) -> Result<PathBuf, Trouble> {
    let there = api.repo(repo.clone());
    let facts = api.metadata(&there.url(remote)).map_err(|e| trouble(e, remote))?;
    // Both become parts of paths.
    if ![facts.etag(), facts.commit_hash()].iter().all(|word| is_plain(word)) {
        return Err(Trouble::Refused(format!("it gives {remote} a name that cannot be a file's")));
    }
    if facts.size() as u64 != file.bytes {
        let (expected, actual) = (format!("{} bytes", file.bytes), format!("{} bytes", facts.size()));
        return Err(Trouble::Other { expected, actual });
    }
    // For large files the hub's tag is their sha256, which spares a download that would be in vain.
    if let Ok(sum) = facts.etag().parse::<Checksum>()
        && sum != file.sha256
    {
        let (expected, actual) = (format!("sha256 {}", file.sha256), format!("sha256 {sum}"));
        return Err(Trouble::Other { expected, actual });
    }
    let part = cache.repo(repo).blob_path(facts.etag()).with_extension("part");
    mend_part(&part, file.bytes).map_err(Trouble::Disk)?;
    there.download_with_progress(remote, reporter).map_err(|e| trouble(e, remote))
}

/// The client asks for what follows the part, and a hub has nothing to say to that when the part is whole or longer.
fn mend_part(part: &Path, whole_bytes: u64) -> io::Result<()> {
    let bytes = fs::metadata(part).map_or(0, |m| m.len());
    if bytes > whole_bytes || whole_bytes == 0 {
        return remove_if_there(part);
    }
    if bytes == whole_bytes {
        return File::options().write(true).open(part)?.set_len(whole_bytes - 1);
    }
    Ok(())
}

fn trouble(error: ApiError, remote: &str) -> Trouble {
    let said = error.to_string();
    match error {
        ApiError::RequestError(e) => match *e {
            ureq::Error::StatusCode(code @ (401 | 403)) => Trouble::Refused(format!(
                "it wants a token that may read this repository (HTTP {code}): the repository is gated or private, or does not exist"
            )),
            ureq::Error::StatusCode(404) => Trouble::Refused(format!("it has no {remote} (HTTP 404)")),
            ureq::Error::StatusCode(code @ (408 | 429 | 500..)) => Trouble::Again(format!("it answers HTTP {code}")),
            ureq::Error::StatusCode(code) => Trouble::Refused(format!("it answers HTTP {code}")),
            ureq::Error::Protocol(_) | ureq::Error::Timeout(_) => Trouble::Again(said),
            _ => Trouble::Unreachable(format!("it cannot be reached: {said}")),
        },
        ApiError::IoError(e) if is_disk_full(&e) => Trouble::Disk(e),
        ApiError::IoError(e) => Trouble::Again(format!("the connection broke: {e}")),
        ApiError::LockAcquisition(path) => Trouble::Again(format!("another program holds {}", path.display())),
        _ => Trouble::Refused(format!("its answer cannot be used: {said}")),
    }
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests;
