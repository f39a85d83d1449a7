//! One Arrow batch to rows, column by column.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, MapArray,
    RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType};
use hashbrown::{HashMap, HashSet};
use trailback_sessions::{Hop, Origin, Session, TagMap, Text, Timestamp};

use crate::columns::{Column, ColumnType, Field, HOP_FIELDS};
use crate::error::TableError;
use crate::rows::{FieldWork, Part, TableRow};
use crate::schema::{FileKind, arrow_type};

/// Turns batches into rows of one kind; keeps what successive rows share.
#[derive(Debug)]
pub(crate) struct DecodedRows<R: TableRow> {
    texts: SharedTexts,
    shared: R::Shared,
}

impl<R: TableRow> Default for DecodedRows<R> {
    fn default() -> Self {
        Self {
            texts: SharedTexts::default(),
            shared: R::Shared::default(),
        }
    }
}

impl<R: TableRow> DecodedRows<R> {
    /// Appends the rows of a batch.
    pub(crate) fn decode(
        &mut self,
        batch: &RecordBatch,
        kind: FileKind,
        rows: &mut Vec<R>,
    ) -> Result<(), TableError> {
        let start = rows.len();
        rows.resize_with(start + batch.num_rows(), R::default);
        let fresh = &mut rows[start..];
        for column in kind.columns() {
            if let Some(cells) = Cells::of(column, batch)? {
                let fill = FillRows {
                    cells: &cells,
                    rows: fresh,
                    texts: &mut self.texts,
                };
                R::reach(&column.access, fill).transpose()?;
            }
        }
        R::share(fresh, &mut self.shared);
        Ok(())
    }
}

/// Writes the cells of a column into rows.
struct FillRows<'r, R> {
    cells: &'r Cells<'r>,
    rows: &'r mut [R],
    texts: &'r mut SharedTexts,
}

impl<R> FieldWork<R> for FillRows<'_, R> {
    type Output = Result<(), TableError>;

    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> Self::Output {
        fill(field, self.cells, self.rows, part.of_mut, self.texts)
    }
}

/// The origins and hops of linked rows, each kept once.
#[derive(Debug, Default)]
pub struct SharedChains {
    origins: HashMap<Text, Arc<Origin>>,
    hops: HashMap<Text, Arc<Hop>>,
}

impl SharedChains {
    pub(crate) fn share(&mut self, rows: &mut [Session]) {
        for row in rows {
            share(&mut self.origins, &mut row.origin, |origin| {
                &origin.event_id
            });
            for hop in &mut row.chain.hops {
                share(&mut self.hops, hop, |hop| &hop.event_id);
            }
        }
    }
}

/// Rows of one chain name the same origin and hops: they share them in memory, too.
fn share<T: PartialEq>(
    seen: &mut HashMap<Text, Arc<T>>,
    value: &mut Arc<T>,
    event_id: fn(&T) -> &Text,
) {
    match seen.get(event_id(value)) {
        Some(known) if known == value => *value = Arc::clone(known),
        Some(_) => {}
        None => {
            seen.insert(Text::clone(event_id(value)), Arc::clone(value));
        }
    }
}

/// Texts that repeat are kept once.
#[derive(Debug, Default)]
struct SharedTexts {
    seen: HashSet<Text>,
}

impl SharedTexts {
    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.seen.get(text) {
            return Text::clone(known);
        }
        let text = Text::from(text);
        self.seen.insert(Text::clone(&text));
        text
    }
}

/// The cells of one column in one batch.
struct Cells<'b> {
    column: &'static str,
    array: &'b ArrayRef,
    /// Whether equal texts are worth keeping once.
    repeating: bool,
}

