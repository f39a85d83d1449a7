//! Bloom filters of a whole data object: whether it holds a value at all, asked with one small read.
//!
//! Parquet has a filter for each row group, far apart from each other, and engines that know no others. A file of many row
//! groups has filters of all its rows besides, behind its last part, where Parquet leaves room; its footer names them in
//! their order, each with its length: `event_ids:65568 access_key_id:32800`.

use std::ops::Range;
use std::sync::Arc;

use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::KeyValue;

use crate::columns::{Bloom, Column, Value};
use crate::error::{TableError, while_doing};
use crate::rows::TableRow;
use crate::writer::BLOOM_FALSE_POSITIVES;

/// The key of the footer's metadata that names the filters.
pub(crate) const KEY: &str = "trailback.file_filters";

/// The filters of a file that is being written.
pub(crate) struct NewFilters {
    /// One after the other.
    pub(crate) bytes: Vec<u8>,
    names: Vec<String>,
}

impl NewFilters {
    /// The filters of all rows.
    pub(crate) fn of<R: TableRow>(rows: &[&R]) -> Result<Self, TableError> {
        let mut filters = Self {
            bytes: Vec::new(),
            names: Vec::new(),
        };
        let columns = R::TABLE.columns().iter();
        for column in columns.filter(|column| column.bloom == Bloom::File) {
            let start = filters.bytes.len();
            filter(column, rows)
                .and_then(|filter| filter.write(&mut filters.bytes))
                .map_err(while_doing("make a Bloom filter"))?;
            let len = filters.bytes.len() - start;
            filters.names.push(format!("{}:{len}", column.name));
        }
        Ok(filters)
    }

    /// What the footer says of them.
    pub(crate) fn metadata(&self) -> KeyValue {
        KeyValue::new(KEY.to_owned(), self.names.join(" "))
    }
}

fn filter<R: TableRow>(
    column: &Column,
    rows: &[&R],
) -> Result<Sbbf, parquet::errors::ParquetError> {
    let mut filter = Sbbf::new_with_ndv_fpp(rows.len() as u64, BLOOM_FALSE_POSITIVES)?;
    for row in rows {
        match column.value(*row) {
            Value::Text(text) => filter.insert(text),
            Value::Texts(texts) => texts
                .into_iter()
                .flatten()
                .for_each(|text| filter.insert(text)),
            _ => {}
        }
    }
    filter.fold_to_target_fpp(BLOOM_FALSE_POSITIVES);
    Ok(filter)
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
