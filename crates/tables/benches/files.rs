//! Bytes per row, rows per second and the cost of a look-up, in CPU time of this process.
//!
//! `cargo bench -p trailback-tables` writes and reads a month of a made-up organisation: 28 data objects of 36,000
//! sessions. Rows per second are for one core, the fastest of five runs. A look-up opens all 28 objects, from bytes in memory, as `trace` does.

#![allow(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpu_time::ProcessTime;
use parquet::file::metadata::ParquetMetaDataReader;
use trailback_sessions::{
    Evidence, Hop, Issuance, LinkStatus, Origin, OriginType, Session, SessionType, Text, Timestamp,
};
use trailback_tables::filter::Filter;
use trailback_tables::scan::{Scan, Step};
use trailback_tables::{
    TableError, decode_data_object, decode_fragment, encode_data_object, encode_fragment,
};

const FILES: u64 = 28;
const ROWS_PER_FILE: u64 = 36_000;

type Outcome = Result<(), Box<dyn std::error::Error>>;

type Part = fn() -> Outcome;

/// The parts, each by its name: `cargo bench -p trailback-tables --bench files -- look-ups` runs one.
const PARTS: [(&str, Part); 5] = [
    ("sessions", sessions),
    ("large", large_file),
    ("small", small_files),
    ("fragments", fragments),
    ("look-ups", look_ups),
];

fn main() -> Outcome {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    for (name, part) in PARTS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part()?;
        }
    }
    Ok(())
}

/// How often a part is run; the fastest counts.
const RUNS: usize = 5;

/// What the last run made, and the rows per second of the fastest.
fn fastest<T>(rows: u64, run: impl Fn() -> Result<T, TableError>) -> Result<(T, f64), TableError> {
    let mut best = Duration::MAX;
    let mut timed = || {
        let start = ProcessTime::now();
        let made = run();
        best = best.min(start.elapsed());
        made
    };
    for _ in 1..RUNS {
        timed()?;
    }
    let made = timed()?;
    Ok((made, rows as f64 / best.as_secs_f64()))
}

fn sessions() -> Outcome {
    let rows = organisation(1, ROWS_PER_FILE);
    let (bytes, encoding) = fastest(ROWS_PER_FILE, || encode_data_object(&rows))?;
    let bytes = Bytes::from(bytes);
    let (_, decoding) = fastest(ROWS_PER_FILE, || {
        decode_data_object::<Session>(bytes.clone())
    })?;
    println!(
        "sessions: {:.1} bytes/row",
        bytes.len() as f64 / ROWS_PER_FILE as f64
    );
    println!("  encode  {encoding:>9.0} rows/s\n  decode  {decoding:>9.0} rows/s");
    columns(&bytes)
}

/// The columns that cost most.
fn columns(file: &Bytes) -> Outcome {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
    let mut sizes = BTreeMap::<String, i64>::new();
    let (mut total, mut blooms) = (0, 0);
    for chunk in metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
    {
        *sizes.entry(chunk.column_path().string()).or_default() += chunk.compressed_size();
        total += chunk.compressed_size();
        blooms += chunk.bloom_filter_length().unwrap_or(0);
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, size)| -size);
    let rows = ROWS_PER_FILE as f64;
    let rest = file.len() as i64 - total - i64::from(blooms);
    println!(
        "  blooms {:.2}, footer and indexes {:.2} bytes/row",
        f64::from(blooms) / rows,
        rest as f64 / rows
    );
    for (name, size) in sizes.iter().take(24) {
        println!("    {:>7.2} {name}", *size as f64 / rows);
    }
    Ok(())
}

