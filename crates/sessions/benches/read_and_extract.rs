//! CPU time from the bytes of a log object to its rows, beside that of unpacking it.
//!
//! `cargo bench -p trailback-sessions --bench read_and_extract` takes the object of the benchmark of reading (350 MB of
//! text, 5 % STS records) and measures, in turns, on one thread: unpacking alone; reading that hands on issuances to
//! nobody; reading and extracting every row, which is kept until its lot is full, as on the way to a fragment.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::hint::black_box;

use trailback_cloudtrail::{Limits, LogObjectReader, Record, Select};
use trailback_sessions::{ISSUING_EVENT_SOURCES, Issuance, extract};

#[path = "../../cloudtrail/benches/read/generate.rs"]
mod generate;
#[path = "../../cloudtrail/benches/read/rounds.rs"]
mod rounds;

use rounds::{LogObject, Measure};

/// How many rows are kept at once.
const LOT: usize = 4096;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let object = LogObject::generate();
    let mut rows: Vec<Issuance> = Vec::with_capacity(LOT);
    let keep = |record: &Record<'_>| {
        rows.extend(extract(record).expect("every record is sound"));
        if rows.len() == LOT {
            black_box(&rows);
            rows.clear();
        }
    };
    rounds::measure(
        &object,
        [
            reading("read, hand on issuances", &object, |_| {}),
            reading("read and extract", &object, keep),
        ],
    );
}

fn reading<'a>(
    name: &'a str,
    object: &'a LogObject,
    mut on_record: impl FnMut(&Record<'_>) + 'a,
) -> Measure<'a> {
    const ISSUANCES: Select<'_> = Select::Issuances {
        event_sources: ISSUING_EVENT_SOURCES,
    };
    let mut reader = LogObjectReader::new(Limits::default());
    let work = move || {
        let reading = reader.read(object.packed.as_slice(), &ISSUANCES, &mut |_, record| {
            on_record(record.expect("every record is sound"));
        });
        assert!(reading.failure.is_none());
        black_box(reading.tally);
    };
    (name, Box::new(work))
}
