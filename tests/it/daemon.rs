//! `bluf serve` as a process: started, killed, started again, stopped.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Kills of one run of the test. Each comes at another moment of pulling and reading.
const KILLS: usize = 200;
/// All kills together let through about twice the work, so that most fall while there is some.
const WORK_PER_LIFE: u32 = 100;
const THREADS: usize = 1200;

/// A daemon's home: its configuration, its database, and the folder that it watches.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(home.path("threads")).expect("made");
        home.configure("");
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn configure(&self, more: &str) {
        let text = format!(
            "[store]\npath = {:?}\n[web]\nlisten = []\nsocket = {:?}\n[summarize]\nquiet_secs = 0\n\
             [source.team]\ntype = \"files\"\npath = {:?}\nsettle_secs = 0\ngit = false\npoll_secs = 1\n{more}",
            self.path("bluf.db"),
            self.path("bluf.sock"),
            self.path("threads"),
        );
        fs::write(self.path("bluf.toml"), text).expect("written");
    }

    /// Two files of threads, so that a kill can fall between them.
    fn fill(&self) {
        for half in 0..2 {
            let lines: Vec<String> = (half * THREADS / 2..(half + 1) * THREADS / 2).map(thread).collect();
            fs::write(self.path(&format!("threads/{half}.jsonl")), lines.join("\n")).expect("written");
        }
    }

    pub fn serve(&self) -> Daemon {
        let mut command = self.command(&["serve", "--no-model", "--quiet"]);
        Daemon(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// What a verb says beside the daemon.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("it runs")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bluf"));
        // Whatever is set for the tests is none of its settings.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BLUF_")) {
            command.env_remove(name);
        }
        command.args(args).arg("--config").arg(self.path("bluf.toml"));
        command
    }

    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("bluf.db")).expect("it opens")
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.database().query_row(sql, (), |row| row.get(0)).unwrap_or(0)
    }

    /// Envelopes that wait, for a test that waits for them.
    pub fn unsent(&self) -> String {
        let sql = "SELECT coalesce(json_group_array(json_array(topic, attempts, next_try_ms - unixepoch() * 1000, last_error)), '') \
                   FROM envelope WHERE next_try_ms IS NOT NULL";
        self.database().query_row(sql, (), |row| row.get(0)).unwrap_or_else(|error| error.to_string())
    }

    fn is_done(&self) -> bool {
        self.count("SELECT count(*) FROM thread WHERE version = read_version") == THREADS as i64
    }

    /// Every thread with its messages and its newest summary, without the times at which that was made.
    fn everything(&self) -> BTreeMap<String, (Vec<String>, Value)> {
        let database = self.database();
        let mut messages =
            database.prepare("SELECT text FROM message WHERE thread_id = ?1 ORDER BY ordinal").expect("a statement");
        let mut threads = database
            .prepare("SELECT id, external_id, (SELECT json FROM summary WHERE thread_id = thread.id ORDER BY id DESC LIMIT 1) FROM thread")
            .expect("a statement");
        let rows = threads
            .query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
            .expect("rows");
        let read = |row: rusqlite::Result<(i64, String, String)>| {
            let (id, external, summary) = row.expect("a row");
            let texts = messages.query_map([id], |row| row.get(0)).expect("rows");
            let texts: Vec<String> = texts.collect::<rusqlite::Result<_>>().expect("texts");
            let mut summary: Value = serde_json::from_str(&summary).expect("JSON");
            summary.as_object_mut().expect("an object").remove("provenance");
            (external, (texts, summary))
        };
        rows.map(read).collect()
    }
}

/// A running daemon, killed when it is dropped.
pub struct Daemon(Child);

impl Daemon {
    pub fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }

    /// Asks it to stop, as a supervisor does; whether it ended well, and how long that took.
    pub fn stop(&mut self) -> (bool, Duration) {
        let from = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("there is kill");
        assert!(asked.success());
        let ended = self.0.wait().expect("gone");
        let mut said = String::new();
        if let Some(stderr) = self.0.stderr.as_mut().filter(|_| !ended.success()) {
            stderr.read_to_string(&mut said).expect("text");
            eprintln!("it ended with {ended} after {:?} and said: {said}", from.elapsed());
        }
        (ended.success(), from.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn thread(n: usize) -> String {
    let place = ["the tram depot", "the print shop", "the ferry office"][n % 3];
    let said = |id: usize, author: &str, text: String| json!({ "id": id.to_string(), "author": author, "ts": format!("2026-11-{:02}T09:{:02}:00Z", n % 28 + 1, id), "text": text });
    let messages = [
        said(0, "Mira", format!("Where shall order {n} for {place} be delivered?")),
        said(1, "Tom", format!("We decided to deliver order {n} to the back door. It is open until six.")),
        said(2, "Ana", format!("Tom, could you tell {place} about order {n} by Friday?")),
    ];
    json!({ "source": "orders", "kind": "chat", "id": format!("order-{n}"), "title": format!("Order {n}"), "messages": messages })
        .to_string()
}

/// Waits until `done`, no longer than a minute.
#[track_caller]
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    wait_until_or(what, done, String::new);
}

/// The same; `state` says what there is instead.
#[track_caller]
pub fn wait_until_or(what: &str, done: impl Fn() -> bool, state: impl Fn() -> String) {
    let until = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < until, "waited a minute for {what}; {}", state());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Fractions from 0 to 1 that differ from life to life of the daemon and not from run to run of the test.
pub fn fractions() -> impl Iterator<Item = f64> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 1_000_000) as f64 / 1e6
    })
}

