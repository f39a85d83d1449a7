//! The keys under which CloudTrail delivers: log object, digest, Insights or another kind.
//!
//! A trail writes `[prefix/]AWSLogs/[o-…/]ACCOUNT/KIND/REGION/YYYY/MM/DD/ACCOUNT_KIND_REGION_TIME_UNIQUE.json.gz`,
//! where the prefix may hold anything (Control Tower's is the organisation's ID) and all times are those of delivery.
//! People move these files about, so the file's name is asked first, and the folders only where it does not tell.
//!
//! Sources: AWS, "Finding your CloudTrail log files", "CloudTrail digest file structure", "Aggregated events".

use crate::timestamp::{Day, Timestamp};

/// The folder below which CloudTrail, and other services, deliver.
const AWS_LOGS: &str = "AWSLogs";

/// What lies under an object key, or in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind<'k> {
    /// Records of API calls.
    LogObject(LogObjectKey<'k>),
    /// Checksums of log objects.
    Digest,
    /// Records of unusual activity.
    Insights,
    /// Records of calls through VPC endpoints.
    NetworkActivity,
    /// Sums over data events.
    Aggregated,
    /// A JSON file that CloudTrail has not named: perhaps an export of records, worth a try on a laptop.
    OtherJson,
    /// Something else: a folder, a README, another service's log.
    NotALog,
}

/// What the key of a log object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogObjectKey<'k> {
    /// The organisation's ID, of an organisation's trail.
    pub organization_id: Option<&'k str>,
    /// The account whose calls it holds.
    pub account_id: &'k str,
    /// The region whose calls it holds.
    pub region: &'k str,
    /// When it was delivered: to the minute by the file's name, to the day by its folders.
    pub delivered_at: Option<Timestamp>,
}

/// Tells from an object key, or from the path of a file with `/` between its parts, what lies there.
#[must_use]
pub fn classify(object_key: &str) -> ObjectKind<'_> {
    let (folders, file) = object_key.rsplit_once('/').unwrap_or(("", object_key));
    let Some(name) = json_name(file) else {
        return ObjectKind::NotALog;
    };
    let folders = Folders::read(folders);
    let name = FileName::read(name);
    let kind = match (&name, &folders) {
        (Some(name), _) => name.kind,
        (None, Some(folders)) => folders.kind,
        (None, None) => return ObjectKind::OtherJson,
    };
    match kind {
        "CloudTrail" => log_object(name, folders),
        "CloudTrail-Digest" => ObjectKind::Digest,
        "CloudTrail-Insight" => ObjectKind::Insights,
        "CloudTrail-NetworkActivity" => ObjectKind::NetworkActivity,
        "CloudTrail-Aggregated" => ObjectKind::Aggregated,
        _ => ObjectKind::NotALog,
    }
}

/// When an object was delivered, by its file's name or its folders: of every kind, also of what is not read, and of what
/// other services deliver beside CloudTrail.
#[must_use]
pub fn delivered_at(object_key: &str) -> Option<Timestamp> {
    let (folders, file) = object_key.rsplit_once('/').unwrap_or(("", object_key));
    let by_name = json_name(file)
        .and_then(FileName::read)
        .and_then(|name| name.delivered_at);
    by_name.or_else(|| Folders::read(folders)?.delivered_on)
}

/// Everything before the account's folder: which of several trails of a place delivered it. `None` where its folders do not tell,
/// because there is no `AWSLogs` among them.
#[must_use]
pub fn trail_root(object_key: &str) -> Option<&str> {
    let (folders, _) = object_key.rsplit_once('/')?;
    let organization_id = Folders::read(folders)?.organization_id;
    let above = folders.split('/').take_while(|part| *part != AWS_LOGS);
    let above: usize = above.map(|part| part.len() + 1).sum();
    let of_organization = organization_id.map_or(0, |id| id.len() + 1);
    object_key.get(..above + AWS_LOGS.len() + 1 + of_organization)
}

