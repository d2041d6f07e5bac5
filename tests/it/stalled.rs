//! What waits for whom, as scripts and people meet it: `bluf stalled` and `bluf sla` over threads written for the purpose.

use std::fs;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::bluf;

/// Monday: a question to the channel, answered an hour later; another that nobody answers.
const TALK: &str = r#"{"source":"team","kind":"chat","id":"t1","title":"Quota","messages":[
{"id":"a","author":"Ana","ts":"2026-11-16T09:00:00Z","text":"Which quota applies to the export?"},
{"id":"b","author":"Bo","ts":"2026-11-16T10:00:00Z","text":"The regional one applies."}]}
{"source":"team","kind":"chat","id":"t2","title":"Printer","messages":[
{"id":"a","author":"Ana","ts":"2026-11-16T09:00:00Z","text":"Who can repair the printer on the second floor?"}]}"#;

const CONFIG: &str = "[calendar.paris]\nzone = \"Europe/Paris\"\nmon = \"09:00-17:00\"\ntue = \"09:00-17:00\"\n\
    wed = \"09:00-17:00\"\nthu = \"09:00-17:00\"\nfri = \"09:00-17:00\"\nholidays = [\"2026-11-17 Founders' day\"]\n\
    [policy.team]\nmatch = { source = \"team\" }\ncalendar = \"paris\"\nfirst_response = \"6bh\"\n";

struct Desk {
    home: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let home = tempdir().expect("a folder");
        fs::write(home.path().join("bluf.toml"), CONFIG).expect("written");
        fs::write(home.path().join("talk.jsonl"), lines(TALK)).expect("written");
        Desk { home }
    }

    /// Exit code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let file = self.home.path().join("bluf.toml");
        let output = bluf(&self.home).current_dir(self.home.path()).arg("--config").arg(file).args(args).output();
        let output = output.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
    }

    fn objects(&self, args: &[&str], code: i32) -> Vec<Value> {
        let (exit, out, err) = self.run(args);
        assert_eq!(exit, code, "{args:?}\n{out}\n{err}");
        out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    }
}

/// One thread a line.
fn lines(threads: &str) -> String {
    threads.replace('\n', "").replace("}{\"source", "}\n{\"source") + "\n"
}

const STALLED: [&str; 4] = ["stalled", "talk.jsonl", "--no-model", "--json"];

fn at<'a>(when: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    STALLED.into_iter().chain(["--as-of", when]).chain(more.iter().copied()).collect()
}

#[test]
fn a_question_comes_of_age_and_the_exit_code_says_so() {
    let desk = Desk::new();
    // 09:00 UTC is 10:00 in Paris: five and a half of six hours have run by half past three.
    let warned = &desk.objects(&at("2026-11-16T14:30:00Z", &["--thread", "t2"]), 0)[0];
    assert_eq!((&warned["stalled"], &warned["obligations"][0]["health"]), (&false.into(), &"at_risk".into()));
    let late = desk.objects(&at("2026-11-16T15:00:00Z", &[]), 3);
    assert_eq!(late.len(), 2);
    assert_eq!((&late[0]["stalled"], &late[0]["flags"]), (&false.into(), &Value::Array(Vec::new())));
    let met = &late[0]["obligations"][0];
    assert_eq!((&met["health"], &met["closed"]["how"]), (&"met".into(), &"met".into()));
    assert_eq!(met["closed"]["cites"][0]["quote"], "The regional one applies.");

    let thread = &late[1];
    assert_eq!(
        (&thread["as_of"].as_str().map(|at| &at[..16]), &thread["stalled"]),
        (&Some("2026-11-16T15:00"), &true.into())
    );
    let open = &thread["obligations"][0];
    assert_eq!((&open["kind"], &open["policy"], &open["closed"]), (&"reply".into(), &"team".into(), &Value::Null));
    assert_eq!(
        (&open["due_at"], &open["warn_at"]),
        (&"2026-11-16T16:00:00+01:00".into(), &"2026-11-16T14:30:00+01:00".into())
    );
    let flag = &thread["flags"][0];
    assert_eq!(
        (&flag["kind"], &flag["health"], &flag["owed_to"][0]),
        (&"unanswered".into(), &"breached".into(), &"Ana".into())
    );
    let cite = &flag["cites"][0];
    let text = "Who can repair the printer on the second floor?";
    let (start, end) = (cite["start"].as_u64().expect("a byte"), cite["end"].as_u64().expect("a byte"));
    assert_eq!(text.get(start as usize..end as usize), cite["quote"].as_str());
}

