//! Stores that break at every call, and linkers that work at the same time.

use super::*;

/// Every way in which a store can break, at every call.
async fn survives(fault: Fault, new_store: &dyn Fn(usize) -> Arc<dyn Store>, is_locked: bool) {
    let story = story::days_of_calls_every(190, 9);
    let wanted = one_shot(&story).await;
    for at in 0.. {
        let inner = new_store(at);
        lake_in(Arc::clone(&inner)).await;
        let faulty = Arc::new(FaultyStore::breaking(Arc::clone(&inner), at, fault));
        let ended_well = try_ingest_twice(Arc::clone(&faulty) as _, &story).await;
        let calls = faulty.calls().len();
        let lake = lake_in(Arc::clone(&inner)).await;
        for part in story.chunks(5) {
            ingest(&lake, "all", part).await;
        }
        assert!(
            table(&*inner).await == wanted,
            "{fault:?} at call {at}: {:?}",
            faulty.calls().get(at)
        );
        let again = relink(&lake, &LinkOptions::default()).await;
        assert_eq!(again.hours_linked, 0, "{fault:?} at call {at}");
        if is_locked {
            let left = list_all(&*inner, DATA_PREFIX).await.unwrap();
            assert!(
                left.iter().all(|listed| wanted.contains_key(&listed.key)),
                "{fault:?} at {at}"
            );
        }
        if calls <= at {
            assert!(ended_well && at > 50);
            break;
        }
    }
}

/// Ingests a story in two parts, so that the second run replaces what the first one published.
async fn try_ingest_twice(store: Arc<dyn Store>, story: &[Value]) -> bool {
    let Ok(lake) = Lake::in_store(store, "", Access::Write).await else {
        return false;
    };
    let folder = tempfile::tempdir().unwrap();
    for part in story.chunks(5) {
        story::deliver(folder.path(), "all", part);
        let paths = [folder.path().to_owned()];
        let options = crate::extract::ExtractOptions {
            threads: 1,
            ..Default::default()
        };
        let log_objects = folders::find(&paths).await.unwrap();
        if crate::ingest::ingest(&lake, log_objects, &options, &silent())
            .await
            .is_err()
        {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_leaves_a_lake_that_the_next_run_completes() {
    let new_store = |_| -> Arc<dyn Store> { Arc::new(MemoryStore::with_pages_of(7)) };
    for fault in FAULTS {
        survives(fault, &new_store, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_on_a_folder_leaves_a_lake_that_the_next_run_completes() {
    let room = tempfile::tempdir().unwrap();
    let new_store = |at: usize| -> Arc<dyn Store> {
        Arc::new(FolderStore::with_pages_of(
            room.path().join(at.to_string()),
            7,
        ))
    };
    survives(Fault::CrashesAfter, &new_store, false).await;
}

/// A store that lets others run at every call, sometimes several times.
struct Yielding {
    inner: Arc<dyn Store>,
    seed: AtomicU64,
}

impl Yielding {
    async fn pause(&self) {
        let step = self
            .seed
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        for _ in 0..(step >> 60) {
            tokio::task::yield_now().await;
        }
        if step >> 56 & 7 == 0 {
            tokio::time::sleep(Duration::from_millis(step >> 50 & 3)).await;
        }
    }
}

#[async_trait]
impl Store for Yielding {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        self.pause().await;
        self.inner.list(prefix, after).await
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        self.pause().await;
        self.inner.get(key).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        self.pause().await;
        self.inner.get_range(key, range, if_match).await
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        self.pause().await;
        self.inner.put(key, content, condition, metadata).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        self.pause().await;
        self.inner.head(key).await
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        self.pause().await;
        self.inner.delete(keys).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }

    fn location(&self, key: &str) -> String {
        self.inner.location(key)
    }
}

/// Three workers on one store, each of which delivers its part and links while the others are at work.
pub(super) async fn three_at_once<D, F>(store: &Arc<MemoryStore>, seed: u64, deliver: D)
where
    D: Fn(Lake, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let worker = |number: usize| {
        let seed = (seed * 3 + number as u64).wrapping_mul(0xD129_0D3B_3B3A_11C5);
        let (inner, deliver) = (Arc::clone(store) as Arc<dyn Store>, deliver.clone());
        async move {
            let seed = AtomicU64::new(seed);
            let lake = lake_in(Arc::new(Yielding { inner, seed })).await;
            deliver(lake.clone(), number).await;
            // Giving way is no failure: another one does the work.
            match link(&lake, &LinkOptions::default(), &silent()).await {
                Ok(_) | Err(LinkError::Contended { .. }) => {}
                Err(failure) => panic!("{failure:?}"),
            }
        }
    };
    let workers: Vec<_> = (0..3).map(|number| tokio::spawn(worker(number))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let lake = lake_in(Arc::clone(store) as _).await;
    relink(&lake, &LinkOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_linkers_at_once_make_the_table_that_one_makes() {
    let story = Arc::new(days(50));
    let wanted = one_shot(&story).await;
    for seed in 0..12 {
        let store = Arc::new(MemoryStore::with_pages_of(7));
        let deliver = {
            let story = Arc::clone(&story);
            move |lake: Lake, number: usize| {
                let part = story[number * 16..].iter().take(18).cloned();
                let part: Vec<_> = part.collect();
                async move { story::extract(&lake, "all", &part).await }
            }
        };
        three_at_once(&store, seed, deliver).await;
        assert!(table(&*store).await == wanted, "seed {seed}");
    }
}