/// The name of a file without its folders, and without the ending of a packed one: people unpack what they download.
#[must_use]
pub fn file_name(path: &str) -> &str {
    without_gz(path.rsplit('/').next().unwrap_or(path))
}

/// Whether two paths are one, or one is the end of the other: whole folders alone, packed or not. So it is with replicas, and with
/// copies of a part of a trail's folders.
#[must_use]
pub fn end_alike(one: &str, other: &str) -> bool {
    let (one, other) = (without_gz(one), without_gz(other));
    let is_end = |path: &str, end: &str| {
        let above = path.strip_suffix(end);
        above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
    };
    is_end(one, other) || is_end(other, one)
}

fn without_gz(path: &str) -> &str {
    path.strip_suffix(".gz").unwrap_or(path)
}

/// Whether a file's name says another account, region, kind or day than its folders: CloudTrail writes both alike.
#[must_use]
pub fn contradicts_its_folders(object_key: &str) -> bool {
    let (folders, file) = object_key.rsplit_once('/').unwrap_or(("", object_key));
    let name = json_name(file).and_then(FileName::read);
    name.zip(Folders::read(folders))
        .is_some_and(|(name, folders)| {
            let days = name.delivered_at.zip(folders.delivered_on);
            name.account_id != folders.account_id
                || name.kind != folders.kind
                || folders.region.is_some_and(|region| region != name.region)
                || days.is_some_and(|(at, day)| at.day() != day.day())
        })
}

fn log_object<'k>(name: Option<FileName<'k>>, folders: Option<Folders<'k>>) -> ObjectKind<'k> {
    let account_id = name
        .map(|name| name.account_id)
        .or(folders.map(|folders| folders.account_id));
    let region = name
        .map(|name| name.region)
        .or(folders.and_then(|folders| folders.region));
    let (Some(account_id), Some(region)) = (account_id, region) else {
        return ObjectKind::OtherJson;
    };
    let by_name = name.and_then(|name| name.delivered_at);
    ObjectKind::LogObject(LogObjectKey {
        organization_id: folders.and_then(|folders| folders.organization_id),
        account_id,
        region,
        delivered_at: by_name.or(folders.and_then(|folders| folders.delivered_on)),
    })
}

/// The name without its endings, if they are those of JSON, packed or not.
fn json_name(file: &str) -> Option<&str> {
    let (name, ending) = without_gz(file).rsplit_once('.')?;
    (!name.is_empty() && matches!(ending, "json" | "jsonl" | "ndjson")).then_some(name)
}

/// `AWSLogs/[o-…/]ACCOUNT/KIND/REGION/YYYY/MM/DD`, with anything before it.
#[derive(Clone, Copy)]
struct Folders<'k> {
    organization_id: Option<&'k str>,
    account_id: &'k str,
    kind: &'k str,
    region: Option<&'k str>,
    delivered_on: Option<Timestamp>,
}

impl<'k> Folders<'k> {
    fn read(folders: &'k str) -> Option<Folders<'k>> {
        let mut parts = folders
            .split('/')
            .skip_while(|part| *part != AWS_LOGS)
            .skip(1)
            .peekable();
        let organization_id = parts.next_if(|part| part.starts_with("o-"));
        Some(Folders {
            organization_id,
            account_id: parts.next().filter(|part| is_account_id(part))?,
            kind: parts.next()?,
            region: parts.next().filter(|part| is_region(part)),
            delivered_on: day([parts.next(), parts.next(), parts.next()]),
        })
    }
}

fn day(parts: [Option<&str>; 3]) -> Option<Timestamp> {
    let [year, month, day] = parts;
    // AWS Config writes 2026/1/5.
    Day::parse(&format!("{}-{:0>2}-{:0>2}", year?, month?, day?)).map(Day::start)
}

/// `ACCOUNT_KIND_REGION_TIME_UNIQUE`; digests have more parts.
#[derive(Clone, Copy)]
struct FileName<'k> {
    account_id: &'k str,
    kind: &'k str,
    region: &'k str,
    delivered_at: Option<Timestamp>,
}

