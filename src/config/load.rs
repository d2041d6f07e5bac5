//! Lays the sources of configuration over each other: flags, environment, files, the embedded default.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use super::{
    Config, Sections,
    check::check,
    key::{KEYS, Key, Value, suggestion},
    sections,
};
use crate::domain::{Fault, Place};

/// The defaults, as a file that people can read.
pub const DEFAULT: &str = include_str!("../../config/default.toml");

/// A file that sets nothing and explains everything.
pub const EXAMPLE: &str = include_str!("../../config/example.toml");

/// Environment variables that begin with this are settings.
const PREFIX: &str = "BLUF_";

/// Names the configuration file itself, so it is no setting.
pub const FILE_VARIABLE: &str = "BLUF_CONFIG";

/// Where settings may come from, strongest first.
#[derive(Debug, Default)]
pub struct Sources {
    /// `section.key` and its text, from the command line.
    pub flags: Vec<(&'static str, String)>,
    /// The environment; variables without the prefix are passed over.
    pub environment: Vec<(String, String)>,
    /// The file that the command line or `BLUF_CONFIG` names. It must exist.
    pub file: Option<PathBuf>,
    /// Where to look when no file is named; the first that exists is read.
    pub usual_files: Vec<PathBuf>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment(String),
    File { path: PathBuf, line: usize },
    Default,
}

/// The settings in force and where each came from.
#[derive(Debug)]
pub struct Effective {
    pub config: Config,
    /// One entry a key of `KEYS`, in its order.
    pub values: Vec<(&'static Key, Value, Origin)>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file cannot be read: name another.
    #[error("{path}: {why}", path = path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    /// The settings are wrong: correct each of these.
    #[error("the configuration has {} fault{}:\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, lines(.0))]
    Faulty(Vec<Fault>),
}

impl Sources {
    /// The settings in force, or every fault of every source.
    pub fn load(&self) -> Result<Effective, ConfigError> {
        let mut layers = vec![file_layer("default.toml", DEFAULT, |_| Origin::Default)];
        let (mut named, mut faults) = (Sections::shipped(TimeZone::system()), Vec::new());
        if let Some((path, text)) = self.read_file()? {
            (named, faults) =
                sections::read(&path.display().to_string(), &text, self.credentials(), TimeZone::system());
            layers
                .push(file_layer(&path.display().to_string(), &text, |line| Origin::File { path: path.clone(), line }));
        }
        layers.push(self.environment_layer());
        layers.push(self.flag_layer());

        let mut merged = BTreeMap::new();
        for layer in layers {
            merged.extend(layer.settings);
            faults.extend(layer.faults);
        }
        if !faults.is_empty() {
            return Err(ConfigError::Faulty(faults));
        }
        Ok(effective(&merged, named))
    }

    /// The file that is read; `None` where there is none.
    pub fn file_in_force(&self) -> Option<&Path> {
        let found = || self.usual_files.iter().find(|path| path.exists());
        self.file.as_ref().or_else(found).map(PathBuf::as_path)
    }

    fn read_file(&self) -> Result<Option<(PathBuf, String)>, ConfigError> {
        let unreadable = |path: &Path, why| ConfigError::Unreadable { path: path.to_path_buf(), why };
        if let Some(path) = &self.file {
            return fs::read_to_string(path).map(|text| Some((path.clone(), text))).map_err(|e| unreadable(path, e));
        }
        for path in &self.usual_files {
            match fs::read_to_string(path) {
                Ok(text) => return Ok(Some((path.clone(), text))),
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(e) => return Err(unreadable(path, e)),
            }
        }
        Ok(None)
    }

    /// Where systemd puts the secrets that it was told to hand over.
    pub fn credentials(&self) -> Option<&Path> {
        self.environment.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY").map(|(_, folder)| Path::new(folder))
    }

    fn environment_layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (name, text) in &self.environment {
            if !name.starts_with(PREFIX) || name == FILE_VARIABLE {
                continue;
            }
            let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
            match KEYS.iter().zip(&variables).find(|(_, v)| *v == name) {
                Some((key, _)) => layer.set(key, text, Origin::Environment(name.clone()), name),
                None => {
                    let what = format!(
                        "unknown environment variable{}",
                        suggestion(name, variables.iter().map(String::as_str))
                    );
                    layer.faults.push(Fault::new(place(name), what));
                }
            }
        }
        layer
    }

