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

const EVENT_SOURCE: &[u8; 13] = b"\"eventSource\"";
const RESPONSE_ELEMENTS: &[u8; 18] = b"\"responseElements\"";

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

/// One value that is being scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElementScan {
    carry: Carry,
    seen: Seen,
    depth_max: u64,
}

/// What changes with every block: apart from the rest, and little, so that the loop keeps it in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Carry {
    /// How much of the text is behind us.
    scanned: usize,
    /// How many brackets are open.
    depth: u64,
    /// All ones inside a string.
    in_string: u64,
    /// 1 where the next byte is escaped.
    escape: u64,
    /// What the block before is to the next one: its last byte a quote; strings begin so many bytes before the border as
    /// the two names are long. (One word, shifted across the border, would take an instruction that is slow on some
    /// processors.)
    quote: u64,
    begin: u64,
    longer_begin: u64,
}

/// What was met on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    is_too_deep: bool,
    has_backslashes: bool,
    /// Whether a colon does not follow a quote.
    has_lone_colons: bool,
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
        let seen = Seen {
            is_too_deep: false,
            has_backslashes: false,
            has_lone_colons: false,
            event_source: Sighting::Unseen,
            response_elements: Sighting::Unseen,
        };
        ElementScan {
            carry: Carry::default(),
            seen,
            depth_max: u64::from(depth_max),
        }
    }

    /// Whether the value nests deeper than allowed.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.seen.is_too_deep
    }

    /// The value of the record's own `eventSource`.
    pub(crate) fn event_source(&self) -> Sighting {
        self.seen.event_source
    }

    /// The value of the record's own `responseElements`.
    pub(crate) fn response_elements(&self) -> Sighting {
        self.seen.response_elements
    }

    /// Whether names or values of `record`, the whole value that was scanned, may be spelled so that they cannot be
    /// recognised by their bytes: letters, digits and dots as `\u0073`, or a colon apart from its name.
    pub(crate) fn is_spelled_oddly(&self, record: &[u8]) -> bool {
        self.seen.has_lone_colons || (self.seen.has_backslashes && escapes_plain_characters(record))
    }

    /// How much of the text at hand is scanned.
    pub(crate) fn scanned(&self) -> usize {
        self.carry.scanned
    }

    /// What is scanned need not be kept. Gives how many bytes of the text may go; what was sighted is lost.
    pub(crate) fn forget(&mut self) -> usize {
        std::mem::take(&mut self.carry.scanned)
    }

    /// The loop, to be compiled once for each set of instructions. What the processor cannot foretell happens a few
    /// times in a record, not in every block.
    #[inline(always)]
    fn advance_by(
        &mut self,
        text: &[u8],
        masks_of: impl Fn(&[u8; BLOCK]) -> Masks,
        prefix_xor: impl Fn(u64) -> u64,
    ) -> Option<usize> {
        let mut carry = self.carry;
        let (blocks, _) = text.get(carry.scanned..)?.as_chunks();
        for block in blocks {
            let mut masks = masks_of(block);
            let mut escaped = std::mem::take(&mut carry.escape);
            if masks.backslashes != 0 {
                self.seen.has_backslashes = true;
                (escaped, carry.escape) = escapes(masks.backslashes, escaped);
            }
            masks.quotes &= !escaped;
            let strings = prefix_xor(masks.quotes) ^ carry.in_string;
            carry.in_string = (strings.cast_signed() >> 63).cast_unsigned();
            masks = masks.outside(strings);

            let (names, lone_colons) = carry.names(masks, strings);
            if lone_colons != 0 {
                self.seen.has_lone_colons = true;
            }
            let opened = u64::from(masks.openings.count_ones());
            let closed = u64::from(masks.closings.count_ones());
            if masks.unpaired_closings() >= carry.depth
                && let Some(last) = carry.closing_that_ends(masks)
            {
                let beyond = !(last | (last - 1));
                self.seen
                    .look_at(text, carry, masks.outside(beyond), names & !beyond);
                self.seen
                    .limit_depth(carry, masks.outside(beyond), self.depth_max);
                let end = carry.scanned + last.trailing_zeros() as usize + 1;
                self.carry = carry;
                return Some(end);
            }
            // Only then does the block come to the record's own level.
            if names != 0 && carry.depth <= closed + 1 {
                self.seen.look_at(text, carry, masks, names);
            }
            if carry.depth + opened > self.depth_max {
                self.seen.limit_depth(carry, masks, self.depth_max);
            }
            carry.depth = carry.depth + opened - closed;
            carry.scanned += BLOCK;
        }
        self.carry = carry;
        None
    }
}

