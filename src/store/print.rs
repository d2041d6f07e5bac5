//! Prints by which it is known what is kept already. They stay in the database, so they are taken of bytes and by a sum that no
//! other version of this program or of Rust would take otherwise.

use std::hash::{Hash, Hasher};

/// FNV-1a over everything hashed, 64 bits, words at a time.
struct Print(u64);

impl Hasher for Print {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let rest = rest.iter().map(|byte| u64::from(*byte));
        for word in words.iter().map(|word| u64::from_le_bytes(*word)).chain(rest) {
            self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 ^= self.0 >> 29;
        }
    }
}

/// The print of `what`.
pub(super) fn print(what: &impl Hash) -> i64 {
    let mut print = Print(0xcbf2_9ce4_8422_2325);
    what.hash(&mut print);
    print.finish().cast_signed()
}
