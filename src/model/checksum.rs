//! A sha256: the only name by which a weight is trusted.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A sha256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Reads to the end. `seen` is told the bytes of each step and says whether to go on; `None` when it said no.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of(mut from: impl Read, mut seen: impl FnMut(u64) -> bool) -> io::Result<Option<Checksum>> {
        let mut state = Sha256::new();
        let mut chunk = vec![0u8; CHUNK_BYTES];
        loop {
            let n = match from.read(&mut chunk) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if n == 0 {
                return Ok(Some(Checksum(state.finalize().into())));
            }
            state.update(&chunk[..n]);
            if !seen(n as u64) {
                return Ok(None);
            }
        }
    }
}

impl FromStr for Checksum {
    type Err = String;

    fn from_str(hex: &str) -> Result<Checksum, String> {
        let digits = hex.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>();
        let digits = digits.filter(|d| d.len() == 64).ok_or("a sha256 is 64 hexadecimal digits")?;
        let mut sum = [0u8; 32];
        for (byte, pair) in sum.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |high, &digit| high << 4 | digit as u8);
        }
        Ok(Checksum(sum))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Checksum, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_read_as_it_is_written() {
        let hello = "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447";
        let sum = Checksum::of(&b"hello world\n"[..], |_| true).unwrap().unwrap();
        assert_eq!(sum.to_string(), hello);
        assert_eq!(hello.to_uppercase().parse(), Ok(sum));
        for wrong in ["", &hello[1..], &hello.replace('a', "g"), &format!("{hello}0"), "é"] {
            assert!(wrong.parse::<Checksum>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn hashing_stops_when_told() {
        assert_eq!(Checksum::of(&b"hello"[..], |_| false).unwrap(), None);
    }
}
