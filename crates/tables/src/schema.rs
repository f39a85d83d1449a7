//! The tables of a lake, what their files say of themselves, and the Arrow schema of their columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, SchemaRef, TimeUnit};

use crate::columns::{Column, ColumnType, HOP_FIELDS, LOG_OBJECTS, SESSIONS};

/// Counts up when a file of the old schema can no longer be decoded by column name.
pub const SCHEMA_VERSION: i32 = 1;

/// The tables of a lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row for each issuance.
    Sessions,
    /// The ledger: one row for each log object read.
    LogObjects,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 2] = [Table::Sessions, Table::LogObjects];

    /// Its name, and that of its folder in the lake.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::LogObjects => "log_objects",
        }
    }

    /// Its columns, in their order.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Sessions => SESSIONS,
            Self::LogObjects => LOG_OBJECTS,
        }
    }

    /// The Arrow schema of its data objects; the day is the name of their folder, and no column of theirs.
    #[must_use]
    pub fn arrow_schema(self) -> SchemaRef {
        arrow_schema(self.columns())
    }
}

/// What a file is of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Rows as they were extracted.
    Fragment(Table),
    /// Rows as they are published.
    DataObject(Table),
}

impl FileKind {
    /// The name that the file carries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fragment(Table::Sessions) => "fragments",
            Self::Fragment(Table::LogObjects) => "log_object_fragments",
            Self::DataObject(table) => table.name(),
        }
    }

    /// The columns that the file can have, in their order.
    pub(crate) fn columns(self) -> impl Iterator<Item = &'static Column> {
        let (table, is_fragment) = match self {
            Self::Fragment(table) => (table, true),
            Self::DataObject(table) => (table, false),
        };
        let columns = table.columns().iter();
        columns.filter(move |column| !is_fragment || column.in_fragments())
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
        ColumnType::Long => DataType::Int64,
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
