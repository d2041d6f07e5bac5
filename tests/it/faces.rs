//! The verbs that look after an installation: doctor, sources, sinks, man, status; and that the README's words are true.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    thread::JoinHandle,
};

use bluf::time::Stopwatch;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::{
    daemon::{Home, wait_until_or},
    support::{bluf, root},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A place to run the program in, with a configuration.
struct Desk {
    home: TempDir,
}

impl Desk {
    /// The database is in a folder of its own.
    fn new(config: &str) -> Desk {
        let desk = Desk { home: tempdir().expect("a folder") };
        let text = format!("[store]\npath = {:?}\n{config}", desk.home.path().join("data/bluf.db"));
        desk.write("bluf.toml", &text, 0o600);
        desk
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        chmod(&path, mode);
        path.display().to_string()
    }

    /// Exit code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let file = self.home.path().join("bluf.toml");
        let mut command = bluf(&self.home);
        let output = command.env("TZ", "Europe/Paris").arg("--config").arg(file).args(args).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn objects(&self, args: &[&str], code: i32) -> Vec<Value> {
        let (exit, out, err) = self.run(args);
        assert_eq!(exit, code, "{args:?}\n{out}\n{err}");
        out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    }

    /// What the doctor says of `what`: the state, and the words.
    #[track_caller]
    fn doctor(&self, what: &str, code: i32) -> (String, String) {
        let found = self.objects(&["doctor", "--no-model", "--json"], code);
        let line =
            found.iter().find(|line| line["what"] == what).unwrap_or_else(|| panic!("{what} is not in {found:?}"));
        let word = |key: &str| line[key].as_str().expect("a word").to_owned();
        (word("state"), word("says"))
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

/// A receiver that takes one request, answers 204 and hands out what came.
fn receiver() -> (String, JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let taken = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).expect("a line") > 2 {
            if let Some((name, value)) =
                line.split_once(':').filter(|pair| pair.0.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().unwrap_or_else(|_| panic!("{name} is no number"));
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").expect("answered");
        serde_json::from_slice(&body).expect("JSON")
    });
    (address, taken)
}

/// An address at which nobody answers.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn a_new_installation_is_found_well() {
    let desk = Desk::new("");
    assert!(desk.doctor("config", 0).1.contains("no fault, mode 600"));
    assert!(desk.doctor("database", 0).1.contains("not there yet"));
    assert!(desk.doctor("clock", 0).1.contains("Europe/Paris"));
    assert!(desk.doctor("disk", 0).1.contains("left beside the database"));
    let (_, out, _) = desk.run(&["doctor", "--no-model"]);
    assert!(out.lines().all(|line| line.starts_with("ok  ")), "{out}");
}

#[test]
fn every_fault_of_the_configuration_is_a_finding() {
    let desk = Desk::new("[model]\nthraeds = 2\n[sink.a]\ntype = \"pigeon\"\n");
    let found = desk.objects(&["doctor", "--json"], 3);
    let failed: Vec<&str> =
        found.iter().filter(|line| line["state"] == "fail").filter_map(|line| line["says"].as_str()).collect();
    assert_eq!(failed.len(), 2, "{found:?}");
    assert!(failed.iter().any(|says| says.contains("did you mean 'threads'?")), "{failed:?}");
    let absent = bluf(&desk.home).args(["--config", "/no/such/bluf.toml", "doctor"]).output().expect("it runs");
    assert_eq!(absent.status.code(), Some(2));
}

#[test]
fn what_others_may_read_is_warned_of_and_never_shown() {
    let desk = Desk::new("[web]\nlisten = []\n");
    let token = desk.write("token", "gh-s3cr3t\n", 0o604);
    let config = format!(
        "[store]\npath = {:?}\n[source.code]\ntype = \"github\"\nrepos = [\"a/b\"]\ntoken_file = {token:?}\n\
         [sink.mail]\ntype = \"smtp\"\nhost = \"localhost\"\ntls = \"none\"\nuser = \"u\"\npassword = \"hunter2\"\n\
         from = \"b@a.example\"\nto = [\"c@a.example\"]\n",
        desk.home.path().join("data/bluf.db")
    );
    let file = desk.home.path().join("bluf.toml");
    desk.write("bluf.toml", &config, 0o644);
    let look = || desk.objects(&["doctor", "--no-model", "--offline", "--json"], 4);
    let of = |found: &[Value], what: &str| {
        let line = found.iter().find(|line| line["what"] == what).expect("a line");
        (line["state"].as_str().expect("a word").to_owned(), line["says"].as_str().expect("words").to_owned())
    };
    let found = look();
    assert!(!format!("{found:?}").contains("s3cr3t") && !format!("{found:?}").contains("hunter2"));
    let (state, says) = of(&found, "config");
    assert!(state == "warn" && says.contains("[sink.mail] password") && says.contains("chmod 600"), "{says}");
    let (state, says) = of(&found, "secret [source.code] token_file");
    assert!(state == "warn" && says.contains("mode 604") && says.contains("chmod 600"), "{says}");
    assert_eq!(of(&found, "sink mail").0, "warn", "no route names it");

    chmod(&file, 0o600);
    chmod(Path::new(&token), 0o600);
    assert_eq!(of(&look(), "config").0, "ok");
    assert_eq!(of(&look(), "secret [source.code] token_file").0, "ok");
    chmod(&file, 0o620);
    assert!(of(&look(), "config").1.contains("others may change it"));
    chmod(&file, 0o600);
    fs::remove_file(&token).expect("removed");
    let found = desk.objects(&["doctor", "--no-model", "--offline", "--json"], 3);
    assert_eq!(of(&found, "secret [source.code] token_file").0, "fail");
}

#[test]
fn a_database_is_looked_into() {
    let desk = Desk::new("");
    let threads = desk.write(
        "t.jsonl",
        r#"{"id":"a","messages":[{"author":"Ana","ts":"2026-11-02T09:00:00Z","text":"Hello."}]}"#,
        0o600,
    );
    assert_eq!(desk.run(&["import", &threads]).0, 0);
    let database = desk.home.path().join("data/bluf.db");
    let (state, says) = desk.doctor("database", 0);
    let steps = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema");
    let schema = format!("whole, schema {}", fs::read_dir(steps).expect("the schema's steps").count());
    assert!(state == "ok" && says.contains(&schema) && says.contains("no daemon runs"), "{says}");
    chmod(&database, 0o644);
    chmod(database.parent().expect("a folder"), 0o755);
    let (state, says) = desk.doctor("database folder", 4);
    assert!(state == "warn" && says.contains("chmod 700"), "{says}");
    fs::write(&database, "this was a database once, and then somebody edited it with a text editor").expect("written");
    let (state, says) = desk.doctor("database", 3);
    assert!(state == "fail" && says.contains("bluf restore"), "{says}");
}

#[test]
fn walls_are_looked_at_where_systemd_started_it() {
    let desk = Desk::new("");
    let program = assert_cmd::cargo::cargo_bin("bluf");
    let script = format!(
        "SYSTEMD_EXEC_PID=$$ exec '{}' --config '{}' doctor --no-model",
        program.display(),
        desk.home.path().join("bluf.toml").display()
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).env("TZ", "UTC").output().expect("it runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.lines().any(|line| line.contains("sandbox: ")), "{out}");
    assert!(!desk.run(&["doctor", "--no-model"]).1.contains("sandbox"));
}

/// Two that never answer take no longer than one.
#[test]
fn hosts_are_asked_at_once_and_none_for_long() {
    let silent: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let section = |n: usize| {
        let address = silent[n].local_addr().expect("an address");
        format!("[sink.s{n}]\ntype = \"webhook\"\nurl = \"http://{address}/in\"\nsecret = \"{SECRET}\"\n")
    };
    let folder = tempdir().expect("a folder");
    let desk = Desk::new(&format!(
        "[source.docs]\ntype = \"files\"\npath = {:?}\ngit = false\n[source.notes]\ntype = \"push\"\n\
         {}{}[alert]\nroutes = [{{ to = [\"s0\", \"s1\"] }}]\n",
        folder.path(),
        section(0),
        section(1)
    ));
    let watch = Stopwatch::start();
    let (code, out, _) = desk.run(&["doctor", "--no-model"]);
    assert!(watch.elapsed().as_secs() < 29, "{:?}", watch.elapsed());
    assert_eq!(code, 3, "{out}");
    let failed = out.lines().filter(|line| line.starts_with("FAIL  sink s")).count();
    assert_eq!(failed, 2, "{out}");
    assert!(out.contains("ok    source docs (files):") && out.contains("ok    source notes (push):"), "{out}");
    assert!(!out.contains(SECRET), "{out}");
}

#[test]
fn sources_say_whom_they_talk_to_and_are_asked() {
    let folder = tempdir().expect("a folder");
    let nobody = nobody();
    let port = nobody.rsplit(':').next().expect("a port");
    let desk = Desk::new(&format!(
        "[source.docs]\ntype = \"files\"\npath = {:?}\ngit = false\n\
         [source.mail]\ntype = \"imap\"\nhost = \"localhost\"\nport = {port}\ntls = \"none\"\nuser = \"a\"\npassword = \"hunter2\"\n",
        folder.path()
    ));
    let listed = desk.objects(&["sources", "list", "--json"], 0);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["type"], &listed[0]["pulled_at"]),
        (&"docs".into(), &"files".into(), &Value::Null)
    );
    assert!(listed[1]["hosts"][0].as_str().is_some_and(|host| host.contains("localhost")), "{listed:?}");
    assert!(desk.run(&["sources", "list"]).1.contains("docs (files): talks to nobody; never pulled"));

    let found = desk.objects(&["sources", "check", "--json"], 3);
    assert_eq!((&found[0]["state"], &found[1]["state"]), (&"ok".into(), &"fail".into()));
    assert!(!format!("{found:?}").contains("hunter2"));
    assert_eq!(desk.objects(&["sources", "check", "docs", "--json"], 0).len(), 1);
    let (code, _, err) = desk.run(&["sources", "check", "dcos"]);
    assert!(code == 2 && err.contains("configured are: docs, mail"), "{err}");
    let (code, _, err) = Desk::new("").run(&["sources", "list"]);
    assert!(code == 0 && err.contains("bluf config init"), "{err}");
}

