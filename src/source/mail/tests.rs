//! Mail as lists and clients write it, and the real mailboxes where they are at hand.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::domain::Thread;

const LIST: &str = "From ann at ex.org  Mon Mar  3 10:00:00 2025
From: ann at ex.org (Ann Lee)
Date: Mon Mar  3 10:00:00 2025
Subject: [tools] Ship on Friday?
Message-ID: <1@ex.org>
List-Id: Tools <tools.lists.ex.org>

Shall we ship?

>From here on it is risky.

From the board:
no objection.

From bo at ex.org  Mon Mar  3 12:00:00 2025
From: =?utf-8?q?B=C3=B8?= <bo@ex.org>
Date: Mon, 3 Mar 2025 13:00:00 +0100
Subject: Re: [tools] Ship on Friday?
Message-ID: <2@ex.org>
In-Reply-To: <1@ex.org>

Yes.

From cy at ex.org  Tue Mar  4 09:00:00 2025
From: cy@ex.org
Date: Tue, 4 Mar 2025 09:00:00 +0000
Subject: AW: Ship on Friday?
Message-ID: <3@ex.org>

Agreed.
";

fn texts(thread: &Thread) -> Vec<&str> {
    thread.messages.iter().map(|m| m.text.as_str()).collect()
}

/// A message of these header lines and this body.
fn eml(head: &str, body: &str) -> Vec<u8> {
    format!("From: Ann Lee <ann@ex.org>\r\nSubject: x\r\n{head}\r\n\r\n{body}").into_bytes()
}

#[track_caller]
fn one(bytes: &[u8]) -> (String, usize) {
    let reading = read_eml(bytes, "one.eml");
    assert_eq!(reading.threads.len(), 1, "{:?}", reading.faults);
    (reading.threads[0].messages[0].text.clone(), reading.faults.len())
}

#[test]
fn a_thread_goes_on_under_its_subject_where_its_references_are_lost() {
    let letter = |who: &str, day: u32, id: &str, of: &str| {
        let head = format!("From {who}@ex.org  Mon Mar  {day} 10:00:00 2025\nFrom: {who}@ex.org\n");
        let date = format!("Date: {day} Mar 2025 10:00:00 +0000\nSubject: Re: Pump\nMessage-ID: <{id}@ex.org>\n");
        format!("{head}{date}In-Reply-To: <{of}@lost.org>\n\nIs it in?\n\n")
    };
    let went_on = |letters: &[String]| {
        let reading = read_mbox(letters.concat().as_bytes(), "pump.mbox");
        let told = reading.threads.iter().map(|t| t.events.iter().filter_map(|e| e.actor.clone()).collect::<Vec<_>>());
        told.collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    let bo = vec!["bo".to_owned()];
    assert_eq!(went_on(&[letter("ann", 3, "1", "x"), letter("bo", 5, "2", "y")]), [bo, none.clone()]);
    assert_eq!(went_on(&[letter("ann", 3, "1", "x"), letter("ann", 5, "2", "y")]), [none.clone(), none.clone()]);
    assert_eq!(went_on(&[letter("ann", 3, "1", "x"), letter("bo", 28, "2", "y")]), [none.clone(), none]);
}

#[test]
fn a_list_archive_becomes_a_thread() {
    let reading = read_mbox(LIST.as_bytes(), "2025-March.mbox");
    assert_eq!((reading.threads.len(), reading.faults.len()), (1, 0));
    let thread = &reading.threads[0];
    assert_eq!(
        (thread.id.as_str(), thread.title.as_str(), thread.source.as_str()),
        ("1@ex.org", "Ship on Friday?", "tools")
    );
    assert_eq!(thread.participants, ["Ann Lee", "Bø", "cy"]);
    assert_eq!(
        texts(thread),
        ["Shall we ship?\n\nFrom here on it is risky.\n\nFrom the board:\nno objection.", "Yes.", "Agreed."]
    );
    assert_eq!(thread.messages[1].reply_to.as_deref(), Some("1@ex.org"));
    assert_eq!(thread.messages[2].reply_to, None);
}

#[test]
fn heads_tell_the_formats_apart() {
    assert!(is_mbox(LIST.as_bytes()));
    assert!(!is_mbox(b"From here on, a letter of 3 Mar."));
    assert!(!is_eml(LIST.as_bytes()));
    assert!(is_eml(&eml("Date: Mon, 3 Mar 2025 10:00:00 +0000", "hi")));
    assert!(!is_eml(b"PEP: 1\nTitle: x\nContent-Type: text/x-rst\n\nAbstract"));
}

#[test]
fn the_plain_part_is_the_text_and_html_stands_in_for_it() {
    let parts = "--b\r\nContent-Type: text/plain; charset=latin1\r\n\r\ncaf\u{e9}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n";
    assert_eq!(
        one(&eml("MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b", parts)),
        ("café".into(), 0)
    );
    assert_eq!(one(&eml("Content-Type: text/html", "<p>Hi<blockquote>old</blockquote>")), ("Hi\n\n> old".into(), 0));
    assert_eq!(one(&eml("Content-Type: text/html", "<b style='display:none'>x</b>Hi")), ("Hi".into(), 1));
    assert_eq!(
        one(&eml("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64", "JVBERg==")),
        (String::new(), 0)
    );
}

#[test]
fn damage_is_told_and_what_is_left_is_read() {
    assert_eq!(
        one(&eml("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", "aGVsbG8gd")),
        ("hello".into(), 1)
    );
    let mut wrong = eml("Content-Type: text/plain; charset=utf-8", "caf");
    wrong.extend_from_slice(b"\xE9 \0 end");
    assert_eq!(one(&wrong), ("café \0 end".into(), 0));
    let shell = read_mbox(b"From x Mon Mar  3 10:00:00 2025\nArchived-At: <https://ex.org>\n\n\n", "a.mbox");
    assert_eq!((shell.threads.len(), shell.faults.len()), (0, 1));
    assert_eq!(shell.faults[0].place.item, Some(1));
}

#[test]
fn a_long_line_and_many_messages_are_read_in_one_go() {
    let long = format!("From x Mon Mar  3 10:00:00 2025\nFrom: a@ex.org\n\n{}\n", "x".repeat(1_000_000));
    assert_eq!(read_mbox(long.as_bytes(), "l").threads[0].messages[0].text.len(), 1_000_000);
    let many = "From x Mon Mar  3 10:00:00 2025\nFrom: a@ex.org\nSubject: s\n\nhi\n\n".repeat(20_000);
    assert_eq!(read_mbox(many.as_bytes(), "m").threads.len(), 20_000);
}

#[test]
fn the_same_id_twice_loses_nothing() {
    let twice = "From x Mon Mar  3 10:00:00 2025\nFrom: a@ex.org\nMessage-ID: <1@x>\n\nhi\n\n".repeat(2);
    let reading = read_mbox(twice.as_bytes(), "m");
    let ids: Vec<&str> = reading.threads[0].messages.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["1@x", "1@x#2"]);
}