impl<'k> FileName<'k> {
    fn read(name: &'k str) -> Option<FileName<'k>> {
        let mut parts = name.split('_');
        Some(FileName {
            account_id: parts.next().filter(|part| is_account_id(part))?,
            kind: parts.next().filter(|part| part.starts_with("CloudTrail"))?,
            region: parts.next().filter(|part| is_region(part))?,
            delivered_at: parts.next().and_then(minute),
        })
    }
}

/// `20140620T1255Z`; in some names the unique part follows without a `_`.
fn minute(part: &str) -> Option<Timestamp> {
    let (time, _) = part.split_once('Z')?;
    Timestamp::parse(&format!("{time}00Z"))
}

/// Whether a text is the ID of an account: twelve digits.
#[must_use]
pub fn is_account_id(part: &str) -> bool {
    part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// `eu-west-1`, `us-gov-west-1`.
fn is_region(part: &str) -> bool {
    part.contains('-')
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object_key: &str, expected: ObjectKind<'_>) {
        assert_eq!(classify(object_key), expected, "{object_key}");
    }

    fn log_object<'k>(organization_id: Option<&'k str>, delivered_at: &str) -> ObjectKind<'k> {
        ObjectKind::LogObject(LogObjectKey {
            organization_id,
            account_id: "123456789012",
            region: "us-east-2",
            delivered_at: Timestamp::parse(delivered_at),
        })
    }

    #[test]
    fn log_objects_are_known_wherever_they_lie() {
        const DAY: &str = "123456789012/CloudTrail/us-east-2/2014/06/20";
        const NAME: &str =
            "123456789012_CloudTrail_us-east-2_20140620T1255Z_HdkvFTXOA3Vnhbc.json.gz";
        const TIME: &str = "2014-06-20T12:55:00Z";
        check(&format!("AWSLogs/{DAY}/{NAME}"), log_object(None, TIME));
        check(
            &format!("some/prefix/AWSLogs/{DAY}/{NAME}"),
            log_object(None, TIME),
        );
        check(
            &format!("AWSLogs/o-abc123/{DAY}/{NAME}"),
            log_object(Some("o-abc123"), TIME),
        );
        check(
            &format!("o-abc/AWSLogs/o-abc/{DAY}/{NAME}"),
            log_object(Some("o-abc"), TIME),
        );
        check(NAME, log_object(None, TIME));
        check(&format!("CloudTrail/{NAME}"), log_object(None, TIME));
        check(NAME.trim_end_matches(".gz"), log_object(None, TIME));
        check(&NAME.replace("Z_", "Z"), log_object(None, TIME));
        check(
            &format!("AWSLogs/{DAY}/renamed.json.gz"),
            log_object(None, "2014-06-20T00:00:00Z"),
        );
        check(
            "AWSLogs/123456789012/CloudTrail/us-east-2/all.json",
            log_object(None, ""),
        );
    }

    #[test]
    fn other_kinds_are_known_by_name_or_folder() {
        const DIGEST: &str = "AWSLogs/123456789012/CloudTrail-Digest/us-east-2/2014/06/20/\
             123456789012_CloudTrail-Digest_us-east-2_my_trail_us-east-1_20140620T125500Z";
        check(&format!("{DIGEST}.json.gz"), ObjectKind::Digest);
        check(&format!("{DIGEST}_backfill.json.gz"), ObjectKind::Digest);
        for (kind, expected) in [
            ("CloudTrail-Insight", ObjectKind::Insights),
            ("CloudTrail-NetworkActivity", ObjectKind::NetworkActivity),
            ("CloudTrail-Aggregated", ObjectKind::Aggregated),
            ("Config", ObjectKind::NotALog),
            ("CloudTrail-New", ObjectKind::NotALog),
        ] {
            let folders = format!("AWSLogs/123456789012/{kind}/us-east-2/2014/06/20");
            let name =
                format!("123456789012_{kind}_us-east-2_20140620T1255Z_HdkvFTXOA3Vnhbc.json.gz");
            check(&format!("{folders}/{name}"), expected);
            check(&format!("{folders}/renamed.json.gz"), expected);
        }
    }

    #[test]
    fn every_object_was_delivered_when_its_key_says() {
        const FOLDERS: &str = "AWSLogs/123456789012/CloudTrail-Digest/us-east-2/2014/06/20";
        for (object_key, expected) in [
            (
                "123456789012_CloudTrail_us-east-2_20140620T1255Z_HdkvFTXOA3Vnhbc.json.gz"
                    .to_owned(),
                "2014-06-20T12:55:00Z",
            ),
            (
                format!(
                    "{FOLDERS}/123456789012_CloudTrail-Digest_us-east-2_my_trail_us-east-1_20140620T125500Z.json.gz"
                ),
                "2014-06-20T00:00:00Z",
            ),
            (
                "AWSLogs/123456789012/Config/us-east-2/2014/6/2/ConfigHistory/x.json.gz".to_owned(),
                "2014-06-02T00:00:00Z",
            ),
            (format!("{FOLDERS}/readme.txt"), "2014-06-20T00:00:00Z"),
            ("export.json".to_owned(), ""),
            (
                "AWSLogs/123456789012/CloudTrail/us-east-2/all.json".to_owned(),
                "",
            ),
        ] {
            let expected = Timestamp::parse(expected);
            assert_eq!(delivered_at(&object_key), expected, "{object_key}");
        }
    }

    #[test]
    fn the_root_of_a_trail_is_all_before_the_account() {
        const DAY: &str = "123456789012/CloudTrail/us-east-2/2014/06/20";
        for root in ["AWSLogs/", "AWSLogs/o-abc/", "x/y/AWSLogs/o-abc/"] {
            let object_key = format!("{root}{DAY}/x.json.gz");
            assert_eq!(trail_root(&object_key), Some(root));
        }
        for unknown in ["", "x.json.gz", "AWSLogs/x.json.gz", DAY] {
            assert_eq!(trail_root(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn names_and_folders_that_disagree_are_noticed() {
        let of = |folders: &str, name: &str| {
            let name = format!("{name}_HdkvFTXOA3Vnhbc.json.gz");
            contradicts_its_folders(&format!("{folders}{name}"))
        };
        const DAY: &str = "AWSLogs/123456789012/CloudTrail/us-east-2/2014/06/20/";
        const NAME: &str = "123456789012_CloudTrail_us-east-2_20140620T1255Z";
        assert!(!of(DAY, NAME) && !of("", NAME) && !of(DAY, "renamed"));
        assert!(!of("AWSLogs/123456789012/CloudTrail/", NAME));
        for (this, other) in [
            ("123456789012", "999999999999"),
            ("us-east-2", "us-east-1"),
            ("20140620", "20140621"),
            ("CloudTrail", "CloudTrail-Insight"),
        ] {
            assert!(of(DAY, &NAME.replace(this, other)), "{other}");
        }
    }

    #[test]
    fn other_files_are_tried_if_they_can_be_json() {
        for name in [
            "export.json",
            "logs/2014/records.jsonl.gz",
            "a.b.ndjson",
            "AWSLogs/x/y.json",
        ] {
            check(name, ObjectKind::OtherJson);
        }
        check(
            "AWSLogs/123456789012/CloudTrail/all.json",
            ObjectKind::OtherJson,
        );
        for name in [
            "",
            "README.md",
            ".DS_Store",
            ".json",
            "json.gz",
            "logs.gz",
            "flow.log.gz",
            "AWSLogs/123456789012/CloudTrail/",
            "AWSLogs/123456789012/CloudTrail/us-east-2/2014/06/20/",
            "table.parquet",
        ] {
            check(name, ObjectKind::NotALog);
        }
    }
}
