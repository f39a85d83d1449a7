//! A look-up over a year: how many requests, bytes and seconds, for a key whose day nobody knows.
//!
//! `cargo bench -p trailback-pipeline --bench year [-- SESSIONS [DAYS]]` makes a lake in memory with SESSIONS sessions a day
//! (10,000 unless said otherwise) on each of DAYS days (365), so that each day is one data object. Then every request takes
//! 30 ms, as a small one to S3 does, and a key that no row has and one that one row has are looked up, with as many requests in
//! flight as the program wants and with one.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use trailback_pipeline::find::{TimeRange, find};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::memory::MemoryStore;
use trailback_pipeline::store::{
    Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, StoreError,
};
use trailback_sessions::{Issuance, Timestamp};
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{Table, encode_fragment};

#[expect(dead_code, reason = "others make chains of calls")]
#[path = "../../sessions/benches/link/calls.rs"]
mod calls;

use calls::{Calls, START_MS};

type Failure = Box<dyn std::error::Error>;

const SESSIONS: usize = 10_000;
const DAYS: usize = 365;
const DAY_MS: i64 = 86_400_000;
const REPLY: Duration = Duration::from_millis(30);

const ALWAYS: TimeRange = TimeRange {
    since: None,
    until: None,
};

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (sessions, days) = (numbers.next(), numbers.next());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(sessions.unwrap_or(SESSIONS), days.unwrap_or(DAYS)))
}

#[expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]
async fn measure(sessions: usize, days: usize) -> Result<(), Failure> {
    let store = Arc::new(Remote::default());
    let lake = Lake::in_store(Arc::clone(&store) as Arc<dyn Store>, "", Access::Write).await?;
    fill(&lake, sessions, days).await?;
    store.is_far.store(true, Ordering::Relaxed);
    println!("{sessions} sessions a day, {days} days, 30 ms a request");
    let keys = [
        ("of no row", key(usize::MAX)),
        ("of one row", key(sessions * days / 2)),
    ];
    for (which, key) in keys {
        for in_flight in [usize::MAX, 1] {
            let _others = store.leave(in_flight).await?;
            let (lake, counts) = lake.counted();
            let begun = Instant::now();
            let found = find(&lake, &key.parse()?, &ALWAYS).await?.len();
            println!(
                "a key {which:>10}: {found} found, {:>5} requests ({:.2} a day), {:>6.1} MB, {:>6.2} s with {}",
                counts.requests(),
                counts.requests() as f64 / days as f64,
                counts.bytes_read() as f64 / 1e6,
                begun.elapsed().as_secs_f64(),
                if in_flight == 1 {
                    "one in flight"
                } else {
                    "many in flight"
                },
            );
        }
    }
    Ok(())
}

/// A key as AWS makes them: two that follow each other have nothing in common, so that no statistics rule one out.
fn key(number: usize) -> String {
    let scattered = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("ASIA{scattered:016X}")
}

/// Publishes the days, one after the other.
async fn fill(lake: &Lake, sessions: usize, days: usize) -> Result<(), Failure> {
    let (calls, silent) = (Calls::new(), Arc::new(Silent) as Arc<dyn Progress>);
    for day in 0..days {
        let start = Timestamp(START_MS + day as i64 * DAY_MS);
        let at = |row: usize| Timestamp(start.0 + (row * 3_600_000 / sessions) as i64);
        let rows: Vec<Issuance> = (0..sessions)
            .map(|row| {
                let mut issuance = calls.assume_role(day * sessions + row, at(row));
                issuance.session.access_key_id = Some(key(day * sessions + row).into());
                issuance
            })
            .collect();
        let content = encode_fragment(&rows)?;
        let key = FragmentKey::of(Table::Sessions, EventHour::of(start), &content).to_string();
        let put = lake
            .store()
            .put(&key, content.into(), Condition::IfAbsent, Metadata::new());
        put.await?;
    }
    link(lake, &LinkOptions::default(), &silent).await?;
    Ok(())
}

/// A store in memory that can be made as far away as S3 is.
struct Remote {
    store: MemoryStore,
    is_far: AtomicBool,
    in_flight: Semaphore,
}

/// More requests than are ever made at once.
const IN_FLIGHT_MAX: usize = 1 << 20;

impl Default for Remote {
    fn default() -> Remote {
        Remote {
            store: MemoryStore::new(),
            is_far: AtomicBool::new(false),
            in_flight: Semaphore::new(IN_FLIGHT_MAX),
        }
    }
}

impl Remote {
    /// Leaves room for so many requests at once, until the rest is given back.
    async fn leave(&self, in_flight: usize) -> Result<impl Drop + '_, Failure> {
        let taken = IN_FLIGHT_MAX.saturating_sub(in_flight);
        Ok(self.in_flight.acquire_many(u32::try_from(taken)?).await?)
    }

    async fn reply<T>(&self, answer: impl Future<Output = T>) -> T {
        let _permit = self.in_flight.acquire().await;
        if self.is_far.load(Ordering::Relaxed) {
            tokio::time::sleep(REPLY).await;
        }
        answer.await
    }
}

#[async_trait]
impl Store for Remote {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        self.reply(self.store.list(prefix, after)).await
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        self.reply(self.store.get(key)).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        self.reply(self.store.get_range(key, range, if_match)).await
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        let put = self.store.put(key, content, condition, metadata);
        self.reply(put).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        self.reply(self.store.head(key)).await
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        self.reply(self.store.delete(keys)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.reply(self.store.now()).await
    }

    fn location(&self, key: &str) -> String {
        self.store.location(key)
    }
}
