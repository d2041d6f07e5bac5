//! The nouns every other room speaks in: threads, messages, moments, speech acts, obligations, summaries.

pub mod act;
pub mod event;
pub mod fault;
pub mod message;
pub mod moment;
pub mod notice;
pub mod obligation;
pub mod pattern;
pub mod plain;
pub mod pulled;
pub mod summary;
pub mod thread;

pub use act::{Sentence, SpeechAct, ThreadActs};
pub use event::{Event, WENT_ON};
pub use fault::{Fault, Place};
pub use message::{Message, Span};
pub use moment::Moment;
pub use notice::{Envelope, SourceDown, Stage, ThreadLine, Told, Topic};
pub use obligation::{Closed, Evidence, Health, How, Metric, Obligation, ObligationKind};
pub use pattern::Patterns;
pub use pulled::{Cursor, Item, Page, Poisoned};
pub use thread::{Kind, Thread};