/// One data object of a large organisation's hour: several row groups.
fn large_file() -> Outcome {
    let rows = organisation(100, 400_000);
    let start = ProcessTime::now();
    let file = Bytes::from(encode_data_object(&rows)?);
    let encoding = 400_000.0 / start.elapsed().as_secs_f64();
    let size = file.len() as f64 / 400_000.0;
    println!("400,000 rows in one file: {size:.1} bytes/row, encode {encoding:.0} rows/s");
    let wanted = rows[200_000]
        .issuance
        .session
        .access_key_id
        .clone()
        .ok_or("no key")?;
    report("  by key", std::slice::from_ref(&file), &|| {
        Filter::issued_keys([wanted.clone()])
    })?;
    report("  all, 7 columns", std::slice::from_ref(&file), &|| {
        Filter::matching(|_| false)
    })
}

fn small_files() -> Outcome {
    for count in [1, 10, 100, 1000] {
        let rows = organisation(1, count);
        let issuances: Vec<Issuance> = rows.iter().map(|row| row.issuance.clone()).collect();
        println!(
            "{count:>5} rows: data object {:>7} bytes, fragment {:>7} bytes",
            encode_data_object(&rows)?.len(),
            encode_fragment(&issuances)?.len()
        );
    }
    Ok(())
}

fn fragments() -> Outcome {
    let rows: Vec<Issuance> = organisation(2, ROWS_PER_FILE)
        .into_iter()
        .map(|row| row.issuance)
        .collect();
    let (bytes, encoding) = fastest(ROWS_PER_FILE, || encode_fragment(&rows))?;
    let bytes = Bytes::from(bytes);
    let (_, decoding) = fastest(ROWS_PER_FILE, || decode_fragment::<Issuance>(bytes.clone()))?;
    println!(
        "fragments: {:.1} bytes/row",
        bytes.len() as f64 / ROWS_PER_FILE as f64
    );
    println!("  encode  {encoding:>9.0} rows/s\n  decode  {decoding:>9.0} rows/s");
    Ok(())
}

fn look_ups() -> Outcome {
    let mut files = Vec::new();
    for day in 0..FILES {
        files.push(Bytes::from(encode_data_object(&organisation(
            day,
            ROWS_PER_FILE,
        ))?));
    }
    let files = files.as_slice();
    let sample = &organisation(7, ROWS_PER_FILE)[20_000];
    let session = &sample.issuance.session;
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    println!(
        "look-ups over {} files of {ROWS_PER_FILE} rows:",
        files.len()
    );
    let key = text(&session.access_key_id);
    report("  by key", files, &|| Filter::issued_keys([key.clone()]))?;
    report("  by event", files, &|| {
        Filter::event_ids([sample.issuance.record.event_id.clone()])
    })?;
    report("  children", files, &|| {
        Filter::parents([sample.issuance.record.event_id.clone()])
    })?;
    let principal = text(&session.session_principal_id);
    let arn = text(&session.session_arn);
    let any = || {
        Filter::any([
            Filter::issued_keys([key.clone()]),
            Filter::caller_keys([key.clone()]),
            Filter::text_in("session_principal_id", [principal.clone()]).unwrap_or(Filter::all()),
            Filter::text_in("session_arn", [arn.clone()]).unwrap_or(Filter::all()),
            Filter::event_ids([key.clone()]),
        ])
    };
    report("  by five columns", files, &any)?;
    report("  one day's origin", &files[..1], &|| {
        Filter::origin(&text(&sample.origin.arn))
    })?;
    report("  nothing", files, &|| Filter::issued_keys(["ASIANOTHERE"]))
}

fn report(what: &str, files: &[Bytes], filter: &dyn Fn() -> Filter) -> Outcome {
    let mut best = Duration::MAX;
    let mut told = String::new();
    for _ in 0..RUNS {
        let start = ProcessTime::now();
        let (mut rows, mut rounds, mut ranges, mut bytes) = (0, 0, 0, 0);
        for file in files {
            let mut scan = Scan::new(file.len() as u64, filter());
            loop {
                match scan.step()? {
                    Step::Need(needed) => {
                        rounds += 1;
                        ranges += needed.len();
                        let slice = |range: &Range<u64>| {
                            file.slice(range.start as usize..range.end as usize)
                        };
                        let supplied: Vec<_> = needed.iter().map(slice).collect();
                        bytes += supplied.iter().map(Bytes::len).sum::<usize>();
                        scan.supply(needed, supplied)?;
                    }
                    Step::Rows(found) => rows += found.len(),
                    Step::Done => break,
                }
            }
        }
        best = best.min(start.elapsed());
        told = format!(
            "{rows} rows, {rounds} rounds, {ranges} ranges, {} KB",
            bytes / 1024
        );
    }
    println!("{what:<20} {:>8.2} ms ({told})", best.as_secs_f64() * 1e3);
    Ok(())
}

