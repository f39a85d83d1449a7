//! Finds where a JSON value ends, and where a record's own `eventSource` and `responseElements` stand, without
//! parsing it.
//!
//! BE ADVISED: this is the innermost loop of the program; every byte of every log object goes through it, and all but
//! a few in a hundred records go no further. It looks at 64 bytes at a time, each kind of character as one bit in a
//! word (a *mask*), as simdjson does (Langdale and Lemire, "Parsing Gigabytes of JSON per Second"):
//!
//! - a quote that is not escaped opens or closes a string; the exclusive or of all quotes up to a place tells
//!   whether it lies inside a string, and brackets and colons inside strings do not count;
//! - depth is counted by popcount: only a block with enough closing brackets to come back to depth 0 is looked at
//!   bracket by bracket;
//! - a member is recognised by the distances between two quotes and a colon, then by its text, then by its depth.
//!
//! Two promises, held by the tests against a parser: the end is exact for every valid JSON value, and the sightings
//! miss nothing that is spelled plainly (`"eventSource":`). What is spelled otherwise, with `\u` escapes or a space
//! before the colon, is not looked for, but [`is_spelled_oddly`](ElementScan::is_spelled_oddly) says that it may be
//! there. Brackets are not matched by kind: `{]` ends, and is for the caller to refuse.

use memchr::memmem;

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "a function that needs AVX2 is called after asking the processor for it"
)]
mod avx2;
mod portable;

/// How many bytes are looked at at once: one bit each in a `u64`.
pub(crate) const BLOCK: usize = 64;

const EVENT_SOURCE: &[u8] = b"\"eventSource\"";
const RESPONSE_ELEMENTS: &[u8] = b"\"responseElements\"";

/// Scans with the best instructions that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scanner {
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Portable,
}

impl Scanner {
    /// The fastest one here.
    pub(crate) fn detect() -> Scanner {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = avx2::Avx2::detect() {
            return Scanner::Avx2(avx2);
        }
        Scanner::Portable
    }

    /// Scans on in `text`, which begins where the value begins (or where [`ElementScan::forget`] cut it off), block by
    /// block as long as blocks are full. Gives where the value ends, exclusive, or `None` when more text is needed: at
    /// the end of all text a block of spaces.
    pub(crate) fn advance(self, scan: &mut ElementScan, text: &[u8]) -> Option<usize> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx2(avx2) => avx2.advance(scan, text),
            Scanner::Portable => portable::advance(scan, text),
        }
    }
}

/// One value that is being scanned: what must be known from one block to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElementScan {
    /// How much of the text is behind us.
    scanned: usize,
    /// How many brackets are open.
    depth: u64,
    depth_max: u64,
    /// All ones inside a string.
    in_string: u64,
    /// 1 where the next byte is escaped.
    escape: u64,
    /// The quotes of the block before.
    quotes_before: u64,
    /// All backslashes and all colons that do not follow a quote, of all blocks, one upon the other.
    backslashes: u64,
    spaced_colons: u64,
    is_too_deep: bool,
    event_source: Sighting,
    response_elements: Sighting,
}

/// Where the value of one of a record's own members begins: the place after the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sighting {
    Unseen,
    At(usize),
    /// Duplicate members: the parser must say which one counts.
    Repeated,
}

/// The characters of one block that matter; bit 0 is the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masks {
    quotes: u64,
    backslashes: u64,
    /// `{` and `[`.
    openings: u64,
    /// `}` and `]`.
    closings: u64,
    colons: u64,
}

impl ElementScan {
    /// A scan that stands before a value; a value nested deeper than `depth_max` is marked.
    pub(crate) fn new(depth_max: u32) -> ElementScan {
        ElementScan {
            scanned: 0,
            depth: 0,
            depth_max: u64::from(depth_max),
            in_string: 0,
            escape: 0,
            quotes_before: 0,
            backslashes: 0,
            spaced_colons: 0,
            is_too_deep: false,
            event_source: Sighting::Unseen,
            response_elements: Sighting::Unseen,
        }
    }

    /// Whether the value nests deeper than allowed.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// The value of the record's own `eventSource`.
    pub(crate) fn event_source(&self) -> Sighting {
        self.event_source
    }

    /// The value of the record's own `responseElements`.
    pub(crate) fn response_elements(&self) -> Sighting {
        self.response_elements
    }

    /// Whether names or values of `record`, the whole value that was scanned, may be spelled so that they cannot be
    /// recognised by their bytes: letters, digits and dots as `\u0073`, or a colon apart from its name.
    pub(crate) fn is_spelled_oddly(&self, record: &[u8]) -> bool {
        self.spaced_colons != 0 || (self.backslashes != 0 && escapes_plain_characters(record))
    }

    /// How much of the text at hand is scanned.
    pub(crate) fn scanned(&self) -> usize {
        self.scanned
    }

    /// What is scanned need not be kept. Gives how many bytes of the text may go; what was sighted is lost.
    pub(crate) fn forget(&mut self) -> usize {
        std::mem::take(&mut self.scanned)
    }

