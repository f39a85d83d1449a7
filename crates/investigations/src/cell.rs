//! The cells of an answer, free of the engine's types.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, LargeListArray, MapArray, StructArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType, UInt64Type,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::ser::{Serialize, Serializer};
use trailback_sessions::Timestamp;

/// One cell. Serialises as in every other answer: an absent one as null, times as RFC 3339.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Absent.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text, as it came out of the log.
    Text(String),
    /// A moment.
    Time(Timestamp),
    /// An array.
    List(Vec<Cell>),
    /// A map, in its order.
    Map(Vec<(Cell, Cell)>),
    /// A row of named cells.
    Struct(Vec<(String, Cell)>),
}

/// A row: a cell for each column of the answer.
pub type Row = Vec<Cell>;

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Time(moment) => serializer.collect_str(moment),
            Self::List(cells) => serializer.collect_seq(cells),
            Self::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (MapKey(key), value)))
            }
            Self::Struct(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// The key of a map: in JSON always a text.
struct MapKey<'c>(&'c Cell);

impl Serialize for MapKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Int(number) => serializer.collect_str(number),
            Cell::Time(moment) => serializer.collect_str(moment),
            Cell::Bool(value) => serializer.collect_str(value),
            other => serializer.collect_str(&format_args!("{other:?}")),
        }
    }
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    side_by_side(batch.columns(), batch.num_rows())
}

/// Columns of one length, row by row.
fn side_by_side(columns: &[ArrayRef], row_count: usize) -> Result<Vec<Row>, ArrowError> {
    let columns: Result<Vec<Vec<Cell>>, ArrowError> = columns.iter().map(cells).collect();
    let mut columns: Vec<_> = columns?.into_iter().map(Vec::into_iter).collect();
    let row = |_| columns.iter_mut().filter_map(Iterator::next).collect();
    Ok((0..row_count).map(row).collect())
}

/// The cells of a column.
fn cells(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    use DataType as T;
    Ok(match array.data_type() {
        T::Null => vec![Cell::Null; array.len()],
        T::Boolean => each(array.as_boolean().iter(), Cell::Bool),
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => {
            let numbers = cast(array, &T::Int64)?;
            each(numbers.as_primitive::<Int64Type>().iter(), Cell::Int)
        }
        T::UInt64 => each(array.as_primitive::<UInt64Type>().iter(), unsigned),
        T::Float16 | T::Float32 | T::Float64 => {
            let numbers = cast(array, &T::Float64)?;
            each(numbers.as_primitive::<Float64Type>().iter(), Cell::Float)
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View => {
            let texts = cast(array, &T::LargeUtf8)?;
            each(texts.as_string::<i64>().iter(), |text| {
                Cell::Text(text.to_owned())
            })
        }
        T::Timestamp(_, zone) => {
            let moments = cast(array, &T::Timestamp(TimeUnit::Millisecond, zone.clone()))?;
            let moments = moments.as_primitive::<TimestampMillisecondType>();
            each(moments.iter(), |ms| Cell::Time(Timestamp(ms)))
        }
        T::Dictionary(_, values) => cells(&cast(array, values)?)?,
        T::List(element)
        | T::LargeList(element)
        | T::FixedSizeList(element, _)
        | T::ListView(element)
        | T::LargeListView(element) => {
            let lists = cast(array, &T::LargeList(element.clone()))?;
            lists_of(lists.as_list::<i64>())?
        }
        T::Map(..) => maps(array.as_map())?,
        T::Struct(_) => structs(array.as_struct())?,
        _ => others(array)?,
    })
}

fn each<T>(values: impl Iterator<Item = Option<T>>, cell: impl Fn(T) -> Cell) -> Vec<Cell> {
    values
        .map(|value| value.map_or(Cell::Null, &cell))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "what is larger than any count")]
fn unsigned(number: u64) -> Cell {
    i64::try_from(number).map_or(Cell::Float(number as f64), Cell::Int)
}

fn lists_of(array: &LargeListArray) -> Result<Vec<Cell>, ArrowError> {
    let lists = array.iter().map(|list| match list {
        Some(list) => cells(&list).map(Cell::List),
        None => Ok(Cell::Null),
    });
    lists.collect()
}

fn maps(array: &MapArray) -> Result<Vec<Cell>, ArrowError> {
    let maps = array.iter().map(|entries| {
        let Some(entries) = entries else {
            return Ok(Cell::Null);
        };
        let (keys, values) = (cells(entries.column(0))?, cells(entries.column(1))?);
        Ok(Cell::Map(keys.into_iter().zip(values).collect()))
    });
    maps.collect()
}

fn structs(array: &StructArray) -> Result<Vec<Cell>, ArrowError> {
    let rows = side_by_side(array.columns(), array.len())?;
    let names = array.column_names();
    let cell = |(place, values): (usize, Row)| {
        if array.is_null(place) {
            return Cell::Null;
        }
        let names = names.iter().map(|name| (*name).to_owned());
        Cell::Struct(names.zip(values).collect())
    };
    Ok(rows.into_iter().enumerate().map(cell).collect())
}

/// Dates, intervals, decimals and the like, as the engine writes them.
fn others(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())?;
    let cell = |row| {
        if array.is_null(row) {
            Ok(Cell::Null)
        } else {
            formatter.value(row).try_to_string().map(Cell::Text)
        }
    };
    (0..array.len()).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        Date32Array, DictionaryArray, Int32Array, ListBuilder, MapBuilder, StringArray,
        StringBuilder, TimestampSecondArray, UInt64Array,
    };
    use datafusion::arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn json(array: ArrayRef) -> Vec<String> {
        let cells = cells(&array).unwrap();
        cells
            .iter()
            .map(|cell| serde_json::to_string(cell).unwrap())
            .collect()
    }

    #[test]
    fn scalars_are_read_whatever_their_width() {
        assert_eq!(
            json(Arc::new(Int32Array::from(vec![Some(7), None]))),
            ["7", "null"]
        );
        assert_eq!(json(Arc::new(UInt64Array::from(vec![7, u64::MAX])))[0], "7");
        assert_eq!(
            json(Arc::new(StringArray::from(vec![Some("a\"b"), None]))),
            [r#""a\"b""#, "null"]
        );
        let moment = TimestampSecondArray::from(vec![1_763_629_200]).with_timezone("UTC");
        assert_eq!(json(Arc::new(moment)), [r#""2025-11-20T09:00:00Z""#]);
        assert_eq!(
            json(Arc::new(Date32Array::from(vec![20_412]))),
            [r#""2025-11-20""#]
        );
        let repeated: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
        assert_eq!(json(Arc::new(repeated)), [r#""a""#, r#""b""#, r#""a""#]);
    }

    #[test]
    fn nested_cells_are_read_with_their_nulls() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a"), None]);
        lists.append_null();
        lists.append_value(Vec::<Option<&str>>::new());
        assert_eq!(
            json(Arc::new(lists.finish())),
            [r#"["a",null]"#, "null", "[]"]
        );
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.keys().append_value("Team");
        maps.values().append_value("payments");
        maps.append(true).unwrap();
        maps.append(false).unwrap();
        assert_eq!(
            json(Arc::new(maps.finish())),
            [r#"{"Team":"payments"}"#, "null"]
        );
        let member = Arc::new(Field::new("n", DataType::Int32, true));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let rows = StructArray::from(vec![(member, numbers)]);
        assert_eq!(json(Arc::new(rows)), [r#"{"n":1}"#, r#"{"n":null}"#]);
    }
}
