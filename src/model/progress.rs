//! How a long piece of work tells of itself, and hears that it should stop.

/// Told of downloads, copies and checksums. One piece of work at a time lies between `begin` and `done`.
pub trait Progress {
    /// A piece of work begins; `bytes` is its whole size where that is known.
    fn begin(&self, what: &str, bytes: Option<u64>);
    /// So many more bytes of it are through. Bytes that an earlier run left behind count at once.
    fn advance(&self, bytes: u64);
    /// It has ended, well or not.
    fn done(&self);
    /// One line for the reader, such as why a source was passed over.
    fn note(&self, text: &str);
    /// Asked several times a second; after `true` the work ends with `FetchError::Cancelled`, to be resumed later.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody and never stops.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _bytes: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn done(&self) {}
    fn note(&self, _text: &str) {}
}
