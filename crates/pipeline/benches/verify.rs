//! What verifying a day of logs in S3 takes, with the ledger and without, beside listing the day's bucket.
//!
//! `cargo bench -p trailback-pipeline --bench verify [-- CALLS]` simulates a day of CALLS issuing calls (11,600 unless said
//! otherwise) among twenty times as many records, with CloudTrail's digests, puts it into an S3 server in this process, and
//! ingests it. Requests are those that the server counted; CPU time is that of all threads, the server's too, so the listing
//! says what a request costs at the least.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Instant;

use cpu_time::ProcessTime;
use trailback_cloudtrail::digest::{DigestName, PublicKeys};
use trailback_harness::s3_server::{ACCESS_KEY_ID, REGION, S3Server, SECRET_ACCESS_KEY};
use trailback_pipeline::extract::{ExtractOptions, extract};
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::location::{Location, S3OnDemand};
use trailback_pipeline::log_objects::{self, DeliveryDays};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::list_all;
use trailback_pipeline::store::memory::MemoryStore;
use trailback_pipeline::store::s3::{Credentials, S3Settings, S3Store};
use trailback_pipeline::verify::{VerifyOptions, verify};
use trailback_simulator::{Digests, Folder, Plan, public_keys, simulate};

type Failure = Box<dyn std::error::Error>;

const CALLS: u64 = 11_600;
const ROUNDS: usize = 3;
const BUCKET: &str = "organisation-trail";

fn main() -> Result<(), Failure> {
    let calls = std::env::args().find_map(|argument| argument.parse().ok());
    let server = S3Server::start();
    deliver(&server, calls.unwrap_or(CALLS))?;
    tokio::runtime::Runtime::new()?.block_on(measure(&server))
}

/// Simulates a day, and puts it where a trail would.
fn deliver(server: &S3Server, calls: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        calls,
        ..Plan::default()
    };
    let mut sink = Folder::create(folder.path(), None, None)?;
    let mut digests = Digests::before(&mut sink, BUCKET)?;
    simulate(&plan, &mut digests)?;
    let signatures: BTreeMap<_, _> = digests.finish()?.into_iter().collect();
    for entry in walkdir::WalkDir::new(folder.path()) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let key = entry.path().strip_prefix(folder.path())?;
            let key = key.to_str().ok_or("a key that is no text")?;
            let signature = signatures.get(key).cloned();
            let metadata = signature.map(|signature| ("signature".to_owned(), signature));
            server.put_with(BUCKET, key, &std::fs::read(entry.path())?, metadata);
        }
    }
    Ok(())
}

async fn measure(server: &S3Server) -> Result<(), Failure> {
    let s3 = S3OnDemand::new(S3Settings {
        region: Some(REGION.to_owned()),
        endpoint: Some(server.endpoint()),
        credentials: Some(Credentials::new(
            ACCESS_KEY_ID,
            SECRET_ACCESS_KEY,
            None,
            None,
            "bench",
        )),
        ..S3Settings::default()
    });
    let bucket = S3Store::new(s3.get().await.clone(), BUCKET, "");
    let trail = [Location::parse(OsStr::new(&format!("s3://{BUCKET}")))?];
    let lake = Lake::in_store(Arc::new(MemoryStore::new()), "", Access::Write).await?;
    ingest(&lake, &trail, &s3).await?;
    let keys = PublicKeys::read(public_keys()?.as_bytes())?;
    let objects = server.objects(BUCKET);
    let ends = objects.keys().filter_map(|key| DigestName::read(key));
    let newest = ends.map(|digest| digest.ended_at).max();
    let options = VerifyOptions {
        keys: Some(&keys),
        days: DeliveryDays::default(),
        reading: ExtractOptions::default(),
        now: newest.unwrap_or_default(),
    };
    for _ in 0..ROUNDS {
        let watch = Watch::start(server);
        list_all(&bucket, "").await?;
        watch.stop(
            "listing",
            &format!("{} objects", server.objects(BUCKET).len()),
        );
        for (what, lake) in [
            ("verify, with the ledger", Some(&lake)),
            ("verify, without", None),
        ] {
            let watch = Watch::start(server);
            let found = verify(&trail, &s3, lake, &options, &silent()).await?;
            let tally = &found.tally;
            let told = format!(
                "{:?}: {} log objects proven by {} digests",
                found.verdict(),
                tally.proven,
                tally.digests
            );
            watch.stop(what, &told);
        }
    }
    Ok(())
}

fn silent() -> Arc<dyn Progress> {
    Arc::new(Silent)
}

async fn ingest(lake: &Lake, trail: &[Location], s3: &S3OnDemand) -> Result<(), Failure> {
    let found = log_objects::find(trail, DeliveryDays::default(), s3, Some(lake)).await?;
    let options = ExtractOptions::default();
    extract(lake, found, &options, &silent(), &mut |_| {}).await?;
    link(lake, &LinkOptions::default(), &silent()).await?;
    Ok(())
}

/// Time and requests since it was started.
struct Watch<'s> {
    server: &'s S3Server,
    wall: Instant,
    cpu: ProcessTime,
}

impl Watch<'_> {
    fn start(server: &S3Server) -> Watch<'_> {
        server.clear_plan();
        Watch {
            server,
            wall: Instant::now(),
            cpu: ProcessTime::now(),
        }
    }

    fn stop(self, what: &str, told: &str) {
        println!(
            "{what:<24} {:>5.2} s, {:>5.2} s of CPU time, {:>4} lists, {:>6} gets; {told}",
            self.wall.elapsed().as_secs_f64(),
            self.cpu.elapsed().as_secs_f64(),
            self.server.count("ListObjectsV2"),
            self.server.count("GetObject"),
        );
    }
}
