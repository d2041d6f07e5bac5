//! `[source.NAME]` and `[sink.NAME]`: sections that people name, each read by what its `type` says.

use std::{
    borrow::Cow,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{check::place, key::suggestion};
use crate::{domain::Fault, sink::registry::SinkConfig, source::connector::registry::SourceConfig};

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

/// A sink as it is configured.
#[derive(Clone, Debug)]
pub struct SinkSection {
    pub name: String,
    pub config: SinkConfig,
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

/// A section under its name: `[WORD.NAME]`.
pub(super) struct Section<'a> {
    word: &'static str,
    name: &'a Spanned<Cow<'a, str>>,
    keys: &'a DeTable<'a>,
}

/// What is wrong, and with which bytes of the file.
pub(super) type Wrong = (Range<usize>, String);

/// The names of a file's `[WORD.NAME]` sections.
pub(super) fn names(text: &str, word: &str) -> Vec<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    match table.get_ref().get(word).map(Spanned::get_ref) {
        Some(DeValue::Table(named)) => named.keys().map(|name| name.get_ref().to_string()).collect(),
        _ => Vec::new(),
    }
}

/// The sources of a file, and everything that is wrong with them. Faults of syntax are `check`'s to tell. Secrets in files
/// without a folder are in `credentials`, if they are there.
pub fn sources(file: &str, text: &str, credentials: Option<&Path>) -> (Vec<SourceSection>, Vec<Fault>) {
    sections(file, text, "source", |section| {
        let kinds = SourceConfig::KINDS;
        let common: Common = section.read(section.table(|key| COMMON.contains(&key)))?;
        let config = section.typed(&kinds, |key| !COMMON.contains(&key), credentials)?;
        if common.poll_secs == 0 || common.keep_days == Some(0) {
            let key = if common.poll_secs == 0 { "poll_secs" } else { "keep_days" };
            return Err((section.span_of(key), format!("'{key}' is at least 1")));
        }
        let (name, poll_secs, keep_days) = (section.title().to_owned(), common.poll_secs, common.keep_days);
        Ok(SourceSection { name, config, poll_secs, keep_days })
    })
}

/// The sinks of a file, in the same way.
pub fn sinks(file: &str, text: &str, credentials: Option<&Path>) -> (Vec<SinkSection>, Vec<Fault>) {
    sections(file, text, "sink", |section| {
        let config = section.typed(&SinkConfig::KINDS, |_| true, credentials)?;
        Ok(SinkSection { name: section.title().to_owned(), config })
    })
}

