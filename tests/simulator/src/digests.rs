//! Digests of log file validation, signed with a key of the simulator's own, and ways to tamper with what they vouch for.

mod tamper;

use std::collections::BTreeMap;
use std::io;

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::{Digest, Sha256};

pub use tamper::{Tampered, Tampering, tamper};

use crate::calendar::{day_folder, rfc3339, second_stamp};
use crate::json;
use crate::sink::Sink;
use crate::truth::{Truth, UseTruth};

const HOUR: i64 = 3_600;

/// Of so many log objects one comes late enough for a backfill digest.
const BACKFILLED_OF: u8 = 32;

/// RSA, 2048 bits, PKCS #8. It signs nothing but simulated digests.
const SIGNING_KEY: &[u8] = include_bytes!("digests/signing_key.der");

/// A log object as a digest lists it.
#[derive(Clone)]
struct Entry {
    key: String,
    sha256: String,
    /// The earliest and the latest moment that a record was recorded.
    event_times: Option<(String, String)>,
    is_backfilled: bool,
}

/// The newest digest of a chain.
#[derive(Clone)]
struct Last {
    key: String,
    sha256: String,
    signature: String,
}

/// Account, region, and whether it is the chain of backfill digests.
type Chain = (String, String, bool);

/// A sink before another one, which puts digests among the log objects: one for each account, region and hour.
///
/// The digests that the simulation itself delivers, which list nothing, are left out.
pub struct Digests<'s> {
    sink: &'s mut dyn Sink,
    bucket: String,
    signer: Signer,
    /// The beginning of the hour whose log objects are being collected.
    hour: Option<i64>,
    delivered: BTreeMap<(String, String), Vec<Entry>>,
    last: BTreeMap<Chain, Last>,
    prefix: String,
    signatures: Vec<(String, String)>,
}

struct Signer {
    key: RsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new() -> io::Result<Self> {
        let key = RsaKeyPair::from_pkcs8(SIGNING_KEY).map_err(refused)?;
        let random = SystemRandom::new();
        Ok(Self { key, random })
    }

    fn sign(&self, text: &str) -> io::Result<String> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &self.random,
                text.as_bytes(),
                &mut signature,
            )
            .map_err(refused)?;
        Ok(hex::encode(signature))
    }
}

fn refused(failure: impl std::fmt::Display) -> io::Error {
    io::Error::other(failure.to_string())
}

/// How digests name the simulator's key.
fn fingerprint(key: &RsaKeyPair) -> String {
    hex::encode(&Sha256::digest(key.public().as_ref())[..16])
}

