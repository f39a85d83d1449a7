//! Builds one hour: reads its fragments and makes its rows of them.

use trailback_tables::manifest::HourState;
use trailback_tables::partition::{DayPart, EventHour};

use super::kinds::{HourRows, Kind};
use super::{LinkError, Run};

impl<K: Kind> Run<'_, K> {
    /// Builds an hour from its fragments, or notes that it has none left.
    pub(super) async fn build(&mut self, hour: EventHour) -> Result<(), LinkError> {
        let Some(inputs) = self.inputs(hour) else {
            self.states.remove(&hour);
            self.recent.remove(hour);
            return Ok(());
        };
        let keys = self.fragments.get(&hour).into_iter().flatten();
        let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
        let built = K::build(self, hour, keys).await?;
        self.tally.hours_linked += 1;
        self.tally.rows_linked += built.row_count as u64;
        self.tally.records_merged += built.record_count.saturating_sub(built.row_count) as u64;
        self.tally.evidence.join(&built.evidence);
        let row_count = u32::try_from(built.row_count).unwrap_or(u32::MAX);
        self.states.insert(
            hour,
            HourState {
                inputs,
                link_id: built.link_id,
                row_count,
            },
        );
        match built.rows {
            HourRows::InMemory(rows) => {
                self.recent.insert(hour, rows);
                self.built.insert(hour, None);
            }
            HourRows::Encoded(content) => {
                self.recent.remove(hour);
                let part = DayPart::Hour(hour.hour_of_day);
                let object = self.store_content(hour.day, part, content).await?;
                self.built.insert(hour, Some(object));
            }
        }
        self.store_early(hour).await
    }

    /// Stores what was built of a day that is too large for one data object, or for memory, so that it need not wait.
    async fn store_early(&mut self, newest: EventHour) -> Result<(), LinkError> {
        let row_count = |hour: &EventHour| self.states.get(hour).map_or(0, |state| state.row_count);
        let rows_of =
            |hours: &[EventHour]| -> u64 { hours.iter().map(row_count).map(u64::from).sum() };
        let built: Vec<_> = self.built.keys().copied().collect();
        let waiting = self.built.iter().filter(|(_, object)| object.is_none());
        let waiting: Vec<_> = waiting.map(|(hour, _)| *hour).collect();
        if rows_of(&built) >= self.options.day_object_rows
            || rows_of(&waiting) > self.options.waiting_rows
        {
            for hour in waiting {
                self.store_built_hour(hour).await?;
            }
        }
        let waiting = |hour: EventHour| matches!(self.built.get(&hour), Some(None));
        self.recent
            .keep_within(self.options.recent_rows, newest, waiting);
        Ok(())
    }
}
