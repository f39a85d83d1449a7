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

use memchr::arch::all::packedpair::HeuristicFrequencyRank;
use memchr::memmem;
use simd_json::{Buffers, Tape};
use thiserror::Error;

use crate::gunzip::{Gunzip, GunzipError};
use crate::record::{self, Record, RecordError, RecordFault};
use crate::scan::{BLOCK, Index, Scanner, ValueScan};
use crate::window::Window;

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
    window: Vec<u8>,
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

    fn with(limits: Limits, scanner: Scanner, window_bytes: usize) -> LogObjectReader {
        let parser = Parser::new(limits.depth_max);
        LogObjectReader {
            limits,
            scanner,
            window_bytes,
            window: Vec::new(),
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
        let gunzip = Gunzip::new(source, self.limits.unpacked_bytes_max);
        let mut walk = Walk {
            window: Window::new(gunzip, &mut self.window, self.window_bytes),
            index: Index::new(self.scanner),
            limits: self.limits,
            wanted: Wanted::new(select),
            parser: &mut self.parser,
            tally: ReadTally::default(),
            on_record,
        };
        let failure = walk.documents().err();
        walk.tally.unpacked_bytes = walk.window.unpacked_bytes();
        Reading {
            tally: walk.tally,
            failure,
        }
    }
}

/// One walk through an object. Every function stands, in the text, before what its name says and leaves behind it.
struct Walk<'w, R> {
    window: Window<'w, R>,
    index: Index,
    limits: Limits,
    wanted: Wanted<'w>,
    parser: &'w mut Parser,
    tally: ReadTally,
    on_record: &'w mut dyn FnMut(u64, Result<&Record<'_>, RecordError>),
}

