//! Object keys, CloudTrail's and our own, and moments: what is read is in the text, rooms agree on it, and what we write we read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailback_cloudtrail::digest::DigestName;
use trailback_cloudtrail::object_key::{classify, delivered_at};
use trailback_cloudtrail::{Day, Hour, ObjectKind, Timestamp};
use trailback_fuzz as _;
use trailback_tables::partition::{self, DataKey, FragmentKey};

fuzz_target!(|key: &str| {
    check_kind(key);
    check_moments(key);
    if let Ok(read) = key.parse::<FragmentKey>() {
        assert_eq!(read.to_string(), key);
    }
    if let Ok(read) = key.parse::<DataKey>() {
        assert_eq!(read.to_string(), key);
        assert_eq!(read.next_copy().to_string().parse(), Ok(read.next_copy()));
    }
    if let Ok(day) = key.parse::<partition::Day>() {
        assert_eq!(day.to_string(), key);
        assert_eq!(partition::Day::of(day.start()), day);
    }
});

fn check_kind(key: &str) {
    let kind = classify(key);
    match kind {
        ObjectKind::LogObject(log_object) => {
            assert_eq!(log_object.delivered_at, delivered_at(key));
            let is_in_key = |part: &str| !part.is_empty() && key.contains(part);
            assert!(is_in_key(log_object.account_id) && is_in_key(log_object.region));
            assert!(log_object.organization_id.is_none_or(is_in_key));
        }
        ObjectKind::OtherJson => assert!(key.contains(".json") || key.contains("json")),
        _ => {}
    }
    // What else lies before it in folders says nothing of a file whose name tells.
    let file = key.rsplit('/').next().unwrap_or_default();
    if matches!(classify(file), ObjectKind::Digest) {
        assert_eq!(kind, ObjectKind::Digest);
    }
    if let Some(name) = DigestName::read(key) {
        assert!(
            file.contains(&*name.account_id)
                && file.contains(&*name.region)
                && file.contains(&*name.trail)
        );
        assert_eq!(Some(name), DigestName::read(file));
    }
}

fn check_moments(text: &str) {
    if let Some(moment) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(Hour::parse(&moment.hour().to_string()), Some(moment.hour()));
        assert_eq!(Day::parse(&moment.day().to_string()), Some(moment.day()));
        assert!(moment.hour().start() <= moment && moment.day().start() <= moment);
    }
    if let Some(hour) = Hour::parse(text) {
        assert_eq!(hour.to_string(), text);
    }
    if let Some(day) = Day::parse(text) {
        assert_eq!(day.to_string(), text);
    }
}
