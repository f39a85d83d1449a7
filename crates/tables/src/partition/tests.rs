//! Names that are read back as they were written, and names that are refused.

use proptest::prelude::*;

use super::*;

fn hour() -> EventHour {
    EventHour {
        day: "2026-11-20".parse().unwrap(),
        hour_of_day: 5,
    }
}

#[test]
fn names_are_those_of_the_contract() {
    let sha = sha256_hex(b"rows");
    assert_eq!(
        FragmentKey::of(Table::Sessions, hour(), b"rows").to_string(),
        format!("sessions/fragments/dt=2026-11-20/hour=05/{sha}.parquet"),
    );
    let key = DataKey::of(Table::Sessions, hour().day, DayPart::Hour(5), b"rows");
    assert_eq!(
        key.to_string(),
        format!("sessions/data/dt=2026-11-20/05-{}.parquet", &sha[..16]),
    );
    assert_eq!(
        key.next_copy().to_string(),
        format!("sessions/data/dt=2026-11-20/05-{}-2.parquet", &sha[..16]),
    );
    let key = DataKey::of(Table::Sessions, hour().day, DayPart::Whole, b"rows");
    assert_eq!(
        key.to_string(),
        format!("sessions/data/dt=2026-11-20/day-{}.parquet", &sha[..16]),
    );
    assert_eq!(
        manifest_key(Table::Sessions, hour().day),
        "sessions/table/dt=2026-11-20/symlink.txt"
    );
    let key = FragmentKey::of(Table::LogObjects, hour(), b"rows");
    assert_eq!(
        key.to_string(),
        format!("log_objects/fragments/dt=2026-11-20/hour=05/{sha}.parquet"),
    );
    assert_eq!(Table::LogObjects.manifests_prefix(), "log_objects/table/");
}

#[test]
fn a_name_of_something_else_is_refused_with_its_reason() {
    let sha = "0".repeat(64);
    for (key, reason) in [
        (
            "sessions/fragments/dt=2026-02-30/hour=05/x.parquet".to_owned(),
            "dt=YYYY-MM-DD",
        ),
        (
            "sessions/fragments/dt=2026-02-03/hour=5/x.parquet".to_owned(),
            "hour=00",
        ),
        (
            "sessions/fragments/dt=2026-02-03/hour=24/x.parquet".to_owned(),
            "hour=00",
        ),
        (
            "sessions/fragments/dt=2026-02-03/hour=05/x.parquet".to_owned(),
            "SHA-256",
        ),
        (
            format!("sessions/fragments/dt=2026-02-03/hour=05/{sha}.parquet/x"),
            "SHA-256",
        ),
        ("elsewhere".to_owned(), "prefix"),
        (
            format!("session/fragments/dt=2026-02-03/hour=05/{sha}.parquet"),
            "prefix",
        ),
        (
            format!("log_objects/data/dt=2026-02-03/hour=05/{sha}.parquet"),
            "prefix",
        ),
    ] {
        let error = key.parse::<FragmentKey>().unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(&key), "{error}");
    }
    for name in [
        "day",
        "25-0123456789abcdef",
        "day-0123456789ABCDEF",
        "day-0123456789abcdef-1",
        "day-0123456789abcdef-02",
    ] {
        let key = format!("sessions/data/dt=2026-02-03/{name}.parquet");
        assert!(key.parse::<DataKey>().is_err(), "{key}");
    }
    assert!(parse_manifest_key("sessions/table/dt=2026-02-03/symlink.txt.tmp").is_err());
}

#[test]
fn days_before_1970_and_leap_days_have_their_dates() {
    assert_eq!(Day::of(Timestamp(-1)).to_string(), "1969-12-31");
    assert_eq!(
        Day::of(Timestamp(951_782_400_000)).to_string(),
        "2000-02-29"
    );
    assert_eq!(Day::RANGE.start().to_string(), "0000-01-01");
    assert_eq!(Day::RANGE.end().to_string(), "9999-12-31");
    assert_eq!(Day::of(Timestamp(i64::MAX)), *Day::RANGE.end());
    assert_eq!(EventHour::of(Timestamp(-1)).to_string(), "1969-12-31T23");
    assert_eq!(EventHour::of(Timestamp(i64::MIN)), first_hour());
    assert_eq!(EventHour::of(Timestamp(i64::MAX)), last_hour());
}

