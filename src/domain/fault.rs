//! What was wrong with a piece of people's input, and where: reported, counted, never fatal to the rest.

use std::fmt;

/// Where in an input a fault lies. Lines and columns count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// A file, or a member of an archive.
    pub file: Option<String>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// The item's position in its container, counted from 1 (the third mail of an mbox).
    pub item: Option<usize>,
}

/// A broken item that was left out, or a part of one that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    /// One sentence: what is wrong and what to do about it.
    pub what: String,
}

impl Fault {
    pub fn new(place: Place, what: impl Into<String>) -> Fault {
        Fault { place, what: what.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.file.clone());
        parts.extend(self.line.map(|n| format!("line {n}")));
        parts.extend(self.column.map(|n| format!("column {n}")));
        parts.extend(self.item.map(|n| format!("item {n}")));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.to_string();
        if place.is_empty() { f.write_str(&self.what) } else { write!(f, "{place}: {}", self.what) }
    }
}
