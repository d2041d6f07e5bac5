//! `[alert]`: who is told what, read with the sinks and calendars that it names.

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::{check::place, key::suggestion, named::owned};
use crate::{
    alert::{AlertConfig, AlertError, Routes},
    docket::Rules,
    domain::Fault,
    sla::policy::OFFICE,
    time::Calendar,
};

/// The section's name.
pub const SECTION: &str = "alert";
const KEYS: [&str; 6] = ["routes", "calendar", "quiet", "repeat_every", "inhibit", "source_down_to"];

/// The routes of a file and everything that is wrong with them; without the section nobody is told. `sinks`: the names that
/// the file has.
pub fn routes(file: &str, text: &str, rules: &Rules, sinks: &[&str]) -> (Routes, Vec<Fault>) {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut faults = Vec::new();
    let Some(section) = table.get_ref().get(SECTION) else { return (nobody(rules), faults) };
    let mut fault = |at: usize, what: String| faults.push(Fault::new(place(file, text, at), what));
    let DeValue::Table(keys) = section.get_ref() else {
        fault(section.span().start, "write [alert] and its keys under it".to_owned());
        return (nobody(rules), faults);
    };
    let place_of = |key: &str| {
        let found = keys.iter().find(|(known, _)| known.get_ref() == key);
        found.map_or(section.span().start, |(_, value)| value.span().start)
    };
    let mut whole = toml::Table::new();
    for (key, value) in keys {
        let word = key.get_ref().as_ref();
        if !KEYS.contains(&word) {
            fault(key.span().start, format!("unknown key '{word}' in [alert]{}", suggestion(word, KEYS)));
            continue;
        }
        let alone = toml::Table::from_iter([(word.to_owned(), owned(value.get_ref()))]);
        match AlertConfig::deserialize(alone.clone()) {
            Ok(_) => whole.extend(alone),
            Err(error) => fault(value.span().start, format!("[alert] {word}: {}", error.message())),
        }
    }
    let Ok(config) = AlertConfig::deserialize(whole) else { return (nobody(rules), faults) };
    let wanted = config.calendar.clone().unwrap_or_else(|| OFFICE.to_owned());
    let Some(calendar) = rules.policies.calendar(&wanted).cloned() else {
        fault(
            place_of("calendar"),
            format!("[alert] calendar: there is no calendar '{wanted}': write [calendar.{wanted}]"),
        );
        return (nobody(rules), faults);
    };
    match Routes::new(config, calendar, sinks) {
        Ok(routes) => (routes, faults),
        Err(found) => {
            for error in found {
                let key = match &error {
                    AlertError::Sink { place, .. } if place == "source_down_to" => "source_down_to",
                    AlertError::Quiet { .. } => "quiet",
                    _ => "routes",
                };
                fault(place_of(key), error.to_string());
            }
            (nobody(rules), faults)
        }
    }
}

/// Nobody is told of anything.
pub fn nobody(rules: &Rules) -> Routes {
    let office = rules.policies.calendar(OFFICE).cloned();
    let calendar = office.unwrap_or_else(|| Calendar::office(TimeZone::UTC));
    Routes::new(AlertConfig::default(), calendar, &[]).expect("nothing in it can be wrong")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::routes;
    use crate::docket::Rules;

    #[track_caller]
    fn faults(text: &str, expected: &[&str]) {
        let rules = Rules::shipped(TimeZone::UTC);
        let found: Vec<String> =
            routes("bluf.toml", text, &rules, &["lead"]).1.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_is_wrong_with_it_has_its_place() {
        faults(
            "[alert]\nroutes = [{ to = ['lead'], escalate_after = '2bh', escalate_to = ['lead'] }]\nquiet = '20:00-08:00'",
            &[],
        );
        faults("", &[]);
        faults(
            "[alert]\nquite = '20:00-08:00'",
            &["bluf.toml, line 2, column 1: unknown key 'quite' in [alert]; did you mean 'quiet'?"],
        );
        faults(
            "[alert]\nroutes = [{ to = ['leed'] }]",
            &[
                "bluf.toml, line 2, column 10: alert.routes, route 1, to: there is no sink 'leed': write [sink.leed], or name one of lead",
            ],
        );
        faults(
            "[alert]\ncalendar = 'offfice'",
            &[
                "bluf.toml, line 2, column 12: [alert] calendar: there is no calendar 'offfice': write [calendar.offfice]",
            ],
        );
        faults("alert = 3", &["bluf.toml, line 1, column 9: write [alert] and its keys under it"]);
    }
}
