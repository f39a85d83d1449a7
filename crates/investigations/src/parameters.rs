//! The parameters of a saved investigation: their types, and values as people type them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use trailback_sessions::Timestamp;
use trailback_tables::partition::Day;

/// What a saved investigation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without the `$`.
    pub name: String,
    /// What it takes.
    pub parameter_type: ParameterType,
    /// What it means, for people.
    pub description: String,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// Any text.
    Text,
    /// A day, compared with `dt`.
    Day,
    /// A moment in UTC.
    Time,
    /// A number.
    Number,
}

impl ParameterType {
    /// All of them.
    pub const ALL: [ParameterType; 4] = [Self::Text, Self::Day, Self::Time, Self::Number];

    /// Its word in the header of an investigation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Day => "day",
            Self::Time => "time",
            Self::Number => "number",
        }
    }

    /// The type of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<ParameterType> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// How values are written, for people.
    #[must_use]
    pub fn accepted(self) -> &'static str {
        match self {
            Self::Text => "any text",
            Self::Day => "a day is written 2026-11-20",
            Self::Time => {
                "a time is UTC, of the years 1970 to 2261, and written 2026-11-20T09:00:00Z, 2026-11-20T09:00 or 2026-11-20"
            }
            Self::Number => "a number is written 3, -3 or 0.5, and is not beyond a billion",
        }
    }

    /// A value to show in an example.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Day => "2026-11-20",
            Self::Time => "2026-11-20T09:00",
            Self::Number => "3",
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, whatever it holds.
    Text(String),
    /// A day.
    Day(Day),
    /// A moment.
    Time(Timestamp),
    /// Digits, with a sign and a point where wanted.
    Number(String),
}

/// The values of a question's parameters, by their names.
pub type Values = BTreeMap<String, Value>;

/// A value that its parameter does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter {name}: {given:?} is no {}", parameter_type.word())]
pub struct ParameterError {
    /// The parameter.
    pub name: String,
    /// What it takes.
    pub parameter_type: ParameterType,
    /// What was given.
    pub given: String,
}

impl Parameter {
    /// Understands a value as it was typed.
    ///
    /// # Errors
    /// When the text is no value of the parameter's type.
    pub fn parse(&self, typed: &str) -> Result<Value, ParameterError> {
        let value = match self.parameter_type {
            ParameterType::Text => Some(Value::Text(typed.to_owned())),
            ParameterType::Day => typed.parse().ok().map(Value::Day),
            ParameterType::Time => moment(typed).map(Value::Time),
            ParameterType::Number => is_number(typed).then(|| Value::Number(typed.to_owned())),
        };
        value.ok_or_else(|| ParameterError {
            name: self.name.clone(),
            parameter_type: self.parameter_type,
            given: typed.to_owned(),
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Number(text) => f.write_str(text),
            Self::Day(day) => day.fmt(f),
            Self::Time(moment) => moment.fmt(f),
        }
    }
}

/// A moment in UTC; what is left out is zero.
fn moment(typed: &str) -> Option<Timestamp> {
    let with_zone = jiff::Timestamp::from_str(typed);
    let moment = with_zone.or_else(|_| {
        let civil = jiff::civil::DateTime::from_str(typed)?;
        civil
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map(|moment| moment.timestamp())
    });
    // What the engines' nanoseconds in 64 bits hold.
    let is_near = |moment: &jiff::Timestamp| {
        let year = moment.to_zoned(jiff::tz::TimeZone::UTC).year();
        (1970..=2261).contains(&year)
    };
    let moment = moment.ok().filter(is_near)?;
    Some(Timestamp(moment.as_millisecond()))
}

fn is_number(typed: &str) -> bool {
    let unsigned = typed.strip_prefix('-').unwrap_or(typed);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    // So that what queries reckon with it stays within 64 bits.
    let is_digits = |part: &str| {
        (1..=9).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit())
    };
    is_digits(whole) && is_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parameter_type: ParameterType, typed: &str) -> Result<String, String> {
        let parameter = Parameter {
            name: "p".to_owned(),
            parameter_type,
            description: String::new(),
        };
        let parsed = parameter.parse(typed);
        parsed
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        use ParameterType::{Day, Number, Text, Time};
        for (parameter_type, typed, read) in [
            (Text, "", ""),
            (Text, "it's; DROP $x -- ", "it's; DROP $x -- "),
            (Day, "2026-11-20", "2026-11-20"),
            (Time, "2026-11-20", "2026-11-20T00:00:00Z"),
            (Time, "2026-11-20 09:00", "2026-11-20T09:00:00Z"),
            (
                Time,
                "2026-11-20T10:00:00.5+01:00",
                "2026-11-20T09:00:00.5Z",
            ),
            (Number, "-12", "-12"),
            (Number, "0.25", "0.25"),
        ] {
            assert_eq!(parse(parameter_type, typed).as_deref(), Ok(read));
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_its_parameter_and_type() {
        use ParameterType::{Day, Number, Time};
        for (parameter_type, typed) in [
            (Day, "20.11.2026"),
            (Day, "2026-02-30"),
            (Day, "2026-11-20T09:00"),
            (Time, "yesterday"),
            (Time, ""),
            (Time, "2300-01-01"),
            (Time, "0001-01-01"),
            (Number, "1e5"),
            (Number, "1; DROP TABLE sessions"),
            (Number, "--1"),
            (Number, "."),
            (Number, "9999999999999999999999"),
            (Number, "500000000000000000"),
        ] {
            let expected = format!("parameter p: {typed:?} is no {}", parameter_type.word());
            assert_eq!(parse(parameter_type, typed), Err(expected));
        }
    }

    #[test]
    fn the_examples_are_accepted() {
        for parameter_type in ParameterType::ALL {
            assert!(parse(parameter_type, parameter_type.example()).is_ok());
            assert_eq!(
                ParameterType::named(parameter_type.word()),
                Some(parameter_type)
            );
        }
    }
}
