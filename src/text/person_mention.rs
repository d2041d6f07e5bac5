//! Whom a sentence speaks to or asks something of: @handles, and participants' names where a request would put them.

use std::{collections::HashMap, ops::Range};

/// Handles that mean everybody.
const EVERYBODY: &[&str] = &["here", "channel", "everyone", "all", "team", "room", "group"];
/// Words after a name that make it the subject of a request or promise.
const AFTER: &[&str] = &[
    "can", "could", "would", "will", "should", "must", "may", "please", "to", "needs", "need", "has", "do", "did",
    "is", "are", "what", "any", "shall", "pls", "plz", "you",
];
/// Of these, the ones that need a second word to be a request.
const AFTER_PAIRS: &[(&str, &[&str])] = &[("has", &["to"]), ("is", &["to", "going"]), ("are", &["you"])];
/// Words before a name that hand something to that person.
const BEFORE: &[&str] = &[
    "can",
    "could",
    "would",
    "will",
    "should",
    "shall",
    "may",
    "must",
    "ask",
    "asking",
    "asked",
    "cc",
    "ping",
    "pinging",
    "assign",
    "assigning",
    "assigned",
    "let",
    "have",
    "get",
    "nudge",
    "remind",
    "waiting",
    "need",
    "needs",
    "hey",
    "hi",
    "hello",
    "dear",
    "thanks",
    "action",
    "owner",
    "assignee",
    "todo",
];
/// Little words that may stand between one of `BEFORE` and the name.
const LINKS: &[&str] = &["to", "for", "on", "with", "from", "please", "is"];
/// Words that may open a sentence before somebody is addressed.
const OPENINGS: &[&str] = &[
    "hey", "hi", "hello", "dear", "so", "and", "ok", "okay", "well", "thanks", "right", "but", "yeah", "um", "uh",
    "also",
];

/// The longest name that is looked for after an `@`. Bytes.
const LONGEST_NAME: usize = 80;

/// A person named in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name or handle, as bytes of the sentence, without its `@`.
    pub range: Range<usize>,
    /// The participant's name as the thread has it, or the handle as written.
    pub who: String,
}

/// The names of a thread's participants, ready to be looked for in many sentences.
pub struct Roll {
    /// Lower-case first word of a name, to the names that begin with it, longest first.
    names: HashMap<String, Vec<Name>>,
}

struct Name {
    /// Lower case.
    words: Vec<String>,
    who: String,
}

/// Whom `sentence` addresses or names as the one to act.
pub fn find(sentence: &str, participants: &[String]) -> Option<Mention> {
    Roll::new(participants).find(sentence)
}

impl Roll {
    pub fn new(participants: &[String]) -> Roll {
        let mut first_names: HashMap<String, usize> = HashMap::new();
        let full: Vec<Vec<String>> = participants.iter().map(|p| name_words(p)).collect();
        for words in &full {
            *first_names.entry(words.first().cloned().unwrap_or_default()).or_default() += 1;
        }
        let mut names: HashMap<String, Vec<Name>> = HashMap::new();
        for (words, who) in full.iter().zip(participants) {
            // A letter alone is no name, but may begin one: "J. Kim".
            let is_name = |word: &String| word.chars().count() >= 2;
            let Some(first) = words.first().filter(|first| is_name(first) || words.len() > 1) else { continue };
            let same = names.entry(first.clone()).or_default();
            same.push(Name { words: words.clone(), who: who.clone() });
            // A first name that two people share names neither of them.
            if words.len() > 1 && is_name(first) && first_names.get(first) == Some(&1) {
                same.push(Name { words: vec![first.clone()], who: who.clone() });
            }
        }
        for same in names.values_mut() {
            same.sort_by_key(|n| std::cmp::Reverse(n.words.len()));
        }
        Roll { names }
    }

    /// Whom `sentence` addresses or names as the one to act: the first handle, or else the first name in such a place.
    pub fn find(&self, sentence: &str) -> Option<Mention> {
        self.handle(sentence).or_else(|| self.name(sentence))
    }

