//! Reads log objects on many threads, and hands on what they say in the objects' order.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use trailback_cloudtrail::{
    GunzipError, LogObjectError, LogObjectReader, Reading, Record, Select, Timestamp,
};
use trailback_sessions::{ISSUING_EVENT_SOURCES, Issuance, SessionType, Text, extract};

use super::ExtractOptions;
use super::content::Counted;
use super::opening::{Line, Opened, open_ahead};
use super::outcome::{Done, Outcome, with_causes};
use super::text_hash::TextHash;
use crate::log_objects::{LogObject, LogObjects};
use crate::progress::{Amount, Progress, Step};
use crate::store::{ObjectMeta, StoreError};
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
    End(Box<Account>),
}

/// What became of one log object: all that is told of it, here and in the ledger.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) place: u64,
    pub(super) log_object: LogObject,
    /// What its store knows of it; nothing of a file, and of what was not opened.
    pub(super) meta: Option<ObjectMeta>,
    pub(super) outcome: Outcome,
    pub(super) records: RecordTally,
    /// When the first and the last of its rows were recorded.
    pub(super) event_times: Option<(Timestamp, Timestamp)>,
    pub(super) packed_bytes: u64,
    pub(super) unpacked_bytes: u64,
    /// The hash of its text, if it was read to its end and hashing is on.
    pub(super) sha256: Option<[u8; 32]>,
    /// Its first unreadable records.
    pub(super) problems: Vec<String>,
}

impl Account {
    fn new(place: u64, log_object: LogObject, outcome: Outcome) -> Account {
        Account {
            place,
            log_object,
            meta: None,
            outcome,
            records: RecordTally::default(),
            event_times: None,
            packed_bytes: 0,
            unpacked_bytes: 0,
            sha256: None,
            problems: Vec::new(),
        }
    }

    fn count(&mut self, row: &Issuance) {
        match row.session.session_type {
            SessionType::Witness => self.records.witnesses += 1,
            SessionType::Unknown => {
                self.records.issuances += 1;
                self.records.unknown_calls += 1;
            }
            _ => self.records.issuances += 1,
        }
        let at = row.record.event_time;
        let (first, last) = self.event_times.unwrap_or((at, at));
        self.event_times = Some((first.min(at), last.max(at)));
    }

    /// What a person is to hear of it.
    pub(super) fn problem(&self) -> Option<Problem> {
        let failure = self.outcome.failure();
        if failure.is_none() && self.problems.is_empty() {
            return None;
        }
        let told = self.problems.len() as u64;
        Some(Problem {
            log_object: self.log_object.name.to_string(),
            failure: failure.map(str::to_owned),
            records: self.problems.clone(),
            more_records: self.records.unreadable.saturating_sub(told),
        })
    }

    pub(super) fn into_done(self) -> Done {
        Done {
            place: self.place,
            name: self.log_object.name,
            outcome: self.outcome,
            records: self.records,
            packed_bytes: self.packed_bytes,
            unpacked_bytes: self.unpacked_bytes,
        }
    }
}

/// Log objects that are being read.
pub(super) struct ReadInOrder {
    /// For one object after the other, the way its pieces come. Reading stops when this is dropped.
    pub(super) objects: Receiver<Receiver<Piece>>,
    threads: Vec<JoinHandle<()>>,
    opener: JoinHandle<Result<(), StoreError>>,
}

impl ReadInOrder {
    /// Starts reading.
    pub(super) fn start(
        log_objects: LogObjects,
        options: &ExtractOptions,
        progress: &Arc<dyn Progress>,
    ) -> ReadInOrder {
        let threads = options.threads.max(1);
        let (to_taker, objects) = mpsc::channel(threads * OBJECTS_AHEAD);
        let (line, opener) = open_ahead(log_objects, options, progress);
        let read = |_| {
            let (line, progress) = (Arc::clone(&line), Arc::clone(progress));
            let (to_taker, options) = (to_taker.clone(), *options);
            tokio::task::spawn_blocking(move || {
                let mut reader = LogObjectReader::new(options.limits);
                while let Some((opened, pieces)) = take(&line, &to_taker) {
                    let hashes = options.hash_log_objects;
                    let read = ObjectReading::read(&mut reader, opened, &pieces, hashes, &progress);
                    if read.is_none() {
                        break;
                    }
                }
            })
        };
        ReadInOrder {
            objects,
            threads: (0..threads).map(read).collect(),
            opener,
        }
    }

