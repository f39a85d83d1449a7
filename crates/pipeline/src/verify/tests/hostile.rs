//! What somebody does who knows how logs are verified; and what honest people do that looks like it.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use trailback_simulator::Sink;

use super::*;

const ACCOUNT: &str = "111122223333";
pub(super) const HOURS: u32 = 6;

/// The key of a log object that a trail delivers at 25 minutes past an hour.
pub(super) fn key(root: &str, hour: u32, unique: &str) -> String {
    format!(
        "{root}{ACCOUNT}/CloudTrail/eu-west-1/2026/11/16/\
         {ACCOUNT}_CloudTrail_eu-west-1_20261116T{hour:02}25Z_{unique}.json.gz"
    )
}

pub(super) fn genuine(hour: u32) -> String {
    key("AWSLogs/", hour, "AAAAAAAAAAAAAAAA")
}

pub(super) fn on_day(day: u32, key: &str) -> String {
    let key = key.replace("/11/16/", &format!("/11/{day}/"));
    key.replace("20261116", &format!("202611{day}"))
}

/// A text whose hash says whether the simulator is to list it in a backfill digest.
pub(super) fn text(hour: u32, is_late: bool) -> String {
    let texts = (0..).map(|number| format!("{{\"Records\":[],\"x\":\"{hour} {number}\"}}"));
    let mut texts = texts.filter(|text| (Sha256::digest(text)[0] % 32 == 0) == is_late);
    texts.next().unwrap()
}

/// A log object and a digest for each of some hours.
pub(super) fn chain() -> Logs {
    chain_of((0..HOURS).map(|hour| (genuine(hour), text(hour, false))))
}

pub(super) fn chain_of(log_objects: impl IntoIterator<Item = (String, String)>) -> Logs {
    let folder = TempDir::new().unwrap();
    let mut sink = Folder::create(folder.path(), None, None).unwrap();
    let mut digests = Digests::before(&mut sink, BUCKET).unwrap();
    for (key, text) in log_objects {
        digests.object(&key, text.as_bytes()).unwrap();
    }
    let signatures = digests.finish().unwrap().into_iter().collect();
    Logs { folder, signatures }
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    #[expect(
        clippy::disallowed_types,
        reason = "what is unpacked was written by this program"
    )]
    let mut packed = flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap());
    packed.read_to_end(&mut text).unwrap();
    text
}

