//! Letters become threads: by the references they carry, else by subject, and in the order they were sent.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use jiff::{Timestamp, tz::TimeZone};
use regex::Regex;

use super::message::Letter;
use crate::{
    domain::{Event, Kind, Message, Moment, Thread, WENT_ON},
    pattern::compiled,
};

/// A reply without references joins an earlier message of its subject no older than this.
const SUBJECT_SECS: i64 = 60 * 24 * 3600;
/// A letter of another thread, but of the same subject, goes on with a thread that ended no longer ago than this.
const GOES_ON_SECS: i64 = 14 * 24 * 3600;
/// Of so many such letters at most.
const MOST_LOOKED_AT: usize = 64;

/// Puts letters into threads, in the order in which each thread first appears.
///
/// References and In-Reply-To decide, and a message that nobody has still joins those that name it. The subject decides
/// only for a reply that names nothing.
pub(super) fn threads(letters: Vec<Letter>, input: &str) -> Vec<Thread> {
    let tags = tags(&letters);
    let subjects: Vec<Subject> = letters.iter().map(|l| Subject::of(&l.subject, &tags)).collect();
    let mut by_id: HashMap<&str, usize> = HashMap::with_capacity(letters.len());
    for (n, letter) in letters.iter().enumerate() {
        if let Some(id) = &letter.id {
            by_id.entry(id).or_insert(n);
        }
    }
    let parents = parents(&letters, &by_id);
    let sent = sent(&letters, &parents);
    let mut groups = grouped(&letters, &subjects, &sent);
    for group in &mut groups {
        group.sort_by_key(|&n| (sent[n], letters[n].sent_at.is_none(), n));
    }
    let ids = message_ids(&letters, input);
    let names = names(&letters);
    let mut letters: Vec<Option<Letter>> = letters.into_iter().map(Some).collect();
    let source = stem(input);
    let thread = |group: Vec<usize>| {
        let root = group.iter().copied().find(|&n| parents[n].is_none()).or(group.first().copied())?;
        let list = group.iter().find_map(|&n| letters[n].as_ref()?.list.clone());
        let messages: Vec<Message> = group
            .iter()
            .filter_map(|&n| {
                let letter = letters[n].take()?;
                let author_id = letter.author.as_ref().map(|a| a.address.clone()).filter(|address| !address.is_empty());
                let author =
                    letter.author.map(|a| names.get(&a.address).filter(|n| a.may_be(n)).cloned().unwrap_or(a.name));
                let reply_to = parents[n].map(|p| ids[p].clone());
                Some(Message {
                    id: ids[n].clone(),
                    author,
                    author_id,
                    sent_at: letter.sent_at,
                    text: letter.text,
                    reply_to,
                    edited_at: None,
                    bot: letter.bot,
                })
            })
            .collect();
        let mut seen = HashSet::new();
        let participants =
            messages.iter().filter_map(|m| m.author.clone()).filter(|a| seen.insert(a.clone())).collect();
        Some(Thread {
            source: list.clone().unwrap_or_else(|| source.to_owned()),
            kind: Kind::Email,
            id: ids[root].clone(),
            title: subjects[root].base.clone(),
            url: None,
            channel: list,
            participants,
            messages,
            events: Vec::new(),
            as_of: None,
        })
    };
    let mut threads: Vec<Thread> = groups.into_iter().filter_map(thread).collect();
    go_on(&mut threads);
    threads
}

