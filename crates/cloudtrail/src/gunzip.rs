//! Unpacks a log object, all gzip members, never beyond a limit.
//!
//! Whether an object is packed is decided by its first two bytes, not by its name: HTTP clients that honour
//! `Content-Encoding: gzip` hand over plain JSON under a name that ends in `.gz`.
//!
//! After a member another may follow (`cat a.gz b.gz`), or zero bytes (tape blocks), which are passed by as gzip does.
//! gzip also ignores anything else that follows, with a warning; here it is an error, told after everything before it
//! has been unpacked, so that nothing is lost and nothing is hidden.
//!
//! Text is handed out before its member's checksum is known, because a member may be larger than memory.
//! [`Gunzip::sound_bytes`] tells afterwards how much of it may be believed.
//!
//! The frame of a member (RFC 1952) is read here, and its checksum computed here, faster than by decoders. What is in it is
//! unpacked by fdeflate, which is a tenth faster on logs than flate2 with zlib-rs, needs no copy of the text it refers back
//! to, and has no unsafe code; tests hold it to flate2.

use std::io::{self, Read};

use crc_fast::{CrcAlgorithm, Digest};
use fdeflate::{DecompressionError, Decompressor};
use thiserror::Error;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The only method of compression that gzip knows.
const DEFLATE: u8 = 8;

// Bits of a header's flags: what follows the header.
const HAS_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// How much is read from the source at once: few calls, and small beside the unpacked text.
const PACKED_BYTES: usize = 64 * 1024;

/// How many consumed bytes are kept, so that they can be taken back.
const KEPT_BYTES: usize = 16;

/// How far back a member refers to its own text (RFC 1951, section 2): so much of it must stay before what is unpacked
/// next.
pub(crate) const HISTORY_BYTES: usize = 32 * 1024;

/// A member's checksum and length.
const TRAILER_BYTES: usize = 8;

/// Where the decoder takes its members to come from: zlib (RFC 1950), with such a header before them and a checksum of
/// another kind behind.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
const ZLIB_CHECKSUM_BYTES: usize = 4;

/// How many bytes the decoder may have taken beyond that checksum: the rest of a register.
const TAKEN_BEYOND_MAX: usize = 3;

/// Why a log object cannot be unpacked to its end. What was unpacked before is read all the same.
#[derive(Debug, Error)]
pub enum GunzipError {
    /// The source failed; the only one of these that a retry may mend.
    #[error("cannot be read beyond byte {at}")]
    Read {
        /// Offset in the object, in bytes.
        at: u64,
        /// The source's own words.
        #[source]
        source: io::Error,
    },
    /// The object ends in the middle of a gzip member.
    #[error("gzip data end too early, after {packed_bytes} bytes; fetch the object again")]
    Truncated {
        /// The object's length.
        packed_bytes: u64,
    },
    /// The object is damaged, or its checksum or length does not fit what was unpacked.
    #[error("gzip data are corrupt near byte {at} ({reason}); fetch the object again")]
    Corrupt {
        /// Offset in the object, in bytes, up to which it was understood.
        at: u64,
        /// The decoder's word for it.
        reason: String,
    },
    /// After the last gzip member comes something that is neither a member nor padding.
    #[error("gzip data end at byte {at} and something else follows")]
    TrailingGarbage {
        /// Offset in the object, in bytes.
        at: u64,
    },
    /// It unpacks to more than the limit.
    #[error("unpacks to more than {limit} bytes; raise the unpacked limit if it is genuine")]
    TooLarge {
        /// [`Limits::unpacked_bytes_max`](crate::Limits::unpacked_bytes_max).
        limit: u64,
    },
}

/// Unpacks what is in memory as a whole, if all of it can be believed.
///
/// # Errors
///
/// When it is damaged, cut short, or larger than the limit.
pub(crate) fn unpack(packed: &[u8], unpacked_bytes_max: u64) -> Result<Vec<u8>, GunzipError> {
    let mut block = Vec::new();
    let mut gunzip = Gunzip::new(packed, &mut block, unpacked_bytes_max);
    let mut text = vec![0; 2 * HISTORY_BYTES];
    let mut end = 0;
    loop {
        let filled = gunzip.fill(&mut text, end);
        end += filled;
        if end < text.len() {
            break;
        }
        text.resize(2 * text.len(), 0);
    }
    text.truncate(end);
    match gunzip.take_error() {
        Some(error) => Err(error),
        None => Ok(text),
    }
}

/// The unpacked text of one log object, from front to back.
pub(crate) struct Gunzip<'b, R> {
    packed: Packed<'b, R>,
    form: Form,
    unpacked_bytes: u64,
    unpacked_bytes_max: u64,
    soundness: Soundness,
}

