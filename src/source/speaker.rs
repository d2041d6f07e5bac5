//! Who speaks in a cue: voice tags, and the "Name: words" that meeting recorders write.

use std::collections::HashMap;

use super::entity;

/// Longest name before a colon, in characters.
const LONGEST_NAME_CHARS: usize = 60;
/// Most words of a name: "Ana María de la Cruz (Example Corp)".
const MOST_NAME_WORDS: usize = 7;
/// A file whose cues mostly open with a name names its speakers so; elsewhere "Note: …" is only a sentence.
const NAMED_CUES_PERCENT: usize = 50;
/// Elsewhere still, a name that opens this many cues is a speaker's.
const NAME_REPEATS: usize = 4;

/// Words of one voice inside a cue, without tags.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    /// From a voice tag.
    pub voice: Option<String>,
    pub text: String,
}

/// Which of the names before colons are speakers', judged over a whole file.
pub(super) struct Voices<'a> {
    all: bool,
    names: HashMap<&'a str, usize>,
}

/// The words of `cue` by voice: `<v Name>` opens a new piece, every other tag is dropped, entities are resolved.
pub(super) fn pieces(cue: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut voice: Option<String> = None;
    let mut text = String::new();
    let mut rest = cue;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        text.push_str(before);
        let after = tag.get(1..).unwrap_or_default();
        if !opens_a_tag(after) {
            text.push('<');
            rest = after;
            continue;
        }
        let (name, following) = after.split_once('>').unwrap_or((after, ""));
        if let Some(next) = voice_of(name) {
            push(&mut out, voice.take(), &text);
            text.clear();
            voice = Some(next);
        }
        rest = following;
    }
    text.push_str(rest);
    push(&mut out, voice, &text);
    out
}

/// `Name: words`, where the part before the colon could be a name.
pub(super) fn named(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let said = rest.strip_prefix([' ', '\t', '\n']).or(rest.is_empty().then_some(rest))?;
    let name = name.trim();
    let plain = !name.contains(['\n', '.', '?', '!', ';', '"', '<', '>', '/', '=', '[', '{', '`', '|'])
        || name.strip_suffix('.').is_some_and(|n| !n.contains(' '))
        || titled(name);
    let fits = name.chars().count() <= LONGEST_NAME_CHARS && name.split_whitespace().count() <= MOST_NAME_WORDS;
    let lettered = name.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '@');
    (plain && fits && lettered).then(|| (name, said.trim()))
}

impl<'a> Voices<'a> {
    pub(super) fn among(pieces: impl Iterator<Item = &'a Piece>) -> Voices<'a> {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let (mut cues, mut with_name) = (0usize, 0usize);
        for piece in pieces.filter(|p| p.voice.is_none()) {
            cues += 1;
            if let Some((name, _)) = named(&piece.text) {
                with_name += 1;
                *names.entry(name).or_default() += 1;
            }
        }
        Voices { all: with_name * 100 >= cues * NAMED_CUES_PERCENT, names }
    }
}

impl Voices<'_> {
    /// The speaker of a piece and what is left to say.
    pub(super) fn split(&self, piece: &Piece) -> (Option<String>, String) {
        if piece.voice.is_some() {
            return (piece.voice.clone(), piece.text.clone());
        }
        match named(&piece.text) {
            Some((name, said)) if self.all || self.names.get(name).is_some_and(|n| *n >= NAME_REPEATS) => {
                (Some(name.to_owned()), said.to_owned())
            }
            _ => (None, piece.text.clone()),
        }
    }
}

/// "Dr. Ana Example", "J. R. Example", "Ana Example Jr.": dots that end no sentence.
fn titled(name: &str) -> bool {
    !name.contains(['\n', '?', '!', ';', '"', '<', '>', '/', '=', '[', '{', '`', '|'])
        && name
            .split(' ')
            .all(|word| !word.ends_with('.') || word.chars().count() <= 5 && word.starts_with(char::is_uppercase))
        && name.split(' ').count() <= 4
        && name.chars().next().is_some_and(char::is_uppercase)
}

/// A tag opens with a letter, a slash or a digit (a timestamp); "a < b" does not.
fn opens_a_tag(after: &str) -> bool {
    after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '.') || after.starts_with('>')
}

fn voice_of(tag: &str) -> Option<String> {
    let rest = tag.strip_prefix('v')?;
    if !rest.starts_with([' ', '\t', '\n', '.']) {
        return None;
    }
    let (_, name) = rest.split_once([' ', '\t', '\n'])?;
    let name = entity::resolved(name.trim());
    (!name.is_empty()).then_some(name)
}

fn push(out: &mut Vec<Piece>, voice: Option<String>, text: &str) {
    let text = entity::resolved(text.trim());
    if !text.is_empty() {
        out.push(Piece { voice, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cue: &str, expected: &[(Option<&str>, &str)]) {
        let found = pieces(cue);
        let found: Vec<_> = found.iter().map(|p| (p.voice.as_deref(), p.text.as_str())).collect();
        assert_eq!(found, expected, "{cue}");
    }

    #[test]
    fn voices_and_tags() {
        check("<v Ana Example>Good morning</v>", &[(Some("Ana Example"), "Good morning")]);
        check("<v.loud Ana>Stop</v> <v Ben>Why?", &[(Some("Ana"), "Stop"), (Some("Ben"), "Why?")]);
        check("<i>one</i> <00:00:01.000><c.red>two</c>", &[(None, "one two")]);
        check("a < b &amp;&amp; c &gt; d", &[(None, "a < b && c > d")]);
        check("broken <v", &[(None, "broken")]);
        check("x <", &[(None, "x <")]);
    }

    #[test]
    fn names_before_a_colon() {
        let name = |text| named(text).map(|(name, _)| name);
        assert_eq!(name("Ana Example: yes"), Some("Ana Example"));
        assert_eq!(name("Ben (Example Corp): yes"), Some("Ben (Example Corp)"));
        assert_eq!(name("Dr. Ana Example: yes"), Some("Dr. Ana Example"));
        assert_eq!(name("https://example.org/a"), None);
        assert_eq!(name("We said it. Then: no"), None);
        assert_eq!(name("10:30 works"), None);
        assert_eq!(name(": yes"), None);
    }

    #[test]
    fn a_lone_colon_is_no_speaker() {
        let cues = ["Two things: tea and cake", "That is all", "Thank you", "Bye"].map(|t| pieces(t).remove(0));
        let voices = Voices::among(cues.iter());
        assert_eq!(voices.split(&cues[0]), (None, "Two things: tea and cake".to_owned()));
    }
}
