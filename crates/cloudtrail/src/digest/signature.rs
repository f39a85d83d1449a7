//! The signatures of digests, and the public keys that check them.
//!
//! A signature is RSA with PKCS #1 v1.5 padding over the SHA-256 of four lines: the end of the digest's hour, its place, the
//! hash of its text, and the signature of the digest before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use thiserror::Error;

use super::Digest;

/// CloudTrail's public keys, by fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

/// Why a file holds no public keys.
#[derive(Debug, Error)]
pub enum PublicKeysError {
    /// It is not what the AWS command line writes.
    #[error("is not what `aws cloudtrail list-public-keys` writes")]
    Json(#[from] serde_json::Error),
    /// A key is not base64.
    #[error("the key {fingerprint} is not base64")]
    Base64 {
        /// Which one.
        fingerprint: String,
    },
    /// A key is not an RSA key of PKCS #1.
    #[error("the key {fingerprint} is not an RSA key of PKCS #1 in DER, as CloudTrail's are")]
    NoRsaKey {
        /// Which one.
        fingerprint: String,
    },
    /// Two keys have one fingerprint.
    #[error(
        "says two different keys of the fingerprint {fingerprint}: one of them is not CloudTrail's"
    )]
    TwoOfOneFingerprint {
        /// Which one.
        fingerprint: String,
    },
    /// There is none.
    #[error(
        "has no key; name a period: `aws cloudtrail list-public-keys --start-time … --end-time …`"
    )]
    Empty,
}

/// Why a signature does not prove a digest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// Nobody says what its signature is: a copy in a folder has lost it, and no later digest holds it.
    #[error(
        "its signature is not known: copies lose it, and no later digest is here that repeats it"
    )]
    Missing,
    /// Its key is none of the given ones.
    #[error("it was signed by the key {fingerprint}, which is not among the given public keys")]
    UnknownKey {
        /// Which key it names.
        fingerprint: String,
    },
    /// It does not fit.
    #[error("its signature does not fit: CloudTrail did not write it so")]
    Wrong,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    public_key_list: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    value: String,
    fingerprint: String,
}

impl PublicKeys {
    /// Reads the keys as `aws cloudtrail list-public-keys` writes them: JSON, each an RSA key of PKCS #1 in base64.
    ///
    /// # Errors
    ///
    /// When it is something else, or has no key.
    pub fn read(json: &[u8]) -> Result<PublicKeys, PublicKeysError> {
        let mut keys = PublicKeys::default();
        keys.add(json)?;
        Ok(keys)
    }

    /// Takes the keys of another file as well: each region has its own.
    ///
    /// # Errors
    ///
    /// As [`PublicKeys::read`].
    pub fn add(&mut self, json: &[u8]) -> Result<(), PublicKeysError> {
        // Windows' editors write a mark before the text.
        let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
        let listed: Listed = serde_json::from_slice(json)?;
        if listed.public_key_list.is_empty() {
            return Err(PublicKeysError::Empty);
        }
        for key in listed.public_key_list {
            let fingerprint = key.fingerprint.to_ascii_lowercase();
            let Ok(value) = STANDARD.decode(key.value.trim()) else {
                return Err(PublicKeysError::Base64 { fingerprint });
            };
            // What cannot check anything would let every digest seem forged.
            if !is_rsa_key(&value) {
                return Err(PublicKeysError::NoRsaKey { fingerprint });
            }
            match self.0.entry(fingerprint) {
                Entry::Occupied(known) if *known.get() != value => {
                    let fingerprint = known.key().clone();
                    return Err(PublicKeysError::TwoOfOneFingerprint { fingerprint });
                }
                known => {
                    known.or_insert(value);
                }
            }
        }
        Ok(())
    }

    /// Checks a signature, in hex as digests and their objects' metadata have it.
    ///
    /// # Errors
    ///
    /// When it does not prove the digest.
    pub fn check(&self, digest: &Digest, signature: &str) -> Result<(), SignatureFault> {
        let fingerprint = &digest.public_key_fingerprint;
        let key = self.0.get(&fingerprint.to_ascii_lowercase());
        let key = key.ok_or_else(|| SignatureFault::UnknownKey {
            fingerprint: fingerprint.clone(),
        })?;
        let signature = hex::decode(signature).map_err(|_| SignatureFault::Wrong)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(digest.signed_text().as_bytes(), &signature)
            .map_err(|_| SignatureFault::Wrong)
    }
}

/// Whether something is `SEQUENCE { modulus INTEGER, exponent INTEGER }` in DER, and nothing more.
fn is_rsa_key(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let numbers = match element(SEQUENCE, der) {
        Some((inside, [])) => inside,
        _ => return false,
    };
    let after_modulus = element(INTEGER, numbers).map(|(_, rest)| rest);
    let after_exponent = after_modulus.and_then(|rest| element(INTEGER, rest));
    matches!(after_exponent, Some((_, [])))
}

/// The content of an element of DER, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    // A length below 128 stands for itself; else its lower bits say how many bytes hold the length.
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(bytes) => {
            let (length, rest) = rest.split_at_checked(usize::from(bytes))?;
            let length = length.iter().try_fold(0_usize, |length, byte| {
                length.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        }
    };
    rest.split_at_checked(length).filter(|_| *found == tag)
}
