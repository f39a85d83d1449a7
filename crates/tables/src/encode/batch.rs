//! Rows to one Arrow batch, whose arrays grow together, a few rows at a time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, ListArray,
    ListBuilder, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StructArray,
    TimestampMillisecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use trailback_sessions::{Hop, Timestamp};

use crate::columns::{Column, ColumnType, EmptyList, Field, HOP_FIELDS, tag_pair};
use crate::error::{TableError, while_doing};
use crate::rows::{FieldWork, Part, TableRow};
use crate::schema::{arrow_schema, arrow_type, element, hop_members, map_entries};

/// How many rows are gone through for all columns before the next rows: few enough that the processor's nearest caches
/// still hold them, with their texts, for the last column.
const BLOCK_ROWS: usize = 64;

/// Rows as Arrow has them.
pub(super) fn batch_of<R: TableRow>(
    columns: &[&'static Column],
    rows: &[&R],
) -> Result<RecordBatch, TableError> {
    // A field that rows of this kind lack would leave the batch a column short, which it refuses.
    let mut arrays: Vec<_> = columns
        .iter()
        .filter_map(|column| R::reach(&column.access, NewArrayFor(rows.len())))
        .collect();
    for block in rows.chunks(BLOCK_ROWS) {
        for array in &mut arrays {
            array.add(block);
        }
    }
    let arrays = arrays.into_iter().map(NewArray::finish).collect();
    RecordBatch::try_new(arrow_schema(columns.iter().copied()), arrays)
        .map_err(|source| while_doing("build a batch of rows")(source.into()))
}

/// The array of one column, while it is made from rows `R`.
trait NewArray<R> {
    fn add(&mut self, rows: &[&R]);

    /// The array of all that was added.
    fn finish(self: Box<Self>) -> ArrayRef;
}

/// Begins the array of a column for so many rows.
struct NewArrayFor(usize);

impl<R: 'static> FieldWork<R> for NewArrayFor {
    type Output = Box<dyn NewArray<R>>;

    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> Self::Output {
        new_array(field, part.of, self.0)
    }
}

/// `of` finds the part of a row that has the field.
fn new_array<R: 'static, P: 'static>(
    field: &Field<P>,
    of: fn(&R) -> &P,
    row_count: usize,
) -> Box<dyn NewArray<R>> {
    match *field {
        Field::Text { read, .. } => {
            let texts = StringBuilder::with_capacity(row_count, 0);
            built(texts, move |texts, row| texts.append_option(read(of(row))))
        }
        Field::Texts { read, empty, .. } => built(new_texts(row_count), move |lists, row| {
            let texts = read(of(row));
            lists.values().extend(texts.iter().map(Some));
            lists.append(!texts.is_empty() || empty == EmptyList::Kept);
        }),
        Field::TextMap { read, .. } => built(new_maps(row_count), move |maps, row| {
            let entries = read(of(row));
            for (key, value) in entries {
                maps.keys().append_value(key);
                maps.values().append_value(value);
            }
            // The builder refuses only keys and values of different number.
            let _ = maps.append(!entries.is_empty());
        }),
        Field::TextPairs { read } => built(new_texts(row_count), move |lists, row| {
            let entries = read(of(row));
            let pairs = entries.iter().map(|(key, value)| tag_pair(key, value));
            lists.values().extend(pairs.map(Some));
            lists.append(!entries.is_empty());
        }),
        Field::Bool { read, .. } => {
            let values = BooleanBuilder::with_capacity(row_count);
            built_of(values, BooleanBuilder::append_option, of, read)
        }
        Field::Int { read, .. } => {
            let values = Int32Builder::with_capacity(row_count);
            built_of(values, Int32Builder::append_option, of, read)
        }
        Field::Long { read, .. } => {
            let values = Int64Builder::with_capacity(row_count);
            built_of(values, Int64Builder::append_option, of, read)
        }
        Field::Timestamp { read, .. } => {
            let moments = TimestampMillisecondBuilder::with_capacity(row_count)
                .with_data_type(arrow_type(ColumnType::Timestamp));
            let append = |moments: &mut TimestampMillisecondBuilder, moment: Option<Timestamp>| {
                moments.append_option(moment.map(|moment| moment.0));
            };
            built_of(moments, append, of, read)
        }
        Field::Hops { read, .. } => hops(move |row| read(of(row)), row_count),
        Field::HopTexts {
            read, read_text, ..
        } => built(new_texts(row_count), move |lists, row| {
            let hops = read(of(row));
            lists.values().extend(hops.iter().map(|hop| read_text(hop)));
            lists.append(!hops.is_empty());
        }),
    }
}

fn new_texts(row_count: usize) -> ListBuilder<StringBuilder> {
    ListBuilder::with_capacity(StringBuilder::new(), row_count).with_field(element(DataType::Utf8))
}

