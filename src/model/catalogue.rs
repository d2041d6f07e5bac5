//! Every model that can be asked for by name: those that come with bluf and the user's own.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use super::{
    checksum::Checksum,
    manifest::{AdapterFile, Manifest, ManifestFault, Role},
};

/// The manifests that come with bluf, and where each lies in the source tree.
const BUILT_IN: [(&str, &str); 3] = [
    ("models/smollm2-135m/model.toml", include_str!("../../models/smollm2-135m/model.toml")),
    ("models/minilm-l6/model.toml", include_str!("../../models/minilm-l6/model.toml")),
    ("models/qwen2.5-coder-1.5b/model.toml", include_str!("../../models/qwen2.5-coder-1.5b/model.toml")),
];

/// The adapters that come with bluf.
const ADAPTERS: [&[u8]; 1] = [include_bytes!("../../models/smollm2-135m/adapter.safetensors")];

/// The known models, in the order in which they are listed.
#[derive(Clone, Debug)]
pub struct Catalogue {
    manifests: Vec<Manifest>,
}

/// Why a model cannot be looked up, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Correct the manifest.
    #[error(transparent)]
    Correct(#[from] ManifestFault),
    /// Make the file or folder readable.
    #[error("{path}: {why}", path = path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    /// Rename one of the two.
    #[error("{file}: the name '{name}' already belongs to '{other}'")]
    Rename { file: String, name: String, other: String },
    /// Restore the adapter, or name its hash in the manifest.
    #[error("{path} has the sha256 {is}, and its manifest says {said}", path = path.display())]
    Altered { path: PathBuf, is: String, said: String },
    /// Ask for another.
    #[error("no model is called '{name}'; known are {known}")]
    Unknown { name: String, known: String },
}

impl Catalogue {
    /// The models that come with bluf.
    pub fn built_in() -> Catalogue {
        let mut catalogue = Catalogue { manifests: Vec::new() };
        for (file, text) in BUILT_IN {
            let manifest = Manifest::parse(text, Path::new(file)).expect("a test parses every built-in manifest");
            catalogue.add(manifest, file).expect("a test adds every built-in manifest");
        }
        catalogue
    }

    /// The built-in models and those of `folder`, each in `folder/NAME/model.toml`. A user's manifest takes the place
    /// of a built-in one of the same name, for instance to add a source. A folder that does not exist is an empty one.
    ///
    /// # Errors
    /// The first manifest that cannot be read, is malformed, or takes another model's alias.
    pub fn with_folder(folder: &Path) -> Result<Catalogue, CatalogueError> {
        let mut catalogue = Catalogue::built_in();
        for file in manifest_files(folder)? {
            let text = std::fs::read_to_string(&file).map_err(|why| unreadable(&file, why))?;
            catalogue.add(Manifest::parse(&text, &file)?, &file.display().to_string())?;
        }
        Ok(catalogue)
    }

    /// The model of this name or alias.
    ///
    /// # Errors
    /// `Unknown`, with the names there are.
    pub fn find(&self, name: &str) -> Result<&Manifest, CatalogueError> {
        self.iter().find(|m| m.answers_to(name)).ok_or_else(|| CatalogueError::Unknown {
            name: name.to_owned(),
            known: self.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter()
    }

    /// The bytes of an adapter: those in this program where they are the ones that the manifest means.
    ///
    /// # Errors
    /// When its file cannot be read, or holds something else.
    pub fn adapter(adapter: &AdapterFile) -> Result<Cow<'static, [u8]>, CatalogueError> {
        let is = |bytes: &[u8]| Checksum::of(bytes, |_| true).ok().flatten();
        if let Some(bytes) = ADAPTERS.into_iter().find(|bytes| is(bytes).as_ref() == Some(&adapter.sha256)) {
            return Ok(Cow::Borrowed(bytes));
        }
        let bytes = std::fs::read(&adapter.path).map_err(|why| unreadable(&adapter.path, why))?;
        match is(&bytes) {
            Some(sum) if sum != adapter.sha256 => {
                let (path, is, said) = (adapter.path.clone(), sum.to_string(), adapter.sha256.to_string());
                Err(CatalogueError::Altered { path, is, said })
            }
            _ => Ok(Cow::Owned(bytes)),
        }
    }

    /// The first model of a role is its default.
    pub fn default_for(&self, role: Role) -> Option<&Manifest> {
        self.iter().find(|m| m.role == role)
    }

    fn add(&mut self, manifest: Manifest, file: &str) -> Result<(), CatalogueError> {
        for other in self.manifests.iter().filter(|other| other.name != manifest.name) {
            let names = std::iter::once(&manifest.name).chain(&manifest.aliases);
            if let Some(name) = names.into_iter().find(|name| other.answers_to(name)) {
                let (file, name, other) = (file.to_owned(), name.clone(), other.name.clone());
                return Err(CatalogueError::Rename { file, name, other });
            }
        }
        match self.manifests.iter_mut().find(|other| other.name == manifest.name) {
            Some(other) => *other = manifest,
            None => self.manifests.push(manifest),
        }
        Ok(())
    }
}

/// Sorted, so that the first fault reported does not depend on the file system.
fn manifest_files(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|why| unreadable(folder, why))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|why| unreadable(folder, why))?.path().join("model.toml");
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, why: std::io::Error) -> CatalogueError {
    CatalogueError::Unreadable { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_models_answer_to_their_names_and_aliases() {
        let catalogue = Catalogue::built_in();
        for (asked, name) in [
            ("smollm2-135m", "smollm2-135m"),
            ("small", "smollm2-135m"),
            ("default", "smollm2-135m"),
            ("encoder", "minilm-l6"),
            ("standard", "qwen2.5-coder-1.5b"),
        ] {
            assert_eq!(catalogue.find(asked).unwrap().name, name);
        }
        assert_eq!(catalogue.default_for(Role::Generator).unwrap().name, "smollm2-135m");
        assert_eq!(catalogue.default_for(Role::Encoder).unwrap().name, "minilm-l6");
        let unknown = catalogue.find("huge").unwrap_err().to_string();
        assert!(unknown.contains("'huge'") && unknown.contains("minilm-l6"), "{unknown}");
    }

    #[test]
    fn every_built_in_model_can_be_had_without_a_hub() {
        for manifest in Catalogue::built_in().iter() {
            let kinds: Vec<String> = manifest.sources.iter().map(|s| s.kind().to_string()).collect();
            assert!(kinds.iter().any(|kind| kind == "package"), "{}: {kinds:?}", manifest.name);
        }
    }

    #[test]
    fn a_users_manifest_replaces_its_namesake_and_may_not_take_anothers_alias() {
        let folder = tempfile::tempdir().unwrap();
        let own = include_str!("../../tests/fixtures/model/good/model.toml");
        let put = |name: &str, text: String| {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("model.toml"), text).unwrap();
        };
        put("tiny", own.replace("\"tiny\"", "\"smollm2-135m\""));
        let catalogue = Catalogue::with_folder(folder.path()).unwrap();
        assert_eq!(catalogue.iter().count(), 3);
        assert_eq!(catalogue.find("smollm2-135m").unwrap().description, "Two small files.");

        put("tiny", own.replace("\"wee\"", "\"encoder\""));
        let clash = Catalogue::with_folder(folder.path()).unwrap_err();
        assert!(matches!(clash, CatalogueError::Rename { .. }), "{clash}");
        assert_eq!(Catalogue::with_folder(Path::new("nowhere")).unwrap().iter().count(), 3);
    }
}
