//! What lies in a lake at one moment: fragments, manifests, data objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use futures::StreamExt;
use futures::stream;
use trailback_sessions::Timestamp;
use trailback_tables::Table;
use trailback_tables::manifest::{Manifest, PartitionState};
use trailback_tables::partition::{DataKey, Day, EventHour, FragmentKey, parse_manifest_key};

use crate::lake::Lake;
use crate::store::{ETag, Listed, StoreError, list_all};

/// How many manifests are read at once.
const READS_AT_ONCE: usize = 16;

/// A published partition.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// The version of its manifest.
    pub(crate) etag: ETag,
    /// When the manifest was written, by the store's time.
    pub(crate) published_at: Timestamp,
    /// Which data objects it has; `None` where the manifest is damaged.
    pub(crate) manifest: Option<Manifest>,
    /// What the linker remembers of it; `None` where that is missing or damaged.
    pub(crate) state: Option<PartitionState>,
}

/// A fragment or data object as it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredObject {
    /// Its length in bytes.
    pub(crate) size_bytes: u64,
    /// When it was written, by the store's time.
    pub(crate) modified_at: Timestamp,
}

impl StoredObject {
    fn of(listed: &Listed) -> StoredObject {
        StoredObject {
            size_bytes: listed.size_bytes,
            modified_at: listed.modified_at,
        }
    }
}

/// The fragments of an hour.
pub(crate) type Fragments = BTreeMap<FragmentKey, StoredObject>;

/// The fragments of each hour.
pub(crate) type FragmentsByHour = BTreeMap<EventHour, Fragments>;

/// Lists all fragments of a table.
pub(crate) async fn fragments(lake: &Lake, table: Table) -> Result<FragmentsByHour, StoreError> {
    fragments_below(lake, table.fragments_prefix()).await
}

/// Lists the fragments below a prefix.
pub(crate) async fn fragments_below(
    lake: &Lake,
    prefix: &str,
) -> Result<FragmentsByHour, StoreError> {
    let mut fragments = FragmentsByHour::new();
    for listed in list_all(lake.store(), prefix).await? {
        // Whatever else somebody put there is not ours to judge.
        if let Ok(key) = listed.key.parse::<FragmentKey>() {
            let of_hour: &mut Fragments = fragments.entry(key.hour).or_default();
            of_hour.insert(key, StoredObject::of(&listed));
        }
    }
    Ok(fragments)
}

/// Reads the manifests of some days of a table.
pub(crate) async fn partitions(
    lake: &Lake,
    table: Table,
    days: &RangeInclusive<Day>,
) -> Result<BTreeMap<Day, Partition>, StoreError> {
    let listed = list_all(lake.store(), table.manifests_prefix()).await?;
    let of_days = |listed: Listed| {
        let (_, day) = parse_manifest_key(&listed.key).ok()?;
        days.contains(&day).then_some((day, listed.key))
    };
    let read = |(day, key): (Day, String)| async move {
        match partition(lake, &key).await {
            // Withdrawn since it was listed.
            Err(StoreError::NotFound { .. }) => None,
            read => Some(read.map(|partition| (day, partition))),
        }
    };
    let manifests = stream::iter(listed.into_iter().filter_map(of_days));
    let read: Vec<_> = manifests.map(read).buffered(READS_AT_ONCE).collect().await;
    read.into_iter().flatten().collect()
}

async fn partition(lake: &Lake, key: &str) -> Result<Partition, StoreError> {
    let object = lake.store().get(key).await?;
    let meta = object.meta.clone();
    let content = object.bytes().await?;
    let text = std::str::from_utf8(&content).ok();
    Ok(Partition {
        etag: meta.etag,
        published_at: meta.modified_at,
        manifest: text.and_then(|text| Manifest::from_text(text, lake.base()).ok()),
        state: PartitionState::from_metadata(&meta.metadata).ok(),
    })
}

/// Lists the data objects of a table whose day lies in a range.
pub(crate) async fn data_objects(
    lake: &Lake,
    table: Table,
    days: &RangeInclusive<Day>,
) -> Result<HashMap<DataKey, StoredObject>, StoreError> {
    // A narrow range is listed day by day, because a lake may hold years.
    let prefixes = match days.end().plus(-NARROW_DAYS) < *days.start() {
        true => each_day(days)
            .map(|day| DataKey::prefix(table, day))
            .collect(),
        false => vec![table.data_prefix().to_owned()],
    };
    let list = |prefix: String| async move { list_all(lake.store(), &prefix).await };
    let lists: Vec<_> = stream::iter(prefixes)
        .map(list)
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let mut objects = HashMap::new();
    for list in lists {
        for listed in list? {
            if let Ok(key) = listed.key.parse::<DataKey>() {
                objects.insert(key, StoredObject::of(&listed));
            }
        }
    }
    Ok(objects)
}

/// Up to how many days data objects are listed day by day.
const NARROW_DAYS: i32 = 8;

/// Every day of a range.
pub(crate) fn each_day(days: &RangeInclusive<Day>) -> impl Iterator<Item = Day> + Send + use<> {
    let (mut next, last) = (Some(*days.start()), *days.end());
    std::iter::from_fn(move || {
        let day = next.filter(|day| *day <= last)?;
        next = Some(day.plus(1)).filter(|later| *later > day);
        Some(day)
    })
}

/// The data objects that manifests name.
pub(crate) fn named_objects(partitions: &BTreeMap<Day, Partition>) -> BTreeSet<DataKey> {
    let manifests = partitions
        .values()
        .filter_map(|partition| partition.manifest.as_ref());
    manifests
        .flat_map(|manifest| manifest.objects().cloned())
        .collect()
}
