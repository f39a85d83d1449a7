//! Moments as CloudTrail writes them, and the hour and day they fall in.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

pub(crate) const MS_PER_HOUR: i64 = 60 * 60 * 1000;
const HOURS_PER_DAY: i64 = 24;

/// A moment, in milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// An hour of UTC, counted from 1970-01-01T00.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub i64);

/// A day of UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Timestamp {
    /// Reads a moment in any of the forms that CloudTrail has been seen to write:
    ///
    /// - RFC 3339, with any offset and fraction: `2026-11-20T05:07:09Z` (`eventTime`, `creationDate`);
    /// - ISO 8601 basic: `20131102T010628Z` (`creationDate` in AWS's reference page);
    /// - `Jul 10, 2023, 12:30:04 PM` and `Sep 17, 2020 8:04:10 PM`, UTC, where the space before AM or PM may be a
    ///   narrow (U+202F) or plain (U+00A0) no-break space (`credentials.expiration`).
    ///
    /// `None` for everything else, also for a moment without an offset. Fractions below a millisecond are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        match text.as_bytes().first()? {
            b'0'..=b'9' => parse_iso8601(text),
            _ => parse_english(text),
        }
    }

    /// The hour this moment falls in.
    #[must_use]
    pub fn hour(self) -> Hour {
        Hour(self.0.div_euclid(MS_PER_HOUR))
    }

    /// The day this moment falls in.
    #[must_use]
    pub fn day(self) -> Day {
        self.hour().day()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with whole seconds (`2026-11-20T05:07:09Z`); milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Hour {
    /// Reads `2026-11-20T05`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Hour> {
        let (day, hour_of_day) = text.split_once('T')?;
        let hour_of_day =
            two_digits(hour_of_day).filter(|hour| i64::from(*hour) < HOURS_PER_DAY)?;
        Some(Day::parse(day)?.hour(hour_of_day))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MS_PER_HOUR))
    }

    /// The day it belongs to.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(HOURS_PER_DAY))
    }

    /// Its place in the day, 0 to 23.
    #[must_use]
    pub fn of_day(self) -> u8 {
        u8::try_from(self.0.rem_euclid(HOURS_PER_DAY)).unwrap_or_default()
    }
}

impl fmt::Display for Hour {
    /// `2026-11-20T05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}", self.day(), self.of_day())
    }
}

impl Day {
    /// Reads `2026-11-20`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        let shape_fits = text.len() == 10
            && text.bytes().enumerate().all(|(place, byte)| match place {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let date: Date = shape_fits.then(|| text.parse().ok()).flatten()?;
        utc(date, Time::midnight()).map(Timestamp::day)
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        self.hour(0).start()
    }

    /// The hour at `of_day` (0 to 23); a greater number runs on into the following days.
    #[must_use]
    pub fn hour(self, of_day: u8) -> Hour {
        Hour(
            self.0
                .saturating_mul(HOURS_PER_DAY)
                .saturating_add(i64::from(of_day)),
        )
    }

    /// Its 24 hours, first to last.
    pub fn hours(self) -> impl DoubleEndedIterator<Item = Hour> {
        (0..24).map(move |of_day| self.hour(of_day))
    }
}

impl fmt::Display for Day {
    /// `2026-11-20`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start().0) {
            Ok(moment) => Offset::UTC.to_datetime(moment).date().fmt(f),
            Err(_) => write!(f, "{} d", self.0),
        }
    }
}

fn parse_iso8601(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

/// `Jul 10, 2023, 12:30:04 PM`: Java's medium format of the United States; CloudTrail writes it without a zone and
/// means UTC.
fn parse_english(text: &str) -> Option<Timestamp> {
    let mut words = text
        .split([' ', ',', ':', '\u{202f}', '\u{a0}'])
        .filter(|word| !word.is_empty());
    let month = month_number(words.next()?)?;
    let day = one_or_two_digits(words.next()?)?;
    let date = civil_date(words.next()?, month, day)?;
    let hour = one_or_two_digits(words.next()?).filter(|hour| (1..=12).contains(hour))?;
    let minute = two_digits(words.next()?)?;
    let second = two_digits(words.next()?)?;
    let half_day = words.next()?;
    let noon = if half_day.eq_ignore_ascii_case("PM") {
        12
    } else if half_day.eq_ignore_ascii_case("AM") {
        0
    } else {
        return None;
    };
    if words.next().is_some() {
        return None;
    }
    utc(date, civil_time(hour % 12 + noon, minute, second)?)
}

fn month_number(word: &str) -> Option<u8> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let place = MONTHS
        .iter()
        .position(|month| month.eq_ignore_ascii_case(word))?;
    u8::try_from(place + 1).ok()
}

