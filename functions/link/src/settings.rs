//! What this function is set to. The only place that reads the environment.

use std::time::Duration;

use tracing::level_filters::LevelFilter;
use trailback_operation::lake::LakeSettings;
use trailback_operation::logs;
use trailback_operation::settings::{Reading, Setting, WrongSettings};

/// How long one run works.
const BUDGET: Setting = Setting {
    name: "TRAILBACK_LINK_BUDGET_SECONDS",
    expected: "a number of seconds from 1 to 900",
    default: None,
    meaning: "how long one run begins new work; never more than three quarters of the function's timeout, which is \
              also what holds where it is unset",
};

/// The settings of this function, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How much is logged.
    pub(crate) log_level: LevelFilter,
    /// The lake.
    pub(crate) lake: LakeSettings,
    /// How long one run works, if that is set.
    pub(crate) budget: Option<Duration>,
}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    ///
    /// Names every variable that is wrong.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place to read the environment"
    )]
    pub(crate) fn from_environment() -> Result<Settings, WrongSettings> {
        Settings::read(&|name| std::env::var(name).ok())
    }

    fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, WrongSettings> {
        let mut reading = Reading::of(environment);
        let lake = LakeSettings::read(&mut reading);
        let budget = reading.optional(&BUDGET, |text| {
            let seconds = text.parse().ok()?;
            (1..=900)
                .contains(&seconds)
                .then(|| Duration::from_secs(seconds))
        });
        let log_level = logs::level(&mut reading);
        let settings = lake.map(|lake| Settings {
            log_level,
            lake,
            budget,
        });
        reading.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use trailback_operation::lake::SETTINGS;
    use trailback_operation::settings::{given, in_the_manual, table};

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, WrongSettings> {
        Settings::read(&given(variables))
    }

    #[test]
    fn a_lake_is_all_that_must_be_set() {
        let settings = read(&[("TRAILBACK_LAKE", "s3://lake")]).unwrap();
        assert_eq!(settings.lake.location.to_string(), "s3://lake");
        assert_eq!(settings.budget, None);
        assert_eq!(settings.log_level, LevelFilter::INFO);
    }

    #[test]
    fn a_wrong_budget_names_itself() {
        for text in ["0", "901", "-5", "soon"] {
            let variables = [
                ("TRAILBACK_LAKE", "s3://lake"),
                ("TRAILBACK_LINK_BUDGET_SECONDS", text),
            ];
            let wrong = read(&variables).unwrap_err().to_string();
            assert!(
                wrong.contains("TRAILBACK_LINK_BUDGET_SECONDS is"),
                "{wrong}"
            );
        }
    }

    fn all() -> Vec<&'static Setting> {
        let logs = [&logs::LOG_LEVEL, &logs::LAMBDA_LOG_LEVEL];
        SETTINGS.into_iter().chain([&BUDGET]).chain(logs).collect()
    }

    #[test]
    fn the_readme_says_what_can_be_set() {
        let table = table(&all());
        let readme = include_str!("../README.md");
        assert!(
            readme.contains(&table),
            "put this into functions/link/README.md:\n{table}"
        );
    }

    #[test]
    fn the_manual_says_what_can_be_set() {
        let names: BTreeSet<&str> = all().iter().map(|setting| setting.name).collect();
        let manual = include_str!("../../../docs/OPERATIONS.md");
        assert_eq!(in_the_manual(manual, "link"), names);
    }
}