/// Splitmix64: the same organisation every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn uuid(&mut self) -> Text {
        let (a, b) = (self.next(), self.next());
        let text = format!("{a:016x}{b:016x}");
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
        .into()
    }

    fn id(&mut self, prefix: &str) -> Text {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let tail: String = (0..16)
            .map(|_| char::from(alphabet[self.below(32) as usize]))
            .collect();
        format!("{prefix}{tail}").into()
    }
}

fn some(text: impl Into<Text>) -> Option<Text> {
    Some(text.into())
}

/// A day's rows, sorted as the table is.
fn organisation(day: u64, count: u64) -> Vec<Session> {
    let mut random = Random(day);
    let mut rows: Vec<Session> = Vec::new();
    for number in 0..count {
        let time =
            Timestamp(1_763_596_800_000 + (day * 86_400 + number * 86_400 / count) as i64 * 1000);
        let parent = (number > 10 && random.below(3) == 0)
            .then(|| random.below(number) as usize)
            .filter(|at| rows[*at].chain.depth < 4);
        let mut row = issued(&mut random, time);
        match parent.map(|at| rows[at].clone()) {
            Some(parent) => chain(&mut row, &parent),
            None => start(&mut row, &mut random),
        }
        rows.push(row);
    }
    rows.sort_by(|a, b| {
        let order = |row: &Session| {
            (
                row.origin.origin_type,
                row.origin.arn.clone(),
                row.issuance.record.event_time,
            )
        };
        order(a).cmp(&order(b))
    });
    rows
}

fn issued(random: &mut Random, time: Timestamp) -> Session {
    let account = 111_111_111_111 + random.below(60) * 7_919_191;
    let role = random.below(400);
    let name = match random.below(3) {
        0 => format!("ci-{}", random.below(1 << 40)),
        1 => format!("person{}@example.com", random.below(900)),
        _ => format!("service-{}", random.below(200)),
    };
    let mut row = Session::default();
    let record = &mut row.issuance.record;
    record.event_id = random.uuid();
    record.event_ids = vec![record.event_id.clone()];
    record.event_time = time;
    record.event_source = some("sts.amazonaws.com");
    record.event_name = some("AssumeRole");
    record.aws_region = some(["us-east-1", "eu-central-1", "eu-west-1"][random.below(3) as usize]);
    record.recipient_account_id = some(account.to_string());
    record.request_id = Some(random.uuid());
    record.shared_event_id = (random.below(2) == 0).then(|| random.uuid());
    record.source_ip_address = some(format!("10.{}.{}.7", random.below(30), random.below(60)));
    record.user_agent = some(format!(
        "Boto3/1.34.{} md/Botocore#1.34 ua/2.0 os/linux md/arch#x86_64 lang/python#3.11",
        random.below(30)
    ));
    record.endpoint_type = some("regional");
    record.serving_region = record.aws_region.clone();
    let object = Random(time.0 as u64 / 60_000 * 1_000 + account % 60).next();
    row.issuance.log_objects = vec![format!(
        "s3://example-trail/AWSLogs/o-abcdefghij/{account}/CloudTrail/us-east-1/2026/11/20/{account}_CloudTrail_us-east-1_20261120T0505Z_{object:016x}.json.gz"
    ).into()];
    let session = &mut row.issuance.session;
    session.session_type = SessionType::AssumedRole;
    session.access_key_id = Some(random.id("ASIA"));
    session.session_principal_id =
        some(format!("AROA{:016X}:{name}", Random(account + role).next()));
    session.session_arn = some(format!(
        "arn:aws:sts::{account}:assumed-role/application-role-{role}/{name}"
    ));
    session.session_name = some(name);
    session.role_arn = some(format!(
        "arn:aws:iam::{account}:role/application-role-{role}"
    ));
    session.role_name = some(format!("application-role-{role}"));
    session.role_account_id = some(account.to_string());
    session.expires_at = Some(Timestamp(time.0 + 3_600_000));
    session.duration_seconds = (random.below(2) == 0).then_some(3600);
    if random.below(10) == 0 {
        row.issuance.tags.session_tags =
            [("team".into(), format!("team{}", random.below(30)).into())].into();
        row.effective_tags = row.issuance.tags.session_tags.clone();
    }
    row.effective_tags_known = true;
    row.issuance.extract_version = 1;
    row
}

