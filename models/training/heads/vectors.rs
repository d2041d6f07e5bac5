//! One vector for each different sentence, kept in a file between runs where one is named.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use bluf::{
    classify::features::DIM,
    model::{Embedder, embed::BertEmbedder},
};

use crate::corpus::Thread;

/// Sentences handed to the encoder at once; it sorts them by length, so the number decides how they are padded.
const CHUNK: usize = 2048;
const KEY_BYTES: usize = 32;
const RECORD_BYTES: usize = KEY_BYTES + 4 * DIM;

/// Vectors by sentence.
pub struct Vectors(BTreeMap<[u8; KEY_BYTES], Vec<f32>>);

impl Vectors {
    pub fn of(&self, text: &str) -> &[f32] {
        self.0.get(&key(text)).map_or(&[], Vec::as_slice)
    }
}

/// Embeds every sentence of `threads` once, in order of first appearance.
pub fn embed(threads: &[Thread], encoder: &Path, cache: Option<&Path>) -> Result<Vectors> {
    let mut known = match cache {
        Some(file) if file.exists() => load(file)?,
        _ => BTreeMap::new(),
    };
    let mut todo: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for line in threads.iter().flat_map(|t| &t.lines) {
        if !known.contains_key(&key(&line.text)) && seen.insert(line.text.as_str()) {
            todo.push(&line.text);
        }
    }
    if !todo.is_empty() {
        let mut model = BertEmbedder::load(encoder, &bluf::model::Place::cpu(0))?;
        for (done, texts) in todo.chunks(CHUNK).enumerate() {
            eprintln!("embedding {} of {}", done * CHUNK, todo.len());
            for (text, vector) in texts.iter().zip(model.embed(texts)?) {
                known.insert(key(text), vector);
            }
        }
        if let Some(file) = cache {
            save(file, &known)?;
        }
    }
    Ok(Vectors(known))
}

pub fn sha256(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Ok(Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect())
}

fn key(text: &str) -> [u8; KEY_BYTES] {
    Sha256::digest(text.as_bytes()).into()
}

fn load(file: &Path) -> Result<BTreeMap<[u8; KEY_BYTES], Vec<f32>>> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    ensure!(bytes.len() % RECORD_BYTES == 0, "{}: not a vector cache; delete it", file.display());
    let mut vectors = BTreeMap::new();
    for record in bytes.chunks_exact(RECORD_BYTES) {
        let (name, numbers) = record.split_at(KEY_BYTES);
        let numbers = numbers.chunks_exact(4).map(|n| f32::from_le_bytes([n[0], n[1], n[2], n[3]]));
        vectors.insert(name.try_into()?, numbers.collect());
    }
    Ok(vectors)
}

fn save(file: &Path, vectors: &BTreeMap<[u8; KEY_BYTES], Vec<f32>>) -> Result<()> {
    let mut bytes = Vec::with_capacity(vectors.len() * RECORD_BYTES);
    for (name, numbers) in vectors {
        bytes.extend_from_slice(name);
        bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
    }
    fs::write(file, bytes).with_context(|| file.display().to_string())
}
