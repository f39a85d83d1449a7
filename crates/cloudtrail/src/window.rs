//! The stretch of a log object's unpacked text that is in memory.
//!
//! Text is read into one buffer, front to back. What is dropped at its front makes room at its end; what must be kept
//! (the record that is being scanned, and what unpacking refers back to) is moved to the front when the end is reached. The
//! buffer grows only when that record fills half of it.

use std::io::Read;

use crate::gunzip::{Gunzip, GunzipError, HISTORY_BYTES};
use crate::scan::STRETCH;

/// Room behind the text, for the scanner's last stretch.
const PADDING: usize = STRETCH;

pub(crate) struct Window<'b, R> {
    source: Gunzip<'b, R>,
    /// The text in its middle, and [`PADDING`] behind it at least.
    buffer: &'b mut Vec<u8>,
    /// Is shown all text once, in order, before anybody can change it.
    on_text: &'b mut dyn FnMut(&[u8]),
    begin: usize,
    end: usize,
    /// How much text lies before `begin`, in bytes.
    offset: u64,
    ended: bool,
}

impl<'b, R: Read> Window<'b, R> {
    /// A window of `bytes` over the text of `source`, in a buffer that may have served before: then, too, it begins no larger,
    /// because what comes out before a corrupt place depends on the room there is.
    pub(crate) fn new(
        source: Gunzip<'b, R>,
        buffer: &'b mut Vec<u8>,
        bytes: usize,
        on_text: &'b mut dyn FnMut(&[u8]),
    ) -> Window<'b, R> {
        buffer.resize(HISTORY_BYTES + bytes.max(STRETCH) + PADDING, 0);
        Window {
            source,
            buffer,
            on_text,
            begin: HISTORY_BYTES,
            end: HISTORY_BYTES,
            offset: 0,
            ended: false,
        }
    }

    /// The text at hand.
    pub(crate) fn text(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }

    /// The text at hand behind `place` in the whole text; nothing if it does not reach there.
    pub(crate) fn text_from(&self, place: u64) -> &[u8] {
        self.text().get(self.distance(place)..).unwrap_or_default()
    }

    /// The last text behind `place`, less than a stretch, filled up with spaces.
    pub(crate) fn last_stretch_from(&mut self, place: u64) -> &[u8] {
        let begin = self.begin + self.distance(place);
        let end = begin + STRETCH;
        self.buffer[self.end..end].fill(b' ');
        &self.buffer[begin..end]
    }

    /// How far behind the beginning of the text at hand `place` in the whole text is, in bytes.
    pub(crate) fn distance(&self, place: u64) -> usize {
        usize::try_from(place - self.offset).unwrap_or(usize::MAX)
    }

    /// Where the text at hand begins in the whole text, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes have been unpacked.
    pub(crate) fn unpacked_bytes(&self) -> u64 {
        self.source.unpacked_bytes()
    }

    /// Up to which byte the text may be believed, as far as is known by now.
    pub(crate) fn sound_bytes(&self) -> u64 {
        self.source.sound_bytes()
    }

    /// Passes by all the text that is left, and so learns how far the text may be believed.
    pub(crate) fn drop_all(&mut self) {
        loop {
            self.drop_front(self.text().len());
            if !self.read_more() {
                return;
            }
        }
    }

    /// Why the text ended before its end; told once.
    pub(crate) fn take_error(&mut self) -> Option<GunzipError> {
        self.source.take_error()
    }

    /// Lets go of the first `bytes` of the text.
    pub(crate) fn drop_front(&mut self, bytes: usize) {
        self.begin += bytes;
        self.offset += bytes as u64;
    }

    /// Reads more text behind the text at hand; false when there is no more.
    pub(crate) fn read_more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.make_room();
        let capacity = self.buffer.len() - PADDING;
        let begin = self.end;
        let read = self.source.fill(&mut self.buffer[..capacity], begin);
        self.end += read;
        (self.on_text)(&self.buffer[begin..self.end]);
        self.ended = self.end < capacity;
        read > 0
    }

    fn make_room(&mut self) {
        let kept = self.begin.min(self.end - HISTORY_BYTES);
        self.buffer.copy_within(kept..self.end, 0);
        (self.begin, self.end) = (self.begin - kept, self.end - kept);
        let capacity = self.buffer.len() - PADDING;
        let room = capacity - HISTORY_BYTES;
        if self.end - HISTORY_BYTES > room / 2 {
            self.buffer.resize(capacity + room + PADDING, 0);
        }
    }
}
