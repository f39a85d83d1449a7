//! What a file is, by CloudTrail's way of naming objects.
//!
//! `<account>_<kind>_<region>_YYYYMMDDTHHmmZ_<unique>.json.gz`, where the kind is `CloudTrail` for log objects
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html>). Stands here until
//! `trailback_cloudtrail::object_key` does the same.

use trailback_cloudtrail::Timestamp;

/// What lies under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    /// Records, delivered at that time.
    LogObject {
        /// By the key; to the minute.
        delivered_at: Option<Timestamp>,
    },
    /// A digest for log file validation.
    Digest,
    /// Insights.
    Insights,
    /// Network activity.
    NetworkActivity,
    /// Aggregated records.
    Aggregated,
    /// Nothing that CloudTrail names so.
    Other,
}

/// Tells what lies under a key, or at a path with `/` between its parts.
pub(super) fn classify(key: &str) -> ObjectKind {
    let name = key.rsplit('/').next().unwrap_or(key);
    let mut parts = name.split('_');
    let is_account = parts.next().is_some_and(|account| {
        account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !is_account || !(name.ends_with(".json.gz") || name.ends_with(".json")) {
        return ObjectKind::Other;
    }
    match parts.next() {
        Some("CloudTrail") => ObjectKind::LogObject {
            delivered_at: parts.nth(1).and_then(moment),
        },
        Some("CloudTrail-Digest") => ObjectKind::Digest,
        Some("CloudTrail-Insight") => ObjectKind::Insights,
        Some("CloudTrail-NetworkActivity") => ObjectKind::NetworkActivity,
        Some("CloudTrail-Aggregated") => ObjectKind::Aggregated,
        _ => ObjectKind::Other,
    }
}

/// Reads `YYYYMMDDTHHmmZ`; some older names go on without a divider.
fn moment(text: &str) -> Option<Timestamp> {
    let (minutes, _) = text.split_once('Z')?;
    Timestamp::parse(&format!("{minutes}00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_name_alone() {
        let name = |kind: &str| {
            format!(
                "AWSLogs/111122223333/{kind}/eu-central-1/2026/11/20/111122223333_{kind}_eu-central-1_20261120T0510Z_abcDEF.json.gz"
            )
        };
        let delivered_at = Timestamp::parse("2026-11-20T05:10:00Z");
        assert!(delivered_at.is_some());
        assert_eq!(
            classify(&name("CloudTrail")),
            ObjectKind::LogObject { delivered_at }
        );
        assert_eq!(classify(&name("CloudTrail-Digest")), ObjectKind::Digest);
        assert_eq!(classify(&name("CloudTrail-Insight")), ObjectKind::Insights);
        assert_eq!(
            classify(&name("CloudTrail-NetworkActivity")),
            ObjectKind::NetworkActivity
        );
        assert_eq!(
            classify(&name("CloudTrail-Aggregated")),
            ObjectKind::Aggregated
        );
        for other in [
            "",
            "a/b.json",
            "1_CloudTrail_x.json",
            "111122223333_CloudTrail.txt",
        ] {
            assert_eq!(classify(other), ObjectKind::Other, "{other}");
        }
    }
}
