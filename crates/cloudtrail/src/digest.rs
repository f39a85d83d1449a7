//! Digests: what CloudTrail's log file validation says of the log objects of an hour, and how one vouches for another.
//!
//! Every hour CloudTrail writes, for each trail, account and region, one digest: the hashes of the log objects that it
//! delivered, and the hash and signature of the digest before. So a chain of digests proves what lies in a bucket, and
//! from its newest link on, what once lay there. Log objects that were delivered much later than their time stand in
//! *backfill* digests, which are a chain of their own.
//!
//! [`Digest::read`] reads one, [`PublicKeys`] checks its signature, [`walk`] goes along a chain. Fetching is others'
//! business.
//!
//! Sources: AWS, "CloudTrail digest file structure", "Custom implementations of CloudTrail log file integrity
//! validation"; backfill digests: aws/aws-cli, pull request 10059.

mod chain;
mod signature;
#[cfg(test)]
mod tests;

use std::ops::Range;

use ring::digest::{SHA256, digest};
use serde::Deserialize;
use thiserror::Error;

pub use chain::{ChainFault, DigestInChain, Trust, Walk, walk};
pub use signature::{PublicKeys, PublicKeysError, SignatureFault};

use crate::gunzip::{self, GunzipError};
use crate::timestamp::Timestamp;

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// What a digest may unpack to, in bytes: more than a hundred thousand log objects of an hour. Whoever adds digests should not
/// decide how much memory they take.
const DIGEST_BYTES_MAX: u64 = 1 << 26;

/// One digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The account whose log objects it lists.
    pub account_id: String,
    /// From when to when those were delivered; the end is excluded.
    pub period: Range<Timestamp>,
    /// Where CloudTrail put it.
    pub place: Place,
    /// Which of CloudTrail's keys signed it.
    pub public_key_fingerprint: String,
    /// The digest before it; none where validation was just switched on.
    pub previous: Option<PreviousDigest>,
    /// What was delivered.
    pub log_objects: Vec<DigestedObject>,
    /// The hash of its text, which its signature covers and the next digest names.
    pub sha256: Sha256,
    /// The end as written, which the signature covers.
    ended_at: String,
}

/// Where something was put.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub object_key: String,
}

/// What a digest says of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousDigest {
    /// Where CloudTrail put it.
    pub place: Place,
    /// The hash of its text.
    pub sha256: Sha256,
    /// Its signature, in hex.
    pub signature: Option<String>,
}

/// What a digest says of a log object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestedObject {
    /// Where CloudTrail put it.
    pub place: Place,
    /// The hash of its text, unpacked.
    pub sha256: Sha256,
    /// When the earliest and the latest of its records were recorded, where it says so.
    pub event_times: Option<(Timestamp, Timestamp)>,
}

/// What the name of a digest says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestName {
    /// The account whose log objects it lists.
    pub account_id: String,
    /// The region whose log objects it lists.
    pub region: String,
    /// The trail's name and home region, as `NAME_REGION`.
    pub trail: String,
    /// Whether it lists late ones.
    pub is_backfill: bool,
    /// The end of its hour.
    pub ended_at: Timestamp,
}

impl DigestName {
    /// Reads `[…/]ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_TIME[_backfill].json.gz`; `None` where it is no digest's name.
    #[must_use]
    pub fn read(object_key: &str) -> Option<DigestName> {
        let file = object_key.rsplit('/').next()?;
        let name = file.strip_suffix(".gz").unwrap_or(file);
        let name = name.strip_suffix(".json")?;
        let (account_id, rest) = name.split_once("_CloudTrail-Digest_")?;
        let (region, rest) = rest.split_once('_')?;
        let (rest, is_backfill) = match rest.strip_suffix("_backfill") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (trail, ended_at) = rest.rsplit_once('_')?;
        Some(DigestName {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            is_backfill,
            ended_at: Timestamp::parse(ended_at)?,
        })
    }
}

