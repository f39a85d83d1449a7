//! A store that breaks when it is told to, and remembers what was asked of it.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use trailback_sessions::Timestamp;

use super::{Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, StoreError};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call does nothing and fails; later ones work.
    Fails,
    /// The call is done, but its reply is lost; later ones work.
    LosesReply,
    /// The call does nothing, and the process is dead from then on.
    CrashesBefore,
    /// The call is done, and the process is dead from then on.
    CrashesAfter,
}

/// A call, as it was asked: its name and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    /// `list`, `get`, `get_range`, `put`, `head`, `delete` or `now`.
    pub(crate) operation: &'static str,
    /// The key or prefix.
    pub(crate) key: String,
}

/// A store around another one.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: Option<(usize, Fault)>,
    calls: Mutex<Vec<Call>>,
}

impl FaultyStore {
    /// Breaks at the `at`-th call, counted from zero.
    pub(crate) fn breaking(inner: Arc<dyn Store>, at: usize, fault: Fault) -> FaultyStore {
        FaultyStore {
            inner,
            fault: Some((at, fault)),
            calls: Mutex::default(),
        }
    }

    /// Never breaks.
    pub(crate) fn watching(inner: Arc<dyn Store>) -> FaultyStore {
        FaultyStore {
            inner,
            fault: None,
            calls: Mutex::default(),
        }
    }

    /// Every call up to now.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often an operation was called on keys that start with a prefix.
    pub(crate) fn count(&self, operation: &str, prefix: &str) -> usize {
        let is_such = |call: &&Call| call.operation == operation && call.key.starts_with(prefix);
        self.calls().iter().filter(is_such).count()
    }

    /// Notes a call; tells whether it is to be done and whether its reply is to be handed on.
    fn note(&self, operation: &'static str, key: &str) -> (bool, bool) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let number = calls.len();
        calls.push(Call {
            operation,
            key: key.to_owned(),
        });
        let Some((at, fault)) = self.fault else {
            return (true, true);
        };
        let dies = matches!(fault, Fault::CrashesBefore | Fault::CrashesAfter);
        match number.cmp(&at) {
            std::cmp::Ordering::Less => (true, true),
            std::cmp::Ordering::Greater => (!dies, !dies),
            std::cmp::Ordering::Equal => (
                matches!(fault, Fault::LosesReply | Fault::CrashesAfter),
                false,
            ),
        }
    }

    fn broken(&self, key: &str) -> StoreError {
        StoreError::Unavailable {
            location: self.inner.location(key),
            action: "reach",
            cause: io::Error::other("broken on purpose"),
        }
    }
}

macro_rules! pass_on {
    ($self:ident, $operation:literal, $key:expr, $call:expr) => {{
        let (is_done, replies) = $self.note($operation, $key);
        let outcome = if is_done { Some($call.await) } else { None };
        match outcome {
            Some(outcome) if replies => outcome,
            _ => Err($self.broken($key)),
        }
    }};
}

#[async_trait]
impl Store for FaultyStore {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        pass_on!(self, "list", prefix, self.inner.list(prefix, after))
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        pass_on!(self, "get", key, self.inner.get(key))
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        pass_on!(
            self,
            "get_range",
            key,
            self.inner.get_range(key, range, if_match)
        )
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        pass_on!(
            self,
            "put",
            key,
            self.inner.put(key, content, condition, metadata)
        )
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        pass_on!(self, "head", key, self.inner.head(key))
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        let (is_done, replies) = self.note("delete", keys.first().map_or("", String::as_str));
        let outcomes = if is_done {
            self.inner.delete(keys).await
        } else {
            Vec::new()
        };
        if is_done && replies {
            return outcomes;
        }
        keys.iter().map(|key| Err(self.broken(key))).collect()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        pass_on!(self, "now", "", self.inner.now())
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
    async fn a_watched_store_keeps_the_contract() {
        let make = || -> Arc<dyn Store> {
            Arc::new(FaultyStore::watching(Arc::new(MemoryStore::with_pages_of(
                3,
            ))))
        };
        contract::check(&make).await;
    }

    #[tokio::test]
    async fn each_fault_breaks_as_it_says() {
        let cases = [
            (Fault::Fails, false, true),
            (Fault::LosesReply, true, true),
            (Fault::CrashesBefore, false, false),
            (Fault::CrashesAfter, true, false),
        ];
        for (fault, is_done, lives_on) in cases {
            let memory = Arc::new(MemoryStore::new());
            let store = FaultyStore::breaking(Arc::clone(&memory) as _, 0, fault);
            let put = store
                .put("a", Bytes::new(), Condition::Always, Metadata::new())
                .await;
            assert!(matches!(put.unwrap_err(), StoreError::Unavailable { .. }));
            assert_eq!(memory.objects().contains_key("a"), is_done, "{fault:?}");
            assert_eq!(store.list("", None).await.is_ok(), lives_on, "{fault:?}");
            assert_eq!((store.count("put", "a"), store.count("list", "")), (1, 1));
        }
    }
}
