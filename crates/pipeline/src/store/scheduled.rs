//! A store whose every call waits until a schedule lets it go, and that says what becomes of it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{join_all, pending};
use tokio::sync::oneshot;
use trailback_sessions::Timestamp;

use super::faulty::Call;
use super::memory::MemoryStore;
use super::{Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, StoreError};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// It is done and answered.
    Goes,
    /// It is done, but the answer is lost (S3: 500, 503, or nothing).
    LosesReply,
    /// It is done, the answer is lost, and the client's second try is refused because of the first (S3: 412). Of what is
    /// no write, as [`Fate::Goes`].
    MeetsItself,
    /// Nothing is done (S3: 503, or 409 again and again).
    Fails,
    /// It is done, and the answer never comes.
    NeverAnswers,
}

impl Call {
    /// Whether it may change what lies in the store.
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.operation, "put" | "delete")
    }

    /// Whether it may make a difference which of two calls comes first: one writes what the other reads, or both write, and
    /// who looks from outside sees which was first.
    pub(crate) fn depends_on(&self, other: &Call) -> bool {
        let meets = |write: &Call, other: &Call| {
            write.is_write()
                && match other.operation {
                    "list" => write.key.starts_with(&other.key),
                    "put" | "delete" => true,
                    "now" => false,
                    _ => write.key == other.key,
                }
        };
        meets(self, other) || meets(other, self)
    }
}

/// The calls of one actor in one life that wait, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    calls: Mutex<Vec<(Call, oneshot::Sender<Fate>)>>,
    told: AtomicU64,
}

impl Waiting {
    /// All of them.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().iter().map(|(call, _)| call.clone()).collect()
    }

    /// The digest of all answers that its actor has had, which decide what it does next.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    fn tell(&self, answer: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.told(), answer).hash(&mut hasher);
        self.told.store(hasher.finish(), Ordering::SeqCst);
    }

    /// Decides on one of them. It is done when its actor is polled next.
    pub(crate) fn let_go(&self, place: usize, fate: Fate) {
        let (_, gate) = self.lock().remove(place);
        // Who was dropped meanwhile does not mind.
        let _ = gate.send(fate);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Call, oneshot::Sender<Fate>)>> {
        let mut waiting = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, gate)| !gate.is_closed());
        waiting
    }
}

/// One actor's way to a store.
#[derive(Debug)]
pub(crate) struct ScheduledStore {
    inner: Arc<MemoryStore>,
    waiting: Arc<Waiting>,
}

impl ScheduledStore {
    /// The way to `inner` of the actor whose calls wait in `waiting`.
    pub(crate) fn new(inner: Arc<MemoryStore>, waiting: Arc<Waiting>) -> ScheduledStore {
        ScheduledStore { inner, waiting }
    }

    /// Waits for a call's turn.
    async fn turn(&self, operation: &'static str, key: &str) -> Fate {
        let (gate, opened) = oneshot::channel();
        let call = Call {
            operation,
            key: key.to_owned(),
        };
        self.waiting.lock().push((call, gate));
        // Without a schedule nothing happens any more.
        let fate = opened.await.unwrap_or(Fate::Fails);
        // What is there now decides the answer.
        let is_there = self.inner.digest((operation != "now").then_some(key));
        self.waiting.tell((operation, key, fate, is_there));
        fate
    }

    fn unreachable(&self, key: &str) -> StoreError {
        StoreError::Unavailable {
            location: self.inner.location(key),
            action: "reach",
            cause: io::Error::other("so it was scheduled"),
        }
    }

    /// S3 promises no order among the keys of one request, and that others see them go together neither.
    async fn delete_one(&self, key: &String) -> Result<(), StoreError> {
        let fate = self.turn("delete", key).await;
        if fate == Fate::Fails {
            return Err(self.unreachable(key));
        }
        self.inner
            .delete(std::slice::from_ref(key))
            .await
            .remove(0)?;
        match fate {
            Fate::LosesReply => Err(self.unreachable(key)),
            Fate::NeverAnswers => pending().await,
            Fate::Goes | Fate::MeetsItself | Fate::Fails => Ok(()),
        }
    }
}

macro_rules! in_turn {
    ($self:ident, $operation:literal, $key:expr, $call:expr) => {
        match $self.turn($operation, $key).await {
            Fate::Goes | Fate::MeetsItself => $call.await,
            Fate::LosesReply | Fate::Fails => Err($self.unreachable($key)),
            Fate::NeverAnswers => pending().await,
        }
    };
}

#[async_trait]
impl Store for ScheduledStore {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        in_turn!(self, "list", prefix, self.inner.list(prefix, after))
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        in_turn!(self, "get", key, self.inner.get(key))
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        let part = self.inner.get_range(key, range, if_match);
        in_turn!(self, "get_range", key, part)
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        let fate = self.turn("put", key).await;
        if fate == Fate::Fails {
            return Err(self.unreachable(key));
        }
        let etag = self.inner.put(key, content, condition, metadata).await?;
        match fate {
            Fate::LosesReply => Err(self.unreachable(key)),
            Fate::MeetsItself => Err(StoreError::Precondition {
                location: self.inner.location(key),
            }),
            Fate::NeverAnswers => pending().await,
            Fate::Goes | Fate::Fails => Ok(etag),
        }
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        in_turn!(self, "head", key, self.inner.head(key))
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        join_all(keys.iter().map(|key| self.delete_one(key))).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        in_turn!(self, "now", "", self.inner.now())
    }

    fn location(&self, key: &str) -> String {
        self.inner.location(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    /// A store whose calls never wait for long.
    fn unhindered() -> Arc<dyn Store> {
        let waiting = Arc::new(Waiting::default());
        let inner = Arc::new(MemoryStore::with_pages_of(3));
        let store = Arc::new(ScheduledStore::new(inner, Arc::clone(&waiting)));
        tokio::spawn(async move {
            while Arc::strong_count(&waiting) > 1 {
                while !waiting.calls().is_empty() {
                    waiting.let_go(0, Fate::Goes);
                }
                tokio::task::yield_now().await;
            }
        });
        store
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_scheduled_store_keeps_the_contract() {
        contract::check(&unhindered).await;
    }

    #[tokio::test]
    async fn each_fate_is_as_it_says() {
        let cases = [
            (Fate::Goes, true, "Ok"),
            (Fate::LosesReply, true, "Unavailable"),
            (Fate::MeetsItself, true, "Precondition"),
            (Fate::Fails, false, "Unavailable"),
        ];
        for (fate, is_done, answer) in cases {
            let inner = Arc::new(MemoryStore::new());
            let waiting = Arc::new(Waiting::default());
            let store = ScheduledStore::new(Arc::clone(&inner), Arc::clone(&waiting));
            let mut put = store.put("a", Bytes::new(), Condition::IfAbsent, Metadata::new());
            assert!(futures::poll!(&mut put).is_pending());
            assert!(inner.objects().is_empty(), "it waits");
            waiting.let_go(0, fate);
            let told = format!("{:?}", put.await);
            assert!(told.contains(answer), "{fate:?}: {told}");
            assert_eq!(inner.objects().len(), usize::from(is_done), "{fate:?}");
        }
    }
}
