//! What a period, and the time by the clock, make of what is there and what is not.

use super::hostile::{
    HOURS, chain, chain_of, genuine, key, kinds, kinds_that_are_wrong, on_day, text,
};
use std::collections::BTreeSet;

use super::*;

const MISSING: [FindingKind; 1] = [FindingKind::DigestMissing];

/// A log object and a digest for each hour of four days.
fn chain_of_days() -> Logs {
    let hours = (16..20).flat_map(|day| (0..24).map(move |hour| (day, hour)));
    chain_of(hours.map(|(day, hour)| (on_day(day, &genuine(hour)), text(hour, false))))
}

fn first_day() -> Day {
    "2026-11-16".parse().unwrap()
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

impl Logs {
    /// Deletes the digests that ended after one moment and before another.
    fn delete_digests(&self, after: &str, before: &str) {
        for digest in self.digests() {
            let name = DigestName::read(digest.to_str().unwrap()).unwrap();
            if moment(after) < name.ended_at && name.ended_at < moment(before) {
                fs::remove_file(digest).unwrap();
            }
        }
    }

    /// Deletes the log objects of hours of the first day.
    fn delete_hours(&self, hours: std::ops::Range<u32>) {
        for hour in hours {
            fs::remove_file(self.at(&genuine(hour))).unwrap();
        }
    }
}

/// Who deletes the digests of the days that are asked about, and of the next, hides nothing: the one after them names the last.
#[tokio::test]
async fn what_was_deleted_up_to_the_end_of_a_period_and_beyond_is_named_by_the_next_digest() {
    let day = first_day();
    let found = chain_of_days().verified_of(Some(day), Some(day)).await;
    assert_balances(&found);
    assert_eq!((wrong(&found), found.verdict()), (vec![], Verdict::Sound));
    for since in [None, Some(day)] {
        let logs = chain_of_days();
        logs.delete_digests("2026-11-16T10:30:00Z", "2026-11-18T00:30:00Z");
        logs.delete_hours(10..24);
        let found = logs.verified_of(since, Some(day)).await;
        assert_eq!(kinds_that_are_wrong(&found), MISSING.into());
        assert!(found.findings.iter().any(|finding| finding.is_hole
            && finding.period.start <= moment("2026-11-16T12:00:00Z")
            && finding.period.end >= moment("2026-11-17T00:00:00Z")));
    }
}

/// Also where nothing of these days is left: the account is told all the same.
#[tokio::test]
async fn a_chain_whose_oldest_digests_are_gone_is_not_forgotten() {
    let day = first_day();
    let logs = chain_of_days();
    logs.delete_digests("2026-11-15T00:00:00Z", "2026-11-18T00:30:00Z");
    let found = logs.verified_of(Some(day), Some(day)).await;
    let missing = found.findings.iter();
    let mut missing = missing.filter(|one| one.kind == FindingKind::DigestMissing);
    assert_eq!(missing.next().unwrap().period.start, day.start());
    logs.delete_hours(0..24);
    let found = logs.verified_of(None, Some(day)).await;
    assert_eq!(kinds_that_are_wrong(&found), MISSING.into());
}

/// What is missing after the period is nobody's question.
#[tokio::test]
async fn digests_that_are_missing_after_the_period_are_not_told() {
    let logs = chain_of_days();
    logs.delete_digests("2026-11-17T04:30:00Z", "2026-11-18T12:30:00Z");
    let found = logs.verified_of(Some(first_day()), Some(first_day())).await;
    assert_balances(&found);
    assert_eq!(wrong(&found), []);
    let all = logs.verified().await;
    assert_eq!(kinds_that_are_wrong(&all), MISSING.into());
}

/// Of a trail that is younger than what is asked about, nothing is missing before its first digest, closed as that may be.
#[tokio::test(flavor = "multi_thread")]
async fn before_digests_that_are_not_handed_out_nothing_is_missing() {
    let logs = chain();
    let server = logs.uploaded();
    let closed = logs.digests()[..3].to_vec();
    let folder = logs.folder.path().to_owned();
    server.set_plan(move |request| {
        let is_closed = closed.contains(&folder.join(&request.key));
        (request.operation == "GetObject" && is_closed).then_some(Fault::AccessDenied)
    });
    let keys = keys();
    let mut early = options(&keys);
    early.days.since = Some("2026-01-01".parse().unwrap());
    let found = verified_in_s3_as(&server, &early, None).await;
    assert_eq!(wrong(&found), []);
    assert_eq!(found.verdict(), Verdict::Incomplete);
}

/// In a bucket lies what there is now. A digest that has not come for hours does not come.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_only_what_is_recent_by_the_clock_is_too_recent() {
    let logs = chain();
    let added = key("AWSLogs/", HOURS, "EVILEVILEVILEVIL");
    logs.put(&added, "{\"Records\":[]}");
    let server = logs.uploaded();
    let keys = keys();
    for (now, expected, verdict) in [
        (
            "2026-11-16T07:00:00Z",
            vec![FindingKind::LogObjectsTooRecent],
            Verdict::Sound,
        ),
        (
            "2026-11-17T07:00:00Z",
            vec![FindingKind::LogObjectsUnproven, FindingKind::DigestsEnd],
            Verdict::Incomplete,
        ),
    ] {
        let options = VerifyOptions {
            now: moment(now),
            ..options(&keys)
        };
        let found = verified_in_s3_as(&server, &options, None).await;
        assert_eq!(
            (kinds(&found), found.verdict()),
            (BTreeSet::from_iter(expected), verdict)
        );
    }
}

