//! How calendars and people's hours are written in the configuration: `[calendar.NAME]` and `[person.NAME]`.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use serde::Deserialize;

use super::{
    calendar::{Calendar, CalendarError},
    holidays::Holidays,
    ics,
    shift::Shift,
};

/// `[calendar.NAME]`. A weekday without a line is a day off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarConfig {
    /// IANA name.
    pub zone: String,
    pub mon: String,
    pub tue: String,
    pub wed: String,
    pub thu: String,
    pub fri: String,
    pub sat: String,
    pub sun: String,
    /// Dates, ranges of dates, countries and `.ics` files.
    pub holidays: OneOrMany,
    /// Hours of single dates, in place of the week's and of holidays: `"2026-12-24" = "09:00-12:00"`; "" for closed.
    pub exceptions: BTreeMap<String, String>,
}

/// What `[person.NAME]` says of somebody's hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PersonHours {
    /// The calendar that the others are kept of.
    pub calendar: Option<String>,
    pub zone: Option<String>,
    /// The same every working day: `10:00-16:00`.
    pub core: Option<String>,
    /// Dates and ranges of dates, both ends included.
    pub away: Vec<String>,
}

/// `"FR"` or `["FR", "2026-12-24"]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A calendar, and the events of its feeds that were left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    pub calendar: Calendar,
    /// One sentence each, with file and line.
    pub notes: Vec<String>,
}

impl Default for OneOrMany {
    fn default() -> OneOrMany {
        OneOrMany::Many(Vec::new())
    }
}

