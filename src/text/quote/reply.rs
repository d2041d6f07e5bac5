//! Quoted replies and forwarded messages: `>` lines, the header above them, and everything under a header that stands alone.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    Why,
    lines::{Lines, Sure},
};
use crate::pattern::compiled;

/// An attribution is wrapped over at most this many lines.
const ATTRIBUTION_LINES: usize = 4;
/// A line longer than this is no attribution and no header.
const HEADER_BYTES: usize = 1_000;

const VERBS: &str = r"wrote|writes|said|schrieb|schreibt|a\sécrit|escribió|escribio|ha\sscritto|escreveu|schreef|skrev|kirjoitti|napisał\(a\)|napisała?|napsal(?:\(a\))?|написала?|написал\(а\)|пишет|пише|írta|a\sscris|yazdı|έγραψε|写道|書きました|님이\s작성";

/// "On Monday Ann wrote:" in the languages mail programs speak: it begins with a word for the day or with the day, so it is
/// known when it is wrapped. It ends with a colon.
static DATED: LazyLock<Regex> = LazyLock::new(|| {
    let heads = r"On|Am|Le|El|Il|Em|Op|Den|Dne|W\sdniu|Dnia|At|In\smessage|In\sarticle|Στις|Vào";
    compiled(&format!(
        r"(?isx)^[\s-]*(?:
            (?:{heads})\b .* (?:{VERBS})\s*[:：]
          | (?:{heads})\b .* \b(?:schrieb|schreibt|schreef|skrev|hat|pisze|escribió)\s .{{1,120}} [:：]
          | \d{{1,4}}[./年-]\s?\d{{1,2}} .* (?:{VERBS}|[>\x22]\s*)\s*[:：]
          | [\p{{L}}]{{2,4}},?\s\d .* <[^<>\s]+@[^<>\s]+>\s*[:：]
        )\s*$"
    ))
});

/// "Ann Lee wrote:" with the name first, on one line: over two it could begin anywhere in the prose above.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"(?i)^\s*[\p{{L}}\x22'<*].{{0,120}}\s(?:{VERBS})\s*[:：]\s*$")));

/// A day and a name, or a name alone, with whatever verb the writer likes. Only a quote right below makes it an
/// attribution.
static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"^\s*(?:On\s.{0,120}\d{4}.{0,120}\s\p{Ll}+|(?:\p{Lu}[\p{L}'’.-]+\s){1,4}\p{Ll}+ed|(?:\p{Lu}[\p{L}'’.-]+\s){1,4}(?:said|says|asks|adds))\s?:\s*$",
    )
});

/// A line without a mark between two with one is the quote's only if it has this many words: "yes but" may be an answer.
const UNMARKED_WORDS: usize = 5;

/// What writers put where they cut a quote.
static CUT: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)^\s*(?:\[(?:\.\.\.|…|snip(?:ped)?|cut|deleted)\]|<(?:snip(?:ped)?|cut)>)\s*$"));

/// Prompts of programs, which look like initials.
const PROMPTS: [&str; 14] =
    ["sql", "mysql", "sqlite", "psql", "ftp", "gdb", "lldb", "idl", "irb", "octave", "scala", "ghci", "mongo", "redis"];

/// A rule that mail programs put over the message replied to or forwarded.
static DIVIDER: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^[\s>]*(?:
            -{2,}\s*(?:original\ message|original\ appointment|forwarded\ message|forwarded\ by\b.*|reply\ message|message\ original
              |ursprüngliche\ nachricht|originalnachricht|weitergeleitete\ nachricht|message\ d['’]origine|message\ transféré
              |mensaje\ original|mensaje\ reenviado|mensagem\ original|messaggio\ originale|messaggio\ inoltrato
              |oorspronkelijk\ bericht|doorgestuurd\ bericht|originalmeddelande|ursprungligt\ meddelande|oprindelig\ meddelelse
              |původní\ zpráva|wiadomość\ oryginalna|исходное\ сообщение|пересылаемое\ сообщение|原始邮件|原始郵件|转发的邮件|元のメッセージ)
              \s*-*
            | begin\ forwarded\ message\s*:
            | anfang\ der\ weitergeleiteten\ nachricht\s*:
            | début\ du\ message\ (?:réexpédié|transféré)\s*:
            | -+\s*end\ of\ forwarded\ message\s*-*
        )\s*$",
    )
});

