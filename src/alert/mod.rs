//! Who is told what of which obligation, when, and in which words. Decided here; sent elsewhere.

mod plan;
pub mod render;
mod route;
mod silence;
pub mod waits;

pub use plan::{Held, Matter, Plan, Receipt, Tell, plan};
pub use route::{AlertConfig, AlertError, Inhibit, Route, RouteMatch, Routes, Subject};
pub use silence::Silence;

#[cfg(test)]
mod tests;
