//! Answers as JSON, one object a line, keyed by the table's column names.

use serde::Serialize;
use trailback_sessions::Session;
use trailback_tables::columns::Row;

/// A trace: the hops from the origin down, the last one being what was asked about.
pub(crate) fn trail(subject: &str, hops: &[Session]) -> serde_json::Result<String> {
    line(&Trail {
        subject,
        hops: hops.iter().map(Row).collect(),
    })
}

/// A row a line.
pub(crate) fn rows(sessions: &[Session]) -> serde_json::Result<String> {
    sessions.iter().map(|session| line(&Row(session))).collect()
}

#[derive(Serialize)]
struct Trail<'a> {
    subject: &'a str,
    hops: Vec<Row<'a, Session>>,
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    Ok(line)
}
