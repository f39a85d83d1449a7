//! The scanners against each other, and against reading byte by byte.

use proptest::prelude::*;

use super::*;

/// What the masks mean, byte by byte.
fn plain_masks(block: &[u8; BLOCK]) -> Masks {
    let mask = |wanted: &[u8]| {
        let bit = |place: usize| u64::from(wanted.contains(&block[place])) << place;
        (0..BLOCK).map(bit).sum()
    };
    Masks {
        quotes: mask(b"\""),
        backslashes: mask(b"\\"),
        openings: mask(b"{["),
        closings: mask(b"}]"),
        colons: mask(b":"),
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
    let scanners = vec![Scanner::Portable, Scanner::detect()];
    if matches!(scanners[1], Scanner::Portable) {
        eprintln!(
            "skipped: this processor has no AVX2, so the portable scanner is compared with itself"
        );
    }
    scanners
}

/// Scans `text`, of which the first pieces are as long as `cuts` say, and the end is filled up with spaces.
fn scan_in_pieces(scanner: Scanner, text: &[u8], cuts: &[usize]) -> (Option<usize>, ElementScan) {
    let mut scan = ElementScan::new(10);
    let mut at_hand = 0;
    for cut in cuts {
        at_hand = text.len().min(at_hand + cut);
        if let Some(end) = scanner.advance(&mut scan, &text[..at_hand]) {
            return (Some(end), scan);
        }
    }
    let padded = [text, &[b' '; BLOCK]].concat();
    (scanner.advance(&mut scan, &padded), scan)
}

fn byte_of_json() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => prop::sample::select(&b"\"\\{}[]:"[..]),
        2 => prop::sample::select(&b" ,azAZ09;[{|}~\x1b\x1d"[..]),
        1 => any::<u8>(),
    ]
}

fn bytes_of_json(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => prop::collection::vec(byte_of_json(), 1..20),
        1 => Just(b"\"eventSource\":".to_vec()),
        1 => Just(b"\"responseElements\":".to_vec()),
        1 => Just(b"\"eventSource\" :".to_vec()),
        1 => prop::collection::vec(Just(b'\\'), 1..70),
        2 => prop::collection::vec(Just(b'x'), 1..200),
    ];
    prop::collection::vec(word, length).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn all_scanners_see_the_same_characters(bytes in prop::collection::vec(byte_of_json(), BLOCK)) {
        let block = bytes.first_chunk().unwrap();
        let masks = plain_masks(block);
        prop_assert_eq!(portable::masks_of(block), masks);
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = avx2::Avx2::detect() {
            prop_assert_eq!(avx2.masks_of(block), masks);
            prop_assert_eq!(avx2.prefix_xor(masks.quotes), portable::prefix_xor(masks.quotes));
        }
    }

    #[test]
    fn any_bytes_are_scanned_alike_however_they_are_cut(
        bytes in bytes_of_json(0..60),
        cuts in prop::collection::vec(0_usize..150, 0..20),
    ) {
        let text = [b"{", &bytes[..]].concat();
        let [portable, fast] = [Scanner::Portable, Scanner::detect()];
        let in_pieces = scan_in_pieces(portable, &text, &cuts);
        prop_assert_eq!(&scan_in_pieces(fast, &text, &cuts), &in_pieces);
        prop_assert_eq!(&scan_in_pieces(fast, &text, &[]), &in_pieces);
    }

    #[test]
    fn the_end_and_the_depth_are_those_found_byte_by_byte(bytes in bytes_of_json(0..60)) {
        let text = [b"{", &bytes[..]].concat();
        let expected = plain_end(&text);
        for scanner in scanners() {
            let (end, scan) = scan_in_pieces(scanner, &text, &[]);
            prop_assert_eq!(end, expected.map(|(end, _)| end));
            if let Some((_, deepest)) = expected {
                prop_assert_eq!(scan.is_too_deep(), deepest > 10);
            }
        }
    }
}

fn sightings(record: &str) -> Vec<(Sighting, Sighting)> {
    let scan = |scanner| {
        let (end, scan) = scan_in_pieces(scanner, record.as_bytes(), &[]);
        assert_eq!(end, Some(record.len()), "{record}");
        (scan.event_source(), scan.response_elements())
    };
    scanners().into_iter().map(scan).collect()
}

#[test]
fn a_records_own_members_are_sighted_wherever_they_stand_in_a_block() {
    for padding in 0..2 * BLOCK {
        let before = format!(
            "{{\"a\":[{{\"eventSource\":1}},\"{}\"],",
            "{".repeat(padding)
        );
        let record = format!("{before}\"eventSource\":\"x\",\"b\":{{\"responseElements\":2}}}}");
        let at = Sighting::At(before.len() + EVENT_SOURCE.len() + 1);
        for seen in sightings(&record) {
            assert_eq!(seen, (at, Sighting::Unseen), "{record}");
        }
        let record = format!("{before}\"responseElements\":null,\"eventSource\" :2}}");
        let at = Sighting::At(before.len() + RESPONSE_ELEMENTS.len() + 1);
        for seen in sightings(&record) {
            assert_eq!(seen, (Sighting::Unseen, at), "{record}");
        }
    }
}

#[test]
fn a_member_written_twice_is_left_to_the_parser() {
    for seen in sightings(r#"{"eventSource":1,"responseElements":{},"eventSource":2}"#) {
        assert!(matches!(seen, (Sighting::Repeated, Sighting::At(_))));
    }
}

#[test]
fn odd_spelling_is_noticed() {
    let is_odd = |record: &str| {
        let odd = scanners().into_iter().map(|scanner| {
            let (_, scan) = scan_in_pieces(scanner, record.as_bytes(), &[]);
            scan.is_spelled_oddly(record.as_bytes())
        });
        let odd: Vec<bool> = odd.collect();
        assert_eq!(odd[0], odd[1]);
        odd[0]
    };
    for record in [
        r#"{"event\u0053ource":1}"#,
        r#"{"a":"sts\u002eamazonaws.com"}"#,
        r#"{"a" :1}"#,
        "{\"a\"\n:1}",
    ] {
        assert!(is_odd(record), "{record}");
    }
    for record in [
        r#"{"a": 1}"#,
        r#"{"a":"\u00e9\n\" :\\"}"#,
        "{\"a\":\n{}}",
        r#"{"a":"u0053"}"#,
        r#"{"a":"\u0"}"#,
    ] {
        assert!(!is_odd(record), "{record}");
    }
}

#[test]
fn depth_is_counted_however_deep() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for scanner in scanners() {
        let (end, scan) = scan_in_pieces(scanner, deep.as_bytes(), &[]);
        assert_eq!(end, Some(400_000));
        assert!(scan.is_too_deep());
        for (depth, is_too_deep) in [(10, false), (11, true)] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let (_, scan) = scan_in_pieces(scanner, nested.as_bytes(), &[]);
            assert_eq!(scan.is_too_deep(), is_too_deep, "{depth}");
        }
    }
}

#[test]
fn plain_characters_can_only_be_escaped_by_number() {
    for (json, expected) in [
        (r"\u0073", true),
        (r"\u002E", true),
        (r"\u00e9\u0041", true),
        (r"\u00e9", false),
        (r"\u0009", false),
        (r"\u003", true),
        (r"\u00", false),
        (r"\n\\\/", false),
    ] {
        assert_eq!(
            escapes_plain_characters(json.as_bytes()),
            expected,
            "{json}"
        );
    }
}
