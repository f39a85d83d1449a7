//! Killed anywhere, run again: the table is the one of an uninterrupted run.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use trailback_simulator::{Folder, Plan, simulate};

use crate::room::{Room, table, told};

/// How often a run is killed before one may end.
const KILLS: u32 = 12;

fn simulated_logs(folder: &Path) {
    let plan = Plan {
        calls: 2_000,
        ..Plan::small(7)
    };
    let mut logs = Folder::create(folder, None, None).unwrap();
    simulate(&plan, &mut logs).unwrap();
    logs.finish().unwrap();
}

#[test]
fn a_killed_ingest_run_again_gives_the_same_table() {
    let whole = Room::new();
    let logs = whole.path("logs");
    simulated_logs(&logs);
    let logs = logs.display().to_string();
    let started = Instant::now();
    let uninterrupted = whole.run(&["ingest", &logs]);
    let lasted = started.elapsed();
    assert_eq!(
        uninterrupted.status.code(),
        Some(0),
        "{}",
        told(&uninterrupted)
    );
    let expected = table(&whole.lake());
    assert!(!expected.is_empty());

    let killed = Room::new();
    let mut ended_early = 0;
    for number in 0..KILLS {
        // Moments spread over the whole run, early ones and late ones, whatever the speed of this machine.
        let moment = lasted.mul_f64(f64::from(number * 7 % KILLS) / f64::from(KILLS));
        let mut command = killed.command(&["ingest", &logs]);
        let mut running = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(moment.max(Duration::from_millis(1)));
        ended_early += u32::from(running.try_wait().unwrap().is_none());
        running.kill().unwrap();
        running.wait().unwrap();
    }
    println!("{ended_early} of {KILLS} runs were killed before their end");
    let resumed = killed.run(&["ingest", &logs]);
    assert_eq!(resumed.status.code(), Some(0), "{}", told(&resumed));
    assert_eq!(table(&killed.lake()), expected);
    let left: Vec<String> = crate::room::files(&killed.lake())
        .into_keys()
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(left.is_empty(), "temporary files were swept: {left:?}");
    fs::remove_dir_all(killed.lake()).unwrap();
}
