//! Answers as JSON, one object a line, keyed by the table's column names; `docs/trace.schema.json` describes a trace.
//!
//! JSON leaves control characters above U+007E and the characters that reorder or hide text as they are, but answers are
//! read on terminals too: here they stand as `\\uXXXX`, which is the same text to every parser.

use std::io;

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use trailback_sessions::Session;
use trailback_tables::columns::Row;

use crate::render::gap::{self, Explained};
use crate::render::remarks::{earlier_hops, remarks};
use crate::render::text::is_unsafe;
use crate::render::trace;

/// Counts up when a member of a trace changes its meaning or goes. New members may come at any time.
pub(crate) const TRACE_VERSION: u32 = 1;

/// A trace: the hops from the origin down, the last one being what was asked about.
pub(crate) fn trail(trail: &trace::Trail<'_>) -> serde_json::Result<String> {
    let trace::Trail {
        subject,
        at,
        hops,
        holes,
    } = *trail;
    line(&Trail {
        version: TRACE_VERSION,
        subject,
        at: at.map(|at| at.to_string()),
        hops: hops.iter().map(Row).collect(),
        earlier_hops: earlier_hops(hops),
        gap: gap::of_chain(hops, holes),
        remarks: remarks(trail).into_iter().map(|(text, _)| text).collect(),
    })
}

/// A row a line.
pub(crate) fn rows(sessions: &[Session]) -> serde_json::Result<String> {
    lines(sessions.iter().map(Row))
}

#[derive(Serialize)]
struct Trail<'a> {
    version: u32,
    subject: &'a str,
    at: Option<String>,
    hops: Vec<Row<'a, Session>>,
    earlier_hops: usize,
    gap: Option<Explained>,
    remarks: Vec<String>,
}

/// Any values, each on a line of its own.
pub(crate) fn lines(values: impl Iterator<Item = impl Serialize>) -> serde_json::Result<String> {
    values.map(|value| line(&value)).collect()
}

/// Any value, on a line of its own.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, SafeText))?;
    line.push(b'\n');
    String::from_utf8(line).map_err(serde_json::Error::custom)
}

/// Compact, and safe to print.
struct SafeText;

impl Formatter for SafeText {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (plain, from) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = from.chars();
            let mut units = [0; 2];
            for unit in characters
                .next()
                .unwrap_or_default()
                .encode_utf16(&mut units)
            {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped_and_stays_the_same_text() {
        let hostile = "a\u{9b}31m\u{85}\u{7f}\u{202e}gnp\u{200b}\u{2066}\u{feff}\u{e0041}\u{1b}\"\\ Müller 東京 🚀";
        let printed = line(&hostile).unwrap();
        let is_plain = |character: char| character == '\n' || !super::is_unsafe(character);
        assert!(printed.chars().all(is_plain), "{printed:?}");
        assert!(printed.contains("\\u009b31m\\u0085"), "{printed}");
        assert!(printed.contains("\\udb40\\udc41"), "{printed}");
        assert!(printed.contains("Müller 東京 🚀"), "{printed}");
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), hostile);
    }
}
