//! Doors for `tests/fuzz` to what no public function shows by itself.

use std::io::Read;

use crate::gunzip::{Gunzip, GunzipError, HISTORY_BYTES};
use crate::log_object::{Limits, LogObjectReader};
use crate::scan::Scanner;

/// Unpacks an object in steps of so many bytes, keeping no more of it before each step than unpacking may refer to: its text
/// as far as it goes, how much of that may be believed, and why it ended.
pub fn gunzip(
    source: impl Read,
    unpacked_bytes_max: u64,
    step: usize,
) -> (Vec<u8>, u64, Option<GunzipError>) {
    let mut block = Vec::new();
    let mut gunzip = Gunzip::new(source, &mut block, unpacked_bytes_max);
    let mut text = Vec::new();
    let mut window = vec![0; HISTORY_BYTES + step];
    loop {
        let filled = gunzip.fill(&mut window, HISTORY_BYTES);
        text.extend_from_slice(&window[HISTORY_BYTES..HISTORY_BYTES + filled]);
        if filled < step {
            return (text, gunzip.sound_bytes(), gunzip.take_error());
        }
        window.copy_within(filled.., 0);
    }
}

/// A reader with a window of so many bytes, and without the processor's own instructions if asked.
#[must_use]
pub fn reader(limits: Limits, is_portable: bool, window_bytes: usize) -> LogObjectReader {
    let scanner = match is_portable {
        true => Scanner::Portable,
        false => Scanner::detect(),
    };
    LogObjectReader::with(limits, scanner, window_bytes)
}