impl Carry {
    /// The colons behind names that are as long as the two that are looked for, and those that follow no quote.
    #[inline(always)]
    fn names(&mut self, masks: Masks, strings: u64) -> (u64, u64) {
        let begins = masks.quotes & strings;
        let named = masks.colons & (masks.quotes << 1 | self.quote);
        let long = begins << EVENT_SOURCE.len() | self.begin;
        let longer = begins << RESPONSE_ELEMENTS.len() | self.longer_begin;
        self.quote = masks.quotes >> (BLOCK - 1);
        self.begin = begins >> (BLOCK - EVENT_SOURCE.len());
        self.longer_begin = begins >> (BLOCK - RESPONSE_ELEMENTS.len());
        (named & (long | longer), masks.colons ^ named)
    }

    /// The closing bracket that brings the depth to 0, as a mask of one bit.
    #[inline(always)]
    fn closing_that_ends(self, masks: Masks) -> Option<u64> {
        let mut rest = masks.closings;
        let mut closed = 0;
        while rest != 0 {
            let closing = rest & rest.wrapping_neg();
            let opened = u64::from((masks.openings & (closing - 1)).count_ones());
            closed += 1;
            if self.depth + opened <= closed {
                return Some(closing);
            }
            rest &= rest - 1;
        }
        None
    }
}

impl Seen {
    /// Looks at the names before these colons, if they are names of the record's own members.
    #[inline(always)]
    fn look_at(&mut self, text: &[u8], carry: Carry, masks: Masks, mut names: u64) {
        while names != 0 {
            let before = masks.outside(!((names & names.wrapping_neg()) - 1));
            let opened = u64::from(before.openings.count_ones());
            let closed = u64::from(before.closings.count_ones());
            if carry.depth + opened - closed == 1 {
                let colon = carry.scanned + names.trailing_zeros() as usize;
                let behind = text.get(..colon).unwrap_or_default();
                if behind.last_chunk() == Some(EVENT_SOURCE) {
                    self.event_source.sight(colon + 1);
                } else if behind.last_chunk() == Some(RESPONSE_ELEMENTS) {
                    self.response_elements.sight(colon + 1);
                }
            }
            names &= names - 1;
        }
    }

    #[cold]
    fn limit_depth(&mut self, carry: Carry, masks: Masks, depth_max: u64) {
        let mut openings = masks.openings;
        let mut depth = carry.depth;
        while openings != 0 && !self.is_too_deep {
            let before = (openings & openings.wrapping_neg()) - 1;
            depth += 1;
            let closed = u64::from((masks.closings & before).count_ones());
            self.is_too_deep = depth - closed > depth_max;
            openings &= openings - 1;
        }
    }
}

impl Masks {
    /// The brackets and colons outside of these places.
    #[inline(always)]
    fn outside(self, places: u64) -> Masks {
        Masks {
            openings: self.openings & !places,
            closings: self.closings & !places,
            colons: self.colons & !places,
            ..self
        }
    }

    /// How many closing brackets do not directly follow their opening one: as many levels at most can a block leave.
    #[inline(always)]
    fn unpaired_closings(self) -> u64 {
        let others = !(self.openings | self.closings);
        // From each opening bracket the carry runs through what is no bracket, up to the next one.
        let paired = (self.openings << 1).wrapping_add(others) & self.closings;
        u64::from((self.closings & !paired).count_ones())
    }
}

/// The bytes of a block that a backslash escapes, in runs of backslashes of any length, and 1 if the first byte of the
/// next block is escaped; `before` tells that of this block.
fn escapes(backslashes: u64, before: u64) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starts = backslashes & !before;
    let codes = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
    (codes ^ (backslashes | before), (codes & backslashes) >> 63)
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
