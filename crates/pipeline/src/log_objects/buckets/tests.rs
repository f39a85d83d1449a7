//! Against an S3 server in this process.

use trailback_harness::s3_server::{Fault, S3Server, S3ServerOptions};

use super::*;
use crate::store::s3::tests::settings;

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];
const DAYS: [&str; 4] = ["2026/09/30", "2026/10/01", "2026/10/31", "2026/11/01"];

fn key(trail: &str, account: &str, region: &str, day: &str, number: usize) -> String {
    let date = day.replace('/', "");
    format!(
        "{trail}{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{date}T09{number:02}Z_abc.json.gz"
    )
}

/// Objects of each account, region and day, and much else.
fn organisation(trail: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for account in ACCOUNTS {
        for region in REGIONS {
            for day in DAYS {
                keys.extend((0..3).map(|number| key(trail, account, region, day, number)));
            }
        }
    }
    keys
}

async fn connect(server: &S3Server) -> S3 {
    S3::connect(settings(server)).await
}

fn days(since: &str, until: &str) -> DeliveryDays {
    DeliveryDays {
        since: since.parse().ok(),
        until: until.parse().ok(),
    }
}

async fn listed(s3: &S3, location: &str, days: DeliveryDays) -> Result<Vec<String>, StoreError> {
    let location = location.parse().unwrap();
    let found = delivered(s3, &location, days, Kind::LogObjects).await?;
    found.map_ok(|listed| listed.key).try_collect().await
}

fn day_of(key: &str) -> String {
    DAYS.into_iter()
        .find(|day| key.contains(&format!("/{day}/")))
        .unwrap()
        .to_owned()
}

/// What a plain look at all keys gives: those of the period, by day, then by key.
fn expected(keys: &[String], days: DeliveryDays) -> Vec<String> {
    let mut expected: Vec<String> = keys
        .iter()
        .filter(|key| days.may_hold(key))
        .cloned()
        .collect();
    expected.sort_by_key(|key| (day_of(key), key.clone()));
    expected
}

