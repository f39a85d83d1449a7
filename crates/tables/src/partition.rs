//! The names and places of the lake's objects: built here, parsed here.
//!
//! ```text
//! sessions/fragments/dt=2026-11-20/hour=05/<sha256>.parquet
//! sessions/data/dt=2026-11-20/05-<sha16>.parquet
//! sessions/data/dt=2026-11-20/day-<sha16>.parquet
//! sessions/table/dt=2026-11-20/symlink.txt
//! ```
//!
//! The ledger has the same tree under `log_objects/`, where days and hours are those of delivery.
//!
//! Every name is lower-case ASCII, so that it is the same on every file system.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use trailback_sessions::Timestamp;

use crate::schema::Table;

const MANIFEST_NAME: &str = "symlink.txt";
const FILE_EXTENSION: &str = ".parquet";
const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;

/// Hex characters of the content hash that name a data object: 64 bits, told apart within one day.
const CONTENT_ID_LEN: usize = 16;

/// Hex characters of a SHA-256.
const SHA256_LEN: usize = 64;

/// Why a name is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of a {kind}: {reason}")]
pub struct NameError {
    kind: &'static str,
    name: String,
    reason: &'static str,
}

fn wrong(kind: &'static str, name: &str, reason: &'static str) -> NameError {
    NameError {
        kind,
        name: name.to_owned(),
        reason,
    }
}

impl Table {
    /// Where its fragments lie.
    #[must_use]
    pub const fn fragments_prefix(self) -> &'static str {
        match self {
            Self::Sessions => "sessions/fragments/",
            Self::LogObjects => "log_objects/fragments/",
        }
    }

    /// Where its data objects lie.
    #[must_use]
    pub const fn data_prefix(self) -> &'static str {
        match self {
            Self::Sessions => "sessions/data/",
            Self::LogObjects => "log_objects/data/",
        }
    }

    /// Where its manifests lie; the location of the Athena table.
    #[must_use]
    pub const fn manifests_prefix(self) -> &'static str {
        match self {
            Self::Sessions => "sessions/table/",
            Self::LogObjects => "log_objects/table/",
        }
    }
}

/// The table below one of whose prefixes a key lies, and what follows.
fn table_of(key: &str, prefix: fn(Table) -> &'static str) -> Option<(Table, &str)> {
    let below = |table| Some((table, key.strip_prefix(prefix(table))?));
    Table::ALL.into_iter().find_map(below)
}

/// A day in UTC, by event time; in the ledger, by delivery. Displays and parses as `2026-11-20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 1970-01-01.
    number: i32,
}

/// An hour in UTC, by event time; in the ledger, by delivery. Displays as `2026-11-20T05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventHour {
    /// Its day.
    pub day: Day,
    /// 0 to 23.
    pub hour_of_day: u8,
}

impl Day {
    /// The first and the last day that has a four-digit year, the only ones a partition can be named for.
    pub const RANGE: std::ops::RangeInclusive<Day> =
        Day { number: -719_528 }..=Day { number: 2_932_896 };

    /// The day of a moment, clamped to [`Day::RANGE`].
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        let number = moment.0.div_euclid(DAY_MS);
        let (first, last) = (Self::RANGE.start().number, Self::RANGE.end().number);
        Self {
            number: number.clamp(first.into(), last.into()) as i32,
        }
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.number) * DAY_MS)
    }

    /// The day so many days later, or earlier where negative, clamped to [`Day::RANGE`].
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        let number = self.number.saturating_add(days);
        Self {
            number: number.clamp(Self::RANGE.start().number, Self::RANGE.end().number),
        }
    }

    /// Its 24 hours.
    pub fn hours(self) -> impl Iterator<Item = EventHour> {
        (0..24).map(move |hour_of_day| EventHour {
            day: self,
            hour_of_day,
        })
    }

    /// Year, month and day of the month in the Gregorian calendar: Howard Hinnant's `civil_from_days`, in which years
    /// start in March so that the leap day comes last.
    fn civil(self) -> (i32, i32, i32) {
        let shifted = self.number + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        (year_of_era + era * 400 + i32::from(month <= 2), month, day)
    }

    /// The inverse of [`Day::civil`]; a date that the calendar does not have gives another one.
    fn from_civil(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let march_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * march_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self {
            number: era * 146_097 + day_of_era - 719_468,
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || wrong("day", text, "expected YYYY-MM-DD");
        let digits = |range: std::ops::Range<usize>| {
            let digits = text
                .get(range)
                .filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|d| d.parse::<i32>().ok()).ok_or_else(wrong)
        };
        let day = Self::from_civil(digits(0..4)?, digits(5..7)?, digits(8..10)?);
        // One text a day, and no 30th of February.
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(wrong())
        }
    }
}

