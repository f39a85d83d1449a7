//! Members, padding, limits, and every way an object can be damaged.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn pack(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Gives few bytes at a time, and is interrupted in between.
struct Trickle<'b> {
    bytes: &'b [u8],
    most: usize,
    interrupted: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.most.min(block.len());
        self.bytes.read(&mut block[..most])
    }
}

fn unpack_in_steps(
    packed: &[u8],
    limit: u64,
    most: usize,
    step: usize,
) -> (Vec<u8>, Option<GunzipError>) {
    let source = Trickle {
        bytes: packed,
        most,
        interrupted: false,
    };
    // What an object before left there must not matter.
    let mut block = vec![b'{'; 100];
    let mut gunzip = Gunzip::new(source, &mut block, limit);
    let mut text = Vec::new();
    loop {
        let begin = text.len();
        text.resize(begin + step, 0);
        let bytes = gunzip.fill(&mut text, begin);
        if bytes < step {
            text.truncate(begin + bytes);
            assert_eq!(gunzip.unpacked_bytes(), text.len() as u64);
            let error = gunzip.take_error();
            assert_eq!(
                gunzip.fill(&mut [0; 10], 0),
                0,
                "nothing comes after the end"
            );
            return (text, error);
        }
    }
}

fn unpack(packed: &[u8]) -> (Vec<u8>, Option<GunzipError>) {
    unpack_in_steps(packed, u64::MAX, usize::MAX, 1000)
}

/// Text in which much repeats itself, near and far, as in logs.
fn logs() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec!["\"eventSource\":", "AssumeRole", "aaaaaaaaaaaaaaaaaaaa", "xyxyxyxy"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (1_usize..40_000).prop_map(|spaces| vec![b' '; spaces]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// As flate2 unpacks it: the text, or whatever it finds wrong.
#[expect(
    clippy::disallowed_types,
    reason = "the judge, for what the test itself has packed"
)]
fn judged(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    flate2::bufread::MultiGzDecoder::new(packed).read_to_end(&mut text)?;
    Ok(text)
}

#[test]
fn a_member_that_refers_to_the_one_before_is_corrupt() {
    // The last block, of fixed codes: three bytes from one byte before, and the end.
    let refers_back = [0x03, 0x02, 0x00];
    let member = pack(b"text");
    let packed = [&member[..], &member[..10], &refers_back, &[0; 8]].concat();
    let (text, error) = unpack(&packed);
    assert_eq!(text, b"text");
    assert!(
        matches!(error, Some(GunzipError::Corrupt { .. })),
        "{error:?}"
    );
}

#[test]
fn plain_text_passes_through() {
    for text in [&b""[..], b"{", b"\x1f", b"\x1f{", b"{\"Records\":[]}"] {
        let (unpacked, error) = unpack(text);
        assert_eq!(unpacked, text);
        assert!(error.is_none());
    }
}

#[test]
fn an_empty_member_unpacks_to_nothing() {
    assert!(matches!(unpack(&pack(b"")), (text, None) if text.is_empty()));
}

#[test]
fn members_and_padding_are_unpacked_in_a_row() {
    let packed = [pack(b"one "), pack(b""), pack(b"two"), vec![0; 600]].concat();
    assert!(matches!(unpack(&packed), (text, None) if text == b"one two"));
}

#[test]
fn what_follows_the_last_member_is_reported_after_its_text() {
    for garbage in [&b"garbage"[..], b"\x1f", b"\0\0x", b"{"] {
        let member = pack(b"text");
        let (text, error) = unpack(&[&member[..], garbage].concat());
        assert_eq!(text, b"text");
        let zeros = garbage.iter().filter(|byte| **byte == 0).count();
        let expected = (member.len() + zeros) as u64;
        assert!(
            matches!(error, Some(GunzipError::TrailingGarbage { at }) if at == expected),
            "{error:?}"
        );
    }
}

#[test]
fn every_truncation_keeps_what_came_before() {
    let text: Vec<u8> = (0..2000_u32)
        .flat_map(|n| n.to_string().into_bytes())
        .collect();
    let packed = pack(&text);
    for cut in 2..packed.len() {
        let (unpacked, error) = unpack(&packed[..cut]);
        assert!(text.starts_with(&unpacked));
        assert!(
            matches!(error, Some(GunzipError::Truncated { packed_bytes }) if packed_bytes == cut as u64)
        );
    }
    let most = unpack(&packed[..packed.len() - 20]).0.len();
    assert!(most > text.len() / 2, "{most} of {}", text.len());
}

#[test]
fn damage_is_found_by_the_decoder_or_by_the_checksum() {
    let packed = pack(b"some text that is long enough to be damaged somewhere");
    for place in [3, packed.len() - 1, packed.len() - 5, packed.len() - 12] {
        let mut damaged = packed.clone();
        damaged[place] ^= 0xff;
        let (_, error) = unpack(&damaged);
        assert!(error.is_some(), "byte {place}");
    }
    let mut damaged = packed.clone();
    let last = damaged.len() - 1;
    damaged[last - 4] ^= 1;
    let (text, error) = unpack(&damaged);
    assert!(text.starts_with(b"some text"));
    assert!(
        matches!(error, Some(GunzipError::Corrupt { .. })),
        "{error:?}"
    );
}

