//! Finds where a JSON object or list ends, and where certain letters stand in it, without parsing it.
//!
//! BE ADVISED: this is the innermost loop of the program; every byte of every log object goes through it, and all but
//! a few in a hundred records go no further. It works in two steps, so that the first has no branch that a processor
//! could guess wrongly, and the second has few:
//!
//! 1. The [`Index`] looks at 64 bytes (a *block*) at a time, each kind of character as one bit in a word (a *mask*), as
//!    simdjson does (Langdale and Lemire, "Parsing Gigabytes of JSON per Second"). A quote that is not escaped opens or
//!    closes a string; the exclusive or of all quotes up to a place tells whether it lies inside a string, where brackets
//!    do not count.
//! 2. The [`ValueScan`] counts the brackets of block after block, and looks at them one by one only where there are
//!    enough closing ones to end the value.
//!
//! On the way it notes the places of two pairs of letters ([`PAIRS`]) that stand in the names `eventSource` and
//! `credentials`, and in CloudTrail's text hardly anywhere else: a search for these names need look only there.
//!
//! The end is exact for every valid JSON value; the tests hold it against reading byte by byte. Brackets are not matched
//! by kind: `{]` ends, and is for the caller to refuse.

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "a function that needs AVX2 is called after asking the processor for it"
)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "as for AVX2")]
mod avx512;
mod portable;

/// How many bytes are looked at at once: one bit each in a `u64`.
pub(crate) const BLOCK: usize = 64;

/// How many blocks are indexed at once: enough to keep the two steps apart, few enough to stay in the nearest cache.
const BLOCKS: usize = 64;

/// Pairs of letters, the second two places behind the first: of those in `"eventSource"` and `"credential`, the ones
/// that stand least often elsewhere (counted over real log objects, where the first stands once in a record and the
/// second in two of three).
pub(crate) const PAIRS: [[u8; 2]; 2] = [[b'S', b'u'], [b'i', b'l']];

/// How far the second letter of a pair is behind the first.
const PAIR_DISTANCE: usize = 2;

/// How much text it takes to index a block.
pub(crate) const STRETCH: usize = BLOCK + PAIR_DISTANCE;

/// How many places of pairs are noted in a value.
const PLACES_MAX: usize = 15;

/// The instructions to scan with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scanner {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Portable,
}

impl Scanner {
    /// The fastest that this processor has.
    pub(crate) fn detect() -> Scanner {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(avx512) = avx512::Avx512::detect() {
                return Scanner::Avx512(avx512);
            }
            if let Some(avx2) = avx2::Avx2::detect() {
                return Scanner::Avx2(avx2);
            }
        }
        Scanner::Portable
    }
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
    /// The first letters of [`PAIRS`].
    pairs: u64,
}

/// The structure of a stretch of text, from a place outside strings on.
pub(crate) struct Index {
    scanner: Scanner,
    /// Where the stretch begins in the whole text.
    begin: u64,
    /// How many blocks it has.
    count: usize,
    blocks: [Structure; BLOCKS],
    has_backslashes: bool,
    carry: Carry,
}

/// The brackets outside strings and the pairs of letters of one block.
#[derive(Clone, Copy, Default)]
struct Structure {
    openings: u64,
    closings: u64,
    pairs: u64,
}

/// What must be known from one block to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// 1 where the next byte is escaped.
    escape: u64,
}

impl Index {
    pub(crate) fn new(scanner: Scanner) -> Index {
        Index {
            scanner,
            begin: 0,
            count: 0,
            blocks: [Structure::default(); BLOCKS],
            has_backslashes: false,
            carry: Carry::default(),
        }
    }

    /// Where the stretch ends in the whole text.
    pub(crate) fn end(&self) -> u64 {
        self.begin + (self.count * BLOCK) as u64
    }

    /// Where a block begins in the whole text.
    fn place_of(&self, block: usize) -> u64 {
        self.begin + (block * BLOCK) as u64
    }

    /// Makes sure that the index holds the place `at`, which is outside strings, or goes on from there.
    pub(crate) fn start_at(&mut self, at: u64) {
        if at < self.begin || at >= self.end() {
            (self.begin, self.count, self.carry) = (at, 0, Carry::default());
        }
    }

