//! A page of labelled, wrapped lines beside a rail that leads from one hop to the next.

use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::text::{columns, wrap};
use super::words::Toned;
use crate::look::{Look, Tone};

/// The width of a label with the space behind it.
const LABEL_COLUMNS: usize = 9;

/// Text in the making.
pub(crate) struct Page {
    look: Look,
    text: String,
}

/// The line at the left edge: what it shows beside an entry's first line, and beside its other lines.
#[derive(Clone, Copy)]
pub(crate) struct Rail {
    first: &'static str,
    rest: &'static str,
}

impl Rail {
    /// No rail, indented.
    pub(crate) const NONE: Rail = Rail {
        first: " ",
        rest: " ",
    };
    /// The start: a known origin.
    pub(crate) const ORIGIN: Rail = Rail {
        first: "● ",
        rest: "│ ",
    };
    /// The start: a gap.
    pub(crate) const GAP: Rail = Rail {
        first: "○ ",
        rest: "│ ",
    };
    /// Beside a hop that others follow.
    pub(crate) const HOP: Rail = Rail {
        first: "├─",
        rest: "│ ",
    };
    /// Beside the last hop.
    pub(crate) const LAST: Rail = Rail {
        first: "└─",
        rest: "  ",
    };

    /// The rail of an entry's further lines.
    pub(crate) fn below(self) -> Rail {
        Rail {
            first: self.rest,
            rest: self.rest,
        }
    }
}

impl Page {
    /// An empty page.
    pub(crate) fn new(look: Look) -> Page {
        Page {
            look,
            text: String::new(),
        }
    }

    /// Whether there is room for tables.
    pub(crate) fn is_wide(&self) -> bool {
        self.look.is_wide()
    }

    /// The text so far.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// An empty line, or one with only the rail.
    pub(crate) fn gap(&mut self, rail: &str) {
        self.text += &self.look.paint(Tone::Dim, rail.trim_end());
        self.text.push('\n');
    }

    /// A paragraph at the left edge, wrapped.
    pub(crate) fn paragraph(&mut self, (text, tone): &Toned) {
        self.indented("", "", (text, *tone));
    }

    /// A paragraph behind a bullet.
    pub(crate) fn bullet(&mut self, bullet: &str, text: &Toned) {
        self.branch(bullet, &" ".repeat(columns(bullet)), text);
    }

    /// A paragraph behind the branch of a tree: `first` beside its first line, `rest` beside the others.
    pub(crate) fn branch(&mut self, first: &str, rest: &str, (text, tone): &Toned) {
        let (first, rest) = (
            self.look.paint(Tone::Dim, first),
            self.look.paint(Tone::Dim, rest),
        );
        self.indented(&first, &rest, (text, *tone));
    }

    /// Lines as they are: broken by the terminal alone.
    pub(crate) fn verbatim(&mut self, indent: &str, text: &str, tone: Tone) {
        for line in text.lines() {
            self.text += indent;
            self.text += &self.look.paint(tone, line);
            self.text.push('\n');
        }
    }

    fn indented(&mut self, first: &str, rest: &str, (text, tone): (&str, Tone)) {
        for (number, line) in wrap(text, self.look.width.saturating_sub(columns(first)))
            .iter()
            .enumerate()
        {
            self.text += if number == 0 { first } else { rest };
            self.text += &self.look.paint(tone, line);
            self.text.push('\n');
        }
    }

    /// A label and its text beside the rail; further lines of the text stand under the first.
    pub(crate) fn entry(
        &mut self,
        rail: Rail,
        (label, label_tone): (&str, Tone),
        (text, tone): &Toned,
    ) {
        let indent = columns(rail.first) + 1 + LABEL_COLUMNS;
        for (number, line) in wrap(text, self.look.width.saturating_sub(indent))
            .iter()
            .enumerate()
        {
            let (rail, label) = if number == 0 {
                (rail.first, label)
            } else {
                (rail.rest, "")
            };
            let space = " ".repeat(LABEL_COLUMNS.saturating_sub(columns(label)));
            self.text += &self.look.paint(Tone::Dim, rail);
            self.text.push(' ');
            self.text += &self.look.paint(label_tone, label);
            self.text += &space;
            self.text += &self.look.paint(*tone, line);
            self.text.push('\n');
        }
    }

    /// A table of the page's width, two columns in from the edge.
    ///
    /// Columns marked [`Column::fixed`] stay on one line; the others are wrapped where the width asks for it.
    pub(crate) fn table(&mut self, header: &[Column<'_>], rows: Vec<Vec<Toned>>) {
        let mut table = Table::new();
        table.force_no_tty().load_style(UNDERLINED_HEADER);
        if self.look.colour {
            table.enforce_styling();
        }
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.look.width - TABLE_INDENT.len()).unwrap_or(u16::MAX));
        table.set_header(
            header
                .iter()
                .map(|column| cell(&(column.name.to_owned(), Tone::Dim))),
        );
        for row in &rows {
            table.add_row(row.iter().map(cell));
        }
        for (column, laid_out) in header.iter().zip(table.column_iter_mut()) {
            laid_out.set_padding((0, 1));
            if column.is_fixed {
                laid_out.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for line in table.lines() {
            self.text += TABLE_INDENT;
            self.text += line.trim_end();
            self.text.push('\n');
        }
    }
}

const TABLE_INDENT: &str = "  ";

/// How wide a page must be for a table whose columns have these widths.
#[cfg(feature = "investigate")]
pub(crate) fn table_width(columns: impl Iterator<Item = usize>) -> usize {
    // Each is padded by one, and all but the last are followed by what stands between columns.
    let widths: usize = columns.map(|width| width + 2).sum();
    (TABLE_INDENT.len() + widths).saturating_sub(1)
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(crate) struct Column<'n> {
    name: &'n str,
    is_fixed: bool,
}

impl<'n> Column<'n> {
    /// A column whose cells stay on one line: times, accounts, key IDs.
    pub(crate) const fn fixed(name: &'n str) -> Column<'n> {
        Column {
            name,
            is_fixed: true,
        }
    }

    /// A column whose cells may be wrapped.
    pub(crate) const fn flowing(name: &'n str) -> Column<'n> {
        Column {
            name,
            is_fixed: false,
        }
    }
}

const UNDERLINED_HEADER: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

fn cell((text, tone): &Toned) -> Cell {
    let cell = Cell::new(text);
    match tone {
        Tone::Plain => cell,
        Tone::Strong => cell.add_attribute(Attribute::Bold),
        Tone::Dim => cell.add_attribute(Attribute::Dim),
        Tone::Accent => cell.fg(Color::DarkCyan).add_attribute(Attribute::Bold),
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Bad => cell.fg(Color::DarkRed).add_attribute(Attribute::Bold),
    }
}
