//! A fragment of sessions, decoded piece by piece: an hour can have more rows than memory.

use std::ops::{Range, RangeInclusive};

use arrow::array::AsArray;
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use trailback_sessions::{Issuance, Timestamp};

use crate::decode::{
    BATCH_ROWS, DecodedRows, ROWS_EXPECTED_MAX, known_columns, named_columns, reader_of,
};
use crate::error::{TableError, refusing_damage, while_doing};
use crate::footer::Footer;
use crate::schema::{FileKind, Table};

const KIND: FileKind = FileKind::Fragment(Table::Sessions);

/// What a caller may be linked by.
const CALLER_COLUMNS: [&str; 4] = [
    "caller_access_key_id",
    "caller_session_created_at",
    "caller_principal_id",
    "caller_arn",
];

/// A fragment whose rows stay encoded until they are asked for.
#[derive(Debug)]
pub struct Fragment {
    bytes: Bytes,
    footer: Footer,
}

impl Fragment {
    /// Opens a fragment, and decodes nothing of it.
    ///
    /// # Errors
    /// When the bytes are no fragment of sessions, or come from a newer program.
    pub fn open(bytes: Bytes) -> Result<Self, TableError> {
        let footer = refusing_damage(|| Footer::of_file(&bytes, KIND))?;
        Ok(Self { bytes, footer })
    }

    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.footer.row_count()
    }

    /// Decodes all rows.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn rows(&self) -> Result<Vec<Issuance>, TableError> {
        self.rows_in(0..self.row_count())
    }

    /// Decodes at what times its rows were recorded, so that they can be asked for by time.
    ///
    /// # Errors
    /// When that is damaged, or the rows are not in the order of time.
    pub fn by_time(self) -> Result<FragmentByTime, TableError> {
        let times = refusing_damage(|| self.times())?;
        Ok(FragmentByTime {
            fragment: self,
            times,
        })
    }

    fn times(&self) -> Result<Vec<Timestamp>, TableError> {
        let columns = named_columns(self.footer.metadata(), |name| name == "event_time");
        let mut times = Vec::new();
        for batch in self.batches(columns, 0..self.row_count())? {
            let batch = batch.map_err(decoding)?;
            let array = batch.column_by_name("event_time");
            let array =
                array.and_then(|array| array.as_primitive_opt::<TimestampMillisecondType>());
            let array = array.ok_or(TableError::MissingValue {
                column: "event_time",
            })?;
            times.extend(array.values().iter().map(|at| Timestamp(*at)));
        }
        match times.is_sorted() {
            true => Ok(times),
            false => Err(TableError::NotParquet {
                reason: "its rows are not in the order of time",
            }),
        }
    }

    fn rows_in(&self, rows: Range<usize>) -> Result<Vec<Issuance>, TableError> {
        let mut decoded = Vec::with_capacity(rows.len().min(ROWS_EXPECTED_MAX));
        let columns = known_columns(self.footer.metadata(), KIND);
        self.decode(columns, rows, |rows| decoded.extend(rows))?;
        Ok(decoded)
    }

    /// Decodes some columns of some rows, batch by batch.
    fn decode(
        &self,
        columns: ProjectionMask,
        rows: Range<usize>,
        mut take: impl FnMut(Vec<Issuance>),
    ) -> Result<(), TableError> {
        refusing_damage(|| {
            let mut decoded = DecodedRows::<Issuance>::default();
            for batch in self.batches(columns, rows)? {
                let batch: RecordBatch = batch.map_err(decoding)?;
                let mut fresh = Vec::with_capacity(batch.num_rows());
                decoded.decode(&batch, KIND, &mut fresh)?;
                take(fresh);
            }
            Ok(())
        })
    }

    /// Reads some columns of some rows, of whose row groups alone anything is unpacked.
    fn batches(
        &self,
        columns: ProjectionMask,
        rows: Range<usize>,
    ) -> Result<ParquetRecordBatchReader, TableError> {
        let metadata = self.footer.metadata();
        let (mut groups, mut ranges) = (Vec::new(), Vec::new());
        let (mut start, mut kept) = (0, 0);
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let end = start + group.num_rows() as usize;
            let of_group = rows.start.max(start)..rows.end.min(end);
            if !of_group.is_empty() {
                groups.push(number);
                ranges.push(kept + of_group.start - start..kept + of_group.end - start);
                kept += end - start;
            }
            start = end;
        }
        let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), kept);
        reader_of(self.bytes.clone(), metadata, columns, groups)?
            .with_row_selection(selection)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(while_doing("read a Parquet file"))
    }
}