fn new_maps(row_count: usize) -> MapBuilder<StringBuilder, StringBuilder> {
    let names = MapFieldNames {
        entry: map_entries().name().clone(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let (keys, values) = (StringBuilder::new(), StringBuilder::new());
    MapBuilder::with_capacity(Some(names), keys, values, row_count)
}

/// An array that one of Arrow's builders makes.
struct Built<B, A> {
    builder: B,
    append: A,
}

fn built<R, B: ArrayBuilder, A: Fn(&mut B, &R) + 'static>(
    builder: B,
    append: A,
) -> Box<dyn NewArray<R>> {
    Box::new(Built { builder, append })
}

/// The same where a row has one value or none.
fn built_of<R: 'static, P: 'static, T: 'static, B: ArrayBuilder>(
    builder: B,
    append: impl Fn(&mut B, Option<T>) + 'static,
    of: fn(&R) -> &P,
    read: fn(&P) -> Option<T>,
) -> Box<dyn NewArray<R>> {
    built(builder, move |builder, row| append(builder, read(of(row))))
}

impl<R, B: ArrayBuilder, A: Fn(&mut B, &R)> NewArray<R> for Built<B, A> {
    fn add(&mut self, rows: &[&R]) {
        for row in rows {
            (self.append)(&mut self.builder, row);
        }
    }

    fn finish(mut self: Box<Self>) -> ArrayRef {
        self.builder.finish()
    }
}

/// The array of the ancestors of rows, which have several members each.
struct NewHops<H> {
    hops_of: H,
    /// How many each row has.
    lengths: Vec<usize>,
    members: Vec<Box<dyn NewArray<Hop>>>,
}

fn hops<R>(
    hops_of: impl Fn(&R) -> &[Arc<Hop>] + 'static,
    row_count: usize,
) -> Box<dyn NewArray<R>> {
    let members = HOP_FIELDS
        .iter()
        .map(|member| new_array(&member.field, |hop| hop, row_count));
    Box::new(NewHops {
        hops_of,
        lengths: Vec::with_capacity(row_count),
        members: members.collect(),
    })
}

impl<R, H: Fn(&R) -> &[Arc<Hop>]> NewArray<R> for NewHops<H> {
    fn add(&mut self, rows: &[&R]) {
        let lists = || rows.iter().map(|row| (self.hops_of)(row));
        self.lengths.extend(lists().map(<[_]>::len));
        let hops: Vec<&Hop> = lists().flatten().map(|hop| &**hop).collect();
        for member in &mut self.members {
            member.add(&hops);
        }
    }

    fn finish(self: Box<Self>) -> ArrayRef {
        let members = self.members.into_iter().map(NewArray::finish);
        let structs = StructArray::new(hop_members(), members.collect(), None);
        let present: NullBuffer = self.lengths.iter().map(|length| *length > 0).collect();
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        let item = element(structs.data_type().clone());
        Arc::new(ListArray::new(
            item,
            offsets,
            Arc::new(structs),
            Some(present),
        ))
    }
}

#[cfg(test)]
mod tests {
    use arrow::compute::concat_batches;
    use proptest::prelude::*;
    use trailback_sessions::Session;

    use super::*;
    use crate::arbitrary;
    use crate::ledger::LedgerEntry;
    use crate::schema::FileKind;

    /// The batch of all columns.
    fn batch<R: TableRow>(rows: &[&R]) -> RecordBatch {
        let columns: Vec<_> = FileKind::DataObject(R::TABLE).columns().collect();
        batch_of(&columns, rows).unwrap()
    }

    /// The batches of single rows, one behind the other.
    fn batch_row_by_row<R: TableRow>(rows: &[R]) -> RecordBatch {
        let single: Vec<_> = rows.iter().map(|row| batch(&[row])).collect();
        concat_batches(&single[0].schema(), &single).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_batch_of_many_blocks_is_its_rows_one_by_one(
            sessions in arbitrary::sessions(3 * BLOCK_ROWS),
            log_objects in arbitrary::repeated_ledger_entries(3 * BLOCK_ROWS),
        ) {
            let whole = batch(&sessions.iter().collect::<Vec<_>>());
            prop_assert_eq!(whole, batch_row_by_row(&sessions));
            let whole = batch(&log_objects.iter().collect::<Vec<&LedgerEntry>>());
            prop_assert_eq!(whole, batch_row_by_row(&log_objects));
        }
    }

    #[test]
    fn an_empty_list_is_null_but_where_it_is_kept() {
        let nothing = batch(&[&Session::default()]);
        let is_null = |column| nothing.column_by_name(column).unwrap().is_null(0);
        assert!(!is_null("event_ids"));
        assert!(is_null("chain"));
    }
}
