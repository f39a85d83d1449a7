//! Measures the steps over a simulated organisation in a folder.
//!
//! `cargo bench -p trailback-pipeline -- [CALLS] [HOURS] [STS_SHARE]` (100,000 calls in 72 hours, all records of
//! issuing services, unless said otherwise). The simulation is written to a temporary folder first and takes no part
//! in the figures. Each line tells wall time, CPU time of all threads, and the peak of resident memory during the
//! step. Look-ups are told as the median and the greatest of fifty, each with a lake that is opened anew; the files are
//! in the page cache, as on a machine that has just ingested them.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::find::{TimeRange, ancestors, descendants, find, list};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::log_objects::folders;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_sessions::{Session, Subject};
use trailback_simulator::{Folder, Plan, simulate};
use trailback_tables::filter::Filter;

type Failure = Box<dyn std::error::Error>;

const ALWAYS: TimeRange = TimeRange {
    since: None,
    until: None,
};

fn main() -> Result<(), Failure> {
    let arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let arguments: Vec<String> = arguments.collect();
    if let [word, logs, rest @ ..] = &arguments[..]
        && word == "--simulate"
    {
        return write_logs(Path::new(logs), rest);
    }
    let room = tempfile::tempdir()?;
    let logs = room.path().join("logs");
    // In a process of its own, so that its memory is not in the figures.
    let mut simulation = Command::new(std::env::current_exe()?);
    simulation
        .arg("--simulate")
        .arg(&logs)
        .args(&arguments)
        .status()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&logs, &room.path().join("lake")))
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
fn write_logs(logs: &Path, arguments: &[String]) -> Result<(), Failure> {
    let number = |place: usize, default: f64| {
        arguments
            .get(place)
            .map_or(Ok(default), |word| word.parse::<f64>())
    };
    let (calls, hours, sts_share) = (number(0, 100_000.0)?, number(1, 72.0)?, number(2, 1.0)?);
    let plan = Plan {
        calls: calls as u64,
        duration: hours as i64 * 3600,
        sts_share,
        ..Plan::organisation(7)
    };
    let tally = simulate(&plan, &mut Folder::create(logs, None, None)?)?;
    println!(
        "{} records in {} objects, {} MB unpacked",
        tally.records,
        tally.objects,
        tally.unpacked_bytes / 1_000_000
    );
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
async fn measure(logs: &Path, folder: &Path) -> Result<(), Failure> {
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let lake = Lake::in_folder(folder, Access::Write).await?;
    let clock = Clock::start();
    let log_objects = folders::find(&[logs.to_owned()]).await?;
    let options = ExtractOptions::default();
    let extracted = extract(&lake, log_objects, &options, &silent, &mut |_| {})
        .await?
        .tally;
    let rows = extracted.records.issuances + extracted.records.witnesses;
    clock.tell("extract", rows, "rows");
    println!("  {} fragments", extracted.fragments_written);
    let clock = Clock::start();
    let linked = link(&lake, &LinkOptions::default(), &silent)
        .await?
        .sessions;
    clock.tell("link", linked.rows, "rows");
    let clock = Clock::start();
    link(&lake, &LinkOptions::default(), &silent).await?;
    clock.tell("link, nothing new", linked.hours, "hours");
    let options = LinkOptions {
        rebuild: true,
        recent_rows: 0,
        ..LinkOptions::default()
    };
    let clock = Clock::start();
    let rebuilt = link(&lake, &options, &silent).await?.sessions;
    clock.tell("rebuild, nothing kept in memory", rebuilt.rows, "rows");
    drop(lake);

    let clock = Clock::start();
    let mut rows = 0;
    let mut sample: Vec<Session> = Vec::new();
    let mut take = |part: Vec<Session>| {
        rows += part.len() as u64;
        let deep = part
            .into_iter()
            .filter(|row| row.issuance.session.access_key_id.is_some());
        sample.extend(deep.step_by(997).take(10));
        ControlFlow::Continue(())
    };
    list(&read(folder).await?, &Filter::all(), &ALWAYS, &mut take).await?;
    clock.tell("list everything", rows, "rows");
    look_up(folder, &sample).await
}

async fn look_up(folder: &Path, sample: &[Session]) -> Result<(), Failure> {
    let (mut traces, mut by_event, mut onward) = (Vec::new(), Vec::new(), Vec::new());
    for row in sample.iter().cycle().take(50) {
        let Some(key) = row.issuance.session.access_key_id.clone() else {
            continue;
        };
        let start = Instant::now();
        let lake = read(folder).await?;
        let found = find(&lake, &Subject::AccessKeyId(key.clone()), &ALWAYS).await?;
        for session in &found {
            ancestors(&lake, session).await?;
        }
        traces.push(start.elapsed());
        let start = Instant::now();
        let event_id = Subject::EventId(row.issuance.record.event_id.clone());
        find(&read(folder).await?, &event_id, &ALWAYS).await?;
        by_event.push(start.elapsed());
        let start = Instant::now();
        descendants(&read(folder).await?, &Subject::AccessKeyId(key), &ALWAYS).await?;
        onward.push(start.elapsed());
    }
    tell_times("trace a key to its origin", traces);
    tell_times("find an event", by_event);
    tell_times("descendants of a key", onward);
    Ok(())
}

async fn read(folder: &Path) -> Result<Lake, Failure> {
    Ok(Lake::in_folder(folder, Access::Read).await?)
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
fn tell_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    if let (Some(median), Some(last)) = (times.get(times.len() / 2), times.last()) {
        println!("{what:<32} {median:>10.1?} median {last:>10.1?} max");
    }
}

struct Clock {
    wall: Instant,
    cpu: ProcessTime,
}

impl Clock {
    fn start() -> Clock {
        // Linux: forget the peak of resident memory.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Clock {
            wall: Instant::now(),
            cpu: ProcessTime::now(),
        }
    }

    #[allow(clippy::print_stdout, reason = "a benchmark prints")]
    fn tell(&self, what: &str, count: u64, of: &str) {
        let (wall, cpu) = (self.wall.elapsed(), self.cpu.elapsed());
        let rate = count as f64 / wall.as_secs_f64();
        let peak = peak_kib().map_or_else(String::new, |kib| format!("{:>6} MiB", kib / 1024));
        println!("{what:<32} {wall:>8.2?} wall {cpu:>8.2?} cpu {peak} {count} {of}, {rate:.0}/s");
    }
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
