//! The one definition of every column: name, type, meaning, and the field of the row behind it.
//!
//! Arrow schema, encoding, decoding, Athena DDL, JSON and the column reference all derive from [`SESSIONS`] and
//! [`LOG_OBJECTS`].

mod field;
#[macro_use]
mod forms;
mod log_objects;
mod sessions;
mod value;
mod words;

pub(crate) use field::{Access, EmptyList, Field, HOP_FIELDS, HopField, tag_pair};
pub use log_objects::LOG_OBJECTS;
pub use sessions::SESSIONS;
pub use value::{Row, Value};
pub(crate) use words::Word;

use crate::rows::TableRow;

/// One column of a table.
#[derive(Debug)]
pub struct Column {
    /// Lower snake case; an interface.
    pub name: &'static str,
    /// The heading it stands under.
    pub group: Group,
    /// One sentence for people.
    pub meaning: &'static str,
    /// Never null.
    pub required: bool,
    /// What readers can skip by.
    pub statistics: Statistics,
    /// What single values are looked up by.
    pub bloom: Bloom,
    /// Whether values repeat often enough for a dictionary to pay.
    pub dictionary: bool,
    pub(crate) access: Access,
}

/// The headings of the column reference, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What the envelope of the record says.
    Record,
    /// What was handed out.
    Session,
    /// Session tags, of this call and inherited.
    Tags,
    /// Session policies.
    Policy,
    /// Multi-factor authentication.
    Mfa,
    /// Who made the call.
    Caller,
    /// How the caller's own session was found.
    Link,
    /// Who started the chain.
    Origin,
    /// The ancestors.
    Chain,
    /// Which log object, and what its name says.
    LogObject,
    /// What came of reading it.
    Reading,
    /// Which program wrote the row.
    Program,
}

impl Group {
    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Record => "Record",
            Self::Session => "Session",
            Self::Tags => "Tags",
            Self::Policy => "Policy",
            Self::Mfa => "MFA",
            Self::Caller => "Caller",
            Self::Link => "Link",
            Self::Origin => "Origin",
            Self::Chain => "Chain",
            Self::LogObject => "Log object",
            Self::Reading => "Reading",
            Self::Program => "Program",
        }
    }
}

/// Minimum, maximum and null count that the file keeps of a column, so that readers can skip parts of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// None: nested columns, whose statistics no engine uses, and free text.
    Nothing,
    /// Of each row group.
    RowGroups,
    /// Of each page too, for columns that the sort order clusters.
    Pages,
}

/// Bloom filters, for values that people ask for one by one. Each costs 1.3 to 2 bytes for each distinct value, so that
/// those of a column with few values cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bloom {
    /// None.
    Nothing,
    /// One of each row group, which engines know.
    RowGroups,
    /// One of the whole file too, where it has several row groups: for what a subject can be, which is looked for in the
    /// files of years.
    File,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A list of texts.
    Texts,
    /// A map from text to text.
    TextMap,
    /// True or false.
    Bool,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Long,
    /// A moment: INT64 milliseconds, UTC.
    Timestamp,
    /// The list of ancestors, each a struct.
    Hops,
}

impl Column {
    const fn new(group: Group, name: &'static str, meaning: &'static str, access: Access) -> Self {
        let statistics = match access.column_type() {
            ColumnType::Texts | ColumnType::TextMap | ColumnType::Hops => Statistics::Nothing,
            _ => Statistics::RowGroups,
        };
        Self {
            name,
            group,
            meaning: meaning.trim_ascii(),
            required: false,
            statistics,
            bloom: Bloom::Nothing,
            dictionary: true,
            access,
        }
    }

    const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    const fn with_page_statistics(self) -> Self {
        Self {
            statistics: Statistics::Pages,
            ..self
        }
    }

    const fn without_statistics(self) -> Self {
        Self {
            statistics: Statistics::Nothing,
            ..self
        }
    }

    const fn with_bloom(self) -> Self {
        Self {
            bloom: Bloom::RowGroups,
            ..self
        }
    }

    const fn with_file_bloom(self) -> Self {
        Self {
            bloom: Bloom::File,
            ..self
        }
    }

    /// Values hardly repeat inside a row group.
    const fn without_dictionary(self) -> Self {
        Self {
            dictionary: false,
            ..self
        }
    }

    /// The type.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        self.access.column_type()
    }

    /// Whether fragments have it: it is said by one record, or one log object, alone.
    #[must_use]
    pub fn in_fragments(&self) -> bool {
        matches!(self.access, Access::Issuance(_) | Access::LogObject(_))
    }

    /// The row's value; null where rows of this kind have no such column.
    #[must_use]
    pub fn value<'r, R: TableRow>(&self, row: &'r R) -> Value<'r> {
        R::reach(&self.access, field::ValueOf(row)).unwrap_or(Value::Null)
    }
}

/// The column of the table `sessions` that has that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Column> {
    SESSIONS.iter().find(|column| column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [&[Column]; 2] = [SESSIONS, LOG_OBJECTS];

    #[test]
    fn names_are_unique_and_lower_snake_case() {
        for columns in TABLES {
            let mut names: Vec<_> = columns.iter().map(|column| column.name).collect();
            for name in &names {
                assert!(
                    name.chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                    "{name}"
                );
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), columns.len());
        }
    }

    #[test]
    fn groups_stand_in_their_order() {
        for columns in TABLES {
            assert!(columns.is_sorted_by_key(|column| column.group));
        }
    }

    #[test]
    fn a_meaning_is_one_sentence() {
        for column in TABLES.into_iter().flatten() {
            assert!(column.meaning.ends_with('.'), "{}", column.name);
            assert!(!column.meaning.contains('\n'), "{}", column.name);
        }
    }
}