    fn handle(&self, sentence: &str) -> Option<Mention> {
        for (at, _) in sentence.match_indices('@') {
            let before = sentence[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '@' | '.' | '/' | '_' | '-' | '`')) {
                continue;
            }
            let rest = &sentence[at + 1..];
            if let Some((length, who)) = self.in_full(rest) {
                return Some(Mention { range: at + 1..at + 1 + length, who: who.to_owned() });
            }
            let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-')).unwrap_or(rest.len());
            let handle = rest[..end].trim_end_matches(['.', '-', '_']);
            let lower = handle.to_lowercase();
            if handle.is_empty() || EVERYBODY.contains(&lower.as_str()) {
                continue;
            }
            let who = self.called(&lower).unwrap_or(handle).to_owned();
            return Some(Mention { range: at + 1..at + 1 + handle.len(), who });
        }
        None
    }

    /// The participant whose name of several words `text` begins with, and its bytes there: chats write so whom they notify.
    fn in_full(&self, text: &str) -> Option<(usize, &str)> {
        let text = &text[..text.floor_char_boundary(LONGEST_NAME)];
        let words = words(text);
        let lower: Vec<String> = words.iter().map(|range| text[range.clone()].to_lowercase()).collect();
        let mut same = self.names.get(lower.first()?)?.iter().filter(|name| name.words.len() > 1);
        let name = same.find(|name| lower.starts_with(&name.words))?;
        let (start, end) = (words.first()?.start, words.get(name.words.len() - 1)?.end);
        let is_one = start == 0 && !text[..end].contains([',', ';', ':', '?', '!', '\n']);
        is_one.then_some((end, name.who.as_str()))
    }

    /// The participant whose whole name or only first name is `word`.
    fn called(&self, word: &str) -> Option<&str> {
        let parts = name_words(word);
        self.names.get(parts.first()?)?.iter().find(|n| n.words == parts).map(|n| n.who.as_str())
    }

    fn name(&self, sentence: &str) -> Option<Mention> {
        if self.names.is_empty() {
            return None;
        }
        let words = words(sentence);
        let lower: Vec<String> = words.iter().map(|r| sentence[r.clone()].to_lowercase()).collect();
        for (at, word) in lower.iter().enumerate() {
            let here = self.names.get(word).into_iter().flatten();
            let Some(name) = here.into_iter().find(|n| lower[at..].starts_with(&n.words)) else { continue };
            let last = at + name.words.len() - 1;
            let range = words[at].start..words[last].end;
            if asked(sentence, &lower, at..last + 1, &range) {
                return Some(Mention { range, who: name.who.clone() });
            }
        }
        None
    }
}

/// Whether the name at `words[name]` stands where a request puts the one it is for.
fn asked(sentence: &str, words: &[String], name: Range<usize>, range: &Range<usize>) -> bool {
    let (before, after) = (sentence[..range.start].trim_end(), sentence[range.end..].trim_start());
    let first = words[..name.start].iter().all(|w| OPENINGS.contains(&w.as_str()));
    let set_off = after.starts_with([',', ':', ';', '-', '–', '—', '?']) || after.is_empty();
    if first && set_off && !words.is_empty() {
        return true;
    }
    let closing = after.is_empty() || after.chars().all(|c| !c.is_alphanumeric());
    if before.ends_with(',') && (closing || after.starts_with(',')) {
        return true;
    }
    let follows = words.get(name.end).map(String::as_str).unwrap_or("");
    if after.starts_with(char::is_alphanumeric) && AFTER.contains(&follows) {
        let second = words.get(name.end + 1).map(String::as_str).unwrap_or("");
        let pair = AFTER_PAIRS.iter().find(|(word, _)| *word == follows);
        if pair.is_none_or(|(_, seconds)| seconds.contains(&second)) {
            return true;
        }
    }
    if before.ends_with([',', ';', ')', '.']) {
        return false;
    }
    let mut earlier = words[..name.start].iter().rev().skip_while(|w| LINKS.contains(&w.as_str()));
    earlier.next().is_some_and(|w| BEFORE.contains(&w.as_str()))
}