/// Says of each thread who wrote on under its subject in another one, once its own letters end: some mail programs, and
/// archives with gaps, tear a thread apart.
fn go_on(threads: &mut [Thread]) {
    let key = |thread: &Thread| thread.title.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut by_subject: HashMap<String, Vec<(Timestamp, usize, Event)>> = HashMap::new();
    for (n, thread) in threads.iter().enumerate().filter(|(_, thread)| !thread.title.is_empty()) {
        let said = thread.messages.iter().filter(|message| !message.bot);
        let events = said.filter_map(|message| {
            let event =
                Event { at: message.sent_at, kind: WENT_ON.to_owned(), actor: message.author.clone(), subject: None };
            Some((instant(message.sent_at?)?, n, event))
        });
        by_subject.entry(key(thread)).or_default().extend(events);
    }
    by_subject.values_mut().for_each(|said| said.sort_by_key(|(at, n, _)| (*at, *n)));
    for (n, thread) in threads.iter_mut().enumerate() {
        let Some(said) = by_subject.get(&key(thread)) else { continue };
        let Some(last) = thread.messages.last() else { continue };
        let Some(end) = last.sent_at.and_then(instant) else { continue };
        let later = &said[said.partition_point(|(at, ..)| *at <= end)..];
        let mut soon =
            later.iter().take(MOST_LOOKED_AT).filter(|(at, ..)| at.as_second() - end.as_second() <= GOES_ON_SECS);
        let next = soon.find(|(_, of, event)| *of != n && event.actor != last.author);
        thread.events.extend(next.map(|(_, _, event)| event.clone()));
    }
}

/// A subject without what mail programs and lists put before it.
struct Subject {
    base: String,
    is_reply: bool,
}

impl Subject {
    fn of(subject: &str, tags: &HashSet<String>) -> Subject {
        static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
            let words = "re|aw|sv|vs|antw|antwort|ref|res|rif|odp|ynt|回复|答复|回覆|返信|fwd?|wg|tr|enc|rv|转发|轉寄";
            compiled(&format!(r"(?i)^(?:{words})\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*"))
        });
        let mut rest = subject.trim();
        if let Some(inner) = rest.strip_prefix('\'').map(|r| r.strip_suffix('\'').unwrap_or(r)) {
            rest = inner;
        }
        let mut is_reply = false;
        loop {
            let before = rest.len();
            if let Some(prefix) = PREFIX.find(rest) {
                is_reply = true;
                rest = &rest[prefix.end()..];
            }
            if let Some((_, after)) = leading_tag(rest).filter(|(tag, _)| tags.contains(&tag.to_lowercase())) {
                rest = after;
            }
            if rest.len() == before {
                break;
            }
        }
        Subject { base: rest.trim_end_matches("(fwd)").trim().to_owned(), is_reply }
    }

    fn key(&self) -> String {
        self.base.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// `[tag] rest`, split.
fn leading_tag(subject: &str) -> Option<(&str, &str)> {
    let (tag, rest) = subject.strip_prefix('[')?.split_once(']')?;
    (!tag.is_empty() && tag.len() <= 40).then(|| (tag, rest.trim_start()))
}

/// Tags that lists put into subjects: those that more than half of the subjects carry, unless they say something.
fn tags(letters: &[Letter]) -> HashSet<String> {
    const SAYING: [&str; 7] = ["patch", "rfc", "ann", "announce", "bug", "vote", "discuss"];
    let mut seen: HashMap<String, usize> = HashMap::new();
    for letter in letters {
        let tagged = letter.subject.split('[').nth(1).and_then(|t| t.split_once(']'));
        if let Some((tag, _)) = tagged {
            *seen.entry(tag.to_lowercase()).or_default() += 1;
        }
    }
    let lists: HashSet<String> = letters.iter().filter_map(|l| Some(l.list.as_ref()?.to_lowercase())).collect();
    let usual = |tag: &str, n: usize| n >= 3 && n * 2 > letters.len() || lists.contains(tag);
    seen.into_iter().filter(|(tag, n)| usual(tag, *n) && !SAYING.contains(&tag.as_str())).map(|(tag, _)| tag).collect()
}

/// The message each letter answers, where it is here. Letters that answer each other in a circle lose one link.
fn parents(letters: &[Letter], by_id: &HashMap<&str, usize>) -> Vec<Option<usize>> {
    let mut parents: Vec<Option<usize>> = letters
        .iter()
        .enumerate()
        .map(|(n, l)| {
            l.chain
                .iter()
                .rev()
                .find_map(|id| by_id.get(id.as_str()).copied().filter(|&p| p != n && letters[p].id != l.id))
        })
        .collect();
    let mut visit = vec![0usize; letters.len()];
    for start in 0..letters.len() {
        let mut n = start;
        while visit[n] == 0 {
            visit[n] = start + 1;
            match parents[n] {
                Some(next) if visit[next] == start + 1 => parents[n] = None,
                Some(next) => n = next,
                None => break,
            }
        }
    }
    parents
}

/// When each letter was sent, for ordering: an undated one with the letter it answers, else with the one before it.
fn sent(letters: &[Letter], parents: &[Option<usize>]) -> Vec<Timestamp> {
    let mut sent: Vec<Option<Timestamp>> = letters.iter().map(|l| l.sent_at.and_then(instant)).collect();
    for start in 0..letters.len() {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(n) = at.filter(|&n| sent[n].is_none()) {
            path.push(n);
            at = parents[n];
        }
        let known =
            at.and_then(|n| sent[n]).or_else(|| start.checked_sub(1).and_then(|n| sent[n])).unwrap_or(Timestamp::MIN);
        for n in path {
            sent[n] = Some(known);
        }
    }
    sent.into_iter().map(|s| s.unwrap_or(Timestamp::MIN)).collect()
}

/// A civil time without a zone is ordered as if it were UTC.
fn instant(moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::Local(at) => Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp()),
        other => other.instant(),
    }
}