#[test]
fn one_marked_test_goes_through_the_real_sink() {
    let (address, taken) = receiver();
    let desk = Desk::new(&format!(
        "[sink.lines]\ntype = \"stdout\"\n[sink.flow]\ntype = \"webhook\"\nurl = \"http://{address}/in\"\nsecret = \"{SECRET}\"\n\
         [sink.gone]\ntype = \"webhook\"\nurl = \"http://{}/s3cr3t\"\nsecret = \"{SECRET}\"\n",
        nobody()
    ));
    let line = &desk.objects(&["--quiet", "sinks", "test", "lines"], 0)[0];
    assert_eq!((&line["type"], &line["data"]["obligations"]), (&"test".into(), &Value::Array(Vec::new())));
    assert!(line["data"]["subject"].as_str().is_some_and(|says| says.contains("nothing is owed")), "{line}");

    let (code, _, err) = desk.run(&["sinks", "test", "flow"]);
    assert!(code == 0 && err.contains("flow took the notice"), "{err}");
    assert_eq!(taken.join().expect("taken")["type"], "test");

    let (code, out, err) = desk.run(&["sinks", "test", "gone"]);
    assert!(code == 1 && err.contains("[sink.gone] was not told") && !(out + &err).contains("s3cr3t"), "{err}");
    let (code, _, err) = desk.run(&["sinks", "test", "nobody"]);
    assert!(code == 2 && err.contains("configured are: lines, flow, gone"), "{err}");
    let checked = desk.objects(&["sinks", "check", "lines", "--json"], 4);
    assert_eq!((&checked[0]["state"], &checked[1]["state"]), (&"ok".into(), &"warn".into()), "no route names it");
    let listed = desk.objects(&["sinks", "list", "--json"], 0);
    assert_eq!((&listed[1]["hosts"][0], &listed[1]["routed"]), (&format!("http://{address}").into(), &false.into()));
}