    /// Indexes the next stretch: as many blocks as fit and as `text`, which begins where this stretch ends, has with
    /// [`PAIR_DISTANCE`] bytes behind them.
    pub(crate) fn move_on(&mut self, text: &[u8]) {
        self.begin = self.end();
        self.count = BLOCKS.min(text.len().saturating_sub(PAIR_DISTANCE) / BLOCK);
        match self.scanner {
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx512(avx512) => avx512.index(self, text),
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx2(avx2) => avx2.index(self, text),
            Scanner::Portable => portable::index(self, text),
        }
    }

    /// The loop, to be compiled once for each set of instructions.
    #[inline(always)]
    fn index_by(
        &mut self,
        mut text: &[u8],
        masks_of: impl Fn(&[u8; STRETCH]) -> Masks,
        prefix_xor: impl Fn(u64) -> u64,
    ) {
        let mut carry = self.carry;
        let mut all_backslashes = 0;
        for structure in &mut self.blocks[..self.count] {
            let Some(stretch) = text.first_chunk() else {
                break;
            };
            text = &text[BLOCK..];
            let masks = masks_of(stretch);
            let mut escaped = std::mem::take(&mut carry.escape);
            if masks.backslashes != 0 {
                all_backslashes |= masks.backslashes;
                (escaped, carry.escape) = escapes(masks.backslashes, escaped);
            }
            let quotes = masks.quotes & !escaped;
            let strings = prefix_xor(quotes) ^ carry.in_string;
            carry.in_string = (strings.cast_signed() >> 63).cast_unsigned();
            *structure = Structure {
                openings: masks.openings & !strings,
                closings: masks.closings & !strings,
                pairs: masks.pairs,
            };
        }
        self.has_backslashes = all_backslashes != 0;
        self.carry = carry;
    }
}

impl Structure {
    /// What stands at these places.
    #[inline(always)]
    fn within(self, places: u64) -> Structure {
        Structure {
            openings: self.openings & places,
            closings: self.closings & places,
            pairs: self.pairs & places,
        }
    }

    /// The depth behind this block, or behind what was left of it.
    #[inline(always)]
    fn depth_behind(self, depth: u64) -> u64 {
        depth + u64::from(self.openings.count_ones()) - u64::from(self.closings.count_ones())
    }

    /// The closing bracket that brings the depth to 0, as a mask of one bit; 0 if there is none.
    #[inline(always)]
    fn closing_that_ends(self, depth: u64) -> u64 {
        // From each opening bracket a carry runs through what is no bracket, up to the next one. A closing bracket that
        // it meets leaves no level that the block did not enter.
        let others = !(self.openings | self.closings);
        let paired = (self.openings << 1).wrapping_add(others) & self.closings;
        if u64::from((self.closings & !paired).count_ones()) < depth {
            return 0;
        }
        let mut rest = self.closings;
        let mut closed = 0;
        while rest != 0 {
            let closing = rest & rest.wrapping_neg();
            closed += 1;
            if depth + u64::from((self.openings & (closing - 1)).count_ones()) <= closed {
                return closing;
            }
            rest &= rest - 1;
        }
        0
    }
}

/// The bytes of a block that a backslash escapes, in runs of backslashes of any length, and 1 if the first byte of the
/// next block is escaped; `before` tells that of this block.
#[inline(always)]
fn escapes(backslashes: u64, before: u64) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starts = backslashes & !before;
    let codes = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
    (codes ^ (backslashes | before), (codes & backslashes) >> 63)
}

/// One object or list that is being scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueScan {
    /// Where it begins, and how far it is scanned, in the whole text.
    begin: u64,
    at: u64,
    /// How many brackets are open.
    depth: u64,
    depth_max: u64,
    is_too_deep: bool,
    has_backslashes: bool,
    pairs: PairPlaces,
}

/// Where pairs of letters stand in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PairPlaces {
    places: [usize; PLACES_MAX],
    /// How many there are; more than [`PLACES_MAX`] are not noted.
    count: usize,
}

impl PairPlaces {
    /// The places of the first letters, counted from the value's beginning, in order; `None` if there are too many to be
    /// noted.
    pub(crate) fn get(&self) -> Option<&[usize]> {
        self.places.get(..self.count)
    }

    fn note(&mut self, place: usize) {
        if let Some(slot) = self.places.get_mut(self.count) {
            *slot = place;
        }
        self.count += 1;
    }
}

