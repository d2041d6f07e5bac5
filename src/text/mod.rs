//! Text as people write it: what is the author's own, where sentences end, who and when is meant. Pure functions.

pub mod courtesy;
pub mod due_phrase;
pub mod fluency;
pub mod html;
pub mod normalize;
pub mod person_mention;
pub mod quote;
pub mod sentence;
pub mod shown;
pub mod standalone;
pub mod turn;
pub mod vocabulary;
pub mod words;
