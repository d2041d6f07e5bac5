//! Days off from a calendar feed (RFC 5545): all-day events, also of several days or every year.

use jiff::{ToSpan, civil::Date};

use super::{holidays::Holidays, yearly::Yearly};

/// The longest event that is taken for days off, in days; a longer one is a season, or a mistake.
const MOST_DAYS: usize = 60;

/// An event that is not read as days off, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Line of its `BEGIN:VEVENT`, counted from 1.
    pub line: usize,
    /// The event's own name, where it has one.
    pub event: String,
    pub why: String,
}

/// The properties of one event, as far as they decide on days off.
#[derive(Default)]
struct Event {
    line: usize,
    summary: String,
    starts: Option<String>,
    ends: Option<String>,
    lasts: Option<String>,
    rule: Option<String>,
    without: Vec<Date>,
    cancelled: bool,
    /// One date of a series, moved or renamed.
    override_of: Option<Date>,
    id: String,
}

/// The days off of a feed with the events that were not understood: they are named, never skipped in silence.
pub fn holidays(text: &str) -> (Holidays, Vec<Refused>) {
    let events = events(text);
    let mut refused = Vec::new();
    let mut holidays = Holidays::default();
    if events.is_empty() {
        let why = "the file has no events: it must be an iCalendar file (RFC 5545) with all-day VEVENTs".to_string();
        refused.push(Refused { line: 1, event: String::new(), why });
    }
    for event in &events {
        let moved = |day: &Date| {
            event.override_of.is_none()
                && events.iter().any(|other| other.id == event.id && other.override_of == Some(*day))
        };
        match event.days() {
            Ok(days) => {
                for day in days.into_iter().filter(|day| !moved(day)) {
                    holidays.add(day, &format!("holiday: {}", event.name()));
                }
            }
            Err(why) => refused.push(Refused { line: event.line, event: event.name().to_string(), why }),
        }
    }
    (holidays, refused)
}

impl Event {
    fn name(&self) -> &str {
        if self.summary.is_empty() { "unnamed" } else { &self.summary }
    }

    /// Every date it takes.
    fn days(&self) -> Result<Vec<Date>, String> {
        if self.cancelled {
            return Ok(Vec::new());
        }
        let starts = self.starts.as_deref().ok_or("it has no DTSTART")?;
        let first = all_day(starts).ok_or("only all-day events are days off, and this one has a time of day")?;
        let length = self.length(first)?;
        let firsts = match &self.rule {
            None => vec![first],
            Some(rule) => Yearly::parse(rule)?.dates(first),
        };
        let firsts = firsts.into_iter().filter(|day| !self.without.contains(day));
        Ok(firsts.flat_map(|day| day.series(1.day()).take(length)).collect())
    }

    /// In days. `DTEND` is the first day after (RFC 5545, 3.6.1).
    fn length(&self, first: Date) -> Result<usize, String> {
        let days = match (&self.ends, &self.lasts) {
            (Some(ends), _) => {
                let after = all_day(ends).ok_or("it ends at a time of day")?;
                first.series(1.day()).take_while(|day| *day < after).take(MOST_DAYS + 1).count()
            }
            (None, Some(lasts)) => whole_days(lasts).ok_or("its DURATION is not in whole days or weeks")?,
            (None, None) => 1,
        };
        if days > MOST_DAYS {
            return Err(format!("it is longer than {MOST_DAYS} days"));
        }
        Ok(days.max(1))
    }
}

fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut open: Option<Event> = None;
    let mut inner = 0;
    for (line, content) in unfolded(text) {
        let Some((head, value)) = content.split_once(':') else { continue };
        let name = head.split(';').next().unwrap_or_default().to_ascii_uppercase();
        match (name.as_str(), value.trim().to_ascii_uppercase().as_str()) {
            ("BEGIN", "VEVENT") => open = Some(Event { line, ..Event::default() }),
            ("END", "VEVENT") => events.extend(open.take()),
            ("BEGIN", _) => inner += i32::from(open.is_some()),
            ("END", _) => inner -= i32::from(open.is_some()),
            _ => {
                if let Some(event) = open.as_mut().filter(|_| inner == 0) {
                    take(event, &name, value.trim());
                }
            }
        }
    }
    events
}

fn take(event: &mut Event, name: &str, value: &str) {
    match name {
        "SUMMARY" => event.summary = unescaped(value),
        "DTSTART" => event.starts = Some(value.to_string()),
        "DTEND" => event.ends = Some(value.to_string()),
        "DURATION" => event.lasts = Some(value.to_string()),
        "RRULE" => event.rule = Some(value.to_string()),
        "RDATE" => event.rule = Some("RDATE".to_string()),
        "EXDATE" => event.without.extend(value.split(',').filter_map(all_day)),
        "STATUS" => event.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
        "RECURRENCE-ID" => event.override_of = all_day(value),
        "UID" => event.id = value.to_string(),
        _ => {}
    }
}

