//! Every section of a file that is no plain list of keys: sources, sinks, calendars, people, policies, and who is told.

use std::path::Path;

use jiff::tz::TimeZone;

use super::{
    alert,
    named::{self, SinkSection, SourceSection},
    rules,
};
use crate::{alert::Routes, docket::Rules, domain::Fault};

/// What they say.
#[derive(Debug)]
pub struct Sections {
    pub sources: Vec<SourceSection>,
    pub sinks: Vec<SinkSection>,
    pub rules: Rules,
    pub routes: Routes,
}

impl Sections {
    /// What holds without a file: `zone` is the office's.
    pub fn shipped(zone: TimeZone) -> Sections {
        let rules = Rules::shipped(zone);
        let routes = alert::nobody(&rules);
        Sections { sources: Vec::new(), sinks: Vec::new(), rules, routes }
    }
}

/// The sections of a file and everything that is wrong with them; faults of syntax are `check`'s to tell. Secrets in files
/// without a folder are in `credentials`, if they are there.
pub fn read(file: &str, text: &str, credentials: Option<&Path>, zone: TimeZone) -> (Sections, Vec<Fault>) {
    let (sources, mut faults) = named::sources(file, text, credentials);
    let (sinks, others) = named::sinks(file, text, credentials);
    faults.extend(others);
    let (rules, others) = rules::rules(file, text, zone);
    faults.extend(others);
    // A sink that is faulty is there all the same.
    let there = named::names(text, "sink");
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let (routes, others) = alert::routes(file, text, &rules, &there);
    faults.extend(others);
    (Sections { sources, sinks, rules, routes }, faults)
}

/// Everything that is wrong with the sections of a file.
pub fn faults(file: &str, text: &str, zone: TimeZone) -> Vec<Fault> {
    read(file, text, None, zone).1
}