/// A field of the header block that stands over a quoted message, in a few languages, bold or not.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^[\s>]*\*?(
            from|von|de|da|van|från|fra|od|от|发件人|寄件者|差出人|expéditeur
          | sent|date|datum|gesendet|envoyé|enviado(?:\sel)?|inviato|verzonden|skickat|sendt|data|wysłano|дата|отправлено|发送时间|日期|送信日時|fecha
          | to|an|à|para|a|aan|till|til|do|кому|收件人|宛先|destinataire
          | cc|kopie|копия|抄送
          | subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|temat|тема|主题|主旨|件名
          | reply-to|importance|attachments
        )\s?\*?\s?[:：]",
    )
});

/// A name and an address in angle brackets.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| compiled(r":.*\s<[^<>\s]+>\s*$"));

/// Lines such as `AB> text`, whose mark is the quoted person's initials.
static INITIALS: LazyLock<Regex> = LazyLock::new(|| compiled(r"^\s{0,2}([A-Za-z][\w.-]{0,9})> "));

pub(super) fn mark(lines: &mut Lines) {
    for n in 0..lines.len() {
        if is_quoted(lines.line(n)) {
            lines.set(n..n + 1, Why::Quote, Sure::Marked);
        }
    }
    mark_initials(lines);
    mark_bars(lines);
    let mut n = 0;
    while n < lines.len() {
        n = match header_at(lines, n) {
            Some(end) => mark_under(lines, n, end),
            None => n + 1,
        };
    }
    mark_between(lines);
}

/// Marks attributions that stand right over `>` lines, and nothing else.
pub(super) fn mark_attributions(lines: &mut Lines) {
    for n in 0..lines.len() {
        if let Some(end) = attribution_at(lines, n).filter(|&end| quote_follows(lines, end)) {
            lines.set(n..end, Why::Quote, Sure::Marked);
        }
    }
}

pub(super) fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

fn mark_initials(lines: &mut Lines) {
    let prefix = |line: &str| INITIALS.captures(line).and_then(|c| c.get(1)).map(|m| m.as_str().to_owned());
    let found: Vec<(usize, String)> = (0..lines.len())
        .filter(|&n| lines.is_free(n))
        .filter_map(|n| Some((n, prefix(lines.line(n))?)))
        .filter(|(_, p)| !PROMPTS.contains(&p.to_lowercase().as_str()))
        .collect();
    let same = |a: &(usize, String), b: &(usize, String)| a.1 == b.1 && a.0.abs_diff(b.0) <= 2;
    // One such line may be a shell prompt or a comparison; neighbours with the same mark are a quote.
    for pair in found.windows(2).filter(|pair| same(&pair[0], &pair[1])) {
        for (n, _) in pair {
            lines.set(*n..n + 1, Why::Quote, Sure::Marked);
        }
    }
}

/// `|` marks a quote where an attribution stands over it; elsewhere it draws a table.
fn mark_bars(lines: &mut Lines) {
    let barred = |lines: &Lines, n: usize| lines.line(n).starts_with('|');
    for n in 1..lines.len() {
        let opens = barred(lines, n) && lines.is_own(n) && !barred(lines, n - 1);
        let above = (n.saturating_sub(2)..n).rev().find(|&m| !lines.is_blank(m));
        if opens && above.is_some_and(|m| attribution_at(lines, m).is_some()) {
            let end = (n..lines.len()).find(|&m| !barred(lines, m)).unwrap_or(lines.len());
            lines.set(n..end, Why::Quote, Sure::Marked);
        }
    }
}

/// One past the last line of the reply header that begins at line `n`.
fn header_at(lines: &Lines, n: usize) -> Option<usize> {
    if !lines.is_own(n) || lines.line(n).len() > HEADER_BYTES {
        return None;
    }
    if DIVIDER.is_match(lines.line(n)) {
        return Some(block_at(lines, next_filled(lines, n + 1)).unwrap_or(n + 1));
    }
    if is_rule(lines.line(n)) {
        return block_at(lines, next_filled(lines, n + 1));
    }
    let loose = || (LOOSE.is_match(lines.line(n)) && quote_follows(lines, n + 1)).then_some(n + 1);
    block_at(lines, n)
        .or_else(loose)
        .or_else(|| attribution_at(lines, n).filter(|&end| quote_follows(lines, end) || is_dated(lines, n, end)))
}

/// Sets the header apart and what it stands over: the `>` lines below, or all the rest where nothing is marked.
fn mark_under(lines: &mut Lines, header: usize, end: usize) -> usize {
    lines.set(header..end, Why::Quote, Sure::Marked);
    if (end..lines.len()).any(|n| lines.is(n, Why::Quote)) {
        return end;
    }
    lines.set(end..lines.len(), Why::Quote, Sure::Guessed);
    lines.len()
}

