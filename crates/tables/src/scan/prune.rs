//! Which row groups can hold a row, by their statistics.

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::columns::{Column, ColumnType};
use crate::filter::Condition;

/// False only where no row of the row group can pass.
pub(super) fn may_match(condition: &Condition, group: &RowGroupMetaData) -> bool {
    match condition {
        Condition::Always
        | Condition::Pair { .. }
        | Condition::Flag { .. }
        | Condition::Matching(_) => true,
        Condition::TextIn { column, values } => {
            values.iter().any(|value| may_hold(column, value, group))
        }
        Condition::TextPrefix { column, prefix } => may_hold_prefix(column, prefix, group),
        Condition::Time { since, until } => match event_times(group) {
            Some((first, last)) => last >= since.0 && first < until.0,
            None => true,
        },
        Condition::And(all) => all.iter().all(|condition| may_match(condition, group)),
        Condition::Or(any) => any.iter().any(|condition| may_match(condition, group)),
    }
}

/// The row group's chunk of a scalar column or of the elements of a list of texts.
pub(super) fn chunk<'g>(
    column: &Column,
    group: &'g RowGroupMetaData,
) -> Option<&'g ColumnChunkMetaData> {
    group
        .columns()
        .iter()
        .find(|chunk| match chunk.column_path().parts() {
            [root] => root == column.name,
            [root, ..] => root == column.name && column.column_type() == ColumnType::Texts,
            [] => false,
        })
}

fn may_hold(column: &Column, value: &str, group: &RowGroupMetaData) -> bool {
    // A column that the file lacks is null in every row.
    let Some(chunk) = chunk(column, group) else {
        return false;
    };
    let Some(statistics) = chunk.statistics() else {
        return true;
    };
    if statistics
        .null_count_opt()
        .is_some_and(|nulls| nulls == chunk.num_values() as u64)
    {
        return false;
    }
    let value = value.as_bytes();
    let above_min = statistics.min_bytes_opt().is_none_or(|min| min <= value);
    let below_max = statistics.max_bytes_opt().is_none_or(|max| value <= max);
    above_min && below_max
}

/// Texts with a prefix are not less than it, and follow each other.
fn may_hold_prefix(column: &Column, prefix: &str, group: &RowGroupMetaData) -> bool {
    let Some(chunk) = chunk(column, group) else {
        return false;
    };
    let Some(statistics) = chunk.statistics() else {
        return true;
    };
    let prefix = prefix.as_bytes();
    let begins_before = |min: &[u8]| min <= prefix || min.starts_with(prefix);
    statistics.min_bytes_opt().is_none_or(begins_before)
        && statistics.max_bytes_opt().is_none_or(|max| max >= prefix)
}

fn event_times(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let is_event_time = |chunk: &&ColumnChunkMetaData| matches!(chunk.column_path().parts(), [root] if root == "event_time");
    match group.columns().iter().find(is_event_time)?.statistics()? {
        Statistics::Int64(times) => Some((*times.min_opt()?, *times.max_opt()?)),
        _ => None,
    }
}
