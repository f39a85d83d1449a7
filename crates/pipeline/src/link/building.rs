//! Builds one hour: reads its fragments, looks back, links.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use trailback_sessions::{Issuance, Wanted, link, merge};
use trailback_tables::decode_fragment;
use trailback_tables::manifest::HourState;
use trailback_tables::partition::{EventHour, FragmentKey};

use super::{LinkError, Run, hours};
use crate::lake::Lake;

/// How many fragments of one hour are read at once.
const READS_AT_ONCE: usize = 8;

impl Run<'_> {
    /// Builds an hour from its fragments, or notes that it has none left.
    pub(super) async fn build(&mut self, hour: EventHour) -> Result<(), LinkError> {
        let Some(inputs) = self.inputs(hour) else {
            self.states.remove(&hour);
            self.recent.remove(hour);
            return Ok(());
        };
        let keys = self
            .fragments
            .get(&hour)
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone());
        let records = read_fragments(self.lake, keys.collect()).await?;
        let (rows, wanted) = tokio::task::spawn_blocking(move || {
            let rows = merge(records);
            let wanted = Wanted::by(&rows);
            (rows, wanted)
        })
        .await?;
        let earlier = self.look_back(hour, wanted).await?;
        let (rows, link_id) = tokio::task::spawn_blocking(move || {
            let rows = link(rows, &earlier);
            let link_id = hours::link_id(&rows);
            (rows, link_id)
        })
        .await?;
        self.tally.hours_linked += 1;
        self.tally.rows_linked += rows.len() as u64;
        rows.iter()
            .for_each(|row| self.tally.evidence.add(&row.link));
        let row_count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.states.insert(
            hour,
            HourState {
                inputs,
                link_id,
                row_count,
            },
        );
        self.built.insert(hour, None);
        self.recent.insert(hour, rows);
        self.store_early(hour).await
    }

    /// Stores what was built of a day that is too large for one data object, so that it need not wait in memory.
    async fn store_early(&mut self, newest: EventHour) -> Result<(), LinkError> {
        let row_count = |hour: &EventHour| self.states.get(hour).map_or(0, |state| state.row_count);
        let built: u64 = self
            .built
            .keys()
            .map(|hour| u64::from(row_count(hour)))
            .sum();
        if built >= self.options.day_object_rows {
            let waiting = self.built.iter().filter(|(_, object)| object.is_none());
            for hour in waiting.map(|(hour, _)| *hour).collect::<Vec<_>>() {
                self.store_built_hour(hour).await?;
            }
        }
        let waiting = |hour: EventHour| matches!(self.built.get(&hour), Some(None));
        self.recent
            .keep_within(self.options.recent_rows, newest, waiting);
        Ok(())
    }
}

/// Reads all records of some fragments.
pub(super) async fn read_fragments(
    lake: &Lake,
    keys: Vec<FragmentKey>,
) -> Result<Vec<Issuance>, LinkError> {
    let reads = stream::iter(keys).map(|key| read_fragment(lake, key));
    let mut reads = reads.buffered(READS_AT_ONCE);
    let mut records = Vec::new();
    while let Some(read) = reads.next().await {
        records.append(&mut read?);
    }
    Ok(records)
}

/// Reads the records of one fragment.
pub(super) async fn read_fragment(
    lake: &Lake,
    key: FragmentKey,
) -> Result<Vec<Issuance>, LinkError> {
    let name = key.to_string();
    let content = lake.store().get(&name).await?.bytes().await?;
    let decoded = tokio::task::spawn_blocking(move || decode(&key, content)).await?;
    let location = || lake.store().location(&name);
    decoded.map_err(|cause| LinkError::DamagedFragment {
        location: location(),
        cause,
    })
}

/// Decodes a fragment whose bytes are those that it is named for.
fn decode(
    key: &FragmentKey,
    content: Bytes,
) -> Result<Vec<Issuance>, Option<trailback_tables::TableError>> {
    if FragmentKey::of(key.hour, &content) != *key {
        return Err(None);
    }
    decode_fragment(content).map_err(Some)
}
