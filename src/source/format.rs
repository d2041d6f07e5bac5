//! The formats bluf reads, by the words of `--format`.

use std::{fmt, str::FromStr};

use super::ReadError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Jsonl,
    Mbox,
    Maildir,
    Eml,
    SlackExport,
    /// REST objects and arrays, and the `archive.json` of the issue archives of IETF working groups.
    GithubJson,
    Vtt,
    Srt,
    Otter,
    ZoomChat,
    Markdown,
    Rst,
    Irc,
    Text,
}

impl Format {
    pub const ALL: [Format; 14] = [
        Format::Jsonl,
        Format::Mbox,
        Format::Maildir,
        Format::Eml,
        Format::SlackExport,
        Format::GithubJson,
        Format::Vtt,
        Format::Srt,
        Format::Otter,
        Format::ZoomChat,
        Format::Markdown,
        Format::Rst,
        Format::Irc,
        Format::Text,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Mbox => "mbox",
            Format::Maildir => "maildir",
            Format::Eml => "eml",
            Format::SlackExport => "slack-export",
            Format::GithubJson => "github-json",
            Format::Vtt => "vtt",
            Format::Srt => "srt",
            Format::Otter => "otter",
            Format::ZoomChat => "zoom-chat",
            Format::Markdown => "markdown",
            Format::Rst => "rst",
            Format::Irc => "irc",
            Format::Text => "text",
        }
    }

    /// What a person chose: `auto` is `None`, anything else a format.
    pub fn chosen(word: &str) -> Result<Option<Format>, ReadError> {
        if word == "auto" { Ok(None) } else { word.parse().map(Some) }
    }
}

impl FromStr for Format {
    type Err = ReadError;

    fn from_str(word: &str) -> Result<Format, ReadError> {
        Format::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| ReadError::UnknownFormat { word: word.to_owned() })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_format_and_an_unknown_one_lists_them() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
        }
        assert_eq!(Format::chosen("auto").unwrap(), None);
        let said = Format::chosen("docx").unwrap_err().to_string();
        assert!(said.contains("docx") && said.contains("slack-export") && said.contains("auto"), "{said}");
    }
}