    /// The loop, to be compiled once for each set of instructions.
    #[inline(always)]
    fn advance_by(
        &mut self,
        text: &[u8],
        masks_of: impl Fn(&[u8; BLOCK]) -> Masks,
        prefix_xor: impl Fn(u64) -> u64,
    ) -> Option<usize> {
        let mut state = self.clone();
        while let Some(block) = text
            .get(state.scanned..)
            .and_then(|rest| rest.first_chunk())
        {
            let masks = masks_of(block);
            if let Some(end) = state.step(text, masks, &prefix_xor) {
                *self = state;
                return Some(end);
            }
        }
        *self = state;
        None
    }

    #[inline(always)]
    fn step(
        &mut self,
        text: &[u8],
        masks: Masks,
        prefix_xor: &impl Fn(u64) -> u64,
    ) -> Option<usize> {
        let quotes = masks.quotes & !self.escaped(masks.backslashes);
        let strings = prefix_xor(quotes) ^ self.in_string;
        self.in_string = ((strings as i64) >> 63) as u64;
        let openings = masks.openings & !strings;
        let closings = masks.closings & !strings;
        let colons = masks.colons & !strings;
        let names = self.names(quotes, colons);

        let closed = u64::from(closings.count_ones());
        let opened = u64::from(openings.count_ones());
        if closed >= self.depth
            && let Some(last) = self.closing_that_ends(openings, closings)
        {
            let inside = last | (last - 1);
            self.look_at_names(text, names & inside, openings, closings);
            self.limit_depth(openings & inside, closings & inside);
            self.depth = 0;
            return Some(self.scanned + last.trailing_zeros() as usize + 1);
        }
        self.look_at_names(text, names, openings, closings);
        self.limit_depth(openings, closings);
        self.depth = self.depth + opened - closed;
        self.scanned += BLOCK;
        None
    }

    /// The bytes of this block that a backslash escapes, at any length of a run of backslashes.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        if backslashes == 0 {
            return std::mem::take(&mut self.escape);
        }
        self.backslashes |= backslashes;
        let starts = backslashes & !self.escape;
        let codes = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
        let escaped = codes ^ (backslashes | self.escape);
        self.escape = (codes & backslashes) >> 63;
        escaped
    }

    /// The colons behind names that are as long as the two that are looked for.
    #[inline(always)]
    fn names(&mut self, quotes: u64, colons: u64) -> u64 {
        let before = std::mem::replace(&mut self.quotes_before, quotes);
        let quote_at = |distance: usize| (quotes << distance) | (before >> (BLOCK - distance));
        let named = colons & quote_at(1);
        self.spaced_colons |= colons ^ named;
        named & (quote_at(EVENT_SOURCE.len()) | quote_at(RESPONSE_ELEMENTS.len()))
    }

    #[inline(always)]
    fn look_at_names(&mut self, text: &[u8], mut names: u64, openings: u64, closings: u64) {
        while names != 0 {
            let before = (names & names.wrapping_neg()) - 1;
            let opened = u64::from((openings & before).count_ones());
            let closed = u64::from((closings & before).count_ones());
            if self.depth + opened - closed == 1 {
                self.look_at_name(text, self.scanned + names.trailing_zeros() as usize);
            }
            names &= names - 1;
        }
    }

    /// Looks at the name of a member of the record itself.
    #[inline(never)]
    fn look_at_name(&mut self, text: &[u8], colon: usize) {
        let behind = text.get(..colon).unwrap_or_default();
        if behind.ends_with(EVENT_SOURCE) {
            self.event_source.sight(colon + 1);
        } else if behind.ends_with(RESPONSE_ELEMENTS) {
            self.response_elements.sight(colon + 1);
        }
    }

    /// The closing bracket that brings the depth to 0, as a mask of one bit.
    #[inline(always)]
    fn closing_that_ends(&self, openings: u64, closings: u64) -> Option<u64> {
        let mut rest = closings;
        let mut closed = 0;
        while rest != 0 {
            let closing = rest & rest.wrapping_neg();
            closed += 1;
            if self.depth + u64::from((openings & (closing - 1)).count_ones()) <= closed {
                return Some(closing);
            }
            rest &= rest - 1;
        }
        None
    }

    #[inline(always)]
    fn limit_depth(&mut self, openings: u64, closings: u64) {
        if self.depth + u64::from(openings.count_ones()) > self.depth_max && !self.is_too_deep {
            self.is_too_deep = self.deepest(openings, closings) > self.depth_max;
        }
    }

    #[cold]
    fn deepest(&self, mut openings: u64, closings: u64) -> u64 {
        let (mut opened, mut deepest) = (0, self.depth);
        while openings != 0 {
            let opening = openings & openings.wrapping_neg();
            opened += 1;
            let closed = u64::from((closings & (opening - 1)).count_ones());
            deepest = deepest.max(self.depth + opened - closed);
            openings &= openings - 1;
        }
        deepest
    }
}

impl Sighting {
    fn sight(&mut self, at: usize) {
        *self = match self {
            Sighting::Unseen => Sighting::At(at),
            Sighting::At(_) | Sighting::Repeated => Sighting::Repeated,
        };
    }
}

/// Whether `json` spells a letter, digit or dot as an escape. Only `\u00XX` can: the short escapes stand for control
/// characters, quotes, slashes and backslashes.
fn escapes_plain_characters(json: &[u8]) -> bool {
    const ESCAPE: &[u8] = b"\\u00";
    memmem::find_iter(json, ESCAPE)
        .any(|at| matches!(json.get(at + ESCAPE.len()), Some(b'2'..=b'7')))
}

#[cfg(test)]
mod tests;
