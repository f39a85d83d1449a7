//! What a target chooses beside its input: drawn from a hash of the input, so that an input is a file of the real kind and
//! nothing else, and finds the same again.

use std::io::{self, Read};

/// Choices that an input makes.
#[derive(Clone, Copy)]
pub struct Choices(u64);

impl Choices {
    /// Those of an input.
    #[must_use]
    pub fn of(input: &[u8]) -> Choices {
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Choices(input.iter().fold(0xcbf2_9ce4_8422_2325, fnv))
    }

    /// The next choice among so many.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or_default() % count.max(1)
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Yes or no.
    pub fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    /// A stretch of the input, up to so long.
    pub fn stretch<'i>(&mut self, input: &'i [u8], longest: usize) -> &'i [u8] {
        let begin = self.below(input.len() + 1);
        let length = self.below(longest.min(input.len() - begin) + 1);
        &input[begin..begin + length]
    }

    /// The input as a source that gives it in pieces.
    #[must_use]
    pub fn pieces(self, bytes: &[u8]) -> Pieces<'_> {
        Pieces {
            bytes,
            choices: self,
        }
    }
}

/// A source that gives its bytes as a network would, and is interrupted in between.
pub struct Pieces<'b> {
    bytes: &'b [u8],
    choices: Choices,
}

impl Read for Pieces<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let longest = match self.choices.below(8) {
            0 => return Err(io::ErrorKind::Interrupted.into()),
            1 => 1,
            2..5 => 1 + self.choices.below(100),
            _ => usize::MAX,
        };
        let length = longest.min(block.len());
        self.bytes.read(&mut block[..length])
    }
}
