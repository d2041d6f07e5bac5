#![doc = include_str!("ARCHITECTURE.md")]
#![deny(unsafe_code)]

pub mod alert;
pub mod classify;
pub mod cli;
pub mod config;
pub mod court;
pub mod docket;
pub mod domain;
pub mod engine;
pub mod model;
pub mod net;
pub mod pattern;
pub mod render;
pub mod secret;
pub mod sink;
pub mod sla;
pub mod source;
pub mod store;
pub mod summarize;
pub mod text;
pub mod time;
pub mod web;
