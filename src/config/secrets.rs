//! Where a configuration keeps its secrets: in itself, or in files of their own.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::named::credential;

/// Keys that hold a secret itself.
const INSIDE: [&str; 6] = ["password", "secret", "signing_secret", "token", "webhook_secret", "webhook_url"];
/// Files that others may read.
const OPEN_FILES: [&str; 1] = ["ca_file"];

/// The places of secrets; never what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Keys that hold one: `[sink.flow] secret`.
    pub inside: Vec<String>,
    /// Keys that name a file, and the file.
    pub files: Vec<(String, PathBuf)>,
}

/// The secrets of a configuration's text. Names without a folder are in `credentials`, if they are there.
pub fn places(text: &str, credentials: Option<&Path>) -> Secrets {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut found = Secrets::default();
    for word in ["source", "sink"] {
        let Some(DeValue::Table(sections)) = table.get_ref().get(word).map(toml::Spanned::get_ref) else { continue };
        for (name, section) in sections {
            let DeValue::Table(keys) = section.get_ref() else { continue };
            for (key, value) in keys {
                let (key, place) = (key.get_ref().as_ref(), format!("[{word}.{}] {}", name.get_ref(), key.get_ref()));
                match value.get_ref() {
                    DeValue::String(file) if key.ends_with("_file") && !OPEN_FILES.contains(&key) => {
                        let path = credential(file, credentials).unwrap_or_else(|| PathBuf::from(file.as_ref()));
                        found.files.push((place, path));
                    }
                    _ if INSIDE.contains(&key) => found.inside.push(place),
                    _ => {}
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_where_they_are_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("chat-token"), "s3cr3t").expect("written");
        let text = "[source.chat]\ntype = \"slack\"\ntoken_file = \"chat-token\"\nsigning_secret_file = \"/etc/other\"\n\
                    [sink.mail]\nca_file = \"/etc/ca.pem\"\npassword = \"hunter2\"\n";
        let found = places(text, Some(folder.path()));
        assert_eq!(found.inside, ["[sink.mail] password"]);
        let files = [
            ("[source.chat] signing_secret_file".to_owned(), PathBuf::from("/etc/other")),
            ("[source.chat] token_file".to_owned(), folder.path().join("chat-token")),
        ];
        assert_eq!(found.files.len(), 2);
        assert!(files.iter().all(|file| found.files.contains(file)), "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!(places("[source.a]\ntoken_file = \"x\"", None).files[0].1, PathBuf::from("x"));
    }
}
