//! `infra/catalog.yaml`, which puts the tables into the Glue catalog, says what the DDL says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use trailback_tables::Table;
use trailback_tables::ddl::{AthenaTable, athena_ddl, schema};

fn template() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/catalog.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// The table's part of the template, from its name to the next table's.
fn table<'t>(template: &'t str, name: &str) -> &'t str {
    let (_, rest) = template
        .split_once(&format!("        Name: {name}\n"))
        .unwrap();
    rest.split("\n\n").next().unwrap()
}

fn columns(table: Table) -> String {
    let mut columns = String::new();
    for column in schema(table) {
        let _ = writeln!(
            columns,
            "            - {{Name: {}, Type: \"{}\", Comment: {}}}",
            column.name,
            column.type_name,
            serde_json::to_string(column.meaning).unwrap()
        );
    }
    columns
}

#[test]
fn the_catalog_has_the_columns_of_the_code() {
    let template = template();
    for of in Table::ALL {
        let (name, columns) = (of.name(), columns(of));
        let (_, written) = table(&template, name)
            .split_once("          Columns:\n")
            .unwrap();
        if written.trim_end() != columns.trim_end() {
            let fresh = std::env::temp_dir().join(format!("{name}-columns.yaml"));
            std::fs::write(&fresh, &columns).unwrap();
            panic!(
                "the columns of {name} in infra/catalog.yaml are behind: copy {} over them",
                fresh.display()
            );
        }
    }
}

#[test]
fn the_catalog_reads_the_tables_as_the_ddl_does() {
    let template = template();
    for of in Table::ALL {
        let ddl = athena_ddl(&AthenaTable {
            table: of,
            name: of.name(),
            location: &format!("${{Lake}}{}", of.manifests_prefix()),
            first_day: "2026-01-01".parse().unwrap(),
        });
        reads_as(table(&template, of.name()), &ddl);
    }
}

fn reads_as(table: &str, ddl: &str) {
    let (_, after_columns) = ddl.split_once("ROW FORMAT").unwrap();
    let (formats, properties) = after_columns.split_once("TBLPROPERTIES").unwrap();
    let quoted = |text: &str| {
        text.split('\'')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for name in quoted(formats) {
        assert!(table.contains(&name), "{name} is missing");
    }
    for property in quoted(properties).chunks(2) {
        let value = property[1]
            .replace("2026-01-01", "${FirstDay}")
            .replace("${dt}", "${!dt}");
        let has_it = table.lines().any(|line| {
            line.trim_start()
                .strip_prefix(&format!("{}: ", property[0]))
                .is_some_and(|said| said.trim_start_matches("!Sub ") == format!("\"{value}\""))
        });
        assert!(has_it, "{} = {value} is missing", property[0]);
    }
}

#[test]
fn comments_fit_into_the_catalog() {
    // AWS Glue API, `Column`: at most 255 characters.
    for column in Table::ALL.into_iter().flat_map(schema) {
        assert!(column.meaning.chars().count() <= 255, "{}", column.name);
    }
}
