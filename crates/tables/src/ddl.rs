//! The tables as others see them: Athena's DDL, the list of columns, the column reference.

use std::fmt::Write as _;

use serde::Serialize;

use crate::columns::{Column, ColumnType, Group, HOP_FIELDS};
use crate::partition::Day;
use crate::schema::Table;

/// What the DDL of a lake's table depends on.
#[derive(Clone, Debug)]
pub struct AthenaTable<'t> {
    /// Which table of the lake.
    pub table: Table,
    /// What to call it: `table` or `database.table`.
    pub name: &'t str,
    /// Where its manifests lie: `s3://bucket/prefix/sessions/table/`.
    pub location: &'t str,
    /// The first day that queries see; earlier partitions are never looked for.
    pub first_day: Day,
}

/// `CREATE EXTERNAL TABLE` for Athena: manifests read by `SymlinkTextInputFormat`, partitions projected on `dt`, so that
/// neither a crawler nor a partition call is needed.
#[must_use]
pub fn athena_ddl(table: &AthenaTable<'_>) -> String {
    let mut ddl = format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n",
        quoted_name(table.name)
    );
    let columns = table.table.columns();
    for (index, column) in columns.iter().enumerate() {
        let comma = if index + 1 < columns.len() { "," } else { "" };
        let name = quoted_name(column.name);
        let type_name = athena_type(column.column_type());
        // A String takes every write.
        let _ = writeln!(
            ddl,
            "  {name} {type_name} COMMENT {}{comma}",
            literal(column.meaning)
        );
    }
    let range = format!("{},NOW+1DAYS", table.first_day);
    let Words { row, day, .. } = words(table.table);
    let (row, day) = (literal(row), literal(day));
    let location = format!("{}/", table.location.trim_end_matches('/'));
    // Without it Trino looks for days below a doubled slash, and finds none.
    let days = literal(&format!("{location}dt=${{dt}}/"));
    let location = literal(&location);
    let _ = write!(
        ddl,
        ")
COMMENT {row}
PARTITIONED BY (`dt` string COMMENT {day})
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION {location}
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '{range}',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = {days}
);
"
    );
    ddl
}

/// What people are told of a table.
struct Words {
    /// What a row is, in a sentence.
    row: &'static str,
    /// What its partition column means, in a sentence.
    day: &'static str,
    /// What it is, in a paragraph.
    introduction: &'static str,
}

fn words(table: Table) -> Words {
    match table {
        Table::Sessions => Words {
            row: "One row for each set of temporary AWS credentials, linked to the identity behind it.",
            day: "The day of event_time, in UTC.",
            introduction: "One row for each set of temporary AWS credentials: the call that handed them out (or \
                 refused to), the session, the caller, and the chain back to the identity that started it. An absent \
                 list or map is null, except `event_ids` and `log_objects`. Lists are sorted, except the chain, which \
                 runs from the origin.",
        },
        Table::LogObjects => Words {
            row: "One row for each log object read, with its hash, its counts and what came of it.",
            day: "The day of delivered_at, else of first_event_time, else 1970-01-01; in UTC.",
            introduction: "The ledger: one row for each log object read, skipped ones and failures included. It makes the \
                 counts of an ingest auditable and tells whether the log object behind a gap was ever read. Repeated \
                 readings of the same content are one row; an object that was replaced has one for each content.",
        },
    }
}

/// One line of the list of columns.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnDescription {
    /// The column's name.
    pub name: &'static str,
    /// Its type in Athena, Trino and Hive.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The heading it stands under.
    pub group: &'static str,
    /// Whether it can be null.
    pub nullable: bool,
    /// One sentence.
    pub meaning: &'static str,
}

/// The columns of a table, in their order, as data: serialise it for JSON, lay it out for people.
pub fn schema(table: Table) -> impl ExactSizeIterator<Item = ColumnDescription> {
    table.columns().iter().map(|column| ColumnDescription {
        name: column.name,
        type_name: athena_type(column.column_type()),
        group: column.group.title(),
        nullable: !column.required,
        meaning: column.meaning,
    })
}

