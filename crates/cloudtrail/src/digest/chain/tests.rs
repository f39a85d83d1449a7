//! Chains that are signed with the simulator's key, and what somebody adds to them who has no key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::super::{Digest, in_hex};
use super::*;

const SIGNING_KEY: &[u8] =
    include_bytes!("../../../../../tests/simulator/src/digests/signing_key.der");
const BEGIN: &str = "2026-11-16T00:00:00Z";

/// A chain, one digest an hour.
struct Chain {
    key: RsaKeyPair,
    hours: Vec<Hour>,
}

/// A digest as it is written, and its signature.
#[derive(Clone)]
struct Hour {
    json: Value,
    signature: String,
}

impl Hour {
    fn read(&self) -> Digest {
        Digest::read(self.json.to_string().as_bytes()).unwrap()
    }

    fn with(&self, member: &str, value: impl Into<Value>) -> Hour {
        let mut hour = self.clone();
        hour.json[member] = value.into();
        hour
    }

    /// As a copy in a folder: without its signature.
    fn copied(&self) -> DigestInChain {
        let digest = self.read();
        DigestInChain {
            lies_at: digest.place.object_key.clone(),
            digest,
            is_file: true,
            signatures: Vec::new(),
        }
    }
}

impl Chain {
    fn of(hours: u8) -> Chain {
        let key = RsaKeyPair::from_pkcs8(SIGNING_KEY).unwrap();
        let mut chain = Chain { key, hours: vec![] };
        for hour in 0..hours {
            let previous = chain.hours.last().cloned();
            let next = chain.signed(hour, previous.as_ref());
            chain.hours.push(next);
        }
        chain
    }

    fn public_keys(&self) -> PublicKeys {
        let value = STANDARD.encode(self.key.public().as_ref());
        let listed = json!({"PublicKeyList": [{"Value": value, "Fingerprint": "simulated"}]});
        PublicKeys::read(listed.to_string().as_bytes()).unwrap()
    }

    fn signed(&self, hour: u8, previous: Option<&Hour>) -> Hour {
        let mut next = Hour {
            json: json!({
                "awsAccountId": "111122223333", "digestS3Bucket": "trail",
                "digestStartTime": ended_at(hour), "digestEndTime": ended_at(hour + 1),
                "digestS3Object": key_of(hour, ""), "digestPublicKeyFingerprint": "simulated",
                "digestSignatureAlgorithm": "SHA256withRSA", "logFiles": [],
            }),
            signature: String::new(),
        };
        if let Some(previous) = previous {
            names_before(&mut next, previous);
        }
        self.sign(next)
    }

    fn sign(&self, mut hour: Hour) -> Hour {
        let mut signature = vec![0; self.key.public().modulus_len()];
        let text = hour.read().signed_text();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .unwrap();
        hour.signature = hex::encode(signature);
        hour
    }

    fn copied(&self) -> Vec<DigestInChain> {
        self.hours.iter().map(Hour::copied).collect()
    }

    fn walk(&self, mut digests: Vec<DigestInChain>) -> Walk {
        digests.sort_by_key(|found| found.digest.period.end);
        walk(&digests, Some(&self.public_keys()), None, false)
    }
}

fn names_before(next: &mut Hour, previous: &Hour) {
    next.json["previousDigestS3Bucket"] = "trail".into();
    next.json["previousDigestS3Object"] = previous.json["digestS3Object"].clone();
    next.json["previousDigestHashValue"] = in_hex(&previous.read().sha256).into();
    next.json["previousDigestSignature"] = previous.signature.clone().into();
}

fn ended_at(hour: u8) -> String {
    format!("2026-11-16T{hour:02}:00:00Z")
}

fn key_of(hour: u8, kind: &str) -> String {
    format!(
        "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/16/\
         111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20261116T{:02}0000Z{kind}.json.gz",
        hour + 1
    )
}

/// A digest that nobody signed and that names another one as the one before, with a signature of its writer's choice.
fn decoy(of: &Hour, hour: u8, signature: Value) -> Hour {
    let mut decoy = of
        .with("digestS3Object", key_of(hour, ""))
        .with("digestStartTime", ended_at(hour))
        .with("digestEndTime", ended_at(hour + 1));
    names_before(&mut decoy, of);
    decoy
        .with("previousDigestHashValue", "00".repeat(32))
        .with("previousDigestSignature", signature)
}

