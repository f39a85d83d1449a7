//! Linking in memory: sessions per second of CPU time on one core, from 10^4 to 10^7 rows.
//!
//! `cargo bench -p trailback-sessions --bench link [-- LARGEST]`, LARGEST a power of ten (a row takes about 1.3 KB here, so
//! 7 needs 13 GB of memory).
//! Rows are AssumeRole calls over 36 hours in the order of time: 60 % by IAM users, 40 % by one of the last thousand
//! sessions, half of these by a key that was never logged (session context). Each size is linked three times; the
//! table gives the median. "Linking" finds every row's parent, origin and chain; "handing out" moves the rows
//! with it. Making the rows and freeing them is not measured.

use cpu_time::ThreadTime;
use trailback_sessions::{Issuance, LOOK_BACK_MS, Timestamp, link_each};

#[path = "link/calls.rs"]
mod calls;

use calls::{Calls, Dice, START_MS};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() {
    let largest: u32 = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .next_back()
        .unwrap_or(6);
    println!(
        "{:>10} {:>26} {:>26} {:>9}",
        "", "linking", "and handing out rows", ""
    );
    println!(
        "{:>10} {:>12} {:>13} {:>12} {:>13} {:>9}",
        "sessions", "ns/session", "sessions/s", "ns/session", "sessions/s", "linked"
    );
    for size in (4..=largest).map(|power| 10_usize.pow(power)) {
        let mut runs: Vec<Run> = (0..3).map(|_| measure(size)).collect();
        runs.sort_by(|a, b| a.linking.total_cmp(&b.linking));
        let Run {
            linking,
            handing_out,
            linked,
        } = runs[1];
        let nanoseconds = |seconds: f64| 1e9 * seconds / size as f64;
        let rate = |seconds: f64| size as f64 / seconds;
        println!(
            "{size:>10} {:>12.0} {:>13.0} {:>12.0} {:>13.0} {linked:>9}",
            nanoseconds(linking),
            rate(linking),
            nanoseconds(linking + handing_out),
            rate(linking + handing_out),
        );
    }
}

/// CPU seconds of one run.
#[derive(Clone, Copy)]
struct Run {
    linking: f64,
    handing_out: f64,
    linked: usize,
}

/// Linked rows are taken over in lots of this many; between two lots the clock stands still and they are freed.
const LOT: usize = 4096;

fn measure(size: usize) -> Run {
    let rows = issuances(size);
    let mut before = ThreadTime::now();
    let mut each = link_each(rows, &[]);
    let mut run = Run {
        linking: before.elapsed().as_secs_f64(),
        handing_out: 0.0,
        linked: 0,
    };
    let mut lot = Vec::with_capacity(LOT);
    loop {
        before = ThreadTime::now();
        lot.extend(each.by_ref().take(LOT));
        run.handing_out += before.elapsed().as_secs_f64();
        if lot.is_empty() {
            return run;
        }
        run.linked += lot.iter().filter(|session| session.chain.depth > 0).count();
        lot.clear();
    }
}

fn issuances(size: usize) -> Vec<Issuance> {
    let calls = Calls::new();
    let mut dice = Dice::default();
    let mut rows: Vec<Issuance> = Vec::with_capacity(size);
    for place in 0..size {
        let at = START_MS + place as i64 * LOOK_BACK_MS / size as i64;
        let mut row = calls.assume_role(place, Timestamp(at - at % 1000));
        if place > 0 && dice.below(10) < 4 {
            let back = 1 + dice.below(place.min(1000));
            calls.make_by(&mut row, &rows[place - back], dice.below(2) == 0);
        }
        rows.push(row);
    }
    rows
}
