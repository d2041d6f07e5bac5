//! When something was said, in whichever of the forms sources use, without inventing what they leave out.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil, fmt::rfc2822, tz::Offset};

/// A point in time as a source states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// An instant, with the offset it was written in.
    At { instant: Timestamp, offset: Offset },
    /// A civil date and time without a zone; it has no instant.
    Local(civil::DateTime),
    /// Time since a recording began.
    Elapsed(SignedDuration),
    /// A time of day alone (IRC logs).
    TimeOfDay(civil::Time),
}

impl Moment {
    pub fn utc(instant: Timestamp) -> Moment {
        Moment::At { instant, offset: Offset::UTC }
    }

    /// The instant, where the source gave enough to know it.
    pub fn instant(self) -> Option<Timestamp> {
        match self {
            Moment::At { instant, .. } => Some(instant),
            _ => None,
        }
    }

    /// Reads RFC 3339, RFC 2822, `asctime` with an offset (`Tue Aug 01 16:18:40 -0700 2000`), a civil date or date-time,
    /// `hh:mm:ss(.fff)` since the start of a recording, `hh:mm` of a day, and Unix seconds.
    /// `None` for anything else: a moment is stated or it is absent.
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        rfc3339(text)
            .or_else(|| mail_date(text))
            .or_else(|| asctime(text))
            .or_else(|| text.parse::<civil::DateTime>().ok().map(Moment::Local))
            .or_else(|| text.parse::<civil::Date>().ok().map(|d| Moment::Local(d.at(0, 0, 0, 0))))
            .or_else(|| elapsed(text))
            .or_else(|| time_of_day(text))
            .or_else(|| unix_seconds(text))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::At { instant, offset } => write!(f, "{}", instant.display_with_offset(*offset)),
            Moment::Local(at) => write!(f, "{at}"),
            Moment::Elapsed(d) => {
                let (secs, millis) = (d.as_secs(), d.subsec_millis());
                write!(f, "{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)?;
                if millis == 0 { Ok(()) } else { write!(f, ".{millis:03}") }
            }
            Moment::TimeOfDay(t) => write!(f, "{:02}:{:02}", t.hour(), t.minute()),
        }
    }
}

fn rfc3339(text: &str) -> Option<Moment> {
    let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let civil = pieces.date().to_datetime(pieces.time()?);
    Some(Moment::At { instant: offset.to_timestamp(civil).ok()?, offset })
}

fn mail_date(text: &str) -> Option<Moment> {
    let zoned = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_zoned(text).ok()?;
    Some(Moment::At { instant: zoned.timestamp(), offset: zoned.offset() })
}

fn asctime(text: &str) -> Option<Moment> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (month, day, time, offset, year) = match fields[..] {
        [_, month, day, time, year] => (month, day, time, None, year),
        [_, month, day, time, offset, year] => (month, day, time, Some(offset), year),
        _ => return None,
    };
    let civil = civil::DateTime::strptime("%b %d %H:%M:%S %Y", format!("{month} {day} {time} {year}")).ok()?;
    match offset {
        None => Some(Moment::Local(civil)),
        Some(offset) => mail_date(&format!("{day} {month} {year} {time} {offset}")),
    }
}

fn elapsed(text: &str) -> Option<Moment> {
    let fields: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = fields[..] else { return None };
    let (whole, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, "0"));
    let digits = |s: &str, most: usize| {
        (!s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit())).then_some(())
    };
    digits(hours, 4)?;
    digits(minutes, 2)?;
    digits(whole, 2)?;
    digits(fraction, 9)?;
    let (h, m, s): (i64, i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?, whole.parse().ok()?);
    if m > 59 || s > 59 {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(Moment::Elapsed(SignedDuration::new(h * 3600 + m * 60 + s, nanos)))
}

fn time_of_day(text: &str) -> Option<Moment> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    Some(Moment::TimeOfDay(civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?))
}

fn unix_seconds(text: &str) -> Option<Moment> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !(9..=11).contains(&whole.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(whole.parse().ok()?, nanos).ok().map(Moment::utc)
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(Moment::parse(text).map(|m| m.to_string()).as_deref(), Some(shown), "{text}");
    }

    #[test]
    fn every_form_the_data_has_is_read() {
        check("2025-03-26T15:18:25+01:00", "2025-03-26T15:18:25+01:00");
        check("2026-02-12T14:00:00Z", "2026-02-12T14:00:00+00:00");
        check("Tue Aug 01 16:18:40 -0700 2000", "2000-08-01T16:18:40-07:00");
        check("Tue, 1 Aug 2000 16:18:40 -0700", "2000-08-01T16:18:40-07:00");
        check("00:03:55.68", "00:03:55.680");
        check("01:02:35.530", "01:02:35.530");
        check("10:01", "10:01");
        check("2019-10-08", "2019-10-08T00:00:00");
        check("1455642000.000003", "2016-02-16T17:00:00.000003+00:00");
    }

    #[test]
    fn what_is_not_a_time_stays_absent() {
        for text in ["", "soon", "12", "25:61", "00:61:00", "tomorrow at 10"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
