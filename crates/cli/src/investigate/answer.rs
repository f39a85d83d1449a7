//! Answers in SQL on their way out: as a table, JSON or CSV, a part at a time.

use std::num::NonZeroUsize;
use std::time::Instant;

use miette::{IntoDiagnostic, SourceSpan};
use serde::{Serialize, Serializer};
use trailback_investigations::parameters::Values;
use trailback_investigations::saved::Catalog;
use trailback_investigations::{Engine, Limits, QueryError, Row};
use trailback_pipeline::lake::Lake;

use super::csv;
use crate::args::{EngineLimits, RowFormat, RowOutput};
use crate::look::Look;
use crate::render::not_found;
use crate::render::rows::{Frame, render};
use crate::render::text::{count, safe};
use crate::{Answer, json, output};

/// How many rows a table shows where nobody says.
const TABLE_ROWS: usize = 100;

/// Wrong SQL, shown with its place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{problem}")]
struct WrongSql {
    problem: String,
    #[help]
    help: Option<String>,
    #[source_code]
    sql: String,
    #[label("here")]
    place: Option<SourceSpan>,
}

/// An engine over a lake that knows the saved views.
pub(crate) async fn engine(
    lake: &Lake,
    catalog: &Catalog,
    typed: EngineLimits,
) -> miette::Result<Engine> {
    let parallel = || std::thread::available_parallelism().ok();
    let limits = Limits {
        memory_mib: typed.memory_limit,
        threads: typed.threads.or_else(parallel).unwrap_or(NonZeroUsize::MIN),
    };
    let opened = Engine::open(lake, &catalog.views, limits).await;
    opened.map_err(|error| explain(error, ""))
}

/// Tells what is wrong with a query, and where.
pub(crate) fn explain(error: QueryError, sql: &str) -> miette::Report {
    let place = error
        .place()
        .map(|place| SourceSpan::from(place.offset(sql)));
    let help = match &error {
        QueryError::Sql { hint, .. } => hint.as_deref().map(safe),
        QueryError::Memory { .. } => {
            Some("ask for fewer days or columns, or allow more with --memory-limit".to_owned())
        }
        QueryError::Unbound { .. } => Some("write the value itself, as a literal".to_owned()),
        QueryError::NotOneQuery { .. } => {
            Some("nothing is written and no other file is read: ask with one SELECT; `trailback schema` has the tables and columns".to_owned())
        }
        QueryError::Lake(_) | QueryError::Failed { .. } => None,
    };
    match error {
        QueryError::Lake(failure) => miette::Report::from_err(failure),
        error => WrongSql {
            problem: safe(&error.to_string()),
            help,
            sql: sql.to_owned(),
            place,
        }
        .into(),
    }
}

/// A query and what is said around its answer.
pub(crate) struct Asked<'a> {
    /// The SQL.
    pub(crate) sql: &'a str,
    /// The values of its parameters.
    pub(crate) values: &'a Values,
    /// What stands above and below its rows in a table.
    pub(crate) frame: Frame<'a>,
}

/// Runs a query and prints its rows.
pub(crate) async fn print(
    engine: &Engine,
    asked: &Asked<'_>,
    form: &RowOutput,
    look: Look,
) -> miette::Result<Answer> {
    let begun = Instant::now();
    let wrong = |error| explain(error, asked.sql);
    let mut answer = engine.query(asked.sql, asked.values).await.map_err(wrong)?;
    let mut printer = Printer::new(form, look);
    while let Some(rows) = answer.next().await.map_err(wrong)? {
        printer.take(answer.columns(), rows)?;
        if printer.is_full() {
            break;
        }
    }
    printer.finish(answer.columns(), asked)?;
    tell_cost(engine, begun);
    if printer.found == 0 {
        let days = engine.days();
        let days = days.as_ref().map(|days| (days.start(), days.end()));
        output::tell(&not_found::within("no row", days));
        return Ok(Answer::Incomplete);
    }
    Ok(Answer::Complete)
}

fn tell_cost(engine: &Engine, begun: Instant) {
    let counts = engine.counts();
    output::tell(&format!(
        "read {} in {}, {:.1} s",
        size(counts.bytes_read()),
        count(counts.requests(), "request", "requests"),
        begun.elapsed().as_secs_f64()
    ));
}

/// `12.3 MB`.
fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Rows on their way to standard output.
struct Printer {
    format: RowFormat,
    /// How many rows are printed; `None` is all.
    limit: Option<usize>,
    look: Look,
    /// Of a table, which is laid out when all its rows are known.
    kept: Vec<Row>,
    printed: usize,
    found: u64,
}

impl Printer {
    fn new(form: &RowOutput, look: Look) -> Printer {
        let limit = match (form.limit, form.format) {
            (Some(0), _) | (None, RowFormat::Json | RowFormat::Csv) => None,
            (None, RowFormat::Table) => Some(TABLE_ROWS),
            (Some(limit), _) => Some(limit),
        };
        Printer {
            format: form.format,
            limit,
            look,
            kept: Vec::new(),
            printed: 0,
            found: 0,
        }
    }

    fn take(&mut self, columns: &[String], mut rows: Vec<Row>) -> miette::Result<()> {
        let is_first = self.found == 0;
        self.found += rows.len() as u64;
        if let Some(limit) = self.limit {
            rows.truncate(limit - self.printed);
        }
        self.printed += rows.len();
        match self.format {
            RowFormat::Table => self.kept.append(&mut rows),
            RowFormat::Json => {
                let keyed = rows.iter().map(|row| Keyed(columns, row));
                output::print(&json::lines(keyed).into_diagnostic()?)?;
            }
            RowFormat::Csv => {
                output::print(&csv::lines(is_first.then_some(columns), &rows).into_diagnostic()?)?
            }
        }
        Ok(())
    }

    /// Whether there are more rows than are printed: how many is not worth finding them.
    fn is_full(&self) -> bool {
        self.found > self.printed as u64
    }

    fn finish(&mut self, columns: &[String], asked: &Asked<'_>) -> miette::Result<()> {
        if self.format == RowFormat::Table && self.found > 0 {
            output::print(&render(columns, &self.kept, asked.frame, self.look))?;
        }
        if self.format == RowFormat::Csv && self.found == 0 {
            output::print(&csv::lines(Some(columns), &[]).into_diagnostic()?)?;
        }
        if self.is_full() {
            output::tell("there are more rows; --limit 0 shows all");
        }
        Ok(())
    }
}

/// A row that serialises as an object with every column of the answer.
struct Keyed<'a>(&'a [String], &'a Row);

impl Serialize for Keyed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}
