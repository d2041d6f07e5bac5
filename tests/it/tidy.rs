//! The rules of the house, held by a test: who may import whom, and who may print, look at a clock or be unsafe.

use std::{fs, path::Path};

use bluf::cli::Cli;
use clap::CommandFactory;

use crate::support::root;

/// Rooms by floor, ground first. A room imports only rooms of lower floors; rooms of one floor share no door.
const FLOORS: &[&[&str]] = &[
    &["domain", "time", "secret", "pattern"],
    &["text", "court", "sla", "alert"],
    &["net", "telemetry"],
    &["source", "sink", "store", "model"],
    &["classify", "summarize", "docket"],
    &["engine", "render"],
    &["web"],
    &["config"],
    &["cli"],
];

/// Law and pipes stand on different floors but pipes may use only the ground, whatever lies between.
const GROUND_ONLY: &[&str] = &["net", "telemetry"];

/// Rooms that another may not use though it stands below.
const CLOSED_DOORS: &[(&str, &str)] = &[
    ("classify", "source"),
    ("classify", "sink"),
    ("classify", "store"),
    ("summarize", "source"),
    ("summarize", "sink"),
    ("summarize", "store"),
];

/// Words that only some files may hold: the words, the files that may, and why the others may not.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (
        &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
        // Tests wait for servers and processes, no longer than they say.
        &["src/time/clock.rs", "tests/it/"],
        "reads the clock",
    ),
    (
        &["std::env", "env::var", "env::args"],
        &["src/config/", "src/cli/", "tests/", "benches/"],
        "reads the environment",
    ),
    (
        &["println!", "print!", "eprintln!", "eprint!", "io::stdout", "io::stderr"],
        // Tests say what they could not test.
        &["src/cli/print.rs", "benches/", "tests/it/"],
        "prints",
    ),
    (&["todo!", "unimplemented!", "dbg!"], &[], "is unfinished"),
    (&["unsafe"], &["src/model/kernel/"], "is unsafe"),
];

const FILE_LINES: usize = 450;
const README_LINES: usize = 200;

#[test]
fn the_house_is_tidy() {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for_each_file(&root().join(folder), &mut |path| {
            let name = path.strip_prefix(root()).expect("inside the root").to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(path).expect("sources are UTF-8");
            faults.extend(faults_of(&name, &text));
        });
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_readme_is_short_and_names_only_verbs_that_exist() {
    let text = fs::read_to_string(root().join("README.md")).expect("a README");
    assert!(text.lines().count() <= README_LINES, "README.md has more than {README_LINES} lines");
    assert_eq!(unknown_verbs(&text), Vec::<String>::new());
    assert!(text.contains("`bluf summarize"), "the README must say how to summarise");
}

#[test]
fn every_room_stands_on_a_floor() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).expect("a crate");
    for room in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(floor(room).is_some(), "'{room}' is in lib.rs and on no floor");
    }
}

/// Everything that is wrong with one file.
fn faults_of(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let opens = if name == "src/lib.rs" { "#![doc" } else { "//! " };
    if !text.starts_with(opens) {
        faults.push(format!("{name}: does not open with a //! sentence"));
    }
    if text.lines().count() > FILE_LINES {
        faults.push(format!("{name}: has more than {FILE_LINES} lines"));
    }
    // Tests say why they did not run, and read where the data is.
    if is_test_code(name) {
        return faults;
    }
    let code = code_of(text);
    if let Some(room) = room_of(name) {
        faults.extend(imports(&code).iter().filter_map(|used| closed(room, used)).map(|why| format!("{name}: {why}")));
    }
    // This file spells the reserved words out.
    if name != "tests/it/tidy.rs" {
        faults.extend(reserved(name, &code));
    }
    faults
}

/// Files of `src` that are built for tests alone.
fn is_test_code(name: &str) -> bool {
    name.starts_with("src/") && (name.ends_with("/tests.rs") || name.contains("/tests/"))
}