/// A fragment of which it is known when its rows were recorded.
#[derive(Debug)]
pub struct FragmentByTime {
    fragment: Fragment,
    times: Vec<Timestamp>,
}

impl FragmentByTime {
    /// `event_time` of its rows, in their order, which is that of time.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// Decodes the rows recorded in a stretch of time.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn rows(&self, times: &RangeInclusive<Timestamp>) -> Result<Vec<Issuance>, TableError> {
        let start = self.times.partition_point(|time| time < times.start());
        let end = self.times.partition_point(|time| time <= times.end());
        self.fragment.rows_in(start..end)
    }

    /// Decodes of every row what its caller may be linked by, and nothing else.
    ///
    /// # Errors
    /// When that is damaged.
    pub fn for_each_caller(&self, mut each: impl FnMut(&Issuance)) -> Result<(), TableError> {
        let metadata = self.fragment.footer.metadata();
        let columns = named_columns(metadata, |name| CALLER_COLUMNS.contains(&name));
        self.fragment.decode(columns, 0..self.times.len(), |rows| {
            rows.iter().for_each(&mut each);
        })
    }
}

fn decoding(source: arrow::error::ArrowError) -> TableError {
    while_doing("decode a batch of rows")(source.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trailback_sessions::Wanted;

    use super::*;
    use crate::{arbitrary, decode_fragment, encode_fragment};

    fn by_time(bytes: Bytes) -> FragmentByTime {
        Fragment::open(bytes).unwrap().by_time().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn pieces_are_what_the_whole_is_made_of(
            rows in proptest::collection::vec(arbitrary::issuance(), 1..40),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        ) {
            let bytes = Bytes::from(encode_fragment(&rows).unwrap());
            let fragment = by_time(bytes.clone());
            prop_assert_eq!(fragment.fragment.row_count(), rows.len());
            let whole = decode_fragment::<Issuance>(bytes).unwrap();
            prop_assert_eq!(&fragment.fragment.rows().unwrap(), &whole);
            let mut times: Vec<_> = whole.iter().map(|row| row.record.event_time).collect();
            prop_assert_eq!(fragment.times(), &times[..]);
            times.dedup();
            let mut starts: Vec<_> = cuts.iter().map(|cut| cut.index(times.len())).collect();
            starts.extend([0, times.len()]);
            starts.sort();
            starts.dedup();
            let pieces = starts.windows(2).map(|piece| {
                fragment.rows(&(times[piece[0]]..=times[piece[1] - 1])).unwrap()
            });
            prop_assert_eq!(pieces.flatten().collect::<Vec<_>>(), whole);
        }

        #[test]
        fn callers_want_the_same_as_whole_rows(
            rows in proptest::collection::vec(arbitrary::issuance(), 1..20),
        ) {
            let fragment = by_time(encode_fragment(&rows).unwrap().into());
            let (mut callers, mut names) = (Vec::new(), Vec::new());
            fragment.for_each_caller(|row| callers.push(row.caller.clone())).unwrap();
            for row in fragment.rows(&(Timestamp(i64::MIN)..=Timestamp(i64::MAX))).unwrap() {
                let wanted = Wanted::by(std::slice::from_ref(&row));
                names.push((row.caller.caller_access_key_id.clone(), wanted.is_empty()));
            }
            let of_callers = callers.into_iter().map(|caller| {
                let row = Issuance { caller, ..Issuance::default() };
                let wanted = Wanted::by(std::slice::from_ref(&row));
                (row.caller.caller_access_key_id, wanted.is_empty())
            });
            prop_assert_eq!(of_callers.collect::<Vec<_>>(), names);
        }
    }

    #[test]
    fn rows_of_several_row_groups_are_found_by_their_times() {
        let row = |number: i64| {
            let mut row = Issuance::default();
            row.record.event_id = format!("{number:08}").into();
            row.record.event_time = Timestamp(number / 3);
            row
        };
        let rows: Vec<_> = (0..60_000).map(row).collect();
        let fragment = by_time(encode_fragment(&rows).unwrap().into());
        for times in [
            0..=0,
            8_191..=8_192,
            100..=18_999,
            0..=19_999,
            20_000..=30_000,
        ] {
            let found = fragment
                .rows(&(Timestamp(*times.start())..=Timestamp(*times.end())))
                .unwrap();
            let expected = rows
                .iter()
                .filter(|row| times.contains(&row.record.event_time.0));
            assert!(found.iter().eq(expected), "{times:?}");
        }
    }
}
