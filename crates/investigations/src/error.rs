//! Why a question could not be answered, and where in its SQL.

use std::error::Error;

use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use trailback_pipeline::find::FindError;

/// A place in an SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: u64,
    /// In characters, counted from 1.
    pub column: u64,
}

impl Place {
    /// `None` where the engine does not know.
    pub(crate) fn known(line: u64, column: u64) -> Option<Place> {
        (line > 0 && column > 0).then_some(Place { line, column })
    }

    /// The place behind the last word of a text.
    fn end_of(sql: &str) -> Place {
        let sql = sql.trim_end();
        let last_line = sql.rsplit('\n').next().unwrap_or_default();
        Place {
            line: sql.matches('\n').count() as u64 + 1,
            column: last_line.chars().count() as u64 + 1,
        }
    }

    /// How many bytes of the text come before the place.
    #[must_use]
    pub fn offset(self, sql: &str) -> usize {
        let before = usize::try_from(self.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut lines = sql.split_inclusive('\n');
        let start: usize = lines.by_ref().take(before).map(str::len).sum();
        let line = lines.next().unwrap_or_default();
        let column = usize::try_from(self.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let within: usize = line.chars().take(column).map(char::len_utf8).sum();
        start + within
    }
}

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The SQL is wrong.
    #[error("{problem}")]
    Sql {
        /// What is wrong.
        problem: String,
        /// What could be meant.
        hint: Option<String>,
        /// Where.
        place: Option<Place>,
    },
    /// The SQL is something else than one query.
    #[error("only one query is taken: SELECT …, or WITH … SELECT …")]
    NotOneQuery {
        /// Where it begins.
        place: Option<Place>,
    },
    /// A parameter has no value.
    #[error("{name} has no value")]
    Unbound {
        /// As it stands in the SQL.
        name: String,
        /// Where.
        place: Option<Place>,
    },
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] FindError),
    /// The answer needs more memory than it may take.
    #[error("the answer needs more than the {limit} MiB of memory it may take")]
    Memory {
        /// The limit.
        limit: usize,
    },
    /// The rows do not allow what was asked of them: a division by zero, a text that is no number.
    #[error("the query failed: {problem}")]
    Failed {
        /// What the engine says.
        problem: String,
    },
}

impl QueryError {
    /// Where in the SQL, if that is known.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Sql { place, .. } | Self::NotOneQuery { place } | Self::Unbound { place, .. } => {
                *place
            }
            Self::Lake(_) | Self::Memory { .. } | Self::Failed { .. } => None,
        }
    }

    /// What the parser says of an SQL text.
    pub(crate) fn of_parsing(error: ParserError, sql: &str) -> QueryError {
        let message = match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
            ParserError::RecursionLimitExceeded => "it is nested too deep".to_owned(),
        };
        let (problem, place) = split_place(&message);
        let is_cut_short = problem.ends_with("found: EOF");
        QueryError::Sql {
            problem,
            hint: None,
            place: place.or_else(|| is_cut_short.then(|| Place::end_of(sql))),
        }
    }

    /// An SQL text that is more than the engine takes.
    pub(crate) fn too_large(problem: String) -> QueryError {
        QueryError::Sql {
            problem,
            hint: None,
            place: None,
        }
    }

    /// With the names that a table may have, where one is not known.
    pub(crate) fn or_one_of(self, names: impl FnOnce() -> Vec<String>) -> QueryError {
        match self {
            QueryError::Sql {
                problem,
                hint: None,
                place,
            } if problem.starts_with("table ") && problem.ends_with(" not found") => {
                QueryError::Sql {
                    problem,
                    hint: Some(format!("tables and views: {}", names().join(", "))),
                    place,
                }
            }
            other => other,
        }
    }

    /// What the engine says while it plans.
    pub(crate) fn of_planning(error: DataFusionError) -> QueryError {
        match lake_error(error) {
            Ok(failure) => QueryError::Lake(failure),
            Err(error) => {
                let place = error
                    .diagnostic()
                    .and_then(|diagnostic| diagnostic.span)
                    .and_then(|span| Place::known(span.start.line, span.start.column));
                let hint = error.diagnostic().and_then(hint);
                QueryError::Sql {
                    problem: problem(&error),
                    hint,
                    place,
                }
            }
        }
    }

    /// What the engine says while it runs, in that many MiB of memory.
    pub(crate) fn of_running(error: DataFusionError, limit: usize) -> QueryError {
        let error = match lake_error(error) {
            Ok(failure) => return QueryError::Lake(failure),
            Err(error) => error,
        };
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => QueryError::Memory { limit },
            root => QueryError::Failed {
                problem: problem(root),
            },
        }
    }
}

/// Takes ` at Line: 1, Column: 8` off a parser's message.
fn split_place(message: &str) -> (String, Option<Place>) {
    let split = || {
        let (problem, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let place = Place::known(line.parse().ok()?, column.trim().parse().ok()?);
        Some((problem.to_owned(), place))
    };
    split().unwrap_or_else(|| (message.to_owned(), None))
}

/// The failure of the lake below an error of the engine, if that is what it is.
fn lake_error(error: DataFusionError) -> Result<FindError, DataFusionError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(carried) = current.downcast_ref::<CarriedError>() {
            return carried.take().ok_or(error);
        }
        cause = current.source();
    }
    Err(error)
}

/// A failure of the lake on its way through the engine, which hands on nothing but references.
#[derive(Debug)]
pub(crate) struct CarriedError {
    told: String,
    failure: std::sync::Mutex<Option<FindError>>,
}

impl CarriedError {
    pub(crate) fn new(failure: FindError) -> CarriedError {
        let failure = failure.lasting();
        CarriedError {
            told: failure.to_string(),
            failure: std::sync::Mutex::new(Some(failure)),
        }
    }

    fn take(&self) -> Option<FindError> {
        let mut failure = self
            .failure
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failure.take()
    }
}

impl std::fmt::Display for CarriedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.told)
    }
}

impl Error for CarriedError {}

/// What is wrong, in one line and without the engine's own words around it.
fn problem(error: &DataFusionError) -> String {
    if let Some(diagnostic) = error.diagnostic() {
        return diagnostic.message.clone();
    }
    let message = error.find_root().message().into_owned();
    let message = message.lines().next().unwrap_or_default().trim();
    message.trim_end_matches('.').to_owned()
}

/// What the engine says could be meant.
fn hint(diagnostic: &datafusion::common::Diagnostic) -> Option<String> {
    let notes = diagnostic.notes.iter().map(|note| note.message.as_str());
    let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
    let hints: Vec<&str> = helps.chain(notes).collect();
    (!hints.is_empty()).then(|| hints.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_its_text() {
        let sql = "SELECT ü,\r\n  x\nFROM t";
        let offset = |line, column| Place { line, column }.offset(sql);
        assert_eq!(&sql[offset(1, 8)..][..2], "ü");
        assert_eq!(&sql[offset(2, 3)..][..1], "x");
        assert_eq!(&sql[offset(3, 6)..], "t");
        assert_eq!(offset(9, 9), sql.len());
        assert!(offset(1, 99) <= sql.len());
    }
}
