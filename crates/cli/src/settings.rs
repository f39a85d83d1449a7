//! What was meant by what was typed; wrong use is told before anything is read or written.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use trailback_pipeline::extract::ExtractOptions;
use trailback_pipeline::find::TimeRange;
use trailback_pipeline::location::Location;
use trailback_pipeline::log_objects::DeliveryDays;
use trailback_pipeline::store::s3::{NoS3Location, S3Settings};
use trailback_sessions::subject::NotASubject;
use trailback_sessions::{PolicyFacts, Session, Timestamp};
use trailback_tables::partition::Day;

/// How many days after a call CloudTrail may deliver it. It takes 5 minutes on average, and more in an outage.
const DELIVERY_DAYS_MAX: i32 = 2;

/// The forms of a subject.
const SUBJECTS: &str = "a subject is one of
  access key ID   ASIA… (temporary) or AKIA… (long-term)
  role session    arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
  principal ID    AROA…:SESSION, AROA…, AIDA… or ACCOUNT:NAME
  role            arn:aws:iam::ACCOUNT:role/ROLE, all its sessions
  user            arn:aws:iam::ACCOUNT:user/USER or :root
  event ID        1917948f-3042-46ec-98e2-62865example
  -               a record or a finding on standard input (trace alone)
a plain name is looked up with: trailback sessions --role NAME, or --origin NAME";

/// Wrong use of the command line.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum WrongUse {
    /// Meant as a place in S3, but none.
    #[error(transparent)]
    #[diagnostic(help("a folder whose name starts so is written ./s3:…"))]
    NoS3Location(#[from] NoS3Location),
    /// A path without a file or folder.
    #[error("{} does not exist", path.display())]
    NoSuchPath {
        /// What was typed.
        path: PathBuf,
    },
    /// A pipe, or a device: it cannot be read twice, which a checksum may ask for.
    #[error("{} is neither a file nor a folder", path.display())]
    #[diagnostic(help("write what it gives into a file, and name that"))]
    NotAFile {
        /// What was typed.
        path: PathBuf,
    },
    /// A file that is there for the program alone: keys, a verification.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What was typed.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// No moment.
    #[error("{option} {text}: not a time")]
    #[diagnostic(help("times are UTC: 2026-11-20, 2026-11-20T09:00 or 2026-11-20T09:00:30Z"))]
    NoTime {
        /// The option.
        option: &'static str,
        /// What was typed.
        text: String,
    },
    /// A moment beside a subject that has its own.
    #[error(
        "--at goes with a subject that is typed: a record or finding on standard input tells its own time"
    )]
    AtOfPasted,
    /// A period that holds nothing.
    #[error("--since {since} is after --until {until}")]
    EmptyPeriod {
        /// The start, as it was typed.
        since: String,
        /// The end.
        until: String,
    },
    /// Nothing that can be asked about.
    #[error(transparent)]
    #[diagnostic(help("{}", SUBJECTS))]
    NoSubject(#[from] NotASubject),
    /// No hash.
    #[error("{option} {text}: not a SHA-256, nor the first 8 or more digits of one")]
    #[diagnostic(help("trailback policies lists the session policies of a lake with theirs"))]
    NoHash {
        /// The option.
        option: &'static str,
        /// What was typed.
        text: String,
    },
    /// A command of the SQL engine, in a build without it.
    #[cfg(not(feature = "investigate"))]
    #[error("this trailback was built without `investigate` and `query`")]
    #[diagnostic(help(
        "build it without --no-default-features: the SQL engine behind both is most of the build"
    ))]
    EngineLeftOut,
    /// No lake, where one is needed.
    #[cfg(feature = "investigate")]
    #[error("--lake is missing: whose sessions are meant?")]
    #[diagnostic(help("a lake is a folder, or s3://bucket/prefix; `trailback ingest` makes one"))]
    NoLake,
    /// No tag.
    #[error("--tag {text}: not a pair")]
    #[diagnostic(help("a tag is written KEY=VALUE, as in --tag Ticket=OPS-4711"))]
    NoPair {
        /// What was typed.
        text: String,
    },
}

/// Understands how S3 is reached; what is not typed is found in AWS's own settings.
pub(crate) fn s3(typed: &crate::args::S3) -> S3Settings {
    S3Settings {
        path_style: typed.s3_path_style,
        kms_key_id: typed.s3_kms_key.clone(),
        ..S3Settings::default()
    }
}

