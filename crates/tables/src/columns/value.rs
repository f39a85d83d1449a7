//! One cell of a row, and a row as JSON keyed by column names.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use trailback_sessions::{Hop, TagMap, Timestamp};

use super::HOP_FIELDS;
use crate::rows::TableRow;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'r> {
    /// Absent.
    Null,
    /// A text.
    Text(&'r str),
    /// A list of texts, of which some may be null.
    Texts(Vec<Option<&'r str>>),
    /// A list of `key=value`.
    Pairs(Vec<String>),
    /// A map.
    TextMap(&'r TagMap),
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i32),
    /// A larger one.
    Long(i64),
    /// A moment.
    Timestamp(Timestamp),
    /// The ancestors, origin first.
    Hops(&'r [Arc<Hop>]),
}

/// A row that serialises as an object with every column of its table, absent ones null, times as RFC 3339.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r, R>(pub &'r R);

impl<R: TableRow> Serialize for Row<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = R::TABLE.columns();
        let mut object = serializer.serialize_map(Some(columns.len()))?;
        for column in columns {
            object.serialize_entry(column.name, &column.value(self.0))?;
        }
        object.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Texts(texts) => serializer.collect_seq(texts),
            Self::Pairs(pairs) => serializer.collect_seq(pairs),
            Self::TextMap(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (&**key, &**value)))
            }
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i32(*value),
            Self::Long(value) => serializer.serialize_i64(*value),
            Self::Timestamp(moment) => serializer.collect_str(moment),
            Self::Hops(hops) => {
                let mut list = serializer.serialize_seq(Some(hops.len()))?;
                for hop in *hops {
                    list.serialize_element(&HopObject(hop))?;
                }
                list.end()
            }
        }
    }
}

struct HopObject<'r>(&'r Hop);

impl Serialize for HopObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = HOP_FIELDS
            .iter()
            .map(|member| (member.name, member.field.value(self.0)));
        serializer.collect_map(members)
    }
}
