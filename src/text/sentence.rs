//! Where sentences begin and end, as byte ranges: in prose, wrapped mail, lists, chat and speech.

use std::{iter, ops::Range};

/// A sentence is cut here, at a word boundary, so that a line without stops is still read in pieces an encoder can hold.
const MAX_CHARS: usize = 600;
/// Text is wrapped at 60 to 140 columns: a longer line was never wrapped, and a message of shorter lines is not wrapped.
const WRAP_COLUMNS: Range<usize> = 60..141;
/// A line at least this long whose next line goes on in lower case is one sentence, whatever the columns say.
const RUN_ON_CHARS: usize = 40;
/// The longest word looked at when a full stop may belong to an abbreviation.
const MAX_WORD_BYTES: usize = 24;

/// Before a name or a number these never end a sentence.
const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "sr", "rev", "gen", "sen", "rep", "gov", "capt", "lt", "col", "sgt", "hon",
    "vs", "cf", "fig", "figs", "eq", "sec", "ch", "vol", "pp", "ca", "approx", "resp", "e.g", "i.e", "eg", "ie", "viz",
];
/// These end a sentence only where the next word can open one.
const ABBREVIATIONS: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "dept", "est", "jr", "al", "a.m", "p.m", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri",
    "max", "min", "ver", "govt", "assn", "ext", "tel", "ave", "blvd", "dist", "orig", "misc", "temp",
];
/// These are abbreviations before a number, and words elsewhere.
const BEFORE_NUMBER: &[&str] = &["no", "nos", "p", "art", "v", "ver", "rel", "build", "par", "para"];
/// Words that open a sentence far more often than they follow an abbreviation.
const OPENERS: &[&str] = &[
    "the", "we", "it", "this", "that", "these", "those", "they", "he", "she", "you", "i", "but", "and", "so", "please",
    "can", "could", "would", "if", "in", "there", "what", "when", "how", "why", "who", "let", "then", "also", "my",
    "our", "your", "thanks", "however", "for", "on", "at", "as", "a", "an", "is", "are", "do", "does", "not", "no",
    "yes",
];

/// The sentences of `text[within]` in order, trimmed, as byte ranges of `text`. Every byte that is not white space is
/// in exactly one of them. Bounds inside a character are moved left to its start.
pub fn split(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let end = text.floor_char_boundary(within.end);
    let start = text.floor_char_boundary(within.start.min(end));
    let mut sentences = Vec::new();
    for paragraph in paragraphs(text, start..end) {
        let first = sentences.len();
        let mut from = paragraph.start;
        for stop in stops(text, paragraph.clone()).chain(iter::once(paragraph.end)) {
            push(text, from..stop, first, &mut sentences);
            from = stop;
        }
    }
    sentences
}

/// Adds a trimmed piece: wordless ones ("🎉", "***") stay with the sentence before, over-long ones are cut.
fn push(text: &str, piece: Range<usize>, first: usize, sentences: &mut Vec<Range<usize>>) {
    let mut piece = trim(text, piece);
    if piece.is_empty() {
        return;
    }
    let wordless = |p: &Range<usize>| p.len() <= MAX_CHARS && !text[p.clone()].contains(char::is_alphanumeric);
    if let Some(last) = sentences.get_mut(first..).and_then(<[_]>::last_mut)
        && piece.end - last.start <= MAX_CHARS
        && wordless(&piece)
    {
        last.end = piece.end;
        return;
    }
    while let Some(cut) = over_long(&text[piece.clone()]) {
        let head = trim(text, piece.start..piece.start + cut);
        piece = trim(text, piece.start + cut..piece.end);
        sentences.push(head);
    }
    sentences.push(piece);
}

/// Where a piece of more than `MAX_CHARS` is cut: after its last space within them, or at the limit.
fn over_long(piece: &str) -> Option<usize> {
    let (limit, _) = piece.char_indices().nth(MAX_CHARS)?;
    let space = piece[..limit].char_indices().rev().find(|(_, c)| c.is_whitespace());
    Some(space.map_or(limit, |(at, c)| at + c.len_utf8()))
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}

