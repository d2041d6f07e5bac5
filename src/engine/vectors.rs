//! An encoder that remembers: what it made of a text before is taken from the store.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::{
    model::{Embedder, ModelError},
    store::Vectors,
};

/// Where vectors are kept: those made from what has one of these sums, as far as there are any.
pub type Known<'k> = dyn Fn(&[[u8; 32]]) -> Vectors + Sync + 'k;

/// Asks `encoder` only for texts of which `known` has none.
pub struct Remembering<'e> {
    encoder: &'e mut dyn Embedder,
    /// Vectors of another encoder say nothing about this one's.
    encoder_sha256: &'e str,
    known: &'e Known<'e>,
    found: Vectors,
    pub new: Vectors,
    pub used: HashSet<[u8; 32]>,
}

impl<'e> Remembering<'e> {
    pub fn new(encoder: &'e mut dyn Embedder, encoder_sha256: &'e str, known: &'e Known<'e>) -> Remembering<'e> {
        let (found, new) = (Vectors::new(), Vectors::new());
        Remembering { encoder, encoder_sha256, known, found, new, used: HashSet::new() }
    }

    /// By what the vector of `text` is kept.
    pub fn key(&self, text: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.encoder_sha256).chain_update([0]).chain_update(text).finalize().into()
    }
}

impl Embedder for Remembering<'_> {
    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let keys: Vec<[u8; 32]> = texts.iter().map(|text| self.key(text)).collect();
        self.used.extend(&keys);
        let mut wanted = HashSet::new();
        let mut unknown: Vec<usize> = (0..texts.len()).filter(|&at| wanted.insert(keys[at])).collect();
        unknown.retain(|&at| !self.found.contains_key(&keys[at]) && !self.new.contains_key(&keys[at]));
        if !unknown.is_empty() {
            self.found.extend((self.known)(&unknown.iter().map(|&at| keys[at]).collect::<Vec<_>>()));
            unknown.retain(|&at| !self.found.contains_key(&keys[at]));
        }
        let ask: Vec<&str> = unknown.iter().map(|&at| texts[at]).collect();
        if !ask.is_empty() {
            let made = self.encoder.embed(&ask)?;
            self.new.extend(unknown.iter().map(|&at| keys[at]).zip(made));
        }
        let found = |key| self.new.get(key).or_else(|| self.found.get(key)).cloned().unwrap_or_default();
        Ok(keys.iter().map(found).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One number a text: how often it was asked for anything before.
    struct Counting(Vec<String>);

    impl Embedder for Counting {
        fn dim(&self) -> usize {
            1
        }

        fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
            self.0.extend(texts.iter().map(|t| (*t).to_owned()));
            Ok(texts.iter().map(|t| vec![t.len() as f32]).collect())
        }
    }

    #[test]
    fn a_text_is_read_once_and_only_by_the_same_encoder() {
        let mut encoder = Counting(Vec::new());
        let mut first = Remembering::new(&mut encoder, "one", &|_| Vectors::new());
        assert_eq!(first.embed(&["ab", "c", "ab"]).expect("vectors"), [[2.0], [1.0], [2.0]]);
        assert_eq!(first.embed(&["c"]).expect("vectors"), [[1.0]]);
        let kept = std::mem::take(&mut first.new);
        let known = |_: &[[u8; 32]]| kept.clone();
        let mut second = Remembering::new(&mut encoder, "one", &known);
        assert_eq!(second.embed(&["ab", "def"]).expect("vectors"), [[2.0], [3.0]]);
        assert_eq!((second.new.len(), second.used.len()), (1, 2));
        let mut other = Remembering::new(&mut encoder, "two", &known);
        other.embed(&["ab"]).expect("vectors");
        assert_eq!(encoder.0, ["ab", "c", "def", "ab"]);
    }
}