#[tokio::test]
async fn what_a_trail_delivered_in_a_period_is_found_day_after_day() {
    let options = S3ServerOptions {
        page_objects: 2,
        ..S3ServerOptions::default()
    };
    for trail in [
        "AWSLogs/",
        "AWSLogs/o-abc123/",
        "some/prefix/AWSLogs/",
        "a/prefix/of/five/parts/AWSLogs/",
        "o-abc123/AWSLogs/o-abc123/",
    ] {
        let server = S3Server::start_with(options);
        let keys = organisation(trail);
        for key in &keys {
            server.put("trail", key, b"");
            server.put(
                "trail",
                &key.replace("/CloudTrail/", "/CloudTrail-Digest/"),
                b"",
            );
            server.put("trail", &key.replace("/CloudTrail/", "/Config/"), b"");
        }
        let s3 = connect(&server).await;
        for days in [
            DeliveryDays::default(),
            days("2026-10-01", "2026-10-31"),
            days("2026-10-02", ""),
            days("", "2026-10-01"),
            days("2026-11-02", ""),
            days("", "2026-09-29"),
        ] {
            for place in [
                "s3://trail",
                &format!("s3://trail/{trail}"),
                &format!("s3://trail/{}", trail.trim_end_matches('/')),
            ] {
                let found = listed(&s3, place, days).await.unwrap();
                assert_eq!(found, expected(&keys, days), "{place} {days:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_part_of_a_trail_can_be_named() {
    let server = S3Server::start();
    let keys = organisation("AWSLogs/");
    keys.iter().for_each(|key| {
        server.put("trail", key, b"");
    });
    let s3 = connect(&server).await;
    for place in [
        "AWSLogs/444455556666/",
        "AWSLogs/444455556666/CloudTrail",
        "AWSLogs/444455556666/CloudTrail/us-east-1/",
        "AWSLogs/444455556666/CloudTrail/us-east-1/2026/10",
        "AWSLogs/444455556666/CloudTrail/us-east-1/2026/10/31/",
        &keys[7],
    ] {
        let days = days("2026-10-01", "");
        let found = listed(&s3, &format!("s3://trail/{place}"), days)
            .await
            .unwrap();
        let below: Vec<String> = keys
            .iter()
            .filter(|key| key.starts_with(place))
            .cloned()
            .collect();
        assert_eq!(found, expected(&below, days), "{place}");
        assert!(!found.is_empty());
    }
}

#[tokio::test]
async fn an_object_of_midnight_falls_between_no_two_periods() {
    let server = S3Server::start();
    let midnight = key("AWSLogs/", ACCOUNTS[0], REGIONS[0], DAYS[0], 0);
    let midnight = midnight.replace("_20260930T0900Z", "_20261001T0000Z");
    server.put("trail", &midnight, b"");
    let s3 = connect(&server).await;
    let until = listed(&s3, "s3://trail", days("", "2026-09-30"))
        .await
        .unwrap();
    let since = listed(&s3, "s3://trail", days("2026-10-01", ""))
        .await
        .unwrap();
    assert_eq!([until, since].concat(), [midnight]);
}

#[tokio::test]
async fn trails_that_share_a_bucket_are_all_found() {
    let server = S3Server::start();
    let trails = ["AWSLogs/", "audit/AWSLogs/", "old/org/AWSLogs/o-abc123/"];
    let mut keys: Vec<String> = trails.into_iter().flat_map(organisation).collect();
    keys.iter().for_each(|key| {
        server.put("trail", key, b"");
    });
    server.put("trail", "audit/report/2026.json", b"");
    let s3 = connect(&server).await;
    let mut found = listed(&s3, "s3://trail", DeliveryDays::default())
        .await
        .unwrap();
    found.sort_unstable();
    keys.sort_unstable();
    assert_eq!(found, keys);
}

#[tokio::test]
async fn a_bucket_without_a_trails_folders_is_listed_as_it_is() {
    let server = S3Server::start();
    let keys = [
        "export/a.json",
        "export/b.json.gz",
        "export/deep/er/c.json",
        "export/README",
    ];
    keys.iter().for_each(|key| {
        server.put("trail", key, b"");
    });
    server.put("trail", "exported/d.json", b"");
    let s3 = connect(&server).await;
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    for place in ["s3://trail/export", "s3://trail/export/"] {
        assert_eq!(
            listed(&s3, place, days("2026-11-01", "")).await.unwrap(),
            sorted
        );
    }
}

#[tokio::test]
async fn only_the_days_of_the_period_are_listed() {
    let server = S3Server::start();
    organisation("AWSLogs/").iter().for_each(|key| {
        server.put("trail", key, b"");
    });
    let s3 = connect(&server).await;
    listed(&s3, "s3://trail", days("2026-10-01", "2026-10-02"))
        .await
        .unwrap();
    // One look whether anything is there, the folders (bucket, accounts, regions of each), then two days of each region.
    let regions = ACCOUNTS.len() * REGIONS.len();
    assert_eq!(
        server.count("ListObjectsV2"),
        1 + 2 + ACCOUNTS.len() + 2 * regions
    );
}

#[tokio::test]
async fn without_a_period_only_days_on_which_something_was_delivered_are_listed() {
    let server = S3Server::start();
    for key in organisation("AWSLogs/") {
        server.put("trail", &key, b"");
    }
    let s3 = connect(&server).await;
    let regions = ACCOUNTS.len() * REGIONS.len();
    let found = 1 + 2 + ACCOUNTS.len();
    // Of each region its years, the months of one, the days of each month in the period, and what was delivered on each.
    for (days, months, listed_days) in [
        (DeliveryDays::default(), 3, DAYS.len()),
        (days("2026-10-02", ""), 2, 2),
        (days("", "2026-09-30"), 1, 1),
    ] {
        server.clear_plan();
        listed(&s3, "s3://trail", days).await.unwrap();
        assert_eq!(
            server.count("ListObjectsV2"),
            found + regions * (2 + months + listed_days),
            "{days:?}"
        );
    }
}

#[tokio::test]
async fn a_place_with_nothing_in_it_is_an_error() {
    let server = S3Server::start();
    server.put("trail", "AWSLogs/a", b"");
    let s3 = connect(&server).await;
    let nothing = listed(&s3, "s3://trail/AWSLog5/", DeliveryDays::default()).await;
    assert!(
        matches!(nothing, Err(StoreError::NotFound { .. })),
        "{nothing:?}"
    );
}

/// A server whose trail has one log object in each region.
fn with_a_log_object_in_each_region() -> S3Server {
    let server = S3Server::start();
    for region in REGIONS {
        let key = key("AWSLogs/", ACCOUNTS[0], region, DAYS[0], 0);
        server.put("trail", &key, b"");
    }
    server
}

#[tokio::test]
async fn a_listing_that_fails_ends_what_is_found_with_an_error() {
    let september = days("2026-09-25", "2026-09-30");
    let asked = {
        let server = with_a_log_object_in_each_region();
        let s3 = connect(&server).await;
        listed(&s3, "s3://trail", september).await.unwrap();
        server.count("ListObjectsV2")
    };
    // Some requests are sent together, so the failing one is told by its number and not by its key. A server each,
    // because requests that a refused listing had sent ahead may still arrive afterwards.
    for at in 0..asked {
        let server = with_a_log_object_in_each_region();
        let s3 = connect(&server).await;
        server.set_plan(move |request| (request.nth == at).then_some(Fault::AccessDenied));
        let refused = listed(&s3, "s3://trail", september).await;
        assert!(
            matches!(refused, Err(StoreError::Denied { .. })),
            "{at}: {refused:?}"
        );
    }
}