impl<R: Read> Walk<'_, R> {
    fn documents(&mut self) -> Result<(), LogObjectError> {
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        if self
            .look_ahead(BYTE_ORDER_MARK.len())
            .starts_with(BYTE_ORDER_MARK)
        {
            self.window.drop_front(BYTE_ORDER_MARK.len());
        }
        let mut is_empty = true;
        loop {
            match self.peek()? {
                None if is_empty => return Err(LogObjectError::Empty),
                None => return Ok(()),
                Some(b'{') if self.is_record_by_itself() => self.record()?,
                Some(b'{') => self.log_object()?,
                Some(b'[') => self.records()?,
                Some(byte) => return Err(self.wrong_top_level(byte, is_empty)),
            }
            is_empty = false;
        }
    }

    /// Tells a record by its first member's name.
    fn is_record_by_itself(&mut self) -> bool {
        /// Enough for white space and the longest name of an envelope.
        const NEAR: usize = 256;
        let near = self.look_ahead(NEAR);
        let inside = near[..near.len().min(NEAR)].get(1..).unwrap_or_default();
        inside
            .trim_ascii_start()
            .strip_prefix(b"\"")
            .is_some_and(|names| {
                let name = names.split(|byte| *byte == b'"').next().unwrap_or_default();
                record::is_envelope_name(name)
            })
    }

    fn wrong_top_level(&mut self, byte: u8, is_first: bool) -> LogObjectError {
        /// Words that JSON knows; a text file begins with others.
        const WORDS: [&[u8]; 3] = [b"true", b"false", b"null"];
        let near = self.look_ahead(5);
        let is_word = WORDS.iter().any(|word| near.starts_with(word));
        match kind_of(byte) {
            Some(found) if is_first && (is_word || !byte.is_ascii_alphabetic()) => {
                LogObjectError::WrongTopLevel { found }
            }
            _ if is_first => self.not_json("a log object", byte),
            _ => self.not_json("the end, or another log object,", byte),
        }
    }

    fn log_object(&mut self) -> Result<(), LogObjectError> {
        self.expect(b'{', "an object")?;
        let mut has_records = false;
        if self.peek_inside()? == b'}' {
            return Err(LogObjectError::NoRecords);
        }
        loop {
            has_records |= self.member()?;
            match self.peek_inside()? {
                b',' => self.window.drop_front(1),
                b'}' if has_records => break,
                b'}' => return Err(LogObjectError::NoRecords),
                byte => return Err(self.not_json("a comma or the object's end", byte)),
            }
        }
        self.expect(b'}', "the object's end")
    }

    /// One member of the object at the top; true if it was `Records`.
    fn member(&mut self) -> Result<bool, LogObjectError> {
        const RECORDS: &[u8] = b"\"Records\"";
        match self.peek_inside()? {
            b'"' => {}
            byte => return Err(self.not_json("a name", byte)),
        }
        let is_records = self.look_ahead(RECORDS.len()).starts_with(RECORDS);
        self.text()?;
        self.expect(b':', "a colon")?;
        match self.peek_inside()? {
            b'[' if is_records => self.records()?,
            byte if is_records => {
                let found = kind_of(byte).ok_or_else(|| self.not_json("a list", byte))?;
                return Err(LogObjectError::RecordsNotAList { found });
            }
            _ => {
                self.value()?;
            }
        }
        Ok(is_records)
    }

    fn records(&mut self) -> Result<(), LogObjectError> {
        self.expect(b'[', "a list")?;
        if self.peek_inside()? == b']' {
            return self.expect(b']', "the list's end");
        }
        loop {
            match self.peek_inside()? {
                b'{' => self.record()?,
                _ => self.no_record()?,
            }
            match self.peek_inside()? {
                b',' => self.window.drop_front(1),
                b']' => return self.expect(b']', "the list's end"),
                byte => return Err(self.not_json("a comma or the list's end", byte)),
            }
        }
    }

    fn no_record(&mut self) -> Result<(), LogObjectError> {
        let found = self.value()?;
        self.unreadable(RecordFault::NotAnObject { found }, None);
        Ok(())
    }

    fn record(&mut self) -> Result<(), LogObjectError> {
        let mut scan = ValueScan::new(self.window.offset(), self.limits.depth_max);
        let end = self.scan_to_end(&mut scan, Some(self.tally.records))?;
        let json = &self.window.text()[..end.at];
        let fault = if !end.is_whole || end.at > self.limits.record_bytes_max {
            Some(RecordFault::TooLong {
                limit: self.limits.record_bytes_max,
            })
        } else if scan.is_too_deep() {
            Some(RecordFault::TooDeep {
                limit: self.limits.depth_max,
            })
        } else if !json.ends_with(b"}") {
            Some(RecordFault::NotJson {
                at: end.at - 1,
                reason: "ExpectedMapEnd".to_owned(),
            })
        } else if self.wanted.may_be(json, scan.may_have_backslashes()) {
            self.parse(end.at)
        } else {
            self.tally.records += 1;
            self.tally.passed_over += 1;
            None
        };
        if let Some(fault) = fault {
            let event_id = record::find_event_id(&self.window.text()[..end.at]);
            self.unreadable(fault, event_id.filter(|_| end.is_whole));
        }
        self.window.drop_front(end.at);
        Ok(())
    }

    /// Parses the record of `length` bytes and hands it on if it is wanted.
    fn parse(&mut self, length: usize) -> Option<RecordFault> {
        let json = self.window.padded(length);
        let mut tape = self.parser.take_tape();
        let record = simd_json::fill_tape_padded(json, length, &mut self.parser.buffers, &mut tape)
            .map_err(|error| RecordFault::of_parser(&error, self.limits.depth_max))
            .and_then(|()| Record::of(tape));
        let record = match record {
            Ok(record) => record,
            Err(fault) => return Some(fault),
        };
        let place = self.tally.records;
        self.tally.records += 1;
        if self.wanted.is(&record) {
            self.tally.handed_on += 1;
            (self.on_record)(place, Ok(&record));
        } else {
            self.tally.passed_over += 1;
        }
        self.parser.keep_tape(record.into_tape());
        None
    }

    fn unreadable(&mut self, fault: RecordFault, event_id: Option<String>) {
        let place = self.tally.records;
        self.tally.records += 1;
        self.tally.unreadable += 1;
        (self.on_record)(place, Err(fault.of_record(Some(place), event_id)));
    }

    /// Scans an object or a list to its end, which the text then holds. The text holds the whole of it unless it is
    /// too long for a record.
    fn scan_to_end(
        &mut self,
        scan: &mut ValueScan,
        record: Option<u64>,
    ) -> Result<End, LogObjectError> {
        self.index.start_at(self.window.offset());
        let mut is_whole = record.is_some();
        loop {
            if let Some(end) = scan.advance(&self.index) {
                return Ok(End {
                    at: self.window.distance(end),
                    is_whole,
                });
            }
            is_whole &= scan.scanned() <= self.limits.record_bytes_max as u64;
            if !is_whole {
                let scanned = self.window.distance(self.index.end());
                self.window
                    .drop_front(scanned.min(self.window.text().len()));
            }
            if !self.index_more() {
                return Err(self.ended_early(record));
            }
        }
    }

    /// Moves the index on to the text behind it; false when there is none.
    fn index_more(&mut self) -> bool {
        let begin = self.index.end();
        while self.window.text_from(begin).len() < BLOCK {
            if !self.window.read_more() {
                let has_rest = !self.window.text_from(begin).is_empty();
                if has_rest {
                    self.index.move_on(self.window.last_block_from(begin));
                }
                return has_rest;
            }
        }
        self.index.move_on(self.window.text_from(begin));
        true
    }

    /// Any value; gives what it was.
    fn value(&mut self) -> Result<&'static str, LogObjectError> {
        let first = self.peek_inside()?;
        let Some(kind) = kind_of(first) else {
            return Err(self.not_json("a value", first));
        };
        match first {
            b'{' | b'[' => {
                let mut scan = ValueScan::new(self.window.offset(), u32::MAX);
                let end = self.scan_to_end(&mut scan, None)?;
                self.window.drop_front(end.at);
            }
            b'"' => self.text()?,
            _ => self.number_or_word()?,
        }
        Ok(kind)
    }

    fn text(&mut self) -> Result<(), LogObjectError> {
        self.expect(b'"', "a text")?;
        loop {
            match memchr::memchr2(b'"', b'\\', self.window.text()) {
                None => self.window.drop_front(self.window.text().len()),
                Some(at) if self.window.text()[at] == b'"' => {
                    self.window.drop_front(at + 1);
                    return Ok(());
                }
                Some(at) => {
                    self.window.drop_front(at);
                    let escape = self.look_ahead(2).len().min(2);
                    self.window.drop_front(escape);
                }
            }
            if self.window.text().is_empty() && !self.window.read_more() {
                return Err(self.ended_early(None));
            }
        }
    }

    fn number_or_word(&mut self) -> Result<(), LogObjectError> {
        loop {
            let text = self.window.text();
            let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            let length = text.iter().take_while(|byte| is_inside(byte)).count();
            let ends = length < text.len();
            self.window.drop_front(length);
            if ends || !self.window.read_more() {
                return Ok(());
            }
        }
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), LogObjectError> {
        match self.peek_inside()? {
            found if found == byte => {
                self.window.drop_front(1);
                Ok(())
            }
            found => Err(self.not_json(name, found)),
        }
    }

    /// The next byte that is no white space, where there must be one.
    fn peek_inside(&mut self) -> Result<u8, LogObjectError> {
        match self.peek()? {
            Some(byte) => Ok(byte),
            None => Err(self.ended_early(None)),
        }
    }

    /// The next byte that is no white space; `None` at the end of the text.
    fn peek(&mut self) -> Result<Option<u8>, LogObjectError> {
        loop {
            let text = self.window.text();
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            let spaces = text.iter().take_while(|byte| is_space(byte)).count();
            let next = text.get(spaces).copied();
            self.window.drop_front(spaces);
            if next.is_some() {
                return Ok(next);
            }
            if !self.window.read_more() {
                return self
                    .window
                    .take_error()
                    .map_or(Ok(None), |error| Err(error.into()));
            }
        }
    }

    /// The text at hand, `bytes` long at least unless there is no more.
    fn look_ahead(&mut self, bytes: usize) -> &[u8] {
        while self.window.text().len() < bytes && self.window.read_more() {}
        self.window.text()
    }

    fn not_json(&self, expected: &'static str, found: u8) -> LogObjectError {
        LogObjectError::NotJson {
            at: self.window.offset(),
            expected,
            found,
        }
    }

    fn ended_early(&mut self, record: Option<u64>) -> LogObjectError {
        match self.window.take_error() {
            Some(error) => error.into(),
            None => LogObjectError::Truncated {
                at: self.window.unpacked_bytes(),
                record,
            },
        }
    }
}