/// Runs of lines that may share a sentence: broken at blank lines, list items, headings and hard line ends.
fn paragraphs(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let lines = lines(text, within);
    let columns = lines.iter().map(|l| columns(&text[l.clone()])).filter(|c| WRAP_COLUMNS.contains(c)).max();
    let columns = columns.unwrap_or(WRAP_COLUMNS.start);
    let mut paragraphs: Vec<Range<usize>> = Vec::new();
    let mut before: Option<&str> = None;
    for line in lines {
        let words = text[line.clone()].trim();
        match (before, paragraphs.last_mut()) {
            (Some(above), Some(last)) if goes_on(above, words, columns) => last.end = line.end,
            _ if !words.is_empty() => paragraphs.push(line),
            _ => {}
        }
        before = (!words.is_empty()).then_some(words);
    }
    paragraphs
}

fn lines(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let mut at = within.start;
    text[within]
        .split_inclusive(['\n', '\r', '\u{2028}', '\u{2029}'])
        .map(|line| {
            at += line.len();
            at - line.len()..at
        })
        .collect()
}

/// Characters of a line, counted no further than matters.
fn columns(line: &str) -> usize {
    line.trim().chars().take(WRAP_COLUMNS.end).count()
}

/// Whether `line` continues the sentence of the line `above` it: its first word would not have fitted there, or it
/// goes on in lower case.
fn goes_on(above: &str, line: &str, columns_wide: usize) -> bool {
    if line.is_empty() || opens_block(line) || is_heading(above) || is_rule(above) || above.ends_with('|') {
        return false;
    }
    let long = columns(above);
    let lower = line.starts_with(char::is_lowercase) && !above.ends_with(['.', '!', '?', ':', ',']);
    let first_word = line.split_whitespace().next().map_or(0, columns);
    let wrapped = WRAP_COLUMNS.end > long && long + 1 + first_word > columns_wide;
    wrapped || (lower && (RUN_ON_CHARS..WRAP_COLUMNS.end).contains(&long))
}

/// A list item, a heading, a quotation mark or a table row: what never continues the line above.
fn opens_block(line: &str) -> bool {
    let rest = line.trim_start_matches(['-', '*', '+', '•', '–', '—', '‣', '◦', '·', '☐', '☑']);
    let bullet = rest.len() < line.len() && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    bullet || is_heading(line) || is_rule(line) || numbered(line).is_some() || line.starts_with(['>', '|'])
}

fn is_heading(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    rest.len() < line.len() && rest.starts_with(' ')
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.bytes().all(|b| matches!(b, b'-' | b'=' | b'_' | b'*' | b'~' | b'`' | b'#'))
}

/// Bytes of a leading item number: `12.`, `3)`, `(a)`, `2.1`. A decimal that starts a line ("3.5 GB") is not one.
fn numbered(line: &str) -> Option<usize> {
    let open = usize::from(line.starts_with('('));
    let rest = &line[open..];
    let name = rest.find(|c: char| !c.is_ascii_alphanumeric()).filter(|n| (1..=3).contains(n))?;
    let digits = rest[..name].bytes().all(|b| b.is_ascii_digit());
    let letter = name == 1 && rest.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let close = rest[name..].starts_with(')') || (open == 0 && digits && rest[name..].starts_with('.'));
    let spaced = rest.get(name + 1..).is_some_and(|r| r.is_empty() || r.starts_with(char::is_whitespace));
    ((digits || letter) && close && spaced).then_some(open + name + 1)
}

/// The byte after each stop that ends a sentence inside one paragraph.
fn stops(text: &str, paragraph: Range<usize>) -> impl Iterator<Item = usize> {
    let piece = &text[paragraph.clone()];
    let lead = piece.len() - piece.trim_start().len();
    let item = lead + numbered(&piece[lead..]).unwrap_or(0);
    let mut chars = piece.char_indices().skip_while(move |(at, _)| *at < item).peekable();
    iter::from_fn(move || {
        while let Some((at, stop)) = chars.next() {
            if !is_stop(stop) {
                continue;
            }
            let mut run = Run { start: at, end: at + stop.len_utf8(), question: is_ask(stop), quoted: false };
            while let Some((at, c)) = chars.next_if(|(_, c)| is_stop(*c) || closes(*c)) {
                run.end = at + c.len_utf8();
                run.question |= is_ask(c);
                run.quoted |= closes(c);
            }
            if ends(piece, &run) {
                return Some(paragraph.start + run.end);
            }
        }
        None
    })
}