#[test]
fn siblings_of_an_unseen_message_and_circles_stay_together() {
    let mail = |id: &str, refs: &str, hour: u32| {
        format!(
            "From x Mon Mar  3 {hour}:00:00 2025\nFrom: a@ex.org\nMessage-ID: <{id}>\nReferences: {refs}\n\n{id}\n\n"
        )
    };
    let reading = read_mbox((mail("b@x", "<a@x>", 12) + &mail("c@x", "<a@x>", 11)).as_bytes(), "m");
    assert_eq!(reading.threads.iter().map(texts).collect::<Vec<_>>(), [["c@x", "b@x"]]);
    let circle = read_mbox((mail("a@x", "<b@x>", 10) + &mail("b@x", "<a@x>", 11)).as_bytes(), "m");
    let links = circle.threads[0].messages.iter().filter(|m| m.reply_to.is_some()).count();
    assert_eq!((circle.threads[0].messages.len(), links), (2, 1));
}

#[test]
fn authors_are_read_in_every_form() {
    for (from, name) in [
        ("Ann Lee <ann@ex.org>", "Ann Lee"),
        ("\"Lee, Ann\" <ann@ex.org>", "Lee, Ann"),
        ("ann at ex.org (Ann Lee)", "Ann Lee"),
        ("ann@ex.org (Ann (Annie) Lee)", "Ann (Annie) Lee"),
        ("\"Lee, Ann\"   ann@EX.ORG", "Lee, Ann"),
        ("ann@ex.org", "ann"),
        ("<ann@ex.org>", "ann"),
        ("\"ann@ex.org\" <ann@ex.org>", "ann"),
        ("'Ann Lee' via Tools <tools@lists.ex.org>", "Ann Lee"),
    ] {
        assert_eq!(message::author(from).map(|a| a.name).as_deref(), Some(name), "{from}");
    }
    assert_eq!(message::author(""), None);
}

#[test]
fn robots_are_told_from_people() {
    let bot = |head: &str| read_eml(&eml(head, "hi"), "x").threads[0].messages[0].bot;
    assert!(bot("Auto-Submitted: auto-replied"));
    assert!(bot("X-Autoreply: yes"));
    assert!(!bot("Auto-Submitted: no"));
    assert!(!bot("Precedence: list"));
    assert!(read_eml(b"From: Shop <no-reply@ex.org>\nSubject: s\n\nhi", "x").threads[0].messages[0].bot);
}

