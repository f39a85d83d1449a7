//! A log object to its records, one by one; a bad record does not cost the object.
//!
//! ```text
//! gunzip ──► window ──► scan: where does the record end, can it be wanted? ──► parse ──► is it wanted? ──► on_record
//!            256 KiB                     │ no                                    │ error      │ no
//!                                        ▼                                       ▼            ▼
//!                                   passed over                              unreadable   passed over
//! ```
//!
//! The scan decides nothing: it only spares the parser the records that cannot be wanted. Whether a record is wanted is
//! decided on its parsed members, so that the same words in a text or in a nested object decide nothing. A record
//! that is passed over by the scan is not validated.
//!
//! An object is what CloudTrail writes, `{"Records":[…]}` with or without other members and white space. The exports
//! that people make of it are read as well: a list of records, a record by itself, and any number of these in a row
//! (newline-delimited records, objects that were written one behind the other).

use std::io::Read;

use simd_json::{Buffers, Tape};
use thiserror::Error;

use crate::gunzip::{Gunzip, GunzipError};
use crate::record::{self, Record, RecordError};
use crate::scan::{Index, Scanner};
use crate::window::Window;

mod walk;
mod wanted;

use walk::{SoundRecords, Walk};
use wanted::Wanted;

/// How much text is unpacked at once: small enough to stay in the processor's cache between unpacking and scanning.
const WINDOW_BYTES: usize = 256 * 1024;

/// A tape or buffer that one odd record has made larger than this is not kept for the next.
const TAPE_NODES_KEPT: usize = 64 * 1024;

/// Which records are handed on.
#[derive(Clone, Copy, Debug)]
pub enum Select<'s> {
    /// Records that can be issuances: those whose own `eventSource` is one of these, and those whose own
    /// `responseElements` hold `credentials` with an `accessKeyId`, or a `credentialSet`.
    Issuances {
        /// Values of `eventSource`, in AWS's spelling.
        event_sources: &'s [&'s str],
    },
    /// Records whose bytes contain this text, as it is spelled in the log.
    Mentioning(&'s [u8]),
    /// Every record.
    All,
    /// No record: the object is only looked through, to learn how many of its records are sound.
    Nothing,
}

/// What no log object may exceed. They keep memory and time in bounds whatever the input; the defaults leave room
/// over everything that CloudTrail has been seen to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How much text one object may unpack to, in bytes. CloudTrail delivers at most 50 MB packed, which real logs
    /// unpack to 1 or 2 GB; a hostile object of that size would unpack to 50 GB. Memory does not depend on it.
    /// Default: 8 GiB.
    pub unpacked_bytes_max: u64,
    /// How long one record may be, in bytes. CloudTrail cuts records at 256 KB; exports that indent them and
    /// add to them need more. Parsing takes up to 30 times as much memory. Default: 1 MiB.
    pub record_bytes_max: usize,
    /// How many brackets may be open in one record, its own included. Real records have less than 20. Default: 256.
    pub depth_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            unpacked_bytes_max: 8 << 30,
            record_bytes_max: 1 << 20,
            depth_max: record::DEPTH_MAX,
        }
    }
}

/// What became of one log object.
#[derive(Debug)]
#[must_use]
pub struct Reading {
    /// What was read before the end or the failure.
    pub tally: ReadTally,
    /// Why the object could not be read to its end. The records before it have been handed on.
    pub failure: Option<LogObjectError>,
    /// How many records from the front may be believed. Records are handed on before the checksum of their gzip member
    /// is known; those from this place on are of a corrupt member, and may say what nobody logged. As many as there are
    /// unless the object is corrupt: of one that is cut short, no checksum speaks against its whole records.
    pub sound_records: u64,
}

/// The counts of one log object. They balance: `records = handed_on + passed_over + unreadable`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadTally {
    /// Elements of `Records`, whatever they are.
    pub records: u64,
    /// Records that are wanted.
    pub handed_on: u64,
    /// Records that are not.
    pub passed_over: u64,
    /// Records that are too long, too deep, not JSON or no objects.
    pub unreadable: u64,
    /// The length of the text, in bytes.
    pub unpacked_bytes: u64,
}

