//! The Arrow schema of a table, and what its files say of themselves.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, SchemaRef, TimeUnit};

use crate::columns::{Column, ColumnType, HOP_FIELDS, SESSIONS};

/// Counts up when a file of the old schema can no longer be decoded by column name.
pub const SCHEMA_VERSION: i32 = 1;

/// Which table a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Unlinked rows, as one record says them.
    Fragments,
    /// Linked rows.
    Sessions,
}

impl Table {
    /// The name that its files carry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fragments => "fragments",
            Self::Sessions => "sessions",
        }
    }

    /// Its columns, in their order.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        SESSIONS
            .iter()
            .filter(move |column| self == Self::Sessions || column.in_fragments())
    }
}

/// The Arrow schema of some columns. Names of inner fields are those of the Parquet specification, which every engine reads.
pub(crate) fn arrow_schema<'c>(columns: impl IntoIterator<Item = &'c Column>) -> SchemaRef {
    let fields = columns.into_iter().map(|column| {
        ArrowField::new(
            column.name,
            arrow_type(column.column_type()),
            !column.required,
        )
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// The Arrow type of a column type.
pub(crate) fn arrow_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Texts => DataType::List(element(DataType::Utf8)),
        ColumnType::TextMap => DataType::Map(map_entries(), false),
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::Hops => DataType::List(element(DataType::Struct(hop_members()))),
    }
}

/// The list element of that type.
pub(crate) fn element(item: DataType) -> Arc<ArrowField> {
    Arc::new(ArrowField::new("element", item, true))
}

/// The members of the struct that stands for an ancestor.
pub(crate) fn hop_members() -> Fields {
    let member = |member: &crate::columns::HopField| {
        ArrowField::new(member.name, arrow_type(member.field.column_type()), true)
    };
    HOP_FIELDS.iter().map(member).collect()
}

/// The entry of a map from text to text.
pub(crate) fn map_entries() -> Arc<ArrowField> {
    let members = Fields::from(vec![
        ArrowField::new("key", DataType::Utf8, false),
        ArrowField::new("value", DataType::Utf8, true),
    ]);
    Arc::new(ArrowField::new(
        "key_value",
        DataType::Struct(members),
        false,
    ))
}
