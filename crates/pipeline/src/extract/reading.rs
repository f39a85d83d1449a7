//! Reads log objects on many threads, and hands on what they say in the objects' order.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use trailback_cloudtrail::{
    GunzipError, LogObjectError, LogObjectReader, Record, Select, Timestamp,
};
use trailback_sessions::{ISSUING_EVENT_SOURCES, Issuance, Text, extract};

use super::ExtractOptions;
use super::content::Counted;
use super::held_back::{HeldBack, HeldRows, look_through};
use super::opening::{Batch, Line, Opened, open_ahead};
use super::outcome::{Done, Outcome};
use super::text_hash::TextHash;
use crate::causes::with_causes;
use crate::log_objects::{LogObject, LogObjects};
use crate::progress::{Amount, Progress, Step};
use crate::store::{ObjectMeta, StoreError};
use crate::tally::{Problem, RECORD_PROBLEMS_TOLD_MAX, RecordTally};

/// How many rows travel together.
const PIECE_ROWS: usize = 256;

/// How many times pieces of one batch of objects wait to be taken.
const PIECES_WAITING: usize = 4;

/// How many batches per thread may be ahead of the one whose rows are being taken.
const BATCHES_AHEAD: usize = 4;

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
    /// How many records cannot be believed, because their bytes are corrupt; they count as unreadable.
    pub(super) disbelieved: u64,
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
            disbelieved: 0,
        }
    }

    fn count(&mut self, row: &Issuance) {
        self.records.add_row(row);
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
        let told = self.disbelieved + self.problems.len() as u64;
        let told_of_failure = |failure: &str| match self.disbelieved {
            0 => failure.to_owned(),
            count => format!("{failure}; {count} of its records are not believed"),
        };
        Some(Problem {
            log_object: self.log_object.name.to_string(),
            failure: failure.map(told_of_failure),
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
    /// For one batch of objects after the other, the way its pieces come. Reading stops when this is dropped.
    batches: Receiver<Receiver<Vec<Piece>>>,
    /// The batch whose pieces come, and those of them that have come.
    batch: Option<Receiver<Vec<Piece>>>,
    pieces: std::vec::IntoIter<Piece>,
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
        let (to_taker, batches) = mpsc::channel(threads * BATCHES_AHEAD);
        let (line, opener) = open_ahead(log_objects, options, progress);
        let held_rows = Arc::new(HeldRows::default());
        let read = |_| {
            let (line, progress) = (Arc::clone(&line), Arc::clone(progress));
            let (to_taker, options) = (to_taker.clone(), *options);
            let held_rows = Arc::clone(&held_rows);
            tokio::task::spawn_blocking(move || {
                let mut reader = LogObjectReader::new(options.limits);
                while let Some((batch, mut pieces)) = take(&line, &to_taker) {
                    for opened in batch {
                        let reading = ObjectReading::new(opened, &options, &mut pieces, &held_rows);
                        reading.read(&mut reader, &progress);
                    }
                    if !pieces.hand_on() {
                        break;
                    }
                }
            })
        };
        ReadInOrder {
            batches,
            batch: None,
            pieces: Vec::new().into_iter(),
            threads: (0..threads).map(read).collect(),
            opener,
        }
    }

    /// Waits for the next piece, in the order of the objects; `None` when there are no more.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.pieces.next() {
                return Some(piece);
            }
            let more = match &mut self.batch {
                Some(batch) => batch.recv().await,
                None => None,
            };
            match more {
                Some(pieces) => self.pieces = pieces.into_iter(),
                None => self.batch = Some(self.batches.recv().await?),
            }
        }
    }

    /// Waits for the threads, after the last object was taken: whether one of them died, and whether all log objects
    /// were found.
    pub(super) async fn finish(self) -> Result<Result<(), StoreError>, tokio::task::JoinError> {
        drop((self.batches, self.batch));
        for thread in self.threads {
            thread.await?;
        }
        self.opener.await
    }
}

/// Takes the next objects, and tells the taker that they are being read.
fn take(line: &Line, to_taker: &Sender<Receiver<Vec<Piece>>>) -> Option<(Batch, Pieces)> {
    line.next(|| {
        let (sender, taker) = mpsc::channel(PIECES_WAITING);
        to_taker.blocking_send(taker).ok()?;
        Some(Pieces::to(sender))
    })
}

/// The pieces of a batch on their way to the taker: those of small objects travel together.
struct Pieces {
    sender: Sender<Vec<Piece>>,
    waiting: Vec<Piece>,
    waiting_rows: usize,
    /// Whether nobody takes them any more.
    is_abandoned: bool,
}

impl Pieces {
    fn to(sender: Sender<Vec<Piece>>) -> Pieces {
        Pieces {
            sender,
            waiting: Vec::new(),
            waiting_rows: 0,
            is_abandoned: false,
        }
    }

    fn add(&mut self, piece: Piece) {
        if let Piece::Rows(rows) = &piece {
            self.waiting_rows += rows.len();
        }
        self.waiting.push(piece);
        if self.waiting_rows >= PIECE_ROWS {
            self.hand_on();
        }
    }

