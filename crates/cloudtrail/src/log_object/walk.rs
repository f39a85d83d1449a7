//! One walk through the text of an object, record by record.

use std::io::Read;

use super::wanted::Wanted;
use super::{Limits, LogObjectError, Parser, ReadTally};
use crate::gunzip::GunzipError;
use crate::record::{self, Record, RecordError, RecordFault};
use crate::scan::{Index, STRETCH, ValueScan};
use crate::window::Window;

/// One walk through an object. Every function stands, in the text, before what its name says and leaves behind it.
pub(super) struct Walk<'w, R> {
    pub(super) window: Window<'w, R>,
    pub(super) index: Index,
    pub(super) limits: Limits,
    pub(super) wanted: Wanted<'w>,
    pub(super) parser: &'w mut Parser,
    /// A copy of the record being parsed: the parser changes it, and unpacking refers back to the text.
    pub(super) workspace: &'w mut Vec<u8>,
    pub(super) tally: ReadTally,
    pub(super) sound: SoundRecords,
    pub(super) on_record: &'w mut dyn FnMut(u64, Result<&Record<'_>, RecordError>),
}

/// How many records from the front may be believed. The text is proven a gzip member at a time, always beyond the records
/// walked so far, so it is enough to know where the last of them ends.
#[derive(Default)]
pub(super) struct SoundRecords {
    pub(super) count: u64,
    walked: u64,
    /// Where the last record ends, in bytes of the text.
    end: u64,
}

impl SoundRecords {
    /// Takes note of the next record, which ends there.
    fn add(&mut self, end: u64, sound_bytes: u64) {
        self.settle(sound_bytes);
        self.walked += 1;
        self.end = end;
    }

    fn settle(&mut self, sound_bytes: u64) {
        if self.end <= sound_bytes {
            self.count = self.walked;
        }
    }
}

impl<R: Read> Walk<'_, R> {
    /// The whole object, to the end of its text where records depend on what its checksum says.
    pub(super) fn whole(&mut self) -> Result<(), LogObjectError> {
        let outcome = self.documents();
        self.sound.settle(self.window.sound_bytes());
        if self.sound.count == self.tally.records {
            return outcome;
        }
        self.window.drop_all();
        self.sound.settle(self.window.sound_bytes());
        // What is no JSON because it is corrupt is called corrupt.
        match self.window.take_error() {
            Some(error @ GunzipError::Corrupt { .. }) => Err(error.into()),
            _ => outcome,
        }
    }

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
        self.ends_record();
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
        } else if self.wanted.may_be(json, &scan) {
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
        self.ends_record();
        Ok(())
    }

    /// Takes note that a record ends here.
    fn ends_record(&mut self) {
        self.sound
            .add(self.window.offset(), self.window.sound_bytes());
    }

    /// Parses the record of `length` bytes and hands it on if it is wanted.
    fn parse(&mut self, length: usize) -> Option<RecordFault> {
        self.workspace.clear();
        self.workspace
            .extend_from_slice(&self.window.text()[..length]);
        self.workspace.resize(length + simd_json::INPUT_PADDING, 0);
        let json = &mut self.workspace[..];
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
        while self.window.text_from(begin).len() < STRETCH {
            if !self.window.read_more() {
                let has_rest = !self.window.text_from(begin).is_empty();
                if has_rest {
                    self.index.move_on(self.window.last_stretch_from(begin));
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
    #[inline]
    fn peek(&mut self) -> Result<Option<u8>, LogObjectError> {
        match self.window.text().first() {
            Some(byte) if !is_space(*byte) => Ok(Some(*byte)),
            _ => self.pass_spaces(),
        }
    }

    #[inline(never)]
    fn pass_spaces(&mut self) -> Result<Option<u8>, LogObjectError> {
        loop {
            let text = self.window.text();
            let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
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

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
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
