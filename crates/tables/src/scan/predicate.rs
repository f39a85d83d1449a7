//! A filter's conditions on decoded columns, so that the other columns are decoded for the rows found alone.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMillisecondType;
use arrow::error::ArrowError;
use hashbrown::HashSet;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicate, ArrowPredicateFn, RowFilter};
use parquet::file::metadata::ParquetMetaData;
use trailback_sessions::{MatchFacts, Text, Timestamp};

use crate::columns::Column;
use crate::filter::{Condition, MATCH_COLUMNS, Matcher, Pair};

/// One predicate for each condition that must hold on its own: a later one sees only rows that the earlier ones left.
pub(super) fn row_filter(condition: &Condition, metadata: &ParquetMetaData) -> RowFilter {
    let predicates = condition.conjuncts().into_iter().map(|condition| {
        let columns = projection(&condition, metadata);
        let evaluate = move |batch: RecordBatch| evaluate(&condition, &batch);
        Box::new(ArrowPredicateFn::new(columns, evaluate)) as Box<dyn ArrowPredicate>
    });
    RowFilter::new(predicates.collect())
}

/// The columns that a condition looks at, as far as the file has them; never none.
fn projection(condition: &Condition, metadata: &ParquetMetaData) -> ProjectionMask {
    let mut names = condition.columns();
    names.push("event_time");
    let schema = metadata.file_metadata().schema_descr();
    let roots: Vec<_> = schema
        .root_schema()
        .get_fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| names.contains(&field.name()))
        .map(|(root, field)| (root, field.name()))
        .collect();
    let needed = |name: &str| {
        name != "event_time" || roots.len() == 1 || condition.columns().contains(&name)
    };
    let roots = roots
        .iter()
        .filter(|(_, name)| needed(name))
        .map(|(root, _)| *root);
    ProjectionMask::roots(schema, roots)
}

fn evaluate(condition: &Condition, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let mut passes = vec![true; batch.num_rows()];
    retain(condition, batch, &mut passes)?;
    Ok(BooleanArray::from(passes))
}

/// Clears the flags of rows that do not pass.
fn retain(
    condition: &Condition,
    batch: &RecordBatch,
    passes: &mut [bool],
) -> Result<(), ArrowError> {
    match condition {
        Condition::Always => {}
        Condition::TextIn { column, values } => {
            retain_texts(column, &Wanted::new(values), batch, passes)?;
        }
        Condition::TextPrefix { column, prefix } => {
            retain_texts(column, &Wanted::Beginning(prefix), batch, passes)?;
        }
        Condition::Pair { column, pair } => {
            retain_texts(column, &Wanted::Pair(pair), batch, passes)?;
        }
        Condition::Flag { column, flag } => match batch.column_by_name(column.name) {
            Some(array) => {
                let values = array
                    .as_boolean_opt()
                    .ok_or_else(|| wrong_type(column.name))?;
                for (pass, value) in passes.iter_mut().zip(values) {
                    *pass &= flag.passes(value);
                }
            }
            // A column that the file lacks is null in every row.
            None if flag.passes(None) => {}
            None => passes.fill(false),
        },
        Condition::Time { since, until } => {
            for (pass, time) in passes.iter_mut().zip(event_times(batch)?) {
                *pass &= (*since..*until).contains(&time);
            }
        }
        Condition::Matching(matcher) => retain_matching(matcher, batch, passes)?,
        Condition::And(all) => {
            for condition in all {
                retain(condition, batch, passes)?;
            }
        }
        Condition::Or(any) => {
            let mut found = vec![false; passes.len()];
            for condition in any {
                let mut passes_this = passes.to_vec();
                retain(condition, batch, &mut passes_this)?;
                found
                    .iter_mut()
                    .zip(passes_this)
                    .for_each(|(found, this)| *found |= this);
            }
            passes.copy_from_slice(&found);
        }
    }
    Ok(())
}

fn retain_texts(
    column: &Column,
    wanted: &Wanted<'_>,
    batch: &RecordBatch,
    passes: &mut [bool],
) -> Result<(), ArrowError> {
    let Some(array) = batch.column_by_name(column.name) else {
        passes.fill(false);
        return Ok(());
    };
    if let Some(texts) = array.as_string_opt::<i32>() {
        for (row, pass) in passes.iter_mut().enumerate().filter(|(_, pass)| **pass) {
            *pass = texts.is_valid(row) && wanted.has(texts.value(row));
        }
        return Ok(());
    }
    let lists = array
        .as_list_opt::<i32>()
        .ok_or_else(|| wrong_type(column.name))?;
    let texts: &StringArray = lists
        .values()
        .as_string_opt()
        .ok_or_else(|| wrong_type(column.name))?;
    let offsets = lists.value_offsets();
    for (row, pass) in passes.iter_mut().enumerate().filter(|(_, pass)| **pass) {
        let mut items = offsets[row] as usize..offsets[row + 1] as usize;
        *pass = lists.is_valid(row)
            && items.any(|item| texts.is_valid(item) && wanted.has(texts.value(item)));
    }
    Ok(())
}

/// Comparing one text is much cheaper than hashing each cell.
enum Wanted<'v> {
    One(&'v str),
    Many(&'v HashSet<Text>),
    Beginning(&'v str),
    Pair(&'v Pair),
}

impl<'v> Wanted<'v> {
    fn new(values: &'v HashSet<Text>) -> Self {
        let mut texts = values.iter();
        match (texts.next(), texts.next()) {
            (Some(text), None) => Self::One(text),
            _ => Self::Many(values),
        }
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::One(wanted) => *wanted == text,
            Self::Many(wanted) => wanted.contains(text),
            Self::Beginning(prefix) => text.starts_with(prefix),
            Self::Pair(pair) => pair.is(text),
        }
    }
}

fn retain_matching(
    matcher: &Matcher,
    batch: &RecordBatch,
    passes: &mut [bool],
) -> Result<(), ArrowError> {
    let [_, texts @ ..] = MATCH_COLUMNS;
    let mut arrays: [Option<&StringArray>; 6] = [None; 6];
    for (slot, name) in arrays.iter_mut().zip(texts) {
        if let Some(array) = batch.column_by_name(name) {
            *slot = Some(array.as_string_opt().ok_or_else(|| wrong_type(name))?);
        }
    }
    let times = event_times(batch)?;
    for (row, (pass, event_time)) in passes.iter_mut().zip(times).enumerate() {
        *pass = *pass && {
            let cells = arrays.map(|array| {
                array
                    .filter(|texts| texts.is_valid(row))
                    .map(|texts| texts.value(row))
            });
            let [key, principal, account, role, name, replaces] = cells;
            matcher.0(&MatchFacts {
                event_time,
                access_key_id: key,
                session_principal_id: principal,
                role_account_id: account,
                role_name: role,
                session_name: name,
                replaces_event_id: replaces,
            })
        };
    }
    Ok(())
}

fn event_times(batch: &RecordBatch) -> Result<impl Iterator<Item = Timestamp>, ArrowError> {
    let array = batch.column_by_name("event_time");
    let times = array.and_then(|array| array.as_primitive_opt::<TimestampMillisecondType>());
    let times = times.ok_or_else(|| wrong_type("event_time"))?;
    Ok(times.values().iter().map(|ms| Timestamp(*ms)))
}

fn wrong_type(column: &str) -> ArrowError {
    ArrowError::SchemaError(format!(
        "column {column} has another type than this program gives it"
    ))
}