/// The simulator's public key, as `aws cloudtrail list-public-keys` writes CloudTrail's.
///
/// # Errors
/// None: the key is part of the program.
pub fn public_keys() -> io::Result<String> {
    let signer = Signer::new()?;
    let key = json::object(|members| {
        members.text("Value", &base64(signer.key.public().as_ref()));
        members.text("ValidityStartTime", "2026-01-01T00:00:00+00:00");
        members.text("ValidityEndTime", "2027-01-01T00:00:00+00:00");
        members.text("Fingerprint", &fingerprint(&signer.key));
    });
    Ok(format!("{{\"PublicKeyList\":[{key}]}}"))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl<'s> Digests<'s> {
    /// Digests say that everything lies in this bucket.
    ///
    /// # Errors
    /// None: the key is part of the program.
    pub fn before(sink: &'s mut dyn Sink, bucket: &str) -> io::Result<Self> {
        Ok(Self {
            sink,
            bucket: bucket.to_owned(),
            signer: Signer::new()?,
            hour: None,
            delivered: BTreeMap::new(),
            last: BTreeMap::new(),
            prefix: String::new(),
            signatures: Vec::new(),
        })
    }

    /// Writes the digests of the last hour. Gives the signature of each digest, by its key: in S3 it is the object's
    /// metadata, which a folder cannot keep.
    ///
    /// # Errors
    /// What the sink fails with.
    pub fn finish(mut self) -> io::Result<Vec<(String, String)>> {
        if let Some(hour) = self.hour {
            self.close(hour)?;
        }
        Ok(self.signatures)
    }

    fn advance_to(&mut self, at: i64) -> io::Result<()> {
        let hour = at.div_euclid(HOUR) * HOUR;
        let mut open = *self.hour.get_or_insert(hour);
        while open < hour {
            self.close(open)?;
            open += HOUR;
        }
        self.hour = Some(open);
        Ok(())
    }

    /// The digests of an hour. Places in which something was once delivered have one also where nothing was.
    fn close(&mut self, hour: i64) -> io::Result<()> {
        let places: Vec<_> = self.delivered.keys().cloned().collect();
        for (account, region) in places {
            let place = (account.clone(), region.clone());
            let delivered = self.delivered.get_mut(&place).map(std::mem::take);
            let (late, in_time): (Vec<_>, Vec<_>) = delivered
                .unwrap_or_default()
                .into_iter()
                .partition(|entry| entry.is_backfilled);
            self.write((account.clone(), region.clone(), false), hour, &in_time)?;
            if !late.is_empty() {
                self.write((account, region, true), hour, &late)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, chain: Chain, hour: i64, entries: &[Entry]) -> io::Result<()> {
        let (account, region, is_backfill) = &chain;
        let suffix = if *is_backfill { "_backfill" } else { "" };
        let end = hour + HOUR;
        let key = format!(
            "{}{account}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_organisation-trail_{region}_{}{suffix}.json.gz",
            self.prefix,
            day_folder(end),
            second_stamp(end),
        );
        let last = self.last.get(&chain);
        let text = DigestText {
            account,
            bucket: &self.bucket,
            key: &key,
            fingerprint: &fingerprint(&self.signer.key),
            hour,
            last,
            entries,
        };
        let text = text.json();
        let sha256 = hex::encode(Sha256::digest(&text));
        let signature = self.signer.sign(&format!(
            "{}\n{}/{key}\n{sha256}\n{}",
            rfc3339(end),
            self.bucket,
            last.map_or("null", |last| &last.signature),
        ))?;
        self.sink.object(&key, text.as_bytes())?;
        self.signatures.push((key.clone(), signature.clone()));
        let last = Last {
            key,
            sha256,
            signature,
        };
        self.last.insert(chain, last);
        Ok(())
    }
}

/// A digest before it is packed.
struct DigestText<'d> {
    account: &'d str,
    bucket: &'d str,
    key: &'d str,
    fingerprint: &'d str,
    /// The beginning of its hour.
    hour: i64,
    last: Option<&'d Last>,
    entries: &'d [Entry],
}

/// A digest of an hour in which nothing was delivered, signed by a key of AWS's documentation: it looks like one, and proves
/// nothing.
pub(crate) fn empty_digest(account: &str, key: &str, hour: i64) -> String {
    DigestText {
        account,
        bucket: "organisation-trail",
        key,
        fingerprint: "31e8b5433410dfb61a9dc45cc65b22ff",
        hour,
        last: None,
        entries: &[],
    }
    .json()
}

impl DigestText<'_> {
    fn json(&self) -> String {
        let log_files: Vec<String> = self
            .entries
            .iter()
            .map(|entry| self.listed(entry))
            .collect();
        let times = |entry: &Entry| entry.event_times.clone();
        let (oldest, newest): (Vec<_>, Vec<_>) = self.entries.iter().filter_map(times).unzip();
        json::object(|members| {
            members.text("awsAccountId", self.account);
            members.text("digestStartTime", &rfc3339(self.hour));
            members.text("digestEndTime", &rfc3339(self.hour + HOUR));
            members.text("digestS3Bucket", self.bucket);
            members.text("digestS3Object", self.key);
            members.text("digestPublicKeyFingerprint", self.fingerprint);
            members.text("digestSignatureAlgorithm", "SHA256withRSA");
            event_times(members, oldest.iter().min(), newest.iter().max());
            for (name, value) in previous(self.bucket, self.last) {
                text_or_null(members, name, value);
            }
            members.raw("logFiles", &format!("[{}]", log_files.join(",")));
        })
    }

    fn listed(&self, entry: &Entry) -> String {
        json::object(|members| {
            members.text("s3Bucket", self.bucket);
            members.text("s3Object", &entry.key);
            members.text("hashValue", &entry.sha256);
            members.text("hashAlgorithm", "SHA-256");
            let (oldest, newest) = entry.event_times.clone().unzip();
            event_times(members, oldest.as_ref(), newest.as_ref());
        })
    }
}

fn text_or_null(members: &mut json::Members<'_>, name: &str, value: Option<&str>) {
    match value {
        Some(value) => members.text(name, value),
        None => members.raw(name, "null"),
    }
}

fn event_times(members: &mut json::Members<'_>, oldest: Option<&String>, newest: Option<&String>) {
    for (name, time) in [("newestEventTime", newest), ("oldestEventTime", oldest)] {
        text_or_null(members, name, time.map(String::as_str));
    }
}

/// The earliest and the latest event time of a log object, as written: they sort as texts.
fn event_times_in(json: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(json);
    let times = text.split("\"eventTime\":\"").skip(1);
    let times: Vec<&str> = times.filter_map(|rest| rest.get(..20)).collect();
    let oldest = times.iter().min()?;
    let newest = times.iter().max()?;
    Some(((*oldest).to_owned(), (*newest).to_owned()))
}

/// The five members about the digest before.
fn previous<'l>(bucket: &'l str, last: Option<&'l Last>) -> [(&'static str, Option<&'l str>); 5] {
    [
        ("previousDigestS3Bucket", last.map(|_| bucket)),
        ("previousDigestS3Object", last.map(|last| &*last.key)),
        ("previousDigestHashValue", last.map(|last| &*last.sha256)),
        ("previousDigestHashAlgorithm", last.map(|_| "SHA-256")),
        ("previousDigestSignature", last.map(|last| &*last.signature)),
    ]
}

