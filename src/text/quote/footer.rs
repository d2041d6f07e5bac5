//! Footers: what list servers, mail providers, trackers and lawyers append.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Why,
    lines::{Lines, Sure},
};
use crate::pattern::compiled;

/// Filled lines that a footer under a rule may have.
const FOOTER_LINES: usize = 12;

/// Words that only appended text has, under a rule.
static APPENDED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)https?://|www\.|mailing list|mailto:|unsubscri|subscri(?:be|ption)|list ?(?:info|serv|archive)|do you yahoo|sponsored by|@[\w-]+\.[\w.]+|virus|free e-?mail",
    )
});

/// How paragraphs begin that a server wrote.
static SERVER: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^[\s>*_—–-]*(?:
            (?:to|if\ you\ (?:wish|want|would\ like)\ to|for)\ (?:un)?subscri
          | to\ (?:be\ removed|view\ this\ discussion|post\ to\ this|stop\ receiving|respond\ to\ this|opt\ out)
          | unsubscribe(?:\s|:|$|<|\()
          | you\ (?:received|are\ receiving|have\ received)\ this\ (?:message|e-?mail|mail|because|notification)
          | (?:(?:this|the\ above)\ (?:message|e-?mail)\ (?:was|is)\ (?:sent|addressed)\ (?:to|from|by|by\ an)\b.{0,60}(?:list|group|subscri|automat))
          | reply\ to\ this\ e-?mail\ directly
          | manage\ (?:your\ )?(?:e-?mail\ )?(?:subscription|preferences|notification)
          | (?:maintained\ by\ |irish\ )?[\w\ ']{0,40}(?:mailing\ list|users'\ group)\s?(?:info)?\s?(?:-|:|@|\s)\s?\S+@\S+
          | [\w-]+\ mailing\ list\s*$
          | list\ maintainer: | https?://\S*mailman/listinfo/ | _{5,}\ ?_*$
          | do\ you\ yahoo!? | get\ your\ free\ | this\ sf\.net\ e-?mail\ is\ sponsored
          | -{5,}\ next\ part\ -{5,} | scanned\ by\ | this\ e-?mail\ (?:has\ been|was)\ (?:scanned|checked)
        )",
    )
});

static LEGAL: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"confidential|vertraulich|confidentiel",
        r"intended (?:only |solely )?(?:recipient|addressee|for)|addressee|for the use of|use of the (?:individual|person|entity)",
        r"in error|erroneously|irrtümlich|par erreur",
        r"disclos|disseminat|unauthori[sz]ed|prohibited|unlawful",
        r"privileged|copyright|liab|legally",
        r"delete|destroy|notify (?:the|us)|virus",
        r"views (?:or opinions )?expressed|do not necessarily|e-?mail (?:and any|message and)|attachments",
    ]
    .iter()
    .map(|p| compiled(&format!("(?i){p}")))
    .collect()
});

pub(super) fn mark(lines: &mut Lines) {
    mark_ruled(lines);
    mark_paragraphs(lines);
}

/// Marks the notice under a comment that was sent by mail to a tracker, and nothing else.
pub(super) fn mark_notices(lines: &mut Lines) {
    static NOTICE: LazyLock<Regex> = LazyLock::new(|| {
        compiled(r"(?i)^\s*(?:reply to this email directly|you are receiving this because|message id: <)")
    });
    for n in 0..lines.len() {
        if lines.is_own(n) && NOTICE.is_match(lines.line(n)) {
            let above = n.checked_sub(1).filter(|&m| matches!(lines.line(m).trim(), "—" | "--" | "---"));
            lines.set(above.unwrap_or(n)..lines.paragraph_end(n), Why::Footer, Sure::Guessed);
        }
    }
}

/// Blocks under a rule at the end of a run of the author's lines, from the last one up.
fn mark_ruled(lines: &mut Lines) {
    for n in (0..lines.len()).rev() {
        if !lines.is_own(n) || !is_rule(lines.line(n)) {
            continue;
        }
        let Some((end, filled)) = lines.block_under(n, FOOTER_LINES + 1, |m| lines.is_free(m)) else { continue };
        // Two rules frame a heading or a table unless what is between them was appended.
        let framed = filled.last().is_some_and(|&m| is_rule(lines.line(m)));
        let body = if framed { &filled[..filled.len() - 1] } else { &filled[..] };
        if !body.is_empty()
            && body.len() <= FOOTER_LINES
            && body.iter().any(|&m| APPENDED.is_match(lines.line(m)))
            && is_last_own(lines, end)
        {
            lines.set(n..end, Why::Footer, Sure::Guessed);
        }
    }
}

fn mark_paragraphs(lines: &mut Lines) {
    let mut n = 0;
    while n < lines.len() {
        if !lines.is_own(n) {
            n += 1;
            continue;
        }
        let end = lines.paragraph_end(n);
        if is_last_own(lines, end) && is_legal(lines, n, end) {
            lines.set(n..end, Why::Footer, Sure::Guessed);
        } else if let Some(from) = (n..end).find(|&m| SERVER.is_match(lines.line(m))) {
            // A server's words come last in their paragraph, and a person who asks how to unsubscribe says it first.
            let tail: Vec<&str> = (from..end).map(|m| lines.line(m)).collect();
            if tail.iter().any(|l| APPENDED.is_match(l))
                && tail.len() <= FOOTER_LINES
                && !tail.iter().any(|l| l.trim_end().ends_with('?'))
            {
                lines.set(from..end, Why::Footer, Sure::Guessed);
            }
        }
        n = end.max(n + 1);
    }
}

/// Whether at most a few own lines follow line `end`, so that what stands above it is an ending.
fn is_last_own(lines: &Lines, end: usize) -> bool {
    (end..lines.len()).filter(|&m| lines.is_own(m)).nth(FOOTER_LINES).is_none()
}

fn is_legal(lines: &Lines, n: usize, end: usize) -> bool {
    let words: String = (n..end).map(|m| lines.line(m)).collect::<Vec<_>>().join(" ");
    words.split_whitespace().count() >= 15 && LEGAL.iter().filter(|r| r.is_match(&words)).count() >= 3
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let all = |c: u8| line.bytes().all(|b| b == c);
    line.len() >= 5 && (all(b'_') || all(b'=') || all(b'*') || all(b'~') || all(b'#'))
        || line.len() >= 10 && all(b'-')
        || line.len() >= 10
            && line.bytes().all(|b| matches!(b, b'_' | b'-' | b'=' | b' ' | b'~'))
            && line.matches(['_', '=', '-']).count() >= 8
}