/// Reads a file that a command takes as it is.
pub(crate) fn content(path: &Path) -> Result<Vec<u8>, WrongUse> {
    std::fs::read(path).map_err(|cause| WrongUse::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

/// How log objects are read.
pub(crate) fn reading(typed: crate::args::ReadLimits) -> ExtractOptions {
    let mut options = ExtractOptions::default();
    options.limits.record_bytes_max = typed.record_limit;
    options.limits.unpacked_bytes_max = typed.unpacked_limit;
    options
}

/// Understands a folder, or a place in S3.
pub(crate) fn location(typed: &OsStr) -> Result<Location, WrongUse> {
    Ok(Location::parse(typed)?)
}

/// Understands places to read from: a path must be a file or folder. Whether a place in S3 does, S3 will say.
pub(crate) fn existing(typed: &[OsString]) -> Result<Vec<Location>, WrongUse> {
    let located = typed.iter().map(|typed| location(typed));
    let locations = located.collect::<Result<Vec<_>, _>>()?;
    for location in &locations {
        let Location::Local(path) = location else {
            continue;
        };
        // What cannot be looked at is told by who reads it.
        match path.metadata() {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(WrongUse::NoSuchPath { path: path.clone() });
            }
            Ok(found) if !found.is_file() && !found.is_dir() => {
                return Err(WrongUse::NotAFile { path: path.clone() });
            }
            _ => {}
        }
    }
    Ok(locations)
}

/// Understands `--since` and `--until` of an ingest: days of delivery, both included.
pub(crate) fn delivery_days(typed: &crate::args::Delivered) -> Result<DeliveryDays, WrongUse> {
    let day_of =
        |option, text: &Option<String>| text.as_deref().map(|text| day(option, text)).transpose();
    let days = DeliveryDays {
        since: day_of("--since", &typed.since)?,
        until: day_of("--until", &typed.until)?,
    };
    match (days.since, days.until) {
        (Some(since), Some(until)) if since > until => Err(WrongUse::EmptyPeriod {
            since: since.to_string(),
            until: until.to_string(),
        }),
        _ => Ok(days),
    }
}

/// The days on which calls of a period may have been delivered.
pub(crate) fn delivery_of(range: &TimeRange) -> DeliveryDays {
    DeliveryDays {
        since: range.since.map(Day::of),
        until: range
            .until
            .map(|until| Day::of(until).plus(DELIVERY_DAYS_MAX)),
    }
}

/// Understands `--since` and `--until`, both included; a day of `--until` counts to its end.
pub(crate) fn period(typed: &crate::args::Period) -> Result<TimeRange, WrongUse> {
    let since = typed
        .since
        .as_deref()
        .map(|text| moment("--since", text))
        .transpose()?;
    let until = typed
        .until
        .as_deref()
        .map(|text| after("--until", text))
        .transpose()?;
    match (since, until) {
        (Some(since), Some(until)) if since >= until => Err(WrongUse::EmptyPeriod {
            since: typed.since.clone().unwrap_or_default(),
            until: typed.until.clone().unwrap_or_default(),
        }),
        _ => Ok(TimeRange { since, until }),
    }
}

/// Understands a moment in UTC; a day is its start.
pub(crate) fn moment(option: &'static str, text: &str) -> Result<Timestamp, WrongUse> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        civil
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|moment| moment.timestamp())
    });
    moment
        .map(|moment| Timestamp(moment.as_millisecond()))
        .ok_or_else(|| WrongUse::NoTime {
            option,
            text: text.to_owned(),
        })
}

/// The moment after the one that was typed, or after the day.
fn after(option: &'static str, text: &str) -> Result<Timestamp, WrongUse> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let start = moment(option, text)?;
    let is_day = text.len() == "2026-11-20".len() && text.parse::<Date>().is_ok();
    Ok(Timestamp(start.0 + if is_day { DAY_MS } else { 1 }))
}

/// Understands a day.
pub(crate) fn day(option: &'static str, text: &str) -> Result<Day, WrongUse> {
    text.parse().map_err(|_| WrongUse::NoTime {
        option,
        text: text.to_owned(),
    })
}

/// Understands `--tag KEY=VALUE`; the value may hold further `=`.
pub(crate) fn tag(typed: &str) -> Result<(String, String), WrongUse> {
    match typed.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(WrongUse::NoPair {
            text: typed.to_owned(),
        }),
    }
}

/// `--policy`: a SHA-256 as a trace prints it, whole or its first digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyHash(String);

impl PolicyHash {
    /// Fewer digits name too many policies.
    const DIGITS_MIN: usize = 8;
    const DIGITS: usize = 64;

    /// Understands what was typed.
    pub(crate) fn understand(option: &'static str, typed: &str) -> Result<PolicyHash, WrongUse> {
        let is_hash = (Self::DIGITS_MIN..=Self::DIGITS).contains(&typed.len())
            && typed.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_hash {
            Ok(PolicyHash(typed.to_ascii_lowercase()))
        } else {
            Err(WrongUse::NoHash {
                option,
                text: typed.to_owned(),
            })
        }
    }

    /// The whole hash, where it is whole: the table can be searched by it.
    pub(crate) fn whole(&self) -> Option<&str> {
        (self.0.len() == Self::DIGITS).then_some(&self.0)
    }

