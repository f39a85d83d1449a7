//! Measures the built function on many sessions, between a Runtime API and an S3 server on loopback.
//!
//! `cargo bench -p trailback-function-link -- [CALLS [HOURS]]` (1,000,000 calls in 24 hours, all records of issuing services,
//! unless said otherwise; 4,200,000 in one hour are an hour of an organisation of 100 million a day). The server runs in this
//! process and shares the machine's cores with the function. Three runs are told: one that builds all of it, one that has
//! nothing to do, and one after a late record in the first hour.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use trailback_harness::deployment::{BASE, Deployment};
use trailback_harness::runtime_api::Answer;
use trailback_harness::usage::Usage;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::store::memory::MemoryStore;
use trailback_simulator::Plan;

#[path = "hour/simulated.rs"]
mod simulated;

type Failure = Box<dyn std::error::Error>;

const TIMEOUT: Duration = Duration::from_secs(3_600);

/// Where the fragments of sessions lie.
const FRAGMENTS: &str = "sessions/fragments/";

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let calls = arguments
        .next()
        .map_or(Ok(1_000_000), |word| word.parse())?;
    let hours = arguments.next().map_or(Ok(24), |word| word.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(calls, hours))
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure(calls: u64, hours: i64) -> Result<(), Failure> {
    let mut lake = extracted(calls, hours).await?;
    let first = lake.keys().find(|key| key.starts_with(FRAGMENTS)).cloned();
    let first = first.ok_or("no fragments")?;
    let late = lake.remove(&first).ok_or("no fragment")?;
    let megabytes = lake.values().map(|object| object.len() as u64).sum::<u64>() / 1_000_000;
    println!(
        "{calls} calls in {hours} hours: {} objects of the lake, {megabytes} MB",
        lake.len()
    );
    let mut room = Deployment::of(
        env!("CARGO_BIN_EXE_trailback-link"),
        // As deployed.
        &[
            ("TRAILBACK_S3_ATTEMPTS", "8"),
            ("MIMALLOC_PURGE_DELAY", "0"),
        ],
    );
    room.put_lake(&lake);
    drop(lake);
    run(&mut room, "all of it").await?;
    run(&mut room, "nothing new").await?;
    room.put_lake(&BTreeMap::from([(first, late)]));
    run(&mut room, "a late fragment in the first hour").await
}

/// A lake with everything extracted and nothing linked.
async fn extracted(calls: u64, hours: i64) -> Result<BTreeMap<String, Bytes>, Failure> {
    let plan = Plan {
        calls,
        sts_share: 1.0,
        duration: hours * 3_600,
        ..Plan::organisation(7)
    };
    let store = Arc::new(MemoryStore::new());
    let lake = Lake::in_store(Arc::clone(&store) as _, BASE, Access::Write).await?;
    simulated::extract_into(&lake, &plan).await?;
    let objects = store.objects().into_iter();
    Ok(objects.map(|(key, (content, _))| (key, content)).collect())
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn run(room: &mut Deployment, name: &str) -> Result<(), Failure> {
    room.function
        .start()
        .await
        .map_err(|status| format!("ended: {status}"))?;
    room.s3.clear_plan();
    let start = Instant::now();
    let answer = room.function.invoke(&Value::Null, TIMEOUT).await;
    let time = start.elapsed();
    let Answer::Response(response) = &answer else {
        return Err(format!("{answer:?}: {:#?}", room.lines().await).into());
    };
    let usage = room
        .function
        .process_id()
        .map(Usage::of)
        .unwrap_or_default();
    let counts =
        ["GetObject", "PutObject", "ListObjectsV2"].map(|operation| room.s3.count(operation));
    println!(
        "  {name}: {time:.1?}, {:.1?} CPU, {} requests ({} GET, {} PUT, {} LIST), peak {} MB: {response}",
        usage.cpu,
        room.s3.requests().len(),
        counts[0],
        counts[1],
        counts[2],
        usage.peak_bytes / 1_000_000,
    );
    // Each run in a process of its own, so that its memory is its own.
    room.function.stop().await;
    Ok(())
}
