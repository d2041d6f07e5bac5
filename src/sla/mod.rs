//! Deadlines: which goal an obligation has, how it stands at an instant, why, and how well a channel keeps its goals.
//!
//! Everything here is worked out from obligations, policies, calendars and an instant. Nothing is counted up, so a late
//! message, an edit or a changed policy simply gives another result.

pub mod assess;
pub mod explain;
pub mod first_reply;
pub mod goal;
pub mod pause;
pub mod policy;
pub mod report;
pub mod simulate;

pub use assess::{Assessment, Case, assess};
pub use explain::{Explanation, explain, explain_case};
pub use goal::Goal;
pub use pause::{Pause, PauseWhen};
pub use policy::{Policies, PolicyConfig, PolicyError, Subject};

#[cfg(test)]
mod tests;
