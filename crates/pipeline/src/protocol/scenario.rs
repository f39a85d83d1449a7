//! Who is there, what was there before, and what every actor does.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::Value;
use trailback_sessions::{Session, Timestamp};
use trailback_tables::Table;
use trailback_tables::filter::Filter;
use trailback_tables::partition::Day;

use super::alone::Alone;
use super::facts::of_sessions;
use super::play::{Begin, Ended, Play};
use super::promises::{Promises, Reading};
use crate::extract::{ExtractError, ExtractOptions, extract};
use crate::find::{FindError, TimeRange, list};
use crate::fragments::FragmentError;
use crate::lake::{Access, Lake};
use crate::ledger;
use crate::link::{LinkError, LinkOptions, Linked, link};
use crate::log_objects::memory::MemoryLogs;
use crate::store::memory::MemoryStore;
use crate::store::{Condition, Store, StoreError};
use crate::story::{self, by_session, by_user, lake_in, minute, silent};

/// Log objects that are extracted together, each by one letter.
pub(super) type Batch = &'static str;

/// What an actor does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// Extracts batches, one after the other, each until it is acknowledged.
    Extractor(Vec<Batch>),
    /// Stores the rows of a batch, and never comes to tell the ledger.
    HalfExtractor(Batch),
    /// Links so many times.
    Linker(u32),
    /// Reads the whole table so many times.
    Reader(u32),
    /// Asks the ledger so many times what was read.
    Backfill(u32),
}

/// What happened before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Before {
    /// A batch was extracted.
    Extracted(Batch),
    /// A linker ran to its end.
    Linked,
    /// Hours passed.
    Hours(i64),
    /// The manifests of the table were taken away, as by a linker that never came to write them.
    Unpublished,
}

/// What is to be played.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) before: Vec<Before>,
    pub(super) actors: Vec<Role>,
    /// How many objects a page of a listing has.
    pub(super) page_objects: usize,
    /// From how many rows on a day has a data object for each hour.
    pub(super) day_object_rows: u64,
    /// How far the store's dates are from its clock.
    pub(super) skew_ms: i64,
    /// The one table that there is; `None`: both, which are independent, so that their orders multiply.
    pub(super) only: Option<Table>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            before: Vec::new(),
            actors: Vec::new(),
            page_objects: 1000,
            day_object_rows: LinkOptions::default().day_object_rows,
            skew_ms: 0,
            only: None,
        }
    }
}

/// Chains over two days, with repeats: what CloudTrail delivers in log objects `a` to `f`.
fn deliveries() -> BTreeMap<char, Vec<Value>> {
    let first = by_user(1, minute(22 * 60 + 50), "alice", "admin");
    let second = by_session(2, minute(23 * 60 + 20), &first, "deploy");
    let third = by_session(3, minute(24 * 60 + 10), &second, "deploy");
    let fourth = by_session(4, minute(24 * 60 + 20), &first, "audit");
    let fifth = by_session(5, minute(25 * 60), &third, "audit");
    let other = by_user(6, minute(23 * 60 + 30), "bob", "admin");
    BTreeMap::from([
        ('a', vec![first.clone()]),
        ('b', vec![second.clone(), third.clone()]),
        ('c', vec![second.clone(), other.clone()]),
        ('d', vec![third, fourth]),
        ('e', vec![fifth, first]),
        ('f', vec![other, second]),
    ])
}

/// When the play begins.
const START_MINUTE: i64 = 10_000;

/// A scenario that is ready to be played, as often as one likes.
pub(super) struct Stage {
    scenario: Scenario,
    logs: Arc<MemoryLogs>,
    store: MemoryStore,
    promises: Promises,
    /// The states in which everybody had finished.
    ended: Mutex<HashSet<u64>>,
}

impl Stage {
    /// Does what was before.
    pub(super) async fn set(scenario: Scenario) -> Stage {
        let logs = Arc::new(MemoryLogs::default());
        for (letter, records) in deliveries() {
            logs.put(&format!("{letter}.json"), story::log_object(&records));
        }
        let store = Arc::new(MemoryStore::with_pages_of(scenario.page_objects));
        store.set_time(minute(START_MINUTE));
        let lake = lake_in(Arc::clone(&store) as _).await;
        let options = scenario.link_options();
        let alone = Arc::new(alone(&scenario, &logs).await);
        let mut promises = Promises::new(Arc::clone(&alone));
        for step in &scenario.before {
            match step {
                Before::Extracted(batch) => extract_batch(&lake, &logs, batch).await.unwrap(),
                Before::Linked => {
                    link_all(&lake, &options).await;
                }
                Before::Hours(hours) => pass(&store, *hours).await,
                Before::Unpublished => {
                    clear(&store, Table::Sessions.manifests_prefix()).await;
                    promises = Promises::new(Arc::clone(&alone));
                }
            }
            promises.check(&store).await;
        }
        if let Some(only) = scenario.only {
            for table in Table::ALL.into_iter().filter(|table| *table != only) {
                clear(&store, &format!("{}/", table.name())).await;
            }
            promises = Promises::new(alone);
        }
        promises.check(&store).await;
        Stage {
            scenario,
            logs,
            store: store.copy(),
            promises,
            ended: Mutex::default(),
        }
    }

