//! How a column reaches the field of a row: typed readers and writers.

use std::sync::Arc;

use trailback_sessions::{Hop, Issuance, Session, TagMap, Text, Timestamp};

use super::{ColumnType, Value, Word};
use crate::ledger::LedgerEntry;
use crate::rows::{FieldWork, Part};

/// Where a column's field lies: in what one record says, in what linking found out, or in what the ledger says of a log
/// object.
#[derive(Debug)]
pub enum Access {
    Issuance(Field<Issuance>),
    Session(Field<Session>),
    LogObject(Field<LedgerEntry>),
}

/// Typed access to one field of a row `R`. Readers give `None` for null; writers are called for values only.
pub enum Field<R> {
    Text {
        read: fn(&R) -> Option<&str>,
        /// False: a text this version does not know.
        write: fn(&mut R, Text) -> bool,
    },
    Texts {
        read: fn(&R) -> &[Text],
        write: fn(&mut R, Vec<Text>),
        /// What an empty list is in the table.
        empty: EmptyList,
    },
    TextMap {
        read: fn(&R) -> &TagMap,
        write: fn(&mut R, TagMap),
    },
    /// `key=value` for each entry of a map; nothing to write back.
    TextPairs { read: fn(&R) -> &TagMap },
    Bool {
        read: fn(&R) -> Option<bool>,
        write: fn(&mut R, bool),
    },
    Int {
        read: fn(&R) -> Option<i32>,
        write: fn(&mut R, i32),
    },
    Long {
        read: fn(&R) -> Option<i64>,
        write: fn(&mut R, i64),
    },
    Timestamp {
        read: fn(&R) -> Option<Timestamp>,
        write: fn(&mut R, Timestamp),
    },
    /// The ancestors as structs of [`HOP_FIELDS`].
    Hops {
        read: fn(&R) -> &[Arc<Hop>],
        write: fn(&mut R) -> &mut Vec<Arc<Hop>>,
    },
    /// One text of each ancestor, parallel to [`Field::Hops`].
    HopTexts {
        read: fn(&R) -> &[Arc<Hop>],
        write: fn(&mut R) -> &mut Vec<Arc<Hop>>,
        read_text: fn(&Hop) -> Option<&str>,
        write_text: fn(&mut Hop, Text),
    },
}

/// What an empty list is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyList {
    Null,
    Kept,
}

/// A member of the struct that stands for an ancestor.
pub(crate) struct HopField {
    pub(crate) name: &'static str,
    pub(crate) field: Field<Hop>,
}

/// The struct that stands for an ancestor, for display.
pub(crate) const HOP_FIELDS: &[HopField] = &[
    HopField {
        name: "event_time",
        field: Field::Timestamp {
            read: |hop| Some(hop.event_time),
            write: |hop, value| hop.event_time = value,
        },
    },
    HopField {
        name: "event_name",
        field: Field::Text {
            read: |hop| hop.event_name.as_deref(),
            write: |hop, value| set(&mut hop.event_name, value),
        },
    },
    HopField {
        name: "session_arn",
        field: Field::Text {
            read: |hop| hop.session_arn.as_deref(),
            write: |hop, value| set(&mut hop.session_arn, value),
        },
    },
    HopField {
        name: "source_ip_address",
        field: Field::Text {
            read: |hop| hop.source_ip_address.as_deref(),
            write: |hop, value| set(&mut hop.source_ip_address, value),
        },
    },
    HopField {
        name: "session_mfa",
        field: Field::Bool {
            read: |hop| hop.session_mfa,
            write: |hop, value| hop.session_mfa = Some(value),
        },
    },
    HopField {
        name: "link_evidence",
        field: Field::Text {
            read: |hop| hop.link_evidence.map(Word::text),
            write: |hop, value| set_known(&mut hop.link_evidence, &value),
        },
    },
];

/// Stores a text; never refused.
pub(super) fn set(slot: &mut Option<Text>, value: Text) -> bool {
    *slot = Some(value);
    true
}

/// Stores the value that a text stands for; false for a text this version does not know.
pub(super) fn set_word<W: Word>(slot: &mut W, value: &str) -> bool {
    let known = W::from_text(value);
    if let Some(word) = known {
        *slot = word;
    }
    known.is_some()
}

