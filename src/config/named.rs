//! `[source.NAME]`: sections that people name, each read by the connector that its `type` says.

use std::{borrow::Cow, ops::Range, path::Path};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    check::{NAMED, place},
    key::suggestion,
};
use crate::{domain::Fault, source::connector::registry::SourceConfig};

/// A source as it is configured.
#[derive(Clone, Debug)]
pub struct SourceSection {
    pub name: String,
    pub config: SourceConfig,
    /// How often it is asked though nobody says that there is something. Seconds.
    pub poll_secs: u64,
    /// Threads without activity for this many days are forgotten; `None`: never.
    pub keep_days: Option<u32>,
}

/// What every source may set.
#[derive(Deserialize)]
struct Common {
    #[serde(default = "poll_secs")]
    poll_secs: u64,
    keep_days: Option<u32>,
}

const COMMON: [&str; 2] = ["poll_secs", "keep_days"];

fn poll_secs() -> u64 {
    300
}

/// The sources of a file, and everything that is wrong with them. Faults of syntax are `check`'s to tell. Secrets in files
/// without a folder are in `credentials`, if they are there.
pub fn sources(file: &str, text: &str, credentials: Option<&Path>) -> (Vec<SourceSection>, Vec<Fault>) {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut out = (Vec::new(), Vec::new());
    let Some(section) = table.get_ref().get(NAMED[0]) else { return out };
    let mut fault = |at: Range<usize>, what: String| out.1.push(Fault::new(place(file, text, at.start), what));
    let DeValue::Table(named) = section.get_ref() else {
        fault(section.span(), "name the source: write [source.NAME]".to_owned());
        return out;
    };
    let mut found = Vec::new();
    for (name, value) in named {
        let DeValue::Table(keys) = value.get_ref() else {
            fault(name.span(), format!("name the source: write [source.{}]", name.get_ref()));
            continue;
        };
        match read(name, keys, credentials) {
            Ok(section) => found.push((name.span().start, section)),
            Err((at, what)) => fault(at, what),
        }
    }
    found.sort_by_key(|(at, _)| *at);
    out.0 = found.into_iter().map(|(_, section)| section).collect();
    out
}

fn read(
    name: &Spanned<Cow<'_, str>>,
    keys: &DeTable<'_>,
    credentials: Option<&Path>,
) -> Result<SourceSection, (Range<usize>, String)> {
    let title = name.get_ref().as_ref();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if title.is_empty() || title.len() > 64 || !title.chars().all(allowed) {
        return Err((name.span(), format!("a source is named by letters, digits, - and _, not {title:?}")));
    }
    let span_of = |key: &str| keys.iter().find(|(k, _)| k.get_ref() == key).map(|(k, _)| k.span());
    let Some((_, kind)) = keys.iter().find(|(k, _)| k.get_ref() == "type") else {
        let kinds = SourceConfig::KINDS.join(", ");
        return Err((name.span(), format!("[source.{title}] needs a type: one of {kinds}")));
    };
    if let DeValue::String(word) = kind.get_ref()
        && !SourceConfig::KINDS.contains(&word.as_ref())
    {
        return Err((kind.span(), format!("no source is of type {word:?}{}", suggestion(word, SourceConfig::KINDS))));
    }
    let table = |wanted: &dyn Fn(&str) -> bool| {
        let pairs = keys.iter().filter(|(k, _)| wanted(k.get_ref()));
        pairs.map(|(k, v)| (k.get_ref().to_string(), owned(v.get_ref()))).collect::<toml::Table>()
    };
    // The reader of a table knows its keys and not their places: the key that it names tells where.
    let told = |error: toml::de::Error| {
        let what = error.message().to_owned();
        let at = what.split('`').skip(1).step_by(2).find_map(span_of);
        let at = at.or_else(|| keys.iter().find(|(k, _)| what.contains(k.get_ref().as_ref())).map(|(_, v)| v.span()));
        (at.unwrap_or_else(|| name.span()), format!("[source.{title}]: {what}"))
    };
    let common = Common::deserialize(table(&|key| COMMON.contains(&key))).map_err(told)?;
    let mut own = table(&|key| !COMMON.contains(&key));
    for (_, value) in own.iter_mut().filter(|(key, _)| key.ends_with("_file")) {
        given(value, credentials);
    }
    let config = SourceConfig::deserialize(own).map_err(told)?;
    if common.poll_secs == 0 || common.keep_days == Some(0) {
        let key = if common.poll_secs == 0 { "poll_secs" } else { "keep_days" };
        return Err((span_of(key).unwrap_or_else(|| name.span()), format!("'{key}' is at least 1")));
    }
    let (poll_secs, keep_days) = (common.poll_secs, common.keep_days);
    Ok(SourceSection { name: title.to_owned(), config, poll_secs, keep_days })
}

