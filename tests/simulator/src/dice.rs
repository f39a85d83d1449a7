//! Randomness that depends on the seed alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Text;

const LOWER_HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A stream of random choices.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `limit`; 0 where the limit is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(limit);
        (wide >> 64) as u64
    }

    /// A number of `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        (self.0.next_u32() as f64) < probability * f64::from(u32::MAX)
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// Some positions below `limit`, in random order.
    pub(crate) fn shuffled(&mut self, limit: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..limit).collect();
        for last in (1..limit).rev() {
            order.swap(last, self.below(last as u64 + 1) as usize);
        }
        order
    }

    fn letters<const N: usize>(&mut self, out: &mut String, alphabet: &[u8; N], count: usize) {
        let bits = N.next_power_of_two().trailing_zeros();
        let (mut pool, mut left) = (0_u64, 0);
        let mut written = 0;
        while written < count {
            if left < bits {
                (pool, left) = (self.0.next_u64(), 64);
            }
            let position = (pool & ((1 << bits) - 1)) as usize;
            (pool, left) = (pool >> bits, left - bits);
            if position < N {
                out.push(char::from(alphabet[position]));
                written += 1;
            }
        }
    }

    pub(crate) fn push_hex(&mut self, out: &mut String, count: usize) {
        self.letters(out, LOWER_HEX, count);
    }

    pub(crate) fn push_base32(&mut self, out: &mut String, count: usize) {
        self.letters(out, BASE32, count);
    }

    pub(crate) fn push_base64(&mut self, out: &mut String, count: usize) {
        self.letters(out, BASE64, count);
    }

    pub(crate) fn push_letters_and_digits(&mut self, out: &mut String, count: usize) {
        self.letters(out, LETTERS_AND_DIGITS, count);
    }

    /// Eight groups of a random GUID, version 4 (now and then 3, as CloudTrail's own are).
    pub(crate) fn push_guid(&mut self, out: &mut String) {
        let (high, low) = (self.0.next_u64(), self.0.next_u64());
        let version = if low & 0x700 == 0 { b'3' } else { b'4' };
        let mut digits = [0_u8; 36];
        for (position, digit) in digits.iter_mut().enumerate() {
            let nibble = if position < 18 {
                high >> ((position * 4) % 64)
            } else {
                low >> (((position - 18) * 4) % 64)
            };
            *digit = match position {
                8 | 13 | 18 | 23 => b'-',
                14 => version,
                19 => LOWER_HEX[8 + (nibble & 3) as usize],
                _ => LOWER_HEX[(nibble & 15) as usize],
            };
        }
        out.extend(digits.map(char::from));
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.push_hex(&mut out, count);
        out
    }

    pub(crate) fn letters_and_digits(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count);
        self.push_letters_and_digits(&mut out, count);
        out
    }

    pub(crate) fn guid(&mut self) -> Text {
        let mut out = String::with_capacity(36);
        self.push_guid(&mut out);
        out.into()
    }

    /// An IAM unique ID or access key ID of an account: `prefix`, nine characters that encode the account, seven
    /// random ones.
    pub(crate) fn unique_id(&mut self, prefix: &str, account_id: u64) -> Text {
        let mut out = String::with_capacity(20);
        out.push_str(prefix);
        // "QAAAAAAA" in base 32, the zero of account numbers in IDs made since 2019.
        let number = account_id / 2 + (16 << 35);
        for place in (0..8).rev() {
            out.push(char::from(BASE32[(number >> (place * 5)) as usize & 31]));
        }
        // The ninth character's upper half holds the last bit; letters alone keep byte and base-32 order the same.
        let odd = account_id % 2 == 1;
        let half = if odd { 16 } else { 0 };
        let within = self.below(if odd { 10 } else { 16 });
        out.push(char::from(BASE32[(half + within) as usize]));
        self.push_base32(&mut out, 7);
        out.into()
    }
}
