//! The settings in force: one section a room, from flags, environment, files and the embedded default.

pub mod alert;
pub mod check;
pub mod key;
pub mod load;
pub mod named;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod sections;

use std::path::PathBuf;

use crate::{alert::Routes, docket::Rules};
use key::{Key, Value};
use load::Origin;

pub use load::{ConfigError, Effective, Sources};
pub use named::{SinkSection, SourceSection};
pub use sections::Sections;

#[derive(Clone, Debug)]
pub struct Config {
    pub model: Model,
    pub summarize: Summarize,
    pub store: Store,
    pub web: Web,
    pub log: Log,
    /// `[source.NAME]`, in the order of the file.
    pub sources: Vec<SourceSection>,
    /// `[sink.NAME]`, in the order of the file.
    pub sinks: Vec<SinkSection>,
    /// `[calendar.NAME]`, `[person.NAME]` and `[policy.NAME]`, and what we ship beside them.
    pub rules: Rules,
    /// `[alert]`.
    pub routes: Routes,
}

/// `[model]`: the transformers that run here.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The generator's name, or a GGUF file's path.
    pub name: String,
    pub adapter: Adapter,
    pub encoder: String,
    /// `None`: the user's cache folder.
    pub folder: Option<PathBuf>,
    pub device: Device,
    /// 0: one a physical core.
    pub threads: usize,
    pub queue: usize,
    /// Seconds that the daemon keeps models in memory that nobody uses.
    pub idle_secs: usize,
    pub python: String,
    /// `None`: the hub client's own default.
    pub hub_endpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu,
    Cuda,
    Metal,
}

/// `[summarize]`: how a thread becomes a BLUF.
#[derive(Clone, Debug, PartialEq)]
pub struct Summarize {
    pub max_prompt_tokens: usize,
    pub max_new_tokens: usize,
    /// Seconds that a thread must have been quiet before the daemon reads it again.
    pub quiet_secs: usize,
}

/// `[store]`: the daemon's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// `None`: in systemd's state folder, else in the user's data folder.
    pub path: Option<PathBuf>,
}

/// `[web]`: where the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// `host:port`.
    pub listen: Vec<String>,
    pub socket: Socket,
    pub open_on_loopback: bool,
    /// Names it may be called by, besides its loopback addresses.
    pub hosts: Vec<String>,
    /// How people reach the pages; `None`: nothing links to them.
    pub url: Option<String>,
}

/// The Unix socket that the daemon serves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    BesideTheDatabase,
    None,
    At(PathBuf),
}

/// `[log]`: what goes to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub level: Level,
    pub json: bool,
}

/// What is laid beside a generator's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// What its manifest names, if anything.
    Own,
    None,
    File(PathBuf),
}

/// How much is said, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What failed.
    Error,
    /// Also what was skipped.
    Warn,
    /// Also progress and notes.
    Info,
}

impl Config {
    /// Builds the sections from checked values, one a key of the table.
    fn from_values(values: &[(&'static Key, Value, Origin)], named: Sections) -> Config {
        let value = |path: &str| values.iter().find(|(key, ..)| key.path == path).map(|(_, value, _)| value);
        let text = |path: &str| match value(path) {
            Some(Value::Text(text)) => text.clone(),
            _ => unreachable!("{path} is a text key of the table, and values are checked against it"),
        };
        let whole = |path: &str| match value(path) {
            Some(Value::Whole(n)) => usize::try_from(*n).expect("the table's ranges begin at 0 or above"),
            _ => unreachable!("{path} is a number key of the table, and values are checked against it"),
        };
        let list = |path: &str| match value(path) {
            Some(Value::List(words)) => words.clone(),
            _ => unreachable!("{path} is a list key of the table, and values are checked against it"),
        };
        let filled = |path: &str| Some(text(path)).filter(|t| !t.is_empty());
        Config {
            model: Model {
                name: text("model.name"),
                adapter: match text("model.adapter").as_str() {
                    "" => Adapter::Own,
                    "none" => Adapter::None,
                    path => Adapter::File(PathBuf::from(path)),
                },
                encoder: text("model.encoder"),
                folder: filled("model.folder").map(PathBuf::from),
                device: match text("model.device").as_str() {
                    "cuda" => Device::Cuda,
                    "metal" => Device::Metal,
                    _ => Device::Cpu,
                },
                threads: whole("model.threads"),
                queue: whole("model.queue"),
                idle_secs: whole("model.idle_secs"),
                python: text("model.python"),
                hub_endpoint: filled("model.hub_endpoint"),
            },
            summarize: Summarize {
                max_prompt_tokens: whole("summarize.max_prompt_tokens"),
                max_new_tokens: whole("summarize.max_new_tokens"),
                quiet_secs: whole("summarize.quiet_secs"),
            },
            store: Store { path: filled("store.path").map(PathBuf::from) },
            web: Web {
                listen: list("web.listen"),
                socket: match text("web.socket").as_str() {
                    "" => Socket::BesideTheDatabase,
                    "none" => Socket::None,
                    path => Socket::At(PathBuf::from(path)),
                },
                open_on_loopback: matches!(value("web.open_on_loopback"), Some(Value::Flag(true))),
                hosts: list("web.hosts"),
                url: filled("web.url"),
            },
            sources: named.sources,
            sinks: named.sinks,
            rules: named.rules,
            routes: named.routes,
            log: Log {
                level: match text("log.level").as_str() {
                    "error" => Level::Error,
                    "warn" => Level::Warn,
                    _ => Level::Info,
                },
                json: text("log.format") == "json",
            },
        }
    }
}
