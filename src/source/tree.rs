//! Files of an archive or of the same archive unpacked, by name. Nothing in it is ever written to disk.

use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use zip::ZipArchive;

/// All members of an archive together may unpack to no more than this, so a small file cannot fill the memory. Bytes.
const MOST_UNPACKED_BYTES: u64 = 1 << 30;
/// One member may unpack to no more than this: a channel's day is far smaller, and JSON takes several times its size. Bytes.
const MOST_MEMBER_BYTES: u64 = 64 << 20;
/// Folders below the root that are looked into: an export has two.
const DEEPEST: usize = 4;

pub(super) struct Tree<'a> {
    place: Place<'a>,
    /// Names with `/` between folders, and where each is in the archive.
    names: Vec<(String, usize)>,
    left_bytes: u64,
}

enum Place<'a> {
    Zip(Box<ZipArchive<Cursor<&'a [u8]>>>),
    Folder(PathBuf),
}

impl<'a> Tree<'a> {
    pub(super) fn of_zip(bytes: &'a [u8]) -> Result<Tree<'a>, String> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not a readable zip file: {e}"))?;
        let mut names = Vec::with_capacity(archive.len());
        for at in 0..archive.len() {
            let Ok(member) = archive.by_index_raw(at) else { continue };
            if let Ok(name) = member.name()
                && member.is_file()
            {
                names.push((name.replace('\\', "/"), at));
            }
        }
        names.sort();
        Ok(Tree { place: Place::Zip(Box::new(archive)), names, left_bytes: MOST_UNPACKED_BYTES })
    }

    pub(super) fn of_folder(root: &Path) -> Tree<'static> {
        let mut names = Vec::new();
        walk(root, "", 0, &mut names);
        names.sort();
        Tree { place: Place::Folder(root.to_owned()), names, left_bytes: MOST_UNPACKED_BYTES }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// The bytes of `name`, or what is wrong with it.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let at =
            self.names.binary_search_by(|(n, _)| n.as_str().cmp(name)).map_err(|_| "not in the archive".to_owned())?;
        let most = MOST_MEMBER_BYTES.min(self.left_bytes);
        let mut bytes = Vec::new();
        let result = match &mut self.place {
            Place::Zip(archive) => {
                let index = self.names.get(at).map_or(0, |(_, index)| *index);
                let member = archive.by_index(index).map_err(|e| format!("cannot be unpacked: {e}"))?;
                member.take(most + 1).read_to_end(&mut bytes)
            }
            Place::Folder(root) => {
                let file = fs::File::open(root.join(name)).map_err(|e| e.to_string())?;
                file.take(most + 1).read_to_end(&mut bytes)
            }
        };
        result.map_err(|e| format!("cannot be read: {e}"))?;
        let length = bytes.len() as u64;
        if length > most {
            return Err(format!("unpacks to more than {most} bytes: left out"));
        }
        self.left_bytes -= length;
        Ok(bytes)
    }
}

fn walk(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<(String, usize)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let Ok(name) = entry.file_name().into_string() else { continue };
        if kind.is_file() {
            names.push((format!("{prefix}{name}"), 0));
        } else if kind.is_dir() && depth < DEEPEST {
            walk(&entry.path(), &format!("{prefix}{name}/"), depth + 1, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_folder_and_its_zip_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("general")).unwrap();
        fs::write(folder.path().join("general/a.json"), "[1]").unwrap();
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("general/a.json", zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(b"[1]").unwrap();
        let packed = writer.finish().unwrap().into_inner();
        for mut tree in [Tree::of_folder(folder.path()), Tree::of_zip(&packed).unwrap()] {
            assert_eq!(tree.names().collect::<Vec<_>>(), ["general/a.json"]);
            assert_eq!(tree.read("general/a.json").unwrap(), b"[1]");
            assert!(tree.read("../a.json").is_err());
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a", zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&vec![0; 100_000]).unwrap();
        let packed = writer.finish().unwrap().into_inner();
        let mut tree = Tree::of_zip(&packed).unwrap();
        tree.left_bytes = 1_000;
        assert!(tree.read("a").unwrap_err().contains("1000 bytes"));
    }
}
