//! `trailback schema`: the columns of a table, or its DDL for Athena.

use miette::IntoDiagnostic;
use trailback_tables::Table;
use trailback_tables::ddl::{AthenaTable, athena_ddl, schema};

use crate::args::{SchemaFormat, SchemaTable};
use crate::look::Look;
use crate::{Answer, args, json_schema, output, render, settings};

/// Runs the command.
pub(crate) fn run(typed: &args::Schema, look: Look) -> miette::Result<Answer> {
    let table = match typed.table {
        SchemaTable::Sessions => Table::Sessions,
        SchemaTable::LogObjects => Table::LogObjects,
    };
    let default_location = format!("s3://BUCKET/PREFIX/{}", table.manifests_prefix());
    let text = match typed.format {
        SchemaFormat::Table => render::columns::render(schema(table), look),
        SchemaFormat::AthenaDdl => athena_ddl(&AthenaTable {
            table,
            name: typed.name.as_deref().unwrap_or(table.name()),
            location: typed.location.as_deref().unwrap_or(&default_location),
            first_day: settings::day("--first-day", &typed.first_day)?,
        }),
        SchemaFormat::JsonSchema => json_schema::text(table).into_diagnostic()?,
        SchemaFormat::Json => {
            let mut lines = String::new();
            for column in schema(table) {
                lines += &serde_json::to_string(&column).into_diagnostic()?;
                lines.push('\n');
            }
            lines
        }
    };
    output::print(&text)?;
    Ok(Answer::Complete)
}