    fn flag_layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (path, text) in &self.flags {
            let key = Key::find(path).expect("flags name keys of the table");
            layer.set(key, text, Origin::Flag, "the command line");
        }
        layer
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("command line"),
            Origin::Environment(name) => f.write_str(name),
            Origin::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// One source's settings, by `section.key`.
#[derive(Default)]
struct Layer {
    settings: BTreeMap<&'static str, (Value, Origin)>,
    faults: Vec<Fault>,
}

impl Layer {
    fn set(&mut self, key: &'static Key, text: &str, origin: Origin, whence: &str) {
        match key.read(text) {
            Ok(value) => drop(self.settings.insert(key.path, (value, origin))),
            Err(what) => self.faults.push(Fault::new(place(whence), what)),
        }
    }
}

fn file_layer(name: &str, text: &str, origin: impl Fn(usize) -> Origin) -> Layer {
    let (settings, faults) = check(name, text);
    let settings = settings.into_iter().map(|(path, (value, line))| (path, (value, origin(line)))).collect();
    Layer { settings, faults }
}

fn effective(merged: &BTreeMap<&'static str, (Value, Origin)>, named: Sections) -> Effective {
    let values: Vec<(&'static Key, Value, Origin)> = KEYS
        .iter()
        .map(|key| {
            let (value, origin) = merged.get(key.path).expect("default.toml sets every key; a test holds it to that");
            (key, value.clone(), origin.clone())
        })
        .collect();
    Effective { config: Config::from_values(&values, named), values }
}

fn place(whence: &str) -> Place {
    Place { file: Some(whence.to_string()), ..Place::default() }
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(|f| format!("  {f}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{super::key::KEYS, ConfigError, DEFAULT, EXAMPLE, Origin, Sources, check};

    #[test]
    fn the_embedded_default_sets_every_key() {
        let (settings, faults) = check("default.toml", DEFAULT);
        assert!(faults.is_empty(), "{faults:?}");
        let missing: Vec<&str> = KEYS.iter().map(|k| k.path).filter(|p| !settings.contains_key(p)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_example_comments_every_key_and_says_the_defaults() {
        let (settings, faults) = check("example.toml", EXAMPLE);
        assert!(settings.is_empty() && faults.is_empty(), "the example sets nothing: {settings:?} {faults:?}");
        let uncommented: String = EXAMPLE
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = ") && !l.starts_with(' ')).unwrap_or(l))
            .map(|l| format!("{l}\n"))
            .collect();
        let (settings, faults) = check("example.toml", &uncommented);
        assert!(faults.is_empty(), "{faults:?}\n{uncommented}");
        let (defaults, _) = check("default.toml", DEFAULT);
        let values =
            |s: &super::super::check::Settings| s.iter().map(|(k, (v, _))| (*k, v.clone())).collect::<Vec<_>>();
        assert_eq!(values(&settings), values(&defaults));
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file_which_beats_the_default() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bluf.toml");
        std::fs::write(&file, "[model]\nname = \"from-file\"\nthreads = 2\nqueue = 3\n").expect("written");
        let sources = Sources {
            flags: vec![("model.name", "from-flag".to_string())],
            environment: vec![
                ("BLUF_MODEL_NAME".to_string(), "from-environment".to_string()),
                ("BLUF_MODEL_THREADS".to_string(), "7".to_string()),
                ("BLUF_CONFIG".to_string(), "elsewhere".to_string()),
                ("HOME".to_string(), "/nowhere".to_string()),
            ],
            file: Some(file.clone()),
            usual_files: Vec::new(),
        };
        let effective = sources.load().expect("no fault");
        assert_eq!(effective.config.model.name, "from-flag");
        assert_eq!((effective.config.model.threads, effective.config.model.queue), (7, 3));
        let origin = |path: &str| effective.values.iter().find(|v| v.0.path == path).map(|v| v.2.clone());
        assert_eq!(origin("model.name"), Some(Origin::Flag));
        assert_eq!(origin("model.threads"), Some(Origin::Environment("BLUF_MODEL_THREADS".to_string())));
        assert_eq!(origin("model.queue"), Some(Origin::File { path: file, line: 4 }));
        assert_eq!(origin("model.device"), Some(Origin::Default));
    }

    #[test]
    fn faults_of_every_source_are_reported_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bluf.toml");
        std::fs::write(&file, "[model]\nnaem = \"x\"\n").expect("written");
        let sources = Sources {
            flags: vec![("log.level", "loud".to_string())],
            environment: vec![("BLUF_MODEL_TREADS".to_string(), "7".to_string())],
            file: Some(file),
            usual_files: Vec::new(),
        };
        let Err(ConfigError::Faulty(faults)) = sources.load() else { panic!("three faults expected") };
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[1].to_string().contains("did you mean 'BLUF_MODEL_THREADS'?"), "{}", faults[1]);
    }

    #[test]
    fn a_named_file_must_exist_and_a_usual_one_need_not() {
        let nowhere = std::path::PathBuf::from("no/such/bluf.toml");
        let usual = Sources { usual_files: vec![nowhere.clone()], ..Sources::default() };
        assert!(usual.load().is_ok());
        let named = Sources { file: Some(nowhere), ..Sources::default() };
        assert!(matches!(named.load(), Err(ConfigError::Unreadable { .. })));
    }
}
