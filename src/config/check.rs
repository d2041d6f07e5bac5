//! Reads a configuration file's text into values, and finds every fault in it at once.

use std::{collections::BTreeMap, ops::Range};

use toml::de::{DeTable, DeValue};

use super::key::{KEYS, Key, Value, suggestion};
use crate::domain::{Fault, Place};

/// What a text sets, by `section.key`, each with the line it stands on.
pub type Settings = BTreeMap<&'static str, (Value, usize)>;

/// The settings of `text` and everything that is wrong with it, in the order of the lines. `file` is named in the faults.
pub fn check(file: &str, text: &str) -> (Settings, Vec<Fault>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, text, settings: Settings::new(), faults: Vec::new() };
    for error in &errors {
        reader.fault(error.span().unwrap_or_default(), format!("not valid TOML: {}", error.message()));
    }
    reader.sections(table.get_ref());
    reader.faults.sort_by_key(|f| (f.place.line, f.place.column));
    (reader.settings, reader.faults)
}

/// Sections that `sections` reads: those that hold sections of people's own names, and `[alert]`.
pub const NAMED: [&str; 6] = ["source", "sink", "calendar", "person", "policy", "alert"];

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    settings: Settings,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn sections(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let known: Vec<&str> = section_names();
            let word = name.get_ref().as_ref();
            match value.get_ref() {
                // Sections of sections, each of which somebody named.
                _ if NAMED.contains(&word) => {}
                DeValue::Table(keys) if known.contains(&word) => self.keys(word, keys),
                _ if known.contains(&word) => {
                    self.fault(name.span(), format!("'{word}' is a section: write it as [{word}]"));
                }
                DeValue::Table(_) => {
                    let known = known.into_iter().chain(NAMED);
                    self.fault(name.span(), format!("unknown section [{word}]{}", suggestion(word, known)));
                }
                _ => {
                    let paths: Vec<&str> = KEYS.iter().filter(|k| k.name() == word).map(|k| k.section()).collect();
                    let advice = match paths.first() {
                        Some(section) => format!("; it belongs under [{section}]"),
                        None => suggestion(word, KEYS.iter().map(Key::name)),
                    };
                    self.fault(name.span(), format!("unknown key '{word}' outside any section{advice}"));
                }
            }
        }
    }

    fn keys(&mut self, section: &str, keys: &DeTable<'_>) {
        for (name, value) in keys {
            let word = name.get_ref().as_ref();
            let Some(key) = Key::find(&format!("{section}.{word}")) else {
                let known = KEYS.iter().filter(|k| k.section() == section).map(Key::name);
                self.fault(name.span(), format!("unknown key '{word}' in [{section}]{}", suggestion(word, known)));
                continue;
            };
            match plain(value.get_ref()).and_then(|v| key.admit(v).map_err(Some)) {
                Ok(v) => {
                    let line = self.place(name.span()).line.unwrap_or_default();
                    self.settings.insert(key.path, (v, line));
                }
                Err(what) => {
                    // A syntax error inside the value is reported already.
                    let what = what.unwrap_or_else(|| format!("'{}' takes one plain value", key.path));
                    self.fault(value.span(), what);
                }
            }
        }
    }

    fn fault(&mut self, at: Range<usize>, what: String) {
        let place = self.place(at);
        if !self.faults.iter().any(|f| f.place == place) {
            self.faults.push(Fault::new(place, what));
        }
    }

    fn place(&self, at: Range<usize>) -> Place {
        place(self.file, self.text, at.start)
    }
}

/// Where in a file a byte lies.
pub(super) fn place(file: &str, text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    Place {
        file: Some(file.to_string()),
        line: Some(before.matches('\n').count() + 1),
        column: Some(before[line_start..].chars().count() + 1),
        item: None,
    }
}

fn section_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = KEYS.iter().map(Key::section).collect();
    names.dedup();
    names
}

fn plain(value: &DeValue<'_>) -> Result<Value, Option<String>> {
    match value {
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Integer(n) => {
            let digits = n.as_str().replace('_', "");
            i64::from_str_radix(&digits, n.radix()).map(Value::Whole).map_err(|_| None)
        }
        DeValue::Boolean(yes) => Ok(Value::Flag(*yes)),
        DeValue::Array(items) => {
            let word = |item: &toml::Spanned<DeValue<'_>>| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            };
            items.iter().map(word).collect::<Option<_>>().map(Value::List).ok_or(None)
        }
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[track_caller]
    fn faults(text: &str, expected: &[&str]) {
        let found: Vec<String> = check("bluf.toml", text).1.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_fault_is_found_at_once_with_its_place() {
        faults(
            "[model]\nthraeds = 4\ndevice = \"gpu\"\nqueue = \"long\"\n\n[sumarize]\nmax_prompt_tokens = 1\n",
            &[
                "bluf.toml, line 2, column 1: unknown key 'thraeds' in [model]; did you mean 'threads'?",
                "bluf.toml, line 3, column 10: 'model.device' cannot be \"gpu\"; did you mean 'cpu'?",
                "bluf.toml, line 4, column 9: 'model.queue' takes a whole number from 1 to 4096",
                "bluf.toml, line 6, column 2: unknown section [sumarize]; did you mean 'summarize'?",
            ],
        );
    }

    #[test]
    fn a_value_of_the_wrong_shape_or_in_the_wrong_place_is_a_fault() {
        faults("model = 3", &["bluf.toml, line 1, column 1: 'model' is a section: write it as [model]"]);
        faults(
            "device = \"cpu\"",
            &["bluf.toml, line 1, column 1: unknown key 'device' outside any section; it belongs under [model]"],
        );
        faults("[model]\nthreads = [4]", &["bluf.toml, line 2, column 11: 'model.threads' takes one plain value"]);
        faults("[web]\nhosts = \"a\"", &["bluf.toml, line 2, column 9: 'web.hosts' takes a list of texts"]);
        faults("[model]\nthreads = 1.5", &["bluf.toml, line 2, column 11: 'model.threads' takes one plain value"]);
        faults("[model]\nname = 7", &["bluf.toml, line 2, column 8: 'model.name' takes text in quotes"]);
    }

    #[test]
    fn broken_syntax_does_not_hide_the_other_faults() {
        let (_, faults) = check("bluf.toml", "[model]\nname = \nthraeds = 4\n");
        let lines: Vec<_> = faults.iter().map(|f| f.place.line).collect();
        assert_eq!(lines, [Some(2), Some(3)], "{faults:?}");
    }

    #[test]
    fn what_is_right_is_kept_with_its_line() {
        let (settings, faults) = check("bluf.toml", "[model]\nthreads = 0x10\n[log]\nlevel = 'info'\n");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(settings["model.threads"], (super::Value::Whole(16), 2));
        assert_eq!(settings["log.level"].1, 4);
    }
}
