//! Builds one hour: reads its fragments and makes its rows of them.
//!
//! Where that cannot be done, because a fragment is damaged, the hour stays as it is published, and everything else goes on.

use trailback_tables::TableRow;
use trailback_tables::manifest::HourState;
use trailback_tables::partition::{DayPart, EventHour};

use super::kinds::{HourRows, Kind};
use super::{LinkError, Run, hours};
use crate::data_scan::{self, ScanError};
use crate::store::StoreError;

impl<K: Kind> Run<'_, K> {
    /// Builds an hour from its fragments, or notes that it has none left; tells whether that is done.
    pub(super) async fn build(&mut self, hour: EventHour) -> Result<bool, LinkError> {
        let Some(inputs) = self.inputs(hour) else {
            self.states.remove(&hour);
            self.recent.remove(hour);
            return Ok(true);
        };
        let keys = self.fragments.get(&hour).into_iter().flatten();
        let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
        let built = match K::build(self, hour, keys).await {
            Ok(built) => built,
            Err(failure) => {
                self.leave_out(hour, failure)?;
                self.note_waiting(hour);
                self.keep_as_published(hour).await?;
                return Ok(false);
            }
        };
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
        self.store_early(hour).await?;
        Ok(true)
    }

    /// Notes that an hour cannot be worked on, where the reason lies in that hour alone; else hands the reason back.
    pub(super) fn leave_out(
        &mut self,
        hour: EventHour,
        failure: LinkError,
    ) -> Result<(), LinkError> {
        let failure = match failure {
            LinkError::Worker(stopped) if stopped.is_panic() => LinkError::Panicked {
                table: K::Row::TABLE.name(),
                hour,
                cause: stopped,
            },
            failure @ (LinkError::DamagedFragment { .. }
            | LinkError::NewerFragment { .. }
            | LinkError::Encode { .. }) => failure,
            failure => return Err(failure),
        };
        self.left_out.insert(hour, failure);
        Ok(())
    }

    /// Keeps the rows of an hour that are published. Where it is not known which those are, because what is recorded of its
    /// day is lost, they are read from the data object, if that can be read.
    async fn keep_as_published(&mut self, hour: EventHour) -> Result<(), LinkError> {
        if self.states.contains_key(&hour) {
            return Ok(());
        }
        let Some(rows) = self.published_rows(hour).await? else {
            return Ok(());
        };
        let state = HourState {
            inputs: hours::unknown_inputs(),
            link_id: K::link_id(&rows),
            row_count: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        };
        self.states.insert(hour, state);
        self.recent.insert(hour, rows);
        self.built.insert(hour, None);
        self.store_early(hour).await
    }

    /// The rows of an hour as its data object has them; none where there are none, or they cannot be had.
    async fn published_rows(&self, hour: EventHour) -> Result<Option<Vec<K::Row>>, LinkError> {
        let Some(object) = self.object_of(hour) else {
            return Ok(None);
        };
        let is_gone = !self.objects.contains_key(&object);
        let mut rows: Vec<K::Row> = match data_scan::read(self.lake, &object).await {
            Ok(rows) => rows,
            Err(ScanError::Damaged { .. }) => return Ok(None),
            Err(ScanError::Store(StoreError::NotFound { .. })) if is_gone => return Ok(None),
            Err(failure) => return Err(LinkError::of_scan(failure, &object)),
        };
        rows.retain(|row| K::hour_of(row) == hour);
        Ok((!rows.is_empty()).then_some(rows))
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
