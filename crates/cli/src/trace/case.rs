//! Gathers what a case report tells beside the chain: what else the origin held, candidates, and what was searched.

use std::collections::BTreeMap;

use trailback_pipeline::find::{FindError, OfOrigin, TimeRange, of_origin, with_event_ids};
use trailback_pipeline::lake::Lake;
use trailback_pipeline::searched::searched;
use trailback_sessions::{LOOK_BACK_MS, Session, Text, Timestamp};

use crate::render::report::Case;
use crate::render::words;

/// How far around the chain its origin's other sessions are looked for, in milliseconds: a day.
const AROUND_MS: i64 = 24 * 3_600_000;

/// How far at first, so that a service with thousands of sessions an hour does not have to be read for days: an hour.
const NEAR_MS: i64 = 3_600_000;

/// How far where even that is too much, in milliseconds: five minutes.
const CLOSE_MS: i64 = 5 * 60_000;

/// With so many sessions near the chain, no more are looked for.
const NEAR_ENOUGH: usize = 300;

/// How many of an origin's sessions are read.
const OF_ORIGIN_MAX: usize = 2_000;

/// How many candidates are looked up…
const CANDIDATES_MAX: usize = 2_000;

/// …and how many of them are shown.
const CANDIDATES_SHOWN: usize = 50;

/// Completes a case that has its chain. `period` is the time that was asked for; where none was, it is the chain's own with a day
/// around it.
pub(super) async fn gather(lake: &Lake, case: Case, period: &TimeRange) -> Result<Case, FindError> {
    let (window, of_origin) = what_else(lake, &case.hops, period).await?;
    Ok(Case {
        candidates: candidates(lake, &case.hops).await?,
        searched: searched(lake, &window.days()).await?,
        of_origin,
        window,
        ..case
    })
}

/// What else the origin held, and in which time that was looked for.
async fn what_else(
    lake: &Lake,
    hops: &[Session],
    period: &TimeRange,
) -> Result<(TimeRange, OfOrigin), FindError> {
    let Some(last) = hops.last() else {
        return Ok((*period, OfOrigin::default()));
    };
    if *period != TimeRange::default() {
        let found = of_origin(lake, &last.origin, period, OF_ORIGIN_MAX).await?;
        return Ok((*period, found));
    }
    let near = around(hops, NEAR_MS);
    let found = of_origin(lake, &last.origin, &near, OF_ORIGIN_MAX).await?;
    if found.is_cut {
        let close = around(hops, CLOSE_MS);
        let found = of_origin(lake, &last.origin, &close, OF_ORIGIN_MAX).await?;
        return Ok((close, found));
    }
    if found.sessions.len() >= NEAR_ENOUGH {
        return Ok((near, found));
    }
    let window = around(hops, AROUND_MS);
    let found = of_origin(lake, &last.origin, &window, OF_ORIGIN_MAX).await?;
    Ok((window, found))
}

/// The time from the first hop to the subject, and some before and after.
fn around(hops: &[Session], margin_ms: i64) -> TimeRange {
    let time = |session: Option<&Session>| {
        session.map_or(0, |session| session.issuance.record.event_time.0)
    };
    TimeRange {
        since: Some(Timestamp(time(hops.first()).saturating_sub(margin_ms))),
        until: Some(Timestamp(time(hops.last()).saturating_add(margin_ms))),
    }
}

/// The rows of what fits each hop, where that is more than one. Where there are too many, those of each origin come first: whoever
/// fills a second with issuances must not crowd out another's.
async fn candidates(lake: &Lake, hops: &[Session]) -> Result<Vec<Session>, FindError> {
    let ids = words::candidates(hops);
    let ids: Vec<Text> = ids.into_iter().take(CANDIDATES_MAX).cloned().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let range = around(hops, LOOK_BACK_MS);
    let candidates = with_event_ids(lake, &ids, &range).await?;
    Ok(some_of_each_origin(candidates, CANDIDATES_SHOWN))
}

/// As many rows as there is room for, one of each origin before a second of any, in the order of time.
fn some_of_each_origin(mut rows: Vec<Session>, rows_max: usize) -> Vec<Session> {
    if rows.len() > rows_max {
        let mut seen = BTreeMap::<String, usize>::new();
        rows.sort_by_cached_key(|row| {
            let of_origin = seen.entry(words::named_origin(row)).or_default();
            *of_origin += 1;
            *of_origin
        });
        rows.truncate(rows_max);
        rows.sort_by_key(|row| row.issuance.record.event_time);
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::some_of_each_origin;
    use crate::render::stories;
    use crate::render::words::named_origin;

    #[test]
    fn whoever_has_many_issuances_does_not_crowd_out_another() {
        let issued = |number| {
            let mut row = stories::issued(number, "09:00:00", "111122223333", "jump", "x");
            let mut origin = stories::anna();
            origin.name = stories::text(if number == 60 { "bob" } else { "anna.berg" });
            row.origin = Arc::new(origin);
            row
        };
        let rows: Vec<_> = (0..61).map(issued).collect();
        let shown = some_of_each_origin(rows, 50);
        assert_eq!(shown.len(), 50);
        assert!(shown.iter().any(|row| named_origin(row).contains("bob")));
    }
}
