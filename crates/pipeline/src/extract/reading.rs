//! Reads log objects on many threads, and hands on what they say in the objects' order.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use tokio::sync::mpsc::{self, Receiver, Sender};
use trailback_cloudtrail::{LogObjectReader, Reading, Record, Select};
use trailback_sessions::{ISSUING_EVENT_SOURCES, Issuance, SessionType, Text, extract};

use super::ExtractOptions;
use super::log_objects::LogObject;
use crate::progress::{Amount, Progress, Step};
use crate::tally::{Problem, RECORD_PROBLEMS_TOLD_MAX, RecordTally};

/// How many rows travel together.
const PIECE_ROWS: usize = 256;

/// How many pieces of one object wait to be taken.
const PIECES_WAITING: usize = 4;

/// How many objects per thread may be ahead of the one whose rows are being taken.
const OBJECTS_AHEAD: usize = 4;

/// A part of what one log object says.
pub(super) enum Piece {
    /// Rows, in the order of the records.
    Rows(Vec<Issuance>),
    /// Nothing follows.
    End(Box<ObjectOutcome>),
}

/// What became of one log object.
#[derive(Debug)]
pub(super) struct ObjectOutcome {
    pub(super) records: RecordTally,
    pub(super) packed_bytes: u64,
    pub(super) unpacked_bytes: u64,
    pub(super) problem: Option<Problem>,
}

impl ObjectOutcome {
    /// Of an object whose reader died.
    pub(super) fn unknown() -> ObjectOutcome {
        let problem = Problem {
            log_object: "a log object".to_owned(),
            failure: Some("was not read to its end: its reader stopped".to_owned()),
            records: Vec::new(),
            more_records: 0,
        };
        ObjectOutcome {
            records: RecordTally::default(),
            packed_bytes: 0,
            unpacked_bytes: 0,
            problem: Some(problem),
        }
    }
}

/// Starts reading; gives, for one object after the other, the way its pieces come.
///
/// Reading stops when the receiver is dropped.
pub(super) fn read_in_order(
    log_objects: Vec<LogObject>,
    options: &ExtractOptions,
    progress: &Arc<dyn Progress>,
) -> Receiver<Receiver<Piece>> {
    let threads = options.threads.clamp(1, log_objects.len().max(1));
    let (to_taker, taker) = mpsc::channel(threads * OBJECTS_AHEAD);
    let queue = Arc::new(Queue(Mutex::new((log_objects.into_iter(), to_taker))));
    for _ in 0..threads {
        let (queue, progress) = (Arc::clone(&queue), Arc::clone(progress));
        let mut reader = LogObjectReader::new(options.limits);
        tokio::task::spawn_blocking(move || {
            while let Some((log_object, pieces)) = queue.next() {
                if ObjectReading::read(&mut reader, &log_object, &pieces, &progress).is_none() {
                    break;
                }
            }
        });
    }
    taker
}

/// The objects that no thread has begun, and where the taker hears of begun ones.
struct Queue(Mutex<(vec::IntoIter<LogObject>, Sender<Receiver<Piece>>)>);

impl Queue {
    /// Takes the next object. The lock is held until the taker has heard of it: so the taker hears in order, and
    /// nobody runs far ahead.
    fn next(&self) -> Option<(LogObject, Sender<Piece>)> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log_object = queue.0.next()?;
        let (pieces, taker) = mpsc::channel(PIECES_WAITING);
        queue.1.blocking_send(taker).ok()?;
        Some((log_object, pieces))
    }
}

/// One object being read.
struct ObjectReading<'a> {
    name: Text,
    pieces: &'a Sender<Piece>,
    rows: Vec<Issuance>,
    records: RecordTally,
    problems: Vec<String>,
    /// Whether nobody takes the rows any more.
    is_abandoned: bool,
}

impl ObjectReading<'_> {
    /// Reads an object to its end; `None` when nobody wants to know.
    fn read(
        reader: &mut LogObjectReader,
        log_object: &LogObject,
        pieces: &Sender<Piece>,
        progress: &Arc<dyn Progress>,
    ) -> Option<()> {
        let mut reading = ObjectReading {
            name: Text::from(&*log_object.name),
            pieces,
            rows: Vec::new(),
            records: RecordTally::default(),
            problems: Vec::new(),
            is_abandoned: false,
        };
        let (failure, unpacked_bytes) = match File::open(&log_object.path) {
            Ok(file) => reading.read_file(reader, Counted { file, progress }),
            Err(cause) => (Some(format!("cannot be opened: {cause}")), 0),
        };
        progress.advances(Step::Extract, Amount { items: 1, bytes: 0 });
        reading.hand_on();
        let outcome = ObjectOutcome {
            problem: reading.problem(failure),
            records: reading.records,
            packed_bytes: log_object.size_bytes,
            unpacked_bytes,
        };
        pieces.blocking_send(Piece::End(Box::new(outcome))).ok()
    }

    fn read_file(
        &mut self,
        reader: &mut LogObjectReader,
        file: Counted<'_>,
    ) -> (Option<String>, u64) {
        let select = Select::Issuances {
            event_sources: ISSUING_EVENT_SOURCES,
        };
        let mut on_record = |index: u64, record: Result<&Record<'_>, _>| match record {
            Ok(record) => self.add(index, record),
            Err(unreadable) => self.fail(format!("{unreadable}")),
        };
        let Reading { tally, failure } = reader.read(file, &select, &mut on_record);
        self.records.records = tally.records;
        self.records.passed_over += tally.passed_over;
        (
            failure.map(|failure| with_causes(&failure)),
            tally.unpacked_bytes,
        )
    }

    fn add(&mut self, index: u64, record: &Record<'_>) {
        match extract(record) {
            Ok(Some(mut row)) => {
                match row.session.session_type {
                    SessionType::Witness => self.records.witnesses += 1,
                    SessionType::Unknown => {
                        self.records.issuances += 1;
                        self.records.unknown_calls += 1;
                    }
                    _ => self.records.issuances += 1,
                }
                row.log_objects = vec![Text::clone(&self.name)];
                self.rows.push(row);
                if self.rows.len() >= PIECE_ROWS {
                    self.hand_on();
                }
            }
            Ok(None) => self.records.passed_over += 1,
            Err(unreadable) => self.fail(format!("record {index}: {unreadable}")),
        }
    }

    fn fail(&mut self, reason: String) {
        self.records.unreadable += 1;
        if self.problems.len() < RECORD_PROBLEMS_TOLD_MAX {
            self.problems.push(reason);
        }
    }

    fn hand_on(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() && !self.is_abandoned {
            self.is_abandoned = self.pieces.blocking_send(Piece::Rows(rows)).is_err();
        }
    }

    fn problem(&mut self, failure: Option<String>) -> Option<Problem> {
        let records = std::mem::take(&mut self.problems);
        if failure.is_none() && records.is_empty() {
            return None;
        }
        let more_records = self.records.unreadable.saturating_sub(records.len() as u64);
        Some(Problem {
            log_object: self.name.to_string(),
            failure,
            records,
            more_records,
        })
    }
}

/// An error and what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A file that tells how far it was read.
pub(super) struct Counted<'a> {
    pub(super) file: File,
    pub(super) progress: &'a Arc<dyn Progress>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.progress.advances(
            Step::Extract,
            Amount {
                items: 0,
                bytes: count as u64,
            },
        );
        Ok(count)
    }
}
