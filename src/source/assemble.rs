//! A thread from its messages: who takes part, what it is called, how it is known.

use std::collections::HashSet;

use crate::domain::{Kind, Message, Thread};

/// A thread of `messages` named after its file, until the reader knows better.
pub(super) fn thread(source: &str, kind: Kind, name: &str, messages: Vec<Message>) -> Thread {
    Thread {
        source: source.to_owned(),
        kind,
        id: stem(name).to_owned(),
        title: stem(name).to_owned(),
        url: None,
        channel: None,
        participants: participants(&messages),
        messages,
        events: Vec::new(),
        as_of: None,
    }
}

/// Everybody who wrote, in the order of their first message.
pub(super) fn participants(messages: &[Message]) -> Vec<String> {
    let mut seen = HashSet::new();
    messages.iter().filter_map(|m| m.author.as_ref()).filter(|a| seen.insert(a.as_str())).cloned().collect()
}

/// A file's name without its folders and its last extension.
pub(super) fn stem(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match base.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => base,
    }
}

/// A file's last extension, lower case; empty where there is none.
pub(super) fn extension(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.rsplit_once('.').map(|(_, ext)| ext.to_ascii_lowercase()).unwrap_or_default()
}

/// The first words of a text, for a title where the source has none.
pub(super) fn opening_words(text: &str, most_chars: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    if line.chars().count() <= most_chars {
        return line.to_owned();
    }
    let cut: String = line.chars().take(most_chars).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_extension() {
        assert_eq!(stem("notes/weekly.2026.vtt"), "weekly.2026");
        assert_eq!(stem(".hidden"), ".hidden");
        assert_eq!(extension("A/B.MD"), "md");
        assert_eq!(extension("README"), "");
    }

    #[test]
    fn titles_break_at_words() {
        assert_eq!(opening_words("\n  Short one\nmore", 20), "Short one");
        assert_eq!(opening_words("The quick brown fox jumps", 12), "The quick…");
        assert_eq!(opening_words("ééééééé", 3), "ééé…");
    }
}