fn start(row: &mut Session, random: &mut Random) {
    let user = random.below(900);
    let (origin_type, arn, key) = match random.below(3) {
        0 => (
            OriginType::IAMUser,
            some(format!("arn:aws:iam::111111111111:user/user{user}")),
            Some(Random(user).id("AKIA")),
        ),
        1 => (OriginType::AWSService, None, None),
        _ => (
            OriginType::IdentityCenterUser,
            some(format!(
                "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_Administrator_0123456789abcdef/person{user}@example.com"
            )),
            Some(random.id("ASIA")),
        ),
    };
    let caller = &mut row.issuance.caller;
    caller.caller_type = some(if arn.is_some() {
        "IAMUser"
    } else {
        "AWSService"
    });
    caller.caller_arn.clone_from(&arn);
    caller.caller_access_key_id.clone_from(&key);
    caller.caller_account_id = some("111111111111");
    caller.caller_invoked_by = arn.is_none().then(|| "lambda.amazonaws.com".into());
    row.link.status = LinkStatus::Origin;
    row.origin = Arc::new(Origin {
        known: true,
        origin_type,
        arn,
        name: some(format!("person{user}")),
        account_id: some("111111111111"),
        access_key_id: key,
        event_id: row.issuance.record.event_id.clone(),
        event_time: row.issuance.record.event_time,
        source_ip_address: row.issuance.record.source_ip_address.clone(),
        user_agent: row.issuance.record.user_agent.clone(),
        ..Origin::default()
    });
}

fn chain(row: &mut Session, parent: &Session) {
    let (record, session) = (&parent.issuance.record, &parent.issuance.session);
    let caller = &mut row.issuance.caller;
    caller.caller_type = some("AssumedRole");
    caller.caller_arn.clone_from(&session.session_arn);
    caller
        .caller_principal_id
        .clone_from(&session.session_principal_id);
    caller
        .caller_account_id
        .clone_from(&session.role_account_id);
    caller
        .caller_access_key_id
        .clone_from(&session.access_key_id);
    caller
        .caller_session_issuer_arn
        .clone_from(&session.role_arn);
    caller.caller_session_created_at = Some(record.event_time);
    row.issuance.mfa.caller_mfa = Some(false);
    row.link.status = LinkStatus::Linked;
    row.link.evidence = Some(Evidence::IssuedKey);
    row.link.parent_event_id = Some(record.event_id.clone());
    row.link
        .parent_access_key_id
        .clone_from(&session.access_key_id);
    row.origin = Arc::clone(&parent.origin);
    row.chain.depth = parent.chain.depth + 1;
    row.chain.hops.clone_from(&parent.chain.hops);
    row.chain.hops.push(Arc::new(Hop {
        event_id: record.event_id.clone(),
        event_time: record.event_time,
        event_name: record.event_name.clone(),
        access_key_id: session.access_key_id.clone(),
        role_arn: session.role_arn.clone(),
        account_id: session.role_account_id.clone(),
        session_arn: session.session_arn.clone(),
        source_ip_address: record.source_ip_address.clone(),
        session_mfa: None,
        link_evidence: parent.link.evidence,
    }));
    row.chain.crosses_accounts = true;
}