#[test]
fn a_maildir_is_read_with_its_folders() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    for (path, id) in [("cur/1:2,S", "1"), ("new/2", "2"), (".Sent/cur/3", "3"), ("loose", "4"), ("tmp/5", "5")] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap())?;
        std::fs::write(path, eml(&format!("Message-ID: <{id}@x>\r\nDate: Mon, 3 Mar 2025 10:00:00 +0000"), "hi"))?;
    }
    std::fs::write(folder.path().join("uidlist"), "3 V1\n1 :1:2,S\n")?;
    assert!(is_maildir(folder.path()));
    let reading = read_maildir(folder.path())?;
    let mut ids: Vec<String> = reading.threads.iter().flat_map(|t| t.messages.iter().map(|m| m.id.clone())).collect();
    ids.sort();
    assert_eq!(ids, ["1@x", "2@x", "3@x", "4@x"]);
    assert!(read_maildir(&folder.path().join("absent")).is_err());
    Ok(())
}

#[test]
fn many_letters_keep_their_order_and_their_faults_their_places() {
    // More than one thread reads them.
    let mut mbox = String::new();
    for n in 1..=300 {
        let head = if n % 100 == 7 { String::new() } else { format!("From: Ann <ann@ex.org>\nMessage-ID: <{n}@x>\n") };
        mbox += &format!(
            "From ann@ex.org Mon Mar  3 10:{:02}:{:02} 2025\n{head}Subject: s{n}\n\nword {n}\n\n",
            n / 60,
            n % 60
        );
    }
    let reading = read_mbox(mbox.as_bytes(), "list");
    assert!(reading.faults.is_empty(), "{:?}", reading.faults);
    let said: Vec<&str> = reading.threads.iter().map(|t| t.messages[0].text.as_str()).collect();
    let sent: Vec<String> = (1..=300).map(|n| format!("word {n}")).collect();
    assert_eq!(said, sent);

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cur")).unwrap();
    for n in 0..200 {
        let bytes = if n % 50 == 3 { Vec::new() } else { eml(&format!("Message-ID: <{n}@x>"), "hi") };
        std::fs::write(folder.path().join(format!("cur/{n:03}")), bytes).unwrap();
    }
    let reading = read_maildir(folder.path()).unwrap();
    assert_eq!(reading.threads.iter().map(|t| t.messages.len()).sum::<usize>(), 196);
    let places: Vec<Option<&str>> = reading.faults.iter().map(|f| f.place.file.as_deref()).collect();
    assert_eq!(places, ["cur/003", "cur/053", "cur/103", "cur/153"].map(Some));
}

/// Compares with independent counts of real mail, in the folder that `BLUF_DATA` names.
#[test]
fn real_mail_is_counted_as_others_count_it() {
    let Some(data) = std::env::var_os("BLUF_DATA").map(PathBuf::from) else {
        eprintln!("skipped: BLUF_DATA names no folder of real mail");
        return;
    };
    let reference = std::fs::read(data.join("REFERENCE.json")).expect("REFERENCE.json is in the data folder");
    let reference: serde_json::Value = serde_json::from_slice(&reference).expect("REFERENCE.json is JSON");
    for (path, counts) in reference.as_object().expect("an object") {
        let file = data.join(path);
        let reading = if path.contains("mbox/") {
            read_mbox(&std::fs::read(&file).expect("an mbox"), path)
        } else if path.contains("maildir/") {
            read_maildir(&file).expect("a Maildir")
        } else {
            continue;
        };
        let messages: Vec<_> = reading.threads.iter().flat_map(|t| &t.messages).collect();
        let authors: std::collections::HashSet<_> = messages.iter().filter_map(|m| m.author.as_deref()).collect();
        let undated = messages.iter().filter(|m| m.sent_at.is_none()).count();
        let empty = messages.iter().filter(|m| m.text.is_empty()).count();
        eprintln!(
            "{path}: messages {} ({}) threads {} ({}) authors {} ({}) undated {undated} empty {empty} bots {} faults {}",
            messages.len(),
            counts["messages"],
            reading.threads.len(),
            counts["threads"],
            authors.len(),
            counts["authors"],
            messages.iter().filter(|m| m.bot).count(),
            reading.faults.len(),
        );
        for fault in &reading.faults {
            eprintln!("  {fault}");
        }
        assert_eq!(Some(messages.len() as u64), counts["messages"].as_u64(), "{path}");
    }
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0usize..4);
    prop::collection::vec(change, 0..30).prop_map(|changes| {
        let multipart = "From x Mon Mar  3 10:00:00 2025\nFrom: a@ex.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPGI+aGk8L2I+\n--b\nContent-Type: message/rfc822\n\nFrom: c@ex.org\n\nin\n--b--\n";
        let mut bytes = [LIST, "\n", multipart].concat().into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len() - 1).max(at))),
                _ => {
                    let piece = bytes[at..(at + usize::from(byte)).min(bytes.len())].to_vec();
                    bytes.extend(piece);
                }
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..600), mutated()]) {
        is_mbox(&bytes);
        is_eml(&bytes);
        read_eml(&bytes, "x");
        let reading = read_mbox(&bytes, "x");
        for message in reading.threads.iter().flat_map(|t| &t.messages) {
            crate::text::quote::own(&message.text, crate::domain::Kind::Email);
        }
    }
}
