//! What is pushed instead of pulled: threads as `bluf.thread/1`, and uploads of any other format.

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Source, SourceError, Whoami};
use crate::{
    domain::{Cursor, Fault, Item, Message, Page, Place, Thread},
    source::{Format, Input, ReadError, bytes, detect, load, read, thread_jsonl},
};

/// What faults call what was pushed.
const BODY: &str = "body";

/// A source that others push to; there is nothing to set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// What came, and what of it could not be taken.
#[derive(Debug, Default)]
pub struct Pushed {
    pub items: Vec<Item>,
    /// Each with the line it is about.
    pub faults: Vec<Fault>,
}

/// Reads one JSON object, a JSON array or JSON Lines of threads.
///
/// A thread adds to what is known of the thread of its id: messages are added, or replaced where their id is known, and the
/// others stay; with `"whole": true` it is all there is, and what it lacks is gone. A message without an id is known by what
/// it says, so that pushing it twice changes nothing.
pub fn ingest(bytes: &[u8]) -> Pushed {
    let (entries, faults) = thread_jsonl::entries(bytes, BODY);
    let mut out = Pushed { items: Vec::new(), faults };
    for entry in entries {
        if !entry.named {
            let place = Place { line: Some(entry.line), ..bytes::file(BODY) };
            out.faults.push(Fault::new(place, "a thread without an \"id\" can be added to nothing: give it one"));
        } else {
            out.items.push(item(entry));
        }
    }
    out
}

/// Reads a file, folder or bytes to be added once and for all: threads of `bluf.thread/1` as [`ingest`] does, those of any
/// other format whole.
///
/// # Errors
/// Why nothing of it can be read.
pub fn import(input: Input<'_>, format: Option<Format>) -> Result<Pushed, ReadError> {
    if let Input::Path(path) = input
        && path.is_file()
    {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        return import(Input::Bytes { bytes: &load(path)?, name: &name }, format);
    }
    if let Input::Bytes { bytes, name } = input
        && format.map_or_else(|| detect::format(bytes, name), Ok)? == Format::Jsonl
    {
        let (entries, faults) = thread_jsonl::entries(bytes, name);
        return Ok(Pushed { items: entries.into_iter().map(item).collect(), faults });
    }
    let reading = read(input, format)?;
    let whole = |thread| Item::Whole { thread, origin: None };
    Ok(Pushed { items: reading.threads.into_iter().map(whole).collect(), faults: reading.faults })
}

/// Without an id of its own a thread is known by its line, and then a part of it would be anybody's.
fn item(entry: thread_jsonl::Entry) -> Item {
    if entry.whole || !entry.named {
        return Item::Whole { thread: entry.thread, origin: None };
    }
    Item::Part { thread: by_words(entry.thread, &entry.nameless), joins: Vec::new() }
}

/// The messages that were known by their position go by their words instead: positions begin at 0 in every push.
fn by_words(mut thread: Thread, nameless: &[usize]) -> Thread {
    let mut renamed = Vec::with_capacity(nameless.len());
    for at in nameless {
        let Some(message) = thread.messages.get_mut(*at) else { continue };
        let id = digest(message);
        renamed.push((std::mem::replace(&mut message.id, id.clone()), id));
    }
    for answered in thread.messages.iter_mut().filter_map(|m| m.reply_to.as_mut()) {
        if let Some((_, id)) = renamed.iter().find(|(position, _)| position == answered) {
            id.clone_into(answered);
        }
    }
    thread
}

fn digest(message: &Message) -> String {
    let sent = message.sent_at.map(|at| at.to_string()).unwrap_or_default();
    let mut digest = Sha256::new();
    for field in [message.author.as_deref().unwrap_or_default(), &sent, &message.text] {
        digest.update((field.len() as u64).to_le_bytes());
        digest.update(field);
    }
    let hex: String = digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{hex}")
}

/// A source without a pull of its own.
#[derive(Debug)]
pub struct Push {
    name: String,
}

impl Push {
    pub fn new(name: impl Into<String>, _: Config) -> Push {
        Push { name: name.into() }
    }
}

#[async_trait]
impl Source for Push {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pull(&self, cursor: Option<&Cursor>) -> Result<Page, SourceError> {
        Ok(Page { next: cursor.cloned().unwrap_or_default(), ..Page::default() })
    }

    async fn check(&self) -> Result<Whoami, SourceError> {
        Ok(Whoami { account: self.name.clone(), facts: vec!["waits for what is pushed".to_owned()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(item: &Item) -> (&str, Vec<&str>) {
        match item {
            Item::Part { thread, .. } => ("part", thread.messages.iter().map(|m| m.id.as_str()).collect()),
            Item::Whole { thread, .. } => ("whole", thread.messages.iter().map(|m| m.id.as_str()).collect()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_object_a_list_and_lines_are_the_same() {
        let one = r#"{"id":"t","messages":[{"id":"a","text":"hello"}]}"#;
        for body in [one.to_owned(), format!("[{one}]"), format!("\n{one}\n")] {
            let pushed = ingest(body.as_bytes());
            assert_eq!(pushed.items.iter().map(ids).collect::<Vec<_>>(), [("part", vec!["a"])], "{body}");
        }
        let whole = one.replace("\"id\":\"t\"", "\"id\":\"t\",\"whole\":true");
        assert_eq!(ids(&ingest(whole.as_bytes()).items[0]).0, "whole");
    }

    #[test]
    fn faults_name_their_line_and_the_rest_is_taken() {
        let pushed = ingest(b"{\"id\":\"t\",\"messages\":[]}\n{oops}\n{\"messages\":[{\"text\":\"x\"}]}\n7\n");
        assert_eq!(pushed.items.len(), 1);
        let mut lines: Vec<_> = pushed.faults.iter().map(|f| f.place.line.unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(lines, [2, 3, 4]);
    }

    #[test]
    fn a_message_without_an_id_is_known_by_its_words() {
        let push = |text: &str| {
            let body = format!(
                r#"{{"id":"t","messages":[{{"author":"Ana","text":"{text}"}},{{"text":"yes","reply_to":"0"}}]}}"#
            );
            ingest(body.as_bytes()).items.remove(0)
        };
        assert_eq!(push("one"), push("one"));
        let (one, two) = (push("one"), push("two"));
        assert_ne!(ids(&one).1[0], ids(&two).1[0]);
        assert_eq!(ids(&one).1[1], ids(&two).1[1]);
        let Item::Part { thread, .. } = one else { panic!() };
        assert_eq!(thread.messages[1].reply_to.as_ref(), Some(&thread.messages[0].id));
    }

    #[test]
    fn a_file_of_another_format_is_whole() {
        let pushed = import(Input::Bytes { bytes: b"# Plan\n\nWe move it.\n", name: "plan.md" }, None).unwrap();
        assert_eq!(ids(&pushed.items[0]), ("whole", vec!["0"]));
        let lines =
            b"{\"messages\":[{\"text\":\"nameless\"}]}\n{\"id\":\"t\",\"messages\":[{\"id\":\"a\",\"text\":\"x\"}]}";
        let pushed = import(Input::Bytes { bytes: lines, name: "old.jsonl" }, None).unwrap();
        assert_eq!(pushed.items.iter().map(|i| ids(i).0).collect::<Vec<_>>(), ["whole", "part"]);
        assert!(import(Input::Bytes { bytes: b"%PDF-1.7", name: "x" }, None).is_err());
    }
}