impl ValueScan {
    /// A scan that stands before the value at `begin`; if it nests deeper than `depth_max` it is marked.
    pub(crate) fn new(begin: u64, depth_max: u32) -> ValueScan {
        ValueScan {
            begin,
            at: begin,
            depth: 0,
            depth_max: u64::from(depth_max),
            is_too_deep: false,
            has_backslashes: false,
            pairs: PairPlaces {
                places: [0; PLACES_MAX],
                count: 0,
            },
        }
    }

    /// Where [`PAIRS`] stand in the value.
    pub(crate) fn pairs(&self) -> &PairPlaces {
        &self.pairs
    }

    /// Whether the value nests deeper than allowed.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Whether there are backslashes in the value or near it; no is certain.
    pub(crate) fn may_have_backslashes(&self) -> bool {
        self.has_backslashes
    }

    /// How many bytes of the value are scanned.
    pub(crate) fn scanned(&self) -> u64 {
        self.at - self.begin
    }

    /// Scans on to the end of `index`, which holds the place up to which the value is scanned. Gives where in the whole
    /// text the value ends, exclusive, if it does so there.
    pub(crate) fn advance(&mut self, index: &Index) -> Option<u64> {
        self.has_backslashes |= index.has_backslashes;
        match index.scanner {
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx512(avx512) => avx512.avx2().advance(self, index),
            #[cfg(target_arch = "x86_64")]
            Scanner::Avx2(avx2) => avx2.advance(self, index),
            Scanner::Portable => self.advance_in(index),
        }
    }

    /// The loop, to be compiled once for each set of instructions.
    #[inline(always)]
    fn advance_in(&mut self, index: &Index) -> Option<u64> {
        let offset = as_usize(self.at - index.begin);
        let mut blocks = index.blocks[..index.count]
            .iter()
            .enumerate()
            .skip(offset / BLOCK);
        // A value begins anywhere in a block; what is before it does not count.
        if !offset.is_multiple_of(BLOCK)
            && let Some((place, block)) = blocks.next()
        {
            let behind = block.within(u64::MAX << (offset % BLOCK));
            if let Some(end) = self.look_into(behind, index.place_of(place)) {
                return Some(end);
            }
        }
        // Above this, one more block could break the limit.
        let watched = self.depth_max.saturating_sub(BLOCK as u64);
        let mut depth = self.depth;
        for (place, block) in blocks {
            let closed = u64::from(block.closings.count_ones());
            if closed >= depth || depth > watched {
                self.depth = depth;
                if let Some(end) = self.look_into(*block, index.place_of(place)) {
                    return Some(end);
                }
                depth = self.depth;
            } else {
                self.note_pairs(block.pairs, index.place_of(place));
                depth = block.depth_behind(depth);
            }
        }
        self.depth = depth;
        self.at = index.end();
        None
    }

    /// Scans the block that begins at `begin`, bracket by bracket and pair by pair.
    #[inline(always)]
    fn look_into(&mut self, block: Structure, begin: u64) -> Option<u64> {
        let last = block.closing_that_ends(self.depth);
        // Without such a bracket the block counts as a whole: 0 - 1 has all bits.
        let block = block.within(last | last.wrapping_sub(1));
        if self.depth + u64::from(block.openings.count_ones()) > self.depth_max {
            self.limit_depth(block);
        }
        self.note_pairs(block.pairs, begin);
        self.depth = block.depth_behind(self.depth);
        (last != 0).then(|| begin + u64::from(last.trailing_zeros()) + 1)
    }

    /// Notes the pairs of the block that begins at `begin`.
    #[inline(always)]
    fn note_pairs(&mut self, mut pairs: u64, begin: u64) {
        while pairs != 0 {
            let place = begin + u64::from(pairs.trailing_zeros());
            self.pairs.note(as_usize(place - self.begin));
            pairs &= pairs - 1;
        }
    }

    #[cold]
    fn limit_depth(&mut self, block: Structure) {
        let mut rest = block.openings;
        while rest != 0 && !self.is_too_deep {
            let upto = rest ^ (rest - 1);
            self.is_too_deep = block.within(upto).depth_behind(self.depth) > self.depth_max;
            rest &= rest - 1;
        }
    }
}

/// A distance within the window.
fn as_usize(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
