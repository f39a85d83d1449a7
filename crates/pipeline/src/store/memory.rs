//! A store in memory, with a clock that tests can set.

use std::collections::BTreeMap;
#[cfg(test)]
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use trailback_sessions::Timestamp;

use super::{
    Condition, ETag, Listed, Metadata, Object, ObjectMeta, PAGE_OBJECTS_MAX, Page, Store,
    StoreError, check_key, check_metadata, content_hash,
};

/// Objects in a map. Its time stands still until it is set.
#[derive(Debug)]
pub struct MemoryStore {
    shelf: Mutex<Shelf>,
    page_objects: usize,
}

#[derive(Clone, Debug, Default)]
struct Shelf {
    objects: BTreeMap<String, (ObjectMeta, Bytes)>,
    now: Timestamp,
}

impl Default for MemoryStore {
    fn default() -> MemoryStore {
        MemoryStore::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::with_pages_of(PAGE_OBJECTS_MAX)
    }

    /// An empty store whose listings come in pages of at most `page_objects` (at least one).
    pub fn with_pages_of(page_objects: usize) -> MemoryStore {
        MemoryStore {
            shelf: Mutex::default(),
            page_objects: page_objects.max(1),
        }
    }

    /// Sets the store's time.
    pub fn set_time(&self, now: Timestamp) {
        self.shelf().now = now;
    }

    /// Every object with its content and metadata, to compare whole stores.
    pub fn objects(&self) -> BTreeMap<String, (Bytes, Metadata)> {
        let copy = |(key, (meta, content)): (&String, &(ObjectMeta, Bytes))| {
            (key.clone(), (content.clone(), meta.metadata.clone()))
        };
        self.shelf().objects.iter().map(copy).collect()
    }

    /// A store of its own, as this one is now.
    #[cfg(test)]
    pub(crate) fn copy(&self) -> MemoryStore {
        MemoryStore {
            shelf: Mutex::new(self.shelf().clone()),
            page_objects: self.page_objects,
        }
    }

    /// The digest of the time and, where a prefix is given, of every object whose key begins so.
    #[cfg(test)]
    pub(crate) fn digest(&self, prefix: Option<&str>) -> u64 {
        let mut hasher = DefaultHasher::new();
        let shelf = self.shelf();
        shelf.now.hash(&mut hasher);
        let objects = shelf.objects.iter();
        let of_prefix = |key: &str| prefix.is_some_and(|prefix| key.starts_with(prefix));
        for (key, (meta, _)) in objects.filter(|(key, _)| of_prefix(key)) {
            (key, &meta.etag, meta.modified_at, &meta.metadata).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No operation leaves the shelf half changed, so a panic elsewhere does not spoil it.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Result<(ObjectMeta, Bytes), StoreError> {
        check_key(key)?;
        let found = self.shelf().objects.get(key).cloned();
        found.ok_or_else(|| StoreError::NotFound {
            location: self.location(key),
        })
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let shelf = self.shelf();
        let mut rest = shelf
            .objects
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        let listed = |(key, (meta, _)): (&String, &(ObjectMeta, Bytes))| Listed {
            key: key.clone(),
            size_bytes: meta.size_bytes,
            modified_at: meta.modified_at,
        };
        let objects: Vec<Listed> = rest.by_ref().take(self.page_objects).map(listed).collect();
        let next = rest.next().and(objects.last()).map(|last| last.key.clone());
        Ok(Page { objects, next })
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        let (meta, content) = self.find(key)?;
        Ok(Object {
            meta,
            content: stream::iter([Ok(content)]).boxed(),
        })
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        let (meta, content) = self.find(key)?;
        if if_match.is_some_and(|etag| *etag != meta.etag) {
            return Err(StoreError::Precondition {
                location: self.location(key),
            });
        }
        let clip = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
        let (start, end) = (clip(range.start), clip(range.end));
        Ok(content.slice(start..end.max(start)))
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        check_key(key)?;
        check_metadata(&metadata)?;
        let etag = ETag::of_content(&content_hash(&content));
        let mut shelf = self.shelf();
        let present = shelf.objects.get(key).map(|(meta, _)| &meta.etag);
        let holds = match (&condition, present) {
            (Condition::Always, _) | (Condition::IfAbsent, None) => true,
            (Condition::IfMatches(wanted), Some(present)) => wanted == present,
            (Condition::IfAbsent, Some(_)) | (Condition::IfMatches(_), None) => false,
        };
        if !holds {
            return Err(StoreError::Precondition {
                location: self.location(key),
            });
        }
        let meta = ObjectMeta {
            size_bytes: content.len() as u64,
            etag: etag.clone(),
            modified_at: shelf.now,
            metadata,
            version_id: None,
        };
        shelf.objects.insert(key.to_owned(), (meta, content));
        Ok(etag)
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        Ok(self.find(key)?.0)
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        let mut shelf = self.shelf();
        let mut delete = |key: &String| {
            check_key(key)?;
            shelf.objects.remove(key);
            Ok(())
        };
        keys.iter().map(&mut delete).collect()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.shelf().now)
    }

    fn location(&self, key: &str) -> String {
        format!("memory:{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_in_memory_keeps_the_contract() {
        contract::check(&|| std::sync::Arc::new(MemoryStore::with_pages_of(3))).await;
    }

    #[tokio::test]
    async fn ages_are_told_by_the_time_that_was_set() -> Result<(), StoreError> {
        let store = MemoryStore::new();
        store.set_time(Timestamp(5_000));
        store
            .put("a", Bytes::new(), Condition::Always, Metadata::new())
            .await?;
        store.set_time(Timestamp(9_000));
        assert_eq!(store.head("a").await?.modified_at, Timestamp(5_000));
        assert_eq!(store.now().await?, Timestamp(9_000));
        Ok(())
    }
}
