//! What a lake promises at every moment, looked at from outside after every write.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use trailback_sessions::Timestamp;
use trailback_tables::Table;
use trailback_tables::manifest::{Manifest, PartitionState};
use trailback_tables::partition::{DataKey, Day, FragmentKey, manifest_key, parse_manifest_key};

use super::alone::{Alone, Fragments, Partition, Partitions};
use super::facts::{Facts, facts_of_fragment, union};
use crate::store::memory::MemoryStore;
use crate::store::{Metadata, Store};

/// What somebody sees of the lake: the facts of each day of each table.
pub(super) type Reading = BTreeMap<(Table, Day), Facts>;

/// What there is at one moment.
#[derive(Default, Hash)]
pub(super) struct Moment {
    /// In fragments.
    stored: Reading,
    /// In the tables.
    published: Reading,
}

/// What lies in a store.
pub(super) type Objects = BTreeMap<String, (Bytes, Metadata)>;

/// How long a query may read what was published when it began, in milliseconds.
const QUERY_MS: i64 = 48 * 3_600_000;

/// How much the store's dates may lie, in milliseconds.
const SKEW_MS_MAX: i64 = 2 * 3_600_000;

#[derive(Clone, Debug, Hash)]
struct Generation {
    partition: Partition,
    facts: Facts,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Promises {
    alone: Arc<Alone>,
    /// Every fragment that was ever stored.
    fragments: Fragments,
    /// Every generation that was ever published, the newest last.
    generations: BTreeMap<(Table, Day), Vec<Generation>>,
    /// Until when somebody may read a data object; for ever while it is named.
    readable: BTreeMap<DataKey, Option<Timestamp>>,
}

/// What was promised up to now.
impl Hash for Promises {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The name of a fragment says what is in it, and what one linker makes is the same for all.
        let fragments: Vec<_> = self.fragments.keys().collect();
        (fragments, &self.generations, &self.readable).hash(state);
    }
}

impl Promises {
    /// Of a lake in which nothing has happened.
    pub(super) fn new(alone: Arc<Alone>) -> Promises {
        Promises {
            alone,
            fragments: BTreeMap::new(),
            generations: BTreeMap::new(),
            readable: BTreeMap::new(),
        }
    }

    /// Looks whether every promise is kept.
    pub(super) async fn check(&mut self, store: &MemoryStore) {
        let objects = store.objects();
        let now = store.now().await.unwrap();
        self.meet_fragments(&objects);
        self.check_that_nothing_is_lost(&objects);
        self.check_that_the_ledger_tells_the_truth(&objects);
        let listed = objects
            .keys()
            .filter_map(|key| parse_manifest_key(key).ok());
        let known = self.generations.keys().copied();
        let days: BTreeSet<(Table, Day)> = listed.chain(known).collect();
        for (table, day) in days {
            let manifest = objects.get(&manifest_key(table, day));
            let manifest = manifest.unwrap_or_else(|| panic!("{day} of {table:?} is gone"));
            self.meet_generation((table, day), manifest, &objects, now)
                .await;
        }
        self.check_that_queries_go_on(&objects, now);
    }

    fn meet_fragments(&mut self, objects: &Objects) {
        for (key, (content, _)) in objects {
            if let Ok(fragment) = key.parse::<FragmentKey>()
                && !self.fragments.contains_key(&fragment)
            {
                assert!(fragment.names(content), "{key} holds something else");
                let facts = facts_of_fragment(fragment.table, content);
                self.fragments.insert(fragment, (content.clone(), facts));
            }
        }
    }

    /// Every row of every fragment that was ever stored is in one that is there.
    fn check_that_nothing_is_lost(&self, objects: &Objects) {
        for table in Table::ALL {
            let of_table = self.fragments.iter().filter(|(key, _)| key.table == table);
            let stored = union(of_table.clone().map(|(_, (_, facts))| facts));
            let there = of_table.filter(|(key, _)| objects.contains_key(&key.to_string()));
            let there = union(there.map(|(_, (_, facts))| facts));
            let lost: Vec<_> = stored.difference(&there).collect();
            assert!(lost.is_empty(), "in no fragment any more: {lost:?}");
        }
    }

    /// What the ledger says was read is in the lake: a backfill will not read it again.
    fn check_that_the_ledger_tells_the_truth(&self, objects: &Objects) {
        let there = |table| {
            let there = self.fragments.iter().filter(move |(key, _)| {
                key.table == table && objects.contains_key(&key.to_string())
            });
            union(there.map(|(_, (_, facts))| facts))
        };
        let rows = there(Table::Sessions);
        for log_object in there(Table::LogObjects) {
            let read = self.alone.facts_in(&log_object);
            let missing: Vec<_> = read.difference(&rows).collect();
            assert!(missing.is_empty(), "read, but not there: {missing:?}");
        }
    }

