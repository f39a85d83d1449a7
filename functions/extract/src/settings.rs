//! What this function is set to. The only place that reads the environment.

use std::time::Duration;

use tracing::level_filters::LevelFilter;
use trailback_operation::lake::LakeSettings;
use trailback_operation::logs;
use trailback_operation::settings::{Reading, Setting, WrongSettings, yes_or_no};

/// Below which prefix log objects are read.
const TRAIL_PREFIX: Setting = Setting {
    name: "TRAILBACK_TRAIL_PREFIX",
    expected: "the beginning of an object key, such as `AWSLogs/o-a1b2c3d4e5/`",
    default: None,
    meaning: "only log objects whose key starts so are read, the notifications of others are acknowledged; unset: all",
};

/// Whether the ledger has the SHA-256 of each log object.
const HASH_LOG_OBJECTS: Setting = Setting {
    name: "TRAILBACK_HASH_LOG_OBJECTS",
    expected: "`true` or `false`",
    default: Some("true"),
    meaning: "whether the ledger holds the SHA-256 of each log object's text, as CloudTrail's digests do",
};

/// How many log objects are open at once.
const OBJECTS_AT_ONCE: Setting = Setting {
    name: "TRAILBACK_OBJECTS_AT_ONCE",
    expected: "a number from 1 to 256",
    default: None,
    meaning: "how many log objects are fetched at once; unset: as many as keep the processor busy",
};

/// How long before the deadline no log object is begun any more.
const DEADLINE_MARGIN: Setting = Setting {
    name: "TRAILBACK_DEADLINE_MARGIN_SECONDS",
    expected: "a number of seconds from 1 to 600",
    default: Some("30"),
    meaning: "so long before its timeout the function begins no more log objects and returns their messages; \
              at most half of the timeout",
};

/// The settings of this function, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How much is logged.
    pub(crate) log_level: LevelFilter,
    /// The lake.
    pub(crate) lake: LakeSettings,
    /// How the key of a log object that is read starts; empty: all are.
    pub(crate) trail_prefix: String,
    /// Whether the ledger has hashes.
    pub(crate) hash_log_objects: bool,
    /// How many log objects are open at once, if that is set.
    pub(crate) objects_at_once: Option<usize>,
    /// How long before the deadline nothing is begun.
    pub(crate) deadline_margin: Duration,
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
        let trail_prefix = reading.optional(&TRAIL_PREFIX, |text| Some(text.to_owned()));
        let hash_log_objects = reading.optional(&HASH_LOG_OBJECTS, yes_or_no);
        let objects_at_once = reading.optional(&OBJECTS_AT_ONCE, |text| within(text, 1, 256));
        let deadline_margin = reading.optional(&DEADLINE_MARGIN, |text| within(text, 1, 600));
        let log_level = logs::level(&mut reading);
        let settings = || {
            Some(Settings {
                log_level,
                lake: lake?,
                trail_prefix: trail_prefix.unwrap_or_default(),
                hash_log_objects: hash_log_objects?,
                objects_at_once: objects_at_once.map(usize::from),
                deadline_margin: Duration::from_secs(deadline_margin?.into()),
            })
        };
        reading.finish(settings())
    }
}

fn within(text: &str, from: u16, to: u16) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|number| (from..=to).contains(number))
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
        let settings = read(&[("TRAILBACK_LAKE", "s3://lake/a/b")]).unwrap();
        assert_eq!(settings.lake.location.to_string(), "s3://lake/a/b");
        assert_eq!(settings.trail_prefix, "");
        assert!(settings.hash_log_objects);
        assert_eq!(settings.objects_at_once, None);
        assert_eq!(settings.deadline_margin, Duration::from_secs(30));
        assert_eq!(settings.log_level, LevelFilter::INFO);
        assert!(!settings.lake.s3.path_style);
        assert_eq!(settings.lake.s3.kms_key_id, None);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let wrong = read(&[
            ("TRAILBACK_LAKE", "/lake"),
            ("TRAILBACK_S3_PATH_STYLE", "maybe"),
            ("TRAILBACK_S3_ATTEMPTS", "0"),
            ("TRAILBACK_HASH_LOG_OBJECTS", "2"),
            ("TRAILBACK_OBJECTS_AT_ONCE", "many"),
            ("TRAILBACK_DEADLINE_MARGIN_SECONDS", "-1"),
            ("TRAILBACK_LOG_LEVEL", "loud"),
        ]);
        let wrong: Vec<_> = wrong
            .unwrap_err()
            .0
            .iter()
            .map(|wrong| wrong.name)
            .collect();
        let expected = [
            "TRAILBACK_LAKE",
            "TRAILBACK_S3_PATH_STYLE",
            "TRAILBACK_S3_ATTEMPTS",
            "TRAILBACK_HASH_LOG_OBJECTS",
            "TRAILBACK_OBJECTS_AT_ONCE",
            "TRAILBACK_DEADLINE_MARGIN_SECONDS",
            "TRAILBACK_LOG_LEVEL",
        ];
        assert_eq!(wrong, expected);
    }

    fn all() -> Vec<&'static Setting> {
        let own = [
            &TRAIL_PREFIX,
            &HASH_LOG_OBJECTS,
            &OBJECTS_AT_ONCE,
            &DEADLINE_MARGIN,
        ];
        let logs = [&logs::LOG_LEVEL, &logs::LAMBDA_LOG_LEVEL];
        SETTINGS.into_iter().chain(own).chain(logs).collect()
    }

    #[test]
    fn the_readme_says_what_can_be_set() {
        let table = table(&all());
        let readme = include_str!("../README.md");
        assert!(
            readme.contains(&table),
            "put this into functions/extract/README.md:\n{table}"
        );
    }

    #[test]
    fn the_manual_says_what_can_be_set() {
        let names: BTreeSet<&str> = all().iter().map(|setting| setting.name).collect();
        let manual = include_str!("../../../docs/OPERATIONS.md");
        assert_eq!(in_the_manual(manual, "extract"), names);
    }
}
