//! A table as it is published, for whoever brings an engine of their own: its days, its data objects, and parts of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use bytes::Bytes;
use trailback_tables::checked::Opening;
use trailback_tables::partition::{DataKey, Day, manifest_key, parse_manifest_key};
use trailback_tables::{Footer, Table};

use crate::catalog;
use crate::data_scan::{ScanError, fetch};
use crate::find::FindError;
use crate::lake::Lake;
use crate::store::{StoreError, list_all};

/// The days of a table that have rows.
///
/// # Errors
///
/// When the lake cannot be read.
pub async fn days(lake: &Lake, table: Table) -> Result<BTreeSet<Day>, StoreError> {
    let listed = list_all(lake.store(), table.manifests_prefix()).await?;
    let days = listed.iter().filter_map(|listed| {
        let (_, day) = parse_manifest_key(&listed.key).ok()?;
        Some(day)
    });
    Ok(days.collect())
}

/// The data objects that the manifests of some days name, and their sizes in bytes.
///
/// # Errors
///
/// When the lake cannot be read, a manifest is damaged, or what it names is gone.
pub async fn objects(
    lake: &Lake,
    table: Table,
    days: &RangeInclusive<Day>,
) -> Result<BTreeMap<DataKey, u64>, FindError> {
    // Manifests first, so that what they name is in the listing.
    let partitions = catalog::partitions(lake, table, days).await?;
    let sizes = catalog::data_objects(lake, table, days).await?;
    let mut objects = BTreeMap::new();
    for (day, partition) in partitions {
        let Some(manifest) = partition.manifest else {
            let location = lake.store().location(&manifest_key(table, day));
            return Err(FindError::Damaged {
                location,
                cause: None,
            });
        };
        for key in manifest.objects() {
            let Some(object) = sizes.get(key) else {
                let location = lake.store().location(&key.to_string());
                return Err(StoreError::NotFound { location }.into());
            };
            objects.insert(key.clone(), object.size_bytes);
        }
    }
    Ok(objects)
}

/// Reads the footer of a data object.
///
/// # Errors
///
/// When the lake cannot be read, or the object is damaged.
pub async fn footer(lake: &Lake, object: &DataKey, size_bytes: u64) -> Result<Footer, FindError> {
    let name = object.to_string();
    let mut opening = Opening::new(object.table, size_bytes);
    loop {
        let tail = lake.store().get_range(&name, opening.wanted(), None);
        let tail = tail.await.map_err(FindError::from)?;
        match opening.supply(&tail) {
            Ok(Some(footer)) => return Ok(footer),
            Ok(None) => {}
            Err(cause) => return Err(ScanError::damaged(lake, &name, cause).into()),
        }
    }
}

/// Reads parts of a data object; no byte of them is damaged.
///
/// # Errors
///
/// When the lake cannot be read, or the object is damaged.
pub async fn parts(
    lake: &Lake,
    object: &DataKey,
    footer: &Footer,
    parts: &[Range<u64>],
) -> Result<Vec<Bytes>, FindError> {
    let name = object.to_string();
    let damage = |cause| FindError::from(ScanError::damaged(lake, &name, cause));
    let blocks = footer.blocks(parts).map_err(damage)?;
    let fetched = fetch(lake, &name, &blocks).await?;
    let fetched: Vec<_> = blocks.into_iter().zip(fetched).collect();
    footer.cut(parts, &fetched).map_err(damage)
}