#[test]
fn a_recording_is_judged_by_what_it_states_else_by_its_last_words() {
    let desk = Desk::new();
    let own = desk.objects(&STALLED, 0);
    assert_eq!(own[0]["as_of"].as_str().map(|at| &at[..19]), Some("2026-11-16T10:00:00"));
    let stated =
        lines(TALK).replace("\"title\":\"Printer\"", "\"title\":\"Printer\",\"as_of\":\"2026-11-18T12:00:00Z\"");
    fs::write(desk.home.path().join("talk.jsonl"), stated).expect("written");
    assert_eq!(desk.objects(&STALLED, 3)[1]["stalled"], true);
}

#[test]
fn what_was_skipped_is_told_where_nothing_is_late() {
    let desk = Desk::new();
    fs::write(desk.home.path().join("talk.jsonl"), lines(TALK) + "not json\n").expect("written");
    let (exit, _, err) = desk.run(&STALLED);
    assert!(exit == 4 && err.contains("line 3"), "{exit}: {err}");
    assert_eq!(desk.run(&at("2026-11-18T12:00:00Z", &[])).0, 3);
    assert_eq!(desk.run(&["stalled", "no/such/file", "--no-model"]).0, 2);
}

#[test]
fn a_person_reads_it_in_a_minute() {
    let desk = Desk::new();
    let (exit, out, _) = desk.run(&["stalled", "talk.jsonl", "--no-model", "--as-of", "2026-11-18T12:00:00Z"]);
    assert_eq!(exit, 3);
    insta::assert_snapshot!(out);
    let (exit, out, _) = desk.run(&["stalled", "talk.jsonl", "--no-model", "--thread", "t1"]);
    assert!(exit == 0 && out.starts_with("Nothing waits for anybody in 1 thread"), "{out}");
}

#[test]
fn a_summary_says_what_needs_a_person() {
    let desk = Desk::new();
    let args = ["summarize", "talk.jsonl", "--no-model", "--json", "--thread", "t2", "--as-of", "2026-11-18T12:00:00Z"];
    assert_eq!(desk.objects(&args, 0)[0]["flags"][0]["kind"], "unanswered");
    let (_, out, _) = desk.run(&args.map(|arg| if arg == "--json" { "--quiet" } else { arg }));
    assert!(out.contains("Needs attention"), "{out}");
}

#[test]
fn every_second_of_a_deadline_is_explained() {
    let desk = Desk::new();
    let explain = ["sla", "explain", "--calendar", "paris", "--goal", "6bh", "--opened", "2026-11-16T15:00", "--json"];
    let found = &desk.objects(&[&explain[..], &["--now", "2026-11-16T16:00"]].concat(), 0)[0];
    assert_eq!((&found["due_at"], &found["health"]), (&"2026-11-18T13:00:00+01:00".into(), &"on_track".into()));
    assert_eq!((&found["elapsed_secs"], &found["remaining_secs"]), (&3_600.into(), &(5 * 3_600).into()));
    let whys: Vec<&str> =
        found["segments"].as_array().expect("segments").iter().filter_map(|s| s["why"].as_str()).collect();
    assert_eq!(whys, ["open", "closed", "holiday: Founders' day", "closed", "open"]);
    let held = [&explain[..], &["--pause", "2026-11-16T15:30..2026-11-16T16:30", "--now", "2026-11-16T17:00"]].concat();
    assert_eq!(desk.objects(&held, 0)[0]["due_at"], "2026-11-18T14:00:00+01:00");
    let (exit, _, err) = desk.run(&["sla", "explain", "--goal", "6bh", "--opened", "2026-11-16"]);
    assert!(exit == 2 && err.contains("--calendar, one of office, paris"), "{err}");
    let (exit, out, _) = desk.run(&["sla", "explain", "--goal", "4h", "--opened", "2026-11-16T09:00Z"]);
    assert!(exit == 0 && out.contains("Mon 2026-11-16 13:00"), "{out}");
}