fn reserved(name: &str, code: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (words, allowed, why) in RESERVED {
        if allowed.iter().any(|a| name.starts_with(a)) {
            continue;
        }
        for word in words.iter().filter(|word| has_word(code, word)) {
            faults.push(format!("{name}: {why} ({word})"));
        }
    }
    faults
}

/// The room that a file of `src` belongs to. `main.rs` and `lib.rs` belong to none.
fn room_of(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("src/")?;
    let room = inside.split('/').next()?.trim_end_matches(".rs");
    (!matches!(room, "main" | "lib")).then_some(room)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Why `room` may not use `used`; `None` where it may.
fn closed(room: &str, used: &str) -> Option<String> {
    if room == used {
        return None;
    }
    let (Some(here), Some(there)) = (floor(room), floor(used)) else {
        return Some(format!("'{room}' uses '{used}', and one of them stands on no floor"));
    };
    let barred = there >= here || (GROUND_ONLY.contains(&room) && there > 0) || CLOSED_DOORS.contains(&(room, used));
    barred.then(|| format!("'{room}' (floor {here}) may not use '{used}' (floor {there})"))
}

/// The rooms that a file reaches through `crate::…`, also inside `use crate::{…}` and by `bluf::…`.
fn imports(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for root in ["crate::", "bluf::"] {
        for (at, _) in code.match_indices(root) {
            let rest = code[at + root.len()..].trim_start();
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(heads(group)),
                None => rooms.push(word(rest)),
            }
        }
    }
    rooms.retain(|room| !room.is_empty() && room.starts_with(|c: char| c.is_ascii_lowercase()));
    rooms.sort();
    rooms.dedup();
    rooms
}

/// The first name of each path of a `{…}` group whose brace is already open.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut fresh) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if depth == 0 && fresh && !c.is_whitespace() => {
                heads.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `text` without comments and without what stands in string literals, so that words in prose do not count.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => skip_string(&mut chars),
            'r' if !before.is_alphanumeric() && matches!(chars.peek(), Some('#' | '"')) => skip_raw_string(&mut chars),
            '\'' => skip_char(&mut chars),
            c => code.push(c),
        }
        before = c;
    }
    code
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '"' => return,
            _ => {}
        }
    }
}

fn skip_raw_string(chars: &mut Chars<'_>) {
    let mut hashes = 0;
    while chars.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    if chars.next_if_eq(&'"').is_none() {
        return; // a raw identifier
    }
    while let Some(c) = chars.next() {
        if c == '"' && (0..hashes).all(|_| chars.next_if_eq(&'#').is_some()) {
            return;
        }
    }
}

/// A character literal; a lifetime is left alone.
fn skip_char(chars: &mut Chars<'_>) {
    let mut ahead = chars.clone();
    match (ahead.next(), ahead.next()) {
        (Some('\\'), _) => {
            chars.next();
            chars.next();
            while chars.next_if(|c| *c != '\'').is_some() {}
            chars.next();
        }
        (Some(_), Some('\'')) => {
            chars.next();
            chars.next();
        }
        _ => {}
    }
}

/// Whether `word` stands in `code` with no letter before it (so that `print!` is not found in `eprint!`) or after it.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let after = &code[at + word.len()..];
        !code[..at].ends_with(part) && (word.ends_with('!') || !after.starts_with(part))
    })
}

/// Verbs after `bluf ` in the README's code that the program does not have.
fn unknown_verbs(readme: &str) -> Vec<String> {
    let command = Cli::command();
    let known = |verb: &str| verb == "help" || command.get_subcommands().any(|c| c.get_name() == verb);
    let mut fenced = false;
    let mut unknown = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        let code: Vec<&str> = if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for code in code {
            let mut words = code.split_whitespace().skip_while(|w| !matches!(*w, "bluf" | "--")).skip(1);
            let verb = words.find(|w| !w.starts_with('-')).unwrap_or_default();
            if !verb.is_empty() && (code.contains("bluf ") || code.contains("cargo run")) && !known(verb) {
                unknown.push(verb.to_string());
            }
        }
    }
    unknown
}

fn for_each_file(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|e| e.expect("a readable folder").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            for_each_file(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path);
        }
    }
}