impl<'b> Cells<'b> {
    /// `None` where an older file lacks the column, or it is null in every row.
    fn of(column: &'static Column, batch: &'b RecordBatch) -> Result<Option<Self>, TableError> {
        let Some(array) = batch.column_by_name(column.name) else {
            return Ok(None);
        };
        check_type(column.name, column.column_type(), array)?;
        if column.required && array.null_count() > 0 {
            return Err(TableError::MissingValue {
                column: column.name,
            });
        }
        let cells = Self {
            column: column.name,
            array,
            repeating: column.dictionary,
        };
        Ok((array.null_count() < array.len()).then_some(cells))
    }

    fn valid(&self) -> impl Iterator<Item = usize> + use<'b> {
        let array = self.array;
        (0..array.len()).filter(move |&row| array.is_valid(row))
    }

    fn unknown_value(&self, row: usize, value: &str) -> TableError {
        TableError::UnknownValue {
            column: self.column,
            row,
            value: value.to_owned(),
        }
    }

    fn text(&self, texts: &StringArray, at: usize, shared: &mut SharedTexts) -> Text {
        if self.repeating {
            shared.text(texts.value(at))
        } else {
            Text::from(texts.value(at))
        }
    }
}

fn check_type(
    column: &'static str,
    expected: ColumnType,
    array: &ArrayRef,
) -> Result<(), TableError> {
    let fits = match (expected, array.data_type()) {
        (ColumnType::Text, DataType::Utf8)
        | (ColumnType::Bool, DataType::Boolean)
        | (ColumnType::Int, DataType::Int32)
        | (ColumnType::Long, DataType::Int64)
        | (ColumnType::Timestamp, DataType::Timestamp(TimeUnit::Millisecond, _)) => true,
        (ColumnType::Texts, DataType::List(item)) => *item.data_type() == DataType::Utf8,
        (ColumnType::TextMap, DataType::Map(entry, _)) => match entry.data_type() {
            DataType::Struct(members) => {
                members.len() == 2 && members.iter().all(|m| *m.data_type() == DataType::Utf8)
            }
            _ => false,
        },
        (ColumnType::Hops, DataType::List(item)) => {
            matches!(item.data_type(), DataType::Struct(_))
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(TableError::ColumnType {
        column,
        expected: arrow_type(expected).to_string(),
        found: array.data_type().to_string(),
    })
}

/// Writes the cells of one column into rows; `part` finds the part of a row that has the field.
fn fill<Row, R: 'static>(
    field: &Field<R>,
    cells: &Cells<'_>,
    rows: &mut [Row],
    part: fn(&mut Row) -> &mut R,
    shared: &mut SharedTexts,
) -> Result<(), TableError> {
    match field {
        Field::Text { write, .. } => {
            let texts: &StringArray = cells.array.as_string();
            for row in cells.valid() {
                let text = cells.text(texts, row, shared);
                if !write(part(&mut rows[row]), text) {
                    return Err(cells.unknown_value(row, texts.value(row)));
                }
            }
        }
        Field::Texts { write, .. } => {
            let (lists, texts) = text_lists(cells)?;
            for row in cells.valid() {
                let list = list_range(lists, row).map(|at| cells.text(texts, at, shared));
                write(part(&mut rows[row]), list.collect());
            }
        }
        Field::TextMap { write, .. } => {
            let maps: &MapArray = cells.array.as_map();
            for row in cells.valid() {
                write(part(&mut rows[row]), text_map(cells, maps, row, shared));
            }
        }
        Field::TextPairs { .. } => {}
        Field::Bool { write, .. } => {
            let values: &BooleanArray = cells.array.as_boolean();
            cells
                .valid()
                .for_each(|row| write(part(&mut rows[row]), values.value(row)));
        }
        Field::Int { write, .. } => {
            let values: &Int32Array = cells.array.as_primitive::<Int32Type>();
            cells
                .valid()
                .for_each(|row| write(part(&mut rows[row]), values.value(row)));
        }
        Field::Long { write, .. } => {
            let values: &Int64Array = cells.array.as_primitive::<Int64Type>();
            cells
                .valid()
                .for_each(|row| write(part(&mut rows[row]), values.value(row)));
        }
        Field::Timestamp { write, .. } => {
            let values: &TimestampMillisecondArray =
                cells.array.as_primitive::<TimestampMillisecondType>();
            cells
                .valid()
                .for_each(|row| write(part(&mut rows[row]), Timestamp(values.value(row))));
        }
        Field::Hops { write, .. } => fill_hops(cells, rows, |row| write(part(row)), shared)?,
        Field::HopTexts {
            write, write_text, ..
        } => {
            fill_hop_texts(cells, rows, |row| write(part(row)), *write_text, shared)?;
        }
    }
    Ok(())
}

fn text_lists<'b>(cells: &Cells<'b>) -> Result<(&'b ListArray, &'b StringArray), TableError> {
    let lists: &ListArray = cells.array.as_list();
    Ok((lists, lists.values().as_string()))
}

