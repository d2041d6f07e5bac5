//! What a model is made of: its files, each named by size and sha256, and the places they can be had from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::checksum::Checksum;

mod written;

/// One `model.toml`, checked.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Also the name of its folder on the shelf.
    pub name: String,
    pub aliases: Vec<String>,
    pub role: Role,
    pub architecture: Architecture,
    pub context_tokens: usize,
    /// An SPDX expression.
    pub licence: String,
    pub description: String,
    pub files: Vec<ModelFile>,
    /// What teaches the model its job, if anything does.
    pub adapter: Option<AdapterFile>,
    /// In the order in which they are tried.
    pub sources: Vec<Source>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Generator,
    Encoder,
}

/// The network that the weights belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Llama,
    Qwen2,
    Qwen3,
    Bert,
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Relative, with `/`, and never leaving the model's folder.
    #[serde(deserialize_with = "written::inner_path")]
    pub path: String,
    pub bytes: u64,
    pub sha256: Checksum,
}

/// An adapter that comes with a manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterFile {
    /// Beside the manifest.
    pub path: PathBuf,
    pub sha256: Checksum,
    pub version: String,
}

/// A place that may have a model's files.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder on this machine.
    Folder { path: PathBuf },
    /// A model repository on a hub; `files` maps a model's file to its path in the repository.
    Hub { repo: String, revision: String, files: BTreeMap<String, String> },
    /// Python packages that carry the files as data.
    Package { wheels: Vec<Wheel> },
}

/// The kind of a source, as written in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Folder,
    Hub,
    Package,
}

/// One Python package. A file that several wheels of a source carry is their members, end to end, in the order given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    #[serde(deserialize_with = "written::package_word")]
    pub package: String,
    #[serde(deserialize_with = "written::package_word")]
    pub version: String,
    /// Of the wheel itself, when there is only one wheel of this version.
    pub sha256: Option<Checksum>,
    /// Of the wheel itself, for the progress bar.
    pub bytes: Option<u64>,
    /// From a model's file to the member of the wheel.
    pub members: BTreeMap<String, String>,
}

/// What is wrong with a manifest, and where. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {why}")]
pub struct ManifestFault {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub why: String,
}

impl Manifest {
    /// Reads the text of `file`. A relative folder source is looked for beside `file`.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str, file: &Path) -> Result<Manifest, ManifestFault> {
        written::read(text, file).map_err(|(at, why)| {
            let (line, column) = place_of(text, at.start);
            ManifestFault { file: file.display().to_string(), line, column, why }
        })
    }

    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }

    /// Whether `name` is this model's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

impl Source {
    pub fn kind(&self) -> SourceKind {
        match self {
            Source::Folder { .. } => SourceKind::Folder,
            Source::Hub { .. } => SourceKind::Hub,
            Source::Package { .. } => SourceKind::Package,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Folder { path } => write!(f, "folder {}", path.display()),
            Source::Hub { repo, revision, .. } => write!(f, "hub {repo}@{revision}"),
            Source::Package { wheels } => match wheels.as_slice() {
                [only] => write!(f, "package {only}"),
                [first, .., last] => write!(f, "packages {first} … {last}"),
                [] => f.write_str("no package"),
            },
        }
    }
}

impl fmt::Display for Wheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={}", self.package, self.version)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SourceKind::Folder => "folder",
            SourceKind::Hub => "hub",
            SourceKind::Package => "package",
        })
    }
}

fn place_of(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../tests/fixtures/model/good/model.toml");

    #[test]
    fn a_manifest_is_read_with_its_sources_in_order() {
        let manifest = Manifest::parse(GOOD, Path::new("models/tiny/model.toml")).unwrap();
        assert_eq!((manifest.role, manifest.architecture), (Role::Encoder, Architecture::Bert));
        assert_eq!(manifest.bytes(), 12 + 7);
        assert!(manifest.answers_to("wee") && !manifest.answers_to("w"));
        let sources: Vec<String> = manifest.sources.iter().map(ToString::to_string).collect();
        assert_eq!(
            sources,
            [
                "folder models/tiny/mine",
                "hub someone/tiny@v1.0",
                "package tiny-weights==1.0",
                "packages tiny-a==1.0 … tiny-b==1.0"
            ]
        );
        let Source::Hub { files, .. } = &manifest.sources[1] else { panic!("the second source is the hub") };
        assert_eq!(files["weights.bin"], "onnx/weights.bin");
    }

    #[track_caller]
    fn check(from: &str, to: &str, line: usize, column: usize, why: &str) {
        assert!(GOOD.contains(from), "the fixture has no {from}");
        let fault = Manifest::parse(&GOOD.replacen(from, to, 1), Path::new("model.toml")).unwrap_err();
        assert!(fault.why.contains(why), "{fault}");
        assert_eq!((fault.line, fault.column), (line, column), "{fault}");
    }

    #[test]
    fn faults_name_their_place() {
        check("role = \"encoder\"", "role = \"judge\"", 3, 8, "unknown variant `judge`");
        check("name = \"tiny\"", "name = \"../tiny\"", 1, 8, "not a model's name");
        check("name = \"tiny\"", "name = ", 1, 8, "");
        check("licence =", "license =", 6, 1, "unknown field `license`");
        check("path = \"config.json\"", "path = \"../config.json\"", 10, 8, "leaves the model's folder");
        check("path = \"config.json\"", "path = \"/etc/config.json\"", 10, 8, "leaves the model's folder");
        check("path = \"config.json\"", "path = \".config.json\"", 10, 8, "hidden");
        check("path = \"config.json\"", "path = \"weights.bin\"", 14, 1, "listed twice");
        check("bytes = 12", "bytes = -12", 11, 9, "");
        check("sha256 = \"a948", "sha256 = \"948", 12, 10, "64 hexadecimal digits");
        check("repo = \"someone/tiny\"", "", 23, 1, "needs `repo`");
        check("repo = \"someone/tiny\"", "repo = \"someone/../tiny\"", 23, 1, "not the name of a repository");
        check("revision = \"v1.0\"", "wheels = []", 23, 1, "a hub source has no `wheels`");
        check("package = \"tiny-weights\"", "package = \"--index-url\"", 33, 11, "not the name or version");
        check("\"config.json\" = \"tiny", "\"other.json\" = \"tiny", 29, 1, "no file `other.json`");
        check("join = \"concat\"", "", 37, 1, "several wheels carry `weights.bin`");
    }
}
