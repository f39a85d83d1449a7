//! Where a lake lies: list, get, put, head and delete, the same on every store.
//!
//! The words are S3's and so are the promises: an object is replaced as a whole or not at all, a write that returned
//! is seen by every later read and list, and a conditional write has exactly one winner. Every implementation passes
//! the suite in `contract`. It is no file system: there are no folders, no renames and no partial writes.

#[cfg(test)]
pub(crate) mod contract;
pub mod counted;
#[cfg(test)]
pub(crate) mod faulty;
pub mod folder;
pub mod memory;
pub mod s3;
#[cfg(test)]
pub(crate) mod scheduled;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt};
use sha2::{Digest, Sha256};
use trailback_sessions::Timestamp;

/// How many objects one page of a listing holds; S3 never gives more.
pub const PAGE_OBJECTS_MAX: usize = 1000;

/// The longest key a store takes, in bytes; S3's limit.
pub const KEY_BYTES_MAX: usize = 1024;

/// Small text kept with an object: names of lower-case letters, digits and `-`, values of visible ASCII.
pub type Metadata = BTreeMap<String, String>;

/// A flat room of named objects.
#[async_trait]
pub trait Store: Send + Sync {
    /// Lists objects whose key starts with `prefix`, in the order of the keys' bytes, one page.
    ///
    /// Only keys greater than `after` are listed: hand on [`Page::next`] to go on, or use [`list_all`].
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError>;

    /// Opens an object: what is known of it, and its content piece by piece.
    async fn get(&self, key: &str) -> Result<Object, StoreError>;

    /// Reads a part of an object; with `if_match`, only if the object is still that version.
    ///
    /// A range that reaches beyond the object's end gives what there is; one that starts beyond it gives nothing.
    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError>;

    /// Stores an object if the condition holds, and tells its version.
    ///
    /// After [`StoreError::Unavailable`] the write may or may not have happened: read again. The other writer of
    /// [`StoreError::Precondition`] may have been this very call, where it was repeated because its reply was lost.
    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError>;

    /// What is known of an object, without its content.
    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError>;

    /// Deletes objects; a key without an object is no error. Gives one outcome per key, in the order of the keys.
    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>>;

    /// Whether there is nothing at all: no object, and nothing of anybody else's where objects would lie.
    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.list("", None).await?.objects.is_empty())
    }

    /// The store's own time, by which ages of objects are told.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Where the object lies, as a person would name it: a path, or `s3://bucket/key`.
    fn location(&self, key: &str) -> String;
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<Listed>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<String>,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The object's key.
    pub key: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was written, by the store's time.
    pub modified_at: Timestamp,
}

/// An opened object.
pub struct Object {
    /// What is known of it.
    pub meta: ObjectMeta,
    /// Its content, piece by piece.
    pub content: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl Object {
    /// Reads the whole content into memory.
    pub async fn bytes(mut self) -> Result<Bytes, StoreError> {
        let Some(first) = self.content.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.content.next().await.transpose()? else {
            return Ok(first);
        };
        let size = usize::try_from(self.meta.size_bytes).unwrap_or_default();
        let mut whole = BytesMut::with_capacity(size.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.content.next().await.transpose()? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its version.
    pub etag: ETag,
    /// When it was written, by the store's time.
    pub modified_at: Timestamp,
    /// What was put with it; empty where it cannot be trusted to belong to this very content.
    pub metadata: Metadata,
    /// Which of the kept versions this is, where the store keeps them (a versioned bucket).
    pub version_id: Option<String>,
}

/// The version of an object: opaque, for comparison only. Equal content may have equal versions, whatever its metadata.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(pub String);

impl ETag {
    /// A version that derives from the content alone.
    pub(crate) fn of_content(hash: &ContentHash) -> ETag {
        ETag(hex::encode(&hash[..16]))
    }
}

/// When a put may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// In any case.
    Always,
    /// Only if there is no object of that key (S3: `If-None-Match: *`).
    IfAbsent,
    /// Only if the object of that key is still that version (S3: `If-Match`).
    IfMatches(ETag),
}

/// Why a store did not do what was asked. Each kind is one that callers act upon differently.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("{location} does not exist")]
    NotFound {
        /// The object.
        location: String,
    },
    /// The condition does not hold: another writer was faster.
    #[error("{location} was written by someone else in the meantime")]
    Precondition {
        /// The object.
        location: String,
    },
    /// The store refuses.
    #[error("no permission to {action} {location}; {remedy}")]
    Denied {
        /// The object or folder.
        location: String,
        /// What was refused, as a verb.
        action: &'static str,
        /// What to allow, and where.
        remedy: String,
        /// What the store said.
        #[source]
        cause: std::io::Error,
    },
    /// The store has no space left.
    #[error("no space left to write {location}; nothing is lost: free some space and run again")]
    Full {
        /// The object.
        location: String,
        /// What the store said.
        #[source]
        cause: std::io::Error,
    },
    /// The store did not answer, or not sensibly; a write may have happened.
    #[error("cannot {action} {location}; run again")]
    Unavailable {
        /// The object or folder.
        location: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// What the store said.
        #[source]
        cause: std::io::Error,
    },
    /// The store cannot be used as things are set up; asking again will not help.
    #[error("cannot {action} {location}: {problem}")]
    Unusable {
        /// The object or folder.
        location: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// What is wrong, and which setting or name mends it.
        problem: String,
    },
    /// No object can have this key.
    #[error("{key:?} is no object key: lower-case letters, digits and -_.= between single slashes")]
    InvalidKey {
        /// The key.
        key: String,
    },
    /// No object can have this metadata.
    #[error(
        "{name:?} is no metadata: names are lower-case letters, digits and -, values visible ASCII"
    )]
    InvalidMetadata {
        /// The name of the entry.
        name: String,
    },
}

/// Lists all objects whose key starts with `prefix`, page by page.
pub async fn list_all(store: &dyn Store, prefix: &str) -> Result<Vec<Listed>, StoreError> {
    let mut objects = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.list(prefix, after.as_deref()).await?;
        objects.extend(page.objects);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(objects),
        }
    }
}

/// A SHA-256.
pub(crate) type ContentHash = [u8; 32];

/// The SHA-256 of some content.
pub(crate) fn content_hash(content: &[u8]) -> ContentHash {
    Sha256::digest(content).into()
}

/// Checks that a key is one that every store can keep, folders included.
///
/// Lower-case ASCII, because some folders do not tell `A` from `a`; no segment starts with a dot, because those are
/// hidden files, `..` among them.
pub(crate) fn check_key(key: &str) -> Result<(), StoreError> {
    let sound = key.len() <= KEY_BYTES_MAX && key.split('/').all(is_sound_segment);
    if sound {
        Ok(())
    } else {
        Err(StoreError::InvalidKey {
            key: key.to_owned(),
        })
    }
}

/// Whether a text may stand between two slashes of a key.
pub(crate) fn is_sound_segment(segment: &str) -> bool {
    let is_sound = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'=');
    (1..=200).contains(&segment.len()) && !segment.starts_with('.') && segment.bytes().all(is_sound)
}

/// Checks that metadata is what every store can keep (S3 sends it as HTTP headers).
pub(crate) fn check_metadata(metadata: &Metadata) -> Result<(), StoreError> {
    let is_sound_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let unsound = metadata.iter().find(|(name, value)| {
        name.is_empty()
            || !name.bytes().all(is_sound_name)
            || !value.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match unsound {
        Some((name, _)) => Err(StoreError::InvalidMetadata { name: name.clone() }),
        None => Ok(()),
    }
}