/// Why a log object cannot be read to its end.
#[derive(Debug, Error)]
pub enum LogObjectError {
    /// It cannot be read or unpacked.
    #[error(transparent)]
    Gunzip(#[from] GunzipError),
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is not JSON, or not from here on.
    #[error("is not JSON at byte {at}: found '{}' where {expected} belongs", found.escape_ascii())]
    NotJson {
        /// Offset in the unpacked text, in bytes.
        at: u64,
        /// What would have been right.
        expected: &'static str,
        /// What stands there.
        found: u8,
    },
    /// The text ends before the JSON does.
    #[error("ends too early, at byte {at}{}; fetch the object again", in_record(*.record))]
    Truncated {
        /// The length of the text, in bytes.
        at: u64,
        /// The record in which it ends, counted from 0; it is not in the tally.
        record: Option<u64>,
    },
    /// It is JSON, but no log object.
    #[error("holds {found} where an object with Records belongs")]
    WrongTopLevel {
        /// What stands there instead.
        found: &'static str,
    },
    /// It is an object, but has no `Records`.
    #[error("has no Records; is it a CloudTrail log object?")]
    NoRecords,
    /// Its `Records` are no list.
    #[error("has {found} for Records where a list belongs")]
    RecordsNotAList {
        /// What stands there instead.
        found: &'static str,
    },
}

fn in_record(record: Option<u64>) -> String {
    record
        .map(|record| format!(", in record {record}"))
        .unwrap_or_default()
}

/// Reads one log object: hands every record that `select` wants to `on_record`, with its place in the object counted
/// from 0, and also why a record cannot be read.
///
/// Reading many objects, [`LogObjectReader`] does the same and keeps its buffers.
pub fn read_log_object(
    source: impl Read,
    select: &Select<'_>,
    limits: &Limits,
    on_record: &mut dyn FnMut(u64, Result<&Record<'_>, RecordError>),
) -> Reading {
    LogObjectReader::new(*limits).read(source, select, on_record)
}

/// Reads log objects one after the other, with buffers that are allocated once.
pub struct LogObjectReader {
    limits: Limits,
    scanner: Scanner,
    window_bytes: usize,
    packed: Vec<u8>,
    window: Vec<u8>,
    workspace: Vec<u8>,
    parser: Parser,
}

/// The parser's memory.
struct Parser {
    buffers: Buffers,
    tape: Tape<'static>,
    depth_max: u32,
}

impl LogObjectReader {
    /// A reader that keeps to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> LogObjectReader {
        LogObjectReader::with(limits, Scanner::detect(), WINDOW_BYTES)
    }

    pub(crate) fn with(limits: Limits, scanner: Scanner, window_bytes: usize) -> LogObjectReader {
        let parser = Parser::new(limits.depth_max);
        LogObjectReader {
            limits,
            scanner,
            window_bytes,
            packed: Vec::new(),
            window: Vec::new(),
            workspace: Vec::new(),
            parser,
        }
    }

    /// As [`read_log_object`].
    pub fn read(
        &mut self,
        source: impl Read,
        select: &Select<'_>,
        on_record: &mut dyn FnMut(u64, Result<&Record<'_>, RecordError>),
    ) -> Reading {
        self.read_watched(source, select, &mut |_| {}, on_record)
    }

    /// The same, and shows the object's whole unpacked text to `on_text`, block by block and in order, each block before
    /// the records that end in it: for a hash of what CloudTrail's digests hash.
    pub fn read_watched(
        &mut self,
        source: impl Read,
        select: &Select<'_>,
        on_text: &mut dyn FnMut(&[u8]),
        on_record: &mut dyn FnMut(u64, Result<&Record<'_>, RecordError>),
    ) -> Reading {
        let gunzip = Gunzip::new(source, &mut self.packed, self.limits.unpacked_bytes_max);
        let mut walk = Walk {
            window: Window::new(gunzip, &mut self.window, self.window_bytes, on_text),
            index: Index::new(self.scanner),
            limits: self.limits,
            wanted: Wanted::new(select),
            parser: &mut self.parser,
            workspace: &mut self.workspace,
            tally: ReadTally::default(),
            sound: SoundRecords::default(),
            on_record,
        };
        let failure = walk.whole().err();
        walk.tally.unpacked_bytes = walk.window.unpacked_bytes();
        Reading {
            tally: walk.tally,
            failure,
            sound_records: walk.sound.count,
        }
    }
}

impl Parser {
    fn new(depth_max: u32) -> Parser {
        Parser {
            buffers: Parser::new_buffers(depth_max),
            tape: Tape(Vec::new()),
            depth_max,
        }
    }

    /// The scan has counted the depth; the parser's own limit, one level more, only guards its stack.
    fn new_buffers(depth_max: u32) -> Buffers {
        Buffers::with_max_depth(0, (depth_max as usize).saturating_add(1))
    }

    fn take_tape<'a>(&mut self) -> Tape<'a> {
        std::mem::replace(&mut self.tape, Tape(Vec::new())).reset()
    }

    fn keep_tape(&mut self, tape: Tape<'_>) {
        if tape.0.capacity() <= TAPE_NODES_KEPT {
            self.tape = tape.reset();
        } else {
            self.buffers = Parser::new_buffers(self.depth_max);
        }
    }
}

#[cfg(test)]
mod tests;
