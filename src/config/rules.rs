//! `[calendar.NAME]`, `[person.NAME]` and `[policy.NAME]`: what deadlines are reckoned by, in the order of the file.

use std::{borrow::Cow, collections::BTreeMap, fs, ops::Range, path::Path};

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{check::place, key::suggestion, named::owned};
use crate::{
    docket::{Person, PersonConfig, Rules},
    domain::Fault,
    sla::{Policies, PolicyConfig, PolicyError, policy::OFFICE},
    time::{Calendar, CalendarConfig, CalendarError},
};

const CALENDAR_KEYS: [&str; 10] = ["zone", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "holidays", "exceptions"];
const PERSON_KEYS: [&str; 5] = ["handles", "calendar", "zone", "core", "away"];
const POLICY_KEYS: [&str; 14] = [
    "match",
    "calendar",
    "first_response",
    "next_response",
    "review",
    "decision",
    "resolution",
    "postmortem",
    "unblock",
    "promise",
    "owner",
    "warn_at_percent",
    "pause",
    "reopened",
];
const MATCH_KEYS: [&str; 6] = ["source", "channel", "kind", "label", "priority", "people"];

/// The rules of a file and everything that is wrong with them; faults of syntax are `check`'s to tell. `zone` is the office's
/// where the file has no calendar of that name. The rules of a faulty file are those we ship.
pub fn rules(file: &str, text: &str, zone: TimeZone) -> (Rules, Vec<Fault>) {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, text, faults: Vec::new() };
    let calendars = reader.calendars(table.get_ref());
    let mut shared = calendars.clone();
    let office = shared.entry(OFFICE.to_string()).or_insert_with(|| Calendar::office(zone.clone())).clone();
    let people = reader.people(table.get_ref(), &shared, &office);
    let policies = reader.policies(table.get_ref(), calendars, office);
    reader.faults.sort_by_key(|fault| (fault.place.line, fault.place.column));
    match policies.filter(|_| reader.faults.is_empty()) {
        Some(policies) => (Rules::new(policies, people, zone), reader.faults),
        None => (Rules::shipped(zone), reader.faults),
    }
}

type Name<'a> = Spanned<Cow<'a, str>>;