fn missing_signature(digest: usize) -> ChainFault {
    let fault = SignatureFault::Missing;
    ChainFault::NotProven { digest, fault }
}

#[test]
fn of_a_copied_chain_only_the_newest_is_open() {
    let chain = Chain::of(5);
    let found = chain.walk(chain.copied());
    let mut trust = [Trust::Proven; 5];
    trust[4] = Trust::Unproven;
    assert_eq!(found.trust, trust);
    assert_eq!(found.faults, [missing_signature(4)]);
    let begin = Timestamp::parse(BEGIN).unwrap();
    let end = Timestamp(begin.0 + 4 * MS_PER_HOUR);
    assert_eq!(found.covered, vec![begin..end]);
}

#[test]
fn a_decoy_hides_no_altered_digest() {
    let chain = Chain::of(6);
    for signature in [Value::Null, "00".into()] {
        let altered = chain.hours[2].with("logFiles", json!([])).with("x", 1);
        let mut digests = chain.copied();
        digests[2] = altered.copied();
        digests.push(decoy(&altered, 20, signature).copied());
        let found = chain.walk(digests);
        assert_eq!(found.trust[2], Trust::Refuted);
        let expected = [
            ChainFault::Inserted { digest: 6 },
            missing_signature(5),
            ChainFault::Altered { digest: 2 },
        ];
        assert_eq!(found.faults, expected);
    }
}

#[test]
fn a_decoy_makes_no_genuine_digest_forged() {
    let chain = Chain::of(6);
    for signature in [Value::Null, "00".into()] {
        let mut digests = chain.copied();
        digests.push(decoy(&chain.hours[2], 20, signature).copied());
        let found = chain.walk(digests);
        assert_eq!(found.trust[..5], [Trust::Proven; 5]);
        let expected = [ChainFault::Inserted { digest: 6 }, missing_signature(5)];
        assert_eq!(found.faults, expected);
    }
}

#[test]
fn a_decoy_that_says_it_lies_in_a_genuine_ones_place_hides_nothing() {
    let chain = Chain::of(6);
    let altered = chain.hours[2].with("x", 1);
    let mut digests = chain.copied();
    digests[2] = altered.copied();
    digests.push(altered.with("digestEndTime", ended_at(20)).copied());
    let found = chain.walk(digests);
    assert_eq!(found.trust[2], Trust::Refuted);
    assert_eq!(found.trust[6], Trust::Unproven);
    assert!(found.faults.contains(&ChainFault::Disputed { digest: 6 }));
}

#[test]
fn a_decoy_behind_the_newest_leaves_neither_unquestioned() {
    let chain = Chain::of(4);
    for signature in [Value::Null, "00".into()] {
        let mut digests = chain.copied();
        digests.push(decoy(&chain.hours[3], 4, signature).copied());
        let found = chain.walk(digests);
        assert_eq!(found.trust[..3], [Trust::Proven; 3]);
        assert_eq!(
            found.faults,
            [missing_signature(4), ChainFault::Disputed { digest: 3 }]
        );
    }
}

#[test]
fn a_digest_among_proven_ones_that_none_of_them_names_was_inserted() {
    let chain = Chain::of(6);
    let mut alone = chain.hours[0].clone();
    for (member, value) in [
        ("digestS3Object", key_of(2, "x")),
        ("digestEndTime", "2026-11-16T02:30:00Z".to_owned()),
    ] {
        alone = alone.with(member, value);
    }
    let mut digests = chain.copied();
    digests.push(alone.copied());
    let found = chain.walk(digests);
    assert_eq!(found.trust[2], Trust::Refuted);
    assert!(found.faults.contains(&ChainFault::Inserted { digest: 2 }));
}

#[test]
fn before_a_deleted_digest_the_chain_is_open_and_not_forged() {
    let chain = Chain::of(6);
    let mut digests = chain.copied();
    digests.remove(3);
    let found = chain.walk(digests);
    assert_eq!(found.faults.len(), 3, "{:?}", found.faults);
    assert_eq!(found.faults[0], missing_signature(4));
    assert!(
        matches!(&found.faults[1], ChainFault::Missing { last, at_least: 1, .. } if last.object_key == key_of(3, ""))
    );
    assert_eq!(found.faults[2], missing_signature(2));
}

