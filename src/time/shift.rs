//! Opening hours of one day as people write them: `09:00-12:00, 13:00-18:00`, `22:00-06:00`, `00:00-24:00`.

use super::calendar::CalendarError;

const MINUTE: i32 = 60;
pub(crate) const DAY_SECS: i32 = 24 * 60 * MINUTE;

/// Hours on the wall clock, in seconds since the midnight that its day begins with. One that runs past the next
/// midnight ends beyond `24:00` and belongs to the day it begins on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shift {
    start_secs: i32,
    end_secs: i32,
}

impl Shift {
    /// Hours and minutes of the day. An end at or before the start is on the next day.
    ///
    /// # Errors
    /// Where a time is not one of a day, or where both are the same.
    pub fn new(start: (i32, i32), end: (i32, i32)) -> Result<Shift, CalendarError> {
        let refuse = |why| CalendarError::Hours { written: written(start, end), why };
        let (from, to) = (seconds(start), seconds(end));
        if !(0..DAY_SECS).contains(&from) || !(0..=DAY_SECS).contains(&to) || start.1 > 59 || end.1 > 59 {
            return Err(refuse("times of day go from 00:00 to 24:00"));
        }
        match to - from {
            0 => Err(refuse("it begins and ends at once; a whole day is 00:00-24:00")),
            1.. => Ok(Shift { start_secs: from, end_secs: to }),
            _ => Ok(Shift { start_secs: from, end_secs: to + DAY_SECS }),
        }
    }

    /// Every shift of a day, in order. Nothing at all is a day off.
    ///
    /// # Errors
    /// Where the words are no hours, or two shifts overlap.
    pub fn parse_day(text: &str) -> Result<Vec<Shift>, CalendarError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let mut shifts = parts.map(Shift::parse).collect::<Result<Vec<_>, _>>()?;
        shifts.sort_unstable();
        if shifts.windows(2).any(|pair| pair[1].start_secs < pair[0].end_secs) {
            return Err(CalendarError::Hours { written: text.to_string(), why: "two shifts of the day overlap" });
        }
        Ok(shifts)
    }

    fn parse(text: &str) -> Result<Shift, CalendarError> {
        let hours = text.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
        match hours {
            Some((from, to)) => Shift::new(from, to),
            None => Err(CalendarError::Hours { written: text.to_string(), why: "it is not two times of day" }),
        }
    }

    /// Seconds from midnight, from 0 up to 24 hours.
    pub fn start_secs(self) -> i32 {
        self.start_secs
    }

    /// Seconds from the same midnight, less than 48 hours.
    pub fn end_secs(self) -> i32 {
        self.end_secs
    }

    /// What two shifts of one day share.
    pub fn intersection(self, other: Shift) -> Option<Shift> {
        let (start_secs, end_secs) = (self.start_secs.max(other.start_secs), self.end_secs.min(other.end_secs));
        (start_secs < end_secs).then_some(Shift { start_secs, end_secs })
    }
}

fn seconds((hour, minute): (i32, i32)) -> i32 {
    (hour * 60 + minute) * MINUTE
}

fn time(text: &str) -> Option<(i32, i32)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    (digits(hour) && digits(minute)).then_some(())?;
    Some((hour.parse().ok()?, minute.parse().ok()?))
}

fn written(start: (i32, i32), end: (i32, i32)) -> String {
    format!("{:02}:{:02}-{:02}:{:02}", start.0, start.1, end.0, end.1)
}

#[cfg(test)]
mod tests {
    use super::Shift;

    fn hours(text: &str) -> Vec<(i32, i32)> {
        let shifts = Shift::parse_day(text).expect(text);
        shifts.iter().map(|s| (s.start_secs() / 60, s.end_secs() / 60)).collect()
    }

    #[test]
    fn days_are_split_and_nights_run_over_midnight() {
        assert_eq!(hours("13:00-18:00, 9:00-12:00"), [(540, 720), (780, 1080)]);
        assert_eq!(hours("22:00-06:00"), [(1320, 1800)]);
        assert_eq!(hours("00:00-24:00"), [(0, 1440)]);
        assert_eq!(hours("18:00-00:00"), [(1080, 1440)]);
        assert_eq!(hours(""), []);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["9-17", "09:00", "24:00-25:00", "09:60-10:00", "09:00-09:00", "9:00-12:00, 11:00-13:00", "a:b-c:d"]
        {
            let refused = Shift::parse_day(text).expect_err(text).to_string();
            assert!(refused.contains("09:00-12:00, 13:00-18:00"), "{refused}");
        }
    }
}