/// One `[SECTION.NAME]`.
struct Named<'t> {
    section: &'static str,
    name: &'t Name<'t>,
    keys: &'t DeTable<'t>,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn calendars(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Calendar> {
        let mut built = BTreeMap::new();
        let folder = Path::new(self.file).parent().unwrap_or(Path::new("")).to_path_buf();
        let read_feed = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        for named in self.named(table, "calendar") {
            let Some(config) = self.read::<CalendarConfig>(&named, &CALENDAR_KEYS) else { continue };
            match config.build(&read_feed) {
                Ok(calendar) => drop(built.insert(named.title().to_string(), calendar.calendar)),
                Err(faults) => faults.iter().for_each(|fault| self.calendar_fault(&named, fault)),
            }
        }
        built
    }

    fn people(&mut self, table: &DeTable<'_>, shared: &BTreeMap<String, Calendar>, office: &Calendar) -> Vec<Person> {
        let mut people = Vec::new();
        for named in self.named(table, "person") {
            let Some(PersonConfig { handles, hours }) = self.read(&named, &PERSON_KEYS) else { continue };
            let kept_of = match hours.calendar.as_deref() {
                None => Some(office),
                Some(name) => shared.get(name),
            };
            let Some(kept_of) = kept_of else {
                let wanted = hours.calendar.as_deref().unwrap_or_default();
                let known = suggestion(wanted, shared.keys().map(String::as_str));
                self.fault(named.place_of("calendar"), format!("{named}: there is no calendar '{wanted}'{known}"));
                continue;
            };
            match hours.of(kept_of) {
                Ok(calendar) => people.push(Person { name: named.title().to_string(), handles, calendar }),
                Err(fault) => self.calendar_fault(&named, &fault),
            }
        }
        people
    }

    fn policies(
        &mut self,
        table: &DeTable<'_>,
        calendars: BTreeMap<String, Calendar>,
        office: Calendar,
    ) -> Option<Policies> {
        let named = self.named(table, "policy");
        let mut written = Vec::new();
        for policy in &named {
            if let Some(config) = self.read::<PolicyConfig>(policy, &POLICY_KEYS) {
                written.push((policy.title().to_string(), config));
            }
        }
        let faults = match Policies::new(written, calendars, office) {
            Ok(policies) => return Some(policies),
            Err(faults) => faults,
        };
        for fault in faults {
            let (PolicyError::Calendar { policy: title, .. }
            | PolicyError::NoCalendar { policy: title, .. }
            | PolicyError::Warning { policy: title, .. }) = &fault;
            let Some(policy) = named.iter().find(|policy| policy.title() == title) else { continue };
            let at = match &fault {
                PolicyError::Calendar { .. } => policy.place_of("calendar"),
                PolicyError::Warning { .. } => policy.place_of("warn_at_percent"),
                PolicyError::NoCalendar { goal, .. } => policy.place_saying(&goal.to_string()),
            };
            self.fault(at, fault.to_string());
        }
        None
    }

    /// The sections of one sort, in the order of the file.
    fn named<'t>(&mut self, table: &'t DeTable<'t>, section: &'static str) -> Vec<Named<'t>> {
        let Some(value) = table.get(section) else { return Vec::new() };
        let DeValue::Table(sections) = value.get_ref() else {
            self.fault(value.span(), format!("name it: write [{section}.NAME]"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in sections {
            match value.get_ref() {
                DeValue::Table(keys) => found.push(Named { section, name, keys }),
                _ => self.fault(name.span(), format!("name it: write [{section}.NAME]")),
            }
        }
        found.sort_by_key(|named| named.name.span().start);
        found
    }

    /// `None` where anything is wrong with it, each of which is told at its own place.
    fn read<T: DeserializeOwned>(&mut self, named: &Named<'_>, known: &[&str]) -> Option<T> {
        let before = self.faults.len();
        for (key, value) in named.keys {
            let (word, so_far) = (key.get_ref().as_ref(), self.faults.len());
            if !known.contains(&word) {
                let near = suggestion(word, known.iter().copied());
                self.fault(key.span(), format!("unknown key '{word}' in {named}{near}"));
                continue;
            }
            if let ("match", DeValue::Table(patterns)) = (word, value.get_ref()) {
                for pattern in patterns.keys().filter(|key| !MATCH_KEYS.contains(&key.get_ref().as_ref())) {
                    let near = suggestion(pattern.get_ref(), MATCH_KEYS);
                    let what = format!("'{}' is nothing that {named} can match by{near}", pattern.get_ref());
                    self.fault(pattern.span(), what);
                }
            }
            // A reader of the whole table knows its keys and not their places; one key at a time, both are known.
            let alone = toml::Table::from_iter([(word.to_string(), owned(value.get_ref()))]);
            if self.faults.len() == so_far
                && let Err(error) = T::deserialize(alone)
            {
                self.fault(value.span(), format!("{named} {word}: {}", error.message()));
            }
        }
        let whole = || named.keys.iter().map(|(key, value)| (key.get_ref().to_string(), owned(value.get_ref())));
        if self.faults.len() > before { None } else { T::deserialize(whole().collect::<toml::Table>()).ok() }
    }

    fn calendar_fault(&mut self, named: &Named<'_>, fault: &CalendarError) {
        let at = match fault {
            CalendarError::Zone(_) => named.place_of("zone"),
            CalendarError::Hours { written, .. } | CalendarError::Date(written) => named.place_saying(written),
            CalendarError::Country { written, .. } | CalendarError::Feed { file: written, .. } => {
                named.place_saying(written)
            }
            CalendarError::Overlap(_) | CalendarError::NeverOpen => named.name.span(),
        };
        self.fault(at, format!("{named}: {fault}"));
    }

    fn fault(&mut self, at: Range<usize>, what: String) {
        self.faults.push(Fault::new(place(self.file, self.text, at.start), what));
    }
}

impl Named<'_> {
    fn title(&self) -> &str {
        self.name.get_ref()
    }

    /// Where the value of `key` stands, or the section where it has none.
    fn place_of(&self, key: &str) -> Range<usize> {
        let found = self.keys.iter().find(|(known, _)| known.get_ref() == key);
        found.map_or_else(|| self.name.span(), |(_, value)| value.span())
    }

    /// Where these words stand in a value, or the section where they do not.
    fn place_saying(&self, words: &str) -> Range<usize> {
        let found = self.keys.iter().filter_map(|(_, value)| saying(value, words));
        found.min_by_key(|(exact, at)| (!exact, at.start)).map_or_else(|| self.name.span(), |(_, at)| at)
    }
}

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}.{}]", self.section, self.title())
    }
}

