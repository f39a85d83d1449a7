//! A store that counts what is asked of it, for who tells what a question cost.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use trailback_sessions::Timestamp;

use super::{Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, StoreError};

/// What was asked of a store so far.
#[derive(Debug, Default)]
pub struct Counts {
    requests: AtomicU64,
    bytes_read: AtomicU64,
}

impl Counts {
    /// How many requests there were, of any kind.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many bytes of content they brought.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// See the module.
pub(crate) struct CountedStore {
    inner: Arc<dyn Store>,
    counts: Arc<Counts>,
}

impl CountedStore {
    /// A store that counts from zero.
    pub(crate) fn new(inner: Arc<dyn Store>) -> (CountedStore, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let store = CountedStore {
            inner,
            counts: Arc::clone(&counts),
        };
        (store, counts)
    }
}

#[async_trait]
impl Store for CountedStore {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        self.counts.add(0);
        self.inner.list(prefix, after).await
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        let object = self.inner.get(key).await;
        self.counts
            .add(object.as_ref().map_or(0, |object| object.meta.size_bytes));
        object
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        let bytes = self.inner.get_range(key, range, if_match).await;
        self.counts
            .add(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
        bytes
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        self.counts.add(0);
        self.inner.put(key, content, condition, metadata).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        self.counts.add(0);
        self.inner.head(key).await
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        self.counts.add(0);
        self.inner.delete(keys).await
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        self.counts.add(0);
        self.inner.is_empty().await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.counts.add(0);
        self.inner.now().await
    }

    fn location(&self, key: &str) -> String {
        self.inner.location(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;
    use crate::store::memory::MemoryStore;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_counted_store_keeps_the_contract() {
        contract::check(&|| {
            let inner = Arc::new(MemoryStore::with_pages_of(3));
            Arc::new(CountedStore::new(inner).0)
        })
        .await;
    }

    #[tokio::test]
    async fn requests_and_bytes_are_counted() {
        let (store, counts) = CountedStore::new(Arc::new(MemoryStore::default()));
        let content = Bytes::from_static(b"0123456789");
        let put = store.put("a/b", content, Condition::Always, Metadata::new());
        put.await.unwrap();
        store.get("a/b").await.unwrap();
        store.get_range("a/b", 8..100, None).await.unwrap();
        assert!(store.get("a/c").await.is_err());
        assert_eq!((counts.requests(), counts.bytes_read()), (4, 12));
    }
}