impl EventHour {
    /// The hour of a moment. As a whole clamped to the hours of [`Day::RANGE`], so that a later moment never has an
    /// earlier hour.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        let (first, last) = (Day::RANGE.start().start(), Day::RANGE.end().start());
        let clamped = moment.0.clamp(first.0, last.0 + DAY_MS - 1);
        Self {
            day: Day::of(Timestamp(clamped)),
            hour_of_day: clamped.div_euclid(HOUR_MS).rem_euclid(24) as u8,
        }
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(self.day.start().0 + i64::from(self.hour_of_day) * HOUR_MS)
    }

    /// The hour so many hours later, or earlier where negative, clamped as [`EventHour::of`].
    #[must_use]
    pub fn plus(self, hours: i64) -> Self {
        Self::of(Timestamp(
            self.start().0.saturating_add(hours.saturating_mul(HOUR_MS)),
        ))
    }
}

impl fmt::Display for EventHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}", self.day, self.hour_of_day)
    }
}

/// The object key of a fragment: one hour's rows as they were extracted, named by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentKey {
    /// The table it belongs to.
    pub table: Table,
    /// The hour of every row.
    pub hour: EventHour,
    sha256: String,
}

impl FragmentKey {
    /// The key of a fragment of these bytes.
    #[must_use]
    pub fn of(table: Table, hour: EventHour, bytes: &[u8]) -> Self {
        Self {
            table,
            hour,
            sha256: sha256_hex(bytes),
        }
    }

    /// SHA-256 of the fragment's bytes, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether the bytes are those the key was made of: anything else under this name is damaged.
    #[must_use]
    pub fn names(&self, bytes: &[u8]) -> bool {
        self.sha256 == sha256_hex(bytes)
    }

    /// The prefix of an hour's fragments.
    #[must_use]
    pub fn prefix(table: Table, hour: EventHour) -> String {
        let EventHour { day, hour_of_day } = hour;
        format!("{}hour={hour_of_day:02}/", Self::day_prefix(table, day))
    }

    /// The prefix of a day's fragments.
    #[must_use]
    pub fn day_prefix(table: Table, day: Day) -> String {
        format!("{}dt={day}/", table.fragments_prefix())
    }
}

impl fmt::Display for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}{FILE_EXTENSION}",
            Self::prefix(self.table, self.hour),
            self.sha256
        )
    }
}

impl FromStr for FragmentKey {
    type Err = NameError;

    fn from_str(key: &str) -> Result<Self, NameError> {
        let wrong = |reason| wrong("fragment", key, reason);
        let (table, rest) =
            table_of(key, Table::fragments_prefix).ok_or_else(|| wrong("wrong prefix"))?;
        let mut parts = rest.split('/');
        let day = day_part(parts.next()).ok_or_else(|| wrong("expected dt=YYYY-MM-DD"))?;
        let hour_of_day = parts
            .next()
            .and_then(|part| part.strip_prefix("hour="))
            .and_then(hour_of_day)
            .ok_or_else(|| wrong("expected hour=00 to hour=23"))?;
        let sha256 = parts
            .next()
            .and_then(|name| name.strip_suffix(FILE_EXTENSION))
            .filter(|sha256| is_hex(sha256, SHA256_LEN) && parts.next().is_none())
            .ok_or_else(|| wrong("expected a SHA-256 and .parquet"))?;
        Ok(Self {
            table,
            hour: EventHour { day, hour_of_day },
            sha256: sha256.to_owned(),
        })
    }
}

/// What part of its day a data object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayPart {
    /// One hour, 0 to 23.
    Hour(u8),
    /// All of it.
    Whole,
}

/// The object key of a data object: rows as they are published, named by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataKey {
    /// The table it belongs to.
    pub table: Table,
    /// The day of every row.
    pub day: Day,
    /// The part of the day.
    pub part: DayPart,
    content_id: String,
    /// 1, or more for a copy written beside an unreferenced object that was too old to be trusted.
    pub copy: u32,
}

