//! The scanners against each other, and against reading byte by byte.

use proptest::prelude::*;

use super::*;

/// What the masks mean, byte by byte.
fn plain_masks(stretch: &[u8; STRETCH]) -> Masks {
    let mask = |is_wanted: &dyn Fn(usize) -> bool| {
        (0..BLOCK)
            .map(|place| u64::from(is_wanted(place)) << place)
            .sum()
    };
    let mask_of = |wanted: &[u8]| mask(&|place| wanted.contains(&stretch[place]));
    Masks {
        quotes: mask_of(b"\""),
        backslashes: mask_of(b"\\"),
        openings: mask_of(b"{["),
        closings: mask_of(b"}]"),
        pairs: mask(&|place| PAIRS.contains(&[stretch[place], stretch[place + PAIR_DISTANCE]])),
    }
}

/// The end of a value and how deep it nests, byte by byte; the value begins with a bracket.
fn plain_end(text: &[u8]) -> Option<(usize, u64)> {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_u64, 0, false, false);
    for (at, byte) in text.iter().enumerate() {
        let is_escaped = escaped;
        escaped = *byte == b'\\' && !is_escaped;
        match byte {
            b'"' if !is_escaped => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        if depth == 0 {
            return Some((at + 1, deepest));
        }
    }
    None
}

fn scanners() -> Vec<Scanner> {
    let mut scanners = vec![Scanner::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        scanners.extend(avx2::Avx2::detect().map(Scanner::Avx2));
        scanners.extend(avx512::Avx512::detect().map(Scanner::Avx512));
    }
    if scanners.len() < 3 {
        eprintln!("skipped: this processor has not all instructions; compared are {scanners:?}");
    }
    scanners
}

/// Scans the value that begins at `begin`; as much text is at hand at a time as `cuts` say, and the end is filled up
/// with spaces. What stands before the value is indexed with it.
fn scan_in_pieces(
    scanner: Scanner,
    text: &[u8],
    begin: usize,
    cuts: &[usize],
) -> (Option<u64>, ValueScan) {
    let padded = [text, &[b' '; BLOCK + PAIR_DISTANCE]].concat();
    let whole = (padded.len() - PAIR_DISTANCE) / BLOCK * BLOCK;
    let mut index = Index::new(scanner);
    let mut scan = ValueScan::new(begin as u64, 10);
    let mut at_hand = 0;
    for cut in cuts.iter().chain(std::iter::repeat(&whole)) {
        let place = index.end() as usize;
        if place == whole {
            break;
        }
        at_hand = whole.min(at_hand + cut);
        index.move_on(
            padded[..at_hand + PAIR_DISTANCE]
                .get(place..)
                .unwrap_or_default(),
        );
        if index.end() > begin as u64
            && let Some(end) = scan.advance(&index)
        {
            return (Some(end), scan);
        }
    }
    (None, scan)
}

fn byte_of_json() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => prop::sample::select(&b"\"\\{}[]:"[..]),
        2 => prop::sample::select(&b"SuilSuil ,azAZ09;[{|}~\x1b\x1d"[..]),
        1 => any::<u8>(),
    ]
}

fn bytes_of_json(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => prop::collection::vec(byte_of_json(), 1..20),
        1 => prop::collection::vec(Just(b'\\'), 1..70),
        2 => prop::collection::vec(Just(b'x'), 1..200),
        2 => prop::sample::select(vec!["Sou", "ial", "iSlu", "SSuu"]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(word, length).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn all_scanners_see_the_same_characters(bytes in prop::collection::vec(byte_of_json(), STRETCH)) {
        let stretch = bytes.first_chunk().unwrap();
        let masks = plain_masks(stretch);
        prop_assert_eq!(portable::masks_of(stretch), masks);
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = avx2::Avx2::detect() {
            prop_assert_eq!(avx2.masks_of(stretch), masks);
            prop_assert_eq!(avx2.prefix_xor(masks.quotes), portable::prefix_xor(masks.quotes));
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = avx512::Avx512::detect() {
            prop_assert_eq!(avx512.masks_of(stretch), masks);
        }
    }

    #[test]
    fn any_bytes_are_scanned_alike_however_they_are_cut(
        bytes in bytes_of_json(0..60),
        begin in 0_usize..150,
        cuts in prop::collection::vec(0_usize..150, 0..20),
    ) {
        let text = [&vec![b' '; begin][..], b"{", &bytes[..]].concat();
        let ends = |scanner, cuts: &[usize]| {
            let (end, scan) = scan_in_pieces(scanner, &text, begin, cuts);
            (end, scan.is_too_deep(), scan.pairs().clone())
        };
        let in_pieces = ends(Scanner::Portable, &cuts);
        for scanner in scanners() {
            prop_assert_eq!(&ends(scanner, &cuts), &in_pieces);
            prop_assert_eq!(&ends(scanner, &[]), &in_pieces);
        }
    }

    #[test]
    fn the_end_and_the_depth_are_those_found_byte_by_byte(bytes in bytes_of_json(0..60)) {
        let text = [b"{", &bytes[..]].concat();
        let expected = plain_end(&text);
        for scanner in scanners() {
            let (end, scan) = scan_in_pieces(scanner, &text, 0, &[]);
            prop_assert_eq!(end, expected.map(|(end, _)| end as u64));
            let length = expected.map_or(text.len(), |(end, _)| end);
            let is_pair = |place: &usize| {
                let second = text.get(place + PAIR_DISTANCE).copied().unwrap_or_default();
                PAIRS.contains(&[text[*place], second])
            };
            let places: Vec<usize> = (0..length).filter(is_pair).collect();
            match scan.pairs().get() {
                Some(noted) => prop_assert_eq!(noted, &places),
                None => prop_assert!(places.len() > PLACES_MAX),
            }
            if let Some((_, deepest)) = expected {
                prop_assert_eq!(scan.is_too_deep(), deepest > 10);
            }
        }
    }
}

#[test]
fn backslashes_are_noticed() {
    for (value, expected) in [(r#"{"a":"\""}"#, true), (r#"{"a":"b"}"#, false)] {
        for scanner in scanners() {
            let (_, scan) = scan_in_pieces(scanner, value.as_bytes(), 0, &[]);
            assert_eq!(scan.may_have_backslashes(), expected, "{value}");
        }
    }
}

#[test]
fn depth_is_counted_however_deep() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for scanner in scanners() {
        let (end, scan) = scan_in_pieces(scanner, deep.as_bytes(), 0, &[]);
        assert_eq!(end, Some(400_000));
        assert!(scan.is_too_deep());
        for (depth, is_too_deep) in [(10, false), (11, true)] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let (_, scan) = scan_in_pieces(scanner, nested.as_bytes(), 0, &[]);
            assert_eq!(scan.is_too_deep(), is_too_deep, "{depth}");
        }
    }
}