/// Who deletes the last digests and all that they name leaves nothing that names them; but a trail that goes on writes digests.
#[tokio::test(flavor = "multi_thread")]
async fn digests_that_have_ended_are_told_by_the_clock_or_by_what_is_newer() {
    let logs = chain_of_days();
    let server = logs.uploaded();
    let keys = keys();
    let last_day: Day = "2026-11-19".parse().unwrap();
    let ended = (FindingKind::DigestsEnd, moment("2026-11-20T00:00:00Z"));
    for (now, until, expected) in [
        ("2026-11-20T02:30:00Z", None, None),
        ("2026-11-20T04:00:00Z", None, Some("2026-11-20T04:00:00Z")),
        ("2026-11-25T04:00:00Z", Some(last_day), None),
        (
            "2026-11-25T04:00:00Z",
            Some(last_day.plus(1)),
            Some("2026-11-21T00:00:00Z"),
        ),
    ] {
        let options = VerifyOptions {
            now: moment(now),
            days: DeliveryDays { since: None, until },
            ..options(&keys)
        };
        let found = verified_in_s3_as(&server, &options, None).await;
        let told = found
            .findings
            .iter()
            .map(|one| ((one.kind, one.period.start), one.period.end));
        let expected = expected.map(|end| (ended, moment(end)));
        assert_eq!(told.collect::<Vec<_>>(), Vec::from_iter(expected));
    }
    // A folder has no clock: it is as old as the newest in it.
    let is_told = |found: &Verification| kinds(found).contains(&FindingKind::DigestsEnd);
    assert!(!is_told(&logs.verified().await));
    let elsewhere = genuine(23).replace("eu-west-1", "eu-central-1");
    logs.put(&on_day(19, &elsewhere), "{\"Records\":[]}");
    assert!(!is_told(&logs.verified().await));
    logs.delete_digests("2026-11-19T12:30:00Z", "2026-11-21T00:00:00Z");
    for hour in 12..24 {
        fs::remove_file(logs.at(&on_day(19, &genuine(hour)))).unwrap();
    }
    let found = logs.verified().await;
    assert!(is_told(&found) && wrong(&found).is_empty());
    assert!(!is_told(&logs.verified_of(None, Some(first_day())).await));
}
