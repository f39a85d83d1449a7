//! Answers as CSV (RFC 4180), for spreadsheets and people: every character in it is safe to show, and no cell is a formula.

use trailback_investigations::{Cell, Row};

use crate::json;
use crate::render::text::safe;

/// Lines of rows, below the names of the columns where they are given.
pub(crate) fn lines(names: Option<&[String]>, rows: &[Row]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(names) = names {
        writer.write_record(names.iter().map(|name| no_formula(safe(name))))?;
    }
    for row in rows {
        let fields = row.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        writer.write_record(&fields)?;
    }
    let written = writer.into_inner().map_err(|failed| failed.into_error())?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

/// A cell; an absent one is empty, a nested one is JSON.
fn field(cell: &Cell) -> Result<String, csv::Error> {
    Ok(match cell {
        Cell::Null => String::new(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Time(moment) => moment.to_string(),
        Cell::Text(text) => no_formula(safe(text)),
        Cell::List(_) | Cell::Map(_) | Cell::Struct(_) => {
            let line = json::line(cell).map_err(std::io::Error::from)?;
            line.trim_end().to_owned()
        }
    })
}

/// Spreadsheets run what begins like a formula. Who made the call chose the text: a quote before it keeps it text.
fn no_formula(text: String) -> String {
    // Some look past spaces, and take the wide forms of East Asia for the same.
    if text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_escaped_and_never_formulas() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let names = ["a", "=b", "c"].map(str::to_owned);
        let rows = [
            vec![text("say \"hi\", you"), Cell::Null, Cell::Int(-3)],
            vec![
                text("=1+1"),
                text("x\u{1b}[2J\r\n"),
                Cell::List(vec![text("a,\u{202e}"), Cell::Null]),
            ],
        ];
        assert_eq!(
            lines(Some(&names), &rows).unwrap(),
            "a,'=b,c\n\"say \"\"hi\"\", you\",,-3\n'=1+1,x\\u{1b}[2J\\u{d}\\u{a},\"[\"\"a,\\u202e\"\",null]\"\n"
        );
        assert_eq!(lines(None, &rows[..0]).unwrap(), "");
    }
}
