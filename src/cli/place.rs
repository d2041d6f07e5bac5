//! Where the daemon keeps its things, and that only one daemon does.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;

use crate::config::{Config, Socket};

/// The daemon's database: configured, or in systemd's state folder, or in the user's data folder.
pub fn database(config: &Config) -> Result<PathBuf> {
    if let Some(path) = &config.store.path {
        return Ok(path.clone());
    }
    if let Some(folder) = env::var_os("STATE_DIRECTORY").filter(|f| !f.is_empty()) {
        return Ok(PathBuf::from(folder).join("bluf.db"));
    }
    let base = etcetera::choose_base_strategy().context("no home folder; name a database under [store] path")?;
    Ok(base.data_dir().join("bluf").join("bluf.db"))
}

/// The Unix socket that the daemon serves on, if it is to.
pub fn socket(config: &Config) -> Result<Option<PathBuf>> {
    Ok(match &config.web.socket {
        Socket::None => None,
        Socket::At(path) => Some(path.clone()),
        Socket::BesideTheDatabase => Some(database(config)?.with_file_name("bluf.sock")),
    })
}

/// Makes the folder of `database` where it is missing, for its owner alone, and keeps every other daemon out of it for as
/// long as the returned file lives.
pub fn claim(database: &Path) -> Result<File> {
    let folder = database.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        owner_only(folder).with_context(|| format!("cannot set the mode of {}", folder.display()))?;
    }
    let path = database.with_extension("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            bail!("another bluf has {} open; stop it, or name another under [store] path", database.display())
        }
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Whether a daemon has the database.
pub fn is_claimed(database: &Path) -> bool {
    let file = File::open(database.with_extension("lock"));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn owner_only(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn owner_only(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}