fn list_range(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

fn text_map(cells: &Cells<'_>, maps: &MapArray, row: usize, shared: &mut SharedTexts) -> TagMap {
    let (keys, values): (&StringArray, &StringArray) =
        (maps.keys().as_string(), maps.values().as_string());
    let offsets = maps.value_offsets();
    let entries = offsets[row] as usize..offsets[row + 1] as usize;
    entries
        .map(|at| (cells.text(keys, at, shared), cells.text(values, at, shared)))
        .collect()
}

/// Makes room for a row's ancestors, or finds that the columns disagree on how many there are.
fn hops_of_length<'h>(
    hops: &'h mut Vec<Arc<Hop>>,
    length: usize,
    cells: &Cells<'_>,
    row: usize,
) -> Result<&'h mut [Arc<Hop>], TableError> {
    if hops.is_empty() {
        hops.resize_with(length, Arc::default);
    }
    if hops.len() != length {
        let expected = hops.len();
        return Err(TableError::ChainLength {
            column: cells.column,
            row,
            expected,
            found: length,
        });
    }
    Ok(hops)
}

fn fill_hop_texts<Row>(
    cells: &Cells<'_>,
    rows: &mut [Row],
    hops_of: impl Fn(&mut Row) -> &mut Vec<Arc<Hop>>,
    write_text: fn(&mut Hop, Text),
    shared: &mut SharedTexts,
) -> Result<(), TableError> {
    let (lists, texts) = text_lists(cells)?;
    for row in cells.valid() {
        let range = list_range(lists, row);
        let hops = hops_of_length(hops_of(&mut rows[row]), range.len(), cells, row)?;
        for (hop, at) in hops.iter_mut().zip(range) {
            if texts.is_valid(at) {
                write_text(Arc::make_mut(hop), cells.text(texts, at, shared));
            }
        }
    }
    Ok(())
}

fn fill_hops<Row>(
    cells: &Cells<'_>,
    rows: &mut [Row],
    hops_of: impl Fn(&mut Row) -> &mut Vec<Arc<Hop>>,
    shared: &mut SharedTexts,
) -> Result<(), TableError> {
    let lists: &ListArray = cells.array.as_list();
    let structs = lists.values().as_struct();
    let mut hops = Vec::new();
    hops.resize_with(structs.len(), Hop::default);
    for member in HOP_FIELDS {
        let Some(array) = structs.column_by_name(member.name) else {
            continue;
        };
        check_type(cells.column, member.field.column_type(), array)?;
        let cells = Cells {
            column: cells.column,
            array,
            repeating: true,
        };
        fill(&member.field, &cells, &mut hops, |hop| hop, shared)?;
    }
    let mut hops: Vec<_> = hops.into_iter().map(Some).collect();
    for row in cells.valid() {
        let range = list_range(lists, row);
        let slots = hops_of_length(hops_of(&mut rows[row]), range.len(), cells, row)?;
        for (slot, at) in slots.iter_mut().zip(range) {
            *slot = Arc::new(hops[at].take().unwrap_or_default());
        }
    }
    Ok(())
}