/// Where in a value a text says these words, and whether it says nothing else.
fn saying(value: &Spanned<DeValue<'_>>, words: &str) -> Option<(bool, Range<usize>)> {
    let says = |text: &str| text.to_lowercase().contains(&words.to_lowercase()).then_some(text.len() == words.len());
    match value.get_ref() {
        DeValue::String(text) => says(text).map(|exact| (exact, value.span())),
        DeValue::Array(items) => items.iter().find_map(|item| saying(item, words)),
        DeValue::Table(keys) => keys.iter().find_map(|(key, value)| {
            says(key.get_ref()).map(|exact| (exact, key.span())).or_else(|| saying(value, words))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::rules;
    use crate::{domain::Metric, sla::Subject};

    #[track_caller]
    fn faults(text: &str, expected: &[&str]) {
        let found: Vec<String> = rules("bluf.toml", text, TimeZone::UTC).1.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
        }
    }

    const OFFICE: &str = "[calendar.office]\nzone = \"Europe/Paris\"\nmon = \"09:00-12:00, 13:00-18:00\"\n";

    #[test]
    fn policies_keep_the_order_of_the_file() {
        let text = "[policy.zebra]\nfirst_response = \"1h\"\n[policy.ant]\nfirst_response = \"2h\"\n";
        let (found, faults) = rules("bluf.toml", text, TimeZone::UTC);
        assert!(faults.is_empty(), "{faults:?}");
        let goal = found.policies.goal(&Subject::default(), Metric::FirstResponse).map(|goal| goal.policy);
        assert_eq!(goal, Some("zebra"));
    }

    #[test]
    fn people_keep_hours_of_a_calendar_and_are_found_by_any_handle() {
        let text = format!(
            "{OFFICE}[person.ana]\nhandles = [\"slack:U1\", \"mail:Ana@example.org\"]\ncalendar = \"office\"\n\
             away = [\"2026-11-16..2026-11-20\"]\n"
        );
        let (found, faults) = rules("bluf.toml", &text, TimeZone::UTC);
        assert!(faults.is_empty(), "{faults:?}");
        for handle in ["ana", "@Ana", "U1", "slack:u1", "ana@example.org"] {
            assert!(found.person(handle).is_some(), "{handle}");
        }
        assert!(found.person("bo").is_none() && found.person("").is_none());
        let ana = found.person("ana").expect("known");
        assert!(!ana.calendar.is_open("2026-11-16T09:30:00Z".parse().expect("an instant")));
        assert!(ana.calendar.is_open("2026-11-23T09:30:00Z".parse().expect("an instant")));
    }

    #[test]
    fn rules_that_say_the_same_have_the_same_fingerprint() {
        let of = |text: &str| rules("bluf.toml", text, TimeZone::UTC).0.fingerprint().to_string();
        let goal = |hours: u8| format!("[policy.a]\nfirst_response = \"{hours}h\"\n");
        assert_eq!(of(&goal(1)), of(&format!("# said again\n{}\n[log]\nlevel = \"warn\"\n", goal(1))));
        assert_ne!(of(&goal(1)), of(&goal(2)));
        assert_ne!(of(""), of("[person.ana]\nzone = \"Asia/Tokyo\"\n"));
        assert_eq!(of("").len(), 64);
    }

    #[test]
    fn every_fault_is_told_at_its_place_with_the_nearest_known_word() {
        faults(
            "[calendar.office]\nzone = \"Europe/Pariss\"\nmon = \"9-17\"\nholidays = [\"FR\", \"ZZ\"]\nmonn = \"\"\n",
            &["bluf.toml, line 5, column 1: unknown key 'monn' in [calendar.office]; did you mean 'mon'?"],
        );
        faults(
            "[calendar.office]\nzone = \"Europe/Pariss\"\nmon = \"9-17\"\nholidays = [\"FR\", \"ZZ\"]\n",
            &[
                "bluf.toml, line 2, column 8: [calendar.office]: 'Europe/Pariss' is not a zone",
                "bluf.toml, line 3, column 7: [calendar.office]: '9-17' are no hours",
                "bluf.toml, line 4, column 19: [calendar.office]: there are no holidays for 'ZZ'",
            ],
        );
        faults(
            "[calendar.never]\nzone = \"UTC\"\n",
            &["bluf.toml, line 1, column 11: [calendar.never]: the calendar is never open"],
        );
        faults(
            "[policy.chat]\nmatch = { sauce = \"x\" }\nfirst_respons = \"4bh\"\n",
            &[
                "bluf.toml, line 2, column 11: 'sauce' is nothing that [policy.chat] can match by; did you mean 'source'?",
                "bluf.toml, line 3, column 1: unknown key 'first_respons' in [policy.chat]; did you mean 'first_response'?",
            ],
        );
        faults(
            "[policy.chat]\nfirst_response = \"4\"\n",
            &["bluf.toml, line 2, column 18: [policy.chat] first_response: '4' is not a span"],
        );
        faults(
            "[policy.chat]\nfirst_response = \"4bh\"\n[policy.mail]\ncalendar = \"offfice\"\nwarn_at_percent = 100\n",
            &[
                "bluf.toml, line 2, column 18: policy.chat: 4bh counts business time",
                "bluf.toml, line 4, column 12: policy.mail: there is no calendar 'offfice'",
                "bluf.toml, line 5, column 19: policy.mail: warn_at_percent = 100 is not between 1 and 99",
            ],
        );
        faults(
            "[person.ana]\ncalendar = \"ofice\"\n[person.bo]\naway = [\"someday\"]\n[policy]\nx = 1\n",
            &[
                "bluf.toml, line 2, column 12: [person.ana]: there is no calendar 'ofice'; did you mean 'office'?",
                "bluf.toml, line 4, column 9: [person.bo]: 'someday' is not a date",
                "bluf.toml, line 6, column 1: name it: write [policy.NAME]",
            ],
        );
        faults("calendar = 3", &["bluf.toml, line 1, column 12: name it: write [calendar.NAME]"]);
    }
}