/// A stop with the stops, quotes and brackets that follow it.
struct Run {
    start: usize,
    end: usize,
    question: bool,
    quoted: bool,
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…') || is_wide_stop(c)
}

fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '।' | '؟')
}

fn is_ask(c: char) -> bool {
    matches!(c, '!' | '?')
}

fn closes(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}' | '」' | '』' | '）' | '*' | '_' | '`')
}

fn ends(piece: &str, run: &Run) -> bool {
    let (mark, after) = (&piece[run.start..run.end], &piece[run.end..]);
    if mark.contains(is_wide_stop) {
        return true;
    }
    if !after.starts_with(char::is_whitespace) {
        return false;
    }
    let next = after.trim_start().trim_start_matches(|c: char| !c.is_alphanumeric() && !c.is_whitespace());
    if next.is_empty() {
        return true;
    }
    if run.question {
        let goes_on = run.quoted || names_code(&piece[..run.start]);
        return !(goes_on && next.starts_with(char::is_lowercase));
    }
    if mark.starts_with('…') || mark.starts_with("..") {
        return next.starts_with(char::is_uppercase) && first_word(next) != "i";
    }
    let goes_on = run.quoted && next.starts_with(char::is_lowercase);
    !goes_on && !abbreviated(&piece[..run.start], next)
}

/// Whether the word before a mark is one of a program, which may have the mark in its name: "the debug_assert! macro".
fn names_code(before: &str) -> bool {
    let window = &before[before.ceil_char_boundary(before.len().saturating_sub(MAX_WORD_BYTES))..];
    window.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().is_some_and(|word| word.contains('_'))
}

/// Whether the word before a full stop is one that keeps its stop when the sentence goes on with `next`.
fn abbreviated(before: &str, next: &str) -> bool {
    let window = &before[before.ceil_char_boundary(before.len().saturating_sub(MAX_WORD_BYTES))..];
    let word = window.rsplit(|c: char| !c.is_alphanumeric() && c != '.').next().unwrap_or("");
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    if TITLES.contains(&lower) || (BEFORE_NUMBER.contains(&lower) && next.starts_with(|c: char| c.is_ascii_digit())) {
        return true;
    }
    let initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase) && word != "I";
    let dotted = lower.len() >= 3 && lower.split('.').all(|part| part.len() == 1);
    if !(initial || dotted || ABBREVIATIONS.contains(&lower)) {
        return false;
    }
    !(next.starts_with(char::is_uppercase) && OPENERS.contains(&first_word(next).as_str()))
}

fn first_word(text: &str) -> String {
    text.chars().take(MAX_WORD_BYTES).take_while(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, sentences: &[&str]) {
        let got: Vec<&str> = split(text, 0..text.len()).into_iter().map(|r| &text[r]).collect();
        assert_eq!(got, sentences);
    }

    #[test]
    fn prose_ends_at_stops() {
        check("We ship today. Any objections? None!", &["We ship today.", "Any objections?", "None!"]);
        check("it broke again. can you look?", &["it broke again.", "can you look?"]);
        check("\"Is it done?\" she asked. (It was.) Good.", &["\"Is it done?\" she asked.", "(It was.)", "Good."]);
        check("Wait, what?! Really.", &["Wait, what?!", "Really."]);
        check("Thanks. Done! 🎉 :)", &["Thanks.", "Done! 🎉 :)"]);
    }

    #[test]
    fn a_stop_inside_a_sentence_is_not_its_end() {
        check("Ask Mr. Okoro or Dr. Lindqvist, e.g. today.", &["Ask Mr. Okoro or Dr. Lindqvist, e.g. today."]);
        check("It costs 3.50 on v1.2. See notes.txt first.", &["It costs 3.50 on v1.2.", "See notes.txt first."]);
        check(
            "Shipped from the U.S. to J. R. Vance etc. by sea.",
            &["Shipped from the U.S. to J. R. Vance etc. by sea."],
        );
        check("We sell in the U.S. We also sell here.", &["We sell in the U.S.", "We also sell here."]);
        check("Read https://example.org/a.b?c=d. Then reply.", &["Read https://example.org/a.b?c=d.", "Then reply."]);
        check("I thought... maybe not. Hm… I see.", &["I thought... maybe not.", "Hm… I see."]);
        check("See No. 5 first. No. Not that one.", &["See No. 5 first.", "No.", "Not that one."]);
        check("Use the debug_assert! macro. it works! yes", &["Use the debug_assert! macro.", "it works!", "yes"]);
    }

    #[test]
    fn wrapped_mail_is_joined_and_short_lines_are_not() {
        let wrapped = "Hello Ana,\nthe build for the second release is red since this morning and nobody\n\
                       has looked at it yet. Could you?\n\nThanks,\nRaj";
        check(
            wrapped,
            &[
                "Hello Ana,",
                "the build for the second release is red since this morning and nobody\nhas looked at it yet.",
                "Could you?",
                "Thanks,",
                "Raj",
            ],
        );
        check("lunch?\nsure\nat noon", &["lunch?", "sure", "at noon"]);
        check("one\r\n\r\ntwo", &["one", "two"]);
    }

    #[test]
    fn list_items_and_headings_stand_alone() {
        check(
            "# Plan\n- buy pipes\n- call Kim. Soon.\n1. first\n2) second\n* third",
            &["# Plan", "- buy pipes", "- call Kim.", "Soon.", "1. first", "2) second", "* third"],
        );
    }

    #[test]
    fn wide_stops_need_no_space() {
        check("今日出荷します。質問は？なし", &["今日出荷します。", "質問は？", "なし"]);
    }

    #[test]
    fn a_line_without_end_is_cut_at_words() {
        let text = "word ".repeat(200_000);
        let sentences = split(&text, 0..text.len());
        assert!(sentences.iter().all(|r| r.len() <= MAX_CHARS && text[r.clone()].ends_with("word")));
        assert_eq!(sentences.iter().map(|r| text[r.clone()].split(' ').count()).sum::<usize>(), 200_000);
        let solid = "é".repeat(1_000_000);
        assert_eq!(split(&solid, 0..solid.len()).iter().map(|r| r.len()).sum::<usize>(), solid.len());
        let dots = ".".repeat(1_000_000);
        assert_eq!(split(&dots, 0..dots.len()).iter().map(|r| r.len()).sum::<usize>(), dots.len());
    }

    #[test]
    fn only_the_asked_part_is_split() {
        assert_eq!(split("One. Two. Three.", 5..10), vec![5..9]);
        assert!(split("", 0..0).is_empty());
        assert_eq!(split("é", 0..99), vec![0..2]);
    }

    proptest! {
        #[test]
        fn ranges_are_ordered_disjoint_and_lose_nothing(
            text in "([a-zA-Z0-9 .,!?…\"'()\n\r\t*#>|é。？-]|Mr\\. |etc\\. |\n\n){0,200}",
            cut in (0usize..260, 0usize..260),
        ) {
            let (start, end) = (cut.0.min(cut.1).min(text.len()), cut.0.max(cut.1).min(text.len()));
            let (start, end) = (text.floor_char_boundary(start), text.floor_char_boundary(end));
            let sentences = split(&text, start..end);
            let mut covered = vec![false; text.len()];
            let mut last = start;
            for range in &sentences {
                prop_assert!(last <= range.start && range.start < range.end && range.end <= end);
                prop_assert_eq!(text[range.clone()].trim(), &text[range.clone()]);
                covered[range.clone()].fill(true);
                last = range.end;
            }
            for (at, c) in text.char_indices().filter(|(at, _)| (start..end).contains(at)) {
                prop_assert!(c.is_whitespace() || covered[at], "{at} {c:?} is in no sentence");
            }
        }
    }
}