impl DataKey {
    /// The key of a data object of these bytes.
    #[must_use]
    pub fn of(table: Table, day: Day, part: DayPart, bytes: &[u8]) -> Self {
        let mut content_id = sha256_hex(bytes);
        content_id.truncate(CONTENT_ID_LEN);
        Self {
            table,
            day,
            part,
            content_id,
            copy: 1,
        }
    }

    /// The first 64 bits of the SHA-256 of the object's bytes, in hex.
    #[must_use]
    pub fn content_id(&self) -> &str {
        &self.content_id
    }

    /// Whether the bytes are those the key was made of: anything else under this name is damaged.
    #[must_use]
    pub fn names(&self, bytes: &[u8]) -> bool {
        sha256_hex(bytes).starts_with(&self.content_id)
    }

    /// The key of the next copy of the same bytes.
    #[must_use]
    pub fn next_copy(&self) -> Self {
        Self {
            copy: self.copy.saturating_add(1),
            ..self.clone()
        }
    }

    /// The prefix of a day's data objects.
    #[must_use]
    pub fn prefix(table: Table, day: Day) -> String {
        format!("{}dt={day}/", table.data_prefix())
    }
}

impl fmt::Display for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::prefix(self.table, self.day))?;
        match self.part {
            DayPart::Hour(hour) => write!(f, "{hour:02}")?,
            DayPart::Whole => f.write_str("day")?,
        }
        write!(f, "-{}", self.content_id)?;
        if self.copy > 1 {
            write!(f, "-{}", self.copy)?;
        }
        f.write_str(FILE_EXTENSION)
    }
}

impl FromStr for DataKey {
    type Err = NameError;

    fn from_str(key: &str) -> Result<Self, NameError> {
        let wrong = |reason| wrong("data object", key, reason);
        let (table, rest) =
            table_of(key, Table::data_prefix).ok_or_else(|| wrong("wrong prefix"))?;
        let (day, name) = rest
            .split_once('/')
            .ok_or_else(|| wrong("expected dt=YYYY-MM-DD/"))?;
        let day = day_part(Some(day)).ok_or_else(|| wrong("expected dt=YYYY-MM-DD"))?;
        let name = name
            .strip_suffix(FILE_EXTENSION)
            .ok_or_else(|| wrong("expected .parquet"))?;
        let mut parts = name.split('-');
        let part = match parts.next() {
            Some("day") => DayPart::Whole,
            hour => {
                let hour = hour.and_then(hour_of_day);
                DayPart::Hour(hour.ok_or_else(|| wrong("expected day or 00 to 23"))?)
            }
        };
        let content_id = parts.next().filter(|id| is_hex(id, CONTENT_ID_LEN));
        let content_id = content_id
            .ok_or_else(|| wrong("expected 16 hex characters"))?
            .to_owned();
        let copy = parts.next().map_or(Some(1), copy_number);
        match copy {
            Some(copy) if parts.next().is_none() => Ok(Self {
                table,
                day,
                part,
                content_id,
                copy,
            }),
            _ => Err(wrong("expected the number of a copy")),
        }
    }
}

/// The object key of a day's manifest.
#[must_use]
pub fn manifest_key(table: Table, day: Day) -> String {
    format!("{}dt={day}/{MANIFEST_NAME}", table.manifests_prefix())
}

/// The table and the day of a manifest.
///
/// # Errors
/// When the key is not that of a manifest.
pub fn parse_manifest_key(key: &str) -> Result<(Table, Day), NameError> {
    let parsed = table_of(key, Table::manifests_prefix).and_then(|(table, rest)| {
        let (day, name) = rest.split_once('/')?;
        let day = day_part(Some(day)).filter(|_| name == MANIFEST_NAME)?;
        Some((table, day))
    });
    parsed.ok_or_else(|| {
        wrong(
            "manifest",
            key,
            "expected TABLE/table/dt=YYYY-MM-DD/symlink.txt",
        )
    })
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn day_part(part: Option<&str>) -> Option<Day> {
    part?.strip_prefix("dt=")?.parse().ok()
}

fn hour_of_day(text: &str) -> Option<u8> {
    let hour: u8 = text.parse().ok()?;
    (hour < 24 && text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then_some(hour)
}

fn copy_number(text: &str) -> Option<u32> {
    let copy: u32 = text.parse().ok()?;
    (copy > 1 && copy.to_string() == text).then_some(copy)
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests;
