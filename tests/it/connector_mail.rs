//! IMAP against a real Dovecot: letters that come, change, move and go, through cut lines and renumbered mailboxes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bluf::{
    domain::{Cursor, Item},
    source::connector::{Source, SourceError, imap},
    time::Stopwatch,
};

use crate::support::{
    certificates, data,
    dovecot::{Client, Dovecot, Line},
    say,
    shelf::{Shelf, pull, pull_and_check},
};

fn source(settings: &str) -> imap::Imap {
    imap::Imap::new("mail", toml::from_str(settings).expect("a configuration")).expect("a source")
}

/// A letter to the list; `answers` are its references, the one it answers last.
fn letter(id: &str, subject: &str, answers: &[&str], text: &str) -> String {
    let mut head = format!("From: \"Ana Example\" <Ana@example.org>\nMessage-ID: <{id}>\nSubject: {subject}\n");
    head += "Date: Mon, 2 Mar 2026 09:00:00 +0100\n";
    if let Some(last) = answers.last() {
        let all: Vec<String> = answers.iter().map(|id| format!("<{id}>")).collect();
        head += &format!("In-Reply-To: <{last}>\nReferences: {}\n", all.join("\n "));
    }
    format!("{head}\n{text}\n")
}

/// The threads that the server makes of the open mailbox, by message ids.
fn threads_of(client: &mut Client, how: &str) -> BTreeSet<BTreeSet<String>> {
    let headers = client.say("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
    let mut ids: BTreeMap<u32, String> = BTreeMap::new();
    for part in headers.split("* ").skip(1) {
        let uid = part.split("UID ").nth(1).and_then(|rest| rest.split([' ', ')']).next()?.parse().ok());
        let id = part.split('<').nth(1).and_then(|rest| rest.split('>').next());
        if let (Some(uid), Some(id)) = (uid, id) {
            ids.insert(uid, id.to_owned());
        }
    }
    let answer = client.say(&format!("UID THREAD {how} UTF-8 ALL"));
    let line = answer.lines().find_map(|l| l.strip_prefix("* THREAD ")).unwrap_or_default();
    let (mut threads, mut depth, mut number) = (Vec::new(), 0, String::new());
    for c in line.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        if let Ok(uid) = std::mem::take(&mut number).parse::<u32>() {
            let thread: &mut BTreeSet<String> = threads.last_mut().expect("an open thread");
            thread.extend(ids.get(&uid).cloned());
        }
        match c {
            '(' if depth == 0 => {
                threads.push(BTreeSet::new());
                depth = 1;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    threads.into_iter().filter(|t| !t.is_empty()).collect()
}

#[tokio::test]
async fn threads_are_those_that_the_server_makes() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    let letters = [
        letter("late@ex", "Re: Nobody has the first", &["never-seen@ex", "mid@ex"], "Late."),
        letter("root@ex", "Release", &[], "Ship on Monday?"),
        letter("yes@ex", "Re: Release", &["root@ex"], "Yes."),
        letter("other@ex", "Another matter", &[], "What of the queue?"),
        letter("deep@ex", "Re: Release", &["root@ex", "yes@ex"], "Done."),
        letter("twin@ex", "AW: Nobody has the first", &["never-seen@ex"], "A twin of the late one."),
        letter("new-name@ex", "Now about the manual (was: Release)", &["root@ex", "yes@ex", "deep@ex"], "Who?"),
        letter("alone@ex", "Alone", &[], "Just so you know."),
        letter("far@ex", "Re: Another matter", &["other@ex", "unknown@ex"], "It is full."),
    ];
    for letter in &letters {
        client.append("INBOX", letter);
    }
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source(&server.settings(server.port)), &mut cursors, &mut shelf).await;
    assert_eq!(shelf.messages.len(), letters.len());
    client.say("NOOP");
    assert_eq!(shelf.threads(), threads_of(&mut client, "REFERENCES"));
    assert_eq!(shelf.threads().len(), 4);
    let message = &shelf.messages["yes@ex"];
    assert_eq!(
        (message.author.as_deref(), message.author_id.as_deref()),
        (Some("Ana Example"), Some("ana@example.org"))
    );
    assert_eq!((message.reply_to.as_deref(), message.text.as_str()), (Some("root@ex"), "Yes."));
}

#[tokio::test]
async fn real_letters_thread_as_the_server_and_the_reference_thread_them() {
    let Some(data) = data().map(|d| d.join("private/maildir/notmuch-default")).filter(|d| d.is_dir()) else { return };
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    let mut folders = vec![data];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).replace("\r\n", "\n");
                client.append("INBOX", &text);
                count += 1;
            }
        }
    }
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source(&server.settings(server.port)), &mut cursors, &mut shelf).await;
    client.say("NOOP");
    // Of two letters of one id the server takes the second for another letter, and we for the same.
    let all = threads_of(&mut client, "REFS");
    let within_another = |t: &BTreeSet<String>| all.iter().any(|other| other != t && t.is_subset(other));
    let refs: BTreeSet<BTreeSet<String>> = all.iter().filter(|t| !within_another(t)).cloned().collect();
    say(&format!(
        "{count} letters, {} messages, {} threads, {} by the server",
        shelf.messages.len(),
        shelf.threads().len(),
        refs.len()
    ));
    // REFERENCES joins what has one subject as well, so each of our threads lies within one of those.
    for thread in shelf.threads() {
        assert!(threads_of(&mut client, "REFERENCES").iter().any(|whole| thread.is_subset(whole)), "{thread:?}");
    }
    assert_eq!((count, shelf.messages.len()), (53, 52));
    assert_eq!(shelf.threads().len(), 24, "REFERENCE.json, by references alone");
    assert_eq!(shelf.threads(), refs);
}