    /// Hands on what waits; false when nobody takes it.
    fn hand_on(&mut self) -> bool {
        self.waiting_rows = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() && !self.is_abandoned {
            self.is_abandoned = self.sender.blocking_send(waiting).is_err();
        }
        !self.is_abandoned
    }
}

/// One object being read.
struct ObjectReading<'a> {
    opened: Opened,
    options: &'a ExtractOptions,
    pieces: &'a mut Pieces,
    rows: HeldBack<'a>,
    account: Account,
    /// What kept it from being looked through, if something did.
    hindrance: Option<Outcome>,
}

impl<'a> ObjectReading<'a> {
    fn new(
        opened: Opened,
        options: &'a ExtractOptions,
        pieces: &'a mut Pieces,
        held_rows: &'a HeldRows,
    ) -> ObjectReading<'a> {
        let skipped = opened.log_object.skipped;
        let outcome = skipped.map_or(Outcome::Extracted, Outcome::Skipped);
        ObjectReading {
            account: Account::new(opened.place, opened.log_object.clone(), outcome),
            opened,
            options,
            pieces,
            rows: HeldBack::new(held_rows),
            hindrance: None,
        }
    }

    /// Reads an object to its end.
    fn read(mut self, reader: &mut LogObjectReader, progress: &Arc<dyn Progress>) {
        if self.opened.log_object.skipped.is_none() {
            self.read_content(reader, progress);
        }
        progress.advances(Step::Extract, Amount { items: 1, bytes: 0 });
        self.pieces.add(Piece::End(Box::new(self.account)));
    }

    fn read_content(&mut self, reader: &mut LogObjectReader, progress: &Arc<dyn Progress>) {
        let content = match self.opened.content() {
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
        let mut hash = TextHash::new(self.options.hash_log_objects);
        let select = Select::Issuances {
            event_sources: ISSUING_EVENT_SOURCES,
        };
        let mut on_record = |index: u64, record: Result<&Record<'_>, _>| match record {
            Ok(record) => self.add(index, record),
            Err(unreadable) => self.fail(format!("{unreadable}")),
        };
        let mut on_text = |block: &[u8]| hash.add(block);
        let reading = reader.read_watched(&mut counted, &select, &mut on_text, &mut on_record);
        self.rows.decide(reading.sound_records);
        self.hand_on();
        let account = &mut self.account;
        account.records.records = reading.tally.records;
        account.records.passed_over += reading.tally.passed_over;
        account.unpacked_bytes = reading.tally.unpacked_bytes;
        account.packed_bytes = counted.bytes;
        account.meta = self.opened.meta().cloned();
        account.outcome = match (reading.failure, self.hindrance.take()) {
            (None, _) if account.disbelieved == 0 => {
                account.sha256 = hash.finish();
                Outcome::Extracted
            }
            // Rows that may well be sound were not believed. Another try brings them.
            (_, Some(hindrance)) => hindrance,
            (None, None) => Outcome::Unavailable {
                reason: "has changed while it was read".to_owned(),
            },
            (Some(failure), None) => outcome_of(&failure),
        };
    }

    fn add(&mut self, index: u64, record: &Record<'_>) {
        match extract(record) {
            Ok(Some(mut row)) => {
                row.log_objects = vec![Text::clone(&self.account.log_object.name)];
                self.rows.add(index, row);
                if self.rows.is_too_much() {
                    self.look_ahead();
                }
                if self.rows.is_decided() && self.rows.len() >= PIECE_ROWS {
                    self.hand_on();
                }
            }
            Ok(None) => self.account.records.passed_over += 1,
            Err(unreadable) => self.fail(format!("record {index}: {unreadable}")),
        }
    }

    /// Learns how many of the object's records are sound before it is read to its end. Those of an object that cannot be
    /// looked through do not count: they are not proven. What is wrong with its content is met when it is read.
    fn look_ahead(&mut self) {
        let (sound_records, hindrance) = match self.opened.content() {
            Ok(again) => {
                let looked = look_through(again, self.options.limits);
                let hindrance = looked.failure.map(|failure| outcome_of(&failure));
                (looked.sound_records, hindrance)
            }
            Err(failure) => (0, Some(Outcome::of_store_error(&failure))),
        };
        self.rows.decide(sound_records);
        self.hindrance = hindrance.filter(|outcome| !matches!(outcome, Outcome::Failed { .. }));
    }

    fn fail(&mut self, reason: String) {
        self.account.records.unreadable += 1;
        if self.account.problems.len() < RECORD_PROBLEMS_TOLD_MAX {
            self.account.problems.push(reason);
        }
    }

    /// Hands on the rows that wait, once it is known which of them are sound.
    fn hand_on(&mut self) {
        let (rows, disbelieved) = self.rows.let_go();
        self.account.disbelieved += disbelieved;
        self.account.records.unreadable += disbelieved;
        rows.iter().for_each(|row| self.account.count(row));
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let piece = rows.by_ref().take(PIECE_ROWS).collect();
            self.pieces.add(Piece::Rows(piece));
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