/// As [`set_word`], for a field that can be absent.
pub(super) fn set_known<W: Word>(slot: &mut Option<W>, value: &str) -> bool {
    *slot = W::from_text(value);
    slot.is_some()
}

impl Access {
    pub(super) const fn column_type(&self) -> ColumnType {
        match self {
            Self::Issuance(field) => field.column_type(),
            Self::Session(field) => field.column_type(),
            Self::LogObject(field) => field.column_type(),
        }
    }
}

impl<R> Field<R> {
    pub(crate) const fn column_type(&self) -> ColumnType {
        match self {
            Self::Text { .. } => ColumnType::Text,
            Self::Texts { .. } | Self::TextPairs { .. } | Self::HopTexts { .. } => {
                ColumnType::Texts
            }
            Self::TextMap { .. } => ColumnType::TextMap,
            Self::Bool { .. } => ColumnType::Bool,
            Self::Int { .. } => ColumnType::Int,
            Self::Long { .. } => ColumnType::Long,
            Self::Timestamp { .. } => ColumnType::Timestamp,
            Self::Hops { .. } => ColumnType::Hops,
        }
    }

    /// The field's value, as the table has it.
    pub(crate) fn value<'r>(&self, row: &'r R) -> Value<'r> {
        match self {
            Self::Text { read, .. } => read(row).map_or(Value::Null, Value::Text),
            Self::Texts { read, empty, .. } => match read(row) {
                [] if *empty == EmptyList::Null => Value::Null,
                texts => Value::Texts(texts.iter().map(|text| Some(&**text)).collect()),
            },
            Self::TextMap { read, .. } => non_empty(read(row)).map_or(Value::Null, Value::TextMap),
            Self::TextPairs { read } => non_empty(read(row)).map_or(Value::Null, |tags| {
                Value::Pairs(
                    tags.iter()
                        .map(|(key, value)| tag_pair(key, value))
                        .collect(),
                )
            }),
            Self::Bool { read, .. } => read(row).map_or(Value::Null, Value::Bool),
            Self::Int { read, .. } => read(row).map_or(Value::Null, Value::Int),
            Self::Long { read, .. } => read(row).map_or(Value::Null, Value::Long),
            Self::Timestamp { read, .. } => read(row).map_or(Value::Null, Value::Timestamp),
            Self::Hops { read, .. } => match read(row) {
                [] => Value::Null,
                hops => Value::Hops(hops),
            },
            Self::HopTexts {
                read, read_text, ..
            } => match read(row) {
                [] => Value::Null,
                hops => Value::Texts(hops.iter().map(|hop| read_text(hop)).collect()),
            },
        }
    }

    /// Whether the table has null for this row.
    pub(crate) fn is_null(&self, row: &R) -> bool {
        match self {
            Self::Text { read, .. } => read(row).is_none(),
            Self::Texts { read, empty, .. } => *empty == EmptyList::Null && read(row).is_empty(),
            Self::TextMap { read, .. } | Self::TextPairs { read } => read(row).is_empty(),
            Self::Bool { read, .. } => read(row).is_none(),
            Self::Int { read, .. } => read(row).is_none(),
            Self::Long { read, .. } => read(row).is_none(),
            Self::Timestamp { read, .. } => read(row).is_none(),
            Self::Hops { read, .. } | Self::HopTexts { read, .. } => read(row).is_empty(),
        }
    }
}

/// A row's value in one column.
pub(super) struct ValueOf<'r, R>(pub(super) &'r R);

impl<'r, R: 'r> FieldWork<R> for ValueOf<'r, R> {
    type Output = Value<'r>;

    fn on<P: 'static>(self, field: &Field<P>, part: Part<R, P>) -> Value<'r> {
        field.value((part.of)(self.0))
    }
}

/// A tag as one text, so that engines can filter on it without opening a map.
pub(crate) fn tag_pair(key: &str, value: &str) -> String {
    format!("{key}={value}")
}

fn non_empty(tags: &TagMap) -> Option<&TagMap> {
    (!tags.is_empty()).then_some(tags)
}

impl<R> std::fmt::Debug for Field<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.column_type().fmt(f)
    }
}
