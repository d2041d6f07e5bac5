//! A manifest as it is written, held against itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::{AdapterFile, Architecture, Manifest, ModelFile, Role, Source, SourceKind, Wheel};

/// What is wrong, and at which bytes of the text.
type Fault = (Range<usize>, String);

pub(super) fn read(text: &str, file: &Path) -> Result<Manifest, Fault> {
    let written: Written = toml::from_str(text).map_err(|e| (e.span().unwrap_or(0..0), e.message().to_owned()))?;
    check_files(&written.files)?;
    let files: Vec<ModelFile> = written.files.into_iter().map(Spanned::into_inner).collect();
    let beside = file.parent().unwrap_or(Path::new(""));
    let sources = written
        .sources
        .into_iter()
        .map(|source| {
            let at = source.span();
            source.into_inner().check(&files, beside).map_err(|why| (at, why))
        })
        .collect::<Result<_, _>>()?;
    let adapter = written.adapter.map(|adapter| AdapterFile { path: beside.join(adapter.path), ..adapter });
    Ok(Manifest {
        name: written.name,
        aliases: written.aliases,
        role: written.role,
        architecture: written.architecture,
        context_tokens: written.context_tokens,
        licence: written.licence,
        description: written.description,
        files,
        adapter,
        sources,
    })
}

/// A manifest as written, before its parts are held against each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "model_name")]
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    role: Role,
    architecture: Architecture,
    context_tokens: usize,
    licence: String,
    description: String,
    files: Vec<Spanned<ModelFile>>,
    adapter: Option<AdapterFile>,
    #[serde(default)]
    sources: Vec<Spanned<WrittenSource>>,
}

/// A source as written. One struct for the three kinds, because a tagged enum would lose the places of its faults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    kind: SourceKind,
    path: Option<PathBuf>,
    repo: Option<String>,
    revision: Option<String>,
    files: Option<BTreeMap<String, String>>,
    wheels: Option<Vec<Wheel>>,
    join: Option<Join>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Join {
    Concat,
}

impl WrittenSource {
    fn check(self, files: &[ModelFile], beside: &Path) -> Result<Source, String> {
        let kind = self.kind;
        let given = [
            ("path", self.path.is_some(), SourceKind::Folder),
            ("repo", self.repo.is_some(), SourceKind::Hub),
            ("revision", self.revision.is_some(), SourceKind::Hub),
            ("files", self.files.is_some(), SourceKind::Hub),
            ("wheels", self.wheels.is_some(), SourceKind::Package),
            ("join", self.join.is_some(), SourceKind::Package),
        ];
        if let Some((key, ..)) = given.iter().find(|(_, present, of)| *present && *of != kind) {
            return Err(format!("a {kind} source has no `{key}`"));
        }
        let needs = |key: &str| format!("a {kind} source needs `{key}`");
        match kind {
            SourceKind::Folder => Ok(Source::Folder { path: beside.join(self.path.ok_or_else(|| needs("path"))?) }),
            SourceKind::Hub => {
                let repo = self.repo.ok_or_else(|| needs("repo"))?;
                let revision = self.revision.unwrap_or_else(|| "main".to_owned());
                hub_source(repo, revision, self.files, files)
            }
            SourceKind::Package => {
                let wheels = self.wheels.ok_or_else(|| needs("wheels"))?;
                check_wheels(&wheels, self.join == Some(Join::Concat), files)?;
                Ok(Source::Package { wheels })
            }
        }
    }
}

fn hub_source(
    repo: String,
    revision: String,
    map: Option<BTreeMap<String, String>>,
    files: &[ModelFile],
) -> Result<Source, String> {
    for word in [&repo, &revision] {
        if !word.split('/').all(is_plain_word) {
            return Err(format!("`{word}` is not the name of a repository or revision"));
        }
    }
    let map = map.unwrap_or_else(|| files.iter().map(|f| (f.path.clone(), f.path.clone())).collect());
    for (file, remote) in &map {
        known_file(file, files)?;
        if !stays_inside(remote) {
            return Err(format!("`{remote}` is not a path in a repository"));
        }
    }
    Ok(Source::Hub { repo, revision, files: map })
}

fn check_wheels(wheels: &[Wheel], join: bool, files: &[ModelFile]) -> Result<(), String> {
    let mut carried: Vec<&str> = Vec::new();
    for file in wheels.iter().flat_map(|w| w.members.keys()) {
        known_file(file, files)?;
        if carried.contains(&file.as_str()) && !join {
            return Err(format!("several wheels carry `{file}`; say `join = \"concat\"` if they are its parts"));
        }
        carried.push(file);
    }
    if carried.is_empty() { Err("no wheel carries a file of this model".to_owned()) } else { Ok(()) }
}

fn check_files(files: &[Spanned<ModelFile>]) -> Result<(), Fault> {
    if files.is_empty() {
        return Err((0..0, "a model needs at least one file".to_owned()));
    }
    for (i, file) in files.iter().enumerate() {
        if files.iter().take(i).any(|other| other.get_ref().path == file.get_ref().path) {
            return Err((file.span(), format!("`{}` is listed twice", file.get_ref().path)));
        }
    }
    Ok(())
}

fn known_file(file: &str, files: &[ModelFile]) -> Result<(), String> {
    if files.iter().any(|f| f.path == file) { Ok(()) } else { Err(format!("the model has no file `{file}`")) }
}

fn model_name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    if is_plain_word(&name) && !name.chars().any(|c| c.is_ascii_uppercase()) {
        return Ok(name);
    }
    Err(de::Error::custom(format!("`{name}` is not a model's name: use a-z, 0-9, `-`, `_` and `.`")))
}

/// A word that goes on a command line as a requirement: it must not look like an option.
pub(super) fn package_word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let word = String::deserialize(from)?;
    if is_plain_word(&word) {
        return Ok(word);
    }
    Err(de::Error::custom(format!("`{word}` is not the name or version of a package")))
}

pub(super) fn inner_path<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let path = String::deserialize(from)?;
    if stays_inside(&path) {
        return Ok(path);
    }
    Err(de::Error::custom(format!("`{path}` leaves the model's folder or is hidden: give a plain relative path")))
}

/// No empty, hidden or parent part: hidden names in a model's folder are the shelf's own.
fn stays_inside(path: &str) -> bool {
    !path.contains(['\\', ':']) && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

fn is_plain_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+!".contains(c))
}
