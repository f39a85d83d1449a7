//! CPU time of reading a log object, beside that of unpacking alone.
//!
//! `cargo bench -p trailback-cloudtrail` generates one object of about 350 MB of text (`cargo bench -p
//! trailback-cloudtrail -- 50` one of 50 MB) with 5 % STS records among records of many services, packs it as
//! CloudTrail does, and measures, in turns, on one thread:
//!
//! - the yardstick: flate2 (zlib-rs) unpacks it, and nothing else;
//! - the reader that hands on issuances, to a closure that does nothing;
//! - the reader on the unpacked text: what is left without unpacking;
//! - the same, parsing every record.
//!
//! Reading with extraction is measured in `crates/sessions`, which knows how.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::hint::black_box;

use trailback_cloudtrail::{Limits, LogObjectReader, Select};

#[path = "read/generate.rs"]
mod generate;
#[path = "read/rounds.rs"]
mod rounds;

use rounds::{LogObject, Measure};

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

const ISSUANCES: Select<'_> = Select::Issuances {
    event_sources: &EVENT_SOURCES,
};

fn main() {
    let object = LogObject::generate();
    let LogObject { text, packed } = &object;
    rounds::measure(
        &object,
        [
            reading("read, hand on issuances", packed, ISSUANCES),
            reading("read unpacked text", text, ISSUANCES),
            reading("read unpacked text, parse all", text, Select::All),
        ],
    );
}

fn reading<'a>(name: &'a str, object: &'a [u8], select: Select<'a>) -> Measure<'a> {
    let mut reader = LogObjectReader::new(Limits::default());
    let work = move || {
        let reading = reader.read(object, &select, &mut |_, record| {
            black_box(record.expect("every record is sound"));
        });
        assert!(reading.failure.is_none());
        black_box(reading.tally);
    };
    (name, Box::new(work))
}
