//! Measures what linking one hour costs an organisation of any size, with the 36 hours before it linked already.
//!
//! `cargo bench -p trailback-function-link --bench hour [-- SESSIONS_A_DAY [HOURS [FOLDER]]]` (1,000,000 and 36 unless said
//! otherwise). Calls, at most 10,000 an hour, are simulated, extracted and, but for those of the 37th hour, linked by the
//! program itself. Where more is asked for, the organisation is copied with other identifiers: every copy has its own chains,
//! gaps and ambiguous rows. Only the HOURS before the last have all copies: 36 of an organisation of 100,000,000 a day take 30
//! GB. The lake is made in FOLDER (a temporary one, unless said otherwise) and kept where FOLDER is given, so that the
//! measurement can be repeated alone.
//!
//! Then the last hour's fragments are added, as extraction would leave them, and linked in a process of its own. Its time, CPU
//! time, peak memory and what it asks of the store are told.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use trailback_harness::usage::Usage;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::progress::{Progress, Silent};

#[path = "hour/copies.rs"]
mod copies;
#[path = "hour/made.rs"]
mod made;
#[path = "hour/simulated.rs"]
mod simulated;

/// As in the function.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// The argument with which this program calls itself to measure.
const MEASURE: &str = "measure";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if let [mode, folder] = &arguments[..]
        && mode == MEASURE
    {
        return runtime.block_on(measure(Path::new(folder)));
    }
    let sessions_a_day = arguments
        .first()
        .map_or(Ok(1_000_000), |word| word.parse())?;
    let temporary = tempfile::tempdir()?;
    let behind = arguments.get(1).map_or(Ok(36), |word| word.parse())?;
    let kept = arguments.get(2).map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| temporary.path().join("lake"));
    if !folder.exists() {
        runtime.block_on(made::lake(&folder, sessions_a_day, behind))?;
    }
    // A process of its own, so that its memory is its own; as deployed, it gives back what it does not use.
    let mut child = Command::new(std::env::current_exe()?);
    child
        .arg(MEASURE)
        .arg(&folder)
        .env("MIMALLOC_PURGE_DELAY", "0");
    let status = child.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("measuring ended: {status}").into())
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure(folder: &Path) -> Result<(), Failure> {
    let (lake, counts) = Lake::in_folder(folder, Access::Write).await?.counted();
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let start = Instant::now();
    let tally = link(&lake, &LinkOptions::default(), &silent)
        .await?
        .sessions;
    let time = start.elapsed();
    let usage = Usage::of(std::process::id());
    if tally.hours_linked != 1 {
        return Err(format!("linked {} hours, not the last alone", tally.hours_linked).into());
    }
    let rows = tally.rows_linked;
    println!(
        "{rows} sessions of one hour, {} before it: {time:.1?}, {:.1?} CPU, peak {} MB, {} requests, {} MB read",
        tally.rows - rows,
        usage.cpu,
        usage.peak_bytes / 1_000_000,
        counts.requests(),
        counts.bytes_read() / 1_000_000,
    );
    println!("{:?}", tally.evidence);
    // Linked anew by the next run.
    made::forget_last_hour(&lake).await
}