pub fn is_whole(path: &Path) -> bool {
    let Ok(database) = rusqlite::Connection::open(path) else { return false };
    database.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0)).is_ok_and(|says| says == "ok")
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    let calm = Home::new();
    calm.fill();
    let mut daemon = calm.serve();
    let from = Instant::now();
    wait_until("the calm run", || calm.count("SELECT count(*) FROM summary") > 0);
    let started = from.elapsed();
    wait_until("the calm run", || calm.is_done());
    let work = from.elapsed() - started;
    assert!(daemon.stop().0);
    let expected = calm.everything();
    assert_eq!(expected.len(), THREADS);

    let stormy = Home::new();
    stormy.fill();
    let mut between = 0;
    for fraction in fractions().take(KILLS) {
        let daemon = stormy.serve();
        // From before it has opened anything until well into its work, on a machine of any speed.
        let life = (started + work / WORK_PER_LIFE).mul_f64(0.2 + fraction);
        std::thread::sleep(life);
        daemon.kill();
        assert!(!stormy.path("bluf.db").exists() || is_whole(&stormy.path("bluf.db")), "after {life:?}");
        let read = stormy.count("SELECT count(*) FROM summary");
        between += u64::from(0 < read && read < THREADS as i64);
    }
    assert!(between > 5, "only {between} kills fell while threads were read: the test has lost its point");
    let daemon = stormy.serve();
    wait_until("the last run", || stormy.is_done());
    daemon.kill();
    let sum = |what: &str| stormy.count(&format!("SELECT count(*) FROM {what}"));
    assert_eq!(sum("message"), 3 * THREADS as i64);
    assert_eq!(stormy.everything(), expected);
}

#[test]
fn it_stops_in_order_and_only_one_runs() {
    let home = Home::new();
    home.fill();
    let mut daemon = home.serve();
    wait_until("the first summaries", || home.count("SELECT count(*) FROM summary") > 0);
    let mut second = home.serve();
    let ended = second.0.wait().expect("it ends");
    let mut says = String::new();
    second.0.stderr.take().expect("piped").read_to_string(&mut says).expect("text");
    assert!(!ended.success() && says.contains("another bluf"), "{says}");
    let (well, took) = daemon.stop();
    assert!(well && took < Duration::from_secs(10), "{took:?}");
    assert!(is_whole(&home.path("bluf.db")));
}

#[test]
fn what_changes_is_read_again_and_what_is_deleted_is_nowhere() {
    let home = Home::new();
    let write = |text: &str| {
        let line = json!({ "id": "a", "messages": [
            { "id": "0", "author": "Mira", "text": "We decided to move the office to the harbour." },
            { "id": "1", "author": "Tom", "text": text } ] });
        fs::write(home.path("threads/a.jsonl"), line.to_string()).expect("written");
    };
    write("The vault code is marmalade-seventeen, please keep it.");
    let _daemon = home.serve();
    let summary = || {
        let sql = "SELECT json FROM summary ORDER BY id DESC LIMIT 1";
        home.database().query_row(sql, (), |row| row.get::<_, String>(0)).unwrap_or_default()
    };
    wait_until("a summary", || summary().contains("harbour"));
    let everywhere = || {
        let files = fs::read_dir(home.folder.path()).expect("a folder").map(|f| f.expect("a file").path());
        let bytes: Vec<u8> = files.filter(|f| f.is_file()).flat_map(|f| fs::read(f).unwrap_or_default()).collect();
        bytes.windows(9).any(|w| w.eq_ignore_ascii_case(b"marmalade"))
    };
    assert!(everywhere());
    fs::write(
        home.path("threads/a.jsonl"),
        json!({ "id": "a", "messages": [
        { "id": "0", "author": "Mira", "text": "We decided to move the office to the harbour." } ] })
        .to_string(),
    )
    .expect("written");
    wait_until("the words to be gone", || !everywhere());
    wait_until("a new summary", || summary().contains("\"messages\":1"));
    assert!(!everywhere());
}

#[test]
fn a_database_that_cannot_be_written_is_said_and_recovers_by_itself() {
    // A table that refuses stands for a disk that does: the database fails in the middle of a page.
    let home = Home::new();
    drop(bluf::store::Store::open(&home.path("bluf.db")).expect("made"));
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON thread BEGIN SELECT raise(ABORT, 'no room'); END";
    home.database().execute(refuse, ()).expect("set");
    home.fill();
    let _daemon = home.serve();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(home.count("SELECT count(*) FROM thread"), 0);
    home.database().execute("DROP TRIGGER refuse", ()).expect("dropped");
    wait_until("everything to be read after all", || home.is_done());
}