/// How far the text may be believed.
#[derive(Clone, Copy)]
enum Soundness {
    /// As far as whole members reach whose checksums hold, in bytes: whether the rest is sound is not known yet, or it is
    /// known not to be.
    Proven(u64),
    /// Wholly: there is no checksum, or none that contradicts.
    NotDisproved,
}

/// What comes next in the object.
enum Form {
    /// Its first bytes, which decide.
    Start,
    Plain,
    /// A member's header.
    Header,
    Member(Box<Member>),
    /// A member's checksum and length.
    Trailer(Box<Sum>),
    BetweenMembers,
    End,
    Failed(GunzipError),
}

/// A member being unpacked.
struct Member {
    decoder: Decompressor,
    /// Of its text so far.
    sum: Sum,
}

/// What a member's trailer must say.
#[derive(Clone, Copy)]
struct Sum {
    checksum: Digest,
    length: u64,
}

impl<'b, R: Read> Gunzip<'b, R> {
    /// Unpacks `source`, whose bytes come through a block that may have served before.
    pub(crate) fn new(source: R, block: &'b mut Vec<u8>, unpacked_bytes_max: u64) -> Gunzip<'b, R> {
        Gunzip {
            packed: Packed::new(source, block),
            form: Form::Start,
            unpacked_bytes: 0,
            unpacked_bytes_max,
            soundness: Soundness::Proven(0),
        }
    }

    /// Up to which byte the text may be believed: what lies behind belongs to a member whose end has not been reached, or
    /// which is corrupt. Of a text that ends without an end of its member (cut short, too large) nothing is disproved.
    pub(crate) fn sound_bytes(&self) -> u64 {
        match self.soundness {
            Soundness::Proven(bytes) => bytes,
            Soundness::NotDisproved => u64::MAX,
        }
    }

    /// How many bytes have been unpacked.
    pub(crate) fn unpacked_bytes(&self) -> u64 {
        self.unpacked_bytes
    }

    /// Why it ended before its end; told once.
    pub(crate) fn take_error(&mut self) -> Option<GunzipError> {
        match std::mem::replace(&mut self.form, Form::End) {
            Form::Failed(error) => Some(error),
            form => {
                self.form = form;
                None
            }
        }
    }

    /// Fills `text` behind its first `begin` bytes as far as there is text and gives how many bytes; fewer than fit only at
    /// the end or before an error, which [`take_error`](Self::take_error) tells apart. Before `begin` must stand what was
    /// unpacked last, [`HISTORY_BYTES`] of it if there was so much.
    pub(crate) fn fill(&mut self, text: &mut [u8], begin: usize) -> usize {
        let allowed = self.unpacked_bytes_max - self.unpacked_bytes;
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        let end = text.len().min(begin.saturating_add(allowed));
        let mut filled = self.fill_up_to(&mut text[..end], begin);
        if begin + filled == end && end < text.len() && self.fill_up_to(&mut text[..=end], end) > 0
        {
            self.fail(GunzipError::TooLarge {
                limit: self.unpacked_bytes_max,
            });
            self.unpacked_bytes = self.unpacked_bytes_max;
            filled = end - begin;
        }
        filled
    }

    fn fail(&mut self, error: GunzipError) {
        if !matches!(error, GunzipError::Corrupt { .. }) {
            self.soundness = Soundness::NotDisproved;
        }
        self.form = Form::Failed(error);
    }

    fn fill_up_to(&mut self, text: &mut [u8], begin: usize) -> usize {
        let mut end = begin;
        while end < text.len() {
            match self.step(text, end) {
                Ok(Some(bytes)) => {
                    end += bytes;
                    self.unpacked_bytes += bytes as u64;
                }
                Ok(None) => break,
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
        end - begin
    }

    /// One step on the way, which may unpack some text behind the first `begin` bytes; `None` at the end.
    fn step(&mut self, text: &mut [u8], begin: usize) -> Result<Option<usize>, GunzipError> {
        match &mut self.form {
            Form::Start => {
                self.form = if self.packed.at_least(MAGIC.len())?.starts_with(&MAGIC) {
                    Form::Header
                } else {
                    self.soundness = Soundness::NotDisproved;
                    Form::Plain
                };
                Ok(Some(0))
            }
            Form::Plain => match self.packed.read_through(&mut text[begin..])? {
                0 => Ok(None),
                bytes => Ok(Some(bytes)),
            },
            Form::Header => {
                pass_header(&mut self.packed)?;
                self.form = Form::Member(Box::new(Member::new()?));
                Ok(Some(0))
            }
            Form::Member(member) => {
                let bytes = member.unpack(&mut self.packed, text, begin)?;
                if member.decoder.is_done() {
                    self.form = Form::Trailer(Box::new(member.sum));
                }
                Ok(Some(bytes))
            }
            Form::Trailer(sum) => {
                pass_trailer(sum, &mut self.packed)?;
                self.soundness = Soundness::Proven(self.unpacked_bytes);
                self.form = Form::BetweenMembers;
                Ok(Some(0))
            }
            Form::BetweenMembers => {
                self.form = after_member(&mut self.packed)?;
                Ok(Some(0))
            }
            Form::End | Form::Failed(_) => Ok(None),
        }
    }
}

impl Member {
    fn new() -> Result<Member, GunzipError> {
        let mut decoder = Decompressor::new();
        decoder.ignore_adler32();
        decoder
            .read(&ZLIB_HEADER, &mut [], 0, false)
            .map_err(|error| corrupt(0, &describe(&error)))?;
        Ok(Member {
            decoder,
            sum: Sum::new(),
        })
    }

    /// Unpacks some of the member behind the first `begin` bytes, and gives how many bytes. Corrupt data cost what would
    /// have come out of the block of packed bytes in which they are, as far as there is room for it in `text`.
    fn unpack<R: Read>(
        &mut self,
        packed: &mut Packed<'_, R>,
        text: &mut [u8],
        begin: usize,
    ) -> Result<usize, GunzipError> {
        // What lies before the member it must not refer to.
        let history = usize::try_from(self.sum.length).map_or(begin, |length| length.min(begin));
        let window = &mut text[begin - history..];
        loop {
            let source_has_more = packed.refill()?;
            let (read, written) = self
                .decoder
                .read(packed.bytes(), window, history, false)
                .map_err(|error| corrupt(packed.offset(), &describe(&error)))?;
            packed.consume(read);
            if written > 0 || self.decoder.is_done() {
                self.sum.add(&window[history..history + written]);
                return Ok(written);
            }
            if read == 0 && source_has_more {
                return Err(corrupt(packed.offset(), "the decoder is stuck"));
            }
            if !source_has_more {
                return Err(packed.ends_early());
            }
        }
    }
}

impl Sum {
    fn new() -> Sum {
        Sum {
            checksum: Digest::new(CrcAlgorithm::Crc32IsoHdlc),
            length: 0,
        }
    }

    fn add(&mut self, text: &[u8]) {
        self.checksum.update(text);
        self.length += text.len() as u64;
    }

    /// The checksum, and the length modulo 2^32.
    fn trailer(&self) -> [u8; TRAILER_BYTES] {
        let mut trailer = [0; TRAILER_BYTES];
        trailer[..4].copy_from_slice(&self.checksum.finalize().to_le_bytes()[..4]);
        trailer[4..].copy_from_slice(&self.length.to_le_bytes()[..4]);
        trailer
    }
}

/// Passes by a member's trailer, which must say what was unpacked. Its place must be looked for: the decoder has taken some
/// bytes more than it needed, and does not say how many.
fn pass_trailer<R: Read>(sum: &Sum, packed: &mut Packed<'_, R>) -> Result<(), GunzipError> {
    const TAKEN_MAX: usize = ZLIB_CHECKSUM_BYTES + TAKEN_BEYOND_MAX;
    let trailer = sum.trailer();
    packed.step_back(TAKEN_MAX);
    let near = packed.at_least(TAKEN_BEYOND_MAX + TRAILER_BYTES)?;
    let mut trailers = near.windows(TRAILER_BYTES).take(TAKEN_BEYOND_MAX + 1);
    if let Some(place) = trailers.clone().position(|at| at == trailer) {
        packed.consume(place + TRAILER_BYTES);
        return Ok(());
    }
    // Behind what the decoder has taken, something of a whole trailer is left.
    if near.len() <= TAKEN_MAX {
        return Err(packed.ends_early());
    }
    let reason = if trailers.any(|at| at.starts_with(&trailer[..4])) {
        "the length differs"
    } else {
        "the checksum differs"
    };
    Err(corrupt(packed.offset() + TAKEN_MAX as u64, reason))
}

fn describe(error: &DecompressionError) -> String {
    format!("{error:?}")
}

/// Passes by a member's header: the magic, the method, the flags, a time, two hints, and what the flags announce. The
/// header's own checksum is not checked: nothing of the header is used.
fn pass_header<R: Read>(packed: &mut Packed<'_, R>) -> Result<(), GunzipError> {
    let [_, _, method, flags] = packed.next_bytes()?;
    if method != DEFLATE || flags & RESERVED != 0 {
        return Err(corrupt(packed.offset(), "not a gzip header"));
    }
    let _time_and_hints: [u8; 6] = packed.next_bytes()?;
    if flags & HAS_EXTRA != 0 {
        for _ in 0..u16::from_le_bytes(packed.next_bytes()?) {
            packed.next_byte()?;
        }
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        while flags & text != 0 && packed.next_byte()? != 0 {}
    }
    if flags & HAS_CHECKSUM != 0 {
        let _checksum: [u8; 2] = packed.next_bytes()?;
    }
    Ok(())
}

fn corrupt(at: u64, reason: &str) -> GunzipError {
    GunzipError::Corrupt {
        at,
        reason: reason.to_owned(),
    }
}

/// Passes by padding, and tells what follows it.
fn after_member<R: Read>(packed: &mut Packed<'_, R>) -> Result<Form, GunzipError> {
    loop {
        let bytes = packed.at_least(MAGIC.len())?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes {
            [] => return Ok(Form::End),
            _ if zeros > 0 => packed.consume(zeros),
            _ if bytes.starts_with(&MAGIC) => return Ok(Form::Header),
            _ => {
                return Err(GunzipError::TrailingGarbage {
                    at: packed.offset(),
                });
            }
        }
    }
}

/// The object as it lies in the store, a block at a time. Blocks are full but for the last, so that what corrupt data cost
/// does not depend on how the object came.
struct Packed<'b, R> {
    source: R,
    /// Some bytes that have been consumed, and those at hand.
    block: &'b mut [u8],
    begin: usize,
    end: usize,
    /// Offset of `begin` in the object.
    offset: u64,
    ended: bool,
    /// The source failed behind the bytes at hand.
    failure: Option<io::Error>,
}

impl<'b, R: Read> Packed<'b, R> {
    fn new(source: R, block: &'b mut Vec<u8>) -> Packed<'b, R> {
        block.resize(KEPT_BYTES + PACKED_BYTES, 0);
        Packed {
            source,
            block,
            begin: 0,
            end: 0,
            offset: 0,
            ended: false,
            failure: None,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.block[self.begin..self.end]
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn consume(&mut self, bytes: usize) {
        self.begin += bytes;
        self.offset += bytes as u64;
    }

    /// Takes back so many bytes that were consumed, [`KEPT_BYTES`] at the most.
    fn step_back(&mut self, bytes: usize) {
        self.begin -= bytes;
        self.offset -= bytes as u64;
    }

    /// That the object ends within a member.
    fn ends_early(&self) -> GunzipError {
        GunzipError::Truncated {
            packed_bytes: self.offset + self.bytes().len() as u64,
        }
    }

    /// The next byte, where there must be one.
    fn next_byte(&mut self) -> Result<u8, GunzipError> {
        if !self.refill()? {
            return Err(self.ends_early());
        }
        let byte = self.block[self.begin];
        self.consume(1);
        Ok(byte)
    }

    fn next_bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], GunzipError> {
        let mut bytes = [0; COUNT];
        for byte in &mut bytes {
            *byte = self.next_byte()?;
        }
        Ok(bytes)
    }

    /// Reads a block if none is left; false when there is nothing left in the source.
    fn refill(&mut self) -> Result<bool, GunzipError> {
        Ok(!self.at_least(1)?.is_empty())
    }

    /// The bytes at hand, so many at least unless the object ends before.
    fn at_least(&mut self, bytes: usize) -> Result<&[u8], GunzipError> {
        if self.end - self.begin < bytes && !self.ended {
            let kept = self.begin.saturating_sub(KEPT_BYTES);
            self.block.copy_within(kept..self.end, 0);
            (self.begin, self.end) = (self.begin - kept, self.end - kept);
            self.read_more()?;
        }
        Ok(self.bytes())
    }

    /// Gives the bytes as they are.
    fn read_through(&mut self, text: &mut [u8]) -> Result<usize, GunzipError> {
        let at_hand = self.at_least(1)?;
        let bytes = at_hand.len().min(text.len());
        text[..bytes].copy_from_slice(&at_hand[..bytes]);
        self.consume(bytes);
        Ok(bytes)
    }

    /// Fills the block. What comes before a failure counts, and the failure is told when it is needed.
    fn read_more(&mut self) -> Result<(), GunzipError> {
        let begin = self.end;
        while self.end < self.block.len() && !self.ended && self.failure.is_none() {
            match read_uninterrupted(&mut self.source, &mut self.block[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(bytes) => self.end += bytes,
                Err(failure) => self.failure = Some(failure),
            }
        }
        match self.failure.take_if(|_| self.end == begin) {
            Some(source) => Err(GunzipError::Read {
                at: self.offset + self.bytes().len() as u64,
                source,
            }),
            None => Ok(()),
        }
    }
}

fn read_uninterrupted(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