/// Every `[WORD.NAME]` of a file in its order, as `read` takes it, and what is wrong with the others.
pub(super) fn sections<T>(
    file: &str,
    text: &str,
    word: &'static str,
    read: impl Fn(&Section<'_>) -> Result<T, Wrong>,
) -> (Vec<T>, Vec<Fault>) {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut out = (Vec::new(), Vec::new());
    let Some(all) = table.get_ref().get(word) else { return out };
    let mut fault = |at: Range<usize>, what: String| out.1.push(Fault::new(place(file, text, at.start), what));
    let DeValue::Table(named) = all.get_ref() else {
        fault(all.span(), format!("name the {word}: write [{word}.NAME]"));
        return out;
    };
    let mut found = Vec::new();
    for (name, value) in named {
        let DeValue::Table(keys) = value.get_ref() else {
            fault(name.span(), format!("name the {word}: write [{word}.{}]", name.get_ref()));
            continue;
        };
        let section = Section { word, name, keys };
        match section.is_well_named().and_then(|()| read(&section)) {
            Ok(read) => found.push((name.span().start, read)),
            Err((at, what)) => fault(at, what),
        }
    }
    found.sort_by_key(|(at, _)| *at);
    out.0 = found.into_iter().map(|(_, section)| section).collect();
    out
}

impl Section<'_> {
    pub(super) fn title(&self) -> &str {
        self.name.get_ref()
    }

    fn is_well_named(&self) -> Result<(), Wrong> {
        let (title, word) = (self.title(), self.word);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if title.is_empty() || title.len() > 64 || !title.chars().all(allowed) {
            return Err((self.name.span(), format!("a {word} is named by letters, digits, - and _, not {title:?}")));
        }
        Ok(())
    }

    /// Where a key stands; the section's name where it is not set.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.keys.iter().find(|(k, _)| k.get_ref() == key).map_or_else(|| self.name.span(), |(k, _)| k.span())
    }

    /// What a section says whose keys depend on its `type`, one of `kinds`.
    fn typed<T: DeserializeOwned>(
        &self,
        kinds: &[&'static str],
        wanted: impl Fn(&str) -> bool,
        credentials: Option<&Path>,
    ) -> Result<T, Wrong> {
        let (title, word) = (self.title(), self.word);
        let Some((_, kind)) = self.keys.iter().find(|(k, _)| k.get_ref() == "type") else {
            let kinds = kinds.join(", ");
            return Err((self.name.span(), format!("[{word}.{title}] needs a type: one of {kinds}")));
        };
        if let DeValue::String(given) = kind.get_ref()
            && !kinds.contains(&given.as_ref())
        {
            let advice = suggestion(given, kinds.iter().copied());
            return Err((kind.span(), format!("no {word} is of type {given:?}{advice}")));
        }
        let mut table = self.table(wanted);
        for (_, value) in table.iter_mut().filter(|(key, _)| key.ends_with("_file")) {
            given(value, credentials);
        }
        self.read(table)
    }

    /// Those of its keys that are wanted.
    pub(super) fn table(&self, wanted: impl Fn(&str) -> bool) -> toml::Table {
        let pairs = self.keys.iter().filter(|(k, _)| wanted(k.get_ref()));
        pairs.map(|(k, v)| (k.get_ref().to_string(), owned(v.get_ref()))).collect()
    }

    /// What keys say. The reader of a table knows its keys and not their places: the key that it names tells where.
    pub(super) fn read<T: DeserializeOwned>(&self, table: toml::Table) -> Result<T, Wrong> {
        T::deserialize(table).map_err(|error| {
            let what = error.message();
            let key = |word: &str| self.keys.iter().find(|(k, _)| k.get_ref() == word).map(|(k, _)| k.span());
            let value = || self.keys.iter().find(|(k, _)| what.contains(k.get_ref().as_ref())).map(|(_, v)| v.span());
            let at = what.split('`').skip(1).step_by(2).find_map(key).or_else(value);
            (at.unwrap_or_else(|| self.name.span()), format!("[{}.{}]: {what}", self.word, self.title()))
        })
    }
}

/// Puts the path of the credential in the place of its name, where it is one.
fn given(value: &mut toml::Value, credentials: Option<&Path>) {
    let toml::Value::String(name) = &*value else { return };
    if let Some(path) = credential(name, credentials) {
        *value = toml::Value::String(path.to_string_lossy().into_owned());
    }
}

/// The credential of this name, where there is one.
pub(super) fn credential(name: &str, credentials: Option<&Path>) -> Option<PathBuf> {
    let path = credentials?.join(name);
    (!name.contains('/') && path.is_file()).then_some(path)
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
    use super::{sinks, sources};

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
        let (found, faults) = sinks("example.toml", &text, None);
        assert!(faults.is_empty(), "{faults:?}\n{text}");
        assert_eq!(found.len(), crate::sink::registry::SinkConfig::KINDS.len());
    }

    #[test]
    fn sinks_are_read_like_sources_and_their_faults_have_places() {
        let text = "[sink.lead-mail]\ntype = \"smtp\"\nhost = \"mail.example\"\nfrom = \"b@a.example\"\nto = [\"c@a.example\"]\n[sink.out]\ntype = \"stdout\"\n";
        let (found, faults) = sinks("bluf.toml", text, None);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(found.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(), ["lead-mail", "out"]);
        let wrong = |text: &str, begins: &str| {
            let (_, faults) = sinks("bluf.toml", text, None);
            assert!(faults[0].to_string().starts_with(begins), "{faults:?}");
        };
        wrong("sink = 3", "bluf.toml, line 1, column 8: name the sink: write [sink.NAME]");
        wrong(
            "[sink.a]\ntype = \"webhok\"",
            "bluf.toml, line 2, column 8: no sink is of type \"webhok\"; did you mean 'webhook'?",
        );
        wrong("[sink.a]\n", "bluf.toml, line 1, column 7: [sink.a] needs a type: one of alertmanager, desktop,");
        wrong(
            "[sink.a]\ntype = \"slack\"\nchanel = \"x\"",
            "bluf.toml, line 3, column 1: [sink.a]: unknown field `chanel`",
        );
    }
}
