//! Digests, public keys, and the walk along a chain: a digest is read if and only if it is JSON that has what every digest has, and
//! a walk says something of each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailback_cloudtrail::Timestamp;
use trailback_cloudtrail::digest::{ChainFault, Digest, DigestInChain, PublicKeys, Trust, walk};
use trailback_fuzz::choices::Choices;
use trailback_fuzz::json::{self, Json};

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices::of(input);
    // Documents, one behind the other: digests, and the public keys among them.
    let documents: Vec<&[u8]> = input.split(|byte| *byte == b'\n').take(16).collect();
    let mut keys = PublicKeys::default();
    let mut digests = Vec::new();
    for document in documents {
        let _is_of_keys = keys.add(document);
        let Ok(digest) = Digest::read(document) else {
            continue;
        };
        check(&digest, document);
        let signature = choices.yes().then(|| "00ff".repeat(64));
        let signatures = signature.into_iter().collect();
        digests.push(DigestInChain {
            lies_at: digest.place.object_key.clone(),
            digest,
            is_file: choices.yes(),
            signatures,
        });
    }
    digests.sort_by_key(|found| found.digest.period.end);
    let since = choices.yes().then_some(Timestamp(1_439_820_091_000));
    for is_backfill in [false, true] {
        check_walk(&digests, None, since, is_backfill);
        check_walk(&digests, Some(&keys), since, is_backfill);
    }
});

fn check(digest: &Digest, document: &[u8]) {
    // Packed, or with a member that nobody asks for and that is spelled wrong.
    let Ok(judged) = json::read(document) else {
        return;
    };
    let text = |name| judged.get(name).text().unwrap_or_default();
    assert_eq!(digest.account_id, text("awsAccountId"));
    assert_eq!(digest.place.bucket, text("digestS3Bucket"));
    assert_eq!(digest.place.object_key, text("digestS3Object"));
    assert_eq!(
        Some(digest.period.end),
        Timestamp::parse(text("digestEndTime"))
    );
    let Json::List(files) = judged.get("logFiles") else {
        panic!("a digest lists log objects");
    };
    assert_eq!(digest.log_objects.len(), files.len());
    for (object, file) in digest.log_objects.iter().zip(files) {
        assert_eq!(
            object.place.object_key,
            file.get("s3Object").text().unwrap_or_default()
        );
        assert_eq!(
            object.sha256.len() * 2,
            file.get("hashValue").text().unwrap_or_default().len()
        );
    }
}

fn check_walk(
    digests: &[DigestInChain],
    keys: Option<&PublicKeys>,
    since: Option<Timestamp>,
    is_backfill: bool,
) {
    let found = walk(digests, keys, since, is_backfill);
    assert_eq!(found.trust.len(), digests.len());
    // Nobody's signature comes by chance.
    assert!(keys.is_none() || !found.trust.contains(&Trust::Proven));
    for pair in found.covered.windows(2) {
        assert!(pair[0].end < pair[1].start, "{:?}", found.covered);
    }
    for fault in &found.faults {
        match fault {
            ChainFault::Altered { digest }
            | ChainFault::Disputed { digest }
            | ChainFault::Inserted { digest }
            | ChainFault::Moved { digest }
            | ChainFault::NotProven { digest, .. } => {
                assert!(*digest < digests.len());
            }
            ChainFault::Missing { at_least, .. } => assert!(*at_least > 0),
            ChainFault::Gap { period } | ChainFault::Off { period } => {
                assert!(period.start < period.end)
            }
        }
    }
}
