//! Against the simulator, which writes digests and tampers with what they vouch for.

mod hostile;
mod period;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use trailback_cloudtrail::digest::{DigestName, PublicKeys};
use trailback_harness::s3_server::{Fault, S3Server};
use trailback_simulator::{
    Digests, Folder, Plan, Tampered, Tampering, public_keys, simulate, tamper,
};
use trailback_tables::partition::Day;

use super::*;
use crate::extract::{ExtractOptions, extract};
use crate::lake::Access;
use crate::log_objects;
use crate::progress::Silent;
use crate::store::s3::tests::settings;

const BUCKET: &str = "organisation-trail";

/// Log objects and digests in a folder, and the signatures that a bucket keeps as metadata.
struct Logs {
    folder: TempDir,
    signatures: BTreeMap<String, String>,
}

impl Logs {
    fn simulated() -> Logs {
        let folder = TempDir::new().unwrap();
        let plan = Plan {
            calls: 400,
            accounts: 3,
            regions: 2,
            ..Plan::small(5)
        };
        let mut sink = Folder::create(folder.path(), None, None).unwrap();
        let mut digests = Digests::before(&mut sink, BUCKET).unwrap();
        simulate(&plan, &mut digests).unwrap();
        let signatures = digests.finish().unwrap().into_iter().collect();
        Logs { folder, signatures }
    }

    fn tampered(how: Tampering) -> (Logs, Tampered) {
        let logs = Logs::simulated();
        let tampered = tamper(logs.folder.path(), how).unwrap();
        (logs, tampered)
    }

    async fn verified(&self) -> Verification {
        let keys = keys();
        self.verified_as(&options(&keys), None).await
    }

    async fn verified_as(&self, options: &VerifyOptions<'_>, lake: Option<&Lake>) -> Verification {
        let location = Location::Local(self.folder.path().to_owned());
        let nowhere = S3OnDemand::default();
        let silent: Arc<dyn Progress> = Arc::new(Silent);
        verify(&[location], &nowhere, lake, options, &silent)
            .await
            .unwrap()
    }