/// Why something is no digest that can be checked.
#[derive(Debug, Error)]
pub enum DigestError {
    /// It cannot be unpacked.
    #[error(transparent)]
    Gunzip(#[from] GunzipError),
    /// It is no JSON, or lacks what every digest has.
    #[error("is not a digest: {0}")]
    Json(#[from] serde_json::Error),
    /// A moment or a hash is not written as AWS writes it.
    #[error("its {member} cannot be read")]
    Member {
        /// The member's name.
        member: &'static str,
    },
    /// It uses a method that AWS has not documented.
    #[error("it uses {algorithm} where SHA-256 and SHA256withRSA are known")]
    Algorithm {
        /// As written.
        algorithm: String,
    },
}

impl Digest {
    /// Reads a digest as it lies: packed or not.
    ///
    /// # Errors
    ///
    /// When it cannot be unpacked, or is no digest that can be checked.
    pub fn read(bytes: &[u8]) -> Result<Digest, DigestError> {
        let text = gunzip::unpack(bytes, DIGEST_BYTES_MAX)?;
        let written: Written = serde_json::from_slice(&text)?;
        written.into_digest(sha256(&text))
    }

    /// What its signature covers.
    fn signed_text(&self) -> String {
        let previous = self.previous.as_ref();
        let previous = previous.and_then(|previous| previous.signature.as_deref());
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.ended_at,
            self.place.bucket,
            self.place.object_key,
            in_hex(&self.sha256),
            previous.unwrap_or("null"),
        )
    }
}

/// The members that count, as AWS writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    aws_account_id: String,
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: String,
    digest_s3_object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: Option<String>,
    previous_digest_s3_bucket: Option<String>,
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Vec<WrittenObject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenObject {
    s3_bucket: String,
    s3_object: String,
    hash_value: String,
    hash_algorithm: Option<String>,
    newest_event_time: Option<String>,
    oldest_event_time: Option<String>,
}

impl Written {
    fn into_digest(self, sha256: Sha256) -> Result<Digest, DigestError> {
        expect(self.digest_signature_algorithm.as_deref(), "SHA256withRSA")?;
        let start = moment(&self.digest_start_time, "digestStartTime")?;
        let end = moment(&self.digest_end_time, "digestEndTime")?;
        let log_objects = self.log_files.into_iter();
        Ok(Digest {
            previous: previous(
                self.previous_digest_s3_bucket
                    .zip(self.previous_digest_s3_object),
                self.previous_digest_hash_value,
                self.previous_digest_hash_algorithm.as_deref(),
                self.previous_digest_signature,
            )?,
            account_id: self.aws_account_id,
            period: start..end,
            place: Place {
                bucket: self.digest_s3_bucket,
                object_key: self.digest_s3_object,
            },
            public_key_fingerprint: self.digest_public_key_fingerprint,
            log_objects: log_objects
                .map(WrittenObject::into_object)
                .collect::<Result<_, _>>()?,
            sha256,
            ended_at: self.digest_end_time,
        })
    }
}

impl WrittenObject {
    fn into_object(self) -> Result<DigestedObject, DigestError> {
        expect(self.hash_algorithm.as_deref(), "SHA-256")?;
        let oldest = self.oldest_event_time.as_deref().and_then(Timestamp::parse);
        let newest = self.newest_event_time.as_deref().and_then(Timestamp::parse);
        Ok(DigestedObject {
            place: Place {
                bucket: self.s3_bucket,
                object_key: self.s3_object,
            },
            sha256: hash(&self.hash_value, "hashValue")?,
            event_times: oldest.zip(newest),
        })
    }
}

fn previous(
    place: Option<(String, String)>,
    hash_value: Option<String>,
    algorithm: Option<&str>,
    signature: Option<String>,
) -> Result<Option<PreviousDigest>, DigestError> {
    let Some((bucket, object_key)) = place else {
        return Ok(None);
    };
    expect(algorithm, "SHA-256")?;
    let sha256 = hash(
        hash_value.as_deref().unwrap_or_default(),
        "previousDigestHashValue",
    )?;
    Ok(Some(PreviousDigest {
        place: Place { bucket, object_key },
        sha256,
        signature,
    }))
}

fn expect(algorithm: Option<&str>, known: &str) -> Result<(), DigestError> {
    match algorithm {
        Some(algorithm) if algorithm != known => Err(DigestError::Algorithm {
            algorithm: algorithm.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn moment(text: &str, member: &'static str) -> Result<Timestamp, DigestError> {
    Timestamp::parse(text).ok_or(DigestError::Member { member })
}

fn hash(text: &str, member: &'static str) -> Result<Sha256, DigestError> {
    let mut sha256 = Sha256::default();
    hex::decode_to_slice(text, &mut sha256).map_err(|_| DigestError::Member { member })?;
    Ok(sha256)
}

fn sha256(text: &[u8]) -> Sha256 {
    let mut sha256 = Sha256::default();
    sha256.copy_from_slice(digest(&SHA256, text).as_ref());
    sha256
}

fn in_hex(sha256: &Sha256) -> String {
    hex::encode(sha256)
}