#[test]
fn that_validation_was_off_only_a_proven_digest_says() {
    let mut chain = Chain::of(3);
    for hour in 8..10 {
        let previous = chain.hours.last().filter(|_| hour > 8).cloned();
        let next = chain.signed(hour, previous.as_ref());
        chain.hours.push(next);
    }
    let found = chain.walk(chain.copied());
    let begin = Timestamp::parse(BEGIN).unwrap().0;
    let period = Timestamp(begin + 3 * MS_PER_HOUR)..Timestamp(begin + 8 * MS_PER_HOUR);
    let off = ChainFault::Off { period };
    assert_eq!(
        found.faults,
        [missing_signature(4), off, missing_signature(2)]
    );
    // The newest is written anew as the beginning of a chain, and those before it deleted.
    let mut digests = chain.copied();
    digests.truncate(3);
    let first = chain.hours[4].with("previousDigestS3Object", Value::Null);
    digests.push(first.copied());
    let found = chain.walk(digests);
    assert!(
        matches!(&found.faults[1], ChainFault::Gap { .. }),
        "{:?}",
        found.faults
    );
}

/// What is late comes in any order, and its digests are chained as it came.
#[test]
fn backfill_digests_of_any_order_are_no_forgeries() {
    let chain = Chain::of(6);
    let mut late: Vec<Hour> = Vec::new();
    for hour in [2_u8, 5, 3, 4] {
        let mut next =
            chain.hours[usize::from(hour)].with("digestS3Object", key_of(hour, "_backfill"));
        next.json
            .as_object_mut()
            .unwrap()
            .retain(|member, _| !member.starts_with("previousDigest"));
        if let Some(previous) = late.last() {
            names_before(&mut next, previous);
        }
        late.push(chain.sign(next));
    }
    let mut digests: Vec<_> = late.iter().map(Hour::copied).collect();
    digests.sort_by_key(|found| found.digest.period.end);
    let found = walk(&digests, Some(&chain.public_keys()), None, true);
    assert_eq!(found.faults, [missing_signature(2)]);
    assert_eq!(found.trust[2], Trust::Unproven);
}

#[test]
fn a_backfill_digest_names_the_one_before_it_by_its_time() {
    let chain = Chain::of(4);
    let mut late: Vec<Hour> = Vec::new();
    for hour in 0..4 {
        let mut next =
            chain.hours[usize::from(hour)].with("digestS3Object", key_of(hour, "_backfill"));
        if let Some(previous) = late.last() {
            names_before(&mut next, previous);
        }
        late.push(chain.sign(next));
    }
    let since = |hour| Timestamp::parse(&ended_at(hour));
    let walked = |digests: &[Hour], since| {
        let digests: Vec<_> = digests.iter().map(Hour::copied).collect();
        walk(&digests, Some(&chain.public_keys()), since, true).faults
    };
    let is_missing = |faults: &[ChainFault]| {
        faults
            .iter()
            .any(|one| matches!(one, ChainFault::Missing { .. }))
    };
    // It ended at 02:00.
    assert!(is_missing(&walked(&late[2..], since(2))));
    assert!(is_missing(&walked(&late[2..], None)));
    assert!(!is_missing(&walked(&late[2..], since(3))));
    assert!(!is_missing(&walked(&late, None)));
}

#[test]
fn files_may_have_lost_their_folders_and_their_packing_but_not_their_names() {
    let mut found = Chain::of(1).hours[0].copied();
    let put_at = found.digest.place.object_key.clone();
    let name = put_at.rsplit_once('/').unwrap().1.to_owned();
    for (lies_at, is_file, expected) in [
        (put_at.clone(), false, true),
        (format!("replica/{put_at}"), false, true),
        (format!("x{put_at}"), false, false),
        (name.clone(), false, true),
        (format!("other/{name}"), false, false),
        (format!("other/{name}"), true, true),
        (name.trim_end_matches(".gz").to_owned(), true, true),
        (name.replace("_t_", "_u_"), true, false),
    ] {
        found.lies_at = lies_at;
        found.is_file = is_file;
        assert_eq!(found.lies_where_put(), expected, "{}", found.lies_at);
    }
}
