//! CPU time of reading a log object, beside that of unpacking alone.
//!
//! `cargo bench -p trailback-cloudtrail` generates one object of about 350 MB of text (`cargo bench -p
//! trailback-cloudtrail -- 50` one of 50 MB) with 5 % STS records among records of many services, packs it as
//! CloudTrail does, and measures, in turns, on one thread:
//!
//! - the yardstick: flate2 (zlib-rs) unpacks it, and nothing else;
//! - the reader that hands on issuances, to a closure that does nothing;
//! - the same with a closure that reads every field that an issuance has;
//! - the reader on the unpacked text: what is left without unpacking;
//! - the same, parsing every record.
//!
//! Each ratio is the median of the ratios within one round, so that a noisy neighbour spoils a round, not a figure.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::Duration;

use cpu_time::ThreadTime;
use flate2::Compression;
use flate2::write::GzEncoder;
use trailback_cloudtrail::{Fields, Limits, LogObjectReader, Record, Select};

#[path = "read/generate.rs"]
mod generate;

const ROUNDS: usize = 9;
const MEGABYTES: usize = 350;
const STS_IN_THOUSAND: u64 = 50;
const BLOCK_BYTES: usize = 256 * 1024;

/// As many as the extractor has.
const EVENT_SOURCES: [&str; 9] = [
    "sts.amazonaws.com",
    "rolesanywhere.amazonaws.com",
    "cognito-identity.amazonaws.com",
    "signin.amazonaws.com",
    "eks-auth.amazonaws.com",
    "sso.amazonaws.com",
    "sso-oauth.amazonaws.com",
    "account-access.amazonaws.com",
    "sso-oidc.amazonaws.com",
];

fn main() {
    let megabytes = std::env::args().find_map(|argument| argument.parse().ok());
    let text = generate::log_object(megabytes.unwrap_or(MEGABYTES) << 20, STS_IN_THOUSAND);
    let packed = pack(&text);
    let ratio = text.len() as f64 / packed.len() as f64;
    println!(
        "{} MB of text, {} MB packed (1 : {ratio:.1})",
        text.len() >> 20,
        packed.len() >> 20
    );

    let issuances = Select::Issuances {
        event_sources: &EVENT_SOURCES,
    };
    let mut reader = LogObjectReader::new(Limits::default());
    let mut measures: Vec<(&str, Measure<'_>)> = vec![
        (
            "inflate alone (flate2 with zlib-rs)",
            Box::new(|_| unpack(&packed)),
        ),
        (
            "read, hand on issuances",
            Box::new(|reader| read(reader, &packed, &issuances, |_| {})),
        ),
        (
            "read, and read all fields of issuances",
            Box::new(|reader| read(reader, &packed, &issuances, read_all_fields)),
        ),
        (
            "read unpacked text",
            Box::new(|reader| read(reader, &text, &issuances, |_| {})),
        ),
        (
            "read unpacked text, parse all",
            Box::new(|reader| read(reader, &text, &Select::All, |_| {})),
        ),
    ];
    let mut times = vec![Vec::new(); measures.len()];
    for _ in 0..ROUNDS {
        for (place, (_, measure)) in measures.iter_mut().enumerate() {
            let start = ThreadTime::now();
            measure(&mut reader);
            times[place].push(start.elapsed());
        }
    }
    print_table(&measures, &times, text.len());
}

type Measure<'a> = Box<dyn FnMut(&mut LogObjectReader) + 'a>;

fn print_table(measures: &[(&str, Measure<'_>)], times: &[Vec<Duration>], text_bytes: usize) {
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
            text_bytes as f64 / 1e6 / seconds,
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

fn read(
    reader: &mut LogObjectReader,
    object: &[u8],
    select: &Select<'_>,
    mut look_at: impl FnMut(&Record<'_>),
) {
    let reading = reader.read(object, select, &mut |_, record| {
        look_at(record.expect("every record is sound"));
    });
    assert!(reading.failure.is_none());
    black_box(reading.tally);
}

fn read_all_fields(record: &Record<'_>) {
    black_box((
        record.event_id(),
        record.event_time(),
        record.event_source(),
        record.event_name(),
        record.aws_region(),
        record.recipient_account_id(),
        record.request_id(),
        record.shared_event_id(),
        record.addendum(),
        record.source_ip_address(),
        record.user_agent(),
    ));
    black_box((
        record.vpc_endpoint_id(),
        record.vpc_endpoint_account_id(),
        record.error_code(),
        record.error_message(),
        record.session_credential_from_console(),
        record.user_identity(),
    ));
    let (request, response) = (record.request_parameters(), record.response_elements());
    let names = [
        "roleArn",
        "roleSessionName",
        "externalId",
        "serialNumber",
        "policy",
        "sourceIdentity",
    ];
    black_box(names.map(|name| request.text(name)));
    black_box(request.int("durationSeconds"));
    request.list("tags").for_each(|tag| {
        black_box((tag.text("key"), tag.text("value")));
    });
    request.list("policyArns").for_each(|arn| {
        black_box(arn.text("arn"));
    });
    let credentials = response.object("credentials");
    black_box((
        credentials.text("accessKeyId"),
        credentials.text("expiration"),
    ));
    let user: Fields<'_> = response.object("assumedRoleUser");
    black_box((
        user.text("arn"),
        user.text("assumedRoleId"),
        response.int("packedPolicySize"),
    ));
}
