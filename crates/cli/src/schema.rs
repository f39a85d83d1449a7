//! `trailback schema`: the columns of the table, or its DDL for Athena.

use miette::IntoDiagnostic;
use trailback_tables::ddl::{AthenaTable, athena_ddl, schema};

use crate::args::SchemaFormat;
use crate::look::Look;
use crate::{Answer, args, output, render, settings};

/// Runs the command.
pub(crate) fn run(typed: &args::Schema, look: Look) -> miette::Result<Answer> {
    let text = match typed.format {
        SchemaFormat::Table => render::columns::render(schema(), look),
        SchemaFormat::AthenaDdl => athena_ddl(&AthenaTable {
            name: &typed.table,
            location: &typed.location,
            first_day: settings::day("--first-day", &typed.first_day)?,
        }),
        SchemaFormat::Json => {
            let mut lines = String::new();
            for column in schema() {
                lines += &serde_json::to_string(&column).into_diagnostic()?;
                lines.push('\n');
            }
            lines
        }
    };
    output::print(&text)?;
    Ok(Answer::Complete)
}