    /// Whether the session is under this policy, by the inline policy (canonical or as sent) or the whole scope.
    pub(crate) fn is_of(&self, session: &Session) -> bool {
        self.names(&session.issuance.policy)
    }

    /// Whether it names a policy, by the inline policy (canonical or as sent) or the whole scope.
    pub(crate) fn names(&self, policy: &PolicyFacts) -> bool {
        [
            &policy.session_policy_sha256,
            &policy.session_policy_raw_sha256,
            &policy.session_scope_sha256,
        ]
        .into_iter()
        .flatten()
        .any(|hash| hash.starts_with(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{
        Day, Location, PolicyHash, WrongUse, delivery_days, location, moment, period, tag,
    };

    fn typed(since: &str, until: &str) -> crate::args::Period {
        crate::args::Period {
            since: Some(since.to_owned()),
            until: Some(until.to_owned()),
        }
    }

    #[test]
    fn times_are_utc_in_every_spelling() {
        for text in [
            "2026-11-20T09:00:00Z",
            "2026-11-20T09:00",
            "2026-11-20 09:00:00",
            "2026-11-20T10:00+01:00",
        ] {
            let moment = moment("--at", text).unwrap();
            assert_eq!(moment.to_string(), "2026-11-20T09:00:00Z", "{text}");
        }
        assert_eq!(
            moment("--at", "2026-11-20").unwrap().to_string(),
            "2026-11-20T00:00:00Z"
        );
        assert!(matches!(
            moment("--at", "yesterday"),
            Err(WrongUse::NoTime { .. })
        ));
    }

    #[test]
    fn a_day_of_until_counts_to_its_end() {
        let period = period(&typed("2026-11-20", "2026-11-20")).unwrap();
        assert_eq!(period.since.unwrap().to_string(), "2026-11-20T00:00:00Z");
        assert_eq!(period.until.unwrap().to_string(), "2026-11-21T00:00:00Z");
    }

    #[test]
    fn a_moment_of_until_is_included() {
        let period = period(&typed("2026-11-20T09:00", "2026-11-20T09:00")).unwrap();
        assert_eq!(period.until.unwrap().0 - period.since.unwrap().0, 1);
    }

    #[test]
    fn a_policy_is_named_by_its_hash_or_the_start_of_it() {
        assert_eq!(
            PolicyHash::understand("--policy", "9E7851B471CE")
                .unwrap()
                .whole(),
            None
        );
        let whole = "ab".repeat(32);
        assert_eq!(
            PolicyHash::understand("--policy", &whole).unwrap().whole(),
            Some(&*whole)
        );
        for wrong in ["", "9e7851b", "not-a-hash", &"a".repeat(65)] {
            assert!(
                matches!(
                    PolicyHash::understand("--policy", wrong),
                    Err(WrongUse::NoHash { .. })
                ),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_period_that_ends_before_it_starts_is_wrong_use() {
        let reversed = period(&typed("2026-11-21", "2026-11-20"));
        assert!(matches!(reversed, Err(WrongUse::EmptyPeriod { .. })));
    }

    #[test]
    fn what_starts_as_s3_must_be_a_place_there() {
        for wrong in ["S3://bucket/p", "s3:/bucket", "s3://", "s3://B/p"] {
            let understood = location(OsStr::new(wrong));
            assert!(
                matches!(understood, Err(WrongUse::NoS3Location(_))),
                "{wrong}"
            );
        }
        assert!(matches!(
            location(OsStr::new("s3://bucket/p")),
            Ok(Location::S3(_))
        ));
        assert!(matches!(
            location(OsStr::new("s3-logs")),
            Ok(Location::Local(_))
        ));
    }

    #[test]
    fn days_of_delivery_are_included_at_both_ends() {
        let typed = |since: &str, until: &str| crate::args::Delivered {
            since: Some(since.to_owned()),
            until: Some(until.to_owned()),
        };
        let day = |text: &str| text.parse::<Day>().unwrap();
        let days = delivery_days(&typed("2026-11-20", "2026-11-20")).unwrap();
        assert_eq!(
            (days.since, days.until),
            (Some(day("2026-11-20")), Some(day("2026-11-20")))
        );
        let reversed = delivery_days(&typed("2026-11-21", "2026-11-20"));
        assert!(matches!(reversed, Err(WrongUse::EmptyPeriod { .. })));
        let no_day = delivery_days(&typed("2026-11-20T09:00", "2026-11-21"));
        assert!(matches!(no_day, Err(WrongUse::NoTime { .. })));
    }

    #[test]
    fn a_tag_may_have_an_empty_value_but_not_an_empty_key() {
        assert_eq!(tag("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert_eq!(tag("a=").unwrap(), ("a".to_owned(), String::new()));
        assert!(tag("=b").is_err());
        assert!(tag("Ticket").is_err());
    }
}
