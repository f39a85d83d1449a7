//! Sorted runs of linked rows, merged into one data object: an hour can have more rows than memory.
//!
//! A run is encoded as a data object is, and so takes a tenth of what its rows take. Runs are merged batch by batch,
//! without becoming rows again: the bytes are those of all their rows encoded at once.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;
use std::sync::mpsc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMillisecondArray};
use arrow::compute::interleave;
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use trailback_sessions::Session;

use crate::columns::Column;
use crate::decode::{known_columns, reader_metadata};
use crate::encode::{BATCH_ROWS, DataFile, encode_data_object};
use crate::error::{TableError, refusing_damage, while_doing};
use crate::footer::Footer;
use crate::schema::{FileKind, Table, arrow_schema};
use crate::writer::ROW_GROUP_ROWS;

const TABLE: Table = Table::Sessions;
const KIND: FileKind = FileKind::DataObject(TABLE);

/// How many rows of each run lie open while it is merged.
const OPEN_ROWS: usize = 1024;

/// How many merged batches may wait to be encoded.
const WAITING_BATCHES: usize = 2;

/// Linked rows in the table's order, encoded.
#[derive(Debug)]
pub struct Run {
    bytes: Bytes,
    row_count: usize,
}

impl Run {
    /// Encodes rows. The caller has sorted them by the table's order.
    ///
    /// # Errors
    /// When there are no rows, or the Parquet library refuses.
    pub fn of(rows: &[&Session]) -> Result<Self, TableError> {
        Ok(Self {
            bytes: encode_data_object(rows.iter().copied())?.into(),
            row_count: rows.len(),
        })
    }
}

/// Merges runs into the data object of all their rows.
///
/// # Errors
/// When there are no rows, or the Parquet library refuses.
pub fn merge_runs(runs: &[Run]) -> Result<Vec<u8>, TableError> {
    merge_in_row_groups(runs, ROW_GROUP_ROWS)
}

fn merge_in_row_groups(runs: &[Run], row_group_rows: usize) -> Result<Vec<u8>, TableError> {
    let row_count = runs.iter().map(|run| run.row_count).sum();
    let mut file = DataFile::create(TABLE, row_count, row_group_rows)?;
    // Reading and writing take about as long as each other, and a linker has two processors.
    let (merged, batches) = mpsc::sync_channel(WAITING_BATCHES);
    std::thread::scope(|scope| {
        let merging = scope.spawn(move || refusing_damage(|| Merge::of(runs)?.run(&merged)));
        for batch in batches {
            file.write(&in_columns(file.columns(), batch)?)?;
        }
        merging
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    file.finish()
}

/// A batch as it is written. Read from Parquet, its arrays have the types of our columns.
fn in_columns(
    columns: &[&'static Column],
    arrays: Vec<ArrayRef>,
) -> Result<RecordBatch, TableError> {
    RecordBatch::try_new(arrow_schema(columns.iter().copied()), arrays)
        .map_err(|source| while_doing("build a batch of rows")(source.into()))
}

/// Runs that are being merged.
struct Merge {
    /// The runs that have rows left, that with the smallest next row first.
    heads: BinaryHeap<Reverse<Box<Head>>>,
    /// The batches in which the next rows to be written lie.
    open: Vec<RecordBatch>,
    /// Of each row to be written, its batch in `open` and its place there.
    picked: Vec<(usize, usize)>,
}

impl Merge {
    fn of(runs: &[Run]) -> Result<Self, TableError> {
        let mut merge = Self {
            heads: BinaryHeap::new(),
            open: Vec::new(),
            picked: Vec::with_capacity(BATCH_ROWS),
        };
        for (number, run) in runs.iter().enumerate() {
            if let Some(head) = Head::of(number, run)? {
                merge.heads.push(Reverse(Box::new(head)));
            }
        }
        merge.close_batches();
        Ok(merge)
    }

    /// Sends the columns of batch after batch, until there are no more rows, or nobody takes them.
    fn run(mut self, merged: &mpsc::SyncSender<Vec<ArrayRef>>) -> Result<(), TableError> {
        while self.pick()? {
            if self.picked.len() == BATCH_ROWS && !self.send(merged)? {
                return Ok(());
            }
        }
        if !self.picked.is_empty() {
            self.send(merged)?;
        }
        Ok(())
    }

    /// Picks the smallest row; tells whether there was one.
    fn pick(&mut self) -> Result<bool, TableError> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(false);
        };
        self.picked.push((head.0.open_at, head.0.row));
        match head.0.advance()? {
            Next::InBatch => {}
            Next::InNewBatch => {
                head.0.open_at = self.open.len();
                self.open.push(head.0.batch.clone());
            }
            Next::None => {
                PeekMut::pop(head);
            }
        }
        Ok(true)
    }

    /// Sends the rows picked; tells whether anybody took them.
    fn send(&mut self, merged: &mpsc::SyncSender<Vec<ArrayRef>>) -> Result<bool, TableError> {
        let column_count = self.open.first().map_or(0, RecordBatch::num_columns);
        let column = |number: usize| {
            let parts: Vec<&dyn Array> = self
                .open
                .iter()
                .map(|batch| batch.column(number).as_ref())
                .collect();
            interleave(&parts, &self.picked)
                .map_err(|source| while_doing("merge rows")(source.into()))
        };
        let columns = (0..column_count)
            .map(column)
            .collect::<Result<_, TableError>>()?;
        self.picked.clear();
        self.close_batches();
        Ok(merged.send(columns).is_ok())
    }

    /// Lets go of the batches of which every row was written.
    fn close_batches(&mut self) {
        self.open.clear();
        let mut heads = std::mem::take(&mut self.heads).into_vec();
        for Reverse(head) in &mut heads {
            head.open_at = self.open.len();
            self.open.push(head.batch.clone());
        }
        self.heads = heads.into();
    }
}

/// The next row of a run, ordered as the table is (`trailback_sessions::table_order`).
struct Head {
    reader: ParquetRecordBatchReader,
    batch: RecordBatch,
    order: OrderColumns,
    row: usize,
    /// Where the batch is among those that are open.
    open_at: usize,
    /// Which run; it makes the order total whatever the rows.
    number: usize,
}

impl Head {
    /// The first row of a run; `None` where it has none.
    fn of(number: usize, run: &Run) -> Result<Option<Self>, TableError> {
        let footer = Footer::of_checked_file(&run.bytes, KIND)?;
        // Its pages need no check: this very process wrote them.
        let opened = reader_metadata(Arc::clone(footer.metadata()))?;
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(run.bytes.clone(), opened)
                .with_projection(known_columns(footer.metadata(), KIND))
                .with_batch_size(OPEN_ROWS)
                .build()
                .map_err(while_doing("read a Parquet file"))?;
        let Some(batch) = next_batch(&mut reader)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            order: OrderColumns::of(&batch)?,
            reader,
            batch,
            row: 0,
            open_at: 0,
            number,
        }))
    }

    /// Goes to the next row.
    fn advance(&mut self) -> Result<Next, TableError> {
        self.row += 1;
        if self.row < self.batch.num_rows() {
            return Ok(Next::InBatch);
        }
        let Some(batch) = next_batch(&mut self.reader)? else {
            return Ok(Next::None);
        };
        self.order = OrderColumns::of(&batch)?;
        self.batch = batch;
        self.row = 0;
        Ok(Next::InNewBatch)
    }

    fn place(&self) -> impl Ord + '_ {
        (self.order.place(self.row), self.number)
    }
}

