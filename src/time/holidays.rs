//! Days off with their names: from dates, from shipped tables of countries, from calendar feeds.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::civil::Date;

use super::calendar::CalendarError;

/// Country, or country and subdivision (`=` before one that does not keep all of its country's days); name of the holiday;
/// its dates. Made by `config/calendars/regenerate.py`.
const TABLES: &str = include_str!("../../config/calendars/holidays.tsv");
/// A range of dates longer than this is a mistake.
const MOST_DAYS_OFF: usize = 3_660;

static BY_PLACE: LazyLock<BTreeMap<&str, Vec<(&str, &str)>>> = LazyLock::new(|| {
    let mut places: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in TABLES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        if let (Some(place), Some(name), Some(dates)) = (fields.next(), fields.next(), fields.next()) {
            places.entry(place).or_default().push((name, dates));
        }
    }
    places
});

/// Dates on which nobody works, each with why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    names: BTreeMap<Date, String>,
}

impl Holidays {
    /// Those of a country (`FR`) or of a part of one (`DE-BY`, with what the whole country keeps), for the years that are
    /// shipped: 2020 to 2035.
    ///
    /// # Errors
    /// Where there is no table for it; the error names those there are.
    pub fn of_country(code: &str) -> Result<Holidays, CalendarError> {
        let code = code.trim().to_ascii_uppercase();
        let (beside, alone) = (BY_PLACE.get(code.as_str()), BY_PLACE.get(format!("={code}").as_str()));
        let Some(days) = beside.or(alone) else {
            return Err(CalendarError::Country { written: code, known: known() });
        };
        let country = code.split_once('-').and_then(|(country, _)| BY_PLACE.get(country));
        let whole = country.filter(|_| alone.is_none());
        let mut holidays = Holidays::default();
        for (name, dates) in whole.into_iter().flatten().chain(days) {
            for date in dates.split(' ').filter_map(|date| date.parse().ok()) {
                holidays.add(date, &format!("holiday: {name}"));
            }
        }
        Ok(holidays)
    }

    /// One date or a range with both its ends, and a name after it if there is one: `2026-12-25`,
    /// `2026-12-24..2027-01-02`, `2026-05-01 Labour Day`.
    ///
    /// # Errors
    /// Where it does not begin with a date or a range of dates.
    pub fn add_written(&mut self, text: &str, unnamed: &str) -> Result<(), CalendarError> {
        let refuse = || CalendarError::Date(text.to_string());
        let (dates, name) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let (first, last) = dates.split_once("..").unwrap_or((dates, dates));
        let (first, last): (Date, Date) = (first.parse().map_err(|_| refuse())?, last.parse().map_err(|_| refuse())?);
        if last < first || first.series(jiff::ToSpan::days(1)).nth(MOST_DAYS_OFF).is_some_and(|limit| limit < last) {
            return Err(refuse());
        }
        let why = if name.is_empty() { unnamed.to_string() } else { format!("{unnamed}: {}", name.trim()) };
        for day in first.series(jiff::ToSpan::days(1)).take_while(|day| *day <= last) {
            self.add(day, &why);
        }
        Ok(())
    }

    /// A date with why it is a day off. A second reason for the same date is added to the first.
    pub fn add(&mut self, date: Date, why: &str) {
        let reason = self.names.entry(date).or_default();
        if reason.is_empty() {
            reason.push_str(why);
        } else if !reason.contains(why) {
            reason.push_str(" and ");
            reason.push_str(why);
        }
    }

    pub fn extend(&mut self, more: Holidays) {
        for (date, why) in more.names {
            self.add(date, &why);
        }
    }

    /// Why a date is a day off.
    pub fn name(&self, date: Date) -> Option<&str> {
        self.names.get(&date).map(String::as_str)
    }

    pub fn dates(&self) -> impl Iterator<Item = (Date, &str)> {
        self.names.iter().map(|(date, why)| (*date, why.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The countries there are tables for, and those of which there are parts.
fn known() -> String {
    let countries: Vec<&str> = BY_PLACE.keys().filter(|code| !code.contains('-')).copied().collect();
    let part = BY_PLACE.keys().find(|code| code.contains('-'));
    let parts = part.map(|code| format!(" and parts of some (like {code})")).unwrap_or_default();
    format!("{}{parts}", countries.join(", "))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::{BY_PLACE, Holidays};

    #[track_caller]
    fn check(place: &str, date: Date, name: &str) {
        let holidays = Holidays::of_country(place).expect(place);
        let found = holidays.name(date).unwrap_or_default().to_string();
        assert!(found.contains(name) && found.is_empty() == name.is_empty(), "{place} {date}: '{found}'");
    }

    #[test]
    fn tables_know_fixed_movable_and_shifted_days() {
        check("FR", date(2026, 7, 14), "National Day");
        check("FR", date(2026, 4, 6), "Easter Monday");
        check("FR", date(2026, 4, 3), "");
        check("DE", date(2026, 10, 3), "German Unity Day");
        check("GB", date(2027, 12, 27), "Christmas Day");
        check("US", date(2026, 11, 26), "Thanksgiving");
        check("JP", date(2026, 9, 22), "National Holiday");
        check("JP", date(2026, 9, 24), "");
    }

    #[test]
    fn a_part_of_a_country_keeps_the_countrys_days_too() {
        check("DE-BY", date(2026, 11, 1), "All Saints");
        check("DE-BY", date(2026, 10, 3), "German Unity Day");
        check("DE", date(2026, 11, 1), "");
        check("AU-NSW", date(2026, 6, 8), "King's Birthday");
    }

    #[test]
    fn every_table_covers_every_year() {
        let countries: Vec<&str> = BY_PLACE.keys().filter(|c| !c.contains('-')).copied().collect();
        assert!(countries.len() >= 12, "{countries:?}");
        for country in countries {
            let holidays = Holidays::of_country(country).expect(country);
            // Under martial law Ukraine keeps its holidays and works on them.
            for year in (2020..=2035).filter(|year| country != "UA" || *year < 2022) {
                let days = holidays.dates().filter(|(date, _)| date.year() == year).count();
                assert!((3..=40).contains(&days), "{country} {year}: {days} days");
            }
        }
    }

    #[test]
    fn dates_ranges_and_names_are_read() {
        let mut days = Holidays::default();
        days.add_written("2026-12-24..2026-12-26", "away").expect("a range");
        days.add_written("2026-05-01 Labour Day", "holiday").expect("a named date");
        assert_eq!(days.dates().count(), 4);
        assert_eq!(days.name(date(2026, 12, 26)), Some("away"));
        assert_eq!(days.name(date(2026, 5, 1)), Some("holiday: Labour Day"));
        for text in ["", "tomorrow", "2026-13-01", "2026-12-26..2026-12-24", "2026-01-01..9999-01-01"] {
            let refused = days.add_written(text, "away").expect_err(text).to_string();
            assert!(refused.contains("2026-12-24..2027-01-02"), "{refused}");
        }
    }

    #[test]
    fn an_unknown_country_names_the_known() {
        let refused = Holidays::of_country("XX").expect_err("no such country").to_string();
        assert!(refused.contains("'XX'") && refused.contains("DE, "), "{refused}");
    }
}
