//! Reads settings from environment variables: all of them at once, and every wrong one is named.

use std::collections::BTreeSet;
use std::fmt;

/// How much of a wrong value is told, in characters.
const VALUE_TOLD_MAX: usize = 120;

/// One environment variable: what it is called, what may stand there and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name of the variable.
    pub name: &'static str,
    /// What a right value looks like, to go on after "expected".
    pub expected: &'static str,
    /// What holds where the variable is absent or empty; `None`: it must be given, or its absence means something.
    pub default: Option<&'static str>,
    /// What it decides, for the documentation.
    pub meaning: &'static str,
}

/// A variable that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSetting {
    /// The name of the variable.
    pub name: &'static str,
    /// What stands there; `None` where nothing does.
    pub value: Option<String>,
    /// What should.
    pub expected: &'static str,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WrongSetting { name, expected, .. } = self;
        match &self.value {
            None => write!(f, "{name} is not set; expected {expected}"),
            Some(value) => write!(f, "{name} is {value:?}; expected {expected}"),
        }
    }
}

/// All variables that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wrong settings: {}", listed(.0))]
pub struct WrongSettings(pub Vec<WrongSetting>);

fn listed(wrong: &[WrongSetting]) -> String {
    let lines: Vec<String> = wrong.iter().map(WrongSetting::to_string).collect();
    lines.join("; ")
}

/// Settings being read: collects what is wrong, so that all of it is told at once.
pub struct Reading<'e> {
    environment: &'e dyn Fn(&str) -> Option<String>,
    wrong: Vec<WrongSetting>,
}

impl<'e> Reading<'e> {
    /// Reads from an environment: gives the value of a variable, if it is there.
    pub fn of(environment: &'e dyn Fn(&str) -> Option<String>) -> Reading<'e> {
        Reading {
            environment,
            wrong: Vec::new(),
        }
    }

    /// A setting that must be there; `None` where it is not, or is wrong, which [`Reading::finish`] tells.
    pub fn required<T>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.value(setting) else {
            self.add_wrong(setting, None);
            return None;
        };
        self.parsed(setting, &value, parse)
    }

    /// A setting with a default, or one whose absence means something; `None` also where it is wrong, which
    /// [`Reading::finish`] tells.
    pub fn optional<T>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(setting).or(setting.default.map(str::to_owned))?;
        self.parsed(setting, &value, parse)
    }

    /// The settings, if nothing was wrong.
    ///
    /// # Errors
    ///
    /// Names every variable that cannot be used.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, WrongSettings> {
        match settings {
            Some(settings) if self.wrong.is_empty() => Ok(settings),
            _ => Err(WrongSettings(self.wrong)),
        }
    }

    /// A parameter of a template that was left empty arrives as an empty variable: it is none.
    fn value(&self, setting: &Setting) -> Option<String> {
        (self.environment)(setting.name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &mut self,
        setting: &Setting,
        value: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(value);
        if parsed.is_none() {
            self.add_wrong(setting, Some(value.chars().take(VALUE_TOLD_MAX).collect()));
        }
        parsed
    }

    fn add_wrong(&mut self, setting: &Setting, value: Option<String>) {
        self.wrong.push(WrongSetting {
            name: setting.name,
            value,
            expected: setting.expected,
        });
    }
}

/// An environment of these variables alone, in place of a process's.
pub fn given<'v>(variables: &'v [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'v {
    |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

/// Reads `true` or `false`, as people write them in templates.
pub fn yes_or_no(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// The settings as a table for a README, which a test of each function holds equal to what stands there.
pub fn table(settings: &[&Setting]) -> String {
    let mut table =
        "| Variable | Value | Default | Decides |\n| --- | --- | --- | --- |\n".to_owned();
    for setting in settings {
        let default = setting
            .default
            .map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
        let (name, expected, meaning) = (setting.name, setting.expected, setting.meaning);
        table += &format!("| `{name}` | {expected} | {default} | {meaning} |\n");
    }
    table
}

/// The variables that a table of the manual, `docs/OPERATIONS.md`, gives to a function; a test of each function holds
/// them equal to what it reads.
pub fn in_the_manual<'m>(manual: &'m str, function: &str) -> BTreeSet<&'m str> {
    let rows = manual.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let whose = cells.next()?;
        (whose == function || whose == "both").then_some(name)
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Setting = Setting {
        name: "PLACE",
        expected: "a place",
        default: None,
        meaning: "where",
    };
    const COUNT: Setting = Setting {
        name: "COUNT",
        expected: "a number from 1 to 9",
        default: Some("3"),
        meaning: "how many",
    };

    fn count(text: &str) -> Option<u8> {
        text.parse().ok().filter(|count| (1..=9).contains(count))
    }

    fn read(variables: &[(&str, &str)]) -> Result<(String, Option<u8>), WrongSettings> {
        let environment = given(variables);
        let mut reading = Reading::of(&environment);
        let place = reading.required(&PLACE, |text| Some(text.to_owned()));
        let count = reading.optional(&COUNT, count);
        reading.finish(place.map(|place| (place, count)))
    }

    #[test]
    fn a_default_holds_where_a_variable_is_absent_or_empty() {
        for variables in [
            &[("PLACE", "here")][..],
            &[("PLACE", " here "), ("COUNT", " ")],
        ] {
            assert_eq!(read(variables), Ok(("here".to_owned(), Some(3))));
        }
        let given = read(&[("PLACE", "here"), ("COUNT", "9")]);
        assert_eq!(given, Ok(("here".to_owned(), Some(9))));
    }

    #[test]
    fn all_wrong_variables_are_named_at_once_with_what_was_expected() {
        let wrong = read(&[("PLACE", ""), ("COUNT", "ten\n")]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "wrong settings: PLACE is not set; expected a place; \
             COUNT is \"ten\"; expected a number from 1 to 9"
        );
    }

    #[test]
    fn a_wrong_value_is_told_short_and_on_one_line() {
        let long = format!("a\n{}", "b".repeat(1000));
        let told = read(&[("PLACE", "x"), ("COUNT", &long)])
            .unwrap_err()
            .to_string();
        assert!(told.len() < 300 && !told.contains('\n'), "{told}");
    }

    #[test]
    fn yes_and_no_are_read_as_people_write_them() {
        assert_eq!(["true", "TRUE", "yes", "1"].map(yes_or_no), [Some(true); 4]);
        assert_eq!(
            ["false", "False", "no", "0"].map(yes_or_no),
            [Some(false); 4]
        );
        assert_eq!(["", "on", "ja"].map(yes_or_no), [None; 3]);
    }
}