/// Where the next row of a run is.
enum Next {
    InBatch,
    InNewBatch,
    None,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Head {}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

fn next_batch(reader: &mut ParquetRecordBatchReader) -> Result<Option<RecordBatch>, TableError> {
    let decoding = |source: arrow::error::ArrowError| while_doing("decode a batch")(source.into());
    reader.next().transpose().map_err(decoding)
}

/// The columns by which the table is ordered.
struct OrderColumns {
    origin_type: StringArray,
    origin_arn: StringArray,
    event_time: TimestampMillisecondArray,
    event_id: StringArray,
    recipient_account_id: StringArray,
}

impl OrderColumns {
    fn of(batch: &RecordBatch) -> Result<Self, TableError> {
        let column = |column: &'static str| {
            let found = batch.column_by_name(column);
            found.ok_or(TableError::MissingValue { column })
        };
        let texts = |name| {
            let texts = column(name)?.as_string_opt::<i32>();
            Ok(texts
                .ok_or(TableError::MissingValue { column: name })?
                .clone())
        };
        let times = column("event_time")?.as_primitive_opt::<TimestampMillisecondType>();
        let column = "event_time";
        Ok(Self {
            origin_type: texts("origin_type")?,
            origin_arn: texts("origin_arn")?,
            event_time: times.ok_or(TableError::MissingValue { column })?.clone(),
            event_id: texts("event_id")?,
            recipient_account_id: texts("recipient_account_id")?,
        })
    }

    fn place(&self, row: usize) -> impl Ord + '_ {
        let text = |texts| text_at(texts, row);
        (
            text(&self.origin_type),
            text(&self.origin_arn),
            self.event_time.value(row),
            text(&self.event_id),
            text(&self.recipient_account_id),
        )
    }
}

fn text_at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trailback_sessions::table_order;

    use super::*;
    use crate::arbitrary;
    use crate::encode::encode_in_row_groups;

    fn sorted(rows: &[Session]) -> Vec<&Session> {
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_by(|a, b| table_order(a, b));
        sorted
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn merged_runs_are_the_bytes_of_all_rows(
            mut rows in arbitrary::sessions(40),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
            row_group_rows in 1..30_usize,
        ) {
            rows.sort_by(table_order);
            rows.dedup_by(|a, b| table_order(a, b) == Ordering::Equal);
            let whole = encode_in_row_groups(&sorted(&rows), row_group_rows).unwrap();
            let of_run = |row: usize| cuts.iter().filter(|cut| cut.index(rows.len()) % 7 < row % 7).count();
            let mut parts: Vec<Vec<&Session>> = vec![Vec::new(); cuts.len() + 1];
            for (number, row) in rows.iter().enumerate() {
                parts[of_run(number)].push(row);
            }
            parts.retain(|part| !part.is_empty());
            let runs: Vec<_> = parts.iter().map(|part| Run::of(part).unwrap()).collect();
            prop_assert!(merge_in_row_groups(&runs, row_group_rows).unwrap() == whole);
        }
    }

    #[test]
    fn runs_of_many_batches_are_merged() {
        let row = |number: usize| {
            let mut row = Session::default();
            row.issuance.record.event_id = format!("{:08}", number * 7_919 % 60_000).into();
            row.issuance.record.event_time = trailback_sessions::Timestamp(number as i64 / 5);
            row
        };
        let rows: Vec<_> = (0..60_000).map(row).collect();
        let whole = encode_data_object(sorted(&rows)).unwrap();
        for run_rows in [1_000, 25_000, 59_999] {
            let runs: Vec<_> = rows
                .chunks(run_rows)
                .map(|part| Run::of(&sorted(part)).unwrap())
                .collect();
            assert!(merge_runs(&runs).unwrap() == whole, "{run_rows}");
        }
    }

    #[test]
    fn no_rows_are_no_data_object() {
        assert!(matches!(merge_runs(&[]), Err(TableError::NoRows)));
        assert!(matches!(Run::of(&[]), Err(TableError::NoRows)));
    }
}