/// The lower-case words of a name, without what stands in brackets or after an `@`: "Ana Petrova (Orchard)".
fn name_words(name: &str) -> Vec<String> {
    let name = name.trim_start_matches('@');
    let plain = name.split(['(', '<', '[', '@', '|']).next().unwrap_or("");
    words(plain).into_iter().map(|r| plain[r].to_lowercase()).collect()
}

/// Words, with the apostrophes, hyphens, dots and underscores that names and handles hold inside.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for (at, c) in text.char_indices() {
        match (&mut open, c.is_alphanumeric() || c == '_') {
            (Some(word), true) => word.end = at + c.len_utf8(),
            (None, true) => open = Some(at..at + c.len_utf8()),
            (Some(word), false) if c == '-' && word.end == at && joins(&text[at + 1..]) => {}
            _ => words.extend(open.take()),
        }
    }
    words.extend(open);
    words
}

fn joins(after: &str) -> bool {
    after.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sentence: &str, who: Option<&str>) {
        let participants = ["Ana Petrova", "Raj Iyer (Orchard)", "kim_l", "Marketing Expert", "Jean-Luc Moreau"];
        let participants: Vec<String> = participants.iter().map(|p| p.to_string()).collect();
        let found = find(sentence, &participants);
        assert_eq!(found.as_ref().map(|m| m.who.as_str()), who, "{sentence}");
        if let Some(mention) = found {
            assert!(!sentence[mention.range].contains('@'));
        }
    }

    #[test]
    fn people_who_are_asked_are_found() {
        check("Ana, can you look at this?", Some("Ana Petrova"));
        check("could Raj please send the notes", Some("Raj Iyer (Orchard)"));
        check("kim_l: try the other port", Some("kim_l"));
        check("Can you do that, Ana?", Some("Ana Petrova"));
        check("Raj to write the minutes", Some("Raj Iyer (Orchard)"));
        check("I'd ask Jean-Luc about it", Some("Jean-Luc Moreau"));
        check("Marketing Expert, what do you think?", Some("Marketing Expert"));
        check("We are waiting on Ana Petrova for the keys", Some("Ana Petrova"));
        check("Assigned to Raj.", Some("Raj Iyer (Orchard)"));
    }

    #[test]
    fn handles_are_found() {
        check("@ana please look", Some("Ana Petrova"));
        check("ping @someone-else.", Some("someone-else"));
        check("thanks @here", None);
        check("write to ana@example.org", None);
        check("see `@context` there", None);
    }

    /// Chats write a notified person's name as it is shown.
    #[test]
    fn a_handle_may_be_a_name_of_several_words() {
        let people: Vec<String> = ["J. Kim", "Jo Berg", "Jo", "Ana Petrova"].map(str::to_owned).into();
        let asked = |sentence: &str| {
            let mention = find(sentence, &people)?;
            Some((mention.who, sentence[mention.range].to_owned()))
        };
        let found = |who: &str, as_written: &str| Some((who.to_owned(), as_written.to_owned()));
        assert_eq!(asked("@J. Kim: in the summer?"), found("J. Kim", "J. Kim"));
        assert_eq!(asked("@jo berg can you?"), found("Jo Berg", "jo berg"));
        assert_eq!(asked("@Jo can you?"), found("Jo", "Jo"));
        assert_eq!(asked("@Ana, Petrova said so. Can you?"), found("Ana Petrova", "Ana"));
        assert_eq!(asked("@J can you?"), found("J", "J"));
    }

    #[test]
    fn people_who_are_only_spoken_of_are_not() {
        check("I saw Ana yesterday.", None);
        check("The marketing plan can wait.", None);
        check("Banana, can you believe it", None);
        check("", None);
    }

    #[test]
    fn a_first_name_two_people_share_names_neither() {
        let both = ["Ana Petrova".to_owned(), "Ana Lima".to_owned()];
        assert_eq!(find("Ana, can you?", &both), None);
        assert_eq!(find("Ana Lima, can you?", &both).map(|m| m.who), Some("Ana Lima".to_owned()));
    }
}
