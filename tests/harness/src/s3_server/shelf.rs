//! What the server holds: buckets, objects, versions, and its clock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::S3ServerOptions;

/// An object, as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its content.
    pub content: Bytes,
    /// What came with it as `x-amz-meta-…`, without that prefix.
    pub metadata: BTreeMap<String, String>,
    /// Its version as S3 tells it, without quotes.
    pub etag: String,
    /// Its version ID, where versions are kept.
    pub version_id: Option<String>,
    /// The key that was asked for as `aws:kms` encryption.
    pub kms_key_id: Option<String>,
    /// The CRC-64/NVME, or whichever checksum the client sent, as (header suffix, value).
    pub checksum: Option<Checksum>,
    /// When it was put, in whole seconds, as S3 tells it.
    pub modified_at: SystemTime,
}

/// A checksum that a client sent with an object, to be handed back with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-32, as base 64.
    Crc32(String),
    /// CRC-64/NVME, as base 64.
    Crc64Nvme(String),
}

impl StoredObject {
    /// Content alone.
    pub(super) fn of(content: Bytes) -> StoredObject {
        StoredObject {
            content,
            metadata: BTreeMap::new(),
            etag: String::new(),
            version_id: None,
            kms_key_id: None,
            checksum: None,
            modified_at: SystemTime::UNIX_EPOCH,
        }
    }
}

/// All versions of one key, oldest first; `None` is a delete marker.
type Versions = Vec<Option<StoredObject>>;

/// All buckets.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    buckets: BTreeMap<String, BTreeMap<String, Versions>>,
    puts: u64,
    /// How much the clock is ahead of the machine's.
    pub(super) ahead: Duration,
}

/// Whether a put may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    IfAbsent,
    IfMatches(String),
}

/// Why something cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    Bucket,
    Key,
    Version,
}

impl Shelf {
    #[expect(clippy::disallowed_methods, reason = "S3 has its own clock")]
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    pub(super) fn create_bucket(&mut self, bucket: &str) {
        self.buckets.entry(bucket.to_owned()).or_default();
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets.contains_key(bucket)
    }

    /// Stores an object in a bucket that is there; gives its `ETag`.
    pub(super) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        mut object: StoredObject,
        options: &S3ServerOptions,
    ) -> String {
        self.puts += 1;
        let mut hash = Sha256::new_with_prefix(&object.content);
        if options.has_opaque_etags {
            hash.update(self.puts.to_be_bytes());
        }
        object.etag = hex::encode(&hash.finalize()[..16]);
        object.version_id = options
            .is_versioned
            .then(|| format!("version-{}", self.puts));
        object.modified_at = whole_seconds(self.now());
        let etag = object.etag.clone();
        let objects = self.buckets.entry(bucket.to_owned()).or_default();
        let versions = objects.entry(key.to_owned()).or_default();
        if !options.is_versioned {
            versions.clear();
        }
        versions.push(Some(object));
        etag
    }

    /// Whether a put of that key may happen now; `Err` where the object it must replace is not there.
    pub(super) fn allows(
        &self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, Absent> {
        let present = self.find(bucket, key, None);
        match (condition, present) {
            (_, Err(Absent::Bucket)) => Err(Absent::Bucket),
            (Condition::Always, _) => Ok(true),
            (Condition::IfAbsent, present) => Ok(present.is_err()),
            (Condition::IfMatches(wanted), Ok(present)) => Ok(*wanted == present.etag),
            // AWS answers 404 here, other implementations 412.
            (Condition::IfMatches(_), Err(absent)) => Err(absent),
        }
    }

    /// The current object of a key, or one version of it.
    pub(super) fn find(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<&StoredObject, Absent> {
        let objects = self.buckets.get(bucket).ok_or(Absent::Bucket)?;
        let versions = objects.get(key).ok_or(Absent::Key)?;
        match version_id {
            None => versions.last().and_then(Option::as_ref).ok_or(Absent::Key),
            Some(wanted) => {
                let is_wanted =
                    |object: &&StoredObject| object.version_id.as_deref() == Some(wanted);
                versions
                    .iter()
                    .flatten()
                    .find(is_wanted)
                    .ok_or(Absent::Version)
            }
        }
    }

    pub(super) fn delete(&mut self, bucket: &str, key: &str, options: &S3ServerOptions) {
        let Some(objects) = self.buckets.get_mut(bucket) else {
            return;
        };
        if options.is_versioned {
            objects.entry(key.to_owned()).or_default().push(None);
        } else {
            objects.remove(key);
        }
    }

    pub(super) fn objects(&self, bucket: &str) -> BTreeMap<String, StoredObject> {
        let current = |(key, versions): (&String, &Versions)| {
            let object = versions.last()?.clone()?;
            Some((key.clone(), object))
        };
        let objects = self.buckets.get(bucket).into_iter().flatten();
        objects.filter_map(current).collect()
    }

    /// The keys that start with `prefix` and are greater than `after`, in the order of their bytes.
    pub(super) fn list<'a>(
        &'a self,
        bucket: &str,
        prefix: &'a str,
        after: &str,
    ) -> impl Iterator<Item = (&'a str, &'a StoredObject)> {
        let start = if after >= prefix {
            Bound::Excluded(after.to_owned())
        } else {
            Bound::Included(prefix.to_owned())
        };
        let objects = self.buckets.get(bucket).into_iter();
        objects
            .flat_map(move |objects| objects.range::<String, _>((start.clone(), Bound::Unbounded)))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter_map(|(key, versions)| Some((key.as_str(), versions.last()?.as_ref()?)))
    }
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since_epoch = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs())
}