#[track_caller]
fn check(name: &str, text: &str, expected: &[&str]) {
    assert_eq!(faults_of(name, &format!("//! A file.\n{text}")), expected, "{text}");
}

#[test]
fn tidy_finds_upward_and_sideways_doors() {
    let upward = "src/text/a.rs: 'text' (floor 1) may not use 'source' (floor 3)";
    check("src/text/a.rs", "use crate::source::Reading;", &[upward]);
    check("src/text/a.rs", "use crate::{\n    domain::{Kind, Thread},\n    source::Reading,\n};", &[upward]);
    check("src/text/a.rs", "#[cfg(test)]\nmod tests { fn f() { crate::source::read() } }", &[upward]);
    check(
        "src/model/a.rs",
        "use crate::source::mail;",
        &["src/model/a.rs: 'model' (floor 3) may not use 'source' (floor 3)"],
    );
    check(
        "src/time.rs",
        "use crate::domain::Moment;",
        &["src/time.rs: 'time' (floor 0) may not use 'domain' (floor 0)"],
    );
    check("src/net/a.rs", "use crate::text::html;", &["src/net/a.rs: 'net' (floor 2) may not use 'text' (floor 1)"]);
    check(
        "src/summarize/a.rs",
        "use crate::source::R;",
        &["src/summarize/a.rs: 'summarize' (floor 4) may not use 'source' (floor 3)"],
    );
    check("src/text/a.rs", "use crate::domain::Kind;\n// crate::source is not used", &[]);
    check("src/text/a.rs", "use crate::text::quote;", &[]);
    check("src/cli/a.rs", "use crate::{config::Config, model::embed};", &[]);
    check(
        "src/text/a.rs",
        "use crate::attic::X;",
        &["src/text/a.rs: 'text' uses 'attic', and one of them stands on no floor"],
    );
}

#[test]
fn tidy_finds_reserved_words() {
    check("src/text/a.rs", "let t = jiff::Timestamp::now();", &["src/text/a.rs: reads the clock (Timestamp::now)"]);
    check("src/time/clock.rs", "let t = jiff::Timestamp::now();", &[]);
    check(
        "src/model/a.rs",
        "let x = std::env::var(\"X\");",
        &["src/model/a.rs: reads the environment (std::env)", "src/model/a.rs: reads the environment (env::var)"],
    );
    check("src/model/a.rs", "let x = env!(\"CARGO_PKG_VERSION\");", &[]);
    check("src/cli/a.rs", "eprintln!(\"x\");", &["src/cli/a.rs: prints (eprintln!)"]);
    check("src/cli/print.rs", "println!(\"x\");", &[]);
    check("src/cli/a.rs", "let s = \"println!\"; let r = r#\"a \" dbg!\"#; // todo!", &[]);
    check("src/cli/a.rs", "let c = '\"'; todo!(); let d = '\"';", &["src/cli/a.rs: is unfinished (todo!)"]);
    check("src/model/a.rs", "unsafe { f() }", &["src/model/a.rs: is unsafe (unsafe)"]);
    check("src/model/kernel/a.rs", "unsafe { f() }", &[]);
    check("src/model/a.rs", "#![deny(unsafe_code)]\nfn f<'a>(x: &'a str) {}", &[]);
}

#[test]
fn tidy_finds_files_without_an_opening_and_files_too_long() {
    assert_eq!(faults_of("src/text/a.rs", "use std::fmt;\n"), ["src/text/a.rs: does not open with a //! sentence"]);
    let long = "\n".repeat(FILE_LINES + 1);
    check("src/text/a.rs", &long, &["src/text/a.rs: has more than 450 lines"]);
}

#[test]
fn tidy_finds_verbs_that_do_not_exist() {
    assert_eq!(
        unknown_verbs("`bluf conjure x`\n```\ncargo run --release -- vanish --once\nbluf --quiet demo\n```\n"),
        ["conjure", "vanish"]
    );
    assert!(unknown_verbs("prose about bluf and others; `bluf demo --once`; `cargo run --release -- demo`").is_empty());
}