fn one_or_two_digits(digits: &str) -> Option<u8> {
    let shape_fits = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    shape_fits.then(|| digits.parse().ok()).flatten()
}

fn two_digits(digits: &str) -> Option<u8> {
    one_or_two_digits(digits).filter(|_| digits.len() == 2)
}

fn civil_date(year: &str, month: u8, day: u8) -> Option<Date> {
    let shape_fits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let year: i16 = shape_fits.then(|| year.parse().ok()).flatten()?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A leap second counts as the second before it, as RFC 3339 times are read.
fn civil_time(hour: u8, minute: u8, second: u8) -> Option<Time> {
    let second = if second == 60 { 59 } else { second };
    Time::new(
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()
}

fn utc(date: Date, time: Time) -> Option<Timestamp> {
    let moment = Offset::UTC
        .to_timestamp(DateTime::from_parts(date, time))
        .ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let read = Timestamp::parse(text).map(|moment| moment.to_string());
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn every_form_cloudtrail_writes_is_read() {
        check("2023-07-10T11:55:22Z", Some("2023-07-10T11:55:22Z"));
        check(
            "2023-07-10T11:55:22.123456Z",
            Some("2023-07-10T11:55:22.123Z"),
        );
        check("2023-07-10T13:55:22+02:00", Some("2023-07-10T11:55:22Z"));
        check(" 2023-07-10T11:55:22Z ", Some("2023-07-10T11:55:22Z"));
        check("20131102T010628Z", Some("2013-11-02T01:06:28Z"));
        check("Jul 10, 2023, 12:30:04 PM", Some("2023-07-10T12:30:04Z"));
        check("Sep 17, 2020 8:04:10 PM", Some("2020-09-17T20:04:10Z"));
        check("Jan 1, 2024, 12:00:00 AM", Some("2024-01-01T00:00:00Z"));
        check(
            "Jan 1, 2024, 1:00:00\u{202f}AM",
            Some("2024-01-01T01:00:00Z"),
        );
        check("Jan 1, 2024, 1:00:00\u{a0}pm", Some("2024-01-01T13:00:00Z"));
        check("Feb 29, 2024, 11:59:59 PM", Some("2024-02-29T23:59:59Z"));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            " ",
            "2023-07-10",
            "2023-07-10T11:55:22",
            "2023-13-10T11:55:22Z",
            "20131302T010628Z",
            "2013\u{e9}102T010628Z",
            "Feb 30, 2024, 1:00:00 AM",
            "Jul 10, 2023, 13:30:04 PM",
            "Jul 10, 2023, 0:30:04 PM",
            "Jul 10, 2023, 12:30:04",
            "Jul 10, 2023, 12:30:04 PM UTC",
            "Jux 10, 2023, 12:30:04 PM",
            "HIDDEN_DUE_TO_SECURITY_REASONS",
            "99999999999999999999",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_moment_falls_into_its_hour_and_day_also_before_1970() {
        let moment = Timestamp::parse("2026-11-20T05:59:59.999Z").unwrap();
        assert_eq!(moment.hour().to_string(), "2026-11-20T05");
        assert_eq!(moment.hour().of_day(), 5);
        assert_eq!(moment.day().to_string(), "2026-11-20");
        assert_eq!(moment.hour().start().to_string(), "2026-11-20T05:00:00Z");
        assert_eq!(Timestamp(-1).hour().to_string(), "1969-12-31T23");
        assert_eq!(Timestamp(-1).day().to_string(), "1969-12-31");
    }

    #[test]
    fn days_and_hours_are_read_as_they_are_written() {
        let day = Day::parse("2024-02-29").unwrap();
        assert_eq!(day.to_string(), "2024-02-29");
        assert_eq!(Hour::parse("2024-02-29T23"), Some(day.hour(23)));
        assert_eq!(day.hours().next_back(), Some(day.hour(23)));
        assert_eq!(day.hour(24).day().to_string(), "2024-03-01");
        for text in ["2024-02-30", "2024-2-09", "20240229", "+024-02-29", ""] {
            assert_eq!(Day::parse(text), None, "{text:?}");
        }
        for text in ["2024-02-29T24", "2024-02-29T5", "2024-02-29", "2024-02-29T"] {
            assert_eq!(Hour::parse(text), None, "{text:?}");
        }
    }
}
