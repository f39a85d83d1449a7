//! What hashing log objects costs, beside extracting them without.
//!
//! `cargo bench -p trailback-pipeline --bench hash -- [MEGABYTES]` packs one log object with so much text (100 unless said
//! otherwise), and the same text in objects of about 100 KB, and extracts both with and without hashing, in turns, into a
//! lake in memory. Each ratio is the median of the ratios within one round, so that a noisy neighbour spoils a round, not a
//! figure. CPU time is that of all threads.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use flate2::Compression;
use flate2::write::GzEncoder;
use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::log_objects::folders;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::memory::MemoryStore;

#[path = "../../cloudtrail/benches/read/generate.rs"]
mod generate;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 7;
const MEGABYTES: usize = 100;
const SMALL_OBJECT_BYTES: usize = 100 << 10;
const STS_IN_THOUSAND: u64 = 50;

fn main() -> Result<(), Failure> {
    let megabytes = std::env::args().find_map(|argument| argument.parse().ok());
    let bytes = megabytes.unwrap_or(MEGABYTES) << 20;
    let room = tempfile::tempdir()?;
    let (one, many) = (room.path().join("one"), room.path().join("many"));
    deliver(&one, bytes, 1)?;
    deliver(&many, SMALL_OBJECT_BYTES, bytes / SMALL_OBJECT_BYTES)?;
    let runtime = tokio::runtime::Runtime::new()?;
    for (name, folder) in [("one object", one), ("objects of 100 KB", many)] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let without = runtime.block_on(measure(&folder, false))?;
            let with = runtime.block_on(measure(&folder, true))?;
            rounds.push([
                with.wall.div_duration_f64(without.wall),
                with.cpu.div_duration_f64(without.cpu),
            ]);
        }
        let [wall, cpu] = [0, 1].map(|place| median(rounds.iter().map(|round| round[place])));
        println!("{name:<20} with hashes to without: {wall:.3} wall, {cpu:.3} CPU");
    }
    Ok(())
}

/// Writes so many log objects with so much text each.
fn deliver(folder: &Path, text_bytes: usize, objects: usize) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let text = generate::log_object(text_bytes, STS_IN_THOUSAND);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text)?;
    let packed = encoder.finish()?;
    for object in 0..objects {
        std::fs::write(folder.join(format!("{object}.json.gz")), &packed)?;
    }
    Ok(())
}

struct Cost {
    wall: Duration,
    cpu: Duration,
}

async fn measure(folder: &PathBuf, hash_log_objects: bool) -> Result<Cost, Failure> {
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let lake = Lake::in_store(Arc::new(MemoryStore::new()), "", Access::Write).await?;
    let log_objects = folders::find(std::slice::from_ref(folder)).await?;
    let options = ExtractOptions {
        hash_log_objects,
        ..ExtractOptions::default()
    };
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    extract(&lake, log_objects, &options, &silent, &mut |_| {}).await?;
    Ok(Cost {
        wall: wall.elapsed(),
        cpu: cpu.elapsed(),
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
