//! Recurrence rules of holidays: those of RFC 5545 (3.3.10) that come every year, by date or by weekday of a month.

use jiff::civil::{Date, Weekday, date};

/// Years are not worked out beyond this one.
const LAST_YEAR: i16 = 2_060;

/// `FREQ=YEARLY` with what holidays use of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Yearly {
    every: i16,
    most: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    days: Vec<i8>,
    /// `4TH`, `-1MO`: which one of the month, counted from its end below zero.
    weekdays: Vec<(i8, Weekday)>,
}

impl Yearly {
    /// A rule, or what of it is not supported.
    pub(crate) fn parse(rule: &str) -> Result<Yearly, String> {
        let mut yearly = Yearly { every: 1, ..Yearly::default() };
        let mut frequency = "";
        for part in rule.split(';').filter(|part| !part.is_empty()) {
            let unsupported = || format!("{part} in its repetition is not supported");
            let (name, value) = part.split_once('=').ok_or_else(unsupported)?;
            match name {
                "FREQ" => frequency = value,
                "INTERVAL" => {
                    yearly.every = value.parse().ok().filter(|n| (1..100).contains(n)).ok_or_else(unsupported)?;
                }
                "COUNT" => yearly.most = Some(value.parse().map_err(|_| unsupported())?),
                "UNTIL" => yearly.until = Some(day(value).ok_or_else(unsupported)?),
                "BYMONTH" => yearly.months = list(value, |m| (1..=12).contains(&m)).ok_or_else(unsupported)?,
                "BYMONTHDAY" => yearly.days = list(value, |d| (1..=31).contains(&d)).ok_or_else(unsupported)?,
                "BYDAY" => {
                    let weekdays: Option<Vec<_>> = value.split(',').map(nth_weekday).collect();
                    yearly.weekdays = weekdays.ok_or_else(unsupported)?;
                }
                "WKST" => {}
                _ => return Err(unsupported()),
            }
        }
        match frequency {
            "YEARLY" if yearly.weekdays.is_empty() || !yearly.months.is_empty() => Ok(yearly),
            "YEARLY" => Err("BYDAY without BYMONTH in its repetition is not supported".to_string()),
            _ => Err(format!("only FREQ=YEARLY is supported, not FREQ={frequency}")),
        }
    }

    /// Every date from `first` on.
    pub(crate) fn dates(&self, first: Date) -> Vec<Date> {
        let years = (first.year()..=LAST_YEAR).step_by(usize::try_from(self.every).unwrap_or(1));
        let dates = years.flat_map(|year| self.in_year(year, first)).filter(|day| *day >= first);
        let dates = dates.take_while(|day| self.until.is_none_or(|until| *day <= until));
        dates.take(self.most.unwrap_or(usize::MAX)).collect()
    }

    fn in_year(&self, year: i16, first: Date) -> Vec<Date> {
        let months = if self.months.is_empty() { vec![first.month()] } else { self.months.clone() };
        let days = if self.days.is_empty() { vec![first.day()] } else { self.days.clone() };
        let in_month = |month: i8| -> Vec<Date> {
            let start = date(year, month, 1);
            if self.weekdays.is_empty() {
                return days.iter().filter_map(|day| Date::new(year, month, *day).ok()).collect();
            }
            let nth = self.weekdays.iter().filter_map(|(nth, day)| start.nth_weekday_of_month(*nth, *day).ok());
            // BYMONTHDAY beside BYDAY narrows it (RFC 5545, the table of 3.3.10).
            nth.filter(|date| self.days.is_empty() || self.days.contains(&date.day())).collect()
        };
        let mut dates: Vec<Date> = months.into_iter().flat_map(in_month).collect();
        dates.sort_unstable();
        dates
    }
}

fn list(value: &str, allowed: impl Fn(i8) -> bool) -> Option<Vec<i8>> {
    value.split(',').map(|part| part.parse().ok().filter(|n| allowed(*n))).collect()
}

/// `20301231` or `20301231T235959Z`: the day is what counts for days off.
fn day(value: &str) -> Option<Date> {
    value.get(..8)?.parse().ok()
}

fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let weekday = match text.get(text.len().checked_sub(2)?..)? {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let nth: i8 = text[..text.len() - 2].trim_start_matches('+').parse().ok()?;
    (-5..=5).contains(&nth).then_some(()).filter(|()| nth != 0)?;
    Some((nth, weekday))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::Yearly;

    #[track_caller]
    fn check(rule: &str, first: (i16, i8, i8), dates: &[&str]) {
        let rule = Yearly::parse(rule).expect(rule);
        let found: Vec<String> = rule.dates(date(first.0, first.1, first.2)).iter().map(ToString::to_string).collect();
        assert_eq!(found, dates);
    }

    #[test]
    fn holidays_come_by_date_or_by_weekday() {
        check("FREQ=YEARLY;UNTIL=20280101", (2026, 7, 14), &["2026-07-14", "2027-07-14"]);
        check("FREQ=YEARLY;COUNT=2;BYMONTH=11;BYDAY=4TH", (2026, 11, 26), &["2026-11-26", "2027-11-25"]);
        check("FREQ=YEARLY;COUNT=2;BYMONTH=5;BYDAY=-1MO", (2026, 5, 25), &["2026-05-25", "2027-05-31"]);
        check("FREQ=YEARLY;INTERVAL=2;COUNT=2", (2026, 1, 2), &["2026-01-02", "2028-01-02"]);
        check("FREQ=YEARLY;COUNT=3;BYMONTH=4,6", (2026, 4, 1), &["2026-04-01", "2026-06-01", "2027-04-01"]);
    }

    #[test]
    fn a_leap_day_comes_in_leap_years() {
        check("FREQ=YEARLY;COUNT=2", (2024, 2, 29), &["2024-02-29", "2028-02-29"]);
    }

    #[test]
    fn other_rules_say_what_is_not_supported() {
        for (rule, why) in [
            ("FREQ=MONTHLY", "FREQ=MONTHLY"),
            ("FREQ=YEARLY;BYDAY=1MO", "BYDAY without BYMONTH"),
            ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO=20"),
            ("FREQ=YEARLY;BYMONTH=5;BYDAY=MO", "BYDAY=MO"),
            ("FREQ=YEARLY;INTERVAL=0", "INTERVAL=0"),
            ("RDATE", "RDATE"),
        ] {
            assert!(Yearly::parse(rule).expect_err(rule).contains(why), "{rule}");
        }
    }
}
