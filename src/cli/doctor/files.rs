//! What lies on the disk: the configuration, its secrets, the database, and what is left beside it.

use std::{fs, io, path::Path};

use crate::{
    cli::{finding::Finding, models::size, place},
    config::{Config, Sources, secrets},
    store::Store,
};

/// Others may write.
const OTHERS_WRITE: u32 = 0o022;
/// Everybody on this machine may read or look in.
const ALL_READ: u32 = 0o005;
/// Less than this is soon full. Bytes.
const LITTLE: u64 = 1 << 30;
/// Less than this is full in all but name. Bytes.
const LEAST: u64 = 100 << 20;

pub fn examine(settings: &Sources, config: &Config) -> Vec<Finding> {
    let mut findings = match settings.file_in_force() {
        Some(file) => configuration(file, settings.credentials()),
        None => vec![Finding::ok("config", "no fault; there is no file, so the defaults hold")],
    };
    match place::database(config) {
        Ok(path) => findings.extend([database(&path), folder(&path), room(&path)]),
        Err(error) => findings.push(Finding::fail("database", format!("{error:#}"))),
    }
    findings
}

/// The file and every secret that it holds or names. It has been read without a fault.
fn configuration(file: &Path, credentials: Option<&Path>) -> Vec<Finding> {
    let (what, shown) = ("config", file.display());
    let (text, mode) = match fs::read_to_string(file).and_then(|text| Ok((text, mode(file)?))) {
        Ok(found) => found,
        Err(error) => return vec![Finding::fail(what, format!("{shown}: {error}"))],
    };
    let secrets = secrets::places(&text, credentials);
    let own = if mode & OTHERS_WRITE != 0 {
        Finding::warn(what, format!("{shown}: no fault, but others may change it; run `chmod go-w {shown}`"))
    } else if let Some(first) = secrets.inside.first().filter(|_| mode & ALL_READ != 0) {
        let advice = format!("run `chmod 600 {shown}`, or move it into a file of its own");
        Finding::warn(what, format!("{shown}: no fault, but everybody may read it, and {first} is in it; {advice}"))
    } else {
        Finding::ok(what, format!("{shown}: no fault, mode {mode:03o}"))
    };
    // What systemd hands over, it guards.
    let ours = secrets.files.iter().filter(|(_, path)| credentials.is_none_or(|folder| !path.starts_with(folder)));
    std::iter::once(own).chain(ours.map(|(key, path)| secret(key, path))).collect()
}

fn secret(key: &str, path: &Path) -> Finding {
    let (what, shown) = (format!("secret {key}"), path.display());
    match fs::File::open(path).and_then(|_| mode(path)) {
        Ok(mode) if mode & (ALL_READ | OTHERS_WRITE) != 0 => {
            Finding::warn(what, format!("{shown}: mode {mode:03o}, so others get at it; run `chmod 600 {shown}`"))
        }
        Ok(mode) => Finding::ok(what, format!("{shown}: mode {mode:03o}")),
        Err(error) => Finding::fail(what, format!("{shown}: {error}; correct the path, or whom the file belongs to")),
    }
}

fn database(path: &Path) -> Finding {
    let (what, shown) = ("database", path.display());
    if !path.exists() {
        return Finding::ok(what, format!("not there yet; `bluf serve` makes it at {shown}"));
    }
    match Store::open_to_read(path).and_then(|store| store.look()) {
        Ok(look) => {
            let daemon = if place::is_claimed(path) { "a daemon has it open" } else { "no daemon runs" };
            Finding::ok(what, format!("{shown}: whole, schema {}, {}; {daemon}", look.schema, size(look.bytes)))
        }
        Err(error) => Finding::fail(what, error.to_string()),
    }
}

/// Whether the database is for its owner alone: by its folder, or else by itself.
fn folder(database: &Path) -> Finding {
    let folder = folder_of(database);
    let (what, shown) = ("database folder", folder.display());
    if !folder.exists() {
        return Finding::ok(what, format!("not there yet; it will be made at {shown}, for its owner alone"));
    }
    let open = mode(folder).and_then(|folder| Ok((folder, if database.exists() { mode(database)? } else { 0o644 })));
    match open {
        Ok((folder, file)) if folder & ALL_READ != 0 && file & ALL_READ != 0 => {
            let why = format!("mode {folder:03o}, so everybody on this machine may read what people wrote");
            Finding::warn(what, format!("{shown}: {why}; run `chmod 700 {shown}`"))
        }
        Ok((folder, _)) => Finding::ok(what, format!("{shown}: mode {folder:03o}")),
        Err(error) => Finding::fail(what, format!("{shown}: {error}")),
    }
}

/// What is left on the disk of the database.
fn room(database: &Path) -> Finding {
    let there = folder_of(database).ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let what = "disk";
    match left(there) {
        Ok(bytes) if bytes < LEAST => {
            Finding::fail(what, format!("{} left beside the database; make room, or move it", size(bytes)))
        }
        Ok(bytes) if bytes < LITTLE => {
            Finding::warn(what, format!("{} left beside the database; make room soon", size(bytes)))
        }
        Ok(bytes) => Finding::ok(what, format!("{} left beside the database", size(bytes))),
        Err(error) => Finding::fail(what, format!("{}: {error}", there.display())),
    }
}

fn folder_of(database: &Path) -> &Path {
    database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn mode(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

/// Where there are no modes, nobody else is let in by one.
#[cfg(not(unix))]
fn mode(path: &Path) -> io::Result<u32> {
    fs::metadata(path).map(|_| 0)
}

#[cfg(unix)]
fn left(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn left(_path: &Path) -> io::Result<u64> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "not known on this system"))
}
