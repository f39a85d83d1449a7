//! The rows of an answer in SQL, whatever its columns are.

use trailback_investigations::{Cell, Row};

use super::page::{Column, Page, table_width};
use super::text::{columns as width_of, safe};
use super::words::{ABSENT, Toned, absent, moment};
use crate::look::{Look, Tone};

/// What is said around the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame<'a> {
    /// Above them.
    pub(crate) title: Option<&'a str>,
    /// Below them.
    pub(crate) footnote: Option<&'a str>,
}

/// The rows as a table where it fits the page, else each as a block with a line a column, so that what is long stays whole
/// and can be copied.
pub(crate) fn render(names: &[String], rows: &[Row], frame: Frame<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    if let Some(title) = frame.title {
        page.paragraph(&(title.to_owned(), Tone::Strong));
        page.gap("");
    }
    add_rows(&mut page, names, rows, look);
    if let Some(footnote) = frame.footnote {
        page.gap("");
        page.paragraph(&(footnote.to_owned(), Tone::Dim));
    }
    page.into_text()
}

fn add_rows(page: &mut Page, names: &[String], rows: &[Row], look: Look) {
    let names: Vec<String> = names.iter().map(|name| safe(name)).collect();
    let cells: Vec<Vec<Toned>> = rows
        .iter()
        .map(|row| row.iter().map(toned).collect())
        .collect();
    let widths = (0..names.len()).map(|column| {
        let cells = cells.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|(text, _)| width_of(text)).max();
        widest.unwrap_or_default().max(width_of(&names[column]))
    });
    if table_width(widths) <= look.width {
        let header: Vec<Column<'_>> = names.iter().map(|name| Column::fixed(name)).collect();
        page.table(&header, cells);
    } else {
        blocks(page, &names, &cells);
    }
}

fn blocks(page: &mut Page, names: &[String], rows: &[Vec<Toned>]) {
    let label_width = names.iter().map(|name| width_of(name)).max();
    let label_width = label_width.unwrap_or_default() + 2;
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            page.gap("");
        }
        page.paragraph(&(format!("row {}", number + 1), Tone::Dim));
        for (name, cell) in names.iter().zip(row) {
            let space = " ".repeat(label_width - width_of(name));
            let rest = " ".repeat(2 + label_width);
            page.branch(&format!("  {name}{space}"), &rest, cell);
        }
    }
}

fn toned(cell: &Cell) -> Toned {
    match cell {
        Cell::Null => absent(),
        shown => (text(shown), Tone::Plain),
    }
}

/// A cell as people read it, safe to print.
fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => ABSENT.to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Text(text) => safe(text),
        Cell::Time(at) => moment(*at),
        Cell::List(cells) => join(cells.iter().map(inner)),
        Cell::Map(entries) => join(
            entries
                .iter()
                .map(|(key, value)| format!("{}={}", inner(key), inner(value))),
        ),
        Cell::Struct(members) => join(
            members
                .iter()
                .map(|(name, value)| format!("{}: {}", safe(name), inner(value))),
        ),
    }
}

/// A cell inside another.
fn inner(cell: &Cell) -> String {
    match cell {
        Cell::List(_) | Cell::Map(_) => format!("[{}]", text(cell)),
        Cell::Struct(_) => format!("{{{}}}", text(cell)),
        plain => text(plain),
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look {
        width: 60,
        colour: false,
    };

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        let hostile = format!("<script>\u{1b}]0;x\u{7}\u{202e}\r\n{}", "x".repeat(2_000));
        let rows = [vec![
            Cell::Text(hostile.clone()),
            Cell::Map(vec![(Cell::Text(hostile.clone()), Cell::Null)]),
        ]];
        let shown = render(&["a".to_owned(), hostile], &rows, Frame::default(), LOOK);
        assert!(
            shown
                .chars()
                .all(|c| c == '\n' || !super::super::text::is_unsafe(c)),
            "{shown}"
        );
        assert!(shown.contains(&"x".repeat(2_000)), "nothing is cut off");
    }

    #[test]
    fn no_line_of_a_table_is_wider_than_the_page() {
        let names = ["event_time", "origin", "role", "depth"].map(str::to_owned);
        let row = vec![
            Cell::Time(trailback_sessions::Timestamp(0)),
            Cell::Text("anna.berg".to_owned()),
            Cell::Text("ledger-restore".to_owned()),
            Cell::Int(2),
        ];
        let tables = (40..80).filter(|width| {
            let look = Look {
                width: *width,
                colour: false,
            };
            let shown = render(&names, std::slice::from_ref(&row), Frame::default(), look);
            let widest = shown.lines().map(width_of).max().unwrap();
            assert!(widest <= *width, "{widest} of {width}:\n{shown}");
            shown.contains('─')
        });
        let narrowest = tables.min().unwrap();
        assert_eq!(narrowest, 2 + (19 + 9 + 14 + 5) + 4 + 3, "it fits exactly");
    }
}
