//! Turns of other speakers inside one message: who notes down a call may set a name in bold on a line of its own, or put
//! "Name: words" into somebody else's turn.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::compiled;

/// A name has at most this many words.
const NAME_WORDS: usize = 5;

static BOLD: LazyLock<Regex> = LazyLock::new(|| compiled(r"^[\s*-]*?\*\*([^*]{2,60})\*\*\s*:?\s*$"));
static BEFORE_COLON: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^[\s*•-]*(\p{Lu}[\p{L}.'’-]*(?: \p{Lu}[\p{L}.'’-]*){0,3})\*{0,2}:\*{0,2}\s+\S"));
/// Words of headings, which are set in bold as names are.
static HEADING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\d|[.!,;]|\b(?:actions?|items?|decisions?|decided|resolutions?|agenda|notes?|summary|updates?|next|steps?|discussion|open|questions?|links?|topics?|overview|minutes|background|status|todos?|and|the|of|for|on|to)\b",
    )
});

/// Who speaks at the byte `at` of the message `text` by `author`, where a mark before it says that this is somebody else.
/// `people` are those of the thread: a name before a colon is a speaker's only if it is one of theirs.
pub fn other_voice<'t>(text: &'t str, at: usize, author: Option<&str>, people: &[String]) -> Option<&'t str> {
    let mut voice = None;
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        if from > at {
            break;
        }
        from += line.len();
        if let Some(name) = name(line.trim_end(), people) {
            voice = (!same(name, author)).then_some(name);
        }
    }
    voice
}

/// The name that `line` gives the floor to.
fn name<'t>(line: &'t str, people: &[String]) -> Option<&'t str> {
    if let Some(bold) = BOLD.captures(line).and_then(|found| found.get(1)) {
        let name = bold.as_str().trim().trim_end_matches(':').trim_end();
        let short = name.split_whitespace().count() <= NAME_WORDS && !HEADING.is_match(name);
        return short.then_some(name);
    }
    let name = BEFORE_COLON.captures(line)?.get(1)?.as_str();
    people.iter().any(|person| same(name, Some(person))).then_some(name)
}

/// Whether `name` is the name of `person`, or its first word.
fn same(name: &str, person: Option<&str>) -> bool {
    let (name, person) = (name.to_lowercase(), person.unwrap_or_default().to_lowercase());
    name == person || person.split_whitespace().next() == Some(&*name)
}

#[cfg(test)]
mod tests {
    use super::other_voice;

    #[track_caller]
    fn at(text: &str, word: &str) -> Option<String> {
        let people = ["Ana Lima".to_owned(), "Raj Patel".to_owned()];
        let at = text.find(word).expect("the word is in the text");
        other_voice(text, at, Some("Ana Lima"), &people).map(str::to_owned)
    }

    #[test]
    fn a_name_in_bold_takes_the_floor() {
        let text = "* The depot moves.\n**Ines | Harbour**\n* The pumps stay.\n**Ana Lima**\n* Then we wait.\n";
        assert_eq!(at(text, "depot"), None);
        assert_eq!(at(text, "pumps").as_deref(), Some("Ines | Harbour"));
        assert_eq!(at(text, "wait"), None, "its author has it again");
    }

    #[test]
    fn a_name_before_a_colon_is_one_of_the_thread() {
        assert_eq!(at("The depot moves.\nRaj: the pumps stay.", "pumps").as_deref(), Some("Raj"));
        assert_eq!(at("The depot moves.\nRaj Patel: the pumps stay.", "pumps").as_deref(), Some("Raj Patel"));
        for text in ["Note: the pumps stay.", "Ana: the pumps stay.", "He said to Raj: the pumps stay."] {
            assert_eq!(at(text, "pumps"), None, "{text}");
        }
    }

    #[test]
    fn headings_and_stress_are_no_names() {
        for text in ["**Action items**\nThe pumps stay.", "**Release 5**\nThe pumps stay.", "**Now**: the pumps stay."]
        {
            assert_eq!(at(text, "pumps"), None, "{text}");
        }
    }
}
