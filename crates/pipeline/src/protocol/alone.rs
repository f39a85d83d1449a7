//! What one extractor and one linker alone make of some records: that which everybody together must come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use trailback_tables::Table;
use trailback_tables::manifest::{Manifest, PartitionState, ShortDigest};
use trailback_tables::partition::{DataKey, Day, FragmentKey, parse_manifest_key};

use super::facts::{Facts, facts_of_fragment, facts_of_object, union};
use super::promises::Objects;
use crate::link::{LinkOptions, Linked, link};
use crate::store::memory::MemoryStore;
use crate::store::{Condition, Metadata, Store};
use crate::story::{lake_in, silent};

/// A day of a table as it is published: its data objects, whichever copies they are, and what is recorded of each hour
/// but for the digest of its inputs, which tells fragments from their fold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Partition {
    objects: BTreeSet<String>,
    hours: Vec<(u8, ShortDigest, u32)>,
}

impl Partition {
    pub(super) fn of(manifest: &Manifest, state: &PartitionState) -> Partition {
        let any_copy = |key: &DataKey| {
            let mut key = key.clone();
            key.copy = 1;
            key.to_string()
        };
        let hours = state.built();
        Partition {
            objects: manifest.objects().map(any_copy).collect(),
            hours: hours
                .map(|(hour, state)| (hour, state.link_id, state.row_count))
                .collect(),
        }
    }
}

/// Every day of every table.
pub(super) type Partitions = BTreeMap<(Table, Day), Partition>;

/// Every fragment that there was, with its bytes and what it says.
pub(super) type Fragments = BTreeMap<FragmentKey, (Bytes, Facts)>;

/// See the module. What was made once is remembered.
pub(super) struct Alone {
    options: LinkOptions,
    rows: Facts,
    everything: Partitions,
    known: Mutex<HashMap<(Table, Facts), Arc<Partitions>>>,
    decoded: Mutex<HashMap<DataKey, Facts>>,
}

impl Alone {
    /// `extracted`: a lake into which one extractor has put everything.
    pub(super) async fn with(extracted: &MemoryStore, options: LinkOptions) -> Alone {
        let sessions = extracted
            .objects()
            .into_iter()
            .filter_map(|(key, (content, _))| {
                let key = key.parse::<FragmentKey>().ok()?;
                (key.table == Table::Sessions).then(|| facts_of_fragment(key.table, &content))
            });
        let sessions: Vec<Facts> = sessions.collect();
        Alone {
            options,
            rows: union(sessions.iter()),
            everything: linked(extracted.copy(), &options).await,
            known: Mutex::default(),
            decoded: Mutex::default(),
        }
    }

    /// Of everything that was delivered.
    pub(super) fn everything(&self) -> &Partitions {
        &self.everything
    }

    /// The facts of one log object.
    pub(super) fn facts_in(&self, log_object: &str) -> Facts {
        let end = format!(" in {log_object}");
        let is_in = |fact: &&String| fact.ends_with(&end);
        self.rows.iter().filter(is_in).cloned().collect()
    }

    /// What the data objects of a manifest say.
    pub(super) fn facts_of(&self, manifest: &Manifest, objects: &Objects) -> Facts {
        let mut decoded = self.decoded.lock().unwrap();
        let facts = manifest.objects().map(|key| {
            let facts = decoded.entry(key.clone()).or_insert_with(|| {
                let (content, _) = &objects[&key.to_string()];
                facts_of_object(key.table, content)
            });
            facts.clone()
        });
        facts.flatten().collect()
    }

    /// What is published where these are all the facts of a table, taken from fragments that say no more.
    pub(super) async fn of(
        &self,
        table: Table,
        facts: Facts,
        fragments: &Fragments,
    ) -> Arc<Partitions> {
        let asked = (table, facts);
        if let Some(known) = self.known.lock().unwrap().get(&asked) {
            return Arc::clone(known);
        }
        let store = Arc::new(MemoryStore::new());
        lake_in(Arc::clone(&store) as _).await;
        for (key, (content, of_fragment)) in fragments {
            if key.table == table && of_fragment.is_subset(&asked.1) {
                let (key, content) = (key.to_string(), content.clone());
                let put = store.put(&key, content, Condition::IfAbsent, Metadata::new());
                put.await.unwrap();
            }
        }
        let made = Arc::new(linked(store.copy(), &self.options).await);
        self.known.lock().unwrap().insert(asked, Arc::clone(&made));
        made
    }
}

/// Links a lake, and tells what is published.
async fn linked(store: MemoryStore, options: &LinkOptions) -> Partitions {
    let store = Arc::new(store);
    let lake = lake_in(Arc::clone(&store) as _).await;
    let linked = link(&lake, options, &silent()).await;
    linked.and_then(Linked::whole).unwrap();
    let partition = |(key, (text, metadata)): (String, (Bytes, Metadata))| {
        let place = parse_manifest_key(&key).ok()?;
        let manifest = Manifest::from_text(std::str::from_utf8(&text).unwrap(), "").unwrap();
        let state = PartitionState::from_metadata(&metadata).unwrap();
        Some((place, Partition::of(&manifest, &state)))
    };
    store.objects().into_iter().filter_map(partition).collect()
}
