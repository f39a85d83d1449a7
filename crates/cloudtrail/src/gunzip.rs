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
//! The frame of a member (RFC 1952) is read here, and its checksum computed here, faster than by the decoder.

use std::io::{self, Read};

use crc_fast::{CrcAlgorithm, Digest};
use flate2::{Decompress, FlushDecompress, Status};
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

/// The unpacked text of one log object, from front to back.
pub(crate) struct Gunzip<R> {
    packed: Packed<R>,
    form: Form,
    decoder: Decompress,
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
    Member(Sum),
    /// A member's checksum and length.
    Trailer(Sum),
    BetweenMembers,
    End,
    Failed(GunzipError),
}

/// What a member's trailer must say.
#[derive(Clone, Copy)]
struct Sum {
    checksum: Digest,
    /// Modulo 2^32.
    length: u32,
}

impl<R: Read> Gunzip<R> {
    pub(crate) fn new(source: R, unpacked_bytes_max: u64) -> Gunzip<R> {
        Gunzip {
            packed: Packed::new(source),
            form: Form::Start,
            decoder: Decompress::new(false),
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

    /// Fills `text` as far as there is text and gives how many bytes; fewer than fit only at the end or before an
    /// error, which [`take_error`](Self::take_error) tells apart.
    pub(crate) fn fill(&mut self, text: &mut [u8]) -> usize {
        let allowed = self.unpacked_bytes_max - self.unpacked_bytes;
        let room = usize::try_from(allowed).map_or(text.len(), |allowed| allowed.min(text.len()));
        let mut filled = self.fill_up_to(&mut text[..room]);
        if filled == room && room < text.len() && self.fill_up_to(&mut text[room..=room]) > 0 {
            self.fail(GunzipError::TooLarge {
                limit: self.unpacked_bytes_max,
            });
            self.unpacked_bytes = self.unpacked_bytes_max;
            filled = room;
        }
        filled
    }

    fn fail(&mut self, error: GunzipError) {
        if !matches!(error, GunzipError::Corrupt { .. }) {
            self.soundness = Soundness::NotDisproved;
        }
        self.form = Form::Failed(error);
    }

    fn fill_up_to(&mut self, text: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < text.len() {
            let (bytes, ends) = match self.step(&mut text[filled..]) {
                Ok(Some(bytes)) => (bytes, false),
                Ok(None) => (0, true),
                Err((bytes, error)) => {
                    self.fail(error);
                    (bytes, true)
                }
            };
            filled += bytes;
            self.unpacked_bytes += bytes as u64;
            if ends {
                break;
            }
        }
        filled
    }

    /// One step on the way; `None` at the end. An error comes with the bytes that were unpacked before it.
    fn step(&mut self, text: &mut [u8]) -> Result<Option<usize>, (usize, GunzipError)> {
        match &mut self.form {
            Form::Start => {
                let packed = self.packed.at_least_two().map_err(|error| (0, error))?;
                self.form = if packed.starts_with(&MAGIC) {
                    Form::Header
                } else {
                    self.soundness = Soundness::NotDisproved;
                    Form::Plain
                };
                Ok(Some(0))
            }
            Form::Plain => match self.packed.read_through(text) {
                Ok(0) => Ok(None),
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) => Err((0, error)),
            },
            Form::Header => {
                pass_header(&mut self.packed).map_err(|error| (0, error))?;
                self.decoder.reset(false);
                self.form = Form::Member(Sum::new());
                Ok(Some(0))
            }
            Form::Member(sum) => {
                let (bytes, ended) = inflate(&mut self.decoder, &mut self.packed, text)?;
                sum.add(&text[..bytes]);
                if ended {
                    self.form = Form::Trailer(*sum);
                }
                Ok(Some(bytes))
            }
            Form::Trailer(sum) => {
                sum.check(&mut self.packed).map_err(|error| (0, error))?;
                self.soundness = Soundness::Proven(self.unpacked_bytes);
                self.form = Form::BetweenMembers;
                Ok(Some(0))
            }
            Form::BetweenMembers => {
                self.form = after_member(&mut self.packed).map_err(|error| (0, error))?;
                Ok(Some(0))
            }
            Form::End | Form::Failed(_) => Ok(None),
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
        #[expect(clippy::cast_possible_truncation, reason = "gzip counts modulo 2^32")]
        let length = text.len() as u32;
        self.length = self.length.wrapping_add(length);
    }

    fn check<R: Read>(&self, packed: &mut Packed<R>) -> Result<(), GunzipError> {
        let checksum = u32::from_le_bytes(packed.next_bytes()?);
        let length = u32::from_le_bytes(packed.next_bytes()?);
        if u64::from(checksum) != self.checksum.finalize() {
            return Err(corrupt(packed.offset(), "the checksum differs"));
        }
        if length != self.length {
            return Err(corrupt(packed.offset(), "the length differs"));
        }
        Ok(())
    }
}

/// Passes by a member's header: the magic, the method, the flags, a time, two hints, and what the flags announce. The
/// header's own checksum is not checked: nothing of the header is used.
fn pass_header<R: Read>(packed: &mut Packed<R>) -> Result<(), GunzipError> {
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

/// Unpacks some of a member, and tells whether that was its end.
fn inflate<R: Read>(
    decoder: &mut Decompress,
    packed: &mut Packed<R>,
    text: &mut [u8],
) -> Result<(usize, bool), (usize, GunzipError)> {
    loop {
        let source_has_more = packed.refill().map_err(|error| (0, error))?;
        let (read_before, written_before) = (decoder.total_in(), decoder.total_out());
        let outcome = decoder.decompress(packed.bytes(), text, FlushDecompress::None);
        let read = as_usize(decoder.total_in() - read_before);
        packed.consume(read);
        let written = as_usize(decoder.total_out() - written_before);
        match outcome {
            Ok(Status::StreamEnd) => return Ok((written, true)),
            Ok(_) if written > 0 => return Ok((written, false)),
            Ok(_) if read > 0 => {}
            Ok(_) if !source_has_more => {
                return Err((
                    0,
                    GunzipError::Truncated {
                        packed_bytes: packed.offset(),
                    },
                ));
            }
            Ok(_) => return Err((0, corrupt(packed.offset(), "the decoder is stuck"))),
            Err(error) => {
                let reason = error.message().unwrap_or("invalid deflate data");
                return Err((written, corrupt(packed.offset(), reason)));
            }
        }
    }
}

fn corrupt(at: u64, reason: &str) -> GunzipError {
    GunzipError::Corrupt {
        at,
        reason: reason.to_owned(),
    }
}

/// Passes by padding, and tells what follows it.
fn after_member<R: Read>(packed: &mut Packed<R>) -> Result<Form, GunzipError> {
    loop {
        let bytes = packed.at_least_two()?;
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

fn as_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The object as it lies in the store, a block at a time.
struct Packed<R> {
    source: R,
    block: Box<[u8]>,
    begin: usize,
    end: usize,
    /// Offset of `begin` in the object.
    offset: u64,
    ended: bool,
}

impl<R: Read> Packed<R> {
    fn new(source: R) -> Packed<R> {
        let block = vec![0; PACKED_BYTES].into_boxed_slice();
        Packed {
            source,
            block,
            begin: 0,
            end: 0,
            offset: 0,
            ended: false,
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

    /// The next byte, where there must be one.
    fn next_byte(&mut self) -> Result<u8, GunzipError> {
        if !self.refill()? {
            return Err(GunzipError::Truncated {
                packed_bytes: self.offset,
            });
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
        if self.begin == self.end && !self.ended {
            (self.begin, self.end) = (0, 0);
            self.read_more()?;
        }
        Ok(self.begin < self.end)
    }

    /// The bytes at hand, two at least unless the object ends before.
    fn at_least_two(&mut self) -> Result<&[u8], GunzipError> {
        while self.end - self.begin < 2 && !self.ended {
            self.block.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
            self.read_more()?;
        }
        Ok(self.bytes())
    }

    /// Gives the bytes as they are, those at hand first, then straight from the source.
    fn read_through(&mut self, text: &mut [u8]) -> Result<usize, GunzipError> {
        let at_hand = self.bytes().len().min(text.len());
        if at_hand > 0 {
            text[..at_hand].copy_from_slice(&self.bytes()[..at_hand]);
            self.consume(at_hand);
            return Ok(at_hand);
        }
        let bytes =
            read_uninterrupted(&mut self.source, text).map_err(|source| GunzipError::Read {
                at: self.offset,
                source,
            })?;
        self.offset += bytes as u64;
        Ok(bytes)
    }

    fn read_more(&mut self) -> Result<(), GunzipError> {
        let at = self.offset + (self.end - self.begin) as u64;
        let bytes = read_uninterrupted(&mut self.source, &mut self.block[self.end..])
            .map_err(|source| GunzipError::Read { at, source })?;
        self.end += bytes;
        self.ended = bytes == 0;
        Ok(())
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
