//! What is unpacked is what zlib unpacks, and damage is never another text.
#![no_main]

use std::io::{Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc, Decompress, FlushDecompress, Status};
use libfuzzer_sys::fuzz_target;
use trailback_cloudtrail::{GunzipError, fuzzing};
use trailback_fuzz::choices::Choices;

/// Of what the input packs no more is looked at, on either side.
const TEXT_MAX: usize = 1 << 18;

/// A header that says nothing more than what it is.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

fuzz_target!(|input: &[u8]| {
    let choices = Choices::of(input);
    as_an_object(input, choices);
    as_a_member(input, choices);
    as_a_text(input, choices);
});

fn unpack(packed: &[u8], mut choices: Choices) -> (Vec<u8>, Option<GunzipError>) {
    let step = choices.one(&[1, 7, 300, 5_000, 100_000]);
    let (text, sound_bytes, error) = fuzzing::gunzip(choices.pieces(packed), TEXT_MAX as u64, step);
    assert!(text.len() <= TEXT_MAX);
    assert!(error.is_some() || sound_bytes >= text.len() as u64);
    (text, error)
}

/// The input as it is: a whole object.
fn as_an_object(object: &[u8], choices: Choices) {
    let (text, error) = unpack(object, choices);
    if !object.starts_with(&HEADER[..2]) {
        assert!(
            text == object && error.is_none(),
            "plain text passes through"
        );
        return;
    }
    let mut judged = Vec::new();
    let judge = flate2::bufread::MultiGzDecoder::new(object);
    let is_whole = judge
        .take(TEXT_MAX as u64 + 1)
        .read_to_end(&mut judged)
        .is_ok();
    match error {
        // What the judge does not know: padding, and headers' checksums that are wrong.
        None => assert!(text.starts_with(&judged) && (text == judged || !is_whole)),
        Some(GunzipError::TooLarge { .. }) => assert!(judged.len() > TEXT_MAX),
        Some(error) => assert!(!is_whole || judged.len() > TEXT_MAX, "{error}"),
    }
}

/// The input as what is in a member, whose checksum holds: past it no input comes by chance.
fn as_a_member(body: &[u8], choices: Choices) {
    let mut judged = vec![0; TEXT_MAX];
    let mut judge = Decompress::new(false);
    let outcome = judge.decompress(body, &mut judged, FlushDecompress::Finish);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    judged.truncate(count(judge.total_out()));
    if judged.len() == TEXT_MAX {
        return;
    }
    let mut crc = Crc::new();
    crc.update(&judged);
    let member = [
        &HEADER,
        &body[..count(judge.total_in())],
        &crc.sum().to_le_bytes(),
        &crc.amount().to_le_bytes(),
    ]
    .concat();
    let (text, error) = unpack(&member, choices);
    if matches!(outcome, Ok(Status::StreamEnd)) {
        assert!(error.is_none(), "{error:?}");
        assert!(text == judged);
    } else {
        // Of the two codes that RFC 1951 leaves without meaning fdeflate makes the end of a block, which does no harm where
        // what came out is the text of the checksum.
        assert!(error.is_some() || text == judged, "{outcome:?}");
    }
}

/// The input as a text that somebody packs, in members.
fn as_a_text(text: &[u8], mut choices: Choices) {
    let cut = choices.below(text.len() + 1);
    let (first, second) = text.split_at(cut);
    let level = Compression::new(u32::try_from(choices.below(10)).unwrap_or_default());
    let packed = [pack(first, level), pack(second, level)].concat();
    let (unpacked, error) = unpack(&packed, choices);
    assert!(error.is_none() && unpacked == text, "{error:?}");
    let cut = 2 + choices.below(packed.len() - 2);
    let (unpacked, error) = unpack(&packed[..cut], choices);
    assert!(text.starts_with(&unpacked));
    assert!(unpacked == first || error.is_some());
}

fn pack(text: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    let packed = encoder.write_all(text).and_then(|()| encoder.finish());
    packed.expect("memory takes everything")
}