impl Sink for Digests<'_> {
    fn object(&mut self, key: &str, json: &[u8]) -> io::Result<()> {
        if key.contains("_CloudTrail-Digest_") {
            return Ok(());
        }
        if let Some(place) = LogObjectPlace::read(key) {
            self.advance_to(place.delivered_at)?;
            place.prefix.clone_into(&mut self.prefix);
            let hash = Sha256::digest(json);
            let entry = Entry {
                key: key.to_owned(),
                is_backfilled: hash[0] % BACKFILLED_OF == 0,
                sha256: hex::encode(hash),
                event_times: event_times_in(json),
            };
            let place = (place.account.to_owned(), place.region.to_owned());
            self.delivered.entry(place).or_default().push(entry);
        }
        self.sink.object(key, json)
    }

    fn truth(&mut self, truth: Truth) -> io::Result<()> {
        self.sink.truth(truth)
    }

    fn used(&mut self, used: UseTruth) -> io::Result<()> {
        self.sink.used(used)
    }
}

/// What the key of a log object says.
struct LogObjectPlace<'k> {
    /// All before the account's folder.
    prefix: &'k str,
    account: &'k str,
    region: &'k str,
    delivered_at: i64,
}

impl<'k> LogObjectPlace<'k> {
    fn read(key: &'k str) -> Option<Self> {
        let (_, file) = key.rsplit_once('/')?;
        let (account, rest) = file.split_once("_CloudTrail_")?;
        let (region, rest) = rest.split_once('_')?;
        let stamp = rest.split_once('Z')?.0;
        let time = format!(
            "{}-{}-{}T{}:{}:00Z",
            stamp.get(..4)?,
            stamp.get(4..6)?,
            stamp.get(6..8)?,
            stamp.get(9..11)?,
            stamp.get(11..13)?
        );
        let delivered_at: jiff::Timestamp = time.parse().ok()?;
        let prefix = key.find(&format!("{account}/"))?;
        Some(Self {
            prefix: &key[..prefix],
            account,
            region,
            delivered_at: delivered_at.as_second(),
        })
    }
}