impl OneOrMany {
    pub fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl CalendarConfig {
    /// `read_feed` gives the text of an `.ics` file, or why it cannot be read.
    ///
    /// # Errors
    /// Everything that is wrong, not the first mistake alone.
    pub fn build(&self, read_feed: &dyn Fn(&str) -> Result<String, String>) -> Result<Built, Vec<CalendarError>> {
        let mut faults = Vec::new();
        let zone = zone(&self.zone).map_err(|fault| faults.push(fault)).ok();
        let days = [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun];
        let week = days.map(|day| Shift::parse_day(day).map_err(|fault| faults.push(fault)).unwrap_or_default());
        let mut notes = Vec::new();
        let mut holidays = Holidays::default();
        for written in self.holidays.as_slice() {
            if let Err(fault) = add_holidays(&mut holidays, &mut notes, written, read_feed) {
                faults.push(fault);
            }
        }
        let mut exceptions = BTreeMap::new();
        for (date, hours) in &self.exceptions {
            let read = date.parse::<Date>().map_err(|_| CalendarError::Date(date.clone()));
            match read.and_then(|date| Ok((date, Shift::parse_day(hours)?))) {
                Ok((date, shifts)) => drop(exceptions.insert(date, shifts)),
                Err(fault) => faults.push(fault),
            }
        }
        match zone.filter(|_| faults.is_empty()) {
            None => Err(faults),
            Some(zone) => {
                let calendar = Calendar::new(zone, week, holidays, exceptions).map_err(|fault| vec![fault])?;
                Ok(Built { calendar, notes })
            }
        }
    }
}

impl PersonHours {
    /// Somebody's own calendar, kept of the one they share.
    ///
    /// # Errors
    /// The first thing that is wrong, or that nothing is left of the week.
    pub fn of(&self, shared: &Calendar) -> Result<Calendar, CalendarError> {
        let own_zone = self.zone.as_deref().map(zone).transpose()?;
        let core = self.core.as_deref().map(Shift::parse_day).transpose()?;
        let mut away = Holidays::default();
        for written in &self.away {
            away.add_written(written, "away")?;
        }
        shared.personal(own_zone, core.as_deref(), away)
    }
}

fn zone(name: &str) -> Result<TimeZone, CalendarError> {
    TimeZone::get(name.trim()).map_err(|_| CalendarError::Zone(name.to_string()))
}

fn add_holidays(
    holidays: &mut Holidays,
    notes: &mut Vec<String>,
    written: &str,
    read_feed: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), CalendarError> {
    if written.to_ascii_lowercase().ends_with(".ics") {
        let text = read_feed(written).map_err(|why| CalendarError::Feed { file: written.to_string(), why })?;
        let (days, refused) = ics::holidays(&text);
        if days.is_empty() {
            let why =
                refused.first().map_or("it names no day off".to_string(), |r| format!("line {}: {}", r.line, r.why));
            return Err(CalendarError::Feed { file: written.to_string(), why });
        }
        holidays.extend(days);
        let note = |r: &ics::Refused| {
            format!("{written}: line {}: '{}' is not taken for days off: {}", r.line, r.event, r.why)
        };
        notes.extend(refused.iter().map(note));
        return Ok(());
    }
    if written.starts_with(|c: char| c.is_ascii_digit()) {
        return holidays.add_written(written, "holiday");
    }
    holidays.extend(Holidays::of_country(written)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{CalendarConfig, PersonHours};

    fn no_files(_: &str) -> Result<String, String> {
        Err("there are no files here".to_string())
    }

    fn config(text: &str) -> CalendarConfig {
        toml::from_str(text).expect(text)
    }

    #[test]
    fn a_calendar_of_the_contract_is_built() {
        let text = "zone = 'Europe/Paris'\nmon = '09:00-12:00, 13:00-18:00'\nholidays = ['FR', '2026-12-24', 'x.ics']\n\
                    exceptions = { '2026-12-28' = '' }";
        let feed = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261228\nSUMMARY:Bridge\nEND:VEVENT\nBEGIN:VEVENT\n\
                    DTSTART:20261229T100000\nSUMMARY:Party\nEND:VEVENT\n";
        let built = config(text).build(&|_| Ok(feed.to_string())).expect("a calendar");
        assert_eq!(built.calendar.shifts_on(date(2026, 12, 21)).len(), 2);
        assert_eq!(built.calendar.shut_because(date(2026, 12, 24)), Some("holiday"));
        assert_eq!(built.calendar.shut_because(date(2026, 7, 14)), Some("holiday: National Day"));
        assert_eq!(built.calendar.shut_because(date(2026, 12, 28)), Some("closed on this date"));
        assert!(built.notes.len() == 1 && built.notes[0].contains("x.ics: line 5: 'Party'"), "{:?}", built.notes);
        assert_eq!(
            config("zone = 'UTC'\nmon = '9:00-17:00'\nholidays = 'GB'").build(&no_files).map(|b| b.notes),
            Ok(vec![])
        );
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "zone = 'Europe/Pariss'\nmon = '9-17'\ntue = 'x'\nholidays = ['ZZ', '2026-02-30', 'gone.ics']\n\
                    exceptions = { 'noday' = '' }";
        let faults = config(text).build(&no_files).expect_err("seven mistakes");
        assert_eq!(faults.len(), 7, "{faults:?}");
    }

    #[test]
    fn a_calendar_that_is_never_open_is_refused() {
        for text in ["zone = 'UTC'", "zone = 'UTC'\nexceptions = { '2026-12-24' = '09:00-12:00' }"] {
            let faults = config(text).build(&no_files).expect_err("never open");
            assert!(faults.len() == 1 && faults[0].to_string().contains("never open"), "{faults:?}");
        }
    }

    #[test]
    fn nights_that_run_into_the_next_day_are_refused() {
        let week = "zone = 'UTC'\nsun = '22:00-06:00'\nmon = '05:00-09:00'";
        assert!(config(week).build(&no_files).expect_err("overlap")[0].to_string().contains("Sunday"));
        let date = "zone = 'UTC'\nsun = '22:00-06:00'\nexceptions = { '2026-11-16' = '05:00-09:00' }";
        assert!(config(date).build(&no_files).expect_err("overlap")[0].to_string().contains("2026-11-15"));
    }

    #[test]
    fn a_persons_hours_are_kept_of_the_shared_ones() {
        let shared = config("zone = 'Europe/Paris'\nmon = '09:00-17:00'").build(&no_files).expect("open").calendar;
        let hours =
            PersonHours { core: Some("10:00-12:00".into()), away: vec!["2026-11-16".into()], ..Default::default() };
        let own = hours.of(&shared).expect("open");
        assert_eq!(own.shut_because(date(2026, 11, 16)), Some("away"));
        let nothing = PersonHours { core: Some("18:00-19:00".into()), ..Default::default() };
        assert!(nothing.of(&shared).expect_err("never").to_string().contains("never open"));
    }
}
