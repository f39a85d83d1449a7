//! Ways of going through one log object, measured in turns beside bare inflating.
//!
//! Each ratio is the median of the ratios within one round, so that a noisy neighbour spoils a round, not a figure.

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::Duration;

use cpu_time::ThreadTime;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::generate;

const ROUNDS: usize = 9;
const MEGABYTES: usize = 350;
const STS_IN_THOUSAND: u64 = 50;
const BLOCK_BYTES: usize = 256 * 1024;

/// One log object, as text and as CloudTrail delivers it.
pub(crate) struct LogObject {
    pub(crate) text: Vec<u8>,
    pub(crate) packed: Vec<u8>,
}

impl LogObject {
    /// As many megabytes of text as the command line says, else 350, with 5 % STS records.
    pub(crate) fn generate() -> LogObject {
        let megabytes = std::env::args().find_map(|argument| argument.parse().ok());
        let text = generate::log_object(megabytes.unwrap_or(MEGABYTES) << 20, STS_IN_THOUSAND);
        let packed = pack(&text);
        LogObject { text, packed }
    }
}

/// A name, and what it costs to do.
pub(crate) type Measure<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// Measures inflating and `others` in turns, on this thread, and prints a table.
pub(crate) fn measure<'a>(object: &'a LogObject, others: impl IntoIterator<Item = Measure<'a>>) {
    let inflate: Measure<'_> = (
        "inflate alone (flate2 with zlib-rs)",
        Box::new(|| unpack(&object.packed)),
    );
    let mut measures: Vec<Measure<'_>> = std::iter::once(inflate).chain(others).collect();
    let mut times = vec![Vec::new(); measures.len()];
    for _ in 0..ROUNDS {
        for (place, (_, work)) in measures.iter_mut().enumerate() {
            let start = ThreadTime::now();
            work();
            times[place].push(start.elapsed());
        }
    }
    print_table(object, &measures, &times);
}

fn print_table(object: &LogObject, measures: &[Measure<'_>], times: &[Vec<Duration>]) {
    let (text, packed) = (object.text.len(), object.packed.len());
    println!(
        "{} MB of text, {} MB packed (1 : {:.1})",
        text >> 20,
        packed >> 20,
        text as f64 / packed as f64
    );
    println!(
        "{:<42} {:>10} {:>10} {:>12}",
        "", "CPU ms", "MB/s", "to inflate"
    );
    for ((name, _), own) in measures.iter().zip(times) {
        let seconds = median(own.iter().map(Duration::as_secs_f64));
        let to_inflate = own
            .iter()
            .zip(&times[0])
            .map(|(own, inflate)| own.div_duration_f64(*inflate));
        println!(
            "{name:<42} {:>10.1} {:>10.0} {:>12.3}",
            seconds * 1e3,
            text as f64 / 1e6 / seconds,
            median(to_inflate)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text)
        .and_then(|()| encoder.finish())
        .expect("a vector takes everything")
}

#[expect(
    clippy::disallowed_types,
    reason = "the yardstick that the reader is measured with"
)]
fn unpack(packed: &[u8]) {
    let mut decoder = flate2::bufread::MultiGzDecoder::new(packed);
    let mut block = vec![0; BLOCK_BYTES];
    while decoder.read(&mut block).expect("the object is sound") > 0 {
        black_box(&block);
    }
}