#[test]
fn policies_are_tried_on_what_was_recorded() {
    let desk = Desk::new();
    let simulate =
        ["sla", "simulate", "talk.jsonl", "--no-model", "--since", "2026-11-16", "--until", "2026-11-20", "--json"];
    let ours = &desk.objects(&simulate, 0)[0];
    assert_eq!((&ours["at_risk"], &ours["breached"], &ours["days"]), (&1.into(), &1.into(), &4.into()));
    fs::write(desk.home.path().join("hasty.toml"), "[policy.all]\nfirst_response = \"30m\"\n").expect("written");
    let hasty = &desk.objects(&[&simulate[..], &["--policies", "hasty.toml"]].concat(), 0)[0];
    assert_eq!((&hasty["at_risk"], &hasty["breached"]), (&2.into(), &2.into()));
    assert_eq!(hasty["samples"][0]["policy"], "all");
    assert_eq!(desk.run(&[&simulate[..], &["--policies", "gone.toml"]].concat()).0, 2);
}

#[test]
fn policies_are_tried_on_what_the_daemon_holds() {
    let desk = Desk::new();
    let simulate = ["sla", "simulate", "--no-model", "--since", "2026-11-16", "--until", "2026-11-20", "--json"];
    let (exit, _, err) = desk.run(&simulate);
    assert!(exit != 0 && err.contains("bluf"), "nothing is held yet: {exit} {err}");
    assert_eq!(desk.run(&["import", "talk.jsonl", "--source", "team"]).0, 0);
    let ours = &desk.objects(&simulate, 0)[0];
    assert_eq!((&ours["at_risk"], &ours["breached"], &ours["days"]), (&1.into(), &1.into(), &4.into()));
}

#[test]
fn a_report_hides_what_would_be_told_of_few_people() {
    let desk = Desk::new();
    let report = ["sla", "report", "talk.jsonl", "--no-model", "--json", "--as-of", "2026-11-18T12:00:00Z"];
    let few = &desk.objects(&report, 0)[0];
    assert_eq!(
        (&few["channels"][0]["hidden"], &few["channels"][0]["metrics"]),
        (&true.into(), &Value::Array(Vec::new()))
    );
    let asked = |n: usize| {
        format!(
            r#"{{"source":"team","kind":"chat","id":"p{n}","title":"","messages":[{{"author":"P{n}","ts":"2026-11-16T09:00:00Z","text":"Who can open the door?"}}]}}"#
        ) + "\n"
    };
    fs::write(desk.home.path().join("talk.jsonl"), (0..6).map(asked).collect::<String>()).expect("written");
    let many = &desk.objects(&report, 0)[0];
    assert_eq!(
        (&many["channels"][0]["hidden"], &many["channels"][0]["metrics"][0]["breached"]),
        (&false.into(), &6.into())
    );
    let told = desk.run(&["sla", "report", "talk.jsonl", "--no-model", "--as-of", "2026-11-18T12:00:00Z"]).1;
    assert!(!told.contains("P1"), "{told}");
}

#[test]
fn faults_of_the_rules_are_found_with_their_places() {
    let desk = Desk::new();
    fs::write(desk.home.path().join("bad.toml"), "[policy.chat]\ncalender = \"office\"\n[person.ana]\naway = \"x\"\n")
        .expect("written");
    let (exit, _, err) = desk.run(&["config", "check", "bad.toml"]);
    assert_eq!(exit, 2, "{err}");
    assert!(
        err.contains("line 2, column 1") && err.contains("did you mean 'calendar'?") && err.contains("line 4"),
        "{err}"
    );
}
