//! Makes the lake: 36 hours that are linked, and the fragments of the hour after them.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::{Condition, Metadata, list_all};
use trailback_sessions::{Issuance, LOOK_BACK_HOURS, Session, Timestamp, table_order};
use trailback_simulator::Plan;
use trailback_tables::manifest::{Manifest, PartitionState};
use trailback_tables::partition::{
    DataKey, Day, DayPart, EventHour, FragmentKey, manifest_key, parse_manifest_key,
};
use trailback_tables::{
    Table, decode_data_object, decode_fragment, encode_data_object, encode_fragment,
};

use crate::Failure;
use crate::copies::Copy;
use crate::simulated;

/// How many calls an hour are simulated; more are copies.
const SIMULATED_AN_HOUR: u64 = 10_000;

/// How long a day is simulated: its last hours are thin in long stories, and left out.
const SIMULATED_HOURS: u64 = 30;

/// How many rows a fragment has at most: as many as extraction holds before it writes them.
const FRAGMENT_ROWS: usize = 32_768;

const TABLE: Table = Table::Sessions;

/// Makes the lake of an organisation. Of the hours before the last, so many have all copies.
#[expect(clippy::print_stdout, reason = "a benchmark prints")]
pub(crate) async fn lake(folder: &Path, sessions_a_day: u64, behind: i64) -> Result<(), Failure> {
    let an_hour = sessions_a_day.div_ceil(24);
    let copies = an_hour.div_ceil(SIMULATED_AN_HOUR) as usize;
    let partial = folder.with_extension("partial");
    let lake = Lake::in_folder(&partial, Access::Write).await?;
    let day = Plan {
        calls: (an_hour * SIMULATED_HOURS).div_ceil(copies as u64),
        sts_share: 1.0,
        duration: SIMULATED_HOURS as i64 * 3_600,
        ..Plan::organisation(7)
    };
    let next_day = Plan {
        seed: 10,
        start: day.start + 24 * 3_600,
        ..day
    };
    let first = EventHour::of(Timestamp(day.start * 1_000));
    let last = first.plus(LOOK_BACK_HOURS);
    simulated::extract_into(&lake, &day).await?;
    take_fragments(&lake, first.plus(24)).await?;
    simulated::extract_into(&lake, &next_day).await?;
    let of_last_hour = take_fragments(&lake, last).await?;
    let options = LinkOptions {
        // Hours that are copied are data objects of their own.
        day_object_rows: match copies {
            1 => LinkOptions::default().day_object_rows,
            _ => 1,
        },
        ..LinkOptions::default()
    };
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    link(&lake, &options, &silent).await?;
    if copies > 1 {
        for listed in list_all(lake.store(), TABLE.manifests_prefix()).await? {
            let day = parse_manifest_key(&listed.key)?.1;
            copy_day(&lake, day, last.plus(-behind), copies).await?;
        }
    }
    put_fragments(&lake, last, &of_last_hour, copies).await?;
    drop(lake);
    std::fs::rename(partial, folder)?;
    println!("made: {copies} times two days of {} calls", day.calls);
    Ok(())
}

/// Takes from a lake what comes from an hour on; gives the rows of the hour.
async fn take_fragments(lake: &Lake, hour: EventHour) -> Result<Vec<Issuance>, Failure> {
    let mut rows = Vec::new();
    for listed in list_all(lake.store(), TABLE.fragments_prefix()).await? {
        let Ok(key) = listed.key.parse::<FragmentKey>() else {
            continue;
        };
        if key.hour < hour {
            continue;
        }
        if key.hour == hour {
            let content = lake.store().get(&listed.key).await?.bytes().await?;
            rows.append(&mut decode_fragment(content)?);
        }
        for outcome in lake.store().delete(&[listed.key]).await {
            outcome?;
        }
    }
    Ok(rows)
}