#[test]
fn a_sink_that_cannot_be_told_is_seen_from_outside() {
    let home = Home::new();
    home.configure(&format!(
        "[sink.hook]\ntype = \"webhook\"\nurl = \"http://{}/in\"\nsecret = \"{SECRET}\"\n\
         [policy.fast]\nfirst_response = \"1s\"\n[alert]\nroutes = [{{ to = [\"hook\"] }}]\n",
        nobody()
    ));
    let asked = jiff::Timestamp::now();
    let thread = format!(
        r#"{{"source":"o","kind":"chat","id":"1","title":"Crate","messages":[{{"author":"Ana","ts":"{asked}","text":"Tom, could you weigh crate 1?"}}]}}"#
    );
    fs::write(home.path("threads/all.jsonl"), thread).expect("written");
    let mut daemon = home.serve();
    let failing = "SELECT count(*) FROM envelope WHERE next_try_ms IS NOT NULL AND last_error IS NOT NULL";
    wait_until_or("a notice that fails", || home.count(failing) > 0, || home.unsent());
    let ready = get(&home.path("bluf.sock"), "/readyz");
    assert!(ready.contains(r#""state":"degraded""#) && ready.contains(r#""sinks_down":1"#), "{ready}");
    let figures = get(&home.path("bluf.sock"), "/metrics");
    assert!(figures.contains("bluf_sink_failing{sink=\"hook\"} 1"), "{figures}");
    let elsewhere = tempdir().expect("a folder");
    let mut command = bluf(&elsewhere);
    let output =
        command.arg("--config").arg(home.path("bluf.toml")).args(["status", "--json"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(4));
    let status: Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!((&status["sinks"][0]["name"], &status["sinks"][0]["failing"]), (&"hook".into(), &1.into()));
    assert!(status["notices_waiting"].as_u64().is_some_and(|waiting| waiting > 0), "{status}");
    let mut command = bluf(&elsewhere);
    let output =
        command.arg("--config").arg(home.path("bluf.toml")).args(["sources", "list"]).output().expect("it runs");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listed.contains("team (files): talks to nobody; pulled 20") && listed.contains("1 threads"), "{listed}");
    assert!(daemon.stop().0);
}

fn get(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it serves");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn every_verb_has_a_page_of_the_manual() {
    let desk = Desk::new("[nonsense]\n");
    let (code, page, _) = desk.run(&["man"]);
    assert!(code == 0 && page.contains(".TH bluf 1") && page.contains("stalled"), "{page}");
    let folder = desk.home.path().join("pages");
    assert_eq!(desk.run(&["man", "--out", folder.to_str().expect("UTF-8")]).0, 0);
    for name in ["bluf.1", "bluf-stalled.1", "bluf-doctor.1", "bluf-sinks-test.1", "bluf-sla-explain.1", "bluf-man.1"] {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}: {text}");
    }
}

#[test]
fn the_demo_says_what_waits_in_the_words_of_stalled() {
    let home = tempdir().expect("a folder");
    let run = |args: &[&str]| {
        let output = bluf(&home).env("TZ", "UTC").args(args).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (code, shown) = run(&["demo", "--once", "--no-model"]);
    assert_eq!(code, Some(0), "{shown}");
    let waits = shown.rsplit("need somebody").next().expect("the last part");
    assert!(!waits.contains("#social"), "a wish is no proposal: {waits}");
    let sample = home.path().join("bluf/demo");
    // An overdue answer, an overdue promise, and a review.
    for (part, who) in [
        ("slack", "waits for an answer from Amara Okafor"),
        ("mail/partners.mbox", "Kwame"),
        ("review/pull-321.json", "review"),
    ] {
        let path = sample.join(part);
        let path = path.to_str().expect("UTF-8");
        let (_, stalled) = run(&["stalled", path, "--no-model", "--as-of", "2026-11-16T09:12:00Z"]);
        let said: Vec<&str> = stalled.lines().filter(|line| line.starts_with("  • ")).collect();
        assert!(said.iter().any(|line| line.contains(who)), "{who}: {stalled}");
        assert!(said.iter().all(|line| waits.contains(line)), "{said:?} in {waits}");
    }
}

/// Every configuration that the README prints is one that the program takes.
#[test]
fn the_readmes_configurations_have_no_fault() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let blocks: Vec<&str> =
        readme.split("```").skip(1).step_by(2).filter(|block| block.trim_start().starts_with('[')).collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    for block in &blocks {
        let desk = Desk::new("");
        let file = desk.write("readme.toml", block, 0o600);
        let (code, _, err) = desk.run(&["config", "check", &file]);
        assert_eq!(code, 0, "{block}\n{err}");
    }
    let alerts = blocks.iter().find(|block| block.contains("[alert]")).expect("an example of alerts");
    let desk = Desk::new(alerts);
    let (code, out, err) = desk.run(&["sinks", "list"]);
    assert!(code == 0 && !out.contains("no route names it"), "{out}{err}");
}