/// The column reference, `docs/COLUMNS.md`.
#[must_use]
pub fn column_reference() -> String {
    let mut page = String::from(
        "# Columns\n\nOf the tables that Athena, or any engine that reads Parquet, finds in a lake. Generated from \
         `crates/tables/src/columns/`.\n\nTimes are UTC, to the millisecond. An absent value is null.\n",
    );
    for table in Table::ALL {
        write_reference(table, &mut page);
    }
    page
}

fn write_reference(table: Table, page: &mut String) {
    let Words {
        day, introduction, ..
    } = words(table);
    let name = table.name();
    // A String takes every write.
    let _ = write!(
        page,
        "\n## The table `{name}`\n\n{introduction}\n\nThe partition column `dt` (string): {day}\n"
    );
    let mut group: Option<Group> = None;
    for column in table.columns() {
        if group != Some(column.group) {
            group = Some(column.group);
            let title = column.group.title();
            let _ = write!(
                page,
                "\n### {title}\n\n| Column | Type | Meaning |\n| --- | --- | --- |\n"
            );
        }
        let _ = writeln!(page, "{}", reference_line(column));
    }
}

fn reference_line(column: &Column) -> String {
    let type_name = athena_type(column.column_type());
    format!(
        "| `{}` | `{type_name}` | {} |",
        column.name,
        column.meaning.replace('|', "\\|")
    )
}

/// The type in Athena, Trino and Hive.
fn athena_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Text => "string".to_owned(),
        ColumnType::Texts => "array<string>".to_owned(),
        ColumnType::TextMap => "map<string,string>".to_owned(),
        ColumnType::Bool => "boolean".to_owned(),
        ColumnType::Int => "int".to_owned(),
        ColumnType::Long => "bigint".to_owned(),
        ColumnType::Timestamp => "timestamp".to_owned(),
        ColumnType::Hops => {
            let member = |member: &crate::columns::HopField| {
                format!(
                    "{}:{}",
                    member.name,
                    athena_type(member.field.column_type())
                )
            };
            let members: Vec<_> = HOP_FIELDS.iter().map(member).collect();
            format!("array<struct<{}>>", members.join(","))
        }
    }
}

/// A name in back quotes, each part of `database.table` on its own.
fn quoted_name(name: &str) -> String {
    let parts: Vec<_> = name
        .split('.')
        .map(|part| format!("`{}`", part.replace('`', "``")))
        .collect();
    parts.join(".")
}

/// A text in single quotes, as Hive's DDL escapes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn athena_ddl_is_golden() {
        let ddl = athena_ddl(&AthenaTable {
            table: Table::Sessions,
            name: "security.sessions",
            location: "s3://example-lake/sessions/table",
            first_day: "2026-01-01".parse().unwrap(),
        });
        insta::assert_snapshot!(ddl);
    }

    #[test]
    fn athena_ddl_of_the_ledger_is_golden() {
        let ddl = athena_ddl(&AthenaTable {
            table: Table::LogObjects,
            name: "security.log_objects",
            location: "s3://example-lake/log_objects/table/",
            first_day: "2026-01-01".parse().unwrap(),
        });
        insta::assert_snapshot!(ddl);
    }

    #[test]
    fn the_schema_is_golden() {
        insta::assert_snapshot!(schema_lines(Table::Sessions));
    }

    #[test]
    fn the_schema_of_the_ledger_is_golden() {
        insta::assert_snapshot!(schema_lines(Table::LogObjects));
    }

    fn schema_lines(table: Table) -> String {
        let lines: Vec<_> = schema(table)
            .map(|line| {
                let nullable = if line.nullable { "" } else { " not null" };
                format!(
                    "{:<7} {:<40} {}{nullable}",
                    line.group, line.name, line.type_name
                )
            })
            .collect();
        lines.join("\n")
    }

    #[test]
    fn the_column_reference_is_what_the_columns_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/COLUMNS.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        if written != column_reference() {
            let fresh = std::env::temp_dir().join("COLUMNS.md");
            std::fs::write(&fresh, column_reference()).unwrap();
            panic!(
                "docs/COLUMNS.md is behind: copy {} over it",
                fresh.display()
            );
        }
    }

    #[test]
    fn quotes_in_texts_are_escaped() {
        assert_eq!(literal(r"it's a \ path"), r"'it\'s a \\ path'");
        assert_eq!(quoted_name("a.b`c"), "`a`.`b``c`");
    }
}