/// From, Sent, To, Subject: at least three different fields in a row, continuation lines allowed; or two, of which one
/// gives an address.
fn block_at(lines: &Lines, n: usize) -> Option<usize> {
    let field = |n: usize| FIELD.captures(lines.line(n)).and_then(|c| c.get(1)).map(|m| m.as_str().to_lowercase());
    let mut seen = vec![field(n)?];
    let mut end = n + 1;
    let (mut folded, mut last) = (0, n);
    while lines.is_own(end) && lines.line(end).len() <= HEADER_BYTES {
        match field(end) {
            Some(name) if !seen.contains(&name) => {
                seen.push(name);
                folded = 0;
                last = end;
            }
            _ if folded < 2 => folded += 1,
            _ => break,
        }
        end += 1;
    }
    let addressed = || (n..=last).any(|m| ADDRESS.is_match(lines.line(m)));
    match seen.len() {
        0 | 1 => None,
        2 => addressed().then_some(last + 1),
        _ => Some(end),
    }
}

fn attribution_at(lines: &Lines, n: usize) -> Option<usize> {
    if !lines.is_own(n) {
        return None;
    }
    let mut joined = String::new();
    for end in n + 1..=(n + ATTRIBUTION_LINES).min(lines.len()) {
        let line = lines.line(end - 1);
        if !lines.is_own(end - 1) || joined.len() + line.len() > HEADER_BYTES {
            return None;
        }
        joined.push_str(line);
        joined.push(' ');
        let ends = joined.trim_end().ends_with([':', '：']);
        if ends && (DATED.is_match(&joined) || end == n + 1 && NAMED.is_match(&joined)) {
            return Some(end);
        }
    }
    None
}

fn quote_follows(lines: &Lines, end: usize) -> bool {
    lines.is(next_filled(lines, end), Why::Quote)
}

/// Whether the attribution names a day and an hour or an address: prose says "Ann wrote:", a mail program says when.
fn is_dated(lines: &Lines, n: usize, end: usize) -> bool {
    static WHEN: LazyLock<Regex> =
        LazyLock::new(|| compiled(r"\d{1,2}[:h.]\d{2}|<[^<>\s]+@[^<>\s]+>|\b(?:19|20)\d{2}\b"));
    let joined: String = (n..end).map(|m| lines.line(m)).collect::<Vec<_>>().join(" ");
    WHEN.is_match(&joined) && joined.bytes().any(|b| b.is_ascii_digit())
}

/// Scraps between two quoted lines: the mark of a cut, one or two words that a mail program broke off a long line when it
/// wrapped it, or a line that lost its mark, which shows where the quote below goes on with its sentence.
fn mark_between(lines: &mut Lines) {
    for n in 0..lines.len() {
        let line = lines.line(n).trim();
        let (above, below) = (n.checked_sub(1).map_or("", |m| lines.line(m)), lines.line(n + 1));
        let between = is_quoted(above) && is_quoted(below);
        let words = line.split_whitespace().count();
        let broken_off = between && words <= 2 && line.starts_with(char::is_lowercase) && above.len() > 60;
        let goes_on = || below.trim_start_matches(['>', ' ']).starts_with(char::is_lowercase);
        let unmarked = between && words >= UNMARKED_WORDS && !ends_something(line) && goes_on();
        if lines.is_own(n) && (broken_off || unmarked || CUT.is_match(line)) {
            lines.set(n..n + 1, Why::Quote, Sure::Guessed);
        }
    }
}

fn ends_something(line: &str) -> bool {
    line.ends_with(['.', '!', '?', ':', ';', '…', ')', '"'])
}

/// Whether the bytes `range` of `text` are on a single line with quoted ones right above and below: an answer put between,
/// or a line of the quote that lost its mark. Below a question it is an answer.
pub(super) fn is_hemmed_in(text: &str, range: &Range<usize>) -> bool {
    let begins = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let ends = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    let above = text[..begins].trim_end_matches(['\n', '\r']).rsplit('\n').next().unwrap_or("");
    let directly = begins > 0 && !text[..begins - 1].ends_with('\n');
    let below = text[ends..].strip_prefix('\n').and_then(|rest| rest.split('\n').next()).unwrap_or("");
    let asks = above.trim_end_matches(['>', ' ', '\r']).ends_with('?');
    !text[range.clone()].contains('\n') && directly && is_quoted(above) && is_quoted(below) && !asks
}

fn next_filled(lines: &Lines, from: usize) -> usize {
    (from..lines.len()).find(|&n| !lines.is_blank(n)).unwrap_or(lines.len())
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 10 && (line.bytes().all(|b| b == b'_') || line.bytes().all(|b| b == b'-'))
}
