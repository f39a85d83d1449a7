use trailback_tables::encode_fragment;
use trailback_tables::partition::EventHour;

use super::*;
use crate::store::{Condition, Metadata};
use crate::story::{memory_lake, minute};

async fn file(lake: &Lake, hour: EventHour, entries: &[LedgerEntry]) {
    let content = encode_fragment(entries).unwrap();
    let key = FragmentKey::of(Table::LogObjects, hour, &content).to_string();
    let put = lake
        .store()
        .put(&key, content.into(), Condition::IfAbsent, Metadata::new());
    put.await.unwrap();
}

fn read_at(minutes: i64, location: &str, etag: &str, outcome: LogObjectOutcome) -> LedgerEntry {
    LedgerEntry {
        location: location.into(),
        etag: Some(etag.into()),
        delivered_at: Some(minute(minutes)),
        outcome,
        ..LedgerEntry::default()
    }
}

#[tokio::test]
async fn what_was_read_is_known_by_day_of_delivery_before_anything_is_published() {
    use LogObjectOutcome::{Extracted, Failed};
    let (_, lake) = memory_lake().await;
    let today = EventHour::of(minute(0));
    file(
        &lake,
        today,
        &[
            read_at(0, "a", "1", Failed),
            read_at(1, "b", "1", Extracted),
        ],
    )
    .await;
    file(
        &lake,
        today,
        &[
            read_at(0, "a", "1", Extracted),
            read_at(0, "a", "2", Failed),
        ],
    )
    .await;
    let tomorrow = today.plus(24);
    file(&lake, tomorrow, &[read_at(24 * 60, "c", "1", Extracted)]).await;

    let of_today = known(&lake, today.day..=today.day).await.unwrap();
    let outcomes = |location: &str| {
        let known = of_today.get(location).map_or(&[][..], Vec::as_slice);
        known
            .iter()
            .map(|known| (known.etag.as_deref().unwrap(), known.outcome))
            .collect::<Vec<_>>()
    };
    assert_eq!(outcomes("a"), [("1", Extracted), ("2", Failed)]);
    assert_eq!(outcomes("b"), [("1", Extracted)]);
    assert_eq!(outcomes("c"), []);
    let of_both = known(&lake, today.day..=tomorrow.day).await.unwrap();
    assert_eq!(of_both.len(), 3);
}

#[tokio::test]
async fn a_damaged_ledger_fragment_is_named() {
    let (_, lake) = memory_lake().await;
    let hour = EventHour::of(minute(0));
    let key = FragmentKey::of(Table::LogObjects, hour, b"other").to_string();
    let put = lake
        .store()
        .put(&key, "spoilt".into(), Condition::Always, Metadata::new());
    put.await.unwrap();
    let failure = known(&lake, hour.day..=hour.day).await.unwrap_err();
    assert!(failure.to_string().contains(&key), "{failure}");
}