impl Logs {
    pub(super) fn at(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    pub(super) fn put(&self, key: &str, text: &str) {
        fs::create_dir_all(self.at(key).parent().unwrap()).unwrap();
        fs::write(self.at(key), packed(text)).unwrap();
    }

    pub(super) async fn verified_of(&self, since: Option<Day>, until: Option<Day>) -> Verification {
        let keys = keys();
        let mut options = options(&keys);
        options.days = DeliveryDays { since, until };
        self.verified_as(&options, None).await
    }

    pub(super) fn digests(&self) -> Vec<PathBuf> {
        let mut found = files(self.folder.path());
        found.retain(|path| path.to_str().unwrap().contains("CloudTrail-Digest"));
        found.sort();
        found
    }
}

pub(super) fn kinds(found: &Verification) -> BTreeSet<FindingKind> {
    found.findings.iter().map(|finding| finding.kind).collect()
}

pub(super) fn kinds_that_are_wrong(found: &Verification) -> BTreeSet<FindingKind> {
    kinds(found)
        .into_iter()
        .filter(|kind| kind.is_wrong())
        .collect()
}

fn objects(found: &Verification, kind: FindingKind) -> Vec<&str> {
    let of_kind = found.findings.iter().filter(|finding| finding.kind == kind);
    of_kind
        .filter_map(|finding| finding.object.as_deref())
        .collect()
}

async fn read_by_a_lake(location: Location, lake: &Lake, hash_log_objects: bool, s3: &S3OnDemand) {
    let found = log_objects::find(&[location], DeliveryDays::default(), s3, None).await;
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let options = ExtractOptions {
        hash_log_objects,
        ..ExtractOptions::default()
    };
    extract(lake, found.unwrap(), &options, &silent, &mut |_| {})
        .await
        .unwrap();
}

async fn lake() -> (TempDir, Lake) {
    let folder = TempDir::new().unwrap();
    let lake = Lake::in_folder(folder.path(), Access::Write).await.unwrap();
    (folder, lake)
}

fn local(logs: &Logs) -> Location {
    Location::Local(logs.folder.path().to_owned())
}

#[tokio::test]
async fn an_untouched_chain_is_sound_and_its_last_hour_too_recent() {
    let found = chain().verified().await;
    assert_balances(&found);
    assert_eq!(found.verdict(), Verdict::Sound);
    let recent = [
        FindingKind::LogObjectsTooRecent,
        FindingKind::DigestTooRecent,
    ];
    assert_eq!(kinds(&found), recent.into());
}

/// Nothing proves the newest digest of a folder. What contradicts it is told all the same.
#[tokio::test]
async fn in_a_folder_the_newest_digest_is_heard_too() {
    let newest = genuine(HOURS - 1);
    let altered = chain();
    altered.put(&newest, "{\"Records\":[],\"x\":\"altered\"}");
    let deleted = chain();
    fs::remove_file(deleted.at(&newest)).unwrap();
    for logs in [altered, deleted] {
        let found = logs.verified().await;
        assert_balances(&found);
        assert_eq!(found.verdict(), Verdict::Incomplete);
        let disputed = objects(&found, FindingKind::LogObjectDisputed);
        assert_eq!(disputed, [&*newest]);
        assert_eq!(found.tally.missing, 0);
    }
}

impl Logs {
    /// Changes the newest digest of a folder, which nothing proves: it names this as well.
    fn newest_names(&self, key: &str, sha256: &str) {
        let newest = self.digests().pop().unwrap();
        let mut digest: serde_json::Value = serde_json::from_slice(&unpacked(&newest)).unwrap();
        let mut named = digest["logFiles"][0].clone();
        named["s3Object"] = key.into();
        named["hashValue"] = sha256.into();
        digest["logFiles"].as_array_mut().unwrap().push(named);
        fs::write(newest, packed(&digest.to_string())).unwrap();
    }
}

/// What somebody writes into a digest that nothing proves makes nothing better.
#[tokio::test]
async fn a_digest_that_nothing_proves_excuses_nothing() {
    let logs = chain();
    let (added, deleted) = (key("AWSLogs/", 2, "EVILEVILEVILEVIL"), genuine(1));
    logs.put(&added, "{\"Records\":[]}");
    fs::remove_file(logs.at(&deleted)).unwrap();
    let before = logs.verified().await;
    for sha256 in ["00".repeat(32), "11".repeat(32)] {
        logs.newest_names(&added, &sha256);
        logs.newest_names(&deleted, &sha256);
        logs.newest_names(&genuine(0), &sha256);
    }
    let found = logs.verified().await;
    assert_balances(&found);
    assert_eq!(wrong(&found), wrong(&before));
    let expected = [FindingKind::LogObjectMissing, FindingKind::LogObjectExtra];
    assert_eq!(kinds_that_are_wrong(&found), expected.into());
    assert_eq!(objects(&found, FindingKind::LogObjectDisputed).len(), 0);
}

#[tokio::test]
async fn what_was_added_read_and_removed_again_stays_in_the_lake_and_is_found() {
    let logs = chain();
    let (_folder, lake) = lake().await;
    let added = key("AWSLogs/", 2, "EVILEVILEVILEVIL");
    logs.put(&added, "{\"Records\":[]}");
    let nowhere = S3OnDemand::default();
    read_by_a_lake(local(&logs), &lake, true, &nowhere).await;
    fs::remove_file(logs.at(&added)).unwrap();
    let keys = keys();
    let found = logs.verified_as(&options(&keys), Some(&lake)).await;
    assert_balances(&found);
    assert_eq!(wrong(&found), [(FindingKind::ReadingExtra, Some(&*added))]);
    let readings = found.readings.unwrap();
    assert_eq!((readings.readings, readings.extra), (7, 1));
    assert_eq!((readings.proven, readings.unproven), (5, 1));
}

#[tokio::test]
async fn a_reading_of_another_place_is_held_against_what_was_delivered_by_its_name() {
    let logs = chain();
    let altered = chain();
    altered.put(&genuine(2), "{\"Records\":[],\"x\":\"altered\"}");
    let (_folder, lake) = lake().await;
    let nowhere = S3OnDemand::default();
    // From a folder further down, and a good copy beside it.
    let below = altered.folder.path().join("AWSLogs").join(ACCOUNT);
    read_by_a_lake(Location::Local(below), &lake, true, &nowhere).await;
    let server = logs.uploaded();
    let found = verified_in_s3(&server, Some(&lake)).await;
    assert_eq!(kinds(&found), [FindingKind::ReadingAltered].into());
    // What was delivered has never been read.
    assert!(found.findings[0].is_hole);
    read_by_a_lake(local(&logs), &lake, true, &nowhere).await;
    let found = logs.verified_as(&options(&keys()), Some(&lake)).await;
    let altered = found.findings.iter();
    let mut altered = altered.filter(|one| one.kind == FindingKind::ReadingAltered);
    assert!(!altered.next().unwrap().is_hole && altered.next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_without_a_hash_is_proven_by_its_version_alone() {
    let logs = chain();
    let server = logs.uploaded();
    let s3 = S3OnDemand::new(settings(&server));
    let (_folder, honest) = lake().await;
    read_by_a_lake(bucket(), &honest, false, &s3).await;
    let found = verified_in_s3(&server, Some(&honest)).await;
    assert_eq!(found.verdict(), Verdict::Sound, "{:?}", found.findings);
    // Altered, read, and put back.
    let (_folder, lake) = lake().await;
    server.put(
        BUCKET,
        &genuine(2),
        &packed("{\"Records\":[],\"x\":\"altered\"}"),
    );
    read_by_a_lake(bucket(), &lake, false, &s3).await;
    let good = fs::read(logs.at(&genuine(2))).unwrap();
    server.put(BUCKET, &genuine(2), &good);
    let found = verified_in_s3(&server, Some(&lake)).await;
    assert_eq!(found.verdict(), Verdict::Incomplete);
    let place = format!("s3://{BUCKET}/{}", genuine(2));
    assert_eq!(objects(&found, FindingKind::ReadingsUnproven), [place]);
}

#[tokio::test]
async fn a_genuine_copy_elsewhere_speaks_for_no_altered_object() {
    let logs = chain();
    let copy = format!("AAA/{}", genuine(2));
    fs::create_dir_all(logs.at(&copy).parent().unwrap()).unwrap();
    fs::copy(logs.at(&genuine(2)), logs.at(&copy)).unwrap();
    logs.put(&genuine(2), "{\"Records\":[],\"x\":\"altered\"}");
    let found = logs.verified().await;
    assert_balances(&found);
    assert_eq!(
        wrong(&found),
        [(FindingKind::LogObjectAltered, Some(&*genuine(2)))]
    );
}

#[tokio::test]
async fn an_object_cannot_hide_behind_the_name_of_other_logs() {
    const DAY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/16/";
    for name in [
        "999999999999_CloudTrail_eu-west-1_20261116T0240Z",
        "111122223333_CloudTrail_ap-south-1_20261116T0240Z",
        "111122223333_CloudTrail_eu-west-1_20301116T0240Z",
        "111122223333_CloudTrail_eu-west-1_20261116T0240Z",
    ] {
        let logs = chain();
        let hidden = format!("{DAY}{name}_EVILEVILEVILEVIL.json.gz");
        logs.put(&hidden, "{\"Records\":[]}");
        let found = logs.verified().await;
        assert_balances(&found);
        assert_eq!(
            wrong(&found),
            [(FindingKind::LogObjectExtra, Some(&*hidden))]
        );
    }
}

#[tokio::test]
async fn what_nothing_vouches_for_is_counted_and_never_sound() {
    for unknown in [
        "AWSLogs/111122223333/export.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/all.json.gz",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/16/111122223333_CloudTrail_us-east-1_20261116T0525Z_EVILEVILEVILEVIL.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/15/111122223333_CloudTrail_eu-west-1_20261115T2225Z_EVILEVILEVILEVIL.json.gz",
    ] {
        let logs = chain();
        logs.put(unknown, "{\"Records\":[]}");
        let found = logs.verified().await;
        assert_balances(&found);
        assert_eq!(found.verdict(), Verdict::Incomplete, "{unknown}");
        assert_eq!(objects(&found, FindingKind::LogObjectsUnproven), [unknown]);
    }
}

#[tokio::test]
async fn a_time_that_has_not_come_is_none_of_cloudtrails() {
    let logs = chain();
    let later = key("AWSLogs/", 9, "EVILEVILEVILEVIL");
    logs.put(&later, "{\"Records\":[]}");
    let keys = keys();
    let mut options = options(&keys);
    let found = logs.verified_as(&options, None).await;
    assert_eq!(found.verdict(), Verdict::Incomplete);
    options.now = Timestamp::parse("2026-11-16T06:10:00Z").unwrap();
    let found = logs.verified_as(&options, None).await;
    assert_eq!(
        wrong(&found),
        [(FindingKind::LogObjectExtra, Some(&*later))]
    );
}

#[tokio::test]
async fn without_its_digests_a_region_is_not_sound_and_an_hour_without_calls_is() {
    let others = |hour| {
        let other = genuine(hour).replace("eu-west-1", "us-east-1");
        (other, text(hour + 30, false))
    };
    let both = (0..HOURS).flat_map(|hour| [(genuine(hour), text(hour, false)), others(hour)]);
    let logs = chain_of(both);
    assert_eq!(logs.verified().await.verdict(), Verdict::Sound);
    for digest in logs.digests() {
        if digest.to_str().unwrap().contains("us-east-1") {
            fs::remove_file(digest).unwrap();
        }
    }
    let found = logs.verified().await;
    assert_balances(&found);
    assert_eq!(found.verdict(), Verdict::Incomplete);
    assert_eq!(found.tally.unproven, 7);

    // Digests of a day on which nothing was delivered.
    let logs = chain_of([
        (genuine(0), text(0, false)),
        (on_day(18, &genuine(5)), text(5, false)),
    ]);
    let day = Some("2026-11-17".parse().unwrap());
    let found = logs.verified_of(day, day).await;
    assert_eq!(found.verdict(), Verdict::Sound, "{:?}", found.findings);
    assert!(found.tally.log_objects == 0 && found.tally.digests_proven >= 24);
}

#[tokio::test]
async fn a_trail_without_validation_is_no_tampering_where_its_prefix_tells_it_apart() {
    let logs = chain();
    for hour in 0..HOURS {
        let other = key("AWSLogs/o-abc/", hour, "BBBBBBBBBBBBBBBB");
        logs.put(&other, &text(hour, false));
    }
    let server = logs.uploaded();
    for found in [logs.verified().await, verified_in_s3(&server, None).await] {
        assert_balances(&found);
        assert_eq!(found.verdict(), Verdict::Incomplete);
        assert_eq!((wrong(&found), found.tally.unproven >= 6), (vec![], true));
    }
    // Below the same prefix nobody can tell, and it is said so.
    logs.put(&key("AWSLogs/", 2, "BBBBBBBBBBBBBBBB"), &text(2, false));
    let found = logs.verified().await;
    let mut extra = found.findings.iter();
    let extra = extra.find(|one| one.kind == FindingKind::LogObjectExtra);
    assert!(extra.unwrap().why.contains("without log file validation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn late_log_objects_are_proven_by_digests_of_after_the_period() {
    let hours = (0..54).map(|hour| {
        let key = on_day(16 + hour / 24, &genuine(hour % 24));
        (key, text(hour, false))
    });
    let late = key("AWSLogs/", 2, "LATELATELATELATE");
    let logs = chain_of(hours.chain([(late, text(2, true))]));
    let server = logs.uploaded();
    let s3 = S3OnDemand::new(settings(&server));
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let keys = keys();
    let mut options = options(&keys);
    options.days.until = Some("2026-11-16".parse().unwrap());
    let found = verify(&[bucket()], &s3, None, &options, &silent).await;
    let found = found.unwrap();
    assert_balances(&found);
    assert_eq!(found.verdict(), Verdict::Sound, "{:?}", found.findings);
    assert_eq!((found.tally.log_objects, found.tally.proven), (25, 25));
}

#[tokio::test]
async fn the_same_place_given_twice_counts_once() {
    let logs = chain();
    let once = logs.verified().await;
    let places = [
        local(&logs),
        local(&logs),
        Location::Local(logs.folder.path().join("AWSLogs").join(ACCOUNT)),
    ];
    let keys = keys();
    let nowhere = S3OnDemand::default();
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let found = verify(&places, &nowhere, None, &options(&keys), &silent)
        .await
        .unwrap();
    assert_eq!((found.tally, found.verdict()), (once.tally, Verdict::Sound));
}

#[tokio::test]
async fn a_copy_of_a_folder_shares_its_fate() {
    let logs = chain();
    let from = logs.folder.path().join("AWSLogs");
    for path in files(&from) {
        let below = path.strip_prefix(&from).unwrap();
        let copy = logs.folder.path().join("copy").join(below);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&path, copy).unwrap();
    }
    let found = logs.verified().await;
    assert_balances(&found);
    assert_eq!(found.verdict(), Verdict::Sound, "{:?}", found.findings);
    assert_eq!((found.tally.log_objects, found.tally.proven), (12, 10));
    assert_eq!(found.tally.digests, 6);
}

#[tokio::test]
async fn unpacked_and_sorted_into_other_folders_logs_are_what_they_were() {
    let logs = chain();
    let other = TempDir::new().unwrap();
    for path in files(&logs.folder.path().join("AWSLogs")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = match name.contains("Digest") {
            true => "digests",
            false => "logs",
        };
        fs::create_dir_all(other.path().join(folder)).unwrap();
        let name = name.trim_end_matches(".gz");
        fs::write(other.path().join(folder).join(name), unpacked(&path)).unwrap();
    }
    let moved = Logs {
        folder: other,
        signatures: BTreeMap::new(),
    };
    let found = moved.verified().await;
    assert_balances(&found);
    assert_eq!(found.verdict(), Verdict::Sound, "{:?}", found.findings);
    assert_eq!(found.tally.proven, logs.verified().await.tally.proven);
}

#[tokio::test]
async fn a_digest_that_cannot_be_read_is_told_once_and_hides_no_deleted_neighbour() {
    let logs = chain();
    let digests = logs.digests();
    fs::write(&digests[3], b"no digest").unwrap();
    let found = logs.verified().await;
    let told: Vec<_> = wrong(&found).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, [FindingKind::DigestUnreadable]);
    fs::remove_file(&digests[2]).unwrap();
    let found = logs.verified().await;
    let told: BTreeSet<_> = wrong(&found).into_iter().map(|(kind, _)| kind).collect();
    let expected = [FindingKind::DigestUnreadable, FindingKind::DigestMissing];
    assert_eq!(told, expected.into());
}

/// A key that is closed, an archive: what was not handed out is not known, and is no proof that somebody tampered. What is gone
/// beside it is missing all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_handed_out_is_not_known() {
    let logs = chain();
    let server = logs.uploaded();
    let key_of = |path: &PathBuf| {
        let key = path.strip_prefix(logs.folder.path()).unwrap();
        key.to_str().unwrap().to_owned()
    };
    let digests: Vec<String> = logs.digests().iter().map(key_of).collect();
    let close = |closed: Vec<String>| {
        server.set_plan(move |request| {
            let is_closed = request.operation == "GetObject" && closed.contains(&request.key);
            is_closed.then_some(Fault::AccessDenied)
        });
    };
    close([&digests[1..4], &[genuine(4)]].concat());
    let found = verified_in_s3(&server, None).await;
    assert_balances(&found);
    assert_eq!(wrong(&found), []);
    assert_eq!(found.verdict(), Verdict::Incomplete);
    assert_eq!(objects(&found, FindingKind::DigestUnfetched).len(), 3);
    assert_eq!(objects(&found, FindingKind::LogObjectUnfetched).len(), 1);
    server.delete(BUCKET, &digests[2]);
    let found = verified_in_s3(&server, None).await;
    let missing = [FindingKind::DigestMissing];
    assert_eq!(kinds_that_are_wrong(&found), missing.into());
}

#[tokio::test]
async fn what_is_older_and_has_expired_is_told_with_the_way_out() {
    let logs = chain();
    fs::remove_file(&logs.digests()[0]).unwrap();
    fs::remove_file(logs.at(&genuine(0))).unwrap();
    let found = logs.verified().await;
    let missing = found.findings.iter().find(|one| one.kind.is_wrong());
    assert!(missing.unwrap().why.contains("--since"));
}

#[test]
fn a_period_never_runs_backwards() {
    let (early, late) = (Timestamp(1), Timestamp(2));
    let finding = Finding::of(FindingKind::DigestForged, late..early, "");
    assert_eq!(finding.period, early..late);
}