#[tokio::test]
async fn letters_are_edited_moved_and_deleted() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    client.say("CREATE Archive");
    let settings = server.settings(server.port) + "mailboxes = ['INBOX', 'Archive']";
    let source = source(&settings);
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    for n in 0..5 {
        client.append("INBOX", &letter(&format!("{n}@ex"), &format!("Matter {n}"), &[], "As it was."));
    }
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 5);

    // An edit: the new one first, as some programs do, and for another letter the old one gone first.
    client.append("INBOX", &letter("1@ex", "Matter 1", &[], "Edited."));
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.messages["1@ex"].text, "As it was.", "whoever repeats an id replaces nothing");
    client.say("SELECT INBOX");
    client.delete("UID 2");
    client.delete("HEADER Message-ID <2@ex>");
    client.append("INBOX", &letter("2@ex", "Matter 2", &[], "Edited too."));
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 2);
    assert_eq!(["1@ex", "2@ex"].map(|id| shelf.messages[id].text.as_str()), ["Edited.", "Edited too."]);

    // A letter that moved was never gone.
    client.say("SELECT INBOX");
    let uid = client.uids("HEADER Message-ID <3@ex>")[0];
    client.say(&format!("UID MOVE {uid} Archive"));
    let page = source.pull(cursors.last()).await.unwrap();
    assert!(!page.items.iter().any(|item| matches!(item, Item::Gone { .. })), "{:?}", page.items);
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.messages.len(), 5);

    client.delete("HEADER Message-ID <4@ex>");
    client.say("SELECT Archive");
    client.delete("ALL");
    assert_eq!(pull_and_check(&source, &mut cursors, &mut shelf).await, 2);
    assert_eq!(shelf.messages.keys().collect::<Vec<_>>(), ["0@ex", "1@ex", "2@ex"]);
    client.say("SELECT INBOX");
    client.delete("ALL");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert!(shelf.messages.is_empty());
}

#[tokio::test]
async fn a_mailbox_that_is_made_anew_loses_and_doubles_nothing() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    client.say("CREATE Team");
    let source = source(&(server.settings(server.port) + "mailboxes = ['Te*']"));
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    let letters: Vec<String> = (0..4).map(|n| letter(&format!("{n}@ex"), "Matter", &[], "Words.")).collect();
    letters.iter().for_each(|l| client.append("Team", l));
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let before = validity(cursors.last().unwrap());

    client.say("DELETE Team");
    // UIDVALIDITY is the second of the mailbox's making.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    client.say("CREATE Team");
    // In another order, one letter fewer and one more.
    for letter in letters.iter().skip(1).rev() {
        client.append("Team", letter);
    }
    client.append("Team", &letter("new@ex", "Matter", &["1@ex"], "More words."));
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_ne!(validity(cursors.last().unwrap()), before);
    assert_eq!(shelf.messages.keys().collect::<Vec<_>>(), ["1@ex", "2@ex", "3@ex", "new@ex"]);

    client.say("DELETE Team");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert!(shelf.messages.is_empty(), "a mailbox that is gone");
}

fn validity(cursor: &Cursor) -> u64 {
    let state: serde_json::Value = serde_json::from_str(&cursor.0).unwrap();
    state["mailboxes"]["Team"]["validity"].as_u64().unwrap()
}