    /// Waits for the threads, after the last object was taken: whether one of them died, and whether all log objects
    /// were found.
    pub(super) async fn finish(self) -> Result<Result<(), StoreError>, tokio::task::JoinError> {
        drop(self.objects);
        for thread in self.threads {
            thread.await?;
        }
        self.opener.await
    }
}

/// Takes the next object, and tells the taker that it is being read.
fn take(line: &Line, to_taker: &Sender<Receiver<Piece>>) -> Option<(Opened, Sender<Piece>)> {
    line.next(|_| {
        let (pieces, taker) = mpsc::channel(PIECES_WAITING);
        to_taker.blocking_send(taker).ok()?;
        Some(pieces)
    })
}

/// One object being read.
struct ObjectReading<'a> {
    pieces: &'a Sender<Piece>,
    rows: Vec<Issuance>,
    account: Account,
    hashes: bool,
    /// Whether nobody takes the rows any more.
    is_abandoned: bool,
}

impl ObjectReading<'_> {
    /// Reads an object to its end; `None` when nobody wants to know.
    fn read(
        reader: &mut LogObjectReader,
        mut opened: Opened,
        pieces: &Sender<Piece>,
        hashes: bool,
        progress: &Arc<dyn Progress>,
    ) -> Option<()> {
        let skipped = opened.log_object.skipped;
        let outcome = skipped.map_or(Outcome::Extracted, Outcome::Skipped);
        let mut reading = ObjectReading {
            pieces,
            rows: Vec::new(),
            account: Account::new(opened.place, opened.log_object.clone(), outcome),
            hashes,
            is_abandoned: false,
        };
        if skipped.is_none() {
            reading.read_content(reader, &mut opened, progress);
        }
        progress.advances(Step::Extract, Amount { items: 1, bytes: 0 });
        reading.hand_on();
        let end = Piece::End(Box::new(reading.account));
        pieces.blocking_send(end).ok()
    }

    fn read_content(
        &mut self,
        reader: &mut LogObjectReader,
        opened: &mut Opened,
        progress: &Arc<dyn Progress>,
    ) {
        let content = match opened.content() {
            Ok(content) => content,
            Err(failure) => {
                self.account.outcome = Outcome::of_store_error(&failure);
                return;
            }
        };
        let mut counted = Counted {
            content,
            progress,
            bytes: 0,
        };
        let mut hash = TextHash::new(self.hashes);
        let select = Select::Issuances {
            event_sources: ISSUING_EVENT_SOURCES,
        };
        let mut on_record = |index: u64, record: Result<&Record<'_>, _>| match record {
            Ok(record) => self.add(index, record),
            Err(unreadable) => self.fail(format!("{unreadable}")),
        };
        let mut on_text = |block: &[u8]| hash.add(block);
        let Reading { tally, failure } =
            reader.read_watched(&mut counted, &select, &mut on_text, &mut on_record);
        let account = &mut self.account;
        account.records.records = tally.records;
        account.records.passed_over += tally.passed_over;
        account.unpacked_bytes = tally.unpacked_bytes;
        account.packed_bytes = counted.bytes;
        account.meta = opened.meta().cloned();
        match failure {
            None => account.sha256 = hash.finish(),
            Some(failure) => account.outcome = outcome_of(&failure),
        }
    }

    fn add(&mut self, index: u64, record: &Record<'_>) {
        match extract(record) {
            Ok(Some(mut row)) => {
                self.account.count(&row);
                row.log_objects = vec![Text::clone(&self.account.log_object.name)];
                self.rows.push(row);
                if self.rows.len() >= PIECE_ROWS {
                    self.hand_on();
                }
            }
            Ok(None) => self.account.records.passed_over += 1,
            Err(unreadable) => self.fail(format!("record {index}: {unreadable}")),
        }
    }

    fn fail(&mut self, reason: String) {
        self.account.records.unreadable += 1;
        if self.account.problems.len() < RECORD_PROBLEMS_TOLD_MAX {
            self.account.problems.push(reason);
        }
    }

    fn hand_on(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() && !self.is_abandoned {
            self.is_abandoned = self.pieces.blocking_send(Piece::Rows(rows)).is_err();
        }
    }
}

/// What a failure of the reader means: whether it lies in the content, or in how the content came.
fn outcome_of(failure: &LogObjectError) -> Outcome {
    let reason = with_causes(failure);
    let LogObjectError::Gunzip(GunzipError::Read { source, .. }) = failure else {
        return Outcome::Failed { reason };
    };
    let store_error = source.get_ref().and_then(|error| error.downcast_ref());
    store_error.map_or(Outcome::Unavailable { reason }, Outcome::of_store_error)
}
