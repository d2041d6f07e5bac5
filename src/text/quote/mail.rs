//! Mail: what is quoted, signed and appended, decided line by line so that answers between quotes stay the author's.

use super::{
    Apart, Why, footer,
    lines::{Lines, Sure},
    reply, signature,
};

/// The parts of a mail that are not its author's words.
pub(super) fn apart(text: &str) -> Vec<Apart> {
    let mut lines = Lines::new(text);
    armour(&mut lines);
    reply::mark(&mut lines);
    footer::mark(&mut lines);
    diff(&mut lines);
    signature::mark(&mut lines);
    // A footer may have hidden behind a signature, and a sign-off behind a footer.
    footer::mark(&mut lines);
    if !lines.any_own() {
        spare(&mut lines);
    }
    lines.into_parts()
}

/// Nothing would be left to read. A message of marked quotes alone is only a quote; anything else is read.
fn spare(lines: &mut Lines) {
    lines.keep(|v| v.sure == Sure::Marked || v.why != Why::Quote);
    if !lines.any_own() && !lines.any_marked_quote() {
        lines.keep(|_| false);
    }
}

/// Armour of signed and encrypted mail: the signed text itself stays the author's.
fn armour(lines: &mut Lines) {
    let mut n = 0;
    while n < lines.len() {
        let Some(what) = lines.line(n).trim().strip_prefix("-----BEGIN PGP ") else {
            n += 1;
            continue;
        };
        if what.starts_with("SIGNED MESSAGE") {
            let end = (n..lines.len()).find(|&m| lines.is_blank(m)).unwrap_or(n + 1);
            lines.set(n..end, Why::Signature, Sure::Marked);
            n = end;
            continue;
        }
        let why = if what.starts_with("SIGNATURE") { Why::Signature } else { Why::Code };
        match (n + 1..lines.len()).find(|&m| lines.line(m).trim_start().starts_with("-----END PGP ")) {
            Some(last) => {
                lines.set(n..last + 1, why, Sure::Marked);
                n = last + 1;
            }
            None => n += 1,
        }
    }
}

/// A patch in the body, up to the signature that `git format-patch` puts under it.
fn diff(lines: &mut Lines) {
    let mut n = 0;
    while n + 2 < lines.len() {
        let opens = lines.line(n).starts_with("diff --git ")
            || lines.line(n).starts_with("--- ")
                && lines.line(n + 1).starts_with("+++ ")
                && lines.line(n + 2).starts_with("@@ ");
        if !opens || !lines.is_free(n) {
            n += 1;
            continue;
        }
        let inside = |line: &str| {
            line.is_empty()
                || line.starts_with([' ', '+', '@', '\t', '\\'])
                || line.starts_with('-') && line.trim_end() != "--"
                || [
                    "diff ",
                    "index ",
                    "new file",
                    "deleted file",
                    "old mode",
                    "new mode",
                    "similarity ",
                    "rename ",
                    "copy ",
                ]
                .iter()
                .any(|p| line.starts_with(p))
        };
        let end = (n..lines.len()).find(|&m| !lines.is_free(m) || !inside(lines.line(m))).unwrap_or(lines.len());
        lines.set(n..end, Why::Code, Sure::Guessed);
        n = end.max(n + 1);
    }
}
