//! Measures the built function between a Runtime API and an S3 server, both on loopback.
//!
//! `cargo bench -p trailback-function-extract`. The server runs in this process and shares the machine's cores with the
//! function, so the time of a batch is that of both; the function's own part is its CPU time. Log objects are those of a
//! simulated day, one in twenty records a call that hands out credentials.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use trailback_harness::deployment::{Deployment, TRAIL};
use trailback_harness::notices::{queued, s3_notification};
use trailback_harness::runtime_api::Answer;
use trailback_harness::usage::Usage;
use trailback_simulator::{Plan, gather};

type Failure = Box<dyn std::error::Error>;

const TIMEOUT: Duration = Duration::from_secs(900);

/// How often the start is measured.
const STARTS: usize = 31;

/// How many small log objects a batch has.
const BATCH_OBJECTS: usize = 1_000;

/// The largest log object that CloudTrail delivers.
const LARGE_BYTES: usize = 50_000_000;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        measure_start().await?;
        let logs = logs()?;
        measure_batch(&logs).await?;
        measure_large(&logs).await
    })
}

fn deployed() -> Deployment {
    let settings = [("TRAILBACK_S3_ATTEMPTS", "8")];
    Deployment::of(env!("CARGO_BIN_EXE_trailback-extract"), &settings)
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure_start() -> Result<(), Failure> {
    let mut times = Vec::new();
    let mut room = deployed();
    for _ in 0..STARTS {
        let start = Instant::now();
        room.function
            .start()
            .await
            .map_err(|status| format!("ended: {status}"))?;
        times.push(start.elapsed());
        room.function.stop().await;
    }
    times.sort();
    let (median, longest) = (times[STARTS / 2], times[STARTS - 1]);
    println!("start to ready: median {median:.1?}, longest of {STARTS} {longest:.1?}");
    Ok(())
}

/// Packed log objects of a day; most have some hundred records.
fn logs() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let plan = Plan {
        delivery_minutes: 60,
        ..Plan::default()
    };
    let (gathered, _) = gather(&plan)?;
    let mut logs = Vec::new();
    for (key, json) in gathered.objects {
        if key.contains("_CloudTrail_") && logs.len() < BATCH_OBJECTS {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&json)?;
            logs.push((key, encoder.finish()?));
        }
    }
    Ok(logs)
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure_batch(logs: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let mut room = deployed();
    room.put_logs(logs);
    let mut sizes: Vec<usize> = logs.iter().map(|(_, content)| content.len()).collect();
    sizes.sort_unstable();
    let (total, median) = (sizes.iter().sum::<usize>(), sizes[sizes.len() / 2]);
    let (count, longest) = (logs.len(), sizes[sizes.len() - 1]);
    println!(
        "batch: {count} log objects, {total} bytes packed, median {median}, longest {longest}"
    );
    let bodies: Vec<(&str, String)> = logs
        .iter()
        .map(|(key, _)| (&**key, s3_notification(TRAIL, key).to_string()))
        .collect();
    let batch = queued(bodies.iter().map(|(id, body)| (*id, &**body)));
    for name in ["cold", "again, fragments present"] {
        invoke(&mut room, name, &batch, count).await?;
    }
    // The same without what is there already: a warm process that writes everything.
    let mut fresh = deployed();
    fresh.put_logs(&logs[..1]);
    invoke(
        &mut fresh,
        "first object of a process",
        &first_of(&batch),
        1,
    )
    .await?;
    fresh.put_logs(logs);
    invoke(&mut fresh, "warm", &batch, count).await
}

fn first_of(batch: &Value) -> Value {
    serde_json::json!({"Records": [batch["Records"][0]]})
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure_large(logs: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let mut room = deployed();
    let members = logs.iter().cycle().map(|(_, content)| content);
    let mut large = Vec::with_capacity(LARGE_BYTES + 1_000_000);
    members
        .take_while(|content| {
            large.extend_from_slice(content);
            large.len() < LARGE_BYTES
        })
        .for_each(drop);
    room.s3.put(TRAIL, &logs[0].0, &large);
    println!("one log object of {} bytes", large.len());
    let body = s3_notification(TRAIL, &logs[0].0).to_string();
    invoke(&mut room, "large", &queued([("large", &*body)]), 1).await
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn invoke(
    room: &mut Deployment,
    name: &str,
    batch: &Value,
    log_objects: usize,
) -> Result<(), Failure> {
    let before = room
        .function
        .process_id()
        .map(Usage::of)
        .unwrap_or_default();
    room.s3.clear_plan();
    let start = Instant::now();
    let answer = room.function.invoke(batch, TIMEOUT).await;
    let time = start.elapsed();
    let Answer::Response(response) = &answer else {
        return Err(format!("{answer:?}: {:#?}", room.lines().await).into());
    };
    if response["batchItemFailures"]
        .as_array()
        .is_none_or(|failures| !failures.is_empty())
    {
        return Err(format!("returned: {response}").into());
    }
    let after = room
        .function
        .process_id()
        .map(Usage::of)
        .unwrap_or_default();
    let per_second = log_objects as f64 / time.as_secs_f64();
    println!(
        "  {name}: {time:.2?}, {per_second:.0} log objects a second, {:.2?} CPU, {} requests, peak {} MB",
        after.cpu.saturating_sub(before.cpu),
        room.s3.requests().len(),
        after.peak_bytes / 1_000_000,
    );
    Ok(())
}
