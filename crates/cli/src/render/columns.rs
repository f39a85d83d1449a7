//! The columns of the table, with their types and meanings.

use trailback_tables::ddl::ColumnDescription;

use super::page::{Column, Page};
use crate::look::{Look, Tone};

const COLUMNS: &[Column] = &[
    Column::fixed("Column"),
    Column::flowing("Type"),
    Column::flowing("Meaning"),
];

/// The columns, a table for each group.
pub(crate) fn render(columns: impl Iterator<Item = ColumnDescription>, look: Look) -> String {
    let columns: Vec<ColumnDescription> = columns.collect();
    let mut page = Page::new(look);
    for (number, group) in columns.chunk_by(|a, b| a.group == b.group).enumerate() {
        if number > 0 {
            page.gap("");
        }
        page.paragraph(&(group[0].group.to_owned(), Tone::Strong));
        let rows = group.iter().map(|column| {
            // Between its members a struct may be broken.
            let type_name = column.type_name.replace(',', ", ");
            vec![
                (column.name.to_owned(), Tone::Accent),
                (type_name, Tone::Plain),
                (column.meaning.to_owned(), Tone::Plain),
            ]
        });
        page.table(COLUMNS, rows.collect());
    }
    page.into_text()
}
