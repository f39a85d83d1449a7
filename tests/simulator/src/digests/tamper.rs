//! What somebody who can write to the bucket does to hide what happened.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Compression;
#[allow(
    clippy::disallowed_types,
    reason = "what is unpacked was written by this program"
)]
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// One way to tamper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tampering {
    /// A log object says something else
    AlteredLogObject,
    /// A log object is deleted
    MissingLogObject,
    /// A log object is added
    ExtraLogObject,
    /// A log object is deleted, and its line in the digest
    AlteredDigest,
    /// A digest is deleted
    MissingDigest,
    /// Two neighbouring digests are deleted
    MissingNeighbours,
}

/// What was done to which objects, as keys below the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tampered {
    /// Log objects that were changed, deleted or added.
    pub log_objects: Vec<String>,
    /// Digests that were changed or deleted.
    pub digests: Vec<String>,
}

/// Tampers with a folder of log objects and digests, in the middle of the longest chain of digests.
///
/// # Errors
/// When files cannot be read or written, or there are too few.
pub fn tamper(root: &Path, tampering: Tampering) -> io::Result<Tampered> {
    let chain = longest_chain(root)?;
    let middle = middle_of(&chain, root)?;
    let mut tampered = Tampered {
        log_objects: Vec::new(),
        digests: Vec::new(),
    };
    match tampering {
        Tampering::AlteredLogObject => {
            let (_, listed) = middle;
            let text = unpacked(&root.join(&listed))?;
            let text = String::from_utf8_lossy(&text).replacen(
                "\"eventVersion\":\"1",
                "\"eventVersion\":\"2",
                1,
            );
            pack(&root.join(&listed), text.as_bytes())?;
            tampered.log_objects.push(listed);
        }
        Tampering::MissingLogObject => {
            let (_, listed) = middle;
            fs::remove_file(root.join(&listed))?;
            tampered.log_objects.push(listed);
        }
        Tampering::ExtraLogObject => {
            let (_, listed) = middle;
            let extra = listed.replace(".json.gz", "X.json.gz");
            fs::copy(root.join(&listed), root.join(&extra))?;
            tampered.log_objects.push(extra);
        }
        Tampering::AlteredDigest => {
            let (digest, listed) = middle;
            let text = String::from_utf8_lossy(&unpacked(&root.join(&chain[digest]))?).into_owned();
            pack(
                &root.join(&chain[digest]),
                without(&text, &listed).as_bytes(),
            )?;
            fs::remove_file(root.join(&listed))?;
            tampered.digests.push(chain[digest].clone());
            tampered.log_objects.push(listed);
        }
        Tampering::MissingDigest => {
            let (digest, _) = middle;
            fs::remove_file(root.join(&chain[digest]))?;
            tampered.digests.push(chain[digest].clone());
        }
        Tampering::MissingNeighbours => {
            let (digest, _) = middle;
            for gone in &chain[digest - 1..=digest] {
                fs::remove_file(root.join(gone))?;
                tampered.digests.push(gone.clone());
            }
        }
    }
    Ok(tampered)
}

/// The keys of the digests of the account and region that have most, in order, without backfill digests.
fn longest_chain(root: &Path) -> io::Result<Vec<String>> {
    let mut chains = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(key) = digest_key(root, &path) {
                let chain = key.rsplit_once('_').map_or("", |(chain, _)| chain);
                let chain = chain.rsplit('/').next().unwrap_or_default().to_owned();
                chains.entry(chain).or_default().push(key);
            }
        }
    }
    let longest = chains.into_values().max_by_key(Vec::len);
    let mut longest = longest.ok_or_else(|| io::Error::other("there are no digests"))?;
    longest.sort();
    Ok(longest)
}

fn digest_key(root: &Path, path: &Path) -> Option<String> {
    let key = path.strip_prefix(root).ok()?.to_string_lossy().into_owned();
    let is_digest = key.contains("_CloudTrail-Digest_") && !key.contains("_backfill");
    is_digest.then_some(key)
}

/// A digest of the middle of a chain that lists something, and the first that it lists.
fn middle_of(chain: &[String], root: &Path) -> io::Result<(usize, String)> {
    let middle = chain.len() / 2;
    for number in (middle..chain.len().saturating_sub(1)).chain(2..middle) {
        let text = unpacked(&root.join(&chain[number]))?;
        let text = String::from_utf8_lossy(&text);
        let listed = text.split("\"logFiles\":[").nth(1).and_then(|list| {
            let (_, key) = list.split_once("\"s3Object\":\"")?;
            Some(key.split_once('"')?.0.to_owned())
        });
        if let Some(listed) = listed {
            return Ok((number, listed));
        }
    }
    Err(io::Error::other("no digest lists a log object"))
}

/// A digest's text without one of its log objects.
fn without(text: &str, listed: &str) -> String {
    let Some(at) = text.find(&format!("\"s3Object\":\"{listed}\"")) else {
        return text.to_owned();
    };
    let begin = text[..at].rfind('{').unwrap_or(0);
    let end = text[at..].find('}').map_or(text.len(), |end| at + end + 1);
    let rest = text[end..].strip_prefix(',').unwrap_or(&text[end..]);
    format!("{}{rest}", &text[..begin])
}

#[allow(
    clippy::disallowed_types,
    reason = "what is unpacked was written by this program"
)]
fn unpacked(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(fs::File::open(path)?).read_to_end(&mut text)?;
    Ok(text)
}

fn pack(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(fs::File::create(path)?, Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()?.flush()
}
