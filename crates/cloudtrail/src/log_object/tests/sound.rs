//! How far the records of damaged gzip data may be believed.

use super::*;

#[test]
fn damaged_gzip_keeps_the_records_before_the_damage() {
    let ids: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
    let all: Vec<String> = ids.iter().map(|id| sts(id)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let packed = pack(records(&all).as_bytes());
    let outcome = read(&packed[..packed.len() / 2], &STS);
    assert!(
        outcome
            .failure()
            .starts_with("gzip data end too early, after")
    );
    assert!(outcome.ids().len() > 1000, "{}", outcome.ids().len());
    assert_eq!(outcome.ids(), ids[..outcome.ids().len()]);
    assert_eq!(outcome.reading.sound_records, outcome.reading.tally.records);

    let with_garbage = [&packed[..], b"garbage"].concat();
    let outcome = read(with_garbage, &STS);
    assert_eq!(outcome.ids(), ids);
    assert!(
        outcome.failure().ends_with("and something else follows"),
        "{}",
        outcome.failure()
    );

    let not_gzip = read(b"\x1f\x8bthis is not gzip at all", &STS);
    assert!(
        not_gzip
            .failure()
            .starts_with("gzip data are corrupt near byte")
    );
}

/// Flips the bits of a member's checksum, or of its length.
fn with_wrong_trailer(mut member: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = member.len() - from_end;
    member[at] ^= 0xff;
    member
}

#[test]
fn records_of_a_member_whose_checksum_or_length_is_wrong_are_not_sound() {
    let (sound, corrupt) = (
        records(&[&sts("1"), "null", &sts("2")]),
        records(&[&sts("3"), &sts("4")]),
    );
    for from_end in [8, 1] {
        let corrupt = with_wrong_trailer(pack(corrupt.as_bytes()), from_end);
        for (object, sound_records) in [
            (corrupt.clone(), 0),
            ([pack(sound.as_bytes()), corrupt].concat(), 3),
        ] {
            for select in [STS, Select::Nothing] {
                let outcome = read(&object, &select);
                assert_eq!(outcome.reading.sound_records, sound_records);
                assert_eq!(outcome.reading.tally.records, sound_records + 2);
                assert!(outcome.failure().contains("differs"));
            }
        }
    }
}

#[test]
fn a_record_across_two_members_is_sound_when_both_are() {
    let text = records(&[&sts("1"), &sts("2"), &sts("3")]);
    let (before, behind) = text.as_bytes().split_at(text.find("\"2\"").unwrap());
    let whole = [pack(before), pack(behind)].concat();
    assert_eq!(read(whole, &STS).reading.sound_records, 3);
    let corrupt = [pack(before), with_wrong_trailer(pack(behind), 8)].concat();
    let outcome = read(corrupt, &STS);
    assert_eq!(outcome.reading.sound_records, 1);
    assert_eq!(outcome.ids(), ["1", "2", "3"]);
}

#[test]
fn text_that_is_no_json_because_it_is_corrupt_costs_its_whole_member() {
    let many: Vec<String> = (0..5000).map(|n| sts(&n.to_string())).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = format!("{} and more", records(&many));
    let outcome = read(with_wrong_trailer(pack(text.as_bytes()), 8), &STS);
    assert_eq!(
        (outcome.reading.sound_records, outcome.ids().len()),
        (0, 5000)
    );
    assert!(outcome.failure().contains("the checksum differs"));
    // The member is as it was packed: nothing speaks against the records before the words.
    let outcome = read(pack(text.as_bytes()), &STS);
    assert_eq!(outcome.reading.sound_records, 5000);
    assert!(outcome.failure().starts_with("is not JSON"));
}

/// A member that is corrupt behind all of its text: no block has such a type.
fn with_no_block_behind(text: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::best());
    member.write_all(text).unwrap();
    member.flush().unwrap();
    [member.get_ref(), &[0b111; 32][..]].concat()
}

#[test]
fn what_is_told_of_a_corrupt_object_does_not_depend_on_those_read_before() {
    let many: Vec<String> = (0..9000).map(|n| sts(&n.to_string())).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let corrupt = with_no_block_behind(records(&many).as_bytes());
    let large = records(&[&format!("{{\"large\": \"{}\"}}", "x".repeat(1 << 20))]);
    let mut reader = LogObjectReader::new(Limits::default());
    let mut told = |object: &[u8]| {
        let reading = reader.read(object, &STS, &mut |_, _| {});
        let failure = reading.failure.map(|failure| failure.to_string());
        (reading.tally, failure)
    };
    let alone = told(&corrupt);
    assert!((1000..9000).contains(&alone.0.records));
    assert_eq!(told(large.as_bytes()).1, None);
    assert_eq!(told(&corrupt), alone);
}

proptest! {
    /// Members of any size, one of them corrupt: sound is exactly what lies before it.
    #[test]
    fn sound_records_are_those_that_end_before_the_corrupt_member(
        padding in prop::collection::vec(0_usize..400, 1..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        corrupt in any::<prop::sample::Index>(),
        window_bytes in 64_usize..2000,
    ) {
        let all: Vec<String> = padding.iter().enumerate()
            .map(|(n, spaces)| format!("{}{}", sts(&n.to_string()), " ".repeat(*spaces)))
            .collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let text = records(&all);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        ends.push(text.len());
        ends.sort_unstable();
        let corrupt = corrupt.index(ends.len());
        let (mut packed, mut begin) = (Vec::new(), 0);
        for (member, end) in ends.iter().enumerate() {
            let whole = pack(&text.as_bytes()[begin..*end]);
            packed.extend(if member == corrupt { with_wrong_trailer(whole, 8) } else { whole });
            begin = *end;
        }
        let sound_bytes = corrupt.checked_sub(1).map_or(0, |before| ends[before]);
        let expected = text[..sound_bytes].matches('}').count().min(all.len());
        let mut reader = LogObjectReader::with(Limits::default(), Scanner::detect(), window_bytes);
        let outcome = read_with(&mut reader, &packed[..], &STS);
        prop_assert_eq!(outcome.reading.sound_records, expected as u64);
    }
}
