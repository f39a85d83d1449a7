//! Memory that linking takes for every session it looks back on.
//!
//! `cargo bench -p trailback-pipeline --bench look_back [-- SESSIONS]` makes two lakes in temporary folders, with
//! SESSIONS (250,000 unless said otherwise) and four times as many sessions in 36 hours, links them, opens them anew,
//! adds an hour of 1,000 calls made with sessions from all over these 36 hours, and links that hour. What the program
//! has allocated at the peak of that run, less what it had before, grows with what lies behind the hour; the growth
//! from one lake to the other, divided by the sessions that the second has more, is the figure.
//!
//! The hour is the first of its day, so that publishing it touches no other. A second table is of the hour at noon: its
//! day is one data object where it has fewer than 250,000 rows, which is then read, and written, whole.

use std::sync::Arc;

use peak_alloc::PeakAlloc;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::{Condition, Metadata};
use trailback_sessions::{Issuance, LOOK_BACK_HOURS, Timestamp};
use trailback_tables::partition::{EventHour, FragmentKey};
use trailback_tables::{Table, encode_fragment};

#[path = "../../sessions/benches/link/calls.rs"]
mod calls;

use calls::{Calls, Dice, START_MS};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

type Failure = Box<dyn std::error::Error>;

const SESSIONS: usize = 250_000;
const HOUR_MS: i64 = 3_600_000;

/// How many calls the hour has that is measured.
const CALLS: usize = 1_000;

#[expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]
fn main() -> Result<(), Failure> {
    let sessions = std::env::args().find_map(|argument| argument.parse().ok());
    let sessions = sessions.unwrap_or(SESSIONS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for (hour_of_day, name) in [(0, "first hour of a day"), (12, "hour at noon")] {
        println!("{name}");
        let mut peaks = Vec::new();
        for behind in [sessions, 4 * sessions] {
            let peak = runtime.block_on(measure(behind, hour_of_day))?;
            println!("{behind:>12} sessions behind {peak:>12} bytes at the peak");
            peaks.push(peak as f64);
        }
        let per_session = (peaks[1] - peaks[0]) / (3 * sessions) as f64;
        println!("{per_session:>12.1} bytes per session looked back on");
    }
    Ok(())
}

/// The bytes that linking one hour allocates at its peak, with so many sessions behind it.
async fn measure(behind: usize, hour_of_day: i64) -> Result<usize, Failure> {
    let room = tempfile::tempdir()?;
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let options = LinkOptions::default();
    let hour = EventHour::of(Timestamp(START_MS + (48 + hour_of_day) * HOUR_MS));
    {
        let lake = Lake::in_folder(room.path(), Access::Write).await?;
        let parents = fill(&lake, hour, behind).await?;
        link(&lake, &options, &silent).await?;
        put_fragment(&lake, hour, &made_by(hour, behind, &parents)).await?;
    }
    let lake = Lake::in_folder(room.path(), Access::Write).await?;
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let linked = link(&lake, &options, &silent).await?;
    let peak = ALLOCATED.peak_usage();
    assert_eq!(linked.sessions.rows_linked, CALLS as u64);
    Ok(peak - before)
}

/// Writes the fragments of the hours before `hour`; gives some of their rows.
async fn fill(lake: &Lake, hour: EventHour, behind: usize) -> Result<Vec<Issuance>, Failure> {
    let calls = Calls::new();
    let first = hour.plus(-LOOK_BACK_HOURS);
    let per_hour = behind / LOOK_BACK_HOURS as usize;
    let mut parents = Vec::new();
    for place in 0..LOOK_BACK_HOURS {
        let hour = first.plus(place);
        let number = |row: usize| place as usize * per_hour + row;
        let at = |row: usize| hour.start().0 + (row * 3_600 / per_hour) as i64 * 1_000;
        let rows: Vec<Issuance> = (0..per_hour)
            .map(|row| calls.assume_role(number(row), Timestamp(at(row))))
            .collect();
        put_fragment(lake, hour, &rows).await?;
        parents.extend(rows.into_iter().step_by(behind / CALLS));
    }
    Ok(parents)
}

/// The calls of the hour that is measured, half of them by keys that were never logged.
fn made_by(hour: EventHour, behind: usize, parents: &[Issuance]) -> Vec<Issuance> {
    let calls = Calls::new();
    let mut dice = Dice::default();
    let call = |place| {
        let mut row = calls.assume_role(behind + place, hour.start());
        let parent = &parents[dice.below(parents.len())];
        calls.make_by(&mut row, parent, place % 2 == 0);
        row
    };
    (0..CALLS).map(call).collect()
}

async fn put_fragment(lake: &Lake, hour: EventHour, rows: &[Issuance]) -> Result<(), Failure> {
    let content = encode_fragment(rows)?;
    let key = FragmentKey::of(Table::Sessions, hour, &content).to_string();
    let none = Metadata::new();
    lake.store()
        .put(&key, content.into(), Condition::IfAbsent, none)
        .await?;
    Ok(())
}