/// Gives a day's data objects copies of their rows. What is recorded of its hours stays but for the number of rows: it tells
/// of the fragments that the rows were made of, which stay too.
async fn copy_day(
    lake: &Lake,
    day: Day,
    first_copied: EventHour,
    copies: usize,
) -> Result<(), Failure> {
    let key = manifest_key(TABLE, day);
    let object = lake.store().get(&key).await?;
    let etag = object.meta.etag.clone();
    let mut state = PartitionState::from_metadata(&object.meta.metadata)?;
    let text = object.bytes().await?;
    let manifest = Manifest::from_text(std::str::from_utf8(&text)?, lake.base())?;
    let mut objects = Vec::new();
    for object in manifest.objects() {
        let DayPart::Hour(hour_of_day) = object.part else {
            return Err("a day that is one object cannot be copied".into());
        };
        if (EventHour { day, hour_of_day }) < first_copied {
            objects.push(object.clone());
            continue;
        }
        let name = object.to_string();
        let content = lake.store().get(&name).await?.bytes().await?;
        let (content, row_count) = copied(&decode_data_object::<Session>(content)?, copies)?;
        let copy = DataKey::of(TABLE, day, object.part, &content);
        put(lake, &copy.to_string(), content).await?;
        for outcome in lake.store().delete(&[name]).await {
            outcome?;
        }
        if let Some(of_hour) = &mut state.hours[usize::from(hour_of_day)] {
            of_hour.row_count = row_count as u32;
        }
        objects.push(copy);
    }
    let text = Manifest::new(objects)?.to_text(lake.base());
    let condition = Condition::IfMatches(etag);
    let put = lake
        .store()
        .put(&key, text.into(), condition, state.to_metadata());
    put.await?;
    Ok(())
}

fn copied(rows: &[Session], copies: usize) -> Result<(Bytes, usize), Failure> {
    let of_copy = |number: usize| {
        let copy = Copy::number(number);
        rows.iter().map(move |row| copy.of_session(row))
    };
    let mut all: Vec<Session> = (0..copies).flat_map(of_copy).collect();
    all.sort_unstable_by(table_order);
    Ok((encode_data_object(&all)?.into(), all.len()))
}

async fn put_fragments(
    lake: &Lake,
    hour: EventHour,
    rows: &[Issuance],
    copies: usize,
) -> Result<(), Failure> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|place| rows[*place].record.event_time);
    let per_fragment = (FRAGMENT_ROWS / copies).max(1);
    for places in places.chunks(per_fragment) {
        let copies: Vec<Copy> = (0..copies).map(Copy::number).collect();
        let of_copy = |copy: &Copy| -> Vec<Issuance> {
            places
                .iter()
                .map(|place| copy.of_issuance(&rows[*place]))
                .collect()
        };
        let content = encode_fragment(&copies.iter().flat_map(of_copy).collect::<Vec<_>>())?;
        let key = FragmentKey::of(TABLE, hour, &content);
        put(lake, &key.to_string(), content.into()).await?;
    }
    Ok(())
}

async fn put(lake: &Lake, key: &str, content: Bytes) -> Result<(), Failure> {
    let put = lake
        .store()
        .put(key, content, Condition::IfAbsent, Metadata::new());
    put.await?;
    Ok(())
}

/// Forgets that the newest hour was linked.
pub(crate) async fn forget_last_hour(lake: &Lake) -> Result<(), Failure> {
    let manifests = list_all(lake.store(), TABLE.manifests_prefix()).await?;
    let Some(newest) = manifests.last() else {
        return Err("no manifests".into());
    };
    let object = lake.store().get(&newest.key).await?;
    let etag = object.meta.etag.clone();
    let mut state = PartitionState::from_metadata(&object.meta.metadata)?;
    let text = object.bytes().await?;
    let built = state.hours.iter_mut().rev().flatten().next();
    let hour = built.ok_or("no hours")?;
    hour.inputs = hour.link_id;
    let put = lake.store().put(
        &newest.key,
        text,
        Condition::IfMatches(etag),
        state.to_metadata(),
    );
    put.await?;
    Ok(())
}