/// Lines with their continuations joined on (RFC 5545, 3.1), numbered by their first.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, begun))) => begun.push_str(more),
            _ => lines.push((at + 1, line.to_string())),
        }
    }
    lines
}

/// `20261225`; `None` where there is a time of day with it.
fn all_day(value: &str) -> Option<Date> {
    let digits = value.len() == 8 && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten()
}

/// `P3D` or `P2W`.
fn whole_days(value: &str) -> Option<usize> {
    let value = value.strip_prefix('P')?;
    match (value.strip_suffix('D'), value.strip_suffix('W')) {
        (Some(days), _) => days.parse().ok(),
        (_, Some(weeks)) => weeks.parse::<usize>().ok()?.checked_mul(7),
        _ => None,
    }
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push(' '),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text.trim().to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::holidays;

    fn feed(events: &[&str]) -> String {
        let events: String = events.iter().map(|e| format!("BEGIN:VEVENT\r\n{e}\r\nEND:VEVENT\r\n")).collect();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    #[track_caller]
    fn check(event: &str, days: &[&str]) {
        let (holidays, refused) = holidays(&feed(&[event]));
        assert_eq!(refused, [], "{event}");
        let found: Vec<String> = holidays.dates().map(|(day, _)| day.to_string()).collect();
        assert_eq!(found, days, "{event}");
    }

    #[test]
    fn all_day_events_are_days_off() {
        check("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas", &["2026-12-25"]);
        check("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227", &["2026-12-24", "2026-12-25", "2026-12-26"]);
        check("DTSTART:20261224\r\nDURATION:P2D", &["2026-12-24", "2026-12-25"]);
        check("DTSTART;VALUE=DATE:20261225\r\nSTATUS:CANCELLED", &[]);
    }

    #[test]
    fn yearly_events_come_back() {
        let rule = "RRULE:FREQ=YEARLY;COUNT=3\r\nEXDATE;VALUE=DATE:20270501";
        check(&format!("DTSTART;VALUE=DATE:20260501\r\n{rule}"), &["2026-05-01", "2028-05-01"]);
    }

    #[test]
    fn names_are_unfolded_and_unescaped() {
        let (days, _) = holidays(&feed(&["DTSTART;VALUE=DATE:20261111\r\nSUMMARY:St. Martin\\,\r\n  observed"]));
        assert_eq!(days.name(date(2026, 11, 11)), Some("holiday: St. Martin, observed"));
    }

    #[test]
    fn one_day_of_a_series_may_be_moved() {
        let series = "UID:a\r\nDTSTART;VALUE=DATE:20260501\r\nRRULE:FREQ=YEARLY;COUNT=2";
        let moved = "UID:a\r\nRECURRENCE-ID;VALUE=DATE:20270501\r\nDTSTART;VALUE=DATE:20270503";
        let (days, refused) = holidays(&feed(&[series, moved]));
        let found: Vec<String> = days.dates().map(|(day, _)| day.to_string()).collect();
        assert_eq!((found, refused), (vec!["2026-05-01".to_string(), "2027-05-03".to_string()], vec![]));
    }

    #[test]
    fn what_is_not_supported_is_named_with_its_line() {
        for (event, why) in [
            ("DTSTART:20261225T090000Z\r\nSUMMARY:Party", "all-day"),
            ("SUMMARY:Party", "DTSTART"),
            ("DTSTART:20260105\r\nSUMMARY:Party\r\nRRULE:FREQ=WEEKLY", "FREQ=WEEKLY"),
            ("DTSTART:20260105\r\nSUMMARY:Party\r\nRDATE:20260107", "RDATE"),
            ("DTSTART:20260101\r\nDTEND:20270101\r\nSUMMARY:Party", "60 days"),
        ] {
            let (days, refused) = holidays(&feed(&[event]));
            assert!(days.is_empty());
            assert!(refused.len() == 1 && refused[0].line == 3 && refused[0].event == "Party", "{refused:?}");
            assert!(refused[0].why.contains(why), "{refused:?}");
        }
        assert_eq!(holidays("no calendar at all").1.len(), 1);
    }

    #[test]
    fn alarms_inside_an_event_change_nothing() {
        let alarm = "BEGIN:VALARM\r\nSUMMARY:wake\r\nDURATION:PT5M\r\nEND:VALARM";
        check(&format!("DTSTART;VALUE=DATE:20261225\r\n{alarm}\r\nSUMMARY:Christmas"), &["2026-12-25"]);
    }
}