/// The letters of each thread, threads in the order of their first letter.
fn grouped(letters: &[Letter], subjects: &[Subject], sent: &[Timestamp]) -> Vec<Vec<usize>> {
    let mut nodes: HashMap<&str, usize> = HashMap::new();
    let mut sets = Sets::new(letters.len());
    for (n, letter) in letters.iter().enumerate() {
        for id in letter.id.iter().chain(&letter.chain) {
            let node = *nodes.entry(id).or_insert_with(|| sets.add());
            sets.join(n, node);
        }
    }
    let mut by_subject: HashMap<String, Vec<usize>> = HashMap::new();
    for (n, subject) in subjects.iter().enumerate().filter(|(_, s)| !s.base.is_empty()) {
        by_subject.entry(subject.key()).or_default().push(n);
    }
    for same in by_subject.values_mut() {
        same.sort_by_key(|&n| (sent[n], Reverse(n)));
        for pair in same.windows(2) {
            let [before, reply] = [pair[0], pair[1]];
            let near = sent[reply].as_second().saturating_sub(sent[before].as_second()) <= SUBJECT_SECS;
            if subjects[reply].is_reply && letters[reply].chain.is_empty() && near {
                sets.join(before, reply);
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_root: HashMap<usize, usize> = HashMap::new();
    for n in 0..letters.len() {
        let group = *of_root.entry(sets.root(n)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(n);
    }
    groups
}

/// Disjoint sets by union and path halving.
struct Sets {
    above: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Sets {
        Sets { above: (0..count).collect() }
    }

    fn add(&mut self) -> usize {
        self.above.push(self.above.len());
        self.above.len() - 1
    }

    fn root(&mut self, mut n: usize) -> usize {
        while self.above[n] != n {
            self.above[n] = self.above[self.above[n]];
            n = self.above[n];
        }
        n
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.above[b] = a;
    }
}

/// Message ids as bluf gives them: a second message of the same id is kept under `id#2`, one without gets its place.
fn message_ids(letters: &[Letter], input: &str) -> Vec<String> {
    let mut taken: HashMap<String, usize> = HashMap::with_capacity(letters.len());
    let fresh = |letter: &Letter| letter.id.clone().unwrap_or_else(|| format!("{}#{}", stem(input), letter.item));
    letters
        .iter()
        .map(|letter| {
            let id = fresh(letter);
            let times = taken.entry(id.clone()).or_default();
            *times += 1;
            if *times == 1 { id } else { format!("{id}#{times}") }
        })
        .collect()
}

/// The display name that an address first goes with, for letters that carry the address alone or another spelling.
fn names(letters: &[Letter]) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for author in letters.iter().filter_map(|l| l.author.as_ref()).filter(|a| a.named && !a.address.is_empty()) {
        names.entry(author.address.clone()).or_insert_with(|| author.name.clone());
    }
    names
}

/// A file's name without folders and without the ending that says what it is.
fn stem(input: &str) -> &str {
    let name = input.rsplit(['/', '\\']).next().unwrap_or(input);
    [".mbox", ".mbx", ".eml", ".txt"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .filter(|n| !n.is_empty())
        .unwrap_or(name)
}