/// Where a value ends.
struct End {
    /// In the text at hand, exclusive.
    at: usize,
    /// Whether the text at hand begins where the value begins.
    is_whole: bool,
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

/// [`Select`], made ready for the two questions that are asked of a record.
enum Wanted<'s> {
    Issuances(Issuances<'s>),
    Mentioning(memmem::Finder<'s>),
    All,
}

/// What tells, from its bytes alone, that a record cannot be an issuance: nowhere in it, its own or nested, an
/// `eventSource` with one of the values, nowhere a name that begins with `credential`. All these words are plain
/// letters and dots, so they stand in the bytes as they are, unless as escapes (`\u0073`), which are looked for too.
struct Issuances<'s> {
    event_sources: &'s [&'s str],
    starts: Vec<Start>,
    event_source: memmem::Finder<'static>,
    credential: memmem::Finder<'static>,
}

/// The first eight bytes of an event source and the quote behind it, of which fewer may count.
struct Start {
    bytes: u64,
    count: u64,
}

impl<'s> Wanted<'s> {
    fn new(select: &Select<'s>) -> Wanted<'s> {
        match *select {
            Select::Issuances { event_sources } => Wanted::Issuances(Issuances::new(event_sources)),
            Select::Mentioning(text) => Wanted::Mentioning(memmem::Finder::new(text)),
            Select::All => Wanted::All,
        }
    }

    /// Whether the record may be wanted; no is certain.
    fn may_be(&self, json: &[u8], may_have_backslashes: bool) -> bool {
        match self {
            Wanted::Issuances(issuances) => {
                issuances.may_be(json) || (may_have_backslashes && escapes_plain_characters(json))
            }
            Wanted::Mentioning(text) => text.find(json).is_some(),
            Wanted::All => true,
        }
    }

    /// Whether the record that [`may_be`](Self::may_be) wanted is.
    fn is(&self, record: &Record<'_>) -> bool {
        match self {
            Wanted::Issuances(issuances) => {
                let is_one = |name| issuances.event_sources.contains(&name);
                record.event_source().is_some_and(is_one) || holds_credentials(record)
            }
            Wanted::Mentioning(_) | Wanted::All => true,
        }
    }
}

/// Whether the response hands out credentials. IAM Roles Anywhere answers with a list of them.
fn holds_credentials(record: &Record<'_>) -> bool {
    let response = record.response_elements();
    response.object("credentials").text("accessKeyId").is_some()
        || response.list("credentialSet").next().is_some()
}

impl<'s> Issuances<'s> {
    fn new(event_sources: &'s [&'s str]) -> Issuances<'s> {
        Issuances {
            event_sources,
            starts: event_sources.iter().map(|name| Start::of(name)).collect(),
            event_source: finder(b"\"eventSource\""),
            credential: finder(b"\"credential"),
        }
    }

    fn may_be(&self, json: &[u8]) -> bool {
        let mut rest = json;
        while let Some(at) = self.event_source.find(rest) {
            rest = &rest[at + self.event_source.needle().len()..];
            if self.is_one_of_them(rest) {
                return true;
            }
        }
        self.credential.find(json).is_some()
    }

    /// Whether what stands behind a name is one of the event sources.
    fn is_one_of_them(&self, behind_name: &[u8]) -> bool {
        let value = behind_name
            .trim_ascii_start()
            .strip_prefix(b":")
            .unwrap_or_default();
        let text = value
            .trim_ascii_start()
            .strip_prefix(b"\"")
            .unwrap_or_default();
        let first = first_eight(text);
        self.starts
            .iter()
            .zip(self.event_sources)
            .any(|(start, name)| {
                first & start.count == start.bytes
                    && text
                        .strip_prefix(name.as_bytes())
                        .is_some_and(|rest| rest.starts_with(b"\""))
            })
    }
}