    fn uploaded(&self) -> S3Server {
        let server = S3Server::start();
        for path in files(self.folder.path()) {
            let key = path.strip_prefix(self.folder.path()).unwrap();
            let key = key.to_str().unwrap();
            let signature = self.signatures.get(key);
            let metadata = signature.map(|signature| ("signature".to_owned(), signature.clone()));
            server.put_with(BUCKET, key, &fs::read(&path).unwrap(), metadata);
        }
        server
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

fn keys() -> PublicKeys {
    PublicKeys::read(public_keys().unwrap().as_bytes()).unwrap()
}

fn options(keys: &PublicKeys) -> VerifyOptions<'_> {
    VerifyOptions {
        keys: Some(keys),
        days: DeliveryDays::default(),
        reading: ExtractOptions::default(),
        now: Timestamp(i64::MAX),
    }
}

/// What is wrong: kinds and objects.
fn wrong(found: &Verification) -> Vec<(FindingKind, Option<&str>)> {
    let wrong = found.findings.iter().filter(|one| one.kind.is_wrong());
    wrong.map(|one| (one.kind, one.object.as_deref())).collect()
}

fn assert_balances(found: &Verification) {
    let tally = &found.tally;
    let sum = tally.proven + tally.altered + tally.unreadable + tally.extra + tally.unproven;
    assert_eq!(tally.log_objects, sum, "{tally:?}");
}

#[tokio::test]
async fn what_nobody_touched_is_sound_and_only_the_newest_digests_are_open() {
    let found = Logs::simulated().verified().await;
    assert_balances(&found);
    assert_eq!(wrong(&found), []);
    // A folder has no metadata, and nobody repeats the signature of the newest. Those of late log objects may be old.
    assert!(found.verdict() == Verdict::Incomplete && found.signatures_checked);
    let open = found.tally.digests - found.tally.digests_proven;
    assert_eq!(open, found.chains.len() as u64);
    let standard = |chain: &&ChainReport| !chain.newest.is_backfill;
    assert!(found.chains.iter().filter(standard).count() > 3);
    assert!(found.chains.iter().any(|chain| chain.newest.is_backfill));
    assert!(
        found
            .chains
            .iter()
            .filter(standard)
            .all(|chain| chain.covered.len() == 1)
    );
}

#[tokio::test]
async fn an_altered_log_object_is_found() {
    let (logs, tampered) = Logs::tampered(Tampering::AlteredLogObject);
    let found = logs.verified().await;
    assert_balances(&found);
    let altered = Some(&*tampered.log_objects[0]);
    assert_eq!(wrong(&found), [(FindingKind::LogObjectAltered, altered)]);
    assert_eq!(found.tally.altered, 1);
}

#[tokio::test]
async fn a_missing_log_object_is_found_with_the_time_of_its_calls() {
    let (logs, tampered) = Logs::tampered(Tampering::MissingLogObject);
    let found = logs.verified().await;
    assert_balances(&found);
    let missing = Some(&*tampered.log_objects[0]);
    assert_eq!(wrong(&found), [(FindingKind::LogObjectMissing, missing)]);
    let finding = found
        .findings
        .iter()
        .find(|one| one.kind.is_wrong())
        .unwrap();
    assert!(finding.is_hole && finding.period.start < finding.period.end);
}

#[tokio::test]
async fn a_log_object_that_was_added_is_found() {
    let (logs, tampered) = Logs::tampered(Tampering::ExtraLogObject);
    let found = logs.verified().await;
    assert_balances(&found);
    let extra = Some(&*tampered.log_objects[0]);
    assert_eq!(wrong(&found), [(FindingKind::LogObjectExtra, extra)]);
}

#[tokio::test]
async fn a_digest_that_was_altered_hides_nothing() {
    let (logs, tampered) = Logs::tampered(Tampering::AlteredDigest);
    let found = logs.verified().await;
    assert_balances(&found);
    let altered = Some(&*tampered.digests[0]);
    assert_eq!(wrong(&found), [(FindingKind::DigestAltered, altered)]);
    // What it lists is not believed, and its hour is no longer covered.
    assert!(found.chains.iter().any(|chain| chain.covered.len() == 2));
}

#[tokio::test]
async fn deleted_digests_are_found_one_or_two_neighbours() {
    for (how, at_least) in [
        (Tampering::MissingDigest, 1),
        (Tampering::MissingNeighbours, 2),
    ] {
        let (logs, tampered) = Logs::tampered(how);
        let found = logs.verified().await;
        assert_balances(&found);
        let last = tampered.digests.last().map(String::as_str);
        assert_eq!(wrong(&found), [(FindingKind::DigestMissing, last)]);
        let finding = found
            .findings
            .iter()
            .find(|one| one.kind.is_wrong())
            .unwrap();
        let hours = (finding.period.end.0 - finding.period.start.0) / 3_600_000;
        assert_eq!(hours, at_least);
        assert!(found.tally.unproven > 0);
    }
}

#[tokio::test]
async fn another_key_proves_nothing() {
    let other = public_keys()
        .unwrap()
        .replace("\"Fingerprint\":\"", "\"Fingerprint\":\"0");
    let other = PublicKeys::read(other.as_bytes()).unwrap();
    let found = Logs::simulated().verified_as(&options(&other), None).await;
    assert_balances(&found);
    assert_eq!((found.tally.proven, found.verdict()), (0, Verdict::Unsound));
    let newest = found.chains.len() as u64;
    let of_kind = |kind| found.findings.iter().filter(|one| one.kind == kind).count() as u64;
    // Of the newest nobody knows the signature at all.
    let open = of_kind(FindingKind::DigestUnproven) + of_kind(FindingKind::DigestTooRecent);
    assert_eq!(open, newest);
    let others = found.tally.digests - newest;
    assert_eq!(of_kind(FindingKind::DigestOfUnknownKey), others);
}

#[tokio::test]
async fn without_keys_hashes_must_agree_all_the_same() {
    let (logs, _) = Logs::tampered(Tampering::AlteredDigest);
    let keys = keys();
    let unchecked = VerifyOptions {
        keys: None,
        ..options(&keys)
    };
    let found = logs.verified_as(&unchecked, None).await;
    assert!(!found.signatures_checked);
    assert_eq!(wrong(&found).len(), 1);
    let logs = Logs::simulated();
    let found = verified_in_s3_as(&logs.uploaded(), &unchecked, None).await;
    assert_eq!(found.verdict(), Verdict::Incomplete);
}

#[tokio::test]
async fn a_period_asks_for_its_own_days_only() {
    let logs = Logs::simulated();
    let keys = keys();
    let all = logs.verified().await;
    let delivered = all.chains.iter().flat_map(|chain| &chain.covered);
    let day = Day::of(delivered.map(|covered| covered.end).max().unwrap());
    let days = DeliveryDays {
        since: Some(day),
        until: Some(day),
    };
    let of_days = VerifyOptions {
        days,
        ..options(&keys)
    };
    let found = logs.verified_as(&of_days, None).await;
    assert_balances(&found);
    assert_eq!(wrong(&found), []);
    assert!(found.tally.log_objects <= all.tally.log_objects);
}

/// A lake that has read everything of a bucket.
async fn ingested(server: &S3Server, folder: &TempDir) -> Lake {
    let lake = Lake::in_folder(folder.path(), Access::Write).await.unwrap();
    let s3 = S3OnDemand::new(settings(server));
    let days = DeliveryDays::default();
    let found = log_objects::find(&[bucket()], days, &s3, None)
        .await
        .unwrap();
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    extract(
        &lake,
        found,
        &ExtractOptions::default(),
        &silent,
        &mut |_| {},
    )
    .await
    .unwrap();
    lake
}

fn bucket() -> Location {
    Location::S3(format!("s3://{BUCKET}").parse().unwrap())
}

/// At the moment of the newest digest.
async fn verified_in_s3(server: &S3Server, lake: Option<&Lake>) -> Verification {
    let keys = keys();
    let objects = server.objects(BUCKET);
    let ends = objects
        .keys()
        .filter_map(|key| Some(DigestName::read(key)?.ended_at));
    let options = VerifyOptions {
        now: ends.max().unwrap(),
        ..options(&keys)
    };
    verified_in_s3_as(server, &options, lake).await
}

async fn verified_in_s3_as(
    server: &S3Server,
    options: &VerifyOptions<'_>,
    lake: Option<&Lake>,
) -> Verification {
    let s3 = S3OnDemand::new(settings(server));
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    verify(&[bucket()], &s3, lake, options, &silent)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_ledger_only_digests_are_downloaded() {
    let logs = Logs::simulated();
    let server = logs.uploaded();
    let folder = TempDir::new().unwrap();
    let lake = ingested(&server, &folder).await;
    server.clear_plan();
    let found = verified_in_s3(&server, Some(&lake)).await;
    assert_balances(&found);
    assert_eq!(wrong(&found), []);
    assert_eq!(found.verdict(), Verdict::Sound);
    // The metadata prove the newest digests too.
    assert_eq!(found.tally.digests_proven, found.tally.digests);
    assert_eq!(found.tally.proven_by_ledger, found.tally.proven);
    assert_eq!(server.count("GetObject") as u64, found.tally.digests);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lake_has_read_is_held_against_digests_too() {
    let (logs, tampered) = Logs::tampered(Tampering::AlteredLogObject);
    let altered = &tampered.log_objects[0];
    let server = logs.uploaded();
    let folder = TempDir::new().unwrap();
    let lake = ingested(&server, &folder).await;
    let found = verified_in_s3(&server, Some(&lake)).await;
    let place = format!("s3://{BUCKET}/{altered}");
    let expected = [FindingKind::LogObjectAltered, FindingKind::ReadingAltered];
    assert_eq!(wrong(&found), expected.map(|kind| (kind, Some(&*place))));

    // The object is put back as it was delivered; what the lake has read stays what it is.
    let genuine = Logs::simulated();
    let genuine = fs::read(genuine.folder.path().join(altered)).unwrap();
    server.put(BUCKET, altered, &genuine);
    let found = verified_in_s3(&server, Some(&lake)).await;
    assert_balances(&found);
    assert_eq!(
        wrong(&found),
        [(FindingKind::ReadingAltered, Some(&*place))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_another_name_may_hold_a_replica() {
    let logs = Logs::simulated();
    let server = logs.uploaded();
    for (key, object) in server.objects(BUCKET) {
        server.put_with("replica", &key, &object.content, object.metadata);
    }
    let keys = keys();
    let s3 = S3OnDemand::new(settings(&server));
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let replica = Location::S3("s3://replica".parse().unwrap());
    let found = verify(&[replica], &s3, None, &options(&keys), &silent)
        .await
        .unwrap();
    assert_balances(&found);
    assert_eq!((wrong(&found), found.tally.extra), (vec![], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_in_a_bucket_without_its_signature_is_not_cloudtrails() {
    let logs = Logs::simulated();
    let server = logs.uploaded();
    let newest = logs.signatures.keys().next_back().unwrap();
    server.put(
        BUCKET,
        newest,
        &fs::read(logs.folder.path().join(newest)).unwrap(),
    );
    let found = verified_in_s3(&server, None).await;
    assert_eq!(
        wrong(&found),
        [(FindingKind::DigestForged, Some(&**newest))]
    );
}
