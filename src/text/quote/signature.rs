//! Signatures: under the `-- ` rule, a sign-off with a name, and what telephones add.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Why,
    lines::{Lines, Sure},
};
use crate::pattern::compiled;

/// Filled lines that a signature under an exact `-- ` may have.
const RULED_LINES: usize = 25;
/// Filled lines that may follow a bare `--` or a sign-off.
const BLOCK_LINES: usize = 8;

static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^[\s\*_]*(?:
            sent\ (?:from|via|with|using)\ (?:my|a|an|the)\b(?:\ [\w®™'’+-]+){1,6}
          | sent\ (?:from|with|via|using)\ (?:sparrow|outlook|gmail|yahoo|proton\ ?mail|mailbird|mail|samsung|airmail|superhuman|android|ios|iphone|ipad|k-9|fairemail|hey|spark|front)\b[^.]{0,80}
          | get\ outlook\ for\ (?:ios|android|mac)\b.{0,80}
          | (?:von\ meinem|gesendet\ (?:von|mit))\ \w.{0,60}
          | envoyé\ (?:de|depuis)\ (?:mon|ma)\ .{0,60}
          | enviado\ (?:desde|do|de)\ (?:mi|meu)\ .{0,60}
          | inviato\ (?:da|dal)\ (?:mio\ )?\w.{0,60}
          | verstuurd\ vanaf\ mijn\ .{0,60}
          | skickat\ från\ min\ .{0,60}
          | отправлено\ с\ .{0,60}
        )[\s\*_]*$",
    )
});

static SIGN_OFF: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^\s*(?:with\ |many\ thanks\ and\ |thanks\ and\ )?(?:
            (?:best|kind|warm|kindest|warmest)(?:\ regards|\ wishes)? | regards | rgds | br | cheers | sincerely(?:\ yours)?
          | yours(?:\ (?:sincerely|faithfully|truly))? | all\ the\ best | take\ care | have\ a\ (?:nice|good|great)\ (?:day|weekend|one)
          | (?:mit\ )?(?:freundlichen|besten|herzlichen|vielen|viele|beste|liebe|herzliche)\ gr(?:ü|ue)(?:ß|ss)(?:en|e) | mfg
          | (?:bien\ )?cordialement | bien\ à\ (?:vous|toi) | amicalement | salutations
          | (?:un\ )?saludos?(?:\ cordial(?:es)?)? | atentamente | cordiali\ saluti | atenciosamente | abraços
          | met\ vriendelijke\ groet(?:en)? | groet(?:en|jes)? | (?:med\ )?vänliga?\ hälsningar? | mvh | с\ уважением
        )[\s,.!–—-]*$",
    )
});

/// A name under a sign-off or behind a dash: one to four words, each with a capital, an initial or a particle.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"^\s*[\p{Lu}][\p{L}\p{M}'’.-]*(?:\s+(?:[\p{Lu}][\p{L}\p{M}'’.-]*|van|von|de|der|den|del|di|da|la|le|y|\([^)]{1,20}\))){0,4}\s*[.,]?\s*$",
    )
});

static DASHED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"^\s{0,8}(?:--?|[–—~]+|//|/)\s?[\p{Lu}][\p{L}'’.]*(?:\s[\p{Lu}][\p{L}'’.]*){0,3}\.?\s*$")
});

static THANKS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)^\s*(?:many thanks|thanks(?: again| a lot| in advance| all)?|thank you(?: in advance| all)?|merci|danke|gracias|grazie|tia|thx)\s*[,.!]*\s*$",
    )
});

pub(super) fn mark(lines: &mut Lines) {
    mark_ruled(lines);
    // Two passes: a telephone's line may stand under a sign-off.
    for _ in 0..2 {
        for end in ends(lines) {
            mark_ending(lines, end);
        }
    }
}

/// `-- ` and what stands under it, up to the next quote or footer.
fn mark_ruled(lines: &mut Lines) {
    for n in (0..lines.len()).rev() {
        let line = lines.line(n);
        let exact = line == "-- " || line == "--\u{A0}";
        if !lines.is_free(n)
            || !(exact || matches!(line.trim_end(), "--" | "—" | "–") && line.starts_with(['-', '—', '–']))
        {
            continue;
        }
        let most = if exact { RULED_LINES } else { BLOCK_LINES };
        let block = lines.block_under(n, most, |m| lines.is_free(m) || lines.is(m, Why::Signature));
        if let Some((end, _)) = block.filter(|_| (0..n).any(|m| lines.is_own(m))) {
            lines.set(n..end, Why::Signature, Sure::Marked);
        }
    }
}

/// The last own line of every run of own lines.
fn ends(lines: &Lines) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut last = None;
    for n in 0..lines.len() {
        if lines.is_own(n) {
            last = Some(n);
        } else if !lines.is_free(n) {
            ends.extend(last.take());
        }
    }
    ends.extend(last);
    ends
}

fn mark_ending(lines: &mut Lines, end: usize) {
    let start = lines.run_start(end);
    let own: Vec<usize> = (start..=end).filter(|&n| lines.is_own(n)).collect();
    let Some((&last, before)) = own.split_last() else { return };
    // Something must be left above: in the run itself, or anywhere in the message.
    if before.is_empty() && !(0..start).any(|n| lines.is_own(n)) {
        return;
    }
    let line = lines.line(last);
    if DEVICE.is_match(line) || (DASHED.is_match(line) && !is_list(lines, before)) {
        lines.set(last..last + 1, Why::Signature, Sure::Guessed);
        return;
    }
    if SIGN_OFF.is_match(line) {
        lines.set(last..last + 1, Why::Signature, Sure::Guessed);
        return;
    }
    let off = own
        .iter()
        .rev()
        .take(BLOCK_LINES + 1)
        .copied()
        .find(|&n| SIGN_OFF.is_match(lines.line(n)) || THANKS.is_match(lines.line(n)));
    let Some(off) = off.filter(|&n| n < last) else { return };
    let name = own.iter().copied().find(|&n| n > off).unwrap_or(last);
    if !NAME.is_match(lines.line(name)) || (off..=last).any(|n| lines.line(n).contains('?')) {
        return;
    }
    // Thanks are said, not signed: they stay the author's words.
    let from = if THANKS.is_match(lines.line(off)) { name } else { off };
    lines.set(from..last + 1, Why::Signature, Sure::Guessed);
}

/// Whether the line above is a dashed item too, which makes a dashed name one of a list.
fn is_list(lines: &Lines, before: &[usize]) -> bool {
    before.last().is_some_and(|&n| lines.line(n).trim_start().starts_with(['-', '–', '*', '•']))
}
