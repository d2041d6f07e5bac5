//! The HTTP face, as a real server on loopback and on a Unix socket, over a real store.

mod attacks;
mod bringing;
mod client;
mod deletion;
mod described;
mod events;
mod limits;
mod owed;
mod pages;
mod reading;
mod searching;
mod site;
mod tokens;
