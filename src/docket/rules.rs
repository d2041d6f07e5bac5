//! What deadlines are reckoned by: policies, calendars and people's own hours.

use std::{collections::BTreeMap, fmt::Write};

use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    domain::Metric,
    sla::{Goal, Policies, policy::OFFICE},
    time::{Calendar, PersonHours, Span},
};

/// The policy that is named where a deadline comes from somebody's own words alone.
const STATED: &str = "stated";
/// How much of the time up to a stated deadline must have run before a warning.
const STATED_WARNS_AT_PERCENT: u8 = 75;

/// `[person.NAME]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PersonConfig {
    /// What sources call them: `slack:U123`, `mail:ana@example.org`, a name.
    pub handles: Vec<String>,
    #[serde(flatten)]
    pub hours: PersonHours,
}

/// Somebody whose hours are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub name: String,
    pub handles: Vec<String>,
    pub calendar: Calendar,
}

/// Policies with the calendars they run on, and the people whose hours are known.
#[derive(Clone, Debug)]
pub struct Rules {
    pub policies: Policies,
    pub people: Vec<Person>,
    /// Where times are shown that no calendar gives a zone.
    pub zone: TimeZone,
    fingerprint: String,
}

impl Rules {
    pub fn new(policies: Policies, people: Vec<Person>, zone: TimeZone) -> Rules {
        let all = format!("{policies:?} {people:?} {zone:?}");
        let fingerprint = Sha256::digest(all).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Rules { policies, people, zone, fingerprint }
    }

    /// The goals we ship, in an office in `zone` that is open from nine to five on weekdays.
    pub fn shipped(zone: TimeZone) -> Rules {
        let policies = Policies::new(Vec::new(), BTreeMap::new(), Calendar::office(zone.clone()));
        Rules::new(policies.expect("a test reads every goal that is shipped"), Vec::new(), zone)
    }

    /// A sha256 in hex of all that they say: other rules have another.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Somebody by name or handle, in either case, also without the service before it (`ana@example.org` for
    /// `mail:ana@example.org`).
    pub fn person(&self, handle: &str) -> Option<&Person> {
        let wanted = handle.trim().trim_start_matches('@');
        let same = |known: &str| known.eq_ignore_ascii_case(wanted);
        let service = |known: &str| known.split_once(':').is_some_and(|(_, account)| same(account));
        self.people.iter().find(|person| {
            !wanted.is_empty()
                && (same(&person.name) || person.handles.iter().any(|known| same(known) || service(known)))
        })
    }

    /// What holds where somebody named a date and no policy asks anything.
    pub(super) fn stated(&self, metric: Metric) -> Goal<'_> {
        Goal {
            policy: STATED,
            metric,
            span: Span::BusinessDays(1),
            calendar: self.policies.calendar(OFFICE),
            warn_at_percent: STATED_WARNS_AT_PERCENT,
            resumes_when_reopened: false,
        }
    }
}

/// The name that the tz database has for a zone.
pub fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_string()
}