    /// Everybody is there, and nobody has done anything yet.
    pub(super) async fn play(&self) -> Play {
        let mut play = Play::on(
            self.store.copy(),
            self.promises.clone(),
            self.scenario.skew_ms,
        );
        for (number, role) in self.scenario.actors.iter().enumerate() {
            let (lives, begin) = self.cast(role);
            play.enter(format!("{number} {role:?}"), lives, begin).await;
        }
        play
    }

    fn cast(&self, role: &Role) -> (u32, Begin) {
        match role {
            Role::Extractor(batches) => (1, extractor(batches, &self.logs)),
            Role::HalfExtractor(batch) => (1, half_extractor(batch, &self.logs)),
            Role::Linker(lives) => (*lives, linker(self.scenario.link_options())),
            Role::Reader(lives) => (*lives, Box::new(|store, _| read(store).boxed_local())),
            Role::Backfill(lives) => (*lives, Box::new(|store, _| know(store).boxed_local())),
        }
    }

    /// Lets everybody finish, and looks what came of it: one more linker has nothing to do after one that had.
    pub(super) async fn end(&self, mut play: Play) {
        play.let_all_finish().await;
        if !self.ended.lock().unwrap().insert(play.state()) {
            return;
        }
        let options = self.scenario.link_options();
        let lake = lake_in(Arc::clone(&play.store) as _).await;
        link_all(&lake, &options).await;
        play.promises.check(&play.store).await;
        play.promises.check_end(self.scenario.only);
        let before = play.store.objects();
        link_all(&lake, &options).await;
        assert!(
            play.store.objects() == before,
            "there was something left to do"
        );
    }
}

impl Scenario {
    fn link_options(&self) -> LinkOptions {
        LinkOptions {
            day_object_rows: self.day_object_rows,
            ..LinkOptions::default()
        }
    }

    /// All log objects that anybody has extracted or will.
    fn log_objects(&self) -> String {
        let before = self.before.iter().filter_map(|step| match step {
            Before::Extracted(batch) => Some(*batch),
            _ => None,
        });
        let actors = self.actors.iter().flat_map(|role| match role {
            Role::Extractor(batches) => batches.clone(),
            Role::HalfExtractor(batch) => vec![*batch],
            _ => Vec::new(),
        });
        let letters: BTreeSet<char> = before.chain(actors).flat_map(str::chars).collect();
        letters.into_iter().collect()
    }
}

async fn alone(scenario: &Scenario, logs: &Arc<MemoryLogs>) -> Alone {
    let store = Arc::new(MemoryStore::new());
    store.set_time(minute(START_MINUTE));
    let lake = lake_in(Arc::clone(&store) as _).await;
    let all = scenario.log_objects();
    extract_batch(&lake, logs, &all).await.unwrap();
    Alone::with(&store, scenario.link_options()).await
}

/// Links, with nobody else there.
async fn link_all(lake: &Lake, options: &LinkOptions) {
    let linked = link(lake, options, &silent()).await;
    linked.and_then(Linked::whole).unwrap();
}

async fn pass(store: &MemoryStore, hours: i64) {
    let now = store.now().await.unwrap();
    store.set_time(Timestamp(now.0 + hours * 3_600_000));
}

async fn clear(store: &MemoryStore, prefix: &str) {
    let mut keys: Vec<String> = store.objects().into_keys().collect();
    keys.retain(|key| key.starts_with(prefix));
    store.delete(&keys).await;
}

/// Extracts a batch; it is acknowledged where this ends well.
async fn extract_batch(
    lake: &Lake,
    logs: &Arc<MemoryLogs>,
    batch: &str,
) -> Result<(), ExtractError> {
    let options = ExtractOptions {
        threads: 1,
        ..ExtractOptions::default()
    };
    let named = batch
        .chars()
        .map(|letter| logs.log_object(&format!("{letter}.json")));
    let named: Vec<_> = named.collect();
    let mut done = 0;
    let mut on_done = |_| done += 1;
    let extracted = extract(lake, named, &options, &silent(), &mut on_done).await?;
    assert!(extracted.problems.is_empty() && done == batch.len());
    Ok(())
}