#[test]
fn a_wrong_checksum_or_length_is_named() {
    let packed = pack(b"some text");
    for (from_end, reason) in [(8, "the checksum differs"), (1, "the length differs")] {
        let mut damaged = packed.clone();
        let place = damaged.len() - from_end;
        damaged[place] ^= 0x80;
        let (text, error) = unpack(&damaged);
        assert_eq!(text, b"some text");
        assert!(error.unwrap().to_string().contains(reason));
    }
}

#[test]
fn all_that_a_header_may_hold_is_passed_by() {
    let member = pack(b"text");
    let packed_as = |flags: u8, extras: &[u8]| {
        let mut packed = member[..10].to_vec();
        packed[3] = flags;
        packed.extend_from_slice(extras);
        packed.extend_from_slice(&member[10..]);
        packed
    };
    let all = b"\x03\0abcname\0comment\0\xaa\xbb";
    for (flags, extras) in [
        (HAS_EXTRA, &b"\x03\0abc"[..]),
        (HAS_NAME, b"name\0"),
        (HAS_COMMENT, b"\0"),
        (HAS_CHECKSUM, b"\xaa\xbb"),
        (1, b""),
        (0x1f, all),
    ] {
        let packed = packed_as(flags, extras);
        let (text, error) = unpack_in_steps(&packed, 100, 1, 3);
        assert!(error.is_none(), "{flags:#x}: {error:?}");
        assert_eq!(text, b"text", "{flags:#x}");
        for cut in 2..10 + extras.len() {
            let (_, error) = unpack(&packed[..cut]);
            assert!(
                matches!(error, Some(GunzipError::Truncated { .. })),
                "{flags:#x}: {error:?}"
            );
        }
    }
    let (_, error) = unpack(&packed_as(0x20, b""));
    assert!(error.unwrap().to_string().contains("not a gzip header"));
}

#[test]
fn the_limit_is_exact() {
    let text = vec![b'x'; 5000];
    for form in [text.clone(), pack(&text)] {
        for step in [1, 7, 4999, 5000, 5001, 9000] {
            let (unpacked, error) = unpack_in_steps(&form, 5000, usize::MAX, step);
            assert!(error.is_none(), "{error:?}");
            assert_eq!(unpacked.len(), 5000);
            let (unpacked, error) = unpack_in_steps(&form, 4999, usize::MAX, step);
            assert!(matches!(error, Some(GunzipError::TooLarge { limit: 4999 })));
            assert_eq!(unpacked.len(), 4999);
        }
    }
}

#[test]
fn a_failing_source_is_an_error_of_its_own() {
    /// Fails in another way when it is asked again.
    #[derive(Default)]
    struct Failing {
        has_failed: bool,
    }
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            match std::mem::replace(&mut self.has_failed, true) {
                false => Err(io::ErrorKind::ConnectionReset.into()),
                true => Err(io::ErrorKind::NotConnected.into()),
            }
        }
    }
    let packed = pack(b"some text");
    for (before, expected) in [
        (&b""[..], 0),
        (b"x", 1),
        (b"{\"Records\"", 10),
        (&packed[..12], 12),
    ] {
        let mut block = Vec::new();
        let source = before.chain(Failing::default());
        let mut gunzip = Gunzip::new(source, &mut block, u64::MAX);
        gunzip.fill(&mut [0; 100], 0);
        let error = gunzip.take_error();
        assert!(
            matches!(&error, Some(GunzipError::Read { at, source })
                if *at == expected && source.kind() == io::ErrorKind::ConnectionReset),
            "{error:?}"
        );
    }
}

proptest! {
    #[test]
    fn however_it_is_cut_the_text_is_the_same(
        members in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..4),
        most in 1_usize..200,
        step in 1_usize..5000,
    ) {
        let packed: Vec<u8> = members.iter().flat_map(|member| pack(member)).collect();
        let (text, error) = unpack_in_steps(&packed, u64::MAX, most, step);
        prop_assert!(error.is_none());
        prop_assert_eq!(text, members.concat());
    }

    #[test]
    fn what_is_unpacked_is_what_flate2_unpacks(
        members in prop::collection::vec((logs(), 0_u32..10), 1..4),
        most in 1_usize..100_000,
        step in 1_usize..100_000,
    ) {
        let pack = |(text, level): &(Vec<u8>, u32)| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(*level));
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let packed: Vec<u8> = members.iter().flat_map(pack).collect();
        let (text, error) = unpack_in_steps(&packed, u64::MAX, most, step);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert!(text == judged(&packed).unwrap());
    }

    #[test]
    fn damage_is_never_another_text(
        text in logs(),
        place in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
        step in 1_usize..100_000,
    ) {
        let mut packed = pack(&text);
        let place = place.index(packed.len());
        packed[place] ^= flip;
        let (unpacked, error) = unpack_in_steps(&packed, 1 << 30, usize::MAX, step);
        match (judged(&packed), error) {
            // Something beside the text: a time, a name.
            (Ok(judged), None) => prop_assert!(unpacked == judged),
            (_, Some(_)) => {}
            // Not gzip any more, or of a header's length that flate2 counts otherwise.
            (Err(_), None) => prop_assert!(unpacked == packed || unpacked == text),
        }
    }

    #[test]
    fn any_bytes_behind_the_magic_end_in_peace(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let packed = [&MAGIC[..], &bytes].concat();
        let (_, error) = unpack(&packed);
        prop_assert!(error.is_some());
    }
}