#[tokio::test]
async fn a_line_cut_at_any_byte_costs_time_and_no_letter() {
    let Some(server) = Dovecot::start() else { return };
    let line = Line::to(server.port);
    drop(server.client());
    let long = "A line of a letter that is not short.\n".repeat(40);
    server.deliver((0..120).map(|n| letter(&format!("{n}@ex"), &format!("Matter {n}"), &[], &long)));
    let mut whole = Shelf::default();
    pull(&source(&server.settings(server.port)), None, &mut whole).await;
    assert_eq!(whole.messages.len(), 120);

    let source = source(&server.settings(line.port));
    let mut cut = 0;
    for bytes in (40..240_000).step_by(9_973) {
        let mut shelf = Shelf::default();
        let mut cursor: Option<Cursor> = None;
        line.cut_after(bytes);
        for _ in 0..200 {
            match source.pull(cursor.as_ref()).await {
                Ok(page) => {
                    shelf.take(&page);
                    cursor = Some(page.next);
                    if !page.more {
                        break;
                    }
                }
                Err(SourceError::Transient(_)) => {
                    cut += 1;
                    line.mend();
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(shelf, whole, "cut after {bytes} bytes");
        // With everything known, a cut answer must not look like letters that are gone.
        line.cut_after(bytes / 200);
        server.client().append("INBOX", &letter(&format!("more-{bytes}@ex"), "More", &[], "More."));
        for _ in 0..10 {
            match source.pull(cursor.as_ref()).await {
                Ok(page) => {
                    assert!(!page.items.iter().any(|item| matches!(item, Item::Gone { .. })), "{:?}", page.items);
                    break;
                }
                Err(_) => line.mend(),
            }
        }
        line.mend();
        let mut client = server.client();
        client.delete(&format!("HEADER Message-ID <more-{bytes}@ex>"));
    }
    assert!(cut >= 20, "the line was cut {cut} times");
}

#[tokio::test]
async fn idle_wakes_for_what_comes_and_what_goes_and_for_nothing_else() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    let source = source(&server.settings(server.port));
    let mut shelf = Shelf::default();
    let (mut cursors, _) = pull(&source, None, &mut shelf).await;
    for round in 0..3 {
        let quiet = tokio::time::timeout(Duration::from_millis(700), source.changed(cursors.last())).await;
        assert!(quiet.is_err(), "woken by nothing");
        let waits = source.changed(cursors.last());
        let acts = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            match round {
                0 | 1 => client.append("INBOX", &letter(&format!("{round}@ex"), "Matter", &[], "Words.")),
                _ => client.delete("ALL"),
            }
        };
        let both = async { tokio::join!(waits, acts) };
        tokio::time::timeout(Duration::from_secs(20), both).await.expect("word of the letter");
        let (new, items) = pull(&source, cursors.last(), &mut shelf).await;
        assert!(items > 0, "round {round}");
        cursors.extend(new);
    }
    assert!(shelf.messages.is_empty());
    // What came while nobody waited is not missed.
    client.append("INBOX", &letter("late@ex", "Matter", &[], "Words."));
    tokio::time::timeout(Duration::from_secs(5), source.changed(cursors.last())).await.expect("word at once");
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_and_the_rest_goes_on() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    client.say("CREATE Entw&APw-rfe");
    client.append("INBOX", &letter("large@ex", "Large", &[], &"Words and words.\n".repeat(2_000)));
    client.append("INBOX", "Received: from nowhere\n\n");
    client.append("INBOX", &letter("good@ex", "Good", &[], "Words."));
    let bare = "From: ben@example.org\nSubject: Without an id\n\nWords.\n";
    client.append("INBOX", bare);
    client.append("Entw&APw-rfe", &letter("draft@ex", "Draft", &[], "Words."));
    let settings =
        server.settings(server.port) + "max_message_bytes = 10000\nmailboxes = ['INBOX', 'Entwürfe', 'Gone']";
    let source = source(&settings);
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    let mut ids: Vec<&str> = shelf.messages.keys().map(String::as_str).collect();
    assert!(ids.pop().is_some_and(|id| id.starts_with("sha256-")), "{ids:?}");
    assert_eq!(ids, ["draft@ex", "good@ex"]);
    let without: Vec<_> = shelf.messages.values().filter(|m| m.author.as_deref() == Some("ben")).collect();
    assert_eq!(without.len(), 1);
    assert_eq!(shelf.poisoned.keys().collect::<Vec<_>>(), ["Gone", "INBOX/1", "INBOX/2"]);
    assert!(shelf.poisoned["INBOX/1"].contains("max_message_bytes"));

    let missing = source.check().await.unwrap_err();
    assert!(matches!(&missing, SourceError::Permanent(what) if what.contains("Gone")), "{missing}");
    let found = self::source(&server.settings(server.port)).check().await.unwrap();
    assert_eq!((found.account.as_str(), found.facts[1].as_str()), ("ana", "INBOX: 4 letters"));
}

#[tokio::test]
async fn old_letters_are_left_where_they_are_where_that_is_wished() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client();
    let old = letter("old@ex", "Old", &[], "Words.").replace('\n', "\r\n");
    client.say(&format!("APPEND INBOX \"02-Mar-2020 09:00:00 +0100\" {{{}+}}\r\n{old}", old.len()));
    client.append("INBOX", &letter("new@ex", "New", &[], "Words."));
    let source = source(&(server.settings(server.port) + "since_days = 30"));
    let (mut shelf, mut cursors) = (Shelf::default(), Vec::new());
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert_eq!(shelf.messages.keys().collect::<Vec<_>>(), ["new@ex"]);
    client.say("SELECT INBOX");
    client.delete("ALL");
    pull_and_check(&source, &mut cursors, &mut shelf).await;
    assert!(shelf.messages.is_empty());
}