fn first_hour() -> EventHour {
    EventHour {
        day: *Day::RANGE.start(),
        hour_of_day: 0,
    }
}

fn last_hour() -> EventHour {
    EventHour {
        day: *Day::RANGE.end(),
        hour_of_day: 23,
    }
}

/// Any hour of any day that has a name, more often than not one at either end.
fn any_hour() -> impl Strategy<Value = EventHour> {
    let (first, last) = (Day::RANGE.start().number, Day::RANGE.end().number);
    let number = prop_oneof![first..first + 3, last - 2..=last, first..=last];
    (number, 0..24_u8).prop_map(|(number, hour_of_day)| EventHour {
        day: Day { number },
        hour_of_day,
    })
}

proptest! {
    #[test]
    fn a_day_is_what_its_text_says(number in Day::RANGE.start().number..=Day::RANGE.end().number) {
        let day = Day { number };
        prop_assert_eq!(day.to_string().parse(), Ok(day));
        prop_assert_eq!(day.to_string().len(), 10);
        prop_assert_eq!(Day::of(day.start()), day);
    }

    #[test]
    fn days_follow_each_other(number in Day::RANGE.start().number..Day::RANGE.end().number) {
        let day = Day { number };
        prop_assert!(day.to_string() < day.plus(1).to_string());
    }

    #[test]
    fn an_hour_holds_its_moments(ms in -62_167_219_200_000_i64..253_402_300_800_000) {
        let hour = EventHour::of(Timestamp(ms));
        prop_assert!((hour.start().0..hour.start().0 + HOUR_MS).contains(&ms));
    }

    #[test]
    fn hours_keep_the_order_of_their_moments(before: i64, after: i64) {
        let (before, after) = (before.min(after), before.max(after));
        prop_assert!(EventHour::of(Timestamp(before)) <= EventHour::of(Timestamp(after)));
    }

    #[test]
    fn hours_later_and_earlier_stay_in_their_order_and_in_the_range(
        hour in any_hour(),
        hours in prop_oneof![-100_i64..100, any::<i64>()],
    ) {
        let there = hour.plus(hours);
        prop_assert_eq!(there.cmp(&hour).is_lt(), hours < 0 && hour != first_hour());
        prop_assert_eq!(there.cmp(&hour).is_gt(), hours > 0 && hour != last_hour());
        prop_assert!((first_hour()..=last_hour()).contains(&there));
        let whole_way = (there.start().0 - hour.start().0) / HOUR_MS == hours;
        prop_assert!(whole_way || there == first_hour() || there == last_hour());
    }

    #[test]
    fn keys_come_back_from_their_names(table in proptest::sample::select(&Table::ALL), ms in 0_i64..4_000_000_000_000, whole: bool, copies in 0..3, bytes in proptest::collection::vec(any::<u8>(), 0..4)) {
        let hour = EventHour::of(Timestamp(ms));
        let fragment = FragmentKey::of(table, hour, &bytes);
        prop_assert!(fragment.names(&bytes) && !fragment.names(b"other"));
        prop_assert_eq!(fragment.to_string().parse(), Ok(fragment));
        let part = if whole { DayPart::Whole } else { DayPart::Hour(hour.hour_of_day) };
        let mut data = DataKey::of(table, hour.day, part, &bytes);
        for _ in 0..copies {
            data = data.next_copy();
        }
        prop_assert!(data.names(&bytes) && !data.names(b"other"));
        prop_assert_eq!(data.to_string().parse(), Ok(data));
        prop_assert_eq!(parse_manifest_key(&manifest_key(table, hour.day)), Ok((table, hour.day)));
    }
}
