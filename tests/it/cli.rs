//! The program as scripts meet it: verbs, exit codes, and what goes to which stream.

use std::fs;

use tempfile::tempdir;

use crate::support::bluf;

const THREAD: &str = r#"{"source":"test","kind":"chat","id":"a","title":"Printer","messages":[
{"author":"Ana","ts":"2026-11-02T09:00:00Z","text":"The printer on the second floor eats paper again."},
{"author":"Ben","ts":"2026-11-04T09:00:00Z","text":"I'll call the service people by Friday."}]}"#;

fn line(thread: &str) -> String {
    thread.replace('\n', "") + "\n"
}

/// Runs `bluf ARGS` over `input`; the exit code, standard output and standard error.
fn run(args: &[&str], input: &str) -> (i32, String, String) {
    let home = tempdir().expect("a folder");
    let output = bluf(&home).args(args).write_stdin(input).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn check(args: &[&str], input: &str, code: i32, on_stdout: &str, on_stderr: &str) {
    let (exit, out, err) = run(args, input);
    assert_eq!(exit, code, "{args:?}\n{out}\n{err}");
    assert!(out.contains(on_stdout), "{args:?}: {out}");
    assert!(err.contains(on_stderr), "{args:?}: {err}");
}

const QUOTE: [&str; 5] = ["summarize", "-", "--no-model", "--format", "jsonl"];

fn quoting<'a>(more: &[&'a str]) -> Vec<&'a str> {
    QUOTE.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn a_thread_on_standard_input_is_summarised() {
    check(&quoting(&[]), &line(THREAD), 0, "Printer", "");
    let (_, out, err) = run(&quoting(&["--json"]), &line(THREAD));
    let summary: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(summary["schema"], "bluf.summary/1");
    assert_eq!((&summary["coverage"]["messages"], &summary["coverage"]["read"]), (&2.into(), &2.into()));
    assert!(err.is_empty(), "{err}");
}

#[test]
fn an_adapter_needs_a_model_beside_which_it_lies() {
    check(&quoting(&["--adapter", "none"]), &line(THREAD), 2, "", "--adapter");
}

#[test]
fn a_broken_line_is_named_skipped_and_fatal_to_nothing() {
    let input = format!("{}not json\n", line(THREAD));
    check(&quoting(&[]), &input, 4, "Printer", "line 2");
    let (_, _, err) = run(&quoting(&["--quiet"]), &input);
    assert!(err.is_empty(), "{err}");
}

#[test]
fn bad_input_exits_with_2_and_says_what_to_do() {
    check(&quoting(&[]), "", 2, "", "bluf: ");
    check(&quoting(&["--thread", "b"]), &line(THREAD), 2, "", "there are a");
    check(&["summarize", "no/such/file", "--no-model"], "", 2, "", "no/such/file");
    check(&["summarize"], "", 2, "", "Usage");
    check(&quoting(&["--since", "soonish"]), "", 2, "", "write it as");
    check(&["summarize", "-", "--format", "papyrus"], "", 2, "", "papyrus");
    check(&quoting(&["--model", "x"]), "", 2, "", "cannot be used with");
}

#[test]
fn since_and_as_of_cut_time() {
    check(&quoting(&["--since", "2026-11-05"]), &line(THREAD), 0, "", "No thread");
    check(&quoting(&["--as-of", "2026-11-03"]), &line(THREAD), 0, "of 1 message", "");
}

#[test]
fn every_fault_of_a_configuration_is_reported_at_once() {
    let home = tempdir().expect("a folder");
    let file = home.path().join("c.toml");
    fs::write(&file, "[model]\nthraeds = 2\n\n[sumarize]\n").expect("written");
    let path = file.to_str().expect("UTF-8");
    check(&["config", "check", path], "", 2, "", "did you mean 'threads'?");
    check(&["config", "check", path], "", 2, "", "line 4, column 2");
    check(&["--config", path, "summarize", "-"], "", 2, "", "2 faults");
    fs::write(&file, "[model]\nthreads = 2\n").expect("written");
    check(&["config", "check", path], "", 0, "no fault", "");
    check(&["--config", path, "config", "show"], "", 0, "line 2", "");
    check(&["config", "show"], "", 0, "[summarize]", "");
    check(&["config", "schema"], "", 0, "max_prompt_tokens", "");
    check(&["config", "path"], "", 0, "config.toml: not there", "");
}

#[test]
fn a_configuration_is_written_once_and_then_found() {
    let home = tempdir().expect("a folder");
    bluf(&home).args(["config", "init"]).assert().code(0);
    bluf(&home).args(["config", "init"]).assert().code(2);
    let output = bluf(&home).args(["config", "path"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("config.toml: read"));
    bluf(&home).args(["config", "check"]).assert().code(0);
}

#[test]
fn version_and_completions_need_no_configuration() {
    let home = tempdir().expect("a folder");
    let broken = home.path().join("broken.toml");
    fs::write(&broken, "nonsense").expect("written");
    let path = broken.to_str().expect("UTF-8");
    check(&["--config", path, "version", "--json"], "", 0, "\"summary_schema\":\"bluf.summary/1\"", "");
    check(&["--config", path, "completions", "bash"], "", 0, "summarize", "");
}

#[test]
fn weights_are_removed_only_when_somebody_agrees() {
    check(&["models", "rm", "no-such-weights", "--yes"], "", 2, "", "no model is called");
    check(&["models", "verify"], "", 1, "", "bluf models pull");
}

#[test]
fn nothing_but_the_result_goes_to_a_pipe() {
    let (_, out, err) = run(&quoting(&[]), &line(THREAD));
    assert!(!out.contains('\u{1b}') && err.is_empty(), "{out}{err}");
}

#[test]
#[cfg(unix)]
fn a_reader_who_has_seen_enough_is_no_failure() {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let home = tempdir().expect("a folder");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("bluf"))
        .args(QUOTE)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    child.stdin.take().expect("a pipe").write_all(line(THREAD).as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