    /// A new generation has everything that the one before it had, and is what one linker would have made.
    async fn meet_generation(
        &mut self,
        (table, day): (Table, Day),
        (text, metadata): &(Bytes, Metadata),
        objects: &Objects,
        now: Timestamp,
    ) {
        let manifest = Manifest::from_text(std::str::from_utf8(text).unwrap(), "").unwrap();
        let state = PartitionState::from_metadata(metadata).unwrap();
        let partition = Partition::of(&manifest, &state);
        for key in manifest.objects() {
            let content = objects.get(&key.to_string());
            let (content, _) = content.unwrap_or_else(|| panic!("{key} is named and not there"));
            assert!(key.names(content), "{key} holds something else");
        }
        self.note_what_may_be_read((table, day), &manifest, now);
        let before = self.generations.entry((table, day)).or_default().last();
        if before.is_some_and(|before| before.partition == partition) {
            return;
        }
        let facts = self.alone.facts_of(&manifest, objects);
        let none = Facts::new();
        let before = before.map_or(&none, |before| &before.facts);
        let lost: Vec<_> = before.difference(&facts).collect();
        assert!(
            lost.is_empty(),
            "published of {day} and gone again: {lost:?}"
        );
        assert!(
            self.could_be((table, day), &partition, &facts).await,
            "{day} of {table:?} is what nobody alone would publish of {facts:?}"
        );
        let generations = self.generations.entry((table, day)).or_default();
        generations.push(Generation { partition, facts });
    }

    /// Notes that a manifest's objects may be read from now on, and until when those of the one before it.
    fn note_what_may_be_read(&mut self, place: (Table, Day), manifest: &Manifest, now: Timestamp) {
        for key in manifest.objects() {
            self.readable.insert(key.clone(), None);
        }
        for (key, until) in &mut self.readable {
            if (key.table, key.day) == place && until.is_none() && !manifest.names(key) {
                *until = Some(Timestamp(now.0 + QUERY_MS - SKEW_MS_MAX));
            }
        }
    }

    /// Whether a partition is what one linker makes of its day's facts and of any that were published of the day before it.
    async fn could_be(
        &self,
        (table, day): (Table, Day),
        partition: &Partition,
        facts: &Facts,
    ) -> bool {
        let earlier = self.generations.get(&(table, day.plus(-1)));
        let earlier = earlier
            .into_iter()
            .flatten()
            .map(|generation| &generation.facts);
        let none = Facts::new();
        for earlier in earlier.chain([&none]) {
            let all = earlier.union(facts).cloned().collect();
            let made = self.alone.of(table, all, &self.fragments).await;
            if made.get(&(table, day)) == Some(partition) {
                return true;
            }
        }
        false
    }

    /// What was published not too long ago is still there for who reads it.
    fn check_that_queries_go_on(&self, objects: &Objects, now: Timestamp) {
        for (key, until) in &self.readable {
            let may_be_read = until.is_none_or(|until| now <= until);
            assert!(
                !may_be_read || objects.contains_key(&key.to_string()),
                "{key} is gone while somebody may read it"
            );
        }
    }

    /// What there is by now.
    pub(super) fn moment(&self) -> Moment {
        let mut moment = Moment::default();
        for (key, (_, facts)) in &self.fragments {
            let stored = moment.stored.entry((key.table, key.hour.day));
            stored.or_default().extend(facts.iter().cloned());
        }
        for (place, generations) in &self.generations {
            let newest = generations.last().map(|newest| newest.facts.clone());
            moment
                .published
                .extend(newest.map(|newest| (*place, newest)));
        }
        moment
    }

    /// A linker that has ended well has published at least what was stored when it began.
    pub(super) fn check_linked(&self, beginning: &Moment) {
        let now = self.moment().published;
        for (place, stored) in &beginning.stored {
            let published = now.get(place);
            let is_done = published.is_some_and(|published| published.is_superset(stored));
            assert!(is_done, "linked, but of {place:?} there is {published:?}");
        }
    }

    /// A reader has seen one generation of each day, none older than what was published when it began.
    pub(super) fn check_read(&self, beginning: &Moment, reading: &Reading) {
        let published = beginning.published.iter();
        for (place, facts) in published.filter(|((table, _), _)| *table == Table::Sessions) {
            let seen = reading.get(place);
            let is_newer = seen.is_some_and(|seen| seen.is_superset(facts));
            assert!(is_newer, "read of {place:?}: {seen:?}");
        }
        for (place, seen) in reading {
            let mut generations = self.generations[place].iter();
            let is_one = generations.any(|one| one.facts == *seen);
            assert!(is_one, "read of {place:?}: {seen:?}");
        }
    }

    /// A backfill knows at least of what the ledger had been told when it began.
    pub(super) fn check_known(&self, beginning: &Moment, known: &Facts) {
        let stored = beginning.stored.iter();
        let entries = stored.filter(|((table, _), _)| *table == Table::LogObjects);
        assert!(
            known.is_superset(&union(entries.map(|(_, facts)| facts))),
            "known: {known:?}"
        );
    }

    /// Looks whether the lake is what one extractor and one linker make of everything that was delivered.
    pub(super) fn check_end(&self, only: Option<Table>) {
        let newest = |(place, generations): (&(Table, Day), &Vec<Generation>)| {
            Some((*place, generations.last()?.partition.clone()))
        };
        let found: Partitions = self.generations.iter().filter_map(newest).collect();
        let mut wanted = self.alone.everything().clone();
        wanted.retain(|(table, _), _| only.is_none_or(|only| only == *table));
        assert_eq!(found, wanted);
    }
}