#[tokio::test]
async fn who_is_not_let_in_is_told_what_to_check() {
    let Some(server) = Dovecot::start() else { return };
    let wrong = server.settings(server.port).replace("s3cret", "guessed");
    let refused = source(&wrong).pull(None).await.unwrap_err();
    assert!(matches!(&refused, SourceError::Permanent(what) if what.contains("password")), "{refused}");
    assert!(!refused.to_string().contains("guessed"));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = source(&server.settings(closed)).pull(None).await.unwrap_err();
    assert!(matches!(nobody, SourceError::Transient(_)), "{nobody}");
}

#[tokio::test]
async fn tls_is_taken_from_whom_it_is_trusted() {
    let folder = tempfile::TempDir::new().unwrap();
    if !certificates::make(folder.path()) {
        return;
    }
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let more = format!("ssl = yes\nssl_cert = <{}\nssl_key = <{}\n", at("leaf.pem"), at("leaf.key"));
    let Some(server) = Dovecot::start_with(&more) else { return };
    server.client().append("INBOX", &letter("a@ex", "Matter", &[], "Words."));
    for (tls, port) in [("implicit", server.tls_port), ("starttls", server.port)] {
        let settings = server.settings(port).replace("'none'", &format!("'{tls}'")).replace("127.0.0.1", "localhost");
        let trusted = source(&format!("{settings}ca_file = '{}'\n", at("ca.pem")));
        let mut shelf = Shelf::default();
        pull(&trusted, None, &mut shelf).await;
        assert_eq!(shelf.messages.len(), 1, "{tls}");
        let distrusted = source(&settings).pull(None).await.unwrap_err();
        assert!(matches!(&distrusted, SourceError::Permanent(what) if what.contains("certificate")), "{distrusted}");
        let named_otherwise =
            source(&format!("{}ca_file = '{}'\n", settings.replace("localhost", "127.0.0.1"), at("ca.pem")));
        assert!(matches!(named_otherwise.pull(None).await, Err(SourceError::Permanent(_))), "{tls}");
    }
}

#[tokio::test]
async fn many_letters_come_in_bounded_pages() {
    let Some(server) = Dovecot::start() else { return };
    drop(server.client());
    server.deliver((0..3_000).map(|n| {
        let root = format!("{}@ex", n / 20 * 20);
        let answers: Vec<&str> = if n % 20 == 0 { Vec::new() } else { vec![&root] };
        letter(&format!("{n}@ex"), &format!("Matter {}", n / 20), &answers, "Words of a letter.")
    }));
    // Opening it once lets the server find them.
    drop(server.client());
    let source = source(&server.settings(server.port));
    let (mut shelf, mut cursor, mut pages) = (Shelf::default(), None, 0);
    let started = Stopwatch::start();
    loop {
        let page = source.pull(cursor.as_ref()).await.unwrap();
        assert!(page.items.len() <= 500);
        shelf.take(&page);
        cursor = Some(page.next);
        pages += 1;
        if !page.more {
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    say(&format!("3,000 letters in {pages} pages, {:.0} a second", 3_000.0 / seconds));
    assert_eq!((shelf.messages.len(), shelf.threads().len()), (3_000, 150));
    let (_, items) = pull(&source, cursor.as_ref(), &mut shelf).await;
    assert_eq!(items, 0);
}
