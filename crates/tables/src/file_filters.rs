//! Bloom filters of a whole data object: whether it holds a value at all, asked with one small read.
//!
//! Parquet has a filter for each row group, far apart from each other, and engines that know no others. A file of many row
//! groups has filters of all its rows besides, behind its last part, where Parquet leaves room; its footer names them in
//! their order, each with its length: `event_ids:65568 access_key_id:32800`.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::record_batch::RecordBatch;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::KeyValue;

use crate::columns::{Bloom, Column};
use crate::error::{TableError, while_doing};
use crate::schema::Table;
use crate::writer::BLOOM_FALSE_POSITIVES;

/// The key of the footer's metadata that names the filters.
pub(crate) const KEY: &str = "trailback.file_filters";

/// The filters of a file that is being written.
pub(crate) struct NewFilters(Vec<(&'static Column, Sbbf)>);

impl NewFilters {
    /// Filters for so many rows of a table.
    pub(crate) fn of(table: Table, row_count: usize) -> Result<Self, TableError> {
        let columns = table.columns().iter();
        let of_column = |column: &'static Column| {
            let filter = Sbbf::new_with_ndv_fpp(row_count as u64, BLOOM_FALSE_POSITIVES);
            Ok((column, filter.map_err(while_doing("make a Bloom filter"))?))
        };
        let filters = columns.filter(|column| column.bloom == Bloom::File);
        Ok(Self(filters.map(of_column).collect::<Result<_, _>>()?))
    }

    /// Adds the texts of some rows.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for (column, filter) in &mut self.0 {
            let array = batch.column_by_name(column.name);
            for text in array.into_iter().flat_map(texts) {
                filter.insert(text);
            }
        }
    }

    /// The filters' bytes, one after the other, and what the footer says of them.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, KeyValue), TableError> {
        let (mut bytes, mut names) = (Vec::new(), Vec::new());
        for (column, mut filter) in self.0 {
            let start = bytes.len();
            filter.fold_to_target_fpp(BLOOM_FALSE_POSITIVES);
            filter
                .write(&mut bytes)
                .map_err(while_doing("make a Bloom filter"))?;
            names.push(format!("{}:{}", column.name, bytes.len() - start));
        }
        Ok((bytes, KeyValue::new(KEY.to_owned(), names.join(" "))))
    }
}

/// The texts of a column, those in its lists too.
fn texts(array: &ArrayRef) -> Box<dyn Iterator<Item = &str> + '_> {
    match (array.as_string_opt::<i32>(), array.as_list_opt::<i32>()) {
        (Some(texts), _) => Box::new(texts.iter().flatten()),
        (None, Some(lists)) => texts(lists.values()),
        (None, None) => Box::new(std::iter::empty()),
    }
}

/// Where the filters of a file lie. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileFilters(Arc<[(String, Range<u64>)]>);

impl FileFilters {
    /// The filters that the footer names, the last of which ends where the body does.
    pub(crate) fn read(names: &str, body_len: u64) -> Result<Self, TableError> {
        let mut end = body_len;
        let mut filters = Vec::new();
        for name in names.rsplit_terminator(' ') {
            let named = name.split_once(':');
            let (column, start) = named
                .and_then(|(column, len)| Some((column, end.checked_sub(len.parse().ok()?)?)))
                .ok_or(TableError::NotParquet {
                    reason: "its footer names Bloom filters that are not there",
                })?;
            filters.push((column.to_owned(), start..end));
            end = start;
        }
        Ok(Self(filters.into()))
    }

    /// The bytes of a column's filter, its header before it; `None` where it has none.
    pub(crate) fn of(&self, column: &Column) -> Option<Range<u64>> {
        let (_, range) = self.0.iter().find(|(name, _)| name == column.name)?;
        Some(range.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_lie_one_after_the_other_at_the_end_of_the_body() {
        let filters = FileFilters::read("event_ids:64 access_key_id:32", 1_000).unwrap();
        let of = |name| filters.of(crate::columns::named(name).unwrap());
        assert_eq!(of("event_ids"), Some(904..968));
        assert_eq!(of("access_key_id"), Some(968..1_000));
        assert_eq!(of("session_arn"), None);
        assert!(FileFilters::read("", 0).unwrap().0.is_empty());
    }

    #[test]
    fn names_that_fit_no_file_are_refused() {
        for names in [
            "event_ids",
            "event_ids:",
            "event_ids:-1",
            "event_ids:1001",
            " ",
        ] {
            assert!(FileFilters::read(names, 1_000).is_err(), "{names:?}");
        }
    }
}
