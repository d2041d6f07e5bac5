//! Connectors against services on loopback that behave as the vendors' descriptions say, well or badly.

mod check;
mod fake;
mod fake_github;
mod fake_slack;
mod fold;
mod github;
mod manifest;
mod prism;
mod slack;