/// Puts the path of the credential in the place of its name, where it is one.
fn given(value: &mut toml::Value, credentials: Option<&Path>) {
    let (Some(folder), toml::Value::String(name)) = (credentials, &*value) else { return };
    let path = folder.join(name);
    if !name.contains('/') && path.is_file() {
        *value = toml::Value::String(path.to_string_lossy().into_owned());
    }
}

/// A value without its places.
pub(super) fn owned(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(n) => {
            let digits = n.as_str().replace('_', "");
            let number = i64::from_str_radix(&digits, n.radix());
            number.map_or_else(|_| toml::Value::String(digits), toml::Value::Integer)
        }
        DeValue::Float(n) => {
            n.as_str().parse().map_or_else(|_| toml::Value::String(n.as_str().into()), toml::Value::Float)
        }
        DeValue::Boolean(yes) => toml::Value::Boolean(*yes),
        DeValue::Datetime(at) => toml::Value::Datetime(*at),
        DeValue::Array(items) => toml::Value::Array(items.iter().map(|item| owned(item.get_ref())).collect()),
        DeValue::Table(keys) => {
            toml::Value::Table(keys.iter().map(|(k, v)| (k.get_ref().to_string(), owned(v.get_ref()))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sources;

    #[track_caller]
    fn fault(text: &str, expected: &str) {
        let found: Vec<String> = sources("bluf.toml", text, None).1.iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{text}");
    }

    #[test]
    fn sources_are_read_in_their_order() {
        let text = "[source.wiki]\ntype = \"files\"\npath = \"docs\"\nkeep_days = 90\n[source.a]\ntype = \"files\"\npath = \"a\"\npoll_secs = 9";
        let (sources, faults) = sources("bluf.toml", text, None);
        assert!(faults.is_empty(), "{faults:?}");
        let seen: Vec<_> = sources.iter().map(|s| (s.name.as_str(), s.poll_secs, s.keep_days)).collect();
        assert_eq!(seen, [("wiki", 300, Some(90)), ("a", 9, None)]);
    }

    #[test]
    fn a_fault_of_a_source_has_its_place() {
        fault("source = 3", "bluf.toml, line 1, column 10: name the source: write [source.NAME]");
        fault("[source]\ntype = \"files\"", "bluf.toml, line 2, column 1: name the source: write [source.type]");
        fault(
            "[source.a]\n",
            "bluf.toml, line 1, column 9: [source.a] needs a type: one of files, github, imap, push, slack",
        );
        fault(
            "[source.a]\ntype = \"filse\"",
            "bluf.toml, line 2, column 8: no source is of type \"filse\"; did you mean 'files'?",
        );
        fault(
            "[source.a]\ntype = \"files\"\npath = \"x\"\npoll_secs = 0",
            "bluf.toml, line 4, column 1: 'poll_secs' is at least 1",
        );
        let (_, faults) = sources("bluf.toml", "[source.a]\ntype = \"files\"\npath = \"x\"\npaht = 1", None);
        assert!(
            faults[0].to_string().starts_with("bluf.toml, line 4, column 1: [source.a]: unknown field `paht`"),
            "{faults:?}"
        );
        let (_, faults) = sources("bluf.toml", "[source.\"a b\"]\ntype = \"files\"\npath = \"x\"", None);
        assert!(faults[0].what.contains("letters, digits"), "{faults:?}");
    }

    #[test]
    fn a_credential_is_found_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("chat-token"), "xoxb-1").expect("written");
        let text = "[source.chat]\ntype = \"slack\"\ntoken_file = \"chat-token\"";
        let (found, faults) = sources("bluf.toml", text, Some(folder.path()));
        assert!(faults.is_empty(), "{faults:?}");
        let shown = format!("{:?}", found[0].config);
        assert!(shown.contains(folder.path().to_str().expect("UTF-8")) && !shown.contains("xoxb"), "{shown}");
    }

    #[test]
    fn the_sources_of_the_example_are_right() {
        let example = include_str!("../../config/example.toml");
        let lines = example.lines().filter_map(|line| line.strip_prefix("#   "));
        let text: String =
            lines.filter(|l| l.starts_with('[') || l.contains(" = ")).map(|l| format!("{l}\n")).collect();
        let text = text.split_once("[source").map(|(_, rest)| format!("[source{rest}")).expect("sources");
        let (found, faults) = sources("example.toml", &text, None);
        assert!(faults.is_empty(), "{faults:?}\n{text}");
        assert_eq!(found.len(), crate::source::connector::registry::SourceConfig::KINDS.len());
    }
}
