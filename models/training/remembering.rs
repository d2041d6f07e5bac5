//! An encoder that keeps the vectors it has made in a file, so that training can be run again without reading again.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use bluf::model::{Embedder, ModelError, embed::BertEmbedder};

/// Records of 8 bytes of hash and `dim` little-endian f32, appended as they are made.
pub struct Remembering {
    encoder: BertEmbedder,
    known: HashMap<u64, Vec<f32>>,
    new: Vec<u64>,
    file: Option<PathBuf>,
}

impl Remembering {
    pub fn open(encoder: BertEmbedder, file: Option<&Path>) -> std::io::Result<Remembering> {
        let mut known = HashMap::new();
        if let Some(stored) = file.and_then(|f| fs::File::open(f).ok()) {
            let mut stored = BufReader::new(stored);
            let mut record = vec![0; 8 + 4 * encoder.dim()];
            while stored.read_exact(&mut record).is_ok() {
                let (key, vector) = record.split_at(8);
                let key = u64::from_le_bytes(key.try_into().expect("it was split at 8"));
                let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("chunks of 4"));
                known.insert(key, vector.chunks_exact(4).map(float).collect());
            }
        }
        Ok(Remembering { encoder, known, new: Vec::new(), file: file.map(Path::to_path_buf) })
    }

    /// Appends what is new to the file.
    pub fn save(&mut self) -> std::io::Result<()> {
        let new = std::mem::take(&mut self.new);
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut out = BufWriter::new(fs::OpenOptions::new().create(true).append(true).open(file)?);
        for key in new {
            out.write_all(&key.to_le_bytes())?;
            self.known[&key].iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
        }
        out.flush()
    }
}

impl Embedder for Remembering {
    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut missing: Vec<&str> = texts.iter().copied().filter(|t| !self.known.contains_key(&key(t))).collect();
        missing.sort_unstable();
        missing.dedup();
        for (text, vector) in missing.iter().zip(self.encoder.embed(&missing)?) {
            self.known.insert(key(text), vector);
            self.new.push(key(text));
        }
        Ok(texts.iter().map(|t| self.known[&key(t)].clone()).collect())
    }
}

fn key(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