/// A search that first looks for the two letters of the name that stand at such a distance least often in CloudTrail's
/// text (counted over real log objects): almost only where the name stands.
fn finder(name: &'static [u8]) -> memmem::Finder<'static> {
    struct RareFirst;
    impl HeuristicFrequencyRank for RareFirst {
        fn rank(&self, byte: u8) -> u8 {
            match byte {
                b'S' | b'u' => 0,
                b'i' | b'l' => 1,
                _ => u8::MAX,
            }
        }
    }
    memmem::FinderBuilder::new().build_forward_with_ranker(RareFirst, name)
}

/// Whether `json` spells a letter, digit or dot as an escape. Only `\u00XX` can: the short escapes stand for control
/// characters, quotes, slashes and backslashes.
fn escapes_plain_characters(json: &[u8]) -> bool {
    const ESCAPE: &[u8] = b"\\u00";
    memmem::find_iter(json, ESCAPE)
        .any(|at| matches!(json.get(at + ESCAPE.len()), Some(b'2'..=b'7')))
}

impl Start {
    fn of(name: &str) -> Start {
        let mut text = name.as_bytes().to_vec();
        text.push(b'"');
        let count = first_eight(&vec![0xff; text.len()]);
        Start {
            bytes: first_eight(&text),
            count,
        }
    }
}

/// The first eight bytes, zeros where there are fewer.
fn first_eight(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(bytes)
}

/// What kind of value begins with this byte.
fn kind_of(first: u8) -> Option<&'static str> {
    Some(match first {
        b'{' => "an object",
        b'[' => "a list",
        b'"' => "a text",
        b'-' | b'0'..=b'9' => "a number",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