fn extractor(batches: &[Batch], logs: &Arc<MemoryLogs>) -> Begin {
    let batches = batches.to_vec();
    let logs = Arc::clone(logs);
    Box::new(move |store, acknowledged| {
        let (logs, batches) = (Arc::clone(&logs), batches.clone());
        let live = async move {
            let lake = match open(store, Access::Write).await {
                Ok(lake) => lake,
                Err(reason) => return Ended::GaveUp(reason),
            };
            loop {
                let Some(batch) = batches.get(acknowledged.load(Ordering::SeqCst)) else {
                    return Ended::Done;
                };
                match extract_batch(&lake, &logs, batch).await {
                    Ok(()) => _ = acknowledged.fetch_add(1, Ordering::SeqCst),
                    Err(ExtractError::Store(failure)) => return gave_up(failure),
                    Err(failure) => panic!("{failure:?}"),
                }
            }
        };
        live.boxed_local()
    })
}

fn half_extractor(batch: Batch, logs: &Arc<MemoryLogs>) -> Begin {
    let logs = Arc::clone(logs);
    Box::new(move |store, _| {
        let logs = Arc::clone(&logs);
        let live = async move {
            let elsewhere = Arc::new(MemoryStore::new());
            let lake = lake_in(Arc::clone(&elsewhere) as _).await;
            extract_batch(&lake, &logs, batch).await.unwrap();
            let mut objects = elsewhere.objects();
            objects.retain(|key, _| key.starts_with(Table::Sessions.fragments_prefix()));
            for (key, (content, metadata)) in objects {
                let put = store.put(&key, content, Condition::IfAbsent, metadata);
                match put.await {
                    Ok(_) | Err(StoreError::Precondition { .. }) => {}
                    Err(failure) => return gave_up(failure),
                }
            }
            Ended::Done
        };
        live.boxed_local()
    })
}

fn linker(options: LinkOptions) -> Begin {
    Box::new(move |store, _| {
        let live = async move {
            let lake = match open(store, Access::Write).await {
                Ok(lake) => lake,
                Err(reason) => return Ended::GaveUp(reason),
            };
            match link(&lake, &options, &silent()).await {
                Ok(linked) => {
                    assert!(linked.left_out.is_empty(), "{linked:?}");
                    Ended::Linked
                }
                Err(LinkError::Store(failure)) => gave_up(failure),
                Err(contended @ LinkError::Contended { .. }) => {
                    Ended::GaveUp(contended.to_string())
                }
                Err(failure) => panic!("{failure:?}"),
            }
        };
        live.boxed_local()
    })
}

async fn read(store: Arc<dyn Store>) -> Ended {
    let lake = match open(store, Access::Read).await {
        Ok(lake) => lake,
        Err(reason) => return Ended::GaveUp(reason),
    };
    let mut reading = Reading::new();
    let mut on_rows = |rows: Vec<Session>| {
        for row in rows {
            let day = Day::of(row.issuance.record.event_time);
            let facts = of_sessions(&[row]);
            reading
                .entry((Table::Sessions, day))
                .or_default()
                .extend(facts);
        }
        ControlFlow::Continue(())
    };
    match list(&lake, &Filter::all(), &TimeRange::default(), &mut on_rows).await {
        Ok(()) => Ended::Read(reading),
        Err(FindError::Store(failure)) => gave_up(failure),
        Err(failure) => panic!("{failure:?}"),
    }
}

async fn know(store: Arc<dyn Store>) -> Ended {
    let lake = match open(store, Access::Read).await {
        Ok(lake) => lake,
        Err(reason) => return Ended::GaveUp(reason),
    };
    let days = Day::of(minute(0))..=Day::of(minute(26 * 60));
    match ledger::known(&lake, days).await {
        Ok(known) => Ended::Knows(known.keys().map(ToString::to_string).collect()),
        Err(FragmentError::Store(failure)) => gave_up(failure),
        Err(failure) => panic!("{failure:?}"),
    }
}

async fn open(store: Arc<dyn Store>, access: Access) -> Result<Lake, String> {
    match Lake::in_store(store, "", access).await {
        Ok(lake) => Ok(lake),
        Err(crate::lake::LakeError::Store(failure @ StoreError::Unavailable { .. })) => {
            Err(failure.to_string())
        }
        Err(failure) => panic!("{failure:?}"),
    }
}

/// A failure of the store is a reason to give up; that others were faster is none.
fn gave_up(failure: StoreError) -> Ended {
    match failure {
        StoreError::Unavailable { .. } => Ended::GaveUp(failure.to_string()),
        failure => panic!("{failure:?}"),
    }
}
